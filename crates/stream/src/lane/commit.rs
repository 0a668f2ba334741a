//! Making it durable: outputs, changelog, task records and positions in one transaction, each task's driver position in
//! it as the fence, though only a timer fired.

use std::time::Duration;

use tierline_engine::planted::{Bug, planted};
use tierline_model::Millis;
use tierline_observe::events::{Aborted, CheckpointPutOff, CheckpointSaved, Committed as CommittedEvent};

use super::{Blame, Lane, Step, Transaction, lasted};
use crate::checkpoint::{self, Making, Stamp};
use crate::log::{Committed, Failure, InputId, Log, Offset, Partition, Write};
use crate::outbox::size;
use crate::settings::LaneError;
use crate::stage::{Stage, Stages};
use crate::task_record;

/// How long the last checkpoints may take, milliseconds: whoever stops a process does not wait for long.
const LAST_CHECKPOINTS: Millis = 4_000;

/// Where more records of an input wait than these, a task is behind.
const BEHIND: i64 = 10_000;

/// A lane that is behind commits less often: what it waits for at each commit is then mostly the log, and what comes out
/// is late already.
const WHILE_BEHIND: Duration = Duration::from_millis(500);

/// How far each task has come since its last checkpoint, and the one that is being written.
#[derive(Default)]
pub(super) struct Progress {
    tasks: rustc_hash::FxHashMap<Partition, Since>,
    under_way: Option<UnderWay>,
}

/// A checkpoint of which a piece is written after each commit.
struct UnderWay {
    partition: Partition,
    making: Making,
    /// How far its task had come.
    since: Since,
}

#[derive(Clone, Copy)]
struct Since {
    at: Millis,
    bytes: u64,
}

impl<L: Log, S: Stages> Lane<L, S> {
    /// Gives the log what the stages wrote so far: early, so that a commit has little left to wait for.
    pub(super) fn write_out(&mut self) -> Result<(), Failure> {
        if planted(Bug::PositionBeforeOutput) && self.tasks.iter().flatten().any(|task| task.touched) {
            return Ok(());
        }
        let Lane { log, pending, transaction, stages, .. } = self;
        let dead_letters = stages.dead_letters();
        pending.write_to(log, |cause, output, size| {
            transaction.hands_over(Blame { cause, dead_letter: output == dead_letters }, size);
        })?;
        transaction.writing = None;
        Ok(())
    }

    /// Commits if anything happened, and nothing more is there to do or the interval is over.
    pub(super) fn commit_when_due(&mut self, is_drained: bool, wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        if !self.tasks.iter().flatten().any(|task| task.touched) {
            // All is committed: a checkpoint need not wait for more.
            self.continue_checkpoint();
            return Ok(());
        }
        let now = wall();
        let began = *self.transaction.began.get_or_insert(now);
        if !is_drained && lasted(began, now) < self.interval().as_millis() as Millis {
            return Ok(());
        }
        self.write_out()?;
        self.commit(wall)
    }

    /// How long a transaction lasts.
    fn interval(&self) -> Duration {
        let interval = self.settings.commit_interval;
        let is_behind = self.tasks.iter().flatten().any(|task| task.is_behind(BEHIND));
        if is_behind { interval.max(WHILE_BEHIND) } else { interval }
    }

    /// Commits everything that happened since the last time; nothing, if nothing did.
    pub(super) fn commit(&mut self, wall: &dyn Fn() -> Millis) -> Result<(), Failure> {
        let now = wall();
        let due = self.checkpoint_due(now);
        for (partition, offset) in self.commit_stamping(&due, wall)? {
            self.begin_checkpoint(partition, offset, now);
        }
        self.continue_checkpoint();
        Ok(())
    }

