//! What a scenario expects, and how what happened differs from it.

use serde_json::Value as Json;
use tierline_model::{EscalationKind, Millis};
use tierline_rules::source::{Diagnostics, Kind, Node, codes, did_you_mean, listed, unknown_word, whole};

use crate::steps::json;
use crate::{Happened, times};

/// Members that a record of `escalations` should have.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    line: usize,
    members: Vec<(String, Json)>,
}

const TIMES: [&str; 5] = ["at", "became_true_at", "detected_at", "until", "due_at"];
const OTHERS: [&str; 13] = [
    "kind",
    "ticket_id",
    "account_id",
    "tier",
    "previous_tier",
    "rule",
    "sequence",
    "by",
    "command_id",
    "reason",
    "suggest",
    "route",
    "url",
];

/// Reads a list of patterns. `rules`: the ids that there are, where that is known.
pub(crate) fn read(list: &Node, start: Millis, rules: Option<&[String]>, found: &mut Diagnostics) -> Vec<Pattern> {
    let Kind::List(items) = &list.kind else {
        found.mistake(codes::WRONG_KIND, &list.span, "this is a list of records, perhaps an empty one: `[]`");
        return Vec::new();
    };
    items.iter().map(|item| pattern(item, start, rules, found)).collect()
}

fn pattern(item: &Node, start: Millis, rules: Option<&[String]>, found: &mut Diagnostics) -> Pattern {
    let mut members = Vec::new();
    let Kind::Map(entries) = &item.kind else {
        found.mistake(codes::WRONG_KIND, &item.span, "a record is a map of the members to compare");
        return Pattern { line: 0, members };
    };
    for entry in entries {
        let (name, node) = (entry.key.text.as_str(), &entry.value);
        let value = if TIMES.contains(&name) {
            times::instant(node, start, found).map(Json::from)
        } else if OTHERS.contains(&name) {
            let value = json(node);
            if name == "kind" && value.as_str().is_none_or(|word| EscalationKind::from_word(word).is_none()) {
                let words = EscalationKind::ALL.iter().map(|kind| kind.word());
                unknown_word(node, "the kind of a record of `escalations`", &value.to_string(), words, found);
            }
            match name {
                "rule" => rule(node, rules, found),
                "tier" => drop(whole(node, "`tier`", (2, 3), found)),
                "previous_tier" if !node.is_null() => drop(whole(node, "`previous_tier`", (1, 3), found)),
                _ => {}
            }
            Some(value)
        } else {
            let help = format!("compared can be {}", listed(TIMES.into_iter().chain(OTHERS)));
            found.mistake(codes::UNKNOWN_KEY, &entry.key.span, format!("`{name}` cannot be compared")).help(help);
            None
        };
        members.extend(value.map(|value| (name.to_owned(), value)));
    }
    Pattern { line: item.span.line_column().0, members }
}

/// A rule that there is not fires nothing, and would be compared with nothing.
fn rule(node: &Node, rules: Option<&[String]>, found: &mut Diagnostics) {
    let (Some(rules), false) = (rules, node.is_null()) else { return };
    let written = node.scalar().map_or("", |scalar| scalar.text.as_str());
    if rules.iter().any(|rule| rule == written) {
        return;
    }
    let ids = || rules.iter().map(String::as_str);
    let help = did_you_mean(written, ids()).unwrap_or_else(|| match rules {
        [] => "the scenario tests no rules".to_owned(),
        _ => format!("its rules are {}", listed(ids())),
    });
    found.mistake(codes::UNKNOWN_WORD, &node.span, format!("the scenario tests no rule `{written}`")).help(help);
}

