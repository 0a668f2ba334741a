//! The folder, open: topics with their partitions, what of them is visible, who owns which task.
//!
//! The store is one redb file. A commit of it is atomic: a reader sees all of a transaction or nothing, and after a
//! crash the last synced transaction is the state. It is synced before `commit` returns (`Durability::Immediate`, the
//! default). Left at their defaults on purpose are *two-phase commit*, whose second sync halves the throughput and
//! guards against somebody who forges a page checksum and times a power cut to go with it, and *quick repair*, which
//! makes every commit write more so that the start after a crash need not walk the file: a crash is rare, and a file
//! kept proportional to live state is walked in seconds.

use std::collections::HashMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redb::{Database, DatabaseError, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, StorageError};
use tierline_model::Millis;
use tierline_stream::log::{Failure, Offset, Partition};
use tierline_stream::topics::Cleanup;

use crate::commit::Queue;
use crate::frame::Frame;
use crate::lock::FolderLock;
use crate::run;
use crate::tables::{self, ENDS, FACTS, NEWEST, POSITIONS, RECORDS, SUPERSEDED, TOMBSTONES, TOPICS};
use crate::{Clock, EmbeddedSettings};

/// A topic, as an index into the store's list.
pub type TopicAt = usize;

/// The store's file within the folder.
pub const LOG_FILE: &str = "log.redb";

/// The layout of the tables. A change raises it. In 1 every record had a row of its own; such rows are read as they are.
const FORMAT: u64 = 2;

/// Pages held in memory. What is read is mostly what was just written; a restore reads the file once, in order.
const CACHE_BYTES: usize = 64 << 20;

/// An open folder. See the module.
pub struct Store {
    pub(crate) db: Database,
    pub(crate) topics: Vec<Topic>,
    by_name: HashMap<String, TopicAt>,
    partitions: Partition,
    pub(crate) now: Clock,
    state: Mutex<State>,
    changed: Condvar,
    pub(crate) queue: Queue,
    // Declared last: let go of when the file is closed, not before.
    _lock: Option<FolderLock>,
}

/// A topic of the store.
pub struct Topic {
    name: String,
    /// Its number in the folder.
    pub(crate) id: u32,
    pub(crate) cleanup: Cleanup,
    /// For how long a superseded record of a compacted topic is kept, milliseconds. See [`lag_of`].
    pub(crate) lag: Millis,
}

/// What changes, under one lock that is never held while the disk works.
#[derive(Default)]
pub struct State {
    parts: Vec<Part>,
    /// Who of a stage owns a task: the epoch of the lane that took it last.
    owners: HashMap<(String, Partition), u64>,
    last_epoch: u64,
    positions: HashMap<Vec<u8>, Offset>,
    /// Why the store stopped. Nothing is written or said to be written from then on.
    pub(crate) failed: Option<String>,
    /// The earliest [`Part::due`].
    pub(crate) next_sweep: Millis,
}

/// A partition of a topic.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The earliest offset that is still there; a compacted topic begins at 0.
    pub start: Offset,
    /// One past the last record that is durable.
    pub visible: Offset,
    /// One past the last that has been given an offset and an instant: what an end offset must be, lest somebody
    /// believe that nothing older than the question can still appear.
    pub reserved: Offset,
    /// When there may be something to sweep.
    pub(crate) due: Millis,
}

impl Store {
    /// Opens or makes the folder. See [`crate::Embedded::open`].
    pub fn open(settings: EmbeddedSettings) -> Result<Self, Failure> {
        let lock = FolderLock::take(&settings.path)?;
        let file = settings.path.join(LOG_FILE);
        let cannot = |why: &dyn std::fmt::Display| Failure::Fatal(format!("cannot open {}: {why}", file.display()));
        let db =
            Database::builder().set_cache_size(CACHE_BYTES).create(&file).map_err(|why| match is_damage(&why) {
                true => cannot(&format!(
                    "it is damaged, or no log ({why}): put back a copy of its folder, or choose another `log.path`"
                )),
                false => cannot(&why),
            })?;
        sync_folder(&settings.path).map_err(|why| cannot(&why))?;
        Self::on(db, Some(lock), settings)
    }

