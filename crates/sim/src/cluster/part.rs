//! A partition: records and markers in one line of offsets, and what readers of committed records see of it.

use std::collections::BTreeMap;

use tierline_model::Millis;
use tierline_stream::log::{Headers, InputId, Offset, Partition, Record};

use super::TxnId;

/// A partition of a topic.
#[derive(Clone, Default)]
pub struct Part {
    next: Offset,
    /// By offset, with gaps: markers take offsets too, and compaction takes records out.
    entries: Vec<Entry>,
    /// Transactions without a marker yet, and where each began.
    open: BTreeMap<TxnId, Offset>,
}

/// A record as it lies in a partition.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place.
    pub offset: Offset,
    /// When it came, by the log's clock.
    pub appended_at: Millis,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; none: a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Whether anybody may see it.
    pub state: State,
}

/// Whether anybody may see a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everybody.
    Committed,
    /// Nobody.
    Aborted,
    /// That isn't decided here yet: its transaction's marker hasn't come.
    Open(TxnId),
}

impl Entry {
    /// A record without headers; its offset and state come with its append.
    pub fn new(appended_at: Millis, key: Option<Vec<u8>>, value: Option<Vec<u8>>) -> Entry {
        Entry { offset: 0, appended_at, key, value, headers: Vec::new(), state: State::Committed }
    }

    /// As a log hands it over.
    pub fn as_record(&self, input: InputId, partition: Partition) -> Record<'_> {
        Record {
            input,
            partition,
            offset: self.offset,
            appended_at: self.appended_at,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: self,
        }
    }
}

impl Headers for Entry {
    fn each(&self, to: &mut dyn FnMut(&str, Option<&[u8]>)) {
        self.headers.iter().for_each(|(name, value)| to(name, Some(value)));
    }
}

impl Part {
    pub(super) fn append(&mut self, mut entry: Entry, txn: Option<TxnId>) -> Offset {
        let offset = self.next;
        entry.offset = offset;
        entry.state = txn.map_or(State::Committed, State::Open);
        if let Some(txn) = txn {
            self.open.entry(txn).or_insert(offset);
        }
        self.entries.push(entry);
        self.next += 1;
        offset
    }

    /// A transaction's marker comes: what it wrote here is decided.
    pub(super) fn mark(&mut self, txn: TxnId, committed: bool) {
        let Some(first) = self.open.remove(&txn) else { return };
        let state = if committed { State::Committed } else { State::Aborted };
        let place = self.place(first);
        self.entries[place..]
            .iter_mut()
            .filter(|entry| entry.state == State::Open(txn))
            .for_each(|it| it.state = state);
        self.next += 1;
    }

    /// The offset of the next record.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// Up to here a reader of committed records sees.
    pub fn stable_end(&self) -> Offset {
        self.open.values().copied().min().unwrap_or(self.next)
    }

    /// Everything from an offset on, whatever its state.
    pub fn from(&self, offset: Offset) -> &[Entry] {
        &self.entries[self.place(offset)..]
    }

    /// What is committed, in order.
    pub fn committed(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.state == State::Committed)
    }

    /// The record of an offset.
    pub fn at(&self, offset: Offset) -> Option<&Entry> {
        self.entries.get(self.place(offset)).filter(|entry| entry.offset == offset)
    }

    pub(super) fn entries_mut(&mut self) -> &mut Vec<Entry> {
        &mut self.entries
    }

    fn place(&self, offset: Offset) -> usize {
        self.entries.partition_point(|entry| entry.offset < offset)
    }
}
