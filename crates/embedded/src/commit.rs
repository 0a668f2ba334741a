//! The one way into the store: many may ask at once, one writes for all of them, one sync confirms them all.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tierline_model::Millis;
use tierline_stream::log::{Failure, Offset, Partition};
use tierline_stream::topics::Cleanup;

use crate::batch::Batch;
use crate::frame;
use crate::run::Run;
use crate::store::{Fence, Store, stopped};
use crate::sweep::{self, Swept, Tables};
use crate::tables::{self, ENDS, NEWEST, POSITIONS, RECORDS, SUPERSEDED, TOMBSTONES};

/// Who waits to be written. The first to come writes for all that have come until it begins.
#[derive(Default)]
pub struct Queue {
    line: Mutex<Line>,
    turn: Condvar,
    /// Held from the check of the fences until what was written is visible. A lane that takes tasks over takes it too,
    /// and so reads a changelog behind which nothing of its predecessor's is hidden.
    writing: Mutex<()>,
}

#[derive(Default)]
struct Line {
    waiting: Vec<(u64, Job)>,
    done: HashMap<u64, Result<Batch, Failure>>,
    next: u64,
    led: bool,
}

struct Job {
    batch: Batch,
    fence: Option<Fence>,
}

/// Answers everybody it wrote for, also when it panics: nobody waits for ever.
struct Leader<'a> {
    store: &'a Store,
    who: Vec<u64>,
    outcomes: Vec<Result<Batch, Failure>>,
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let mut outcomes = std::mem::take(&mut self.outcomes).into_iter();
        let mut line = self.store.line();
        line.led = false;
        for who in self.who.drain(..) {
            let died = || Err(Failure::Fatal("the thread that wrote to the log panicked".to_owned()));
            line.done.insert(who, outcomes.next().unwrap_or_else(died));
        }
        drop(line);
        self.store.queue.turn.notify_all();
    }
}