    /// Commits: the lane ends. Of which tasks there may be a checkpoint now, and from which offset of the changelog on a
    /// restart would read behind it; first the one that a restart would read most of.
    pub(super) fn commit_for_good(&mut self, wall: &dyn Fn() -> Millis) -> Result<Vec<(Partition, Offset)>, Failure> {
        self.checkpoints.abandon();
        let mut all: Vec<_> = match self.settings.checkpoints {
            Some(_) => self.tasks.iter().flatten().map(|task| task.partition).collect(),
            None => Vec::new(),
        };
        let grown = |partition: &Partition| self.checkpoints.tasks.get(partition).map_or(u64::MAX, |since| since.bytes);
        all.sort_by_key(|partition| std::cmp::Reverse(grown(partition)));
        self.commit_stamping(&all, wall)
    }

    /// The lane has ended, and others go on with its tasks already: leaves checkpoints, as far as there is time.
    /// `committed_at` is when the last commit began.
    pub(super) fn leave_checkpoints(
        &mut self,
        stamps: Vec<(Partition, Offset)>,
        committed_at: Millis,
        wall: &dyn Fn() -> Millis,
    ) {
        let began = wall();
        for (partition, offset) in stamps {
            self.save_checkpoint(partition, offset, committed_at, &|| lasted(began, wall()) > LAST_CHECKPOINTS);
        }
    }

    /// Commits; from which offset of the changelog on a checkpoint of each of these tasks would be read.
    fn commit_stamping(
        &mut self,
        due: &[Partition],
        wall: &dyn Fn() -> Millis,
    ) -> Result<Vec<(Partition, Offset)>, Failure> {
        let began = wall();
        // A checkpoint speaks of the changelog from before this transaction on: its tail then begins with a task record
        // that says which changelog it is.
        let mut stamps = Vec::new();
        for &partition in due {
            match self.log.output_end(self.stages.changelog(), partition) {
                Ok(end) => stamps.push((partition, end)),
                // A checkpoint is no reason to end: there will be others.
                Err(Failure::Fatal(why) | Failure::Later(why)) => {
                    CheckpointPutOff { partition, why: &why }.emit(&self.metrics);
                    self.checkpoints.tasks.insert(partition, Since { at: wall(), bytes: 0 });
                    break;
                }
                Err(other) => return Err(other),
            }
            if let Some(Some(task)) = self.tasks.get_mut(partition as usize) {
                task.touched = true;
            }
        }
        let positions = self.write_changes()?;
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let mut fence = positions.clone();
        if planted(Bug::UnfencedTimer) {
            let took =
                |partition: Partition| self.tasks[partition as usize].as_ref().is_some_and(|it| it.largest.is_some());
            fence.retain(|&(partition, _)| took(partition));
        }
        match self.log.commit(&fence)? {
            Committed::Yes => {}
            Committed::Aborted => return Err(Failure::Abort("the commit did not take effect".to_owned())),
        }
        if planted(Bug::CheckpointStampedLate) {
            for (partition, offset) in &mut stamps {
                *offset = self.log.output_end(self.stages.changelog(), *partition)?.max(*offset + 8);
            }
        }
        let now = wall();
        // Append times are of this wall, a scaled one's too.
        let wall_now = self.settings.clock.wall(now);
        self.transaction = Transaction::default();
        self.commits += 1;
        for &(partition, _) in &positions {
            if let Some(Some(task)) = self.tasks.get_mut(partition as usize) {
                task.stage.committed(wall_now, &mut self.metrics);
                task.touched = false;
                task.largest = None;
            }
        }
        if planted(Bug::PositionBeforeOutput) {
            self.write_out()?;
            self.log.commit(&positions)?;
        }
        self.show_holdings();
        CommittedEvent { took: Duration::from_millis((now - began).max(0) as u64) }.emit(&mut self.metrics);
        Ok(stamps)
    }

