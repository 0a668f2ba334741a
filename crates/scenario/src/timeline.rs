//! What a scenario came to as a small timeline: its steps, and between them what went out.

use serde_json::Value as Json;
use tierline_model::Millis;

use crate::Happened;
use crate::steps::{Step, What};
use crate::times;

/// One line: at its instant, in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    at: Millis,
    /// What went out comes after the record that caused it.
    out: bool,
    words: String,
}

/// Members of a record that say nothing to a reader of the timeline, or are told otherwise.
const SILENT: [&str; 12] = [
    "event_id",
    "signal_id",
    "command_id",
    "ticket_id",
    "account_id",
    "occurred_at",
    "source",
    "kind",
    "sequence",
    "updated_at",
    "author_name",
    "id",
];

/// The steps, by arrival.
pub(crate) fn of_steps(steps: &[Step]) -> Vec<Line> {
    steps.iter().map(|step| Line { at: step.arrives, out: false, words: words(step) }).collect()
}

/// Steps and what went out, in order.
pub(crate) fn with_outcome(steps: &[Line], happened: &[Happened], start: Millis) -> Vec<Line> {
    let mut lines = steps.to_vec();
    lines.extend(happened.iter().map(|happened| Line {
        at: happened.escalation.detected_at,
        out: true,
        words: went_out(happened, start),
    }));
    // Stable: at one instant steps come first, then what went out, each in its order.
    lines.sort_by_key(|line| (line.at, line.out));
    lines
}

impl Line {
    /// The line as it is printed; what went out stands behind an arrow.
    pub(crate) fn show(&self, start: Millis) -> String {
        let mark = if self.out { "→" } else { " " };
        format!("{:>8} {mark} {}", times::since(self.at, start), self.words)
    }
}

fn went_out(Happened { escalation: record, shadow }: &Happened, start: Millis) -> String {
    let shadow = if *shadow { "in the shadow: " } else { "" };
    let mut line = format!("{shadow}{} {}, tier {}", record.kind.word(), record.ticket_id, record.tier);
    if let Some(rule) = &record.rule {
        line.push_str(&format!(", by {rule}"));
    }
    if record.detected_at != record.became_true_at {
        line.push_str(&format!(" (true at {})", times::since(record.became_true_at, start)));
    }
    if !record.reason.is_empty() {
        line.push_str(&format!(": {}", record.reason));
    }
    line
}

fn words(step: &Step) -> String {
    let late = if step.arrives > step.at { " (late)" } else { "" };
    let said = match &step.what {
        What::Restart(sections) => {
            let names: Vec<_> = sections.iter().map(|section| section.key.text.as_str()).collect();
            format!("restart with other {}", names.join(", "))
        }
        What::Tombstone(stream, account) => format!("{}: {account} is deleted", stream.word()),
        What::Record(stream, json) => {
            let record: Json = serde_json::from_str(json).unwrap_or_default();
            let text = |name: &str| record.get(name).and_then(Json::as_str).unwrap_or_default();
            let mut said = vec![format!("{}:", stream.word())];
            said.extend([text("kind"), text("ticket_id")].map(str::to_owned));
            if text("ticket_id").is_empty() {
                said.push(text("account_id").to_owned());
            }
            let mut told = Vec::new();
            members(&record, &mut told);
            said.retain(|word| !word.is_empty());
            let head = said.join(" ");
            if told.is_empty() { head } else { format!("{head}, {}", told.join(", ")) }
        }
    };
    said + late
}

/// What a record says, flat: `status new`, `author agent`.
fn members(value: &Json, into: &mut Vec<String>) {
    let Json::Object(members) = value else { return };
    for (name, value) in members.iter().filter(|(name, _)| !SILENT.contains(&name.as_str())) {
        match value {
            Json::Null => {}
            Json::Object(_) => self::members(value, into),
            Json::String(text) => into.push(format!("{name} {}", cut(text))),
            Json::Array(items) => {
                let items: Vec<_> =
                    items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), cut)).collect();
                into.push(format!("{name} [{}]", items.join(", ")));
            }
            other => into.push(format!("{name} {other}")),
        }
    }
}

/// A text that may be long, on one line.
fn cut(text: &str) -> String {
    const LONGEST: usize = 40;
    let flat = text.replace(char::is_control, " ");
    match flat.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &flat[..at]),
        None => flat,
    }
}
