//! Commands beside a running instance on the embedded log, and how that instance ends.

use std::time::Duration;

use serde_json::{Value, json};
use tierline_testkit::{Process, Program, free_address};

use crate::{PROGRAM, URGENT};

/// A ticket of the account `acme`, created now.
pub fn created(ticket: &str, priority: &str) -> Value {
    let now = chrono::Utc::now().timestamp_millis();
    json!({"event_id": format!("{ticket}-1"), "ticket_id": ticket, "account_id": "acme", "source": "desk",
        "occurred_at": now, "kind": "created", "ticket": {"status": "new", "priority": priority}})
}

/// The decoded records of a topic.
pub fn tail(program: &Program, topic: &str) -> Vec<Value> {
    let answer = program.answer(["tail", topic, "--from-start", "--until-end", "--output", "json"]).well();
    answer.out.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

/// A program that runs, and the address of its HTTP.
pub fn started(config: &str) -> (Program, Process, String) {
    let listen = free_address();
    let program = Program::new(PROGRAM, &format!("observe: {{ listen: \"{listen}\" }}\n{config}"));
    let mut running = program.start("run", ["run"]);
    running.wait_ready(&listen);
    (program, running, listen)
}

pub fn wait_escalations(program: &Program, running: &mut Process, wanted: usize) -> Vec<Value> {
    running.wait_for("the escalations", |_| {
        let seen = tail(program, "escalations");
        if seen.len() >= wanted { Ok(seen) } else { Err(format!("{} of {wanted}", seen.len())) }
    })
}

#[test]
fn what_is_sent_is_escalated_and_seen_beside_the_instance() {
    let (program, mut running, listen) = started(URGENT);
    let log = running.log();
    assert!(log.contains("tierline runs") && log.contains("configuration=\"tierline.yaml\""), "{log}");
    let sent = program.answer_to(["send", "tickets"], &created("T1", "urgent").to_string()).well();
    assert_eq!((sent.out.as_str(), sent.err.as_str()), ("", "sent 1 to tickets\n"));
    let seen = wait_escalations(&program, &mut running, 1);
    let escalation = &seen[0]["value"];
    assert_eq!((&escalation["kind"], &escalation["rule"]), (&"opened".into(), &"urgent".into()));
    assert_eq!((&escalation["tier"], &escalation["suggest"]), (&3.into(), &"Call them.".into()));
    assert_eq!(seen[0]["key"], "acme");

    let acknowledge = json!({"command_id": "c1", "account_id": "acme", "ticket_id": "T1", "kind": "acknowledge",
        "occurred_at": chrono::Utc::now().timestamp_millis(), "by": "sam"});
    program.answer_to(["send", "commands", "-"], &acknowledge.to_string()).well();
    assert_eq!(wait_escalations(&program, &mut running, 2)[1]["value"]["by"], "sam");

    let metrics =
        ureq::get(format!("http://{listen}/metrics")).call().and_then(|mut said| said.body_mut().read_to_string());
    let metrics = metrics.expect("it answers while it runs");
    let opened = "tierline_escalations_total{kind=\"opened\",rule=\"urgent\",tier=\"3\"} 1";
    assert!(metrics.lines().any(|line| line == opened), "{metrics}");
    assert!(running.terminate(Duration::from_secs(10)).success());
}

#[test]
fn a_restart_goes_on_where_it_was_and_tells_nothing_twice() {
    let (program, mut running, listen) = started(URGENT);
    program.answer_to(["send", "tickets"], &created("T1", "urgent").to_string()).well();
    wait_escalations(&program, &mut running, 1);
    running.kill();
    // Nobody runs: commands open the folder themselves.
    program.answer_to(["send", "tickets"], &created("T2", "urgent").to_string()).well();
    let mut again = program.start("again", ["run"]);
    again.wait_ready(&listen);
    let seen = wait_escalations(&program, &mut again, 2);
    let mut tickets: Vec<_> = seen.iter().map(|seen| seen["value"]["ticket_id"].as_str().unwrap_or_default()).collect();
    tickets.sort_unstable();
    assert_eq!(tickets, ["T1", "T2"]);
    assert!(again.terminate(Duration::from_secs(10)).success());
}

#[test]
fn a_bad_line_is_told_by_its_number_and_the_good_ones_are_sent() {
    let program = Program::new(PROGRAM, URGENT);
    let mut wrong = created("T2", "urgent");
    wrong["kind"] = json!("snooze");
    let lines = format!("{}\n\n{wrong}\nnot json\n{}\n", created("T1", "low"), created("T3", "low"));
    let answer = program.answer_to(["send", "tickets"], &lines);
    assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""));
    insta::assert_snapshot!(answer.err);
    assert_eq!(tail(&program, "tickets").len(), 2);
}

