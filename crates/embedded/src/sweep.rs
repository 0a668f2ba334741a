//! What leaves the store: records past their time, older records of a key, tombstones that have done their work.
//!
//! A sweep rides in a commit and removes a bounded number, so that no commit takes long; while nothing is written, the
//! lanes' idle polls sweep. What is overdue may stay a little longer ([`SLACK`]): a leaf of the tree is then rewritten
//! once for many records.

use redb::{ReadableTable, StorageError, Table};
use tierline_model::Millis;
use tierline_stream::log::{Offset, Partition};
use tierline_stream::topics::Cleanup;

use crate::batch::Entry;
use crate::frame::Frame;
use crate::run::{self, Run};
use crate::store::{Topic, TopicAt};
use crate::tables::{self, Superseded};

/// How many rows one commit removes at most.
pub const BUDGET: usize = 4_096;

/// What is kept for `d` is looked for every `d / SLACK`.
const SLACK: Millis = 64;

/// The tables that records and their indexes are in.
pub struct Tables<'t> {
    pub records: Table<'t, &'static [u8; 16], &'static [u8]>,
    pub newest: Table<'t, &'static [u8], i64>,
    pub superseded: Table<'t, &'static [u8; 16], Superseded>,
    pub tombstones: Table<'t, &'static [u8; 16], i64>,
}

/// What became of a partition.
pub struct Swept {
    pub topic: TopicAt,
    pub partition: Partition,
    /// Its earliest offset now; `None`: as it was.
    pub start: Option<Offset>,
    /// When to look again.
    pub due: Millis,
}

impl Topic {
    /// When a record written now may have to be swept.
    pub fn due_after(&self, now: Millis, tombstone: bool) -> Millis {
        let kept = match self.cleanup {
            Cleanup::Delete { retention_ms } if retention_ms >= 0 => retention_ms,
            Cleanup::Compact { .. } if self.lag > 0 => self.lag,
            Cleanup::Compact { .. } if tombstone => self.tombstones_kept(),
            _ => return Millis::MAX,
        };
        now.saturating_add(kept).saturating_add(kept / SLACK)
    }

    /// A tombstone outlives what it superseded, lest that be read as living.
    fn tombstones_kept(&self) -> Millis {
        match self.cleanup {
            Cleanup::Compact { delete_retention_ms, .. } => delete_retention_ms.max(self.lag),
            Cleanup::Delete { .. } => Millis::MAX,
        }
    }
}

impl Tables<'_> {
    /// Makes a row of a run, and empties it.
    pub fn put(&mut self, topic: u32, partition: Partition, run: &mut Run) -> Result<(), StorageError> {
        if let Some((first, row)) = run.row() {
            self.records.insert(&tables::place(topic, partition, first), row)?;
        }
        run.clear();
        Ok(())
    }

    /// Notes a record of a compacted topic as the newest of its key (`newest_key`), and drops the one before, at once
    /// or when its lag is over.
    pub fn supersede(
        &mut self,
        topic: u32,
        entry: &Entry,
        newest_key: &[u8],
        lag: Millis,
        now: Millis,
    ) -> Result<(), StorageError> {
        let place = tables::place(topic, entry.partition, entry.offset);
        let older = self.newest.insert(newest_key, entry.offset)?.map(|older| older.value());
        if let Some(older) = older {
            if lag == 0 {
                self.remove(&tables::place(topic, entry.partition, older))?;
            } else {
                self.superseded.insert(&place, (older, now))?;
            }
        }
        if entry.tombstone {
            self.tombstones.insert(&place, now)?;
        }
        Ok(())
    }

    fn remove(&mut self, place: &[u8; 16]) -> Result<(), StorageError> {
        let removed = self.records.remove(place)?;
        if removed.is_some_and(|bytes| Frame::read(bytes.value()).is_none_or(|frame| frame.value.is_none())) {
            self.tombstones.remove(place)?;
        }
        Ok(())
    }
}

