//! The four reference rules: they parse without a warning and say what they mean.

use tierline_rules::source::{Diagnostics, Source, parse};
use tierline_rules::{RuleSet, Sections, rule_set};

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
    let set = read(REFERENCE);
    let sentences: Vec<String> = set.rules.iter().map(tierline_rules::Rule::sentence).collect();
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

fn read(text: &str) -> RuleSet {
    let mut found = Diagnostics::default();
    let root = parse(&Source::new("rules.yaml", text), &mut found).expect("it is YAML");
    let sections = Sections {
        rules: root.at("rules"),
        terms: root.at("terms"),
        sla: root.at("sla"),
        history: 35 * 86_400_000,
    };
    let set = rule_set(&sections, &mut found);
    assert!(found.items.is_empty(), "{found}");
    set
}
