//! What sources must remember between payloads: under which account a ticket was filed, who an agent is, what a team or
//! a custom field is called.
//!
//! A reading asks for [entries](Entry) to be written. They lie on the topic `directory`, compacted, under the key
//! `source,kind,id`, as JSON; whoever reads payloads reads that topic whole before the first and follows it from then
//! on, into a [`Table`].

mod entry;
mod shared;
mod table;

pub use entry::{Entry, EntryKind, Known};
pub use shared::Shared;
pub use table::Table;

/// Where what was remembered is looked up.
pub trait Directory {
    /// What is known of one thing of one source.
    fn find(&self, source: &str, kind: EntryKind, id: &str) -> Option<&Known>;
}
