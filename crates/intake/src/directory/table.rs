//! The directory in memory.

use std::collections::{BTreeSet, HashMap};

use super::{Directory, Entry, EntryKind, Known};
use crate::identity::{Aliases, Identifiers, Identity};

/// All that is remembered, fed from the topic; and who is who, fed from another.
#[derive(Clone, Debug, Default)]
pub struct Table {
    sources: HashMap<String, Of>,
    /// Whose every identity is.
    pub aliases: Aliases,
}

/// What is remembered of one source.
#[derive(Clone, Debug, Default)]
pub(super) struct Of {
    pub kinds: HashMap<EntryKind, HashMap<String, Known>>,
    /// Tickets by whose they are.
    pub filed: HashMap<String, BTreeSet<String>>,
    /// How many organisations lie under an account.
    pub told_under: HashMap<String, usize>,
}

impl Table {
    /// An empty one of those who are who so.
    pub fn new(aliases: Aliases) -> Table {
        Table { sources: HashMap::new(), aliases }
    }

    /// Takes an entry: it replaces what was known of the same thing, which is handed back.
    pub fn put(&mut self, entry: Entry) -> Option<Known> {
        let Entry { source, kind, id, known } = entry;
        let of = self.sources.entry(source).or_default();
        let before = of.kinds.get(&kind).and_then(|kind| kind.get(&id));
        match kind {
            EntryKind::Ticket => {
                let (before, after) = (before.and_then(group), known.as_ref().and_then(group));
                if before != after {
                    let before = before.map(str::to_owned);
                    of.file(&id, before, after.map(str::to_owned));
                }
            }
            EntryKind::Organisation => {
                let (before, after) = (before.and_then(account), known.as_ref().and_then(account));
                if before != after {
                    let before = before.map(str::to_owned);
                    of.count(before, after.map(str::to_owned));
                }
            }
            _ => {}
        }
        match known {
            Some(known) => of.kinds.entry(kind).or_default().insert(id, known),
            None => of.kinds.get_mut(&kind)?.remove(&id),
        }
    }

    /// Whether anything was told of an organisation or a person: of themselves, or of a ticket of theirs.
    pub fn has_met(&self, identity: &Identity) -> bool {
        let of = self.of(&identity.source);
        let kind = if identity.is_person() { EntryKind::User } else { EntryKind::Organisation };
        of.is_some_and(|of| of.filed.contains_key(&identity.id))
            || self.find(&identity.source, kind, identity.bare_id()).is_some()
            || self.aliases.known(identity) != Identifiers::default()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.sources.values().flat_map(|of| of.kinds.values()).map(HashMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn of(&self, source: &str) -> Option<&Of> {
        self.sources.get(source)
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = (&String, &Of)> {
        self.sources.iter()
    }
}

impl Directory for Table {
    fn find(&self, source: &str, kind: EntryKind, id: &str) -> Option<&Known> {
        self.sources.get(source)?.kinds.get(&kind)?.get(id)
    }

    fn account(&self, identity: &str) -> Option<&str> {
        self.aliases.other(identity)
    }
}

impl Of {
    fn file(&mut self, ticket: &str, before: Option<String>, after: Option<String>) {
        if let Some(before) = before
            && let Some(tickets) = self.filed.get_mut(&before)
        {
            tickets.remove(ticket);
            if tickets.is_empty() {
                self.filed.remove(&before);
            }
        }
        if let Some(after) = after {
            self.filed.entry(after).or_default().insert(ticket.to_owned());
        }
    }

    fn count(&mut self, before: Option<String>, after: Option<String>) {
        if let Some(before) = before
            && let Some(number) = self.told_under.get_mut(&before)
        {
            *number -= 1;
            if *number == 0 {
                self.told_under.remove(&before);
            }
        }
        if let Some(after) = after {
            *self.told_under.entry(after).or_default() += 1;
        }
    }
}

fn group(known: &Known) -> Option<&str> {
    known.group.as_deref()
}

fn account(known: &Known) -> Option<&str> {
    known.account.as_deref()
}
