//! What is legal in a rule and rarely what was meant.

use tierline_model::{Status, TicketField};

use crate::scope::Scope;
use crate::source::{Kind, Node, Span, codes};
use crate::{FieldRef, Rule};

/// The field of which a rule that looks at open tickets alone can ask too much.
const STATUS: &str = "ticket.status";

/// A rule is never asked of a ticket that isn't open, unless it reads ratings.
pub(super) fn warn_of_status(rule: &Rule, node: &Node, scope: &mut Scope<'_>) {
    if rule.reads_rating() {
        return;
    }
    let gates = rule.body.leaves.iter().filter_map(|leaf| leaf.condition.gate());
    let asked = gates.filter(|gate| gate.field == FieldRef::Ticket(TicketField::Status)).flat_map(|gate| gate.texts);
    let mut words = asked.filter_map(|text| Status::from_word(scope.texts.text(text)));
    let Some(over) = words.find(|status| matches!(status, Status::Solved | Status::Closed)) else { return };
    let place = ["when", "unless"].into_iter().filter_map(|key| node.at(key)).find_map(status);
    // It may stand in a term.
    let place = place.unwrap_or(&node.span);
    scope
        .found
        .warning(codes::DOUBTFUL, place, format!("a rule never sees a ticket that is {}", over.word()))
        .label("only open tickets are looked at")
        .help("leave it out; only rules that read `ticket.rating` are asked of a solved ticket, once it is rated");
}

/// Where conditions name the status of the rule's own ticket.
fn status(node: &Node) -> Option<&Span> {
    match &node.kind {
        Kind::Scalar(_) => None,
        Kind::List(nodes) => nodes.iter().find_map(status),
        Kind::Map(entries) => entries.iter().find_map(|entry| match entry.key.text.as_str() {
            STATUS => Some(&entry.key.span),
            "all" | "any" | "not" => status(&entry.value),
            _ => None,
        }),
    }
}

/// A ticket's latches are forgotten with it; those of an account (`once_per: account`) are not.
pub(super) fn warn_of_cooldown(rule: &Rule, node: &Node, scope: &mut Scope<'_>) {
    if rule.per_account || rule.cooldown.is_none_or(|cooldown| cooldown <= scope.history) {
        return;
    }
    scope
        .found
        .warning(codes::DOUBTFUL, &node.span, "this cooldown is longer than `time.history`")
        .label("forgotten with the ticket, once that has been solved for so long")
        .help("shorten it, or raise `time.history`");
}
