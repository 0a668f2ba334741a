//! One policy of `sla`.

use tierline_model::{Millis, Priority};
use tierline_sla::{Calendar, Targets};

use crate::source::{self, Diagnostics, Entry, Keys, Kind, Node, codes};
use crate::{SlaPolicy, read};

use super::rule;

/// Metrics of the contract that this version refuses.
const UNBUILT: [&str; 6] =
    ["next_reply", "periodic_update", "pausable_update", "requester_wait", "agent_work", "resolution"];

/// Reads a policy; `None`: it has mistakes, which have been told.
pub(super) fn parse(node: &Node, found: &mut Diagnostics) -> Option<SlaPolicy> {
    let mistakes = found.mistakes();
    let mut keys = Keys::of(node, "a policy", found)?;
    let id = rule::id(&mut keys, "a policy", found);
    for unbuilt in ["when", "on_change", "on_reopen"] {
        keys.not_built(unbuilt, found);
    }
    always(&mut keys, found);
    let first_reply = keys.required("targets", found).and_then(|node| targets(node, found));
    keys.finish(found);
    if found.mistakes() > mistakes {
        return None;
    }
    let (id, first_reply) = (id?, first_reply?);
    let listed: Vec<_> = first_reply.each().map(|(priority, length)| (priority.map(Priority::word), length)).collect();
    let fingerprint = read::fingerprint(&format!("{id} first_reply {listed:?} always"));
    Some(SlaPolicy { id, first_reply: Some(first_reply), calendar: Calendar::Always, fingerprint })
}

/// The targets of `first_reply`, the one metric there is.
fn targets(node: &Node, found: &mut Diagnostics) -> Option<Targets> {
    let mut keys = Keys::of(node, "`targets`", found)?;
    for unbuilt in UNBUILT {
        keys.not_built(unbuilt, found);
    }
    let first_reply = keys.entry("first_reply");
    let targets = match first_reply {
        Some(entry) => first_reply_targets(&entry.value, found),
        None => {
            if keys.all_asked() && UNBUILT.iter().all(|unbuilt| node.at(unbuilt).is_none()) {
                found
                    .mistake(codes::MISSING_KEY, &node.span, "`targets` needs `first_reply`")
                    .help("such as `first_reply: { urgent: 30m, default: 4h }`");
            }
            None
        }
    };
    keys.finish(found);
    targets
}

fn first_reply_targets(node: &Node, found: &mut Diagnostics) -> Option<Targets> {
    let Kind::Map(entries) = &node.kind else {
        source::wrong_kind(node, "the targets of `first_reply` are a map of priorities and durations", found);
        found.items.last_mut().map(|mistake| mistake.help("one for all is `{ default: 4h }`"));
        return None;
    };
    if entries.is_empty() {
        found.mistake(codes::EMPTY, &node.span, "`first_reply` has no target");
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
        if let Some(length) = target(value, found) {
            targets.set(priority, length);
        }
    }
    Some(targets)
}

/// A target: `4h`, or `{ in: 4h, calendar: always }`.
fn target(node: &Node, found: &mut Diagnostics) -> Option<Millis> {
    if !matches!(node.kind, Kind::Map(_)) {
        return length(node, found);
    }
    let mut keys = Keys::of(node, "a target", found)?;
    let length = keys.required("in", found).and_then(|node| length(node, found));
    always(&mut keys, found);
    keys.finish(found);
    length
}

/// A calendar other than the one that is built in is refused.
fn always(keys: &mut Keys<'_>, found: &mut Diagnostics) {
    if let Some(entry) =
        keys.entry("calendar").filter(|entry| entry.value.scalar().is_none_or(|name| name.text != "always"))
    {
        source::not_built(&entry.key, found);
    }
}

/// A duration that means the same by every calendar: days don't.
fn length(node: &Node, found: &mut Diagnostics) -> Option<Millis> {
    let written = node.scalar().map_or("", |scalar| scalar.text.trim());
    if written.ends_with(" business hours") || written.ends_with(" business days") {
        found
            .mistake(codes::NOT_BUILT, &node.span, "targets in business time are not built yet")
            .help("this version refuses them rather than ignore them; write `24h`");
        return None;
    }
    let length = source::duration(node, "a target", found)?;
    if let Some(days) = written.strip_suffix('d') {
        let hours = length / 3_600_000;
        found
            .mistake(codes::DURATION, &node.span, "a target in days could mean days of 24 hours or days of work")
            .help(format!("write `{hours}h` for {days} days of 24 hours each"));
        return None;
    }
    Some(length)
}
