//! Compaction: of each key only the last record stays, and a tombstone only for a while.

use std::collections::BTreeMap;

use tierline_model::Millis;

use super::{Part, State};

impl Part {
    /// Takes out what was superseded below the stable end, what was aborted, and tombstones older than
    /// `keep_tombstones`. How many records went.
    pub(super) fn compact(&mut self, now: Millis, keep_tombstones: Millis) -> usize {
        let stable = self.stable_end();
        let mut last: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
        for entry in self.committed().filter(|entry| entry.offset < stable) {
            last.insert(entry.key.clone().unwrap_or_default(), entry.offset);
        }
        let before = self.entries_mut().len();
        self.entries_mut().retain(|entry| match entry.state {
            _ if entry.offset >= stable => true,
            State::Open(_) => true,
            State::Aborted => false,
            State::Committed => {
                let is_last = last.get(entry.key.as_deref().unwrap_or_default()) == Some(&entry.offset);
                is_last && (entry.value.is_some() || entry.appended_at + keep_tombstones > now)
            }
        });
        before - self.entries_mut().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Entry;

    #[test]
    fn the_last_of_each_key_stays_and_an_old_tombstone_goes() {
        let mut part = Part::default();
        for (at, key, value) in [(0, "a", Some("1")), (1, "b", Some("1")), (2, "a", Some("2")), (3, "b", None)] {
            let value = value.map(|value: &str| value.as_bytes().to_vec());
            part.append(Entry::new(at, Some(key.as_bytes().to_vec()), value), None);
        }
        assert_eq!(part.compact(10, 8), 2);
        assert_eq!(part.committed().map(|entry| entry.offset).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(part.compact(11, 8), 1);
        assert_eq!((part.next(), part.from(0).len()), (4, 1), "offsets are never given again");
    }
}
