//! `topics:`: what the streams are called on the log.

use tierline_rules::source::{Keys, Node, Span, codes, text, texts};
use tierline_stream::topics::Names;

use crate::Reading;

/// A stream may come from this many topics, one a source.
const MOST_SOURCES: usize = 100;

/// The contract's names behind `prefix`, but for those that are named here, which are taken as they stand.
pub(crate) fn read(node: Option<&Node>, reading: &mut Reading<'_>) -> Names {
    let Some(node) = node else { return Names::default() };
    let Some(mut keys) = Keys::of(node, "`topics`", reading.found) else { return Names::default() };
    let prefix = keys.optional("prefix").and_then(|node| one(node, "prefix", reading)).unwrap_or_default();
    let mut names = Names::with_prefix(&prefix);
    let mut given: Vec<(String, &Span)> = Vec::new();
    for (stream, name) in [
        ("tickets", &mut names.tickets),
        ("account-changes", &mut names.account_changes),
        ("billing-changes", &mut names.billing_changes),
        ("account-moves", &mut names.account_moves),
        ("signals", &mut names.signals),
        ("commands", &mut names.commands),
        ("escalations", &mut names.escalations),
        ("escalations-shadow", &mut names.escalations_shadow),
        ("escalation-queue", &mut names.escalation_queue),
        ("sla-events", &mut names.sla_events),
        ("detect-state", &mut names.detect_state),
        ("score-state", &mut names.score_state),
        ("dead-letters", &mut names.dead_letters),
        ("directory", &mut names.directory),
        ("aliases", &mut names.aliases),
        ("intake-raw", &mut names.intake_raw),
    ] {
        if let Some(node) = keys.optional(stream)
            && let Some(written) = one(node, stream, reading)
        {
            given.push((written.clone(), &node.span));
            *name = written;
        }
    }
    for (stream, topics) in [("accounts", &mut names.accounts), ("billing", &mut names.billing)] {
        if let Some(node) = keys.optional(stream)
            && let Some(written) = several(node, stream, reading)
        {
            given.extend(written.iter().map(|name| (name.clone(), &node.span)));
            *topics = written;
        }
    }
    for later in NOT_BUILT {
        keys.not_built(later, reading.found);
    }
    keys.finish(reading.found);
    check_distinct(&names, &given, reading);
    names
}

/// Streams of the contract that this version neither reads nor writes.
const NOT_BUILT: [&str; 4] = ["rules", "dispatch", "dispatch-state", "notifications"];

fn one(node: &Node, stream: &str, reading: &mut Reading<'_>) -> Option<String> {
    let name = text(node, &format!("`topics.{stream}`"), reading.found)?.to_owned();
    check_name(&name, node, reading).then_some(name)
}

fn several(node: &Node, stream: &str, reading: &mut Reading<'_>) -> Option<Vec<String>> {
    let names = texts(node, &format!("`topics.{stream}`"), reading.found)?;
    if names.is_empty() || names.len() > MOST_SOURCES {
        let message = format!("`topics.{stream}` names 1 to {MOST_SOURCES} topics, one a source");
        reading.found.mistake(codes::EMPTY, &node.span, message);
        return None;
    }
    names.iter().all(|name| check_name(name, node, reading)).then_some(names)
}

/// What a cluster takes for a topic's name.
fn check_name(name: &str, node: &Node, reading: &mut Reading<'_>) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let fine = letters && (1..=249).contains(&name.len()) && !matches!(name, "." | "..");
    if !fine {
        let message = "a topic's name has 1 to 249 letters, digits, dots, hyphens and underscores";
        reading.found.mistake(codes::ID, &node.span, message);
    }
    fine
}

/// No two streams share a topic.
fn check_distinct(names: &Names, given: &[(String, &Span)], reading: &mut Reading<'_>) {
    for (nth, (name, span)) in given.iter().enumerate() {
        let told_later = given[nth + 1..].iter().any(|(other, _)| other == name);
        if !told_later && all(names).filter(|other| *other == name).count() > 1 {
            let message = format!("two streams would share the topic `{name}`");
            reading.found.mistake(codes::DUPLICATE_ID, span, message).help("give each stream a topic of its own");
        }
    }
}

fn all(names: &Names) -> impl Iterator<Item = &String> {
    let Names {
        tickets,
        accounts,
        billing,
        account_changes,
        billing_changes,
        account_moves,
        signals,
        commands,
        escalations,
        escalations_shadow,
        escalation_queue,
        sla_events,
        detect_state,
        score_state,
        dead_letters,
        directory,
        aliases,
        intake_raw,
    } = names;
    let single = [
        tickets,
        account_changes,
        billing_changes,
        account_moves,
        signals,
        commands,
        escalations,
        escalations_shadow,
        escalation_queue,
        sla_events,
        detect_state,
        score_state,
        dead_letters,
        directory,
        aliases,
        intake_raw,
    ];
    single.into_iter().chain(accounts).chain(billing)
}
