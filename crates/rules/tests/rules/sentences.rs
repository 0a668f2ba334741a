//! How conditions are said: in a rule's sentence, and in the reason of an escalation.

use std::collections::HashMap;
use std::fmt::Write;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use tierline_model::{AccountField, BillingField, TicketField};
use tierline_rules::{Age, FieldRef, Handoff, OpenEscalation, Rule, Standing, Wait};

use crate::sample::{DAY, Sample, SignalTold, Tell, Words, is_possible, rule, running};

/// 2026-03-02T10:00:00Z
const MONDAY: i64 = 1_772_445_600_000;
const HOUR: i64 = 3_600_000;

const CONDITIONS: &[&str] = &[
    "{ account.plan: enterprise }",
    "{ account.plan: [enterprise, scale up, pro] }",
    "{ account.plan: known }",
    "{ account.owner: unknown }",
    "{ account.region: empty }",
    "{ account.region: emea }",
    "{ account.arr: { at_least: 100000 } }",
    "{ account.health: { at_least: 20, below: 50 } }",
    "{ account.renewal_date: { below: 2026-04-01 } }",
    "{ account.flags: beta }",
    "{ ticket.tags: { all_of: [api, vip] } }",
    "{ ticket.tags: { matches: ^v } }",
    "{ ticket.subject: { contains: invoice } }",
    "{ ticket.subject: { contains: invoice, matches: ^The } }",
    "{ ticket.priority: { at_least: high } }",
    "{ ticket.spam: true }",
    "{ ticket.handled_by: bot }",
    "{ ticket.custom.seat_count: { above: 10 } }",
    "{ billing.state: past_due }",
    "{ billing.amount_due: { above: 0 } }",
    "{ ticket.no_agent_reply_for: 2h }",
    "{ ticket.no_customer_reply_for: 90m }",
    "{ ticket.unassigned_for: 1d }",
    "{ ticket.open_for: 2d }",
    "{ ticket.unchanged_for: 1h }",
    "{ ticket.no_agent_reply_for: { for: 2h, calendar: emea } }",
    "{ ticket.open_for: { for: 24h, calendar: policy } }",
    "{ ticket.unchanged_for: { for: 90m, calendar: emea } }",
    "{ ticket.status_for: { status: on_hold, for: 1h, calendar: emea } }",
    "{ escalation.unacknowledged_for: { for: 30m, calendar: policy } }",
    "{ ticket.follow_ups: { at_least: 1 } }",
    "{ ticket.follow_ups: { at_least: 2, within: 1d } }",
    "{ account.tickets: { at_least: 5, within: 7d } }",
    "{ account.tickets: [1, 2] }",
    "{ account.tickets: { at_least: 2, within: 7d, where: { ticket.category: billing } } }",
    "{ account.unanswered_tickets: { at_least: 5, within: 7d } }",
    "{ account.unresolved_tickets: { at_least: 1, where: { ticket.priority: urgent, ticket.category: billing } } }",
    "{ ticket.status_for: { status: on_hold, for: 24h } }",
    "{ ticket.reopened: { at_least: 2, within: 7d } }",
    "{ ticket.reassigned: 3 }",
    "{ message.text: { matches: '(?i)cancel', within: 1d } }",
    "{ message.text: { contains: refund } }",
    "{ signal.handoff.wants_human: true }",
    "{ signal.handoff.broke_down: { contains: login, within: 2h } }",
    "{ sla.first_reply: breached }",
    "{ sla.first_reply: { due_within: 30m } }",
    "{ sla.first_reply: { used: 75% } }",
    "{ sla.first_reply: { overdue_by: 1h } }",
    "{ sla.next_reply: breached }",
    "{ sla.periodic_update: { due_within: 30m } }",
    "{ sla.pausable_update: { used: 75% } }",
    "{ sla.requester_wait: { overdue_by: 1h } }",
    "{ sla.agent_work: breached }",
    "{ sla.resolution: breached }",
    "{ ticket.sentiment: { at_most: -0.5 } }",
    "{ ticket.sentiment: { at_most: -0.5, within: 1d, take: lowest } }",
    "{ ticket.escalation_risk: [high, medium] }",
    "{ signal.churn_intent: known }",
    "{ escalation.tier: { at_least: 2 } }",
    "{ escalation.open_for: 4h }",
    "{ escalation.at_tier_for: 4h }",
    "{ escalation.unacknowledged_for: 30m }",
    "{ account.renewal_within: 30d }",
    "{ billing.cancels_within: 10d }",
    "{ billing.downgraded_within: 7d }",
    "{ billing.past_due_for: 7d }",
    "{ any: [account.plan: pro, all: [account.plan: enterprise, ticket.priority: urgent]] }",
];

