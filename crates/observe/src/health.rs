//! Whether this process is ready, and if not, what is missing where.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dashmap::DashMap;

/// How one owned partition stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionState {
    /// Its state is being read back.
    Restoring,
    /// It reads its inputs, but has not reached their ends yet. Ready.
    CatchingUp,
    /// It has read all that there is. Ready.
    CaughtUp,
    /// It cannot go on for now, and why: *the schema registry does not answer*.
    Waiting(String),
}

impl fmt::Display for PartitionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartitionState::Restoring => f.write_str("restoring"),
            PartitionState::CatchingUp => f.write_str("catching up"),
            PartitionState::CaughtUp => f.write_str("caught up"),
            PartitionState::Waiting(why) => write!(f, "waiting: {why}"),
        }
    }
}

/// The health of a process: written by its lanes, read over HTTP. Cheap to clone.
#[derive(Clone, Default)]
pub struct Health(Arc<Shared>);

#[derive(Default)]
struct Shared {
    partitions: DashMap<i32, PartitionState>,
    lanes: DashMap<usize, Lane>,
    /// What runs beside the lanes, with what keeps it from being ready.
    parts: DashMap<&'static str, Option<String>>,
    /// What ran beside the lanes and has ended, with why.
    ended: DashMap<&'static str, String>,
    without_lanes: AtomicBool,
}

/// What a lane has said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lane {
    Starting,
    Assigned,
    Ended(String),
}

impl Health {
    /// A lane begins: the process is not ready before it has been told what it owns.
    pub fn lane_starts(&self, lane: usize) {
        self.0.lanes.insert(lane, Lane::Starting);
    }

    /// A lane has been told what it owns, were it nothing.
    pub fn lane_assigned(&self, lane: usize) {
        self.0.lanes.insert(lane, Lane::Assigned);
    }

    /// A lane has ended; the process is not alive any more.
    pub fn lane_ended(&self, lane: usize, why: impl Into<String>) {
        self.0.lanes.insert(lane, Lane::Ended(why.into()));
    }

    /// Something that runs beside the lanes, and what keeps it from being ready; none: it is.
    pub fn part(&self, part: &'static str, missing: Option<String>) {
        self.0.parts.insert(part, missing);
    }

    /// Something that ran beside the lanes has ended; the process is not alive any more.
    pub fn part_ended(&self, part: &'static str, why: impl Into<String>) {
        self.0.ended.insert(part, why.into());
    }

    /// The process has no lanes: it is ready without them.
    pub fn without_lanes(&self) {
        self.0.without_lanes.store(true, Ordering::Relaxed);
    }

    /// How an owned partition stands now.
    pub fn partition(&self, partition: i32, state: PartitionState) {
        self.0.partitions.insert(partition, state);
    }

    /// A partition is another's now.
    pub fn released(&self, partition: i32) {
        self.0.partitions.remove(&partition);
    }

    /// How each owned partition stands, by number.
    pub fn partitions(&self) -> BTreeMap<i32, PartitionState> {
        self.0.partitions.iter().map(|entry| (*entry.key(), entry.value().clone())).collect()
    }

    /// What keeps the process from being ready, a line each; empty: ready.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = self.dead();
        let starting = self.0.lanes.iter().filter(|lane| *lane.value() == Lane::Starting).count();
        if self.0.lanes.is_empty() && self.0.without_lanes.load(Ordering::Relaxed) {
            // Its parts are all there is.
        } else if self.0.lanes.is_empty() {
            missing.push("no lane has started yet".to_owned());
        } else if starting > 0 {
            missing.push(format!("{starting} of {} lanes own nothing yet", self.0.lanes.len()));
        }
        for (partition, state) in self.partitions() {
            if matches!(state, PartitionState::Restoring | PartitionState::Waiting(_)) {
                missing.push(format!("partition {partition}: {state}"));
            }
        }
        for part in &self.0.parts {
            missing.extend(part.value().as_ref().map(|why| format!("{}: {why}", part.key())));
        }
        missing
    }

    /// The lanes and parts that have ended, a line each; empty: alive.
    pub fn dead(&self) -> Vec<String> {
        let mut dead: Vec<_> = self
            .0
            .lanes
            .iter()
            .filter_map(|lane| match lane.value() {
                Lane::Ended(why) => Some(format!("lane {}: ended: {why}", lane.key())),
                Lane::Starting | Lane::Assigned => None,
            })
            .collect();
        dead.extend(self.0.ended.iter().map(|part| format!("{}: ended: {}", part.key(), part.value())));
        dead.sort();
        dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ready_once_every_lane_has_its_share_and_every_partition_its_state() {
        let health = Health::default();
        assert_eq!(health.missing(), ["no lane has started yet"]);
        health.lane_starts(0);
        health.lane_starts(1);
        health.lane_assigned(0);
        assert_eq!(health.missing(), ["1 of 2 lanes own nothing yet"]);
        health.lane_assigned(1);
        health.partition(3, PartitionState::Restoring);
        assert_eq!(health.missing(), ["partition 3: restoring"]);
        health.partition(3, PartitionState::CatchingUp);
        assert_eq!(health.missing(), Vec::<String>::new());
        health.partition(3, PartitionState::Waiting("the schema registry does not answer".to_owned()));
        assert_eq!(health.missing(), ["partition 3: waiting: the schema registry does not answer"]);
        health.released(3);
        assert_eq!(health.missing(), Vec::<String>::new());
    }

    #[test]
    fn a_process_without_lanes_is_ready_when_its_parts_are() {
        let health = Health::default();
        health.without_lanes();
        health.part("gateway", Some("reading its directory".to_owned()));
        assert_eq!(health.missing(), ["gateway: reading its directory"]);
        health.part("gateway", None);
        assert_eq!(health.missing(), Vec::<String>::new());
    }

    #[test]
    fn a_part_that_ended_is_neither_alive_nor_ready() {
        let health = Health::default();
        health.lane_assigned(0);
        health.part("gateway", None);
        health.part_ended("gateway", "it panicked");
        assert_eq!(health.dead(), ["gateway: ended: it panicked"]);
        assert_eq!(health.missing(), ["gateway: ended: it panicked"]);
    }

    #[test]
    fn a_lane_that_ended_is_neither_alive_nor_ready() {
        let health = Health::default();
        health.lane_assigned(0);
        assert!(health.dead().is_empty());
        health.lane_ended(0, "fenced");
        assert_eq!(health.dead(), ["lane 0: ended: fenced"]);
        assert_eq!(health.missing(), ["lane 0: ended: fenced"]);
    }
}