    /// The store on a database that is open already.
    pub(crate) fn on(db: Database, lock: Option<FolderLock>, settings: EmbeddedSettings) -> Result<Self, Failure> {
        let EmbeddedSettings { path, topics, partitions, now } = settings;
        if partitions < 1 {
            return Err(Failure::Fatal(format!("{partitions} partitions: at least one is needed")));
        }
        let topics = prepare(&db, &path, topics, partitions)?;
        let by_name = topics.iter().enumerate().map(|(at, topic)| (topic.name.clone(), at)).collect();
        let state = load(&db, &topics, partitions).map_err(|why| stopped(&why))?;
        let store = Store {
            db,
            topics,
            by_name,
            partitions,
            now,
            state: Mutex::new(state),
            changed: Condvar::new(),
            queue: Queue::default(),
            _lock: lock,
        };
        store.sweep()?;
        Ok(store)
    }

    /// The topic of that name.
    pub fn topic(&self, name: &str) -> Option<TopicAt> {
        self.by_name.get(name).copied()
    }

    /// The topic of that name, or what to say if there is none.
    pub fn topic_or_fail(&self, name: &str) -> Result<TopicAt, Failure> {
        self.topic(name).ok_or_else(|| {
            let mut known: Vec<_> = self.topics.iter().map(|topic| topic.name.as_str()).collect();
            known.sort_unstable();
            Failure::Fatal(format!("there is no topic {name}; the topics are {}", known.join(", ")))
        })
    }

    /// The topic there.
    pub fn topic_at(&self, topic: TopicAt) -> &Topic {
        &self.topics[topic]
    }

    /// Its name.
    pub fn topic_name(&self, topic: TopicAt) -> &str {
        &self.topics[topic].name
    }

    /// Whether it keeps the newest record of each key, rather than all for a time.
    pub fn is_compacted(&self, topic: TopicAt) -> bool {
        matches!(self.topics[topic].cleanup, Cleanup::Compact { .. })
    }

    /// How many partitions every topic has.
    pub fn partitions(&self) -> Partition {
        self.partitions
    }

    /// What there is of a partition.
    pub fn part(&self, topic: TopicAt, partition: Partition) -> Part {
        self.state().parts[self.part_at(topic, partition)]
    }

    /// The driver's next offset, as a stage committed it last.
    pub fn committed(&self, stage: &str, topic: TopicAt, partition: Partition) -> Option<Offset> {
        self.state().position(&tables::position_key(stage, self.topics[topic].id, partition))
    }

    /// What is durable now, to read from.
    pub fn view(&self) -> Result<View, Failure> {
        let open = || -> Result<View, redb::Error> {
            let transaction = self.db.begin_read()?;
            Ok(View { records: transaction.open_table(RECORDS)?, _transaction: transaction })
        };
        open().map_err(|why| stopped(&why))
    }

