//! What sources must remember between payloads: under which account a ticket was filed, who an agent is, what a team or
//! a custom field is called.
//!
//! A reading asks for [entries](Entry) to be written. They lie on the topic `directory`, compacted, under the key
//! `source,kind,id`, as JSON; whoever reads payloads reads that topic whole before the first and follows it from then
//! on, into a [`Table`]. Beside it the table holds [who is who](crate::identity), from the topic `aliases` in the same
//! way, and says what must [move](Moves) where the two disagree.

mod entry;
mod learn;
mod moves;
mod pending;
mod shared;
mod table;
mod unsettled;

pub use entry::{Entry, EntryKind, Known};
pub use learn::Learnt;
pub use moves::Moves;
pub use shared::{Reached, Shared, Topic};
pub use table::Table;
pub use unsettled::{Parted, Strayed, Unsettled};

/// Where what was remembered is looked up.
pub trait Directory {
    /// What is known of one thing of one source.
    fn find(&self, source: &str, kind: EntryKind, id: &str) -> Option<&Known>;

    /// The account of an identity, if it is another than its own.
    fn account(&self, _identity: &str) -> Option<&str> {
        None
    }
}
