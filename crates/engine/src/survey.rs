//! How well the data serves the rules: of each thing that their conditions ask, on how many tickets it is told, by whom,
//! how fresh it is, and with which values. Looks, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use tierline_model::Millis;
use tierline_rules::{Ask, AskedOf, Edge, Found, Look, Moment, Said, Truth};

use crate::account::Slot;
use crate::engine::Engine;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// How many tickets are open.
    pub open: usize,
    /// How many were open at any time within the last 30 days.
    pub recent: usize,
    /// Each rule, in order.
    pub rules: Vec<RuleSurvey>,
    /// What is told of each thing that any rule asks.
    pub tallies: Vec<Tally>,
}

/// What was found of one rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSurvey {
    /// On how many of the recent tickets everything that it asks is known: has a value, or is told to be empty.
    pub known: usize,
    /// What it asks, in the order in which it was written.
    pub asked: Vec<Asked>,
}

/// What was found of one thing that a rule asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The condition that asks it, by its place in the rule.
    pub condition: usize,
    /// What is asked.
    pub ask: Ask,
    /// What is told of it, by its place in [`Survey::tallies`]: many rules may ask the same.
    pub tally: usize,
}

/// What is told of one thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// On open tickets.
    pub open: Presence,
    /// On tickets that were open within the last 30 days; the rest is about these.
    pub recent: Presence,
    /// Who tells it, and on how many tickets.
    pub sources: BTreeMap<String, usize>,
    /// As of when it is told, oldest first.
    pub as_of: Vec<Millis>,
    /// Which values occur, and on how many tickets; not more than [`MOST_VALUES`].
    pub values: BTreeMap<Said, usize>,
    /// Of whom nobody tells it: tickets, or accounts where it is an account's.
    pub missing: BTreeSet<String>,
}

/// On how many tickets something is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// It has a value.
    pub value: usize,
    /// It is told to be empty.
    pub empty: usize,
    /// It is unknown.
    pub untold: usize,
}

/// Of more values than this the rest is not told: a name or an amount has as many as there are accounts.
pub const MOST_VALUES: usize = 1_000;
/// What *the last 30 days* are.
const RECENTLY: Millis = 30 * 86_400_000;

impl Survey {
    /// Adds what was found in another task.
    pub fn add(&mut self, other: Survey) {
        if self.rules.is_empty() {
            *self = other;
            return;
        }
        self.open += other.open;
        self.recent += other.recent;
        for (mine, theirs) in self.rules.iter_mut().zip(other.rules) {
            mine.known += theirs.known;
        }
        self.tallies.iter_mut().zip(other.tallies).for_each(|(mine, theirs)| mine.add(theirs));
    }
}

impl Presence {
    /// On how many tickets it was looked for.
    pub fn tickets(self) -> usize {
        self.value + self.empty + self.untold
    }

    fn add(&mut self, other: Presence) {
        self.value += other.value;
        self.empty += other.empty;
        self.untold += other.untold;
    }

    fn count(&mut self, found: Found) {
        match found {
            Found::Value => self.value += 1,
            Found::Empty => self.empty += 1,
            Found::Untold => self.untold += 1,
        }
    }
}

impl Engine {
    /// Looks at all tickets as of an instant.
    pub fn survey(&self, at: Millis) -> Survey {
        let mut survey = Survey { rules: vec![RuleSurvey::default(); self.rules.rules.len()], ..Survey::default() };
        let (asked, mut questions) = self.questions();
        for slot in self.tickets.places().filter(|&slot| self.is_recent(slot, at)) {
            survey.recent += 1;
            survey.open += usize::from(self.tickets[slot].open);
            let known: Vec<bool> = questions.iter_mut().map(|question| self.answer(slot, at, question)).collect();
            let mut all_known = vec![true; survey.rules.len()];
            asked.iter().for_each(|one| all_known[one.rule] &= known[one.question]);
            let rules = survey.rules.iter_mut().zip(all_known);
            rules.for_each(|(found, known)| found.known += usize::from(known));
        }
        for OneAsked { rule, condition, ask, question } in asked {
            survey.rules[rule].asked.push(Asked { condition, ask, tally: question });
        }
        survey.tallies = questions.into_iter().map(|question| question.tally).collect();
        survey.tallies.iter_mut().for_each(|tally| tally.as_of.sort_unstable());
        survey
    }

