//! The four reference rules: they parse without a warning and say what they mean.

use tierline_model::{AccountField, BillingField, TicketField};
use tierline_rules::{FieldRef, Rule, Truth, Wait};

use crate::sample::{DAY, Sample, SignalTold, Tell, read, running};

const HOUR: i64 = 3_600_000;
const REFERENCE: &str = "\
sla:
  - { id: standard, targets: { first_reply: { urgent: 30m, default: 4h } } }
terms:
  unhappy:
    any:
      - account.health: { below: 50 }
      - ticket.sentiment: { at_most: -0.5 }
rules:
  - id: enterprise-billing-silence
    tier: 3
    when:
      all:
        - account.plan: enterprise
        - ticket.category: billing
        - ticket.no_agent_reply_for: 2h
    suggest: Check the billing status in Stripe before responding.
    route: billing-leads
  - id: urgent-past-due
    tier: 3
    when: { ticket.priority: urgent, billing.state: past_due }
  - id: repeat-trouble
    tier: 2
    once_per: account
    when:
      all:
        - account.tickets: { at_least: 5, within: 7d }
        - is: unhappy
  - id: first-reply-soon-due
    tier: 2
    when: { sla.first_reply: { due_within: 30m } }
";

#[test]
fn the_reference_rules_say_what_they_mean() {
    let sentences: Vec<String> = read(REFERENCE).rules.iter().map(Rule::sentence).collect();
    assert_eq!(
        sentences,
        [
            "Escalate to tier 3 when the account's plan is enterprise and the ticket's category is billing and no agent \
             has replied for 2 hours.",
            "Escalate to tier 3 when the ticket's priority is urgent and the account's billing state is past_due.",
            "Escalate to tier 2 when the account has opened at least 5 tickets within 7 days and (the account's health is \
             below 50 or the sentiment is at most -0.5), once per account.",
            "Escalate to tier 2 when the first reply is due within 30 minutes.",
        ]
    );
}

#[test]
fn the_reasons_tell_what_was_seen() {
    let set = read(REFERENCE);
    let monday = 1_772_445_600_000; // 2026-03-02T10:00:00Z
    let sample = Sample {
        texts: set.texts.clone(),
        fields: [
            (FieldRef::Account(AccountField::Plan), (Tell::Text("Enterprise"), monday - DAY)),
            (FieldRef::Account(AccountField::Health), (Tell::Number(42.0), monday - DAY)),
            (FieldRef::Billing(BillingField::State), (Tell::Text("past_due"), monday - DAY)),
            (FieldRef::Ticket(TicketField::Category), (Tell::Text("billing"), monday)),
            (FieldRef::Ticket(TicketField::Priority), (Tell::Text("urgent"), monday)),
        ]
        .into(),
        wait: Wait::Since(monday),
        clock: running(monday, 4 * HOUR, monday),
        tickets: (0..6).map(|n| monday - n * HOUR).rev().collect(),
        signals: vec![SignalTold { name: "sentiment", at: monday, value: Some(-0.6), label: None }],
        ..Sample::default()
    }
    .at(monday + 4 * HOUR);
    let reasons: Vec<String> = set.rules.iter().map(|rule| rule.explain(&sample).because).collect();
    assert_eq!(
        reasons,
        [
            "the account's plan was Enterprise, the ticket's category was billing and no agent had replied for 2 hours \
             (since 2026-03-02T10:00:00Z)",
            "the ticket's priority was urgent and the account's billing state was past_due",
            "the account had opened 6 tickets within 7 days (at least 5), the account's health was 42 (below 50) and the \
             sentiment was -0.6 (at most -0.5)",
            "the first reply was due within 30 minutes (due 2026-03-02T14:00:00Z)",
        ]
    );
    let evidence = &set.rules[2].explain(&sample).evidence[1];
    assert_eq!(
        (evidence.condition.as_str(), evidence.value.as_str(), evidence.source.as_deref(), evidence.as_of),
        ("the account's health is below 50", "42", Some("crm"), Some(monday - DAY))
    );
}

#[test]
fn what_was_never_told_is_said_to_be_unknown() {
    let set = read(REFERENCE);
    let sample = Sample { wait: Wait::Since(0), ..Sample::default() }.at(2 * HOUR);
    assert_eq!(set.rules[0].evaluate(&sample).truth, Truth::Unknown);
    assert_eq!(
        set.rules[0].explain(&sample).because,
        "it was unknown whether the account's plan was enterprise and it was unknown whether the ticket's category was \
         billing"
    );
}
