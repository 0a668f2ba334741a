//! Whether a record stands where it belongs: under its account's key, in the partition that the key has.

use crate::log::{Partition, Record};
use crate::partitioner::partition_of;
use crate::stage::Applied;

/// The codes of dead letters that are found here.
pub mod code {
    /// The record's key is not the account that its value names.
    pub const WRONG_KEY: &str = "wrong_key";
    /// Its key belongs into another partition: a producer uses another partitioner.
    pub const WRONG_PARTITION: &str = "wrong_partition";
}

/// Whether the record stands under its account's key, in that key's partition.
pub(crate) fn check_place(record: &Record<'_>, account_id: &str, partitions: i32) -> Result<(), Applied> {
    match record.key {
        Some(key) if key == account_id.as_bytes() => check_partition(record.partition, key, partitions),
        Some(_) => Err(dead(code::WRONG_KEY, "its key is not its `account_id`")),
        None => Err(dead(code::WRONG_KEY, "it has no key; the key must be its `account_id`")),
    }
}

/// Whether a key stands in its partition.
pub(crate) fn check_partition(found: Partition, key: &[u8], partitions: i32) -> Result<(), Applied> {
    let right = partition_of(key, partitions);
    if right == found {
        return Ok(());
    }
    let reason = format!(
        "its key belongs into partition {right} of {partitions}: its producer uses another partitioner than murmur2"
    );
    Err(Applied::DeadLetter { code: code::WRONG_PARTITION, reason })
}

/// A dead letter in our own words.
pub(crate) fn dead(code: &'static str, reason: &str) -> Applied {
    Applied::DeadLetter { code, reason: reason.to_owned() }
}