    /// What the rules ask, and the questions that this comes to: what many rules ask is looked up once.
    fn questions(&self) -> (Vec<OneAsked>, Vec<Question>) {
        let (mut asked, mut questions): (Vec<OneAsked>, Vec<Question>) = (Vec::new(), Vec::new());
        for (rule, asks) in self.rules.rules.iter().enumerate().map(|(place, rule)| (place, rule.asks())) {
            for (condition, ask) in
                asks.into_iter().enumerate().flat_map(|(n, asks)| asks.into_iter().map(move |ask| (n, ask)))
            {
                let is_same = |other: &Question| ask.of != AskedOf::State && other.ask.key == ask.key;
                let question = questions.iter().position(is_same).unwrap_or_else(|| {
                    questions.push(Question { rule, condition, ask: ask.clone(), tally: Tally::default() });
                    questions.len() - 1
                });
                asked.push(OneAsked { rule, condition, ask, question });
            }
        }
        (asked, questions)
    }

    /// Whether rules could have looked at a ticket within the last 30 days. What was merged, deleted or spam is none.
    fn is_recent(&self, slot: Slot, at: Millis) -> bool {
        let ticket = &self.tickets[slot];
        ticket.counts_at_all() && (ticket.open || ticket.solved_at.is_some_and(|solved| solved > at - RECENTLY))
    }

    /// Counts what is told of one thing on a ticket; whether it is known.
    fn answer(&self, slot: Slot, at: Millis, question: &mut Question) -> bool {
        let ticket = &self.tickets[slot];
        let account = &self.accounts[ticket.account];
        let view = self.view(slot, account.now.max(Moment { at, edge: Edge::Bounds }));
        let look = question.ask.look(&view).unwrap_or_else(|| {
            // What followed from the messages of a solved ticket was known while it was open.
            let truth = || self.rules.rules[question.rule].leaves(&view)[question.condition].truth;
            let found = if ticket.open && truth() == Truth::Unknown { Found::Untold } else { Found::Value };
            Look { found, ..Look::default() }
        });
        if look.found == Found::Untold {
            let id = if question.ask.is_of_account() { &*account.id } else { &*ticket.id };
            question.tally.missing.insert(id.to_owned());
        }
        question.tally.count(ticket.open, look)
    }
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.open.add(other.open);
        self.recent.add(other.recent);
        self.as_of.extend(other.as_of);
        self.as_of.sort_unstable();
        self.missing.extend(other.missing);
        other.sources.into_iter().for_each(|(source, tickets)| *self.sources.entry(source).or_default() += tickets);
        other.values.into_iter().for_each(|(value, tickets)| *self.values.entry(value).or_default() += tickets);
    }

    fn count(&mut self, open: bool, look: Look) -> bool {
        self.recent.count(look.found);
        if open {
            self.open.count(look.found);
        }
        self.as_of.extend(look.as_of);
        if let Some(source) = look.source {
            *self.sources.entry(source).or_default() += 1;
        }
        for value in look.values {
            if self.values.len() < MOST_VALUES || self.values.contains_key(&value) {
                *self.values.entry(value).or_default() += 1;
            }
        }
        look.found != Found::Untold
    }
}

/// One thing that one condition of one rule asks.
struct OneAsked {
    rule: usize,
    condition: usize,
    ask: Ask,
    question: usize,
}

/// What several may ask alike.
struct Question {
    /// The first that asks it, and where.
    rule: usize,
    condition: usize,
    ask: Ask,
    tally: Tally,
}
