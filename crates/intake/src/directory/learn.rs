//! What a process learns of who is who, and all that it must write for it.

use tierline_model::Millis;
use tierline_stream::client::Outgoing;

use super::{Entry, Moves, Shared, Unsettled};
use crate::identity::{Fact, Identity, Told};
use crate::{Canonical, Outbox};

/// What was learnt: taken already, still to be written, and to be taken back if that fails.
#[derive(Debug, Default)]
pub struct Learnt {
    /// Facts as records, to be written first.
    facts: Vec<Outgoing>,
    /// What moves by them.
    pub records: Vec<Canonical>,
    /// Where it lies then, as records, to be written last.
    entries: Vec<Outgoing>,
    before_facts: Vec<Fact>,
    before: Vec<Entry>,
}

impl Shared {
    /// Takes what is told of who is who, as of `now`, and moves what lies elsewhere by it.
    pub fn learn(&self, told: &[Told], now: Millis) -> Learnt {
        let mut learnt = Learnt::default();
        for told in told {
            let fact = told.fact(&self.table().aliases, now);
            if let Some(fact) = fact {
                self.take_up(fact, now, &mut learnt);
            }
        }
        learnt
    }

    /// Takes a fact, and moves what lies elsewhere by it.
    pub fn decide(&self, fact: Fact, now: Millis) -> Learnt {
        let mut learnt = Learnt::default();
        self.take_up(fact, now, &mut learnt);
        learnt
    }

    /// Moves what of these lies elsewhere than who is who says.
    pub fn settle(&self, unsettled: &Unsettled, now: Millis) -> Learnt {
        let mut learnt = Learnt::default();
        let astray = self.table().astray(&unsettled.strayed, now);
        self.take_moves(astray, &mut learnt);
        self.move_to(&unsettled.of, now, &mut learnt);
        learnt
    }

    /// As if it had never been learnt.
    pub fn unlearn(&self, learnt: Learnt) {
        learnt.before.into_iter().rev().for_each(|entry| self.restore(entry));
        learnt.before_facts.into_iter().rev().for_each(|fact| self.restore_fact(fact));
    }

    fn take_up(&self, fact: Fact, now: Millis, learnt: &mut Learnt) {
        learnt.facts.push(self.outgoing_fact(&fact));
        let (before, changed) = self.put_fact(fact);
        learnt.before_facts.push(before);
        self.move_to(&changed, now, learnt);
    }

    fn move_to<'i>(&self, of: impl IntoIterator<Item = &'i Identity>, now: Millis, learnt: &mut Learnt) {
        let moves = self.table().moves(of, now);
        self.take_moves(moves, learnt);
    }

    fn take_moves(&self, Moves { records, entries }: Moves, learnt: &mut Learnt) {
        learnt.records.extend(records);
        for entry in entries {
            learnt.entries.push(self.outgoing(&entry));
            learnt.before.push(self.put(entry));
        }
    }
}

impl Learnt {
    /// Whether there is nothing to be written.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.entries.is_empty()
    }

    /// Puts all but the records of what moves into an outbox. Those belong between: facts first, for everybody can follow
    /// from them what is missing; what lies where last, for until then it is said again.
    pub fn put(&mut self, aliases: &str, directory: &str, outbox: &mut Outbox) {
        self.facts.drain(..).for_each(|fact| outbox.begin(aliases, fact));
        self.entries.drain(..).for_each(|entry| outbox.conclude(directory, entry));
    }
}
