//! The policies of `sla`, and `escalation_sla`.

use tierline_model::{Priority, SlaMetric};
use tierline_sla::{Calendar, Target, Targets};

use crate::rule::Body;
use crate::scope::{Calendars, Scope};
use crate::source::{self, Diagnostics, Entry, Keys, Kind, Node, codes};
use crate::{OnChange, OnReopen, Reads, SlaPolicy, Topic, read};

use super::{contradiction, expression, rule, supplied};

const ON_CHANGE: [(&str, OnChange); 2] = [("retain", OnChange::Retain), ("restart", OnChange::Restart)];
const ON_REOPEN: [(&str, OnReopen); 2] = [("exclude", OnReopen::Exclude), ("count", OnReopen::Count)];

/// The metrics for which a policy, with mistakes or without, is meant to have targets.
pub(super) fn metrics(policies: &[Node]) -> Vec<SlaMetric> {
    let has = |metric: &SlaMetric| {
        policies.iter().any(|policy| policy.at("targets").is_some_and(|targets| targets.at(metric.word()).is_some()))
    };
    SlaMetric::OF_TICKET.into_iter().filter(has).collect()
}

/// Reads a policy; `None`: it has mistakes, which have been told.
pub(super) fn parse(node: &Node, scope: &mut Scope<'_>) -> Option<SlaPolicy> {
    let mistakes = scope.found.mistakes();
    let mut keys = Keys::of(node, "a policy", scope.found)?;
    let id = rule::id(&mut keys, "a policy", scope.found);
    let when = keys.optional("when").map(|node| when(node, scope));
    let calendars = scope.calendars.clone();
    let named = keys.optional("calendar").and_then(|node| calendars.find(node, scope.found));
    let calendar = named.unwrap_or_default();
    let found = &mut *scope.found;
    let on_change = keys.optional("on_change").and_then(|node| source::word(node, "`on_change`", &ON_CHANGE, found));
    let on_reopen = keys.optional("on_reopen").and_then(|node| source::word(node, "`on_reopen`", &ON_REOPEN, found));
    let targets = keys.required("targets", found).and_then(|node| targets(node, &calendar, &calendars, found));
    keys.finish(found);
    if found.mistakes() > mistakes {
        return None;
    }
    let mut policy = SlaPolicy {
        id: id?,
        targets: targets?,
        calendar,
        on_change: on_change.unwrap_or_default(),
        on_reopen: on_reopen.unwrap_or_default(),
        fingerprint: String::new(),
        when: when.flatten(),
    };
    let leaves = policy.when.iter().flat_map(|body| &body.leaves);
    let mapped = scope.mappings.normal(leaves.flat_map(|leaf| leaf.condition.fields()));
    policy.fingerprint = read::fingerprint(&(normal(&policy) + &mapped));
    Some(policy)
}

/// A policy's condition: anything but what depends on the policy itself.
fn when(node: &Node, scope: &mut Scope<'_>) -> Option<Body> {
    let expression = expression::parse(node, "`when`", scope)?;
    contradiction::find(&expression, None, scope);
    supplied::warn(&[&expression], scope);
    let body = Body::compile(&expression, None);
    let reads = body.leaves.iter().fold(Reads::default(), |reads, leaf| reads.with(leaf.condition.reads()));
    if reads.overlaps(Reads::default().and(Topic::Sla).and(Topic::Escalation)) {
        scope
            .found
            .mistake(codes::CYCLE, &node.span, "a policy cannot depend on SLA clocks or on the escalation")
            .help("choose tickets by what they and their accounts are: `account.plan: enterprise`");
        return None;
    }
    Some(body)
}

/// In one fixed spelling.
fn normal(policy: &SlaPolicy) -> String {
    let SlaPolicy { id, targets, calendar, on_change, on_reopen, when, .. } = policy;
    let listed = SlaMetric::OF_TICKET.iter().zip(targets).map(|(metric, targets)| {
        let each = targets.each().map(|(priority, target)| {
            format!("{} {:?} {};", priority.map_or("default", Priority::word), target.length, target.calendar)
        });
        format!("{metric}: {}", each.collect::<String>())
    });
    let listed: Vec<_> = listed.collect();
    let when = when.as_ref().map(|body| body.tree.spell(&|index| body.leaves[index].condition.normal()));
    format!("{id} {when:?} {calendar} {on_change:?} {on_reopen:?} {}", listed.join(" "))
}

