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
///
/// What a clone is told of lanes and partitions is of its [stage](Self::of_stage); what it tells is of all of them.
#[derive(Clone, Default)]
pub struct Health {
    shared: Arc<Shared>,
    stage: Stage,
}

/// Which stage a lane or a partition is of: `None` is detect, which is not named.
type Stage = Option<&'static str>;

#[derive(Default)]
struct Shared {
    partitions: DashMap<(Stage, i32), PartitionState>,
    lanes: DashMap<(Stage, usize), Lane>,
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
    /// The same health, for the lanes of another stage than detect.
    pub fn of_stage(&self, stage: &'static str) -> Health {
        Health { shared: Arc::clone(&self.shared), stage: Some(stage) }
    }

    /// A lane begins: the process is not ready before it has been told what it owns.
    pub fn lane_starts(&self, lane: usize) {
        self.shared.lanes.insert((self.stage, lane), Lane::Starting);
    }

    /// A lane has been told what it owns, were it nothing.
    pub fn lane_assigned(&self, lane: usize) {
        self.shared.lanes.insert((self.stage, lane), Lane::Assigned);
    }

    /// A lane has ended; the process is not alive any more.
    pub fn lane_ended(&self, lane: usize, why: impl Into<String>) {
        self.shared.lanes.insert((self.stage, lane), Lane::Ended(why.into()));
    }

    /// A lane has done all that it was to do: nothing is to be said of it any more.
    pub fn lane_finished(&self, lane: usize) {
        self.shared.lanes.remove(&(self.stage, lane));
    }

    /// Something that runs beside the lanes, and what keeps it from being ready; none: it is.
    pub fn part(&self, part: &'static str, missing: Option<String>) {
        self.shared.parts.insert(part, missing);
    }

    /// Something that ran beside the lanes has ended; the process is not alive any more.
    pub fn part_ended(&self, part: &'static str, why: impl Into<String>) {
        self.shared.ended.insert(part, why.into());
    }

    /// The process has no lanes: it is ready without them.
    pub fn without_lanes(&self) {
        self.shared.without_lanes.store(true, Ordering::Relaxed);
    }

    /// How an owned partition stands now.
    pub fn partition(&self, partition: i32, state: PartitionState) {
        self.shared.partitions.insert((self.stage, partition), state);
    }

    /// A partition is another's now.
    pub fn released(&self, partition: i32) {
        self.shared.partitions.remove(&(self.stage, partition));
    }

    /// How each owned partition of this stage stands, by number.
    pub fn partitions(&self) -> BTreeMap<i32, PartitionState> {
        let of_all = self.of_all_stages().into_iter();
        of_all
            .filter(|((stage, _), _)| *stage == self.stage)
            .map(|((_, partition), state)| (partition, state))
            .collect()
    }

    /// How each owned partition of every stage stands, by what it is called: `partition 3`, `score partition 3`.
    pub fn standings(&self) -> Vec<(String, PartitionState)> {
        let told = self.of_all_stages().into_iter();
        told.map(|((stage, partition), state)| (called(stage, "partition", partition), state)).collect()
    }

    fn of_all_stages(&self) -> BTreeMap<(Stage, i32), PartitionState> {
        self.shared.partitions.iter().map(|entry| (*entry.key(), entry.value().clone())).collect()
    }

    /// What keeps the process from being ready, a line each; empty: ready.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = self.dead();
        let starting = self.shared.lanes.iter().filter(|lane| *lane.value() == Lane::Starting).count();
        if self.shared.lanes.is_empty() && self.shared.without_lanes.load(Ordering::Relaxed) {
            // Its parts are all there is.
        } else if self.shared.lanes.is_empty() {
            missing.push("no lane has started yet".to_owned());
        } else if starting > 0 {
            missing.push(format!("{starting} of {} lanes own nothing yet", self.shared.lanes.len()));
        }
        for (partition, state) in self.standings() {
            if matches!(state, PartitionState::Restoring | PartitionState::Waiting(_)) {
                missing.push(format!("{partition}: {state}"));
            }
        }
        for part in &self.shared.parts {
            missing.extend(part.value().as_ref().map(|why| format!("{}: {why}", part.key())));
        }
        missing
    }

    /// The lanes and parts that have ended, a line each; empty: alive.
    pub fn dead(&self) -> Vec<String> {
        let mut dead: Vec<_> = self
            .shared
            .lanes
            .iter()
            .filter_map(|lane| match lane.value() {
                Lane::Ended(why) => {
                    let (stage, number) = *lane.key();
                    Some(format!("{}: ended: {why}", called(stage, "lane", number)))
                }
                Lane::Starting | Lane::Assigned => None,
            })
            .collect();
        dead.extend(self.shared.ended.iter().map(|part| format!("{}: ended: {}", part.key(), part.value())));
        dead.sort();
        dead
    }
}

fn called(stage: Stage, what: &str, number: impl fmt::Display) -> String {
    match stage {
        Some(stage) => format!("{stage} {what} {number}"),
        None => format!("{what} {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_its_lanes_and_its_partitions() {
        let health = Health::default();
        let score = health.of_stage("score");
        health.lane_assigned(0);
        score.lane_starts(0);
        assert_eq!(health.missing(), ["1 of 2 lanes own nothing yet"]);
        score.lane_assigned(0);
        health.partition(3, PartitionState::CaughtUp);
        score.partition(3, PartitionState::Restoring);
        assert_eq!(health.missing(), ["score partition 3: restoring"]);
        assert_eq!(health.partitions()[&3], PartitionState::CaughtUp);
        score.released(3);
        assert_eq!(score.missing(), Vec::<String>::new());
        score.lane_ended(0, "fenced");
        assert_eq!(health.dead(), ["score lane 0: ended: fenced"]);
        score.lane_finished(0);
        assert_eq!(health.dead(), Vec::<String>::new());
    }

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