impl Store {
    /// Makes a batch durable and visible in one step, and gives it back with its offsets. With a fence: only if the
    /// lane still owns its tasks. [`Failure::Fatal`] from a full or failing disk is for good: nothing is written or
    /// said to be written afterwards.
    pub fn commit(&self, batch: Batch, fence: Option<Fence>) -> Result<Batch, Failure> {
        let mut line = self.line();
        let me = line.next;
        line.next += 1;
        line.waiting.push((me, Job { batch, fence }));
        loop {
            if let Some(done) = line.done.remove(&me) {
                return done;
            }
            if line.led {
                line = self.queue.turn.wait(line).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            line.led = true;
            let (who, jobs): (Vec<_>, Vec<_>) = std::mem::take(&mut line.waiting).into_iter().unzip();
            drop(line);
            let mut leader = Leader { store: self, who, outcomes: Vec::new() };
            leader.outcomes = self.settle(jobs);
            drop(leader);
            line = self.line();
        }
    }

    /// Makes a lane the owner of tasks; afterwards nothing of a former owner becomes visible any more.
    pub fn take_over(&self, stage: &str, partitions: Vec<Partition>) -> Fence {
        let _writing = self.writing();
        let epoch = self.state().take_over(stage, &partitions);
        Fence { stage: stage.to_owned(), epoch, partitions }
    }

    /// Removes what is past its time, if that has come and nobody is about to write.
    pub fn sweep_if_due(&self) -> Result<(), Failure> {
        let due = self.state().next_sweep;
        if (self.now)() < due { Ok(()) } else { self.sweep() }
    }

    /// Removes what is past its time now, all of it.
    pub fn sweep(&self) -> Result<(), Failure> {
        let _writing = self.writing();
        while self.write(&mut [], (self.now)())? {}
        Ok(())
    }

    fn settle(&self, mut jobs: Vec<Job>) -> Vec<Result<Batch, Failure>> {
        let _writing = self.writing();
        let (refusals, now) = self.reserve(&mut jobs);
        let mut taken: Vec<_> = jobs
            .iter_mut()
            .zip(&refusals)
            .filter(|(_, refused)| refused.is_none())
            .map(|(job, _)| &mut job.batch)
            .collect();
        let written = if taken.is_empty() { Ok(false) } else { self.write(&mut taken, now) };
        let outcome = |(job, refused): (Job, Option<Failure>)| match (refused, &written) {
            (Some(refused), _) => Err(refused),
            (None, Ok(_)) => Ok(job.batch),
            (None, Err(why)) => Err(Failure::Fatal(why.to_string())),
        };
        jobs.into_iter().zip(refusals).map(outcome).collect()
    }

    /// Checks the fences, and gives the records their offsets and the instant. Under one hold of the state's lock, and
    /// the clock read under it: who asks for an end later than this instant is told of these records.
    fn reserve(&self, jobs: &mut [Job]) -> (Vec<Option<Failure>>, Millis) {
        let mut state = self.state();
        let now = (self.now)();
        let mut refusals = Vec::with_capacity(jobs.len());
        for Job { batch, fence } in jobs {
            let lost = fence.as_ref().and_then(|fence| Some((&fence.stage, state.not_owned(fence)?)));
            if let Some(why) = &state.failed {
                refusals.push(Some(Failure::Fatal(why.clone())));
                continue;
            }
            if let Some((stage, partition)) = lost {
                refusals.push(Some(Failure::Fenced(format!("another lane owns task {partition} of {stage}"))));
                continue;
            }
            refusals.push(None);
            for entry in &mut batch.entries {
                let part = state.part_mut(self.part_at(entry.topic, entry.partition));
                entry.offset = part.reserved;
                part.reserved += 1;
                frame::stamp(&mut batch.bytes[entry.frame.clone()], now);
            }
        }
        (refusals, now)
    }

    /// Writes batches and sweeps, in one transaction, and shows them. Whether there is more to sweep right now.
    fn write(&self, batches: &mut [&mut Batch], now: Millis) -> Result<bool, Failure> {
        let due = self.due_parts(now);
        if due.is_empty() && batches.iter().all(|batch| batch.entries.is_empty() && self.is_known(&batch.positions)) {
            return Ok(false);
        }
        let written = self.write_durably(batches, &due, now).map_err(|why| stopped(&why));
        let mut state = self.state();
        match &written {
            Ok(swept) => {
                for batch in batches {
                    for entry in &batch.entries {
                        let part = state.part_mut(self.part_at(entry.topic, entry.partition));
                        part.visible = entry.offset + 1;
                        part.due = part.due.min(self.topics[entry.topic].due_after(now, entry.tombstone));
                    }
                    for (key, offset) in &batch.positions {
                        state.set_position(key, *offset);
                    }
                }
                for Swept { topic, partition, start, due } in swept {
                    let part = state.part_mut(self.part_at(*topic, *partition));
                    part.start = start.unwrap_or(part.start);
                    part.due = *due;
                }
                state.next_sweep = state.parts().iter().map(|part| part.due).min().unwrap_or(Millis::MAX);
            }
            Err(why) => state.failed = Some(why.to_string()),
        }
        let more = state.next_sweep <= now;
        drop(state);
        self.wake();
        written.map(|_| more)
    }

    fn write_durably(
        &self,
        batches: &[&mut Batch],
        due: &[(usize, Partition)],
        now: Millis,
    ) -> Result<Vec<Swept>, redb::Error> {
        // Durability::Immediate, the default: `commit` returns when it is synced. See the store's module.
        let transaction = self.db.begin_write()?;
        let mut swept = Vec::with_capacity(due.len());
        {
            let mut tables = Tables {
                records: transaction.open_table(RECORDS)?,
                newest: transaction.open_table(NEWEST)?,
                superseded: transaction.open_table(SUPERSEDED)?,
                tombstones: transaction.open_table(TOMBSTONES)?,
            };
            let mut ends = transaction.open_table(ENDS)?;
            let mut last: HashMap<(usize, Partition), Offset> = HashMap::new();
            let mut runs: BTreeMap<(usize, Partition), Run> = BTreeMap::new();
            let mut scratch = Vec::new();
            for batch in batches {
                for entry in &batch.entries {
                    let topic = &self.topics[entry.topic];
                    let frame = &batch.bytes[entry.frame.clone()];
                    last.insert((entry.topic, entry.partition), entry.offset);
                    if let Cleanup::Delete { .. } = topic.cleanup {
                        // The offsets of one transaction follow one another: they are given under `writing`.
                        let run = runs.entry((entry.topic, entry.partition)).or_default();
                        if !run.has_room(frame) {
                            tables.put(topic.id, entry.partition, run)?;
                        }
                        run.push(entry.offset, frame);
                        continue;
                    }
                    tables.records.insert(&tables::place(topic.id, entry.partition, entry.offset), frame)?;
                    if let Some(key) = &entry.key {
                        tables::newest_key(&mut scratch, topic.id, entry.partition, &batch.bytes[key.clone()]);
                        tables.supersede(topic.id, entry, &scratch, topic.lag, now)?;
                    }
                }
            }
            for ((topic, partition), run) in &mut runs {
                tables.put(self.topics[*topic].id, *partition, run)?;
            }
            for ((topic, partition), offset) in last {
                ends.insert(&tables::shelf(self.topics[topic].id, partition), offset + 1)?;
            }
            let mut positions = transaction.open_table(POSITIONS)?;
            for (key, offset) in batches.iter().flat_map(|batch| &batch.positions) {
                positions.insert(key.as_slice(), *offset)?;
            }
            let mut budget = sweep::BUDGET;
            for &(topic, partition) in due {
                swept.push(sweep::sweep(&mut tables, (topic, &self.topics[topic]), partition, now, &mut budget)?);
            }
        }
        transaction.commit()?;
        Ok(swept)
    }

    fn due_parts(&self, now: Millis) -> Vec<(usize, Partition)> {
        let state = self.state();
        if now < state.next_sweep {
            return Vec::new();
        }
        let per_topic = self.partitions() as usize;
        let due = state.parts().iter().enumerate().filter(|(_, part)| part.due <= now);
        due.map(|(at, _)| (at / per_topic, (at % per_topic) as Partition)).collect()
    }

    fn is_known(&self, positions: &[(Vec<u8>, Offset)]) -> bool {
        let state = self.state();
        positions.iter().all(|(key, offset)| state.position(key) == Some(*offset))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing under this lock can leave the line half changed.
        self.queue.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.queue.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