fn sample(texts: Vec<String>) -> Sample {
    let told = [
        (FieldRef::Account(AccountField::Plan), Tell::Text("Enterprise")),
        (FieldRef::Account(AccountField::Region), Tell::Empty),
        (FieldRef::Account(AccountField::Arr), Tell::Number(120_000.0)),
        (FieldRef::Account(AccountField::Health), Tell::Number(42.5)),
        (FieldRef::Account(AccountField::RenewalDate), Tell::Instant(MONDAY + 20 * DAY)),
        (FieldRef::Account(AccountField::Flags), Tell::List(Words(vec!["beta", "no ads"]))),
        (FieldRef::Ticket(TicketField::Tags), Tell::List(Words(vec!["api", "vip"]))),
        (FieldRef::Ticket(TicketField::Subject), Tell::Text("The invoice is wrong")),
        (FieldRef::Ticket(TicketField::Priority), Tell::Text("urgent")),
        (FieldRef::Ticket(TicketField::Spam), Tell::Bool(false)),
        (FieldRef::Ticket(TicketField::HandledBy), Tell::Text("bot")),
        (FieldRef::TicketCustom("seat_count".to_owned()), Tell::Number(12.0)),
        (FieldRef::Billing(BillingField::State), Tell::Text("past_due")),
        (FieldRef::Billing(BillingField::AmountDue), Tell::Number(99_00.0)),
        (FieldRef::Billing(BillingField::CancelsAt), Tell::Instant(MONDAY + 5 * DAY)),
        (FieldRef::Billing(BillingField::PlanChange), Tell::Text("downgraded")),
        (FieldRef::Billing(BillingField::PlanChangedAt), Tell::Instant(MONDAY - 2 * DAY)),
        (FieldRef::Billing(BillingField::PastDueSince), Tell::Instant(MONDAY - 8 * DAY)),
    ];
    let signal = |name, value, label| SignalTold { name, at: MONDAY, value, label };
    Sample {
        texts,
        fields: told.into_iter().map(|(field, tell)| (field, (tell, MONDAY - 3 * DAY))).collect(),
        wait: Wait::Since(MONDAY),
        unanswered: Ok(Some(MONDAY)),
        age: Ok(Age { created_at: MONDAY, solved_for: HOUR }),
        unassigned: Ok(Some(MONDAY)),
        touched: Ok(MONDAY),
        contacts: (0..4).map(|n| MONDAY + n * HOUR / 4).collect(),
        tickets: (0..6).map(|n| MONDAY - (6 - n) * HOUR).collect(),
        clock: running(MONDAY, 4 * HOUR, MONDAY),
        signals: vec![
            signal("sentiment", Some(-0.6), None),
            signal("escalation_risk", Some(0.9), Some("Medium")),
            signal("churn_intent", None, Some("wants to leave")),
        ],
        reopened: vec![MONDAY - DAY, MONDAY],
        reassigned: vec![MONDAY],
        handoff: Some(Handoff { at: MONDAY + 4 * HOUR, wants_human: Some(true), broke_down: Some("the login loops") }),
        phrases: vec![MONDAY + HOUR],
        others: vec![
            other("billing", Some("urgent"), Wait::Since(MONDAY)),
            other("bug", None, Wait::Since(MONDAY)),
            other("billing", None, Wait::Nobody(MONDAY)),
        ],
        escalation: Some(OpenEscalation {
            tier: 2,
            opened_at: MONDAY,
            at_tier_since: MONDAY + HOUR,
            acknowledged_at: None,
        }),
        ..Sample::default()
    }
    .at(MONDAY + 5 * HOUR)
}

