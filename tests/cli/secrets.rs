//! What must not be seen is not shown: passwords in messages, customers' words in log lines.

use std::time::Duration;

use serde_json::json;
use tierline_testkit::{Program, free_address};

use crate::beside::{created, tail};
use crate::{PROGRAM, URGENT};

const PASSWORD: &str = "open-sesame-2025";

#[test]
fn a_password_that_is_written_down_is_refused_and_masked() {
    let config = format!(
        "log:\n  kind: kafka\n  brokers: kafka:9092\n  properties:\n    sasl.password: {PASSWORD}\n\
         schema_registry: {{ url: \"https://me:{PASSWORD}@registry.example\" }}\n{URGENT}"
    );
    let program = Program::new(PROGRAM, &config);
    let commands: [&[&str]; 5] =
        [&["check"], &["check", "--output", "json"], &["run"], &["tail", "tickets"], &["explain"]];
    for command in commands {
        let answer = program.answer(command);
        assert_ne!(answer.code, Some(0), "{command:?}");
        assert!(!answer.out.contains(PASSWORD) && !answer.err.contains(PASSWORD), "{command:?}: {answer:?}");
    }
    insta::assert_snapshot!(program.answer(["check"]).out);
}

#[test]
fn a_registry_that_does_not_answer_at_the_start_is_waited_for_and_named_without_its_password() {
    let registry =
        "schema_registry:\n  url: http://127.0.0.1:1\n  user: me\n  password: { file: password }\n  timeout: 1s\n";
    let listen = free_address();
    let program = Program::new(PROGRAM, &format!("observe: {{ listen: \"{listen}\" }}\n{registry}{URGENT}"));
    program.write("password", PASSWORD);
    let mut running = program.start("run", ["run"]);
    running.wait_for("it to say for what it waits", |process| match process.log() {
        log if log.contains("waiting for the schema registry") => Ok(()),
        log => Err(log),
    });
    let log = running.log();
    assert!(log.contains("127.0.0.1:1") && !log.contains(PASSWORD), "{log}");
    running.kill();
}

#[test]
fn no_log_line_has_a_customers_words() {
    let listen = free_address();
    let config = format!("observe: {{ listen: \"{listen}\", logs: json, level: trace }}\n{URGENT}");
    let program = Program::new(PROGRAM, &config);
    let mut running = program.start("run", ["run"]);
    running.wait_ready(&listen);
    let mut event = created("T1", "urgent");
    event["ticket"]["subject"] = json!("the-subject");
    event["ticket"]["requester"] = json!("the-requester");
    event["message"] = json!({"id": "m1", "author": "customer", "public": true, "text": "the-text"});
    program.answer_to(["send", "tickets"], &event.to_string()).well();
    // One that goes to the dead letters, whose log line is told.
    event["event_id"] = json!("e2");
    event["occurred_at"] = json!("2999-01-01T00:00:00Z");
    program.answer_to(["send", "tickets"], &event.to_string()).well();
    running.wait_for("the dead letter", |_| match tail(&program, "dead-letters").len() {
        1 => Ok(()),
        other => Err(other.to_string()),
    });
    assert_eq!(tail(&program, "escalations").len(), 1);
    let log = running.log();
    assert!(running.terminate(Duration::from_secs(10)).success());
    for words in ["the-subject", "the-requester", "the-text"] {
        assert!(!log.contains(words), "{words} is in the log:\n{log}");
    }
    for line in log.lines() {
        let told: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(told.is_ok_and(|told| told["message"].is_string() && told["level"].is_string()), "{line}");
    }
}
