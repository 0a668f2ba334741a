//! The vocabulary: every kind of condition, one file each. A new kind is a new file and a new line in [`VOCABULARY`].
//!
//! What must never be in here: how conditions combine, and what happens when one holds.

mod dates;
mod escalation;
mod field;
mod follow_ups;
mod handoff;
mod lapse;
mod phrase;
mod recurring;
mod signal;
mod silence;
mod sla;
mod status_for;
mod tickets;

use std::sync::Arc;

use crate::Condition;
use crate::scope::Scope;
use crate::source::{Key, Node, codes, did_you_mean};
use crate::tree::Expression;

/// A kind of condition, as far as reading is concerned.
pub(crate) struct Kind {
    /// Whether a key is one of this kind's.
    claims: fn(&str) -> bool,
    /// Its keys, for suggestions.
    keys: fn() -> Vec<String>,
    /// Reads one.
    parse: fn(&Key, &Node, &mut Scope<'_>) -> Option<Expression>,
}

/// The first that claims a key reads it.
const VOCABULARY: [Kind; 12] = [
    silence::KIND,
    status_for::KIND,
    follow_ups::KIND,
    recurring::KIND,
    tickets::KIND,
    sla::KIND,
    phrase::KIND,
    handoff::KIND,
    signal::KIND,
    escalation::KIND,
    dates::KIND,
    field::KIND,
];

/// Reads the condition that a key and its value say.
pub(crate) fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    if let Some(kind) = VOCABULARY.iter().find(|kind| (kind.claims)(&key.text)) {
        return (kind.parse)(key, value, scope).map(|expression| expression.at(&key.span));
    }
    let mut known: Vec<String> = VOCABULARY.iter().flat_map(|kind| (kind.keys)()).collect();
    known.extend(["all", "any", "not", "is"].map(str::to_owned));
    let help = near_in_another_room(&key.text, &known)
        .or_else(|| did_you_mean(&key.text, known.iter().map(String::as_str)))
        .unwrap_or_else(|| {
            "a condition is a field (`ticket.…`, `account.…`, `billing.…`), `signal.…`, `sla.…`, `escalation.…`, `all`, \
             `any`, `not` or `is`"
                .to_owned()
        });
    scope
        .found
        .mistake(codes::UNKNOWN_CONDITION, &key.span, format!("there is no condition `{}`", key.text))
        .help(help);
    None
}

/// A key whose last part exists elsewhere: `ticket.plan` for `account.plan`, `priority` for `ticket.priority`.
fn near_in_another_room(written: &str, known: &[String]) -> Option<String> {
    let last = written.rsplit('.').next()?;
    let same = known.iter().find(|key| key.split_once('.').is_some_and(|(_, rest)| rest == last))?;
    Some(format!("did you mean `{same}`?"))
}

/// A condition as an expression of its own.
fn leaf(condition: impl Condition + 'static) -> Option<Expression> {
    Some(Expression::Leaf(Arc::new(condition), None))
}
