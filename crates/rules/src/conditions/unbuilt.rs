//! Conditions of the contract that this version does not have: they are refused, never ignored.

use super::Kind;
use crate::scope::Scope;
use crate::source::{self, Key, Node};
use crate::tree::Expression;

pub(super) const KIND: Kind = Kind {
    claims: |key| UNBUILT.contains(&key) || key == "signal.handoff" || key.starts_with("signal.handoff."),
    // Nobody is sent to what would be refused.
    keys: Vec::new,
    parse,
};

const UNBUILT: [&str; 6] = [
    "ticket.status_for",
    "ticket.reopened",
    "ticket.reassigned",
    "account.unanswered_tickets",
    "account.unresolved_tickets",
    "message.text",
];

fn parse(key: &Key, _: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    source::not_built(key, scope.found);
    None
}
