//! Conditions of the contract that this version does not have: they are refused, never ignored.

use super::Kind;
use crate::scope::Scope;
use crate::source::{self, Key, Node};
use crate::tree::Expression;

pub(super) const KIND: Kind = Kind {
    claims: |key| UNBUILT.contains(&key),
    // Nobody is sent to what would be refused.
    keys: Vec::new,
    parse,
};

const UNBUILT: [&str; 6] = [
    "sla.next_reply",
    "sla.periodic_update",
    "sla.pausable_update",
    "sla.requester_wait",
    "sla.agent_work",
    "sla.resolution",
];

fn parse(key: &Key, _: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    source::not_built(key, scope.found);
    None
}