fn other(category: &'static str, priority: Option<&'static str>, wait: Wait) -> (Sample, Standing) {
    let fields = [(TicketField::Category, Some(category)), (TicketField::Priority, priority)];
    let told = fields.into_iter().filter_map(|(field, text)| Some((FieldRef::Ticket(field), Tell::Text(text?))));
    let fields = told.map(|(field, tell)| (field, (tell, MONDAY))).collect();
    let standing = Standing { created_at: Some(MONDAY), open_since: Some(MONDAY) };
    (Sample { fields, wait, ..Sample::default() }, standing)
}

#[test]
fn every_condition_reads_well() {
    let mut said = String::new();
    for when in CONDITIONS {
        let (plain, texts) = rule(when);
        let (negated, _) = rule(&format!("{{ not: {when} }}"));
        let sample = sample(texts);
        let evidence = plain.explain(&sample).evidence;
        let strip = |rule: &Rule| rule.sentence().replace("Escalate to tier 2 when ", "");
        writeln!(said, "{when}\n  when    {}\n  not     {}", strip(&plain), strip(&negated)).expect("a string");
        writeln!(said, "  {:<7} {}", format!("{:?}", plain.evaluate(&sample).truth), plain.explain(&sample).because)
            .expect("a string");
        let seen: Vec<String> = evidence.iter().map(|one| format!("{} | {}", one.condition, one.value)).collect();
        writeln!(said, "  seen    {}", seen.join("; ")).expect("a string");
    }
    insta::assert_snapshot!(said);
}

