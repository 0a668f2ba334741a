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
    /// Organisations of which something was told here and elsewhere at once.
    pub parted: Vec<Parted>,
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

/// An organisation of which two processes have remembered something, neither knowing of the other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    /// Whose organisation: the source's configured name.
    pub source: String,
    /// The vendor's id of it.
    pub id: String,
    /// What the one remembered whose entry the other's has replaced.
    pub known: Known,
}

impl Unsettled {
    /// Everybody under whose name something lies.
    pub fn everybody(table: &Table) -> Unsettled {
        Unsettled { of: table.everybody().into_iter().collect(), ..Unsettled::default() }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty() && self.strayed.is_empty() && self.parted.is_empty()
    }

    /// Adds what others have left.
    pub fn extend(&mut self, other: Unsettled) {
        self.of.extend(other.of);
        self.strayed.extend(other.strayed);
        for parted in other.parted {
            if !self.parted.contains(&parted) {
                self.parted.push(parted);
            }
        }
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

    /// An organisation whose entry was written by somebody who did not know what stood before it. What its source alone
    /// understands of that is told no more, unless somebody puts both together.
    pub(super) fn part(&mut self, before: Entry, now: Option<&Known>) {
        let Some((known, now)) = before.known.zip(now) else { return };
        if before.kind == EntryKind::Organisation && known.more.is_some() && known.more != now.more {
            self.parted.push(Parted { source: before.source, id: before.id, known });
        }
    }
}
