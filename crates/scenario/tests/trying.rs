//! Scenario files, tried: what passes, what does not, and what is said of it.

use std::path::Path;

use tierline_scenario::{Base, Outcome, Scenario, Verdict};

fn parsed(text: &str) -> Scenario {
    Scenario::parse("try.scenario.yaml", text, None).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn tried(text: &str) -> Outcome {
    parsed(text).run()
}

fn mistakes(text: &str) -> String {
    Scenario::parse("try.scenario.yaml", text, None).expect_err("it is wrong").to_string()
}

/// A customer who waits from the start; `rest` are more sections.
fn waiting(steps: &str, rest: &str) -> String {
    format!(
        "scenario: waiting
start: 2026-03-02T09:00:00Z
defaults: {{ account_id: acme, ticket_id: T1 }}
steps:
  - {{ at: 0s, tickets: {{ kind: created, ticket: {{ status: new }} }} }}
{steps}until: 24h
{rest}"
    )
}

const SILENT: &str = "rules: [ { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 2h } } ]\n";

fn differences(outcome: &Outcome) -> &[String] {
    match &outcome.verdict {
        Verdict::Failed(differences) => differences,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_scenario_of_ours_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 429, "only {} are there", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let scenario = Scenario::parse(&file.to_string_lossy(), &text, None);
        let outcome = scenario.unwrap_or_else(|mistakes| panic!("{mistakes}")).run();
        assert_eq!(outcome.verdict, Verdict::Passed, "{outcome}");
    }
}

#[test]
fn what_differs_is_told_with_its_line_and_what_went_out() {
    let outcome = tried(&waiting("", &format!("{SILENT}expect: [ {{ at: 3h, kind: opened }}, {{ kind: raised }} ]")));
    assert_eq!(
        differences(&outcome),
        ["line 8: `at` should be 3h, is 2h", "line 8: kind raised did not happen", "at 3h `silent` had fired before"]
    );
    let shown = outcome.to_string();
    assert!(shown.contains("0h   tickets: created T1, status new"), "{shown}");
    assert!(
        shown.contains(
            "2h → opened T1, tier 2, by silent: Escalated to tier 2 because no agent had replied for 2 hours"
        ),
        "{shown}"
    );
}

#[test]
fn why_nothing_happened_is_told() {
    let told = |steps: &str, rule: &str, pattern: &str| {
        let rules = format!("rules: [ {{ id: r, tier: 2, when: {rule} }} ]\nexpect: [ {{ {pattern} }} ]");
        differences(&tried(&waiting(steps, &rules)))[1..].to_vec()
    };
    let answered = "  - { at: 30m, tickets: { kind: message, message: { author: agent } } }\n";
    let silent = "{ ticket.no_agent_reply_for: 2h }";
    assert_eq!(
        told(answered, silent, "at: 2h, kind: opened"),
        ["at 2h `r` does not hold: it wants that no agent has replied for 2 hours (seen: nobody waits for an agent)"]
    );
    assert_eq!(
        told("", "{ account.plan: pro }", "at: 2h, kind: opened, rule: r"),
        ["at 2h `r` cannot be decided: nobody has told account.plan"]
    );
    let solved = "  - { at: 1h, tickets: { kind: updated, ticket: { status: solved } } }\n";
    assert_eq!(told(solved, silent, "at: 2h, tier: 2"), ["at 2h `r` is not looked at: the ticket is not open"]);
    assert_eq!(
        told("", "{ ticket.open_for: 30h }", "kind: opened"),
        ["at 24h `r` does not hold: it wants that the ticket has been open for 30 hours (seen: since \
          2026-03-02T09:00:00Z)"]
    );
    // Whatever a person does, or another ticket, is no rule's.
    assert_eq!(told("", silent, "kind: acknowledged"), [""; 0]);
    assert_eq!(told("", silent, "kind: opened, ticket_id: T2"), [""; 0]);
}

#[test]
fn what_nobody_expects_and_what_should_never_happen_is_told() {
    let outcome = tried(&waiting("", &format!("{SILENT}expect: []\nnever: [ {{ tier: 2 }} ]")));
    assert_eq!(differences(&outcome), ["unexpected: opened of T1 at 2h", "line 9: tier 2 happened at 2h"]);
}

#[test]
fn a_heartbeat_is_a_step_and_what_waits_for_it_comes_with_it() {
    let steps = "  - { at: 1h, tickets: { kind: heartbeat, source: scenario, heard_until: 2026-03-02T10:00:00Z } }
  - { at: 9h, tickets: { kind: heartbeat, source: scenario, heard_until: 2026-03-02T18:00:00Z } }\n";
    let expect = "expect: [ { at: 2h, detected_at: 9h, kind: opened, rule: silent } ]";
    let outcome = tried(&waiting(steps, &format!("{SILENT}{expect}")));
    assert_eq!(outcome.verdict, Verdict::Passed, "{outcome}");
}

#[test]
fn an_import_and_its_end_are_steps() {
    let imported = "  - { at: 1h, arrives: 20h, tickets: { kind: created, ticket_id: T9, import_id: desk-2026, \
                    ticket: { status: open } } }
  - { at: 2h, arrives: 20h, tickets: { kind: message, ticket_id: T9, import_id: desk-2026, message: { author: agent } } }
  - { at: 3h, arrives: 20h, tickets: { kind: message, ticket_id: T9, import_id: desk-2026, \
                    message: { author: customer } } }
  - { at: 21h, tickets: { kind: import_finished, import_id: desk-2026, import_began_at: 2026-03-03T05:00:00Z } }\n";
    let expect = "expect: [ { at: 2h, kind: opened, ticket_id: T1 }, \
                  { at: 5h, detected_at: 21h, kind: opened, ticket_id: T9 } ]";
    let outcome = tried(&waiting(imported, &format!("{SILENT}{expect}")));
    assert_eq!(outcome.verdict, Verdict::Passed, "{outcome}");
}

#[test]
fn a_ticket_that_goes_to_another_account_is_told_of_there() {
    let moved = "  - { at: 1h, tickets: { kind: rehomed, to_account: other } }\n";
    let expect = "expect: [ { at: 2h, kind: opened, ticket_id: T1, account_id: other } ]";
    let outcome = tried(&waiting(moved, &format!("{SILENT}{expect}")));
    assert_eq!(outcome.verdict, Verdict::Passed, "{outcome}");
}

#[test]
fn what_shadow_rules_would_have_done_is_compared_by_itself() {
    let rules = "rules: [ { id: silent, tier: 2, mode: shadow, when: { ticket.no_agent_reply_for: 2h } } ]\n";
    let expect = "expect: []\nshadow: [ { at: 2h, kind: opened, tier: 2, rule: silent } ]";
    let outcome = tried(&waiting("", &format!("{rules}{expect}")));
    assert_eq!(outcome.verdict, Verdict::Passed, "{outcome}");
    let outcome = tried(&waiting("", &format!("{rules}expect: []\nshadow: []")));
    assert_eq!(differences(&outcome), ["in the shadow: unexpected: opened of T1 at 2h"]);
}

#[test]
fn a_record_that_becomes_a_dead_letter_in_the_file_is_a_mistake_at_its_place() {
    let steps = "  - { at: 1h, tickets: { kind: updated, ticket: { status: sleeping } } }\n";
    let shown = mistakes(&waiting(steps, "rules: []\nexpect: []"));
    assert!(shown.contains("try.scenario.yaml:6:"), "{shown}");
    assert!(shown.contains("sleeping"), "{shown}");
}

/// Each of these was passed, having tested nothing.
#[test]
fn a_pattern_of_what_cannot_be_is_a_mistake_at_its_place() {
    for list in ["expect: []\nnever", "expect: []\nshadow", "expect"] {
        let shown = mistakes(&waiting("", &format!("{SILENT}{list}: [ {{ rule: slient }}, {{ tier: 1 }} ]")));
        for part in ["the scenario tests no rule `slient`", "did you mean `silent`?", "`tier` lies between 2 and 3"] {
            assert!(shown.contains(part), "{part} is not in\n{shown}");
        }
        let line = if list == "expect" { 8 } else { 9 };
        assert!(shown.contains(&format!("try.scenario.yaml:{line}:")), "{shown}");
    }
    let shown = mistakes(&waiting("", &format!("{SILENT}expect: [ {{ at: 2h, previous_tier: 4 }} ]")));
    assert!(shown.contains("`previous_tier` lies between 1 and 3"), "{shown}");
    // A person is no rule, and a rule may come with a restart.
    let restart = "  - { at: 1h, restart: { rules: [ { id: late, tier: 2, when: { ticket.open_for: 3h } } ] } }\n";
    let rules = format!(
        "{SILENT}expect: [ {{ at: 3h, rule: late, previous_tier: 1 }} ]\nnever: [ {{ rule: ~ }}, {{ rule: silent }} ]"
    );
    let outcome = tried(&waiting(restart, &rules));
    assert_eq!(outcome.verdict, Verdict::Passed, "{outcome}");
}

#[test]
fn what_nobody_reads_of_a_step_is_a_mistake_at_its_place() {
    let steps = "  - { at: 1h, accounts: { source: crm, plann: enterprise } }
  - { at: 2h, tickets: { kind: updated, ticket: { categry: billing }, cleared: [prority, custom.area] } }
  - { at: 3h, tickets: { kind: updated, ticket: { custom: { anything: goes } } } }\n";
    let shown = mistakes(&waiting(steps, &format!("{SILENT}expect: []")));
    for part in [
        "try.scenario.yaml:6:40",
        "a record of `accounts` has no member `plann`",
        "did you mean `plan`?",
        "a record of `tickets` has no member `ticket.categry`",
        "did you mean `category`?",
        "`cleared` names no field `prority`",
        "did you mean `priority`?",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert!(!shown.contains("no field `custom.area`"), "{shown}");
    let other = waiting("", &format!("{SILENT}expect: []")).replace("account_id: acme", "account_id: acme, acount: x");
    let shown = mistakes(&other);
    assert!(shown.contains("no stream's record has a member `acount`"), "{shown}");
}

#[test]
fn a_step_after_the_end_is_a_mistake() {
    let at = |times: &str| format!("  - {{ {times}, tickets: {{ kind: updated, ticket: {{ status: open }} }} }}\n");
    for late in ["at: 25h", "at: 1h, arrives: 1441m"] {
        let shown = mistakes(&waiting(&at(late), &format!("{SILENT}expect: []")));
        assert!(shown.contains("this step comes after `until`"), "{shown}");
        assert!(shown.contains("try.scenario.yaml:6:"), "{shown}");
    }
    let at_the_end = tried(&waiting(&at("at: 24h"), &format!("{SILENT}expect: [ {{ at: 2h }} ]")));
    assert_eq!(at_the_end.verdict, Verdict::Passed, "{at_the_end}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let steps = "  - { at: 1h, ticket: {} }\n  - { tickets: {} }\n  - { at: 2h, arrives: 1h, tickets: {} }\n";
    let shown = mistakes(&waiting(steps, "rules: [ { id: r, when: {} } ]\nexpcet: []\nexpect: [ { teir: 2 } ]"));
    for part in
        ["`ticket` is no stream", "a step needs `at`", "cannot arrive before", "expcet", "`teir`", "needs `tier`"]
    {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[test]
fn what_a_scenario_does_not_carry_comes_from_the_configuration_beside_it() {
    let beside =
        format!("{SILENT}time: {{ grace: 1m, start: quiet, clock: wall }}\nlog: {{ kind: embedded, path: x }}");
    let text = waiting("", "expect: [ { at: 2h, detected_at: 2h, kind: opened, rule: silent } ]");
    let scenario = Scenario::parse("try.scenario.yaml", &text, Some(("tierline.yaml", &beside))).unwrap();
    assert_eq!(scenario.run().verdict, Verdict::Passed);
    let own = waiting("", "rules: [ { id: own, tier: 3, when: { ticket.open_for: 1h } } ]\nexpect: [ { rule: own } ]");
    let scenario = Scenario::parse("try.scenario.yaml", &own, Some(("tierline.yaml", &beside))).unwrap();
    assert_eq!(scenario.run().verdict, Verdict::Passed);
}

#[test]
fn which_configuration_it_tests_is_known_before_it_is_read() {
    let named = Scenario::base("config: ../tierline.yaml\nrules: []\nsteps: []");
    assert_eq!(named, Base::Named("../tierline.yaml".to_owned()));
    assert_eq!(Scenario::base("steps: []"), Base::Beside);
    assert_eq!(Scenario::base("rules: []\nsteps: []"), Base::Own);
}

#[test]
fn records_of_one_instant_are_read_in_the_order_of_their_streams() {
    // The account comes first wherever it stands, so nothing is ever evaluated without it.
    let steps = "  - { at: 0s, accounts: { plan: team, source: crm } }\n";
    let rules = "rules: [ { id: untold, tier: 2, when: { account.plan: unknown } } ]\nexpect: []";
    assert_eq!(tried(&waiting(steps, rules)).verdict, Verdict::Passed);
}

#[test]
fn the_outcome_is_told_to_programs_as_well() {
    let outcome = tried(&waiting("", &format!("{SILENT}expect: [ {{ at: 2h }} ]"))).json();
    assert_eq!(outcome["verdict"], "passed");
    assert_eq!(outcome["happened"][0]["at"], "2026-03-02T11:00:00.000Z");
    assert_eq!(outcome["happened"][0]["rule"], "silent");
}
