//! The places of tickets and accounts by their ids: a hash table without a second copy of the ids.
//!
//! Each entry remembers half of its hash, so that growing, and most of what is not it, touches no ticket.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;

use crate::texts::Hasher;

/// Places by id.
#[derive(Debug, Default)]
pub(crate) struct Places {
    table: HashTable<(u32, u32)>,
    hasher: Hasher,
}

impl Places {
    /// The place of an id; `is` says whether that of a place is it.
    pub fn find(&self, id: impl Hash, is: impl Fn(u32) -> bool) -> Option<u32> {
        let half = self.half(id);
        self.table.find(whole(half), |&(other, place)| other == half && is(place)).map(|&(_, place)| place)
    }

    /// Adds an id that has no place yet.
    pub fn insert(&mut self, id: impl Hash, place: u32) {
        let half = self.half(id);
        self.table.insert_unique(whole(half), (half, place), |&(other, _)| whole(other));
    }

    /// The id has its place no more.
    pub fn remove(&mut self, id: impl Hash, place: u32) {
        let half = self.half(id);
        if let Ok(entry) = self.table.find_entry(whole(half), |&(_, other)| other == place) {
            entry.remove();
        }
    }

    fn half(&self, id: impl Hash) -> u32 {
        (self.hasher.hash_one(id) >> 32) as u32
    }
}

/// A hash whose upper and lower bits both differ, as the table wants it.
fn whole(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
