//! What a step says that nobody reads: a mistake, as a scenario with it tests less than it looks.

use serde_json::Value as Json;
use tierline_model::{RecordType, Unread};
use tierline_rules::source::{Diagnostics, Entry, Kind, Node, Span, codes, did_you_mean, listed};

/// Says what of a step's record, as it was written, has no effect.
pub(crate) fn refuse(record: RecordType, body: &Node, written: &Json, found: &mut Diagnostics) {
    for unread in record.unread(written) {
        let (span, name, message, known) = match &unread {
            Unread::Member { path, known } => {
                let message = format!("a record of `{}` has no member `{}`", record.word(), path.join("."));
                (member(body, path), path.last(), message, known)
            }
            Unread::Cleared { name, known } => {
                (cleared(body, name), Some(name), format!("`cleared` names no field `{name}`"), known)
            }
        };
        let name = name.map_or("", String::as_str);
        let help = did_you_mean(name, known.iter().copied())
            .unwrap_or_else(|| format!("there is {}", listed(known.iter().copied())));
        found.mistake(codes::UNKNOWN_KEY, span.unwrap_or(&body.span), message).help(help);
    }
}

/// Says which of the members that every step has mean nothing to any stream.
pub(crate) fn refuse_defaults(defaults: &Node, found: &mut Diagnostics) {
    let Kind::Map(entries) = &defaults.kind else {
        found.mistake(codes::WRONG_KIND, &defaults.span, "`defaults` is a map of members that each record has");
        return;
    };
    let inputs = || RecordType::ALL.iter().filter(|record| record.is_input());
    for Entry { key, .. } in entries.iter().filter(|entry| !inputs().any(|record| record.has_member(&entry.key.text))) {
        let help = did_you_mean(&key.text, ["account_id", "ticket_id", "source", "updated_at"])
            .unwrap_or_else(|| "such as `{ account_id: acme, ticket_id: T1 }`".to_owned());
        found
            .mistake(codes::UNKNOWN_KEY, &key.span, format!("no stream's record has a member `{}`", key.text))
            .help(help);
    }
}

/// Where the key at the end of this way stands.
fn member<'n>(body: &'n Node, path: &[String]) -> Option<&'n Span> {
    let (name, above) = path.split_last()?;
    let node = above.iter().try_fold(body, |node, name| node.at(name))?;
    match &node.kind {
        Kind::Map(entries) => entries.iter().find(|entry| entry.key.text == *name).map(|entry| &entry.key.span),
        _ => None,
    }
}

/// Where a name in `cleared` stands.
fn cleared<'n>(body: &'n Node, name: &str) -> Option<&'n Span> {
    match &body.at("cleared")?.kind {
        Kind::List(names) => {
            names.iter().find(|node| node.scalar().is_some_and(|scalar| scalar.text == name)).map(|node| &node.span)
        }
        _ => None,
    }
}
