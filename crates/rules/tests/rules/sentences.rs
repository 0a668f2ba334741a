//! How conditions are said: in a rule's sentence, and in the reason of an escalation.

use std::fmt::Write;

use tierline_model::{AccountField, BillingField, TicketField};
use tierline_rules::{Age, FieldRef, OpenEscalation, Rule, Wait};

use crate::sample::{DAY, Sample, SignalTold, Tell, Words, rule, running};

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
    "{ ticket.follow_ups: { at_least: 1 } }",
    "{ ticket.follow_ups: { at_least: 2, within: 1d } }",
    "{ account.tickets: { at_least: 5, within: 7d } }",
    "{ account.tickets: [1, 2] }",
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
        writeln!(said, "  {:<7} {}", format!("{:?}", plain.evaluate(&sample).truth), plain.explain(&sample).reason)
            .expect("a string");
        let seen: Vec<String> = evidence.iter().map(|one| format!("{} | {}", one.condition, one.value)).collect();
        writeln!(said, "  seen    {}", seen.join("; ")).expect("a string");
    }
    insta::assert_snapshot!(said);
}
