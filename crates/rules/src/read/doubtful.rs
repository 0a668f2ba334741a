//! What is legal in a rule and rarely what was meant.

use tierline_model::{Status, TicketField};

use crate::scope::Scope;
use crate::source::{Keys, Kind, Node, Span, codes};
use crate::tree::{Sense, Tree};
use crate::{Condition, FieldRef, Rule, condition};

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

/// `route: #leads` routes nowhere: what follows ` #` is a comment.
pub(super) fn warn_of_comments(keys: &mut Keys<'_>, texts: &[&'static str], scope: &mut Scope<'_>) {
    for &key in texts {
        let Some(entry) = keys.entry(key).filter(|entry| entry.value.is_null()) else { continue };
        let Some(comment) = entry.key.span.rest_of_line().trim_start_matches(':').trim().strip_prefix('#') else {
            continue;
        };
        scope
            .found
            .warning(codes::DOUBTFUL, &entry.key.span, format!("`{key}` says nothing: what follows `#` is a comment"))
            .help(format!("put quotes around it: `{key}: \"#{comment}\"`"));
    }
}

/// Tier 3 is for whoever decides: the guides advise rules there in which several things come together.
pub(super) fn warn_of_breadth(rule: &Rule, node: &Node, scope: &mut Scope<'_>) {
    let Tree::Any(alternatives) = &rule.body.when else { return };
    if rule.tier < 3 {
        return;
    }
    let place = node.at("when").map_or(&node.span, |when| &when.span);
    let count = alternatives.len();
    scope
        .found
        .warning(codes::BROAD, place, format!("any one of {count} conditions escalates to tier 3"))
        .label("`any` alone is broad for tier 3")
        .help("let several things come together with `all:`, or escalate to tier 2");
}

/// What is true of an account is true of each of its tickets.
pub(super) fn warn_of_account_alone(rule: &Rule, node: &Node, scope: &mut Scope<'_>) {
    let of_account = rule.body.leaves.iter().all(|leaf| leaf.of_account);
    if rule.per_account || !of_account {
        return;
    }
    let place = node.at("when").map_or(&node.span, |when| &when.span);
    scope
        .found
        .warning(codes::EVERY_TICKET, place, "this fires on every open ticket of such an account")
        .label("nothing here is about the ticket")
        .help("write `once_per: account`, or add a condition on the ticket");
}

/// A rule that holds only while another of its tier holds can never do more than join it.
pub(super) fn warn_of_covered(rules: &[Rule], nodes: &[&Node], scope: &mut Scope<'_>) {
    let needed: Vec<_> = rules.iter().map(Needed::of).collect();
    for (place, rule) in rules.iter().enumerate() {
        let covers = |&other: &usize| {
            let theirs = &rules[other];
            let covers = other != place && theirs.tier == rule.tier && needed[other].covers(&needed[place]);
            // Of two that hold wherever the other does the first fires.
            covers && (other < place || !needed[place].covers(&needed[other]))
        };
        let Some(other) = (0..rules.len()).find(covers) else { continue };
        let span = nodes[place].at("when").map_or(&nodes[place].span, |when| &when.span);
        let id = &rules[other].id;
        scope
            .found
            .warning(codes::COVERED, span, format!("whenever this holds, so does `{id}` of the same tier"))
            .label("it could only ever join")
            .help(format!("leave it out, raise its tier, or make `{id}` narrower"));
    }
}

/// What must be for a rule to hold, as far as one rule can be compared with another by it.
struct Needed<'r> {
    rule: &'r Rule,
    when: Vec<Need<'r>>,
    unless: Option<String>,
}

/// One of the things that must all be.
struct Need<'r> {
    spelled: String,
    /// The condition that it is, if it is one.
    condition: Option<&'r dyn Condition>,
}

impl Need<'_> {
    fn covers(&self, other: &Need<'_>) -> bool {
        let conditions = self.condition.zip(other.condition);
        self.spelled == other.spelled || conditions.is_some_and(|(one, other)| condition::covers(one, other))
    }
}

impl<'r> Needed<'r> {
    fn of(rule: &'r Rule) -> Needed<'r> {
        let body = &rule.body;
        let spell = |tree: &Tree| tree.spell(&|index| body.leaves[index].condition.normal());
        let need = |tree| Need {
            spelled: spell(tree),
            condition: match tree {
                Tree::Leaf(index, Sense::Plain) => Some(&*body.leaves[*index].condition),
                _ => None,
            },
        };
        let when = match &body.when {
            Tree::All(children) => children.iter().map(need).collect(),
            other => vec![need(other)],
        };
        Needed { rule, when, unless: body.unless.as_ref().map(spell) }
    }

    /// Whether this one holds wherever the other does, and rises no later.
    fn covers(&self, other: &Needed<'_>) -> bool {
        let (mine, theirs) = (self.rule, other.rule);
        self.when.iter().all(|need| other.when.iter().any(|other| need.covers(other)))
            && (self.unless.is_none() || self.unless == other.unless)
            && mine.hold <= theirs.hold
            && mine.cooldown.is_none()
            && mine.per_account == theirs.per_account
            && mine.mode == theirs.mode
            && mine.clear == theirs.clear
    }
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
