//! What a lane does when tasks come and go.

use std::collections::BTreeMap;
use std::time::Duration;

use tierline_model::Millis;
use tierline_observe::PartitionState;
use tierline_observe::events::{RestoreWaits, Restored as RestoredEvent};

use super::{Lane, lasted};
use crate::checkpoint;
use crate::log::{Failure, InputId, Log, Ownership, Partition};
use crate::restore::{Watch, other_number, refuse_other_number, restore};
use crate::settings::LaneError;
use crate::stage::{Stage, Stages};

/// The restores for which the log could not say all that they need.
#[derive(Default)]
pub(super) struct Awaited {
    /// How often each has been tried.
    tried: BTreeMap<Partition, u32>,
    /// When they are tried again, by the real wall.
    again_at: Option<Millis>,
}

/// So long after a restore had to wait it is tried again. Meanwhile the lane sees to its other tasks, and to the group.
const TRY_AGAIN: Millis = 250;

/// After so long the lane sees to them before it goes on restoring; one restore may take longer.
const IN_ONE_GO: Millis = 1_000;

impl Awaited {
    /// Whether they may be tried.
    pub(super) fn is_time(&self, now: Millis) -> bool {
        // By a clock that was put back it is never longer than was meant.
        !self.again_at.is_some_and(|at| (1..=TRY_AGAIN).contains(&(at - now)))
    }

    /// The next try need not wait.
    pub(super) fn hurry(&mut self) {
        self.again_at = None;
    }
}

impl<L: Log, S: Stages> Lane<L, S> {
    /// Answers a change of ownership.
    pub(super) fn change(&mut self, change: Ownership, wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        match change {
            Ownership::Assigned(partitions) => self.take_over(partitions, wall),
            Ownership::Revoked(partitions) => self.hand_over(&partitions, wall),
            Ownership::Lost(partitions) => self.let_go(&partitions, wall()),
        }
    }

    /// Tasks are ours: each is restored and started.
    fn take_over(&mut self, partitions: Vec<Partition>, wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        let partitions_now = self.check_partitions()?;
        if self.partitions > 0 && self.partitions != partitions_now {
            return Err(other_number(&format!("the tasks here were made with {}", self.partitions), partitions_now));
        }
        self.partitions = partitions_now;
        self.settings.health.lane_assigned(self.settings.lane);
        // Before anything is committed: an abort would forget what is told only once.
        self.owned.extend(&partitions);
        self.restore_missing(wall)
    }

    /// Tasks are to be given up in order.
    fn hand_over(&mut self, partitions: &[Partition], wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        match self.write_out().and_then(|()| self.commit(wall)) {
            Ok(()) => {}
            // They go as they stood at the last commit.
            Err(failure @ (Failure::Abort(_) | Failure::Refused(_))) => {
                self.survive(failure, wall()).map_err(as_failure)?;
            }
            Err(other) => return Err(other),
        }
        self.forget(partitions)
    }

    /// Tasks may be another's already: nothing may be committed for them, so nothing of this transaction is. Until the
    /// group answers again, nobody knows what is ours.
    fn let_go(&mut self, partitions: &[Partition], now: Millis) -> Result<(), Failure> {
        tracing::warn!(
            lane = self.settings.lane,
            ?partitions,
            "the group has taken these tasks back: the session was lost"
        );
        let is_touched = self.tasks.iter().flatten().any(|task| task.touched);
        if is_touched {
            self.survive(Failure::Abort("the session with the group was lost".to_owned()), now).map_err(as_failure)?;
        }
        self.forget(partitions)?;
        if self.owned.is_empty() {
            self.settings.health.lane_starts(self.settings.lane);
        }
        Ok(())
    }

    fn forget(&mut self, partitions: &[Partition]) -> Result<(), Failure> {
        for &partition in partitions {
            self.owned.remove(&partition);
            self.awaited.tried.remove(&partition);
            if let Some(task) = self.tasks.get_mut(partition as usize) {
                *task = None;
            }
            checkpoint::delete(&self.settings, self.stages.name(), partition);
            self.settings.health.released(partition);
            self.metrics.released(partition);
            self.checkpoints.forget(partition);
        }
        self.show_holdings();
        self.log.release(partitions)
    }

