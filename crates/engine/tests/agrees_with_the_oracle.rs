//! The engine against a slow and obvious second opinion, over thousands of random histories.

mod oracle;

use std::collections::BTreeMap;
use std::sync::Arc;

use oracle::chance;
use oracle::firing::foretell;
use oracle::history::Record;
use oracle::real::{self, Way};
use oracle::rules::{self, Policy, Rule};
use proptest::prelude::*;
use tierline_model::{Escalation, EscalationKind};
use tierline_rules::RuleSet;

/// Compares what goes out, ticket by ticket.
fn agree(rules: &[Rule], policy: Policy, history: &[Record]) -> Result<(), TestCaseError> {
    let until = chance::end_of(history);
    let expected = match foretell(rules, Some(policy), history, until) {
        Ok(expected) => real::foretold_lines(&expected),
        Err(unsaid) => return Err(TestCaseError::reject(unsaid.0)),
    };
    let out = real::run(&rule_set(rules, policy), history, until, &Way::plain());
    prop_assert_eq!(real::lines(&out), expected, "{}", describe(rules, policy, history));
    check_ids(&out)?;
    Ok(())
}

/// Each escalation's records are numbered from 0 without a gap; it begins once, and nothing follows its end.
fn check_ids(out: &[Escalation]) -> Result<(), TestCaseError> {
    let mut next: BTreeMap<uuid::Uuid, u32> = BTreeMap::new();
    let mut over = Vec::new();
    for record in out {
        let sequence = next.entry(record.escalation_id).or_default();
        prop_assert_eq!(record.sequence, *sequence, "a gap or a repeat: {:?}", record);
        prop_assert_eq!(*sequence == 0, record.kind == EscalationKind::Opened, "{:?}", record);
        prop_assert!(!over.contains(&record.escalation_id), "something after its end: {:?}", record);
        *sequence += 1;
        if record.kind == EscalationKind::Resolved {
            over.push(record.escalation_id);
        }
    }
    Ok(())
}

fn rule_set(rules: &[Rule], policy: Policy) -> Arc<RuleSet> {
    real::rule_set(&rules::yaml(rules, Some(policy)))
}

fn describe(rules: &[Rule], policy: Policy, history: &[Record]) -> String {
    let records: String = history.iter().map(|record| format!("  {record:?}\n")).collect();
    format!("left: the engine, right: the oracle\n{}\n{records}", rules::yaml(rules, Some(policy)))
}

fn ways() -> impl Strategy<Value = Way> {
    let places = || prop::collection::vec(0..24usize, 0..6);
    let repeats = prop::collection::vec((0..24usize, 0..5usize), 0..6);
    (0..5i64, places(), repeats, places(), any::<[bool; 3]>()).prop_map(
        |(grace, advances, repeats, restarts, [from_changes, by_deadlines, wall])| Way {
            grace,
            advances,
            repeats,
            restarts,
            from_changes,
            by_deadlines,
            wall,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, max_global_rejects: 200_000, ..ProptestConfig::default() })]

    #[test]
    fn the_reference_rules_fire_as_the_oracle_foretells(history in chance::history(24)) {
        let (rules, policy) = chance::reference_rules();
        agree(&rules, policy, &history)?;
    }

    #[test]
    fn any_rules_fire_as_the_oracle_foretells(
        (rules, policy) in chance::rules(&chance::odd()), history in chance::history(24)) {
        agree(&rules, policy, &history)?;
    }

    #[test]
    fn shadow_rules_do_among_themselves_what_they_would_do_live_and_change_nothing(
        (live, policy) in chance::rules(&chance::any_length()), (tried, _) in chance::rules(&chance::any_length()),
        history in chance::history(24), way in ways(),
    ) {
        // What a person does to an escalation, nobody does to one in the shadow.
        let history: Vec<Record> = history.into_iter().filter(|record| !record.what.is_command()).collect();
        let until = chance::end_of(&history);
        let shadow = tried.iter().map(|rule| Rule { shadow: true, ..rule.clone() });
        let both: Vec<Rule> = live.iter().cloned().chain(shadow).collect();
        let (out, in_shadow) = real::run_both(&rule_set(&both, policy), &history, until, &way);
        let alone = real::run(&rule_set(&live, policy), &history, until, &way);
        prop_assert_eq!(real::lines(&out), real::lines(&alone), "{}", describe(&both, policy, &history));
        let as_live = real::run(&rule_set(&tried, policy), &history, until, &way);
        let renumbered = real::lines_from(&in_shadow, live.len());
        prop_assert_eq!(renumbered, real::lines(&as_live), "{}", describe(&both, policy, &history));
        check_ids(&in_shadow)?;
    }

    #[test]
    fn what_comes_late_within_the_grace_changes_nothing(
        (rules, policy) in chance::rules_of_absence(), arriving in chance::with_stragglers(24, 5), way in ways(),
    ) {
        let way = Way { grace: 5, wall: true, ..way };
        let mut history = arriving.clone();
        history.sort_by_key(|record| record.at);
        let until = chance::end_of(&history);
        let Ok(expected) = foretell(&rules, Some(policy), &history, until) else {
            return Err(TestCaseError::reject("not said"));
        };
        let out = real::run(&rule_set(&rules, policy), &arriving, until, &way);
        prop_assert_eq!(
            real::lines(&out),
            real::foretold_lines(&expected),
            "{}",
            describe(&rules, policy, &arriving),
        );
        check_ids(&out)?;
    }

    #[test]
    fn how_it_is_fed_what_comes_twice_and_where_it_restarts_changes_nothing(
        (rules, policy) in chance::rules(&chance::any_length()), history in chance::history(24), way in ways(),
    ) {
        let (until, set) = (chance::end_of(&history), rule_set(&rules, policy));
        let plain = real::run(&set, &history, until, &Way::plain());
        let other = real::run(&set, &history, until, &way);
        prop_assert_eq!(real::lines(&other), real::lines(&plain), "{}", describe(&rules, policy, &history));
    }
}