#[test]
fn what_has_no_effect_is_noted_and_sent() {
    let program = Program::new(PROGRAM, URGENT);
    let line = r#"{"account_id":"acme","source":"crm","set":{"helth":5},"cleared":["prority"]}"#;
    let said = program.answer_to(["send", "account-changes"], line).well().err;
    assert!(said.contains("line 1 is sent, but `set.helth` is unknown, `cleared` has no field `prority`\n"), "{said}");
    assert!(said.ends_with("sent 1 to account-changes\n"), "{said}");
    let line = line.replace("\"helth\":5", "\"time_zone\":\"Mars/Base\"");
    let answer = program.answer_to(["send", "account-changes"], &line);
    assert!(answer.code == Some(1) && answer.err.contains("line 1: `time_zone` is Mars/Base"), "{answer:?}");
}

#[test]
fn a_dead_letter_is_listed_shown_and_sent_again() {
    let (program, mut running, _) = started(URGENT);
    let mut early = created("T1", "urgent");
    early["occurred_at"] = json!("2999-01-01T00:00:00Z");
    program.answer_to(["send", "tickets"], &early.to_string()).well();
    let letters = running.wait_for("the dead letter", |_| {
        let answer = program.answer(["dead-letters", "list", "--output", "json"]).well();
        if answer.out.is_empty() { Err("none".to_owned()) } else { Ok(answer.out) }
    });
    let letter: Value = serde_json::from_str(&letters).expect("one JSON object a line");
    assert_eq!(
        (&letter["error"], &letter["topic"], &letter["key"]),
        (&"absurd_time".into(), &"tickets".into(), &"acme".into())
    );
    let place = letter["place"].as_str().expect("a place");
    let shown = program.answer(["dead-letters", "show", place]).well().out;
    assert!(shown.contains("absurd_time") && shown.contains("\"ticket_id\": \"T1\""), "{shown}");
    let missing = program.answer(["dead-letters", "show", "3:99"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");

    let replayed = program.answer(["dead-letters", "replay", "--all", "--error", "absurd_time"]).well();
    assert_eq!(replayed.out, "sent 1 of 1 again\n");
    running.wait_for("it to fail again", |_| match tail(&program, "dead-letters").len() {
        2 => Ok(()),
        other => Err(format!("{other} of 2")),
    });
    // It has two dead letters now, and is sent once: what cannot be taken must not double with every try.
    assert_eq!(program.answer(["dead-letters", "replay", "--all"]).well().out, "sent 1 of 1 again\n");
    running.wait_for("it to fail a third time", |_| match tail(&program, "dead-letters").len() {
        3 => Ok(()),
        other => Err(format!("{other} of 3")),
    });
    let later = ["dead-letters", "replay", "--all", "--since", "2999-01-01T00:00:00Z"];
    assert_eq!(program.answer(later).well().out, "sent 0 of 0 again\n");
    assert_eq!(
        program.answer(["dead-letters", "replay", "--all", "--error", "too_large"]).well().out,
        "sent 0 of 0 again\n"
    );
    assert!(running.terminate(Duration::from_secs(10)).success());
}

#[test]
fn no_record_can_command_the_terminal_of_whoever_looks_at_it() {
    let program = Program::new(PROGRAM, URGENT);
    let mut event = created("T1\u{1b}]0;mine\u{7}", "urgent");
    event["account_id"] = json!("acme\u{1b}[2J\nT9 solved\u{9b}1A");
    program.answer_to(["send", "tickets"], &event.to_string()).well();
    let shown = program.answer(["tail", "tickets", "--from-start", "--until-end"]).well().out;
    assert!(shown.contains(r"acme\u{1b}[2J\nT9 solved\u{9b}1A"), "{shown}");
    assert_eq!(shown.matches(char::is_control).collect::<Vec<_>>(), ["\n"], "{shown:?}");
}

#[test]
fn who_only_reads_makes_no_folder_and_who_sends_is_told_that_nothing_runs() {
    let program = Program::new(PROGRAM, &format!("log: {{ kind: embedded, path: mistyped }}\n{URGENT}"));
    let readers: [&[&str]; 3] =
        [&["tail", "tickets", "--until-end"], &["dead-letters", "list"], &["dead-letters", "replay", "--all"]];
    for arguments in readers {
        let answer = program.answer(arguments);
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(answer.err.contains("there is no log in ") && answer.err.contains("mistyped"), "{}", answer.err);
        assert!(!program.folder().join("mistyped").exists(), "{arguments:?} made the folder");
    }
    let event = created("T1", "low").to_string();
    let first = program.answer_to(["send", "tickets"], &event).well();
    assert!(first.err.contains("nothing runs on it before `tierline run`"), "{}", first.err);
    assert_eq!(program.answer_to(["send", "tickets"], &event).well().err, "sent 1 to tickets\n");
}

#[test]
fn a_second_instance_on_the_folder_is_refused_and_the_first_goes_on() {
    let (program, running, _) = started(URGENT);
    program.write("second.yaml", &format!("observe: {{ listen: \"{}\" }}\n{URGENT}", free_address()));
    let second = program.answer(["--config", "second.yaml", "run"]);
    assert_eq!(second.code, Some(2));
    assert!(second.err.contains(&format!("in use by process {}", running.id())), "{}", second.err);
    assert!(running.terminate(Duration::from_secs(10)).success());
}

#[test]
fn a_folder_that_was_made_with_other_partitions_stops_the_start() {
    let program = Program::new(PROGRAM, URGENT);
    program.answer_to(["send", "tickets"], &created("T1", "low").to_string()).well();
    program.write("tierline.yaml", &format!("log: {{ kind: embedded, partitions: 8 }}\n{URGENT}"));
    let answer = program.answer(["run"]);
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(
        answer.err.contains("tierline-data") && answer.err.contains('4') && answer.err.contains('8'),
        "{}",
        answer.err
    );
}

#[test]
fn an_address_that_is_taken_is_named() {
    let (program, running, listen) = started(URGENT);
    program.write(
        "second.yaml",
        &format!("log: {{ kind: embedded, path: other }}\nobserve: {{ listen: \"{listen}\" }}\n{URGENT}"),
    );
    let second = program.answer(["--config", "second.yaml", "run"]);
    assert_eq!(second.code, Some(2));
    assert!(second.err.contains(&listen) && second.err.contains("observe.listen"), "{}", second.err);
    assert!(running.terminate(Duration::from_secs(10)).success());
}

#[test]
fn a_run_to_an_instant_ends_by_itself_with_what_was_due_until_then() {
    let config = "\
time: { clock: events, start: replay, grace: 0s }
rules:
  - { id: silence, tier: 2, when: { ticket.no_agent_reply_for: 2h } }
";
    let program = Program::new(PROGRAM, &format!("observe: {{ listen: \"127.0.0.1:0\" }}\n{config}"));
    let mut event = created("T1", "low");
    event["occurred_at"] = json!("2026-03-02T09:00:00Z");
    program.answer_to(["send", "tickets"], &event.to_string()).well();
    program.answer(["run", "--until", "2026-03-02T10:59:59Z"]).well();
    assert_eq!(tail(&program, "escalations").len(), 0);
    program.answer(["run", "--until", "2026-03-02T11:00:00Z"]).well();
    let seen = tail(&program, "escalations");
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["value"]["became_true_at"], "2026-03-02T11:00:00.000Z");
}

#[test]
fn a_start_that_waits_for_its_brokers_is_alive_and_not_ready() {
    let listen = free_address();
    let log = "log: { kind: kafka, brokers: \"127.0.0.1:1\", patience: 5s }";
    let program = Program::new(PROGRAM, &format!("{log}\nobserve: {{ listen: \"{listen}\" }}\n{URGENT}"));
    let mut running = program.start("run", ["run"]);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let status = |path: &str| agent.get(format!("http://{listen}{path}")).call().map(|said| said.status().as_u16());
    running.wait_for("it to answer", |_| status("/livez").map_err(|error| error.to_string()));
    assert_eq!((status("/livez").ok(), status("/readyz").ok()), (Some(200), Some(503)));
    assert_eq!(running.wait_ended(Duration::from_secs(30)).code(), Some(2));
}
