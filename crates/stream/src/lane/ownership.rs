//! What a lane does when tasks come and go.

use std::time::Duration;

use tierline_model::Millis;
use tierline_observe::PartitionState;
use tierline_observe::events::Restored as RestoredEvent;

use super::Lane;
use crate::checkpoint;
use crate::log::{Failure, Log, Ownership, Partition};
use crate::restore::{Watch, restore};
use crate::settings::LaneError;
use crate::stage::{Stage, Stages};

impl<L: Log, S: Stages> Lane<L, S> {
    /// Answers a change of ownership.
    pub(super) fn change(&mut self, change: Ownership, wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        match change {
            Ownership::Assigned(partitions) => self.take_over(partitions, wall),
            Ownership::Revoked(partitions) => self.hand_over(&partitions, wall),
            Ownership::Lost(partitions) => self.let_go(&partitions, wall()),
        }
    }

    /// Tasks are ours: what the others have done is committed, for a restore may take longer than a transaction may;
    /// then each is restored and started.
    fn take_over(&mut self, partitions: Vec<Partition>, wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        let partitions_now = self.check_partitions()?;
        if self.partitions > 0 && self.partitions != partitions_now {
            return Err(Failure::Fatal(format!(
                "the inputs have {partitions_now} partitions now, and the tasks here were made with {}: an account's \
                 records would be split between tasks. Restore the former number, or name new topics for state and inputs",
                self.partitions
            )));
        }
        self.partitions = partitions_now;
        self.settings.health.lane_assigned(self.settings.lane);
        self.owned.extend(&partitions);
        self.write_out()?;
        self.commit(wall)?;
        partitions.into_iter().try_for_each(|partition| self.restore_one(partition, wall))
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

    /// Brings back every task that is ours, after an abort.
    pub(super) fn restore_all(&mut self, wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        let owned: Vec<_> = self.owned.iter().copied().collect();
        owned.into_iter().try_for_each(|partition| self.restore_one(partition, wall))?;
        self.must_restore = false;
        Ok(())
    }

    fn restore_one(&mut self, partition: Partition, wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        let began = wall();
        self.settings.health.partition(partition, PartitionState::Restoring);
        let Lane { log, stages, settings, partitions, metrics, .. } = self;
        let restored = restore(log, stages, partition, *partitions, settings, Watch { wall, metrics })?;
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
