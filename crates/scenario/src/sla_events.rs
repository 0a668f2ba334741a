//! What a scenario expects on `sla-events`: only the records that it names are compared, in their order.

use serde_json::Value as Json;
use tierline_model::{Millis, SlaEvent, SlaEventKind, SlaMetric};
use tierline_rules::source::{Diagnostics, Kind, Node, codes, listed, unknown_word};

use crate::expect::{equal, show};
use crate::steps::json;
use crate::times;

/// Members that a record of `sla-events` should have.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    line: usize,
    members: Vec<(String, Json)>,
}

/// `at` is when it was breached, met or cancelled.
const TIMES: [&str; 6] = ["at", "due_at", "breached_at", "ended_at", "detected_at", "policy_applied_at"];
const OTHERS: [&str; 7] = ["metric", "kind", "ticket_id", "account_id", "policy", "cycle", "provisional"];

/// Reads a list of patterns.
pub(crate) fn read(list: &Node, start: Millis, found: &mut Diagnostics) -> Vec<Pattern> {
    let Kind::List(items) = &list.kind else {
        found.mistake(codes::WRONG_KIND, &list.span, "this is a list of records of `sla-events`");
        return Vec::new();
    };
    items.iter().map(|item| pattern(item, start, found)).collect()
}

fn pattern(item: &Node, start: Millis, found: &mut Diagnostics) -> Pattern {
    let mut members = Vec::new();
    let line = item.span.line_column().0;
    let Kind::Map(entries) = &item.kind else {
        found.mistake(codes::WRONG_KIND, &item.span, "a record is a map of the members to compare");
        return Pattern { line, members };
    };
    for entry in entries {
        let (name, node) = (entry.key.text.as_str(), &entry.value);
        let value = if TIMES.contains(&name) {
            times::instant(node, start, found).map(Json::from)
        } else if OTHERS.contains(&name) {
            let value = json(node);
            let word = value.as_str().unwrap_or_default();
            let (kinds, metrics) = (SlaEventKind::ALL.iter(), SlaMetric::ALL.iter());
            if name == "kind" && SlaEventKind::from_word(word).is_none() {
                unknown_word(node, "the kind of a record of `sla-events`", word, kinds.map(|kind| kind.word()), found);
            }
            if name == "metric" && SlaMetric::from_word(word).is_none() {
                unknown_word(node, "a metric", word, metrics.map(|metric| metric.word()), found);
            }
            Some(value)
        } else {
            let help = format!("compared can be {}", listed(TIMES.into_iter().chain(OTHERS)));
            found.mistake(codes::UNKNOWN_KEY, &entry.key.span, format!("`{name}` cannot be compared")).help(help);
            None
        };
        members.extend(value.map(|value| (name.to_owned(), value)));
    }
    Pattern { line, members }
}

/// What was expected and did not go out, after what was expected before it.
pub(crate) fn compare(expected: &[Pattern], events: &[SlaEvent], start: Millis) -> Vec<String> {
    let mut rest = events;
    for pattern in expected {
        let Some(place) = rest.iter().position(|event| pattern.matches(event)) else {
            let told: Vec<_> = events.iter().map(|event| line(event, start)).collect();
            let told = if told.is_empty() { "nothing".to_owned() } else { told.join("; ") };
            return vec![format!("line {}: {} is not among: {told}", pattern.line, pattern.words(start))];
        };
        rest = &rest[place + 1..];
    }
    Vec::new()
}

/// A record in few words.
pub(crate) fn line(event: &SlaEvent, start: Millis) -> String {
    let at = times::since(instant(event), start);
    let policy = event.policy.as_deref().unwrap_or("none");
    let SlaEvent { metric, kind, ticket_id, cycle, .. } = event;
    format!("{at} {metric} of {ticket_id} {kind} (policy {policy}, cycle {cycle})")
}

fn instant(event: &SlaEvent) -> Millis {
    event.breached_at.or(event.ended_at).unwrap_or(event.detected_at)
}

impl Pattern {
    fn matches(&self, event: &SlaEvent) -> bool {
        self.members.iter().all(|(name, wanted)| equal(&member(event, name), wanted))
    }

    fn words(&self, start: Millis) -> String {
        let words = self.members.iter().map(|(name, value)| format!("{name} {}", show(name, value, start)));
        words.collect::<Vec<_>>().join(", ")
    }
}

fn member(event: &SlaEvent, name: &str) -> Json {
    match name {
        "at" => instant(event).into(),
        "due_at" => event.due_at.into(),
        "breached_at" => event.breached_at.into(),
        "ended_at" => event.ended_at.into(),
        "detected_at" => event.detected_at.into(),
        "policy_applied_at" => event.policy_applied_at.into(),
        "metric" => event.metric.word().into(),
        "kind" => event.kind.word().into(),
        "ticket_id" => event.ticket_id.clone().into(),
        "account_id" => event.account_id.clone().into(),
        "policy" => event.policy.clone().into(),
        "cycle" => event.cycle.into(),
        "provisional" => event.provisional.into(),
        other => unreachable!("`pattern` refuses a member `{other}`"),
    }
}