/// What differs between what was expected, in order, and what went out; and what of it should never have.
pub(crate) fn compare(expect: &[Pattern], never: &[Pattern], happened: &[Happened], start: Millis) -> Vec<String> {
    let mut differences = Vec::new();
    for (place, expected) in expect.iter().enumerate() {
        match happened.get(place) {
            None => differences.push(format!("line {}: {} did not happen", expected.line, expected.words(start))),
            Some(record) => differences.extend(expected.mismatch(record, start)),
        }
    }
    for extra in happened.iter().skip(expect.len()) {
        let record = &extra.escalation;
        let at = times::since(record.became_true_at, start);
        differences.push(format!("unexpected: {} of {} at {at}", record.kind, record.ticket_id));
    }
    for never in never {
        if let Some(record) = happened.iter().find(|record| never.mismatch(record, start).is_none()) {
            let at = times::since(record.escalation.became_true_at, start);
            differences.push(format!("line {}: {} happened at {at}", never.line, never.words(start)));
        }
    }
    differences
}

impl Pattern {
    /// Whether a record that this rule caused could be as it says.
    pub fn may_be_of(&self, rule: &str) -> bool {
        self.may_say("rule", &rule.into())
    }

    /// Whether a record with this member could be as it says.
    pub fn may_say(&self, name: &str, value: &Json) -> bool {
        let named = self.members.iter().find(|(other, _)| other == name);
        named.is_none_or(|(_, wanted)| equal(value, wanted))
    }

    /// Whether a rule's rise could be as it says.
    pub fn may_be_a_rise(&self) -> bool {
        let rises = [EscalationKind::Opened, EscalationKind::Raised, EscalationKind::Joined];
        rises.iter().any(|kind| self.may_say("kind", &kind.word().into())) && self.may_say("by", &Json::Null)
    }

    /// When it became true, if that is said.
    pub fn at(&self) -> Option<Millis> {
        let said = |(name, value): &(String, Json)| {
            if name == "at" || name == "became_true_at" { value.as_i64() } else { None }
        };
        self.members.iter().find_map(said)
    }

    /// Whether a record is as it says.
    pub fn is_met_by(&self, record: &Happened) -> bool {
        self.mismatch(record, 0).is_none()
    }

    /// The first member of the record that is not as the pattern says.
    fn mismatch(&self, record: &Happened, start: Millis) -> Option<String> {
        let (name, wanted, is) = self.members.iter().find_map(|(name, wanted)| {
            let is = member(record, name);
            (!equal(&is, wanted)).then_some((name, wanted, is))
        })?;
        let (wanted, is) = (show(name, wanted, start), show(name, &is, start));
        Some(format!("line {}: `{name}` should be {wanted}, is {is}", self.line))
    }

    fn words(&self, start: Millis) -> String {
        let words = self.members.iter().map(|(name, value)| format!("{name} {}", show(name, value, start)));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// The member of that name, as a pattern would have it.
fn member(happened: &Happened, name: &str) -> Json {
    let record = &happened.escalation;
    match name {
        "at" | "became_true_at" => record.became_true_at.into(),
        "detected_at" => record.detected_at.into(),
        "until" => record.until.into(),
        "due_at" => record.due_at.into(),
        "kind" => record.kind.word().into(),
        "ticket_id" => record.ticket_id.clone().into(),
        "account_id" => record.account_id.clone().into(),
        "tier" => record.tier.into(),
        "previous_tier" => record.previous_tier.into(),
        "rule" => record.rule.clone().into(),
        "sequence" => record.sequence.into(),
        "by" => record.by.clone().into(),
        "command_id" => record.command_id.clone().into(),
        "reason" => record.reason.clone().into(),
        "suggest" => record.suggest.clone().into(),
        "route" => record.route.clone().into(),
        "url" => record.url.clone().into(),
        other => unreachable!("`pattern` refuses a member `{other}`"),
    }
}

pub(crate) fn show(name: &str, value: &Json, start: Millis) -> String {
    match value {
        Json::Number(at) if name == "at" || TIMES.contains(&name) || name.ends_with("_at") => {
            times::since(at.as_i64().unwrap_or_default(), start)
        }
        Json::String(text) => text.clone(),
        Json::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

/// Numbers by value, everything else as it is.
pub(crate) fn equal(is: &Json, wanted: &Json) -> bool {
    match (is.as_f64(), wanted.as_f64()) {
        (Some(is), Some(wanted)) => is == wanted,
        _ => is == wanted,
    }
}
