//! Webhooks: what a payload would become, a gateway that takes it, payloads read again through a corrected mapping.

use std::time::Duration;

use serde_json::{Value, json};
use tierline_testkit::{Process, Program, free_address};

use crate::{PROGRAM, URGENT};

const MAPPING: &str = "
        - to: tickets
          when: { /event: [created, updated] }
          set:
            kind: /event
            event_id: /delivery
            ticket_id: /number
            account_id: /company
            occurred_at: /at
            ticket.subject: /title
            ticket.priority: { from: /prio, values: { urgent: p1 } }
";

fn config(observe: &str, listen: &str, mapping: &str) -> String {
    format!(
        "{URGENT}observe: {{ listen: \"{observe}\" }}
intake:
  listen: \"{listen}\"
  sources:
    desk:
      kind: mapping
      secret: {{ file: token }}
      accounts: {{ 17: acme }}
      records:{mapping}"
    )
}

fn program(observe: &str, listen: &str) -> Program {
    let program = Program::new(PROGRAM, &config(observe, listen, MAPPING));
    program.write("token", "hunter2\n");
    program.write("payload.json", &payload("d1", 7).to_string());
    program
}

fn payload(delivery: &str, number: u32) -> Value {
    json!({"event": "created", "delivery": delivery, "number": number, "company": 17, "title": "Export fails",
        "prio": "P1", "at": "2026-03-02T10:00:00Z", "note": "x"})
}

fn post(listen: &str, payload: &Value) -> (u16, Value) {
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
    let request = agent.post(format!("http://{listen}/hooks/desk")).header("authorization", "Bearer hunter2");
    let mut response = request.send_json(payload).expect("it answers");
    (response.status().as_u16(), response.body_mut().read_json().expect("it says what became of it"))
}

#[test]
fn what_a_payload_would_become_is_shown_field_by_field_with_what_is_ignored() {
    let program = program("127.0.0.1:0", "127.0.0.1:0");
    let told = program.answer(["intake", "try", "desk", "payload.json"]).well().out;
    insta::assert_snapshot!(told);
    let told = program.answer(["intake", "try", "desk", "payload.json", "--output", "json"]).well().out;
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    assert_eq!(told["records"][0]["record"]["ticket"]["priority"], "urgent");
    assert_eq!(told["unread"], json!(["/note"]));
    let bad = program.answer_to(["intake", "try", "desk", "-"], "{\"event\": \"created\"}");
    assert_eq!((bad.code, bad.out.trim()), (Some(1), "unreadable (missing_field): `/number` is missing"));
    assert_eq!(program.answer(["intake", "try", "dsk", "payload.json"]).code, Some(2));
}

#[test]
fn a_webhook_is_taken_by_run_and_by_a_gateway_alone() {
    let (observe, listen) = (free_address(), free_address());
    let program = program(&observe, &listen);
    let mut run = program.start("run", ["run"]);
    run.wait_ready(&observe);
    let told = post(&listen, &payload("d1", 7));
    assert_eq!(told, (200, json!({"outcome": "taken", "records": 1, "repeats": 0})));
    run.wait_for("the escalation", |_| {
        let told = program.answer(["tail", "escalations", "--from-start", "--until-end"]).well().out;
        told.contains("desk:7").then_some(()).ok_or(told)
    });
    ended_well(run);
    let mut gateway = program.start("gateway", ["gateway"]);
    gateway.wait_ready(&observe);
    assert_eq!(post(&listen, &payload("d2", 8)).0, 200);
    let tickets = program.answer(["tail", "tickets", "--from-start", "--until-end"]).well().out;
    assert!(tickets.contains("desk:7") && tickets.contains("desk:8"), "{tickets}");
    let log = gateway.log();
    assert!(!log.contains("hunter2") && !log.contains("Export fails"), "{log}");
    ended_well(gateway);
}

#[test]
fn what_could_not_be_read_is_read_again_through_a_corrected_mapping() {
    let (observe, listen) = (free_address(), free_address());
    let program = program(&observe, &listen);
    let mut gateway = program.start("gateway", ["gateway"]);
    gateway.wait_ready(&observe);
    let mut other = payload("d1", 7);
    let number = other["number"].take();
    other["id"] = number;
    assert_eq!(post(&listen, &other).0, 422);
    let letters = program.answer(["dead-letters", "list"]).well().out;
    assert!(letters.contains("missing_field") && letters.contains("intake-raw"), "{letters}");
    ended_well(gateway);
    assert_eq!(program.answer(["intake", "replay"]).code, Some(1), "it still can't be read");
    program.write("tierline.yaml", &config(&observe, &listen, &MAPPING.replace("/number", "[/number, /id]")));
    let told = program.answer(["intake", "replay", "desk", "--output", "json"]).well().out;
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    assert_eq!((&told[0]["records"], &told[0]["unreadable"]), (&json!(1), &json!(0)));
    let tickets = program.answer(["tail", "tickets", "--from-start", "--until-end"]).well().out;
    assert!(tickets.contains("desk:7"), "{tickets}");
}

#[test]
fn deliveries_that_are_refused_are_told_of_once_a_minute_without_what_they_brought() {
    let (observe, listen) = (free_address(), free_address());
    let program = program(&observe, &listen);
    let mut gateway = program.start("gateway", ["gateway"]);
    gateway.wait_ready(&observe);
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
    for _ in 0..3 {
        let request = agent.post(format!("http://{listen}/hooks/desk")).header("authorization", "Bearer hunter3");
        assert_eq!(request.send_json(payload("d1", 7)).expect("it answers").status(), 401);
    }
    let log = gateway.wait_for("the line", |gateway| {
        let log = gateway.log();
        if log.contains("said once a minute") { Ok(log) } else { Err("it is not there".to_owned()) }
    });
    assert_eq!(log.matches("a delivery is not taken").count(), 1, "{log}");
    assert!(log.contains("desk") && log.contains("401"), "{log}");
    assert!(!log.contains("hunter") && !log.contains("Export fails"), "{log}");
    ended_well(gateway);
}

#[test]
fn a_gateway_without_a_source_is_not_started() {
    let answer = Program::new(PROGRAM, URGENT).answer(["gateway"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("`intake.sources` has no source"), "{}", answer.err);
}

fn ended_well(process: Process) {
    let status = process.terminate(Duration::from_secs(20));
    assert!(status.success(), "{status}");
}