/// Conditions by chance, also such as look alike.
fn condition() -> impl Strategy<Value = String> {
    let text = || {
        prop::sample::select(vec![
            "pro", "Pro", "known", "empty", "'a b'", r#"'a"b'"#, "a'b", "5", "'5'", "true", "one", "sla",
        ])
    };
    let number = || prop::sample::select(vec!["-0.5", "0", "0.5", "1"]);
    let length = || prop::sample::select(vec!["1h", "60m", "2h", "1d", "24h", "90s"]);
    let count = || {
        prop::sample::select(vec!["1", "2", "[1, 2]", "{ at_least: 2 }", "{ at_most: 2 }", "{ above: 1, below: 9 }"])
    };
    let field = prop::sample::select(vec![
        "account.plan",
        "account.region",
        "account.custom.plan",
        "account.custom.billing_plan",
        "billing.plan",
        "ticket.category",
        "ticket.custom.category",
        "ticket.custom.a_b",
        "signal.plan",
        "signal.lowest_plan",
        "ticket.subject",
    ]);
    let matcher = (text(), text()).prop_flat_map(|(one, other)| {
        prop::sample::select(vec![
            one.to_owned(),
            "unknown".to_owned(),
            "known".to_owned(),
            format!("{{ is: {one} }}"),
            format!("[{one}, {other}]"),
            format!("{{ contains: {one} }}"),
            format!("{{ matches: {one} }}"),
            format!("{{ contains: {one}, matches: {other} }}"),
            format!("{{ matches: '{}/ and matches /b' }}", one.trim_matches('\'')),
        ])
    });
    let signal = prop::sample::select(vec!["ticket.sentiment", "signal.sentiment", "ticket.escalation_risk"]);
    let take = prop::sample::select(vec!["newest", "lowest", "highest"]);
    let bound = prop::sample::select(vec!["at_least", "above", "at_most", "below"]);
    let lengths = prop::sample::select(vec![
        "ticket.no_agent_reply_for",
        "ticket.no_customer_reply_for",
        "ticket.unassigned_for",
        "ticket.open_for",
        "ticket.unchanged_for",
        "escalation.open_for",
        "escalation.at_tier_for",
        "escalation.unacknowledged_for",
        "account.renewal_within",
        "billing.cancels_within",
        "billing.downgraded_within",
        "billing.past_due_for",
    ]);
    let lapses = prop::sample::select(vec!["ticket.no_agent_reply_for", "ticket.open_for", "escalation.at_tier_for"]);
    let calendar = prop::sample::select(vec!["policy", "always"]);
    let counts =
        prop::sample::select(vec!["ticket.reopened", "ticket.reassigned", "ticket.follow_ups", "account.tickets"]);
    let windows =
        prop::sample::select(vec!["account.tickets", "account.unanswered_tickets", "account.unresolved_tickets"]);
    let category = prop::sample::select(vec!["billing", "bug"]);
    let leaf = prop_oneof![
        3 => (field, matcher).prop_map(|(field, matcher)| format!("{{ {field}: {matcher} }}")),
        2 => (lengths, length()).prop_map(|(key, length)| format!("{{ {key}: {length} }}")),
        1 => (lapses, prop::sample::select(vec!["1h", "60m", "24h", "90s"]), calendar)
            .prop_map(|(key, length, calendar)| format!("{{ {key}: {{ for: {length}, calendar: {calendar} }} }}")),
        2 => (counts, count()).prop_map(|(key, count)| format!("{{ {key}: {count} }}")),
        1 => (signal, bound, number(), take, length())
            .prop_map(|(key, bound, number, take, length)| {
                format!("{{ {key}: {{ {bound}: {number}, take: {take}, within: {length} }} }}")
            }),
        1 => (length(), length()).prop_map(|(apart, within)| {
            format!("{{ ticket.follow_ups: {{ at_least: 2, apart: {apart}, within: {within} }} }}")
        }),
        1 => (windows, length(), category).prop_map(|(key, within, category)| {
            format!("{{ {key}: {{ at_least: 2, within: {within}, where: {{ ticket.category: {category} }} }} }}")
        }),
        1 => (prop::sample::select(vec!["new", "on_hold"]), length())
            .prop_map(|(status, length)| format!("{{ ticket.status_for: {{ status: {status}, for: {length} }} }}")),
        1 => (text(), length()).prop_map(|(text, within)| {
            format!("{{ message.text: {{ contains: {text}, within: {within} }} }}")
        }),
        1 => prop::sample::select(vec![
            "{ sla.first_reply: breached }",
            "{ sla.first_reply: { due_within: 1h } }",
            "{ sla.first_reply: { overdue_by: 1h } }",
            "{ sla.first_reply: { used: 75% } }",
            "{ signal.handoff.wants_human: true }",
            "{ signal.handoff.wants_human: false }",
            "{ escalation.tier: 2 }",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(2, 4, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("{{ all: [{}] }}", all.join(", "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|any| format!("{{ any: [{}] }}", any.join(", "))),
            inner.prop_map(|inner| format!("{{ not: {inner} }}")),
        ]
    })
}

#[test]
fn no_two_conditions_that_mean_different_things_are_said_alike() {
    let mut said: HashMap<String, (String, String)> = HashMap::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let conditions = condition();
    let mut met = 0;
    while met < 5_000 {
        let when = conditions.new_tree(&mut runner).expect("conditions are made without rejecting").current();
        if !is_possible(&when, None) {
            continue;
        }
        met += 1;
        let (rule, _) = rule(&when);
        let (other, version) = said.entry(rule.sentence()).or_insert_with(|| (when.clone(), rule.fingerprint.clone()));
        assert_eq!(*version, rule.fingerprint, "{when}\n{other}\nare both said: {}", rule.sentence());
    }
    assert!(said.len() > 1_000, "only {} sentences were met", said.len());
}
