//! The one record in a changelog that says where its task stands. It moves in every transaction; a restore believes it.

use serde::{Deserialize, Serialize};

use crate::clock::At;
use crate::log::Offset;

/// The task record's key. No key of a stage begins with this byte.
pub const KEY: &[u8] = b"\xfftask";

/// The format that this program writes; the record's first byte.
const VERSION: u8 = 1;

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Made when the changelog got its first entry; another id is another changelog.
    pub incarnation: u128,
    /// How many partitions the inputs had: with another number, keys live elsewhere.
    pub partitions: i32,
    /// Whether it is still reading the snapshots of its cold start.
    pub cold: bool,
    /// The clock.
    pub clock: At,
    /// By topic: the offset of the next record to take.
    pub positions: Vec<(String, Offset)>,
    /// What the stage wants remembered: fingerprints of its rules, policies and calendars.
    pub memory: Vec<u8>,
}

impl TaskRecord {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        // Invariant: postcard fails only where a buffer is too small or a length unknown; neither is here.
        postcard::to_extend(self, vec![VERSION]).expect("a growing buffer takes it")
    }

    /// Reads it back; the reason where it can't.
    pub fn decode(bytes: &[u8]) -> Result<TaskRecord, String> {
        match bytes.split_first() {
            Some((&VERSION, body)) => {
                postcard::from_bytes(body).map_err(|error| format!("the task record is damaged: {error}"))
            }
            Some((&version, _)) => Err(format!(
                "the task record has format {version}; this program knows format {VERSION}: run the version that wrote it"
            )),
            None => Err("the task record is empty".to_owned()),
        }
    }

    /// The stored position of an input, by its topic.
    pub fn position(&self, topic: &str) -> Option<Offset> {
        self.positions.iter().find(|(name, _)| name == topic).map(|&(_, offset)| offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> TaskRecord {
        TaskRecord {
            incarnation: u128::MAX - 5,
            partitions: 4,
            cold: true,
            clock: At { now: 1_772_416_800_000, by_record: false },
            positions: vec![("tickets".into(), 700), ("accounts".into(), 0)],
            memory: vec![1, 2, 3],
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        assert_eq!(TaskRecord::decode(&record().encode()), Ok(record()));
        assert_eq!(record().position("accounts"), Some(0));
        assert_eq!(record().position("billing"), None);
    }

    #[test]
    fn another_format_is_named_not_misread() {
        let mut bytes = record().encode();
        bytes[0] = 9;
        assert!(TaskRecord::decode(&bytes).is_err_and(|why| why.contains("format 9")));
        assert!(TaskRecord::decode(&[]).is_err());
    }

    /// A record as the first release wrote it: later ones must go on reading it.
    #[test]
    fn the_first_format_stays_readable() {
        let stored = [1, 7, 4, 0, 200, 1, 1, 1, 7, b't', b'i', b'c', b'k', b'e', b't', b's', 10, 2, 8, 9];
        let expected = TaskRecord {
            incarnation: 7,
            partitions: 2,
            cold: false,
            clock: At { now: 100, by_record: true },
            positions: vec![("tickets".into(), 5)],
            memory: vec![8, 9],
        };
        assert_eq!(TaskRecord::decode(&stored), Ok(expected));
    }
}