    /// Waits until `ready` has an answer, at most `wait`. It is asked again after every commit.
    pub fn wait_for<T>(&self, wait: Duration, mut ready: impl FnMut(&State) -> Option<T>) -> Option<T> {
        let until = Instant::now() + wait;
        let mut state = self.state();
        loop {
            if let Some(answer) = ready(&state) {
                return Some(answer);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets everybody who waits look again.
    pub fn wake(&self) {
        // Taken and let go of, so that who has looked but does not wait yet is not missed.
        drop(self.state());
        self.changed.notify_all();
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Whatever panicked under the lock left whole numbers in place; the process is about to end over it anyway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn part_at(&self, topic: TopicAt, partition: Partition) -> usize {
        topic * self.partitions as usize + partition as usize
    }
}

impl State {
    /// A partition, by [`Store::part_at`].
    pub fn part(&self, at: usize) -> Part {
        self.parts[at]
    }

    pub(crate) fn part_mut(&mut self, at: usize) -> &mut Part {
        &mut self.parts[at]
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// A stage's committed position, by [`tables::position_key`].
    pub fn position(&self, key: &[u8]) -> Option<Offset> {
        self.positions.get(key).copied()
    }

    pub(crate) fn set_position(&mut self, key: &[u8], offset: Offset) {
        match self.positions.get_mut(key) {
            Some(position) => *position = offset,
            None => {
                self.positions.insert(key.to_vec(), offset);
            }
        }
    }

    /// Makes a new lane the owner of tasks, and fences whoever was.
    pub(crate) fn take_over(&mut self, stage: &str, partitions: &[Partition]) -> u64 {
        self.last_epoch += 1;
        for &partition in partitions {
            self.owners.insert((stage.to_owned(), partition), self.last_epoch);
        }
        self.last_epoch
    }

    /// Gives tasks up, as far as they are still this epoch's.
    pub(crate) fn give_up(&mut self, stage: &str, partitions: &[Partition], epoch: u64) {
        self.owners.retain(|(of, partition), owner| of != stage || *owner != epoch || !partitions.contains(partition));
    }

    /// The first of these tasks that this epoch does not own.
    pub fn not_owned(&self, fence: &Fence) -> Option<Partition> {
        let owner = |partition| self.owners.get(&(fence.stage.clone(), partition));
        fence.partitions.iter().copied().find(|&partition| owner(partition) != Some(&fence.epoch))
    }
}

/// Who a lane is, and which tasks it believes to own.
#[derive(Clone, Debug)]
pub struct Fence {
    pub(crate) stage: String,
    pub(crate) epoch: u64,
    pub(crate) partitions: Vec<Partition>,
}

/// The store as it was at one instant.
pub struct View {
    records: ReadOnlyTable<&'static [u8; 16], &'static [u8]>,
    _transaction: ReadTransaction,
}

impl View {
    /// Hands over the records of a partition in `[from, upto)` until `each` breaks.
    pub fn read(
        &self,
        topic: &Topic,
        partition: Partition,
        from: Offset,
        upto: Offset,
        each: &mut dyn FnMut(Offset, Frame<'_>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let (first, end) = (tables::place(topic.id, partition, from.max(0)), tables::place(topic.id, partition, upto));
        if first >= end {
            return Ok(());
        }
        let failed = |why: StorageError| stopped(&why.into());
        // The first record may lie in the middle of a row.
        let before = tables::place(topic.id, partition, 0);
        let mut until_first = self.records.range::<&[u8; 16]>(&before..=&first).map_err(failed)?;
        let row = until_first.next_back().transpose().map_err(failed)?;
        let begin = row.map_or(first, |(place, _)| *place.value());
        for entry in self.records.range::<&[u8; 16]>(&begin..&end).map_err(failed)? {
            let (place, row) = entry.map_err(failed)?;
            let offsets = tables::offset_of(place.value())..upto;
            for (offset, bytes) in offsets.zip(run::frames(row.value())).skip_while(|(offset, _)| *offset < from) {
                let frame = Frame::read(bytes).ok_or_else(|| {
                    let name = &topic.name;
                    Failure::Fatal(format!("record {offset} of partition {partition} of topic {name} is damaged"))
                })?;
                if each(offset, frame).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Whether a file cannot be opened for what is in it.
fn is_damage(why: &DatabaseError) -> bool {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match why {
        DatabaseError::Storage(StorageError::Corrupted(_)) => true,
        DatabaseError::Storage(StorageError::Io(why)) => matches!(why.kind(), InvalidData | UnexpectedEof),
        _ => false,
    }
}

/// What to say when the store can't go on.
pub fn stopped(why: &redb::Error) -> Failure {
    match why {
        redb::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => Failure::Fatal(
            "the disk that holds the log is full; what was not confirmed is not written: make room and start again"
                .to_owned(),
        ),
        redb::Error::Corrupted(what) => {
            Failure::Fatal(format!("the log is damaged ({what}): put back a copy of its folder, or start a new one"))
        }
        why => Failure::Fatal(format!("the log cannot go on: {why}")),
    }
}

/// Makes the tables, gives new topics their numbers, and refuses a folder that these settings don't fit.
fn prepare(
    db: &Database,
    path: &Path,
    specs: Vec<tierline_stream::topics::TopicSpec>,
    partitions: Partition,
) -> Result<Vec<Topic>, Failure> {
    let folder = path.display();
    let begin = || -> Result<_, redb::Error> {
        let transaction = db.begin_write()?;
        transaction.open_table(RECORDS)?;
        transaction.open_table(ENDS)?;
        transaction.open_table(NEWEST)?;
        transaction.open_table(SUPERSEDED)?;
        transaction.open_table(TOMBSTONES)?;
        transaction.open_table(POSITIONS)?;
        Ok(transaction)
    };
    let failed = |why: redb::Error| stopped(&why);
    let transaction = begin().map_err(failed)?;
    let mut topics = Vec::with_capacity(specs.len());
    {
        let mut facts = transaction.open_table(FACTS).map_err(|why| failed(why.into()))?;
        let mut fact = |name: &str, value: u64| -> Result<u64, redb::Error> {
            let known = facts.get(name)?.map(|known| known.value());
            if known.is_none() {
                facts.insert(name, value)?;
            }
            Ok(known.unwrap_or(value))
        };
        let format = fact("format", FORMAT).map_err(failed)?;
        if !(1..=FORMAT).contains(&format) {
            return Err(Failure::Fatal(format!(
                "folder {folder} is of format {format}, this program reads 1 to {FORMAT}: use the version that wrote it"
            )));
        }
        let there = fact("partitions", partitions as u64).map_err(failed)?;
        if there != partitions as u64 {
            return Err(Failure::Fatal(format!(
                "folder {folder} has {there} partitions, {partitions} are asked for: that cannot change; ask for \
                 {there}, or choose another log.path"
            )));
        }
        facts.insert("format", FORMAT).map_err(|why| failed(why.into()))?;
        let mut numbers = transaction.open_table(TOPICS).map_err(|why| failed(why.into()))?;
        let mut number = |name: &str, compacted: bool| -> Result<(u32, bool), redb::Error> {
            if let Some(known) = numbers.get(name)? {
                return Ok(known.value());
            }
            // Topics are never deleted, so their count is the next number.
            let new = (redb::ReadableTableMetadata::len(&numbers)? as u32, compacted);
            numbers.insert(name, new)?;
            Ok(new)
        };
        for spec in specs {
            let compacted = matches!(spec.cleanup, Cleanup::Compact { .. });
            let (id, was_compacted) = number(&spec.name, compacted).map_err(failed)?;
            if compacted != was_compacted {
                let by = |compacted| if compacted { "by key" } else { "by time" };
                return Err(Failure::Fatal(format!(
                    "topic {} of folder {folder} is kept {}, and is to be kept {} now: give it another name, or \
                     choose another log.path",
                    spec.name,
                    by(was_compacted),
                    by(compacted)
                )));
            }
            let lag = lag_of(&spec);
            topics.push(Topic { name: spec.name, id, cleanup: spec.cleanup, lag });
        }
    }
    transaction.commit().map_err(|why| failed(why.into()))?;
    Ok(topics)
}

/// What a stage writes for itself (changelog, queue) loses the older record with the write of the newer: the file
/// stays as large as live state. Of an input every record counts for as long as somebody may not have read it: each
/// snapshot re-evaluates its account, and the outcome must not hang on when it was read.
fn lag_of(spec: &tierline_stream::topics::TopicSpec) -> Millis {
    match spec.cleanup {
        Cleanup::Compact { max_compaction_lag_ms, .. } if spec.append_time => max_compaction_lag_ms.max(0),
        _ => 0,
    }
}

fn load(db: &Database, topics: &[Topic], partitions: Partition) -> Result<State, redb::Error> {
    let transaction = db.begin_read()?;
    let (ends, records) = (transaction.open_table(ENDS)?, transaction.open_table(RECORDS)?);
    let mut state = State { next_sweep: Millis::MIN, ..State::default() };
    for topic in topics {
        for partition in 0..partitions {
            let end = ends.get(&tables::shelf(topic.id, partition))?.map_or(0, |end| end.value());
            let start = match topic.cleanup {
                Cleanup::Compact { .. } => 0,
                Cleanup::Delete { .. } => {
                    let places = tables::places(topic.id, partition, 0);
                    let first = records.range::<&[u8; 16]>(places.start()..=places.end())?.next().transpose()?;
                    first.map_or(end, |(place, _)| tables::offset_of(place.value()))
                }
            };
            state.parts.push(Part { start, visible: end, reserved: end, due: Millis::MIN });
        }
    }
    for entry in transaction.open_table(POSITIONS)?.iter()? {
        let (key, offset) = entry?;
        state.positions.insert(key.value().to_vec(), offset.value());
    }
    Ok(state)
}

/// A file is durable only once its name is: syncs the folder, and the one that the folder lies in.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
        if let Some(parent) = folder.canonicalize()?.parent() {
            File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
