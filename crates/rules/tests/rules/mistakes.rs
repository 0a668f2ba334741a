//! Every mistake once, as a person sees it; the snapshot is what `check` prints.

use std::fmt::Write;

use proptest::prelude::*;
use tierline_rules::source::codes;

use crate::sample::read_all;

/// One mistake each, by what it shows. `WHEN …` stands for a rule with that `when`.
const MISTAKES: &[(&str, &str)] = &[
    ("not YAML", "rules: [a, b"),
    ("a tag", "rules: !list []"),
    ("a merge key", "terms: { a: { <<: b } }"),
    ("a second document", "rules: []\n---\nrules: []\n"),
    ("a key twice", "rules:\n  - id: r\n    tier: 2\n    tier: 3\n    when: { account.plan: pro }\n"),
    ("an alias within itself", "terms: &t\n  a: { not: *t }\n"),
    ("rules that are no list", "rules: { id: r }"),
    ("a rule that is no map", "rules: [silence]"),
    ("a rule without anything", "rules: [{}]"),
    ("a key that no rule has", "rules: [{ id: r, teir: 2, tier: 2, when: { account.plan: pro } }]"),
    ("an id with a space", "rules: [{ id: Enterprise Silence, tier: 2, when: { account.plan: pro } }]"),
    (
        "two of one id",
        "rules:\n  - { id: r, tier: 2, when: { account.plan: pro } }\n  - { id: r, tier: 3, when: { account.plan: pro } }\n",
    ),
    ("a tier there is not", "rules: [{ id: r, tier: 4, when: { account.plan: pro } }]"),
    ("a tier between", "rules: [{ id: r, tier: 2.5, when: { account.plan: pro } }]"),
    (
        "words",
        "rules: [{ id: r, tier: 2, once_per: acount, clear: never, mode: off, on_deploy: loud, when: { account.plan: pro } }]",
    ),
    ("durations", "rules: [{ id: r, tier: 2, for: 90, cooldown: 2 hours, when: { ticket.open_for: 0s } }]"),
    ("a when that is a list", "WHEN [account.plan: pro]"),
    ("a when that is a word", "WHEN enterprise"),
    ("a when without a condition", "WHEN {}"),
    ("an all that is a map", "WHEN { all: { account.plan: pro } }"),
    ("an any of none", "WHEN { any: [] }"),
    ("a field that is misspelt", "WHEN { account.plann: pro }"),
    ("a field of another room", "WHEN { ticket.plan: pro }"),
    ("a condition like nothing", "WHEN { weather: bad }"),
    ("a term there is not", "terms: { high-value: { account.plan: pro } }\nWHEN { is: high-valeu }"),
    ("a term where there are none", "WHEN { is: high-value }"),
    ("terms in a circle", "terms:\n  a: { is: b }\n  b: { not: { is: a } }\n"),
    ("terms that are a list", "terms: [a]"),
    ("a word that is not of the set", "WHEN { ticket.status: opened }"),
    ("a priority that is none", "WHEN { ticket.priority: { at_least: hgih } }"),
    ("a number that is none", "WHEN { account.health: { below: low } }"),
    ("a number as it is spoken", "WHEN { account.health: \"< 60\", account.arr: { at_least: 50k } }"),
    ("a glob", "WHEN { ticket.subject: { matches: \"*refund*\" } }"),
    ("quotes of a word processor", "WHEN { ticket.open_for: 1h, account.plan: “enterprise” }"),
    (
        "a route that is a comment",
        "rules:\n  - id: r\n    tier: 2\n    route: #leads\n    when: { ticket.open_for: 1h }\n",
    ),
    ("a number out of range", "WHEN { account.health: { below: 500 } }"),
    ("a date that is none", "WHEN { account.renewal_date: { below: tomorrow } }"),
    ("a truth value that is none", "WHEN { ticket.spam: maybe }"),
    ("an order on texts", "WHEN { account.plan: { above: pro } }"),
    ("contains on a list", "WHEN { ticket.tags: { contains: api } }"),
    ("all_of on a text", "WHEN { account.plan: { all_of: [pro] } }"),
    ("matches on a number", "WHEN { account.health: { matches: 4 } }"),
    ("no matcher", "WHEN { account.plan: {} }"),
    ("nothing at all", "WHEN { account.plan: }"),
    ("one of none", "WHEN { account.plan: [] }"),
    ("a list in a list", "WHEN { account.plan: [[pro]] }"),
    ("a map for a value", "WHEN { account.plan: { is: { a: b } } }"),
    ("a matcher that is misspelt", "WHEN { account.health: { bellow: 50 } }"),
    ("a pattern that is none", "WHEN { ticket.subject: { matches: '(' } }"),
    ("bounds that cross", "WHEN { account.health: { above: 60, below: 50 } }"),
    ("a bound twice", "WHEN { account.health: { above: 60, at_least: 50 } }"),
    ("a bound beyond", "WHEN { account.health: { above: 100 } }"),
    ("a count that every count is", "WHEN { account.tickets: { at_least: 0 } }"),
    ("a count that none is", "WHEN { account.tickets: { at_least: 3, is: 2 } }"),
    ("a window beyond the history", "WHEN { account.tickets: { at_least: 3, within: 36d } }"),
    ("a threshold beyond what is kept", "WHEN { ticket.follow_ups: { at_least: 129 } }"),
    ("a signal that is told to be empty", "WHEN { ticket.sentiment: empty }"),
    ("a level there is not", "WHEN { ticket.escalation_risk: hihg }"),
    ("a take there is not", "WHEN { ticket.sentiment: { below: 0, take: mean } }"),
    ("a status for no while", "WHEN { ticket.status_for: on_hold }"),
    ("a status there is not", "WHEN { ticket.status_for: { status: waiting, for: 1d } }"),
    ("a part of a hand-over there is not", "WHEN { signal.handoff.summary: known }"),
    ("a wish that is told to be empty", "WHEN { signal.handoff.wants_human: empty }"),
    ("tickets by what their account is", "WHEN { account.tickets: { at_least: 2, where: { account.plan: pro } } }"),
    (
        "tickets by what has not happened",
        "WHEN { account.unanswered_tickets: { at_least: 2, where: { ticket.no_agent_reply_for: 2h } } }",
    ),
    ("a message without a text", "WHEN { message.text: { within: 1d } }"),
    (
        "bounds that cross in two conditions",
        "WHEN { all: [account.health: { below: 20 }, account.health: { above: 50 }] }",
    ),
    ("two values at once", "WHEN { all: [account.plan: pro, any: [ticket.spam: true], account.plan: team] }"),
    ("a value that nobody told", "WHEN { all: [account.plan: unknown, account.plan: [pro, team]] }"),
    (
        "counts that exclude each other",
        "WHEN { all: [account.tickets: { at_least: 5 }, account.tickets: { below: 3 }] }",
    ),
    ("itself and not itself", "WHEN { all: [ticket.priority: urgent, not: { ticket.priority: urgent }] }"),
    (
        "held back by itself",
        "rules: [{ id: r, tier: 2, when: { ticket.category: bug }, unless: { any: [ticket.category: bug, ticket.spam: true] } }]",
    ),
    (
        "held back by more than it asks",
        "rules: [{ id: r, tier: 2, when: { ticket.priority: urgent }, unless: { ticket.priority: { at_least: high } } }]",
    ),
    ("a status that no open ticket has", "WHEN { ticket.status_for: { status: solved, for: 2h } }"),
    (
        "rules that wider ones cover",
        "rules:\n  - { id: four, tier: 2, when: { ticket.no_agent_reply_for: 4h, account.health: { below: 40 } } }\n  \
         - { id: two, tier: 2, when: { ticket.no_agent_reply_for: 2h, account.health: { below: 50 } } }\n  \
         - { id: some, tier: 2, when: { ticket.no_agent_reply_for: 3h, account.plan: [ pro, enterprise ] } }\n  \
         - { id: one, tier: 2, when: { ticket.no_agent_reply_for: 3h, account.plan: pro } }\n",
    ),
    (
        "a rule that another covers",
        "rules:\n  - { id: a, tier: 2, when: { ticket.category: bug } }\n  - { id: b, tier: 2, when: { all: [ticket.priority: urgent, ticket.category: bug] } }\n",
    ),
    (
        "any of these to tier 3",
        "rules: [{ id: r, tier: 3, when: { any: [ticket.category: bug, ticket.priority: urgent] } }]",
    ),
    ("an account alone", "rules: [{ id: r, tier: 2, when: { account.plan: pro } }]"),
    ("a clock without a mark", "WHEN { sla.first_reply: { } }"),
    ("a clock's mark there is not", "WHEN { sla.first_reply: late }"),
    ("per cent without a sign", "WHEN { sla.first_reply: { used: 75 } }"),
    ("a target that nobody set", "rules: [{ id: r, tier: 2, when: { sla.first_reply: breached } }]"),
    ("a policy without targets", "sla: [{ id: p }]"),
    ("targets without a metric", "sla: [{ id: p, targets: {} }]"),
    ("a metric that is misspelt", "sla: [{ id: p, targets: { first_replay: { default: 4h } } }]"),
    ("a target for all", "sla: [{ id: p, targets: { first_reply: 4h } }]"),
    ("a target for a priority there is not", "sla: [{ id: p, targets: { first_reply: { urgend: 4h } } }]"),
    ("no targets", "sla: [{ id: p, targets: { first_reply: {} } }]"),
    ("a target in days", "sla: [{ id: p, targets: { first_reply: { default: 2d } } }]"),
    ("a target in no business days", "sla: [{ id: p, targets: { first_reply: { default: 0 business days } } }]"),
    ("a target in business weeks", "sla: [{ id: p, targets: { next_reply: { default: 3 business weeks } } }]"),
    ("a calendar there is not", "sla: [{ id: p, calendar: emea, targets: { resolution: { default: 4h } } }]"),
    (
        "a target's calendar there is not",
        "calendars: { emea: { time_zone: UTC, hours: { mon: '09:00-17:00' } } }\nsla: [{ id: p, targets: { agent_work: { default: { in: 4h, calendar: emae } } } }]",
    ),
    ("a change there is not", "sla: [{ id: p, on_change: reset, targets: { resolution: { default: 4h } } }]"),
    (
        "a policy by its own clock",
        "sla: [{ id: p, when: { sla.resolution: breached }, targets: { resolution: { default: 4h } } }]",
    ),
    ("a metric without a target", "WHEN { sla.next_reply: breached }"),
    ("a target for no tier", "escalation_sla: { 1: 4h, 3: 1h }"),
    ("a calendar that is built in", "calendars: { always: { time_zone: UTC, hours: { mon: '09:00-17:00' } } }"),
    ("a zone by its city", "calendars: { emea: { time_zone: berlin, hours: { mon: '09:00-17:00' } } }"),
    ("a zone there is not", "calendars: { emea: { time_zone: Europe/Atlantis, hours: { mon: '09:00-17:00' } } }"),
    ("a zone without summer time", "calendars: { us: { time_zone: EST, hours: { mon: '09:00-17:00' } } }"),
    ("days as they are spoken", "calendars: { us: { time_zone: UTC, hours: { Monday – Friday: '09:00-17:00' } } }"),
    ("a day there is not", "calendars: { emea: { time_zone: UTC, hours: { weekdays: '09:00-17:00' } } }"),
    ("hours without a closing", "calendars: { emea: { time_zone: UTC, hours: { mon: '9' } } }"),
    ("hours past midnight", "calendars: { emea: { time_zone: UTC, hours: { mon: '09:00-25:00' } } }"),
    ("hours twice", "calendars: { emea: { time_zone: UTC, hours: { mon-fri: '09:00-17:00', fri: '16:00-18:00' } } }"),
    ("no hours", "calendars: { emea: { time_zone: UTC, hours: { mon: [] } } }"),
    ("no zone", "calendars: { emea: { hours: { mon: '09:00-17:00' } } }"),
    (
        "holidays that are none",
        "calendars: { emea: { time_zone: UTC, hours: { mon: '09:00-17:00' }, holidays: [25.12.2026, 2026-12-24, { date: 2026-12-24, hours: ['22:00-02:00'] }] } }",
    ),
    (
        "two policies of one id",
        "sla:\n  - { id: p, targets: { first_reply: { default: 4h } } }\n  - { id: p, targets: { first_reply: { default: 4h } } }\n",
    ),
    ("hours of business time", "WHEN { ticket.open_for: { for: 1h, calendar: emae } }"),
    (
        "the hours of no policy",
        "rules: [{ id: r, tier: 2, when: { escalation.open_for: { for: 2h, calendar: policy } } }]",
    ),
    (
        "a day of business time",
        "calendars: { emea: { time_zone: UTC, hours: { mon: '09:00-17:00' } } }\nrules: [{ id: r, tier: 2, when: { ticket.unassigned_for: { for: 2d, calendar: emea } } }]",
    ),
    (
        "a policy that goes by its own calendar",
        "sla: [{ id: p, when: { ticket.open_for: { for: 1h, calendar: policy } }, targets: { resolution: { default: 4h } } }]",
    ),
    (
        "a policy behind one for all",
        "sla:\n  - { id: p, targets: { first_reply: { default: 4h } } }\n  - { id: q, targets: { first_reply: { default: 4h } } }\n",
    ),
];

