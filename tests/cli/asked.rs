//! `why`, `explain --diff` and `check --code`: what people ask of rules.

use serde_json::{Value, json};
use tierline_testkit::Program;

use crate::PROGRAM;

const RULES: &str = "\
rules:
  - id: billing
    tier: 3
    when: { all: [ account.plan: enterprise, ticket.category: billing, ticket.no_agent_reply_for: 2h ] }
  - { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 2h } }
";

/// A ticket about billing, of an account of whose plan nobody has told anything.
fn events() -> String {
    let created = json!({ "tickets": { "event_id": "e1", "ticket_id": "T1", "account_id": "acme", "source": "desk",
        "occurred_at": "2026-03-02T09:00:00Z", "kind": "created",
        "ticket": { "status": "new", "category": "billing" } } });
    let noted = json!({ "tickets": { "event_id": "e2", "ticket_id": "T1", "account_id": "acme", "source": "desk",
        "occurred_at": "2026-03-02T10:00:00Z", "kind": "message",
        "message": { "author": "agent", "public": false, "text": "looking" } } });
    format!("{created}\n{noted}\n")
}

#[test]
fn why_a_ticket_is_not_escalated_and_what_would_change_that() {
    let program = Program::new(PROGRAM, RULES);
    let answer = program.answer_to(["why", "T1", "--events", "-"], &events()).well();
    insta::assert_snapshot!(answer.out);
}

#[test]
fn why_it_is_as_json_at_an_instant_and_for_one_rule() {
    let program = Program::new(PROGRAM, RULES);
    let arguments =
        ["why", "T1", "--events", "-", "--at", "2026-03-02T12:00:00Z", "--rule", "silent", "--output", "json"];
    let told: Value = serde_json::from_str(&program.answer_to(arguments, &events()).well().out).expect("it is JSON");
    assert_eq!((told["tier"].as_u64(), told["rules"].as_array().map(Vec::len)), (Some(2), Some(1)));
    let rule = &told["rules"][0];
    assert_eq!((rule["stands"].as_str(), rule["truth"].as_str()), (Some("fired"), Some("yes")));
    assert_eq!(rule["conditions"][0]["since"], "2026-03-02T11:00:00Z");
    assert_eq!(rule["would_not_hold_if"][0], "the customer has not waited 2 hours for an agent");
}

#[test]
fn the_evidence_has_the_word_that_was_told_and_what_it_is_called() {
    let config = format!("fields: {{ ticket.category: {{ values: {{ billing: [payment] }} }} }}\n{RULES}");
    let program = Program::new(PROGRAM, &config);
    let events = events().replace("\"billing\"", "\"Payment\"");
    let arguments = ["why", "T1", "--events", "-", "--rule", "billing", "--output", "json"];
    let told: Value = serde_json::from_str(&program.answer_to(arguments, &events).well().out).expect("it is JSON");
    let category = &told["rules"][0]["conditions"][1];
    assert_eq!((&category["value"], &category["truth"]), (&"Payment → billing".into(), &"yes".into()));
}

#[test]
fn who_asks_for_what_is_not_there_is_told_so() {
    let program = Program::new(PROGRAM, RULES);
    let answer = program.answer_to(["why", "T9", "--events", "-"], &events());
    assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""));
    assert!(answer.err.contains("there is no ticket T9"), "{}", answer.err);
    let answer = program.answer_to(["why", "T1", "--rule", "none", "--events", "-"], &events());
    assert_eq!(answer.code, Some(2));
    let answer = program.answer_to(["why", "T1", "--events", "-"], "{\"weather\": {}}");
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("line 1: 'weather' is no input stream"), "{}", answer.err);
}

#[test]
fn what_is_different_between_two_files_is_told_in_sentences() {
    let program = Program::new(PROGRAM, RULES);
    program.write(
        "old.yaml",
        "rules:
  - { id: silent, tier: 2, cooldown: 1h, when: { ticket.no_agent_reply_for: 4h } }
  - { id: gone, tier: 2, when: { ticket.priority: urgent } }
",
    );
    insta::assert_snapshot!(program.answer(["explain", "--diff", "old.yaml"]).well().out);
    let answer = program.answer(["explain", "--diff", "tierline.yaml"]).well();
    assert_eq!(answer.out, "2 rules the same\n");
}

/// A rule with a changed mapping was called changed, and nobody was told how.
#[test]
fn a_changed_mapping_is_told_with_each_rule_that_reads_it() {
    let mapped = |payment: &str, desk: &str| {
        let desk = format!("by_source: {{ desk: {{ values: {{ {desk}: [pay] }} }} }}");
        format!("fields: {{ ticket.category: {{ values: {{ {payment}: [payment] }}, {desk} }} }}\n{RULES}")
    };
    let program = Program::new(PROGRAM, &mapped("billing", "billing"));
    program.write("old.yaml", &mapped("money", "desk-bills"));
    insta::assert_snapshot!(program.answer(["explain", "--diff", "old.yaml"]).well().out);
}

#[test]
fn each_code_has_its_page() {
    let program = Program::new(PROGRAM, RULES);
    let page = program.answer(["check", "--code", "e0014"]).well().out;
    assert!(page.starts_with("E0014\n\n**Nothing can satisfy it.**"), "{page}");
    let answer = program.answer(["check", "--code", "E4711"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("there is no code E4711"), "{}", answer.err);
}
