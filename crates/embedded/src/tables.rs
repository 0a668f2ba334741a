//! The tables of the store, and what their keys look like.
//!
//! A place is topic u32 · partition u32 · offset u64, big-endian, so that bytes sort as records do.

use std::ops::RangeInclusive;

use redb::TableDefinition;
use tierline_stream::log::{Offset, Partition};

/// Place of the first record → [row](crate::run). A record of a compacted topic has a row of its own.
pub const RECORDS: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("records");
/// Topic, partition → next offset. Records come and go, offsets are never given twice.
pub const ENDS: TableDefinition<'_, &[u8; 8], i64> = TableDefinition::new("ends");
/// Of compacted topics: topic, partition, key → offset of the newest record of that key.
pub const NEWEST: TableDefinition<'_, &[u8], i64> = TableDefinition::new("newest");
/// Of compacted inputs: place of a record → offset of the older one it took the place of, which is kept for a while.
pub const SUPERSEDED: TableDefinition<'_, &[u8; 16], Superseded> = TableDefinition::new("superseded");
/// Of compacted topics: places of tombstones → when they were written.
pub const TOMBSTONES: TableDefinition<'_, &[u8; 16], i64> = TableDefinition::new("tombstones");
/// Stage, 0, topic, partition → the driver's next offset.
pub const POSITIONS: TableDefinition<'_, &[u8], i64> = TableDefinition::new("positions");
/// Topic's name → its number, and whether it is compacted.
pub const TOPICS: TableDefinition<'_, &str, (u32, bool)> = TableDefinition::new("topics");
/// `format`, `partitions`.
pub const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");

/// The older record's offset, and when it was superseded.
pub type Superseded = (i64, i64);

/// The key of a record.
pub fn place(topic: u32, partition: Partition, offset: Offset) -> [u8; 16] {
    let mut place = [0; 16];
    place[..8].copy_from_slice(&shelf(topic, partition));
    place[8..].copy_from_slice(&(offset as u64).to_be_bytes());
    place
}

/// The key of a partition of a topic.
pub fn shelf(topic: u32, partition: Partition) -> [u8; 8] {
    let mut shelf = [0; 8];
    shelf[..4].copy_from_slice(&topic.to_be_bytes());
    shelf[4..].copy_from_slice(&(partition as u32).to_be_bytes());
    shelf
}

/// The keys of a partition's records from `from` to its end.
pub fn places(topic: u32, partition: Partition, from: Offset) -> RangeInclusive<[u8; 16]> {
    place(topic, partition, from)..=place(topic, partition, Offset::MAX)
}

/// The offset in a record's key.
pub fn offset_of(place: &[u8; 16]) -> Offset {
    // Half of sixteen bytes is eight.
    u64::from_be_bytes(place[8..].try_into().expect("eight bytes")) as Offset
}

/// The key of the newest record of `key`, into `out`.
pub fn newest_key(out: &mut Vec<u8>, topic: u32, partition: Partition, key: &[u8]) {
    out.clear();
    out.extend_from_slice(&shelf(topic, partition));
    out.extend_from_slice(key);
}

/// The key of a stage's position.
pub fn position_key(stage: &str, topic: u32, partition: Partition) -> Vec<u8> {
    let mut key = stage.as_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(&shelf(topic, partition));
    key
}