    /// Writes the changelog of every task that was touched; their positions.
    fn write_changes(&mut self) -> Result<Vec<(Partition, Offset)>, Failure> {
        let Lane { log, tasks, stages, transaction, checkpoints, inputs, partitions, .. } = self;
        let output = stages.changelog();
        let mut positions = Vec::new();
        for task in tasks.iter_mut().flatten().filter(|task| task.touched) {
            task.look_where_it_stands(log);
            let partition = task.partition;
            let blame = Blame { cause: task.largest.map(|(_, cause)| cause), dead_letter: false };
            let mut bytes = 0;
            let mut written = Ok(());
            let mut put = |key: &[u8], value: Option<&[u8]>| {
                if written.is_ok() {
                    let write = Write { output, partition, key: Some(key), value, headers: &[] };
                    let size = size(&write);
                    bytes += size as u64;
                    transaction.hands_over(blame, size);
                    written = log.write(write);
                }
            };
            task.stage.changes(&mut put);
            let record = task.record(inputs, *partitions);
            put(task_record::KEY, Some(&record.encode()));
            written?;
            positions.push((partition, task.position(InputId::DRIVER)));
            checkpoints.grew(partition, bytes);
        }
        transaction.writing = None;
        Ok(positions)
    }

    /// Tells metrics how much the lane's tasks hold.
    pub(super) fn show_holdings(&mut self) {
        let mut sum = (0, [0, 0]);
        for task in self.tasks.iter().flatten() {
            let (tickets, [two, three]) = task.stage.holds();
            sum = (sum.0 + tickets, [sum.1[0] + two, sum.1[1] + three]);
        }
        self.metrics.holds(sum.0, sum.1);
    }

    /// One task whose checkpoint is due: one at a time.
    fn checkpoint_due(&mut self, now: Millis) -> Vec<Partition> {
        let Some(settings) = &self.settings.checkpoints else { return Vec::new() };
        if self.checkpoints.under_way.is_some() {
            return Vec::new();
        }
        let interval = settings.interval.as_millis() as Millis;
        for task in self.tasks.iter().flatten() {
            let since = self.checkpoints.tasks.entry(task.partition).or_insert(Since { at: now, bytes: 0 });
            if since.bytes >= settings.bytes || (since.bytes > 0 && lasted(since.at, now) >= interval) {
                return vec![task.partition];
            }
        }
        Vec::new()
    }

    /// From this commit on: nothing of it is written yet.
    fn begin_checkpoint(&mut self, partition: Partition, offset: Offset, now: Millis) {
        let (Some(settings), Some(Some(task))) = (&self.settings.checkpoints, self.tasks.get(partition as usize))
        else {
            return;
        };
        let fresh = Since { at: now, bytes: 0 };
        let since = self.checkpoints.tasks.insert(partition, fresh).unwrap_or(fresh);
        let stamp = Stamp { incarnation: task.incarnation, offset, made_at: self.settings.clock.wall(now) };
        match Making::begin(settings, self.stages.name(), partition, stamp) {
            Ok(making) => self.checkpoints.under_way = Some(UnderWay { partition, making, since }),
            Err(error) => {
                CheckpointSaved { partition, folder: &settings.folder, saved: Err(error) }.emit(&self.metrics);
            }
        }
    }

    /// Everything is committed: the checkpoint that is under way gets its next piece of that.
    fn continue_checkpoint(&mut self) {
        let Some(mut under_way) = self.checkpoints.under_way.take() else { return };
        let partition = under_way.partition;
        let (Some(settings), Some(Some(task))) = (&self.settings.checkpoints, self.tasks.get(partition as usize))
        else {
            return under_way.making.abandon();
        };
        let saved = match under_way.making.write_on(&task.stage, settings.piece) {
            Ok(false) => {
                self.checkpoints.under_way = Some(under_way);
                return;
            }
            Ok(true) => under_way.making.finish(),
            Err(error) => {
                under_way.making.abandon();
                Err(error)
            }
        };
        CheckpointSaved { partition, folder: &settings.folder, saved }.emit(&self.metrics);
    }