/// Removes what of a partition is past its time, as far as the budget goes.
pub fn sweep(
    tables: &mut Tables<'_>,
    (at, topic): (TopicAt, &Topic),
    partition: Partition,
    now: Millis,
    budget: &mut usize,
) -> Result<Swept, StorageError> {
    let (start, due) = match topic.cleanup {
        Cleanup::Delete { retention_ms } if retention_ms < 0 => (None, Millis::MAX),
        Cleanup::Delete { retention_ms } => expire(tables, topic.id, partition, (now, retention_ms), budget)?,
        Cleanup::Compact { .. } => {
            let superseded = forget_superseded(tables, topic, partition, now, budget)?;
            (None, superseded.min(forget_tombstones(tables, topic, partition, now, budget)?))
        }
    };
    Ok(Swept { topic: at, partition, start, due })
}

/// Removes the records of a partition that are older than they are kept.
fn expire(
    tables: &mut Tables<'_>,
    topic: u32,
    partition: Partition,
    (now, kept): (Millis, Millis),
    budget: &mut usize,
) -> Result<(Option<Offset>, Millis), StorageError> {
    // The last row, and the offset behind it.
    let mut last_expired = None;
    let (mut head, mut due) = (None, Millis::MAX);
    let places = tables::places(topic, partition, 0);
    for entry in tables.records.range::<&[u8; 16]>(places.start()..=places.end())? {
        let (place, row) = entry?;
        // A damaged record is for its reader to find; here it only goes with its neighbours.
        let appended_at = run::appended_at(row.value()).unwrap_or(Millis::MIN);
        let over = appended_at.saturating_add(kept);
        if over > now || *budget == 0 {
            head = Some(tables::offset_of(place.value()));
            due = if over > now { over.saturating_add(kept / SLACK) } else { now };
            break;
        }
        *budget -= 1;
        let behind = tables::offset_of(place.value()) + run::frames(row.value()).count() as Offset;
        last_expired = Some((*place.value(), behind));
    }
    if let Some((last, _)) = &last_expired {
        tables.records.retain_in::<&[u8; 16], _>(places.start()..=last, |_, _| false)?;
    }
    Ok((last_expired.map(|(_, behind)| head.unwrap_or(behind)), due))
}

/// Removes the older records of keys once their lag is over. Returns when to look again.
fn forget_superseded(
    tables: &mut Tables<'_>,
    topic: &Topic,
    partition: Partition,
    now: Millis,
    budget: &mut usize,
) -> Result<Millis, StorageError> {
    let places = tables::places(topic.id, partition, 0);
    loop {
        let first = tables.superseded.range::<&[u8; 16]>(places.start()..=places.end())?.next().transpose()?;
        let Some((place, (older, at))) = first.map(|(place, row)| (*place.value(), row.value())) else {
            return Ok(Millis::MAX);
        };
        let over = at.saturating_add(topic.lag);
        if over > now {
            return Ok(over.saturating_add(topic.lag / SLACK));
        }
        if *budget == 0 {
            return Ok(now);
        }
        *budget -= 1;
        tables.superseded.remove(&place)?;
        tables.remove(&tables::place(topic.id, partition, older))?;
    }
}

/// Removes tombstones once they are over, and their keys with them. Returns when to look again.
fn forget_tombstones(
    tables: &mut Tables<'_>,
    topic: &Topic,
    partition: Partition,
    now: Millis,
    budget: &mut usize,
) -> Result<Millis, StorageError> {
    let places = tables::places(topic.id, partition, 0);
    let kept = topic.tombstones_kept();
    let mut newest_key = Vec::new();
    loop {
        let first = tables.tombstones.range::<&[u8; 16]>(places.start()..=places.end())?.next().transpose()?;
        let Some((place, at)) = first.map(|(place, at)| (*place.value(), at.value())) else {
            return Ok(Millis::MAX);
        };
        let over = at.saturating_add(kept);
        if over > now {
            return Ok(over.saturating_add(kept / SLACK));
        }
        if *budget == 0 {
            return Ok(now);
        }
        *budget -= 1;
        tables.tombstones.remove(&place)?;
        if let Some(bytes) = tables.records.remove(&place)? {
            let key = Frame::read(bytes.value()).and_then(|frame| frame.key).unwrap_or_default();
            tables::newest_key(&mut newest_key, topic.id, partition, key);
        } else {
            continue;
        }
        let is_newest = tables.newest.get(newest_key.as_slice())?.map(|newest| newest.value());
        if is_newest == Some(tables::offset_of(&place)) {
            tables.newest.remove(newest_key.as_slice())?;
        }
    }
}
