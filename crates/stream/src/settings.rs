//! How a lane is to run, and how it can end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tierline_model::Millis;
use tierline_observe::Health;
use tierline_observe::why::LaneQuestions;

use crate::checkpoint::{Disk, FileSystem};
use crate::clock::ClockMode;
use crate::log::Failure;

/// How a lane is to run.
#[derive(Clone)]
pub struct LaneSettings {
    /// The lane's number within its process: for logs and health.
    pub lane: usize,
    /// What the tasks' clocks follow.
    pub clock: ClockMode,
    /// Drain the inputs, run the clocks on to here, commit, end. For one lane that owns everything.
    pub until: Option<Millis>,
    /// A transaction lasts no longer than this, real time; half a second where more than 10,000 records of an input wait.
    pub commit_interval: Duration,
    /// With nothing to do, how long a lane waits for the driver's next record before it looks at its side inputs.
    pub idle_wait: Duration,
    /// How often the inputs' ends are asked for when no timer is due, real time.
    pub ask_interval: Duration,
    /// What an input of a task may have waiting, bytes; above, its reading pauses.
    pub inbox_bytes: usize,
    /// A dead letter's key, value and headers are cut above this, bytes. Below what the cluster takes.
    pub dead_letter_bytes: usize,
    /// Where checkpoints lie; none: every restore reads the whole changelog.
    pub checkpoints: Option<Checkpoints>,
    /// Where readiness is told.
    pub health: Health,
    /// Where questions about its tickets lie.
    pub questions: LaneQuestions,
    /// Makes the id of a changelog at its creation.
    pub incarnation: fn() -> u128,
}

/// When and where checkpoints are made.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// A folder of this process's own.
    pub folder: PathBuf,
    /// At the latest after this much time, if anything changed: real time, whatever the clock follows, for it bounds what
    /// a restart has to read.
    pub interval: Duration,
    /// At the latest after this many bytes of changelog.
    pub bytes: u64,
    /// So many entries are written at a time, and a few more; the lane goes on with its work in between.
    pub piece: usize,
    /// Older ones are void: half of the changelog's `delete.retention.ms`, for tombstones may be gone. By the wall that
    /// append times are of, as those go: a scaled one too.
    pub max_age: Duration,
    /// What the folder is on.
    pub disk: Arc<dyn Disk>,
}

impl Checkpoints {
    /// Every five minutes or 256 MiB, void after half a day (half of what `topics create` keeps tombstones for).
    pub fn in_folder(folder: impl Into<PathBuf>) -> Checkpoints {
        Checkpoints {
            folder: folder.into(),
            interval: Duration::from_secs(300),
            bytes: 256 << 20,
            // Some 10 ms of each commit.
            piece: 8_192,
            max_age: Duration::from_secs(12 * 3600),
            disk: Arc::new(FileSystem),
        }
    }
}

impl Default for LaneSettings {
    fn default() -> LaneSettings {
        LaneSettings {
            lane: 0,
            clock: ClockMode::Wall,
            until: None,
            commit_interval: Duration::from_millis(100),
            idle_wait: Duration::from_millis(10),
            ask_interval: Duration::from_millis(250),
            inbox_bytes: 8 << 20,
            dead_letter_bytes: 900_000,
            checkpoints: None,
            health: Health::default(),
            questions: LaneQuestions::default(),
            incarnation: || uuid::Uuid::new_v4().as_u128(),
        }
    }
}

/// Why a lane ended before it was told to. The process ends with it.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// Another process or lane has taken this one's place.
    #[error("this instance's place was taken by another: {0}; start it again, under an instance name of its own")]
    Fenced(String),
    /// Nothing that going on could mend.
    #[error("{0}")]
    Fatal(String),
}

impl LaneError {
    /// The end that a failure means; the mendable ones have been mended before, as often as was sensible.
    pub(crate) fn from_failure(failure: Failure) -> LaneError {
        match failure {
            Failure::Fenced(why) => LaneError::Fenced(why),
            other => LaneError::Fatal(other.to_string()),
        }
    }
}
