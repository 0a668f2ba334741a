//! The rules and SLA policies that instances run with: small numbers, so that a minute sees all of them rise, hold and fall.

use std::sync::Arc;

use tierline_model::Millis;
use tierline_rules::source::{Diagnostics, Keys, Source, parse};
use tierline_rules::{RuleSet, Sections, rule_set};

/// How long solved tickets count: short, so that they are forgotten while a run lasts.
pub const HISTORY: Millis = 60_000;

/// The rules about nothing but an agent's silence, by id, with its length: in every set alike.
pub const SILENCES: &[(&str, Millis)] = &[("silence", 15_000), ("long-silence", 40_000)];

/// What every deployment runs with, and what makes each of them another.
const COMMON: &str = "
rules:
  - { id: silence, tier: 2, when: { ticket.no_agent_reply_for: 15s } }
  - { id: long-silence, tier: 3, when: { ticket.no_agent_reply_for: 40s } }
  - { id: due, tier: 2, when: { sla.first_reply: { due_within: 4s } } }
  - { id: in-hours, tier: 2, when: { ticket.no_agent_reply_for: { for: 12s, calendar: shift } } }
";
/// SLA policies and the calendar that they count by: the hours end and begin while a run lasts.
const POLICIES: &[&str] = &[
    "
sla:
  - { id: all, targets: { first_reply: { urgent: 10s, default: 30s }, requester_wait: { urgent: { in: 25s, calendar: shift }, default: 40s } } }
calendars: { shift: { time_zone: UTC, hours: { mon: ['00:00-11:59', '12:00-12:01', '12:02-24:00'] } } }
",
    "
sla:
  - { id: urgent, when: { ticket.priority: urgent }, targets: { first_reply: { default: 8s }, next_reply: { default: 20s } } }
  - { id: all, targets: { first_reply: { default: 25s }, requester_wait: { default: { in: 30s, calendar: shift } } } }
calendars: { shift: { time_zone: UTC, hours: { mon: ['00:00-24:00'] } } }
",
    "
sla:
  - { id: all, targets: { first_reply: { urgent: 15s, default: 30s } } }
calendars: { shift: { time_zone: UTC, hours: { mon: ['12:01-24:00'] } } }
",
];
const SETS: &[&str] = &[
    "
  - { id: urgent-past-due, tier: 3, cooldown: 20s, when: { all: [ ticket.priority: urgent, billing.state: past_due ] } }
  - { id: many, tier: 2, once_per: account, when: { account.tickets: { at_least: 3, within: 20s } } }
  - { id: upset, tier: 3, for: 6s, when: { ticket.sentiment: { below: 0 } } }
  - { id: nobody, tier: 2, clear: when_no, when: { ticket.unassigned_for: 8s } }
  - { id: chasing, tier: 2, when: { ticket.follow_ups: { at_least: 2, within: 30s, apart: 1s } } }
  - { id: stays, tier: 3, when: { escalation.unacknowledged_for: 25s } }
  - { id: poor, tier: 2, clear: when_no, when: { all: [ account.health: { below: 50 }, ticket.open_for: 5s ] } }
",
    "
  - { id: urgent-past-due, tier: 2, cooldown: 20s, when: { all: [ ticket.priority: urgent, billing.state: past_due ] } }
  - { id: many, tier: 3, once_per: account, when: { account.tickets: { at_least: 2, within: 30s } } }
  - { id: nobody, tier: 3, on_deploy: fire, when: { ticket.unassigned_for: 12s } }
  - { id: no-word, tier: 2, when: { ticket.no_customer_reply_for: 10s } }
",
    "
  - { id: urgent-past-due, tier: 3, when: { any: [ ticket.priority: urgent, billing.state: past_due ] } }
  - { id: upset, tier: 2, clear: when_no, for: 3s, when: { ticket.sentiment: { below: 0.2 } } }
  - { id: nobody, tier: 2, clear: when_no, when: { ticket.unassigned_for: 8s } }
  - { id: unchanged, tier: 3, when: { ticket.unchanged_for: 18s } }
  - { id: stays, tier: 3, when: { escalation.unacknowledged_for: 12s } }
",
];

/// Which rules and which policies make a set: from the first to the last the rules change alone.
const PAIRS: [(usize, usize); 4] = [(0, 0), (1, 1), (2, 2), (2, 0)];

/// How many sets there are.
pub const COUNT: usize = PAIRS.len();

/// All sets, compiled.
///
/// # Panics
/// When one of them isn't what it should be: they are part of the program.
pub fn compiled() -> Vec<Arc<RuleSet>> {
    PAIRS.iter().map(|&(own, sla)| compile(&format!("{COMMON}{}{}", SETS[own], POLICIES[sla]))).collect()
}

fn compile(text: &str) -> Arc<RuleSet> {
    let mut found = Diagnostics::default();
    let root = parse(&Source::new("rules.yaml", text), &mut found).expect("the rules are YAML");
    let mut keys = Keys::of(&root, "the rules", &mut found).expect("they are a map");
    let sections = Sections {
        rules: keys.optional("rules"),
        terms: keys.optional("terms"),
        sla: keys.optional("sla"),
        calendars: keys.optional("calendars"),
        history: HISTORY,
        ..Sections::default()
    };
    let set = rule_set(&sections, &mut found);
    assert_eq!(found.mistakes(), 0, "{}", found.render(false));
    Arc::new(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_whole_and_says_the_same_of_silence() {
        let sets = compiled();
        assert_eq!(sets.len(), COUNT);
        for (id, _) in SILENCES {
            let prints: Vec<_> = sets
                .iter()
                .map(|set| &set.rules.iter().find(|rule| rule.id == *id).expect("it is there").fingerprint)
                .collect();
            assert!(prints.iter().all(|print| *print == prints[0]));
        }
    }
}