fn targets(
    node: &Node,
    calendar: &Calendar,
    calendars: &Calendars,
    found: &mut Diagnostics,
) -> Option<[Targets; SlaMetric::OF_TICKET.len()]> {
    let mut keys = Keys::of(node, "`targets`", found)?;
    let mut targets = <[Targets; SlaMetric::OF_TICKET.len()]>::default();
    let mut any = false;
    for (metric, targets) in SlaMetric::OF_TICKET.into_iter().zip(&mut targets) {
        if let Some(node) = keys.optional(metric.word()) {
            any = true;
            *targets = of_metric(metric, node, calendar, calendars, found).unwrap_or_default();
        }
    }
    if !any && keys.all_asked() {
        found
            .mistake(codes::MISSING_KEY, &node.span, "`targets` has no metric")
            .help("such as `first_reply: { urgent: 30m, default: 4h }`");
    }
    keys.finish(found);
    Some(targets)
}

fn of_metric(
    metric: SlaMetric,
    node: &Node,
    calendar: &Calendar,
    calendars: &Calendars,
    found: &mut Diagnostics,
) -> Option<Targets> {
    let Kind::Map(entries) = &node.kind else {
        source::wrong_kind(node, &format!("the targets of `{metric}` are a map of priorities and durations"), found);
        found.items.last_mut().map(|mistake| mistake.help("one for all is `{ default: 4h }`"));
        return None;
    };
    if entries.is_empty() {
        found.mistake(codes::EMPTY, &node.span, format!("`{metric}` has no target"));
    }
    let mut targets = Targets::default();
    for Entry { key, value } in entries {
        let priority = match key.text.as_str() {
            "default" => Some(None),
            word => Priority::from_word(word).map(Some),
        };
        let Some(priority) = priority else {
            let words = || Priority::ALL.iter().map(|priority| priority.word()).chain(["default"]);
            let help = source::did_you_mean(&key.text, words())
                .unwrap_or_else(|| format!("write one of {}", source::listed(words())));
            found.mistake(codes::UNKNOWN_KEY, &key.span, format!("there is no priority `{}`", key.text)).help(help);
            continue;
        };
        if let Some(target) = target(value, calendar, calendars, found) {
            targets.set(priority, target);
        }
    }
    Some(targets)
}

/// A target: `4h`, or `{ in: 4h, calendar: always }`.
fn target(node: &Node, calendar: &Calendar, calendars: &Calendars, found: &mut Diagnostics) -> Option<Target> {
    if !matches!(node.kind, Kind::Map(_)) {
        let target = Target { length: source::target(node, found)?, calendar: calendar.clone() };
        doubt(node, &target, found);
        return Some(target);
    }
    let mut keys = Keys::of(node, "a target", found)?;
    let written = keys.required("in", found);
    let length = written.and_then(|node| source::target(node, found));
    let calendar = match keys.optional("calendar") {
        Some(node) => calendars.find(node, found),
        None => Some(calendar.clone()),
    };
    keys.finish(found);
    let target = Target { length: length?, calendar: calendar? };
    doubt(written?, &target, found);
    Some(target)
}

/// Business time without business hours passes around the clock.
fn doubt(written: &Node, target: &Target, found: &mut Diagnostics) {
    let says = |word| written.scalar().is_some_and(|scalar| scalar.text.contains(word));
    if says("business") && target.calendar == Calendar::Always {
        found
            .warning(codes::DOUBTFUL, &written.span, "this is business time, and no calendar says when business is")
            .label("nights and weekends count")
            .help("name one: `calendar: office` in the policy, or `{ in: 2 business days, calendar: office }`");
    }
}

/// `escalation_sla: { 2: 4h, 3: 1h }`
pub(super) fn of_escalations(
    section: Option<&Node>,
    calendars: &Calendars,
    found: &mut Diagnostics,
) -> [Option<Target>; 2] {
    let Some(section) = section.filter(|node| !node.is_null()) else { return [None, None] };
    let Some(mut keys) = Keys::of(section, "`escalation_sla`", found) else { return [None, None] };
    let targets = ["2", "3"].map(|tier| {
        let node = keys.optional(tier)?;
        target(node, &Calendar::Always, calendars, found)
    });
    keys.finish(found);
    targets
}
