//! Records and positions that are to be committed in one step.

use std::ops::Range;

use tierline_stream::log::{Failure, Offset, Partition};

use crate::frame;
use crate::store::{Store, TopicAt};

/// Framed as they come, so that a commit only stamps them and hands them to the store. Kept and cleared by a lane,
/// so its buffer is allocated once.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) entries: Vec<Entry>,
    /// Keys of the table of positions, with the driver's next offset.
    pub(crate) positions: Vec<(Vec<u8>, Offset)>,
}

/// One record of a batch.
#[derive(Debug)]
pub struct Entry {
    pub(crate) topic: TopicAt,
    pub(crate) partition: Partition,
    /// Given when the commit begins.
    pub(crate) offset: Offset,
    pub(crate) frame: Range<usize>,
    pub(crate) key: Option<Range<usize>>,
    pub(crate) tombstone: bool,
}

impl Batch {
    /// Adds a record. What could never be written is [`Failure::Refused`], and the batch is as before.
    pub fn push(
        &mut self,
        store: &Store,
        topic: TopicAt,
        partition: Partition,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<(), Failure> {
        let name = store.topic_name(topic);
        if !(0..store.partitions()).contains(&partition) {
            let last = store.partitions() - 1;
            return Err(Failure::Refused(format!("topic {name} has no partition {partition}: they are 0 to {last}")));
        }
        if key.is_none() && store.is_compacted(topic) {
            return Err(Failure::Refused(format!("topic {name} is compacted: its records need a key")));
        }
        let (frame, key) = frame::append(&mut self.bytes, key, value, headers).map_err(|frame::TooLong { length }| {
            let most = frame::MAX_RECORD;
            Failure::Refused(format!(
                "a record of {length} bytes for topic {name}: at most {most} bytes, 65535 headers and 65535 bytes of a \
                 header's name"
            ))
        })?;
        self.entries.push(Entry { topic, partition, offset: -1, frame, key, tombstone: value.is_none() });
        Ok(())
    }

    /// Empties it and keeps its room, unless that has become large.
    pub fn clear(&mut self) {
        const KEPT: usize = 8 << 20;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.entries.clear();
        self.positions.clear();
    }

    /// Where its records came to lie, in their order. Known once it is committed.
    pub fn places(&self) -> Vec<(Partition, Offset)> {
        self.entries.iter().map(|entry| (entry.partition, entry.offset)).collect()
    }
}
