//! What a condition is. Each kind is one file in [`conditions`](crate::conditions).

use tierline_model::Millis;

use crate::matcher::Matcher;
use crate::{Ask, Dated, Facts, FieldRef, Reads};

/// One thing that a rule asks for. Pure: all it knows stands in the facts that it is shown.
pub trait Condition: std::fmt::Debug + Send + Sync {
    /// What it reads, so that an event re-evaluates only what reads what it changed.
    fn reads(&self) -> Reads;

    /// Whether its truth may change though no record comes.
    fn is_timed(&self) -> bool {
        false
    }

    /// Its truth at the moment of the facts. Allocates nothing.
    fn evaluate(&self, facts: &dyn Facts) -> Dated;

    /// What its field must be for it to hold: cheap to ask of many rules at once.
    fn gate(&self) -> Option<Gate> {
        None
    }

    /// The absence that it waits for, while one runs: what a late record may disprove.
    fn absence(&self, _facts: &dyn Facts) -> Option<Absence> {
        None
    }

    /// It as a phrase in the present tense: *the account's plan is enterprise*; negated: *… is not enterprise*.
    fn present(&self, negated: bool) -> String;

    /// It as a phrase in the past tense with the values that the facts show: *the account's health was 42 (below 50)*.
    fn past(&self, facts: &dyn Facts, negated: bool) -> String;

    /// The value that it sees, and who said so.
    fn seen(&self, facts: &dyn Facts) -> Seen;

    /// It in one fixed spelling: two conditions that mean the same by their words have the same.
    fn normal(&self) -> String;

    /// The same, with the name of a calendar in the place of what it says.
    fn but_for_hours(&self) -> String {
        self.normal()
    }

    /// What it claims of one thing, where two claims on the same thing can exclude each other.
    fn claim(&self) -> Option<Claim<'_>> {
        None
    }

    /// How long it wants something to have lasted: where two ask for the same, the shorter holds wherever the longer does.
    fn lasting(&self) -> Option<Lasting> {
        None
    }

    /// The fields that it reads, by the names that rules use.
    fn fields(&self) -> Vec<String>;

    /// What it asks, one thing at a time: for whoever wants to know whether anybody tells it.
    fn asks(&self) -> Vec<Ask> {
        self.fields().into_iter().map(Ask::state).collect()
    }
}

/// That a thing is as a matcher says.
#[derive(Debug)]
pub struct Claim<'a> {
    /// What it is about; two conditions with equal ones speak of the same value.
    pub(crate) about: String,
    pub(crate) matcher: &'a Matcher,
}

impl Claim<'_> {
    /// Whether no value can be as both say.
    pub(crate) fn excludes(&self, other: &Claim<'_>) -> bool {
        self.about == other.about && self.matcher.excludes(other.matcher)
    }

    /// Whether it is as this says wherever it is as the other says.
    pub(crate) fn covers(&self, other: &Claim<'_>) -> bool {
        self.about == other.about && self.matcher.covers(other.matcher)
    }
}

/// That something has lasted for so long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// What, and by which hours.
    pub(crate) about: String,
    /// Milliseconds of those.
    pub(crate) length: Millis,
}

/// Whether one condition holds wherever the other does, as far as their claims show.
pub(crate) fn covers(one: &dyn Condition, other: &dyn Condition) -> bool {
    let by_claim = one.claim().zip(other.claim()).is_some_and(|(one, other)| one.covers(&other));
    let is_shorter = |(one, other): (Lasting, Lasting)| one.about == other.about && one.length <= other.length;
    by_claim || one.lasting().zip(other.lasting()).is_some_and(is_shorter)
}

/// A field that has to be one of these texts. While it is told and is none of them, the condition is *no*, and only a
/// record can change that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Which field.
    pub field: FieldRef,
    /// Their numbers among the rule set's texts.
    pub texts: Box<[u32]>,
}

/// The value that a condition sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// For people.
    pub value: String,
    /// Who told it.
    pub source: Option<String>,
    /// As of when, UTC.
    pub as_of: Option<Millis>,
}

/// Something that has not happened yet, and by when it will have stayed away long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// What has not happened.
    pub of: AbsenceOf,
    /// Since when it has stayed away.
    pub from: Millis,
    /// When it will have stayed away long enough.
    pub due: Millis,
}

/// What may stay away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AbsenceOf {
    /// An agent's public reply: `no_agent_reply_for`, `sla.first_reply`.
    AgentReply,
    /// A customer's message: `no_customer_reply_for`.
    CustomerReply,
    /// Somebody who is assigned: `unassigned_for`.
    Assignment,
    /// A person's change, message or note: `unchanged_for`.
    Change,
    /// That the ticket is solved: `open_for`.
    Closing,
    /// Another status: `status_for`.
    Status,
}
