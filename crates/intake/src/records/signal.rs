//! Records of `signals`.

use serde_json::{Map, Value};
use tierline_model::{Millis, RecordType};

use super::tell;
use crate::Canonical;

/// What a model or a bot of the source says of a ticket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signal {
    /// The same signal has the same.
    pub signal_id: String,
    /// The account of the contract.
    pub account_id: String,
    /// The ticket of the contract.
    pub ticket_id: Option<String>,
    /// When it was said.
    pub occurred_at: Millis,
    /// What it is about: `sentiment`, `escalation_risk`, or the company's own.
    pub name: String,
    /// A number.
    pub value: Option<f64>,
    /// A word.
    pub label: Option<String>,
    /// Which model said it.
    pub model: Option<String>,
    /// Why, for people.
    pub explanation: Option<String>,
    /// A bot hands over.
    pub handoff: Option<Handoff>,
}

/// A bot's hand-over to a person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Handoff {
    /// What happened so far.
    pub summary: Option<String>,
    /// What was tried.
    pub attempted: Vec<String>,
    /// Where it broke down.
    pub broke_down: Option<String>,
    /// Whether the customer asked for a person.
    pub wants_human: Option<bool>,
}

impl From<Signal> for Canonical {
    fn from(signal: Signal) -> Canonical {
        let mut told = Map::new();
        told.insert("signal_id".to_owned(), signal.signal_id.into());
        told.insert("account_id".to_owned(), signal.account_id.into());
        tell(&mut told, "ticket_id", signal.ticket_id);
        told.insert("occurred_at".to_owned(), signal.occurred_at.into());
        told.insert("name".to_owned(), signal.name.into());
        tell(&mut told, "value", signal.value);
        tell(&mut told, "label", signal.label);
        tell(&mut told, "model", signal.model);
        tell(&mut told, "explanation", signal.explanation);
        if let Some(handoff) = signal.handoff {
            let mut inner = Map::new();
            tell(&mut inner, "summary", handoff.summary);
            if !handoff.attempted.is_empty() {
                inner.insert("attempted".to_owned(), handoff.attempted.into());
            }
            tell(&mut inner, "broke_down", handoff.broke_down);
            tell(&mut inner, "wants_human", handoff.wants_human);
            told.insert("handoff".to_owned(), Value::Object(inner));
        }
        Canonical { stream: RecordType::Signals, told }
    }
}
