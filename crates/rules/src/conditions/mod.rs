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
mod reference;
mod signal;
mod silence;
mod sla;
mod status_for;
mod tickets;

use std::sync::Arc;

pub use reference::reference;

use crate::Condition;
use crate::scope::Scope;
use crate::source::{Key, Node, codes, nearest};
use crate::tree::Expression;

/// A kind of condition, as far as reading is concerned.
pub(crate) struct Kind {
    /// Whether a key is one of this kind's.
    claims: fn(&str) -> bool,
    /// Its keys, for suggestions.
    keys: fn() -> Vec<String>,
    /// What the reference tells of it.
    page: Page,
    /// Reads one.
    parse: fn(&Key, &Node, &mut Scope<'_>) -> Option<Expression>,
}

/// A section of the [`reference`].
pub(crate) struct Page {
    heading: &'static str,
    /// What its conditions take, in Markdown.
    about: &'static str,
    /// Each key with a value that it may have; what that means, the condition itself says.
    examples: fn() -> Vec<(String, String)>,
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
    let help = meant(&key.text, &known).map(|near| format!("did you mean `{near}`?")).unwrap_or_else(|| {
        "a condition is a field (`ticket.…`, `account.…`, `billing.…`), `signal.…`, `sla.…`, `escalation.…`, `all`, \
         `any`, `not` or `is`"
            .to_owned()
    });
    let help = format!("{help} (`tierline check --conditions` has all of them)");
    scope
        .found
        .mistake(codes::UNKNOWN_CONDITION, &key.span, format!("there is no condition `{}`", key.text))
        .help(help);
    None
}

/// What conditions are called elsewhere: no likeness of letters leads from one to the other.
const ELSEWHERE: [(&str, &str); 29] = [
    ("and", "all"),
    ("or", "any"),
    ("ticket.age", "ticket.open_for"),
    ("ticket.body", "message.text"),
    ("ticket.idle_for", "ticket.unchanged_for"),
    ("ticket.message", "message.text"),
    ("ticket.no_reply_for", "ticket.no_agent_reply_for"),
    ("ticket.silence", "ticket.no_agent_reply_for"),
    ("ticket.silent_for", "ticket.no_agent_reply_for"),
    ("ticket.text", "message.text"),
    ("ticket.unanswered_for", "ticket.no_agent_reply_for"),
    ("ticket.waiting_for", "ticket.no_agent_reply_for"),
    ("account.churn", "account.churn_risk"),
    ("account.downgraded", "billing.downgraded_within"),
    ("account.downgraded_within", "billing.downgraded_within"),
    ("account.health_score", "account.health"),
    ("account.open_tickets", "account.unresolved_tickets"),
    ("account.past_due", "billing.state"),
    ("account.renewal", "account.renewal_within"),
    ("account.renews_within", "account.renewal_within"),
    ("account.revenue", "account.arr"),
    ("account.tier", "account.plan"),
    ("billing.downgraded", "billing.downgraded_within"),
    ("billing.overdue", "billing.state"),
    ("billing.past_due", "billing.state"),
    ("billing.status", "billing.state"),
    ("escalation.age", "escalation.open_for"),
    ("escalation.unanswered_for", "escalation.unacknowledged_for"),
    ("escalation.unresolved_for", "escalation.at_tier_for"),
];

/// The condition that was meant by a key that is none.
fn meant<'k>(written: &str, known: &'k [String]) -> Option<&'k str> {
    let elsewhere = ELSEWHERE.iter().find(|(key, _)| *key == written).map(|(_, meant)| *meant);
    let of_that_name = |name: &str| known.iter().find(|key| *key == name).map(String::as_str);
    let room = written.split_once('.').map_or("", |(room, _)| room);
    let in_room =
        known.iter().map(String::as_str).filter(|key| key.split_once('.').is_some_and(|(its, _)| its == room));
    elsewhere
        .and_then(of_that_name)
        .or_else(|| near_in_another_room(written, known))
        .or_else(|| nearest(written, in_room).filter(|near| is_alike(written, near)))
        .or_else(|| nearest(written, known.iter().map(String::as_str)).filter(|near| is_alike(written, near)))
}

/// Whether what follows the room is alike as well: all keys of a room begin alike.
fn is_alike(written: &str, key: &str) -> bool {
    let rest = |key: &str| key.split_once('.').map_or(key.to_owned(), |(_, rest)| rest.to_owned());
    nearest(&rest(written), [rest(key).as_str()]).is_some()
}

/// A key whose last part exists elsewhere: `ticket.plan` for `account.plan`, `priority` for `ticket.priority`.
fn near_in_another_room<'k>(written: &str, known: &'k [String]) -> Option<&'k str> {
    let last = written.rsplit('.').next()?;
    known.iter().map(String::as_str).find(|key| key.split_once('.').is_some_and(|(_, rest)| rest == last))
}

/// A condition as an expression of its own.
fn leaf(condition: impl Condition + 'static) -> Option<Expression> {
    Some(Expression::Leaf(Arc::new(condition), None))
}