    /// Brings back tasks that are ours and not here, after an abort all of them, as many as there is time for; the others
    /// at the next step. First what the rest have done is committed, for a restore may take longer than a transaction
    /// may. What the log cannot tell now is waited for, by those alone that need it.
    pub(super) fn restore_missing(&mut self, wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        self.write_out()?;
        self.commit(wall)?;
        let is_here = |partition: &Partition| self.tasks.get(*partition as usize).is_some_and(Option::is_some);
        let mut missing: Vec<_> = self.owned.iter().copied().filter(|partition| !is_here(partition)).collect();
        missing.sort_by_key(|partition| self.awaited.tried.get(partition).copied().unwrap_or(0));
        let (began, mut must_wait, mut are_left) = (wall(), false, false);
        for partition in missing {
            if lasted(began, wall()) > IN_ONE_GO {
                are_left = true;
                break;
            }
            match self.restore_one(partition, wall) {
                Ok(()) => drop(self.awaited.tried.remove(&partition)),
                Err(Failure::Later(why)) => {
                    must_wait = true;
                    let tried = self.awaited.tried.entry(partition).or_default();
                    *tried += 1;
                    RestoreWaits { partition, why: &why, tried: *tried }.emit(&self.metrics);
                    self.settings.health.partition(partition, PartitionState::Waiting(why));
                }
                Err(other) => return Err(other),
            }
        }
        self.must_restore = must_wait || are_left;
        self.awaited.again_at = must_wait.then(|| wall() + TRY_AGAIN);
        Ok(())
    }

    /// Whether the log can say all that a restore asks it, of one that had to wait: its state may take long to read, and
    /// would be read in vain.
    fn can_be_told(&mut self, partition: Partition) -> Result<(), Failure> {
        self.log.output_end(self.stages.changelog(), partition)?;
        (0..self.inputs.len()).try_for_each(|place| self.log.range(InputId(place as u16), partition).map(drop))
    }

    fn restore_one(&mut self, partition: Partition, wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        let began = wall();
        if self.awaited.tried.contains_key(&partition) {
            self.can_be_told(partition)?;
        }
        self.settings.health.partition(partition, PartitionState::Restoring);
        let Lane { log, stages, settings, partitions, metrics, .. } = self;
        let restored = restore(log, stages, partition, *partitions, settings, Watch { wall, metrics })?;
        // What was there before had this number; of nothing but new tasks, that is asked once.
        if restored.entries == 0 && !self.has_right_number {
            refuse_other_number(log, stages, partition, *partitions)?;
        }
        self.has_right_number = true;
        log.start(partition, &restored.positions)?;
        let mut task = restored.task;
        // Rules may have changed since: what came of that is written with the first transaction.
        task.stage.outputs(&mut self.pending.outbox(partition, None), &mut self.metrics);
        task.touched = true;
        let place = partition as usize;
        if self.tasks.len() <= place {
            self.tasks.resize_with(place + 1, || None);
        }
        self.tasks[place] = Some(task);
        let took = Duration::from_millis((wall() - began).max(0) as u64);
        let (entries, from_checkpoint) = (restored.entries, restored.from_checkpoint);
        RestoredEvent { partition, entries, from_checkpoint, took }.emit(&self.metrics);
        Ok(())
    }

    /// How many partitions the inputs have: one number for all of them.
    fn check_partitions(&mut self) -> Result<i32, Failure> {
        let counts = self.log.partitions()?;
        let driver = counts.first().map_or(0, |&(_, count)| count);
        let differing: Vec<String> = counts
            .iter()
            .filter(|&&(_, count)| count != driver)
            .map(|&(input, count)| format!("{} has {count}", self.inputs[usize::from(input.0)].topic))
            .collect();
        if driver > 0 && differing.is_empty() {
            return Ok(driver);
        }
        Err(Failure::Fatal(format!(
            "every input must have as many partitions as {}, which has {driver}: {}",
            self.inputs[0].topic,
            differing.join(", ")
        )))
    }
}

/// A lane's end, on its way through a function that speaks of failures.
fn as_failure(error: LaneError) -> Failure {
    match error {
        LaneError::Fenced(why) => Failure::Fenced(why),
        LaneError::Fatal(why) => Failure::Fatal(why),
    }
}