    fn save_checkpoint(&mut self, partition: Partition, offset: Offset, now: Millis, is_late: &dyn Fn() -> bool) {
        let (Some(settings), Some(Some(task))) = (&self.settings.checkpoints, self.tasks.get(partition as usize))
        else {
            return;
        };
        let (name, incarnation) = (self.stages.name(), task.incarnation);
        let stamp = Stamp { incarnation, offset, made_at: self.settings.clock.wall(now) };
        let saved = checkpoint::save(settings, name, partition, &task.stage, stamp, is_late);
        CheckpointSaved { partition, folder: &settings.folder, saved }.emit(&self.metrics);
    }

    /// What a failure means for the lane: some are mended by starting over from what is committed.
    pub(super) fn survive(&mut self, failure: Failure, now: Millis) -> Result<Step, LaneError> {
        match failure {
            Failure::Abort(why) => self.start_over(&why, now),
            Failure::Refused(why) => {
                self.find_the_guilty(&why)?;
                self.start_over(&why, now)
            }
            other => Err(LaneError::from_failure(other)),
        }
    }

    /// Condemns the record that led to a refused write.
    fn find_the_guilty(&mut self, why: &str) -> Result<(), LaneError> {
        let heaviest = self.transaction.heaviest.map(|(_, blame)| blame);
        match self.transaction.writing.or(heaviest) {
            Some(Blame { cause: Some(cause), dead_letter }) if self.condemned.condemn(cause, dead_letter, why) => {
                Ok(())
            }
            _ => Err(LaneError::Fatal(format!(
                "the log refuses what Tierline has to write, and no input record can be set aside for it: {why}. Raise \
                 the topics' max.message.bytes"
            ))),
        }
    }

    /// Drops everything that isn't committed, state included. The next step restores it.
    fn start_over(&mut self, why: &str, now: Millis) -> Result<Step, LaneError> {
        let after = self.transaction.began.map_or(0, |began| (now - began).max(0));
        Aborted { lane: self.settings.lane, why, after: Duration::from_millis(after as u64) }.emit(&mut self.metrics);
        self.transaction = Transaction::default();
        self.pending.clear();
        if planted(Bug::AbortKeepsState) {
            return self.log.abort().map(|()| Step::StartedOver).map_err(LaneError::from_failure);
        }
        self.tasks.clear();
        // What is brought back lies in other places.
        self.checkpoints.abandon();
        self.must_restore = true;
        self.awaited.hurry();
        match self.log.abort() {
            Ok(()) | Err(Failure::Abort(_) | Failure::Refused(_)) => Ok(Step::StartedOver),
            Err(other) => Err(LaneError::from_failure(other)),
        }
    }
}

impl Transaction {
    /// The log is about to be given a write of this size.
    fn hands_over(&mut self, blame: Blame, size: usize) {
        self.writing = Some(blame);
        if self.heaviest.is_none_or(|(heaviest, _)| size > heaviest) {
            self.heaviest = Some((size, blame));
        }
    }
}

impl Progress {
    fn grew(&mut self, partition: Partition, bytes: u64) {
        if let Some(since) = self.tasks.get_mut(&partition) {
            since.bytes += bytes;
        }
    }

    /// A task isn't this lane's any more.
    pub(super) fn forget(&mut self, partition: Partition) {
        if self.under_way.as_ref().is_some_and(|under_way| under_way.partition == partition) {
            self.abandon();
        }
        self.tasks.remove(&partition);
    }

    /// The checkpoint that is under way will not be; its task has come as far as if it had not been begun.
    fn abandon(&mut self) {
        let Some(UnderWay { partition, making, since: before }) = self.under_way.take() else { return };
        making.abandon();
        if let Some(since) = self.tasks.get_mut(&partition) {
            *since = Since { at: before.at, bytes: before.bytes + since.bytes };
        }
    }
}
