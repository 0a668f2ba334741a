//! What conditions ask, one thing at a time, and whether anybody tells it: for `check` and the data map.

use tierline_model::Millis;

use crate::matcher::shown;
use crate::{Facts, FieldRef, Stamp, Told, Value, Word, fold};

/// One thing that a condition asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// By the name that rules use: `account.plan`.
    pub key: String,
    /// Where its answer comes from.
    pub of: AskedOf,
    /// The words that it compares with, as they were written.
    pub words: Vec<String>,
}

/// Where the answer to an [`Ask`] comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedOf {
    /// Somebody tells this field.
    Field(FieldRef),
    /// A model tells the signal of this name.
    Signal(String),
    /// What has happened so far: messages, clocks, counts, the escalation.
    State,
}

/// What is told of it on one ticket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Whether anything is.
    pub found: Found,
    /// The values, in the company's words.
    pub values: Vec<Said>,
    /// Who told it.
    pub source: Option<String>,
    /// As of when.
    pub as_of: Option<Millis>,
}

/// Whether anything is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Found {
    /// Nobody has told anything: *unknown*.
    #[default]
    Untold,
    /// Somebody told that it is empty.
    Empty,
    /// It has a value.
    Value,
}

/// A value that occurs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// In the company's words.
    pub value: String,
    /// What its source calls it, where that is something else; empty: nothing.
    pub told: Option<String>,
}

impl Ask {
    /// That of a field, compared with these words.
    pub(crate) fn field(field: &FieldRef, words: Vec<String>) -> Ask {
        Ask { key: field.key(), of: AskedOf::Field(field.clone()), words }
    }

    /// That of a signal.
    pub(crate) fn signal(key: &str, name: &str, words: Vec<String>) -> Ask {
        Ask { key: key.to_owned(), of: AskedOf::Signal(name.to_owned()), words }
    }

    /// That of what has happened so far.
    pub(crate) fn state(key: String) -> Ask {
        Ask { key, of: AskedOf::State, words: Vec::new() }
    }

    /// What is told of it; [`None`]: nobody tells it, it follows from what happened.
    pub fn look(&self, facts: &dyn Facts) -> Option<Look> {
        match &self.of {
            AskedOf::Field(field) => Some(field_look(facts.field(field))),
            AskedOf::Signal(name) if name == "handoff" => Some(handoff_look(facts)),
            AskedOf::Signal(name) => Some(signal_look(name, facts)),
            AskedOf::State => None,
        }
    }

    /// Whether it is the same for all tickets of an account.
    pub fn is_of_account(&self) -> bool {
        matches!(self.of, AskedOf::Field(FieldRef::Account(_) | FieldRef::AccountCustom(_) | FieldRef::Billing(_)))
    }

    /// The words that it compares with and that are none of these values.
    pub fn never_among<'v>(&self, values: impl Iterator<Item = &'v str>) -> Vec<String> {
        let occur: Vec<String> = values.map(fold).collect();
        self.words.iter().filter(|word| !occur.contains(&fold(word))).cloned().collect()
    }
}

fn field_look(told: Told<'_>) -> Look {
    let by = |found, values, stamp: Stamp<'_>| Look {
        found,
        values,
        source: stamp.source.map(str::to_owned),
        as_of: stamp.as_of,
    };
    match told {
        Told::Untold(_) => Look::default(),
        Told::Empty(stamp) => by(Found::Empty, Vec::new(), stamp),
        Told::Value(Value::Text(word), stamp) => by(Found::Value, vec![said(word)], stamp),
        Told::Value(Value::List(list), stamp) => by(Found::Value, list.iter().map(said).collect(), stamp),
        Told::Value(value, stamp) => by(Found::Value, vec![Said { value: shown(value), told: None }], stamp),
    }
}

fn said(word: Word<'_>) -> Said {
    Said { value: word.text.to_owned(), told: word.told.map(str::to_owned) }
}

fn handoff_look(facts: &dyn Facts) -> Look {
    match facts.handoff() {
        None => Look::default(),
        Some(handoff) => Look { found: Found::Value, as_of: Some(handoff.at), ..Look::default() },
    }
}

/// The newest value of a signal.
fn signal_look(name: &str, facts: &dyn Facts) -> Look {
    let mut look = Look::default();
    facts.signals(name, &mut |signal| {
        let value = match (signal.label, signal.value) {
            (Some(label), _) => Some(label.to_owned()),
            (None, Some(value)) => Some(shown(Value::Number(value))),
            (None, None) => None,
        };
        look = Look {
            found: Found::Value,
            values: value.map(|value| Said { value, told: None }).into_iter().collect(),
            source: signal.model.map(str::to_owned),
            as_of: Some(signal.at),
        };
    });
    look
}
