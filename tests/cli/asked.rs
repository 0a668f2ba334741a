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

/// It said that the rule had been true since the very instant that was asked about, and would fire then.
#[test]
fn a_rule_that_waits_for_stragglers_has_been_true_since_its_bound_and_goes_out_after_the_grace() {
    let arguments = ["why", "T1", "--events", "-", "--at", "2026-03-02T11:00:03Z", "--rule", "silent"];
    let noted = json!({ "tickets": { "event_id": "e3", "ticket_id": "T1", "account_id": "acme", "source": "desk",
        "occurred_at": "2026-03-02T11:00:01Z", "kind": "message",
        "message": { "author": "agent", "public": false, "text": "still looking" } } });
    // Whether a record has come since or not; whether it may fire again soon or not.
    for (more, cooldown) in [("", ""), (noted.to_string().as_str(), ""), (noted.to_string().as_str(), "cooldown: 1h,")]
    {
        let program = Program::new(PROGRAM, &RULES.replace("id: silent,", &format!("id: silent, {cooldown}")));
        let events = events() + more;
        let answer = program.answer_to(arguments, &events).well();
        let fires =
            "true since 2026-03-02T11:00:00Z; goes out at 2026-03-02T11:00:05Z, once stragglers have had their time";
        assert!(answer.out.contains("not escalated") && answer.out.contains(fires), "{}", answer.out);
        let answer = program.answer_to([&arguments[..], &["--output", "json"]].concat(), &events).well();
        let told: Value = serde_json::from_str(&answer.out).expect("it is JSON");
        let rule = &told["rules"][0];
        assert_eq!((&rule["stands"], &rule["fires_at"]), (&json!("waits"), &json!("2026-03-02T11:00:00Z")));
        assert_eq!(rule["goes_out_at"], "2026-03-02T11:00:05Z");
    }
    // A rule that must hold for longer is true at the end of that.
    let program = Program::new(PROGRAM, &RULES.replace("id: silent,", "id: silent, for: 30m,"));
    let arguments = ["why", "T1", "--events", "-", "--at", "2026-03-02T11:30:02Z", "--rule", "silent"];
    let answer = program.answer_to(arguments, &events()).well();
    assert!(answer.out.contains("true since 2026-03-02T11:30:00Z; goes out at 2026-03-02T11:30:05Z"), "{}", answer.out);
}

#[test]
fn an_escalation_is_told_with_who_opened_raised_and_took_it() {
    let command = |id: &str, at: &str, more: Value| {
        let mut command = json!({ "command_id": id, "account_id": "acme", "ticket_id": "T1", "occurred_at": at });
        let members = more.as_object().expect("a map").clone();
        command.as_object_mut().expect("a map").extend(members);
        format!("{}\n", json!({ "commands": command }))
    };
    let raised = json!({ "kind": "escalate", "tier": 3, "by": "sam", "reason": "they called" });
    let taken = json!({ "kind": "acknowledge", "by": "kim" });
    let snoozed = json!({ "kind": "snooze", "by": "kim", "until": "2026-03-02T15:00:00Z" });
    let told = [
        events(),
        command("c1", "2026-03-02T12:00:00Z", raised),
        command("c2", "2026-03-02T12:30:00Z", taken),
        command("c3", "2026-03-02T12:40:00Z", snoozed),
    ];
    let program = Program::new(PROGRAM, RULES);
    let lines = |at: &str| {
        let answer = program.answer_to(["why", "T1", "--events", "-", "--at", at], &told.concat()).well();
        let lines = answer.out.lines().take_while(|line| !line.is_empty()).map(str::to_owned);
        lines.skip(1).collect::<Vec<_>>()
    };
    let opened = "  opened at 2026-03-02T11:00:00Z by the rule silent";
    let because = "Escalated to tier 2 because no agent had replied for 2 hours (since 2026-03-02T09:00:00Z).";
    assert_eq!(lines("2026-03-02T11:30:00Z"), [format!("{opened}: {because}")]);
    let raised = "  raised at 2026-03-02T12:00:00Z by sam: Escalated to tier 3 by sam: they called.";
    assert_eq!(lines("2026-03-02T12:10:00Z"), [opened, raised]);
    let snoozed = "  snoozed at 2026-03-02T12:40:00Z: Snoozed until 2026-03-02T15:00:00.000Z by kim.";
    let by_then = ["  raised by a person", "  at tier 3 since 2026-03-02T12:00:00Z"];
    let taken = "  acknowledged at 2026-03-02T12:30:00Z by kim";
    assert_eq!(lines("2026-03-02T13:00:00Z"), [opened, by_then[0], by_then[1], taken, snoozed]);

    let arguments = ["why", "T1", "--events", "-", "--output", "json"];
    let told: Value =
        serde_json::from_str(&program.answer_to(arguments, &told.concat()).well().out).expect("it is JSON");
    let escalation = &told["escalation"];
    assert_eq!((&told["at"], &escalation["tier"]), (&json!("2026-03-02T12:40:00Z"), &json!(3)));
    assert_eq!(escalation["fired"], json!([{ "kind": "opened", "rule": "silent" }, { "kind": "raised" }]));
    assert_eq!((&escalation["last"]["kind"], &escalation["last"]["by"]), (&json!("snoozed"), &json!("kim")));
    assert_eq!(escalation["acknowledged_by"], "kim");
    assert_eq!(escalation["snoozed_until"], "2026-03-02T15:00:00Z");
    assert!(escalation["id"].is_string() && escalation["last"].get("rule").is_none(), "{escalation:#}");
}

#[test]
fn who_asks_a_file_for_what_a_scorer_would_say_is_told_that_nobody_scores_it() {
    let upset = "{ id: upset, tier: 2, when: { ticket.sentiment: { below: -0.4 } } }";
    let program = Program::new(PROGRAM, &format!("scorer: builtin\n{RULES}  - {upset}\n"));
    let note = "messages are scored by the pipeline, not here: give a `signals` record\n";
    for arguments in [&["why", "T1", "--events", "-"][..], &["data-map", "--events", "-"]] {
        let answer = program.answer_to(arguments, &events());
        assert!(answer.err.starts_with(note) && !answer.out.is_empty(), "{answer:?}");
    }
    let program = Program::new(PROGRAM, &format!("scorer: builtin\n{RULES}"));
    let answer = program.answer_to(["why", "T1", "--events", "-"], &events()).well();
    assert!(!answer.err.contains(note), "no rule asks it: {}", answer.err);
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
