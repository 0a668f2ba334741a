//! What lies elsewhere than who is who says: what is to be written so that it moves.

use tierline_model::Millis;

use super::unsettled::Strayed;
use super::{Directory, Entry, EntryKind, Known, Table};
use crate::Canonical;
use crate::identity::{Identity, facts_moved, ticket_moved};

/// What moves: the records that say so, and where it lies then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    /// In the order in which they are to be written.
    pub records: Vec<Canonical>,
    /// To be written behind them: who is killed in between says it all again, under the same ids.
    pub entries: Vec<Entry>,
}

impl Table {
    /// What of these lies under another account than theirs: what their sources told of them, and their tickets.
    pub fn moves<'i>(&self, of: impl IntoIterator<Item = &'i Identity>, at: Millis) -> Moves {
        let mut moves = Moves::default();
        // Of several that leave an account together, the last takes along what was told.
        let mut left: Vec<(&str, &str, usize)> = Vec::new();
        for identity in of {
            let Some(of_source) = self.of(&identity.source) else { continue };
            let name = identity.to_string();
            let account = self.aliases.account(&name);
            let find = |kind, id: &str| of_source.kinds.get(&kind).and_then(|kind| kind.get(id));
            if let Some((known, from)) = find(EntryKind::Organisation, &identity.id).and_then(elsewhere(account)) {
                let here = of_source.told_under.get(from).copied().unwrap_or(1);
                let place = left.iter().position(|(source, other, _)| *source == identity.source && *other == from);
                let place = place.unwrap_or_else(|| {
                    left.push((&identity.source, from, 0));
                    left.len() - 1
                });
                left[place].2 += 1;
                if left[place].2 == here {
                    moves.records.push(facts_moved(identity, from, account, known.moves, at));
                }
                moves.entries.push(moved(&identity.source, EntryKind::Organisation, &identity.id, known, account));
            }
            for ticket in of_source.filed.get(&identity.id).into_iter().flatten() {
                if let Some((known, from)) = find(EntryKind::Ticket, ticket).and_then(elsewhere(account)) {
                    let id = known.name.clone().unwrap_or_else(|| format!("{}:{ticket}", identity.source));
                    moves.records.extend(ticket_moved(&identity.source, &id, from, account, known.moves, at));
                    moves.entries.push(moved(&identity.source, EntryKind::Ticket, ticket, known, account));
                }
            }
        }
        moves
    }

    /// Records that send tickets where they are filed, from where a process that did not know of that has filed them.
    pub fn astray<'s>(&self, strayed: impl IntoIterator<Item = &'s Strayed>, at: Millis) -> Moves {
        let mut moves = Moves::default();
        for Strayed { source, ticket, from, moves: before } in strayed {
            let known = self.find(source, EntryKind::Ticket, ticket);
            let Some((known, to)) = known.and_then(|known| Some((known, known.account.as_deref()?))) else { continue };
            if to == from {
                continue;
            }
            // Neither has counted what the other did: from now on both count on.
            let known = Known { moves: known.moves.max(*before), ..known.clone() };
            let id = known.name.clone().unwrap_or_else(|| format!("{source}:{ticket}"));
            moves.records.extend(ticket_moved(source, &id, from, to, known.moves, at));
            moves.entries.push(moved(source, EntryKind::Ticket, ticket, &known, to));
        }
        moves
    }

    /// How many tickets of an identity are remembered.
    pub fn tickets(&self, identity: &Identity) -> usize {
        self.of(&identity.source).and_then(|of| of.filed.get(&identity.id)).map_or(0, |tickets| tickets.len())
    }

    /// Everybody under whose name something lies; in order.
    pub fn everybody(&self) -> Vec<Identity> {
        let mut all: Vec<Identity> = Vec::new();
        for (source, of) in self.sources() {
            let organisations = of.kinds.get(&EntryKind::Organisation).into_iter().flatten().map(|(id, _)| id);
            all.extend(organisations.chain(of.filed.keys()).map(|id| Identity::new(source, id)));
        }
        all.sort();
        all.dedup();
        all
    }
}

/// What lies under another account than this, and under which.
fn elsewhere(account: &str) -> impl Fn(&Known) -> Option<(&Known, &str)> {
    move |known| {
        let from = known.account.as_deref().filter(|from| *from != account)?;
        Some((known, from))
    }
}

fn moved(source: &str, kind: EntryKind, id: &str, known: &Known, account: &str) -> Entry {
    let known = Known { account: Some(account.to_owned()), moves: known.moves + 1, ..known.clone() };
    Entry { source: source.to_owned(), kind, id: id.to_owned(), known: Some(known) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Decision, Fact, Says};

    fn entry(kind: EntryKind, id: &str, account: &str, group: Option<&str>) -> Entry {
        let known = Known { account: Some(account.into()), group: group.map(str::to_owned), ..Known::default() };
        Entry { source: "desk".into(), kind, id: id.into(), known: Some(known) }
    }

    fn link(table: &mut Table, id: &str, account: Option<&str>) -> Vec<Identity> {
        let decision = Decision { account: account.map(str::to_owned), by: "jo".into(), reason: None, at: 0 };
        table.aliases.put(Fact { of: Identity::new("desk", id), says: Says::Decided(Some(decision)) }).1
    }

    fn told(moves: &Moves) -> Vec<String> {
        let text = |record: &Canonical, name: &str| record.text(name).unwrap_or("-").to_owned();
        let told = moves.records.iter().map(|record| {
            format!("{} {} {}", text(record, "ticket_id"), text(record, "account_id"), text(record, "to_account"))
        });
        told.collect()
    }

    #[test]
    fn what_belongs_to_an_identity_moves_and_comes_back_alone() {
        let mut table = Table::default();
        table.put(entry(EntryKind::Organisation, "1", "desk:1", None));
        table.put(entry(EntryKind::Ticket, "7", "desk:1", Some("1")));
        table.put(entry(EntryKind::Ticket, "8", "acme", Some("2")));
        let changed = link(&mut table, "1", Some("acme"));
        let moves = table.moves(&changed, 5);
        assert_eq!(told(&moves), ["- desk:1 acme", "desk:7 desk:1 acme", "desk:7 acme acme"]);
        moves.entries.into_iter().for_each(|entry| drop(table.put(entry)));
        assert_eq!(table.moves(&table.everybody(), 6).records.len(), 2, "the other's ticket lies under a name of old");
        let changed = link(&mut table, "1", None);
        let back = told(&table.moves(&changed, 7));
        assert_eq!(back, ["- acme desk:1", "desk:7 acme desk:1", "desk:7 desk:1 desk:1"]);
    }

    #[test]
    fn what_was_told_stays_while_another_of_its_source_is_there() {
        let mut table = Table::default();
        table.put(entry(EntryKind::Organisation, "1", "acme", None));
        table.put(entry(EntryKind::Organisation, "2", "acme", None));
        let both = [Identity::new("desk", "1"), Identity::new("desk", "2")];
        assert_eq!(told(&table.moves(&both[..1], 0)), Vec::<String>::new());
        assert_eq!(told(&table.moves(&both, 0)), ["- acme desk:2"]);
    }
}