#[test]
fn every_mistake_is_shown_where_it_stands() {
    let mut shown = String::new();
    for (what, written) in MISTAKES {
        let (_, found) = read_all(&text(written));
        assert!(!found.items.is_empty(), "{what}: nothing was found");
        writeln!(shown, "## {what}\n{found}\n").expect("a string takes everything");
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn all_mistakes_are_found_at_once_and_what_has_none_is_kept() {
    let (set, found) = read_all(
        "rules:
  - { id: first, tier: 9, when: { account.plann: pro }, unless: { ticket.status: opened } }
  - { id: second, tier: 2, when: { account.plan: pro } }
  - { id: third, tier: 2, when: { is: nobody } }
",
    );
    assert_eq!(found.mistakes(), 4, "{found}");
    assert_eq!(set.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["second"]);
}

#[test]
fn a_mistake_in_a_policy_is_not_told_again_by_the_rules_that_need_it() {
    for sla in ["{ id: p }", "[{ id: p, targets: { first_reply: { default: 4 } } }]"] {
        let (_, found) =
            read_all(&format!("sla: {sla}\nrules: [{{ id: r, tier: 2, when: {{ sla.first_reply: breached }} }}]\n"));
        assert_eq!(found.mistakes(), 1, "{found}");
    }
}

#[test]
fn terms_that_repeat_terms_do_not_grow_beyond_bounds() {
    let mut text = String::from("terms:\n  t0: { account.plan: pro }\n");
    for n in 1..30 {
        writeln!(text, "  t{n}: {{ all: [is: t{0}, is: t{0}, is: t{0}, is: t{0}] }}", n - 1).expect("a string");
    }
    text.push_str("rules: [{ id: r, tier: 2, when: { is: t29 } }]");
    let (set, found) = read_all(&text);
    let codes: Vec<_> = found.items.iter().map(|item| item.code).collect();
    assert_eq!(codes, [codes::TOO_MUCH], "{found}");
    assert!(set.rules.is_empty());
}

#[test]
fn a_rule_has_at_most_255_conditions() {
    let rule = |when: usize, unless: usize| {
        let list = |condition, count| vec![condition; count].join(", ");
        format!(
            "rules: [{{ id: r, tier: 2, when: {{ all: [{}] }}, unless: {{ any: [{}] }} }}]",
            list("ticket.category: bug", when),
            list("ticket.spam: true", unless)
        )
    };
    let (set, found) = read_all(&rule(200, 55));
    assert!(found.items.is_empty(), "{found}");
    assert_eq!(set.rules.len(), 1);
    let (set, found) = read_all(&rule(200, 56));
    assert_eq!(found.items.iter().map(|item| item.code).collect::<Vec<_>>(), [codes::TOO_MUCH]);
    assert!(set.rules.is_empty());
}

#[test]
fn a_long_chain_of_terms_is_refused_before_the_stack_is_full() {
    let mut text = String::from("terms:\n");
    for n in 0..5_000 {
        writeln!(text, "  t{n}: {{ not: {{ is: t{} }} }}", n + 1).expect("a string");
    }
    text.push_str("  t5000: { account.plan: pro }\n");
    let (_, found) = read_all(&text);
    assert!(found.items.iter().all(|item| item.code == codes::TOO_MUCH) && !found.items.is_empty());
}

/// Pieces of which rules are made, in any order: what comes of them is seldom right, and never a panic.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "rules:",
        "terms:",
        "sla:",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "{ ",
        " }",
        "[",
        "]",
        ", ",
        ": ",
        "id",
        "tier",
        "when",
        "unless",
        "all",
        "any",
        "not",
        "is",
        "&a",
        "*a",
        "<<",
        "|",
        "'",
        "\"",
        "#",
        "account.plan",
        "ticket.sentiment",
        "ticket.escalation_risk",
        "sla.first_reply",
        "account.tickets",
        "ticket.follow_ups",
        "used",
        "within",
        "at_least",
        "2",
        "-0.5",
        "75%",
        "2h",
        "9999999999d",
        "1e999",
        "null",
        "known",
        "é",
        "İ",
        "\u{feff}",
        "\t",
        "\r\n",
        "\0",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_answered(text in prop_oneof![pieces(), ".{0,80}"]) {
        let (set, found) = read_all(&text);
        let shown = found.to_string();
        prop_assert_eq!(shown.is_empty(), found.items.is_empty());
        for rule in &set.rules {
            prop_assert!(rule.sentence().ends_with('.'));
        }
    }

    #[test]
    fn whatever_is_put_for_a_matcher_is_answered(
        key in prop::sample::select(vec![
            "account.plan", "account.health", "ticket.tags", "ticket.spam", "account.renewal_date", "ticket.priority",
            "ticket.sentiment", "ticket.escalation_risk", "sla.first_reply", "account.tickets", "ticket.follow_ups",
            "ticket.open_for", "escalation.tier", "billing.past_due_for", "ticket.reopened", "ticket.status_for",
            "account.unanswered_tickets", "message.text", "signal.handoff.broke_down",
        ]),
        matcher in prop::sample::select(vec!["is", "any_of", "all_of", "at_least", "above", "at_most", "below",
            "contains", "matches", "within", "take", "apart", "used", "due_within", "for", "where"]),
        value in prop::sample::select(vec!["", "[]", "[[]]", "{}", "known", "high", "-1", "0", "3", "1e9", "2h", "75%",
            "2026-03-02", "+262143-12-31", "true", "'('", "[1, high]"]),
    ) {
        let (set, found) = read_all(&text(&format!("WHEN {{ {key}: {{ {matcher}: {value} }} }}")));
        prop_assert_eq!(set.rules.is_empty(), found.mistakes() > 0, "a rule without a mistake is kept: {}", found);
        read_all(&text(&format!("WHEN {{ {key}: {value} }}")));
    }
}

/// With a policy, unless it has one, so that a clock's conditions can be asked for.
fn text(written: &str) -> String {
    match written.split_once("WHEN ") {
        None => written.to_owned(),
        Some((before, when)) => format!(
            "{before}sla: [{{ id: standard, targets: {{ first_reply: {{ default: 4h }} }} }}]\nrules:\n  - id: r\n    tier: 2\n    when: {when}\n"
        ),
    }
}
