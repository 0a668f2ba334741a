//! `test`: scenario files beside the configuration, their timeline where they fail, and the exit codes.

use std::path::Path;

use serde_json::Value;
use tierline_testkit::Program;

use crate::PROGRAM;

const RULES: &str = "rules: [ { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 2h } } ]\n";

/// A customer who waits, and what is expected.
fn scenario(expect: &str) -> String {
    format!(
        "scenario: a customer waits
start: 2026-03-02T09:00:00Z
defaults: {{ account_id: acme, ticket_id: T1 }}
steps:
  - {{ at: 0s, tickets: {{ kind: created, ticket: {{ status: new }} }} }}
until: 6h
expect: {expect}
"
    )
}

fn program(expect: &str) -> Program {
    let program = Program::new(PROGRAM, RULES);
    program.write("silent.scenario.yaml", &scenario(expect));
    program
}

#[test]
fn the_built_in_example_does_what_its_scenarios_say() {
    let program = Program::new(PROGRAM, "");
    std::fs::remove_file(program.folder().join("tierline.yaml")).expect("it was written");
    let answer = program.answer(["test"]).well();
    assert!(answer.out.ends_with("6 passed, 0 failed, against the built-in example\n"), "{}", answer.out);
    // One that stands on nothing else is tested against it too, and that is said.
    program.write("silent.scenario.yaml", &scenario("[]"));
    program.write("own.scenario.yaml", &format!("{RULES}{}", scenario("[ { at: 2h } ]")));
    let answer = program.answer(["test"]).well();
    assert!(answer.out.ends_with("2 passed, 0 failed, 1 of them against the built-in example\n"), "{}", answer.out);
}

#[test]
fn a_configuration_beside_a_scenario_by_nearly_the_right_name_is_not_passed_over() {
    let program = Program::new(PROGRAM, RULES);
    std::fs::create_dir(program.folder().join("eu")).expect("a folder can be made");
    program.write("eu/tierline.yml", RULES);
    program.write("eu/silent.scenario.yaml", &scenario("[ { at: 2h } ]"));
    let answer = program.answer(["test", "eu"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(answer.err.contains("there is no eu/tierline.yaml, but eu/tierline.yml: rename it"), "{}", answer.err);
}

#[test]
fn a_failure_for_want_of_a_score_says_that_messages_are_not_scored_here() {
    let rules = "scorer: builtin\nrules: [ { id: upset, tier: 2, when: { ticket.sentiment: { below: -0.4 } } } ]\n";
    let program = Program::new(PROGRAM, rules);
    let expected = "[ { kind: opened, rule: upset } ]";
    program.write("upset.scenario.yaml", &scenario(expected));
    let answer = program.answer(["test"]);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let note = "messages are scored by the pipeline, not here: give a `signals` record\n";
    assert!(answer.out.contains(note), "{}", answer.out);
    let signal = "until: 6h\n";
    let told = "  - { at: 1h, signals: { name: sentiment, value: -0.1 } }\nuntil: 6h\n";
    program.write("upset.scenario.yaml", &scenario(expected).replace(signal, told));
    let answer = program.answer(["test"]);
    assert_eq!((answer.code, answer.out.contains(note)), (Some(1), false), "{answer:?}");
}

#[test]
fn the_guides_rules_do_what_the_guides_say() {
    let guides = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples/guides");
    let config = guides.join("tierline.yaml").display().to_string();
    let program = Program::new(PROGRAM, RULES);
    let checked = program.answer(["--config", &config, "check"]).well();
    assert!(checked.out.ends_with(": all well\n"), "{}", checked.out);
    let answer = program.answer(["--config", &config, "test"]).well();
    assert!(answer.out.ends_with("10 passed, 0 failed\n"), "{}", answer.out);
}

#[test]
fn a_failure_is_told_with_what_happened_instead() {
    let answer = program("[ { at: 3h, kind: opened } ]").answer(["test"]);
    assert_eq!(answer.code, Some(1), "{}", answer.err);
    insta::assert_snapshot!(answer.out);
}

#[test]
fn programs_read_json_and_junit() {
    let program = program("[ { at: 3h, kind: opened } ]");
    let answer = program.answer(["test", "--output", "json"]);
    let told: Value = serde_json::from_str(&answer.out).expect("it is JSON");
    assert_eq!((answer.code, told[0]["verdict"].as_str()), (Some(1), Some("failed")));
    assert_eq!(told[0]["happened"][0]["at"], "2026-03-02T11:00:00.000Z");
    let answer = program.answer(["test", "--output", "junit"]);
    assert_eq!(answer.code, Some(1));
    for part in [r#"tests="1" skipped="0" failures="1""#, r#"name="a customer waits""#, "`at` should be 3h, is 2h"] {
        assert!(answer.out.contains(part), "{part} is not in {}", answer.out);
    }
}

#[test]
fn what_cannot_be_tried_is_neither_a_pass_nor_a_failure() {
    let without = Program::new(PROGRAM, RULES).answer(["test"]);
    assert_eq!(without.code, Some(2));
    assert!(without.err.contains("there is no *.scenario.yaml"), "{}", without.err);
    let wrong = program("[ { teir: 2 } ]").answer(["test"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.out.contains("silent.scenario.yaml:7:"), "{}", wrong.out);
}

#[test]
fn with_watch_a_change_is_tried_again() {
    let program = program("[]");
    let mut running = program.start("watch", ["test", "--watch"]);
    let said = |part: &str| {
        let log = std::fs::read_to_string(program.folder().join("watch.log")).unwrap_or_default();
        log.contains(part).then_some(()).ok_or(log)
    };
    running.wait_for("the first verdict", |_| said("0 passed, 1 failed"));
    program.write("silent.scenario.yaml", &scenario("[ { at: 2h } ]"));
    running.wait_for("the second verdict", |_| said("1 passed, 0 failed"));
}
