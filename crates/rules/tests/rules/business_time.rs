//! What lasts in business time, against a count of its open minutes.

use std::sync::LazyLock;

use proptest::prelude::*;
use tierline_rules::{ALWAYS, Age, Calendar, NEVER, OpenEscalation, Topic, Truth, Wait};

use crate::sample::{CALENDARS, Sample, dated, no, read, rule};

const MINUTE: i64 = 60_000;
/// Minutes of the first hour of a Thursday in which the tests' calendar `emea` is open: 1970 began with one.
const OPEN: [std::ops::Range<i64>; 3] = [0..7, 11..20, 31..60];

/// The open minutes of `[from, to)` that are not solved.
fn worked(from: i64, to: i64, solved: &[(i64, i64)]) -> i64 {
    let is_solved = |minute: i64| solved.iter().any(|&(begins, ends)| (begins..ends).contains(&minute));
    let works = |minute: &i64| OPEN.iter().any(|open| open.contains(minute)) && !is_solved(*minute);
    (from..to).filter(works).count() as i64
}

/// The calendar that the tests call `emea`, since then the policy's.
fn policy_since(since: i64) -> Option<(Calendar, i64)> {
    static EMEA: LazyLock<Calendar> = LazyLock::new(|| read(CALENDARS).calendars[0].calendar.clone());
    Some((EMEA.clone(), since))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn it_is_yes_once_so_many_minutes_were_worked(
        key in prop::sample::select(vec!["ticket.no_agent_reply_for", "ticket.open_for", "escalation.open_for"]),
        calendar in prop::sample::select(vec!["emea", "policy"]),
        length in 1..20i64, from in 0..30i64, breaks in prop::collection::vec(0..10i64, 0..5), now in 0..60i64,
    ) {
        let mut at = from;
        let edges: Vec<i64> = breaks.iter().map(|step| { at += step; at }).collect();
        let solved: Vec<(i64, i64)> = edges.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        // An open ticket is looked at, after all that happened to it.
        let now = now.max(from).max(at);
        let of_ticket = if key == "ticket.open_for" { &solved[..] } else { &[] };
        let sample = Sample {
            wait: Wait::Since(from * MINUTE),
            age: Ok(Age {
                created_at: from * MINUTE,
                solved_for: solved.iter().map(|(begins, ends)| (ends - begins) * MINUTE).sum(),
            }),
            solved: solved.iter().map(|&(begins, ends)| (begins * MINUTE, ends * MINUTE)).collect(),
            escalation: Some(OpenEscalation {
                tier: 2, opened_at: from * MINUTE, at_tier_since: from * MINUTE, acknowledged_at: None,
            }),
            policy_calendar: policy_since(ALWAYS),
            ..Sample::default()
        };
        let found = dated(&format!("{{ {key}: {{ for: {length}m, calendar: {calendar} }} }}"), &sample.at(now * MINUTE));
        let by_definition = |minute: i64| Truth::from(worked(from, minute, of_ticket) >= length);
        prop_assert_eq!(found.truth, by_definition(now));
        let due = (from..=60).find(|&minute| by_definition(minute) == Truth::Yes).map(|minute| minute * MINUTE);
        match (found.truth, due) {
            (Truth::Yes, due) => prop_assert_eq!((Some(found.since), found.until), (due, NEVER)),
            (_, Some(due)) => prop_assert_eq!((found.since, found.until), (from * MINUTE, due)),
            (_, None) => prop_assert!(found.until > 60 * MINUTE, "the hour has not so many"),
        }
    }
}

#[test]
fn what_another_policy_makes_overdue_is_so_since_it_applies() {
    let when = "{ ticket.no_agent_reply_for: { for: 5m, calendar: policy } }";
    let sample = Sample { wait: Wait::Since(0), policy_calendar: policy_since(6 * MINUTE), ..Sample::default() };
    let found = dated(when, &sample.at(7 * MINUTE));
    assert_eq!((found.truth, found.since), (Truth::Yes, 6 * MINUTE));
    let (rule, _) = rule(when);
    assert!(rule.reads().reads(Topic::Sla) && rule.reads().reads(Topic::Conversation));
}

#[test]
fn without_a_policy_nothing_lasts_in_its_hours() {
    let sample = Sample { wait: Wait::Since(0), policy_calendar: None, ..Sample::default() }.at(59 * MINUTE);
    assert_eq!(dated("{ ticket.no_agent_reply_for: { for: 1m, calendar: policy } }", &sample), no(ALWAYS, NEVER));
}
