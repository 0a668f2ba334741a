//! The topics as they should be: one list, from which `topics create`, `topics check` and the start's own check follow.

/// What a topic is kept for, and so how it is cleaned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// By time: `cleanup.policy=delete` with this `retention.ms`.
    Delete {
        /// Milliseconds.
        retention_ms: i64,
    },
    /// By key: `cleanup.policy=compact` with this bound on how long a forgotten key may linger
    /// (`max.compaction.lag.ms`) and on how long its tombstone stays (`delete.retention.ms`).
    Compact {
        /// Milliseconds.
        max_compaction_lag_ms: i64,
        /// Milliseconds.
        delete_retention_ms: i64,
    },
}

/// A topic as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name on the cluster.
    pub name: String,
    /// Whether it must have as many partitions as `tickets`.
    pub co_partitioned: bool,
    /// How it is cleaned.
    pub cleanup: Cleanup,
    /// Whether the broker stamps its records (`message.timestamp.type=LogAppendTime`): all inputs. Only a warning.
    pub append_time: bool,
    /// Whether Tierline writes to it (and so needs the right to).
    pub written: bool,
    /// Whether Tierline reads from it.
    pub read: bool,
}
