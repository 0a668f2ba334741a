//! What others have written and this process must look after, if they don't.

use std::collections::BTreeSet;

use super::{Entry, EntryKind, Known, Table};
use crate::identity::Identity;

/// What may lie elsewhere than who is who says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// Whose account is another now.
    pub of: BTreeSet<Identity>,
    /// Tickets that were filed here and elsewhere at once.
    pub strayed: BTreeSet<Strayed>,
}

/// A ticket that another process has filed without knowing where it lay.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strayed {
    /// Whose ticket: the source's configured name.
    pub source: String,
    /// The vendor's id of it.
    pub ticket: String,
    /// The account that it lay under.
    pub from: String,
    /// How often it had moved.
    pub moves: u32,
}

impl Unsettled {
    /// Everybody under whose name something lies.
    pub fn everybody(table: &Table) -> Unsettled {
        Unsettled { of: table.everybody().into_iter().collect(), strayed: BTreeSet::new() }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty() && self.strayed.is_empty()
    }

    /// Adds what others have left.
    pub fn extend(&mut self, other: Unsettled) {
        self.of.extend(other.of);
        self.strayed.extend(other.strayed);
    }

    /// A ticket whose entry another process wrote. It strayed if that one knew nothing of where it lay: who moves a ticket
    /// counts it.
    pub(super) fn note(&mut self, before: &Entry, now: Option<&Known>) {
        let Some((before_known, now)) = before.known.as_ref().zip(now) else { return };
        let Some((from, to)) = before_known.account.as_ref().zip(now.account.as_ref()) else { return };
        if before.kind == EntryKind::Ticket && from != to && now.moves <= before_known.moves {
            self.strayed.insert(Strayed {
                source: before.source.clone(),
                ticket: before.id.clone(),
                from: from.clone(),
                moves: before_known.moves,
            });
        }
    }
}
