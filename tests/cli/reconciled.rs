//! A webhook outage: what it lost is asked for, and no silence is believed before.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tierline_testkit::{Program, free_address};

use crate::PROGRAM;

/// A Zendesk that tells names, but of tickets only while it is well.
fn zendesk(is_well: Arc<AtomicBool>, answer: impl Fn(&str) -> Value + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines = BufReader::new(&stream).lines();
            let Some(Ok(first)) = lines.next() else { continue };
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            drop(lines);
            let path = first.split(' ').nth(1).unwrap_or_default();
            let is_told = is_well.load(Ordering::SeqCst) || !path.contains("tickets");
            let (status, body) = if is_told { (200, answer(path).to_string()) } else { (503, "{}".to_owned()) };
            let head = format!("HTTP/1.1 {status} So\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            // Who hangs up asks again.
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    format!("http://{address}")
}

fn ago(seconds: i64) -> String {
    let at = chrono::Utc::now() - chrono::TimeDelta::seconds(seconds);
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

const HOUR: i64 = 3_600;

#[test]
fn what_webhooks_lost_is_asked_for_and_a_silence_is_believed_once_all_is_there() {
    let opened = ago(3 * HOUR);
    let ticket = |id: i64, changed_at: &str| {
        json!({"id": id, "url": format!("https://acme.zendesk.com/api/v2/tickets/{id}.json"), "subject": "Export fails",
            "status": "open", "requester_id": 501, "submitter_id": 501, "organization_id": 900, "description": "…",
            "created_at": opened, "updated_at": changed_at})
    };
    let answered = ago(150 * 60);
    let (seven, eight) = (ticket(7, &answered), ticket(8, &opened));
    let comment = |id: i64, by: i64, at: &str| json!({"id": id, "author_id": by, "plain_body": "…", "created_at": at});
    let (first, reply) = (comment(1, 501, &opened), comment(2, 601, &answered));
    let is_well = Arc::new(AtomicBool::new(false));
    let url = zendesk(Arc::clone(&is_well), move |path| match path.split('?').next().unwrap_or_default() {
        "/api/v2/groups.json" => json!({"groups": [{"id": 41, "name": "Support"}]}),
        "/api/v2/incremental/tickets/cursor.json" => json!({"tickets": [seven, eight], "end_of_stream": true}),
        "/api/v2/tickets.json" => json!({"tickets": []}),
        "/api/v2/tickets/7/comments.json" => json!({"comments": [first, reply]}),
        "/api/v2/tickets/8/comments.json" => json!({"comments": [first]}),
        _ => json!({}),
    });
    let (observe, listen) = (free_address(), free_address());
    let config = format!(
        "time: {{ grace: 10ms, start: replay }}
rules:
  - {{ id: silence, tier: 2, when: {{ ticket.no_agent_reply_for: 2h }} }}
observe: {{ listen: \"{observe}\" }}
intake:
  listen: \"{listen}\"
  sources:
    zendesk: {{ kind: zendesk, secret: {{ file: secret }} }}
  reconcile:
    zendesk: {{ url: \"{url}\", token: {{ file: token }}, every: 1s }}
"
    );
    let program = Program::new(PROGRAM, &config);
    program.write("secret", "hunter2\n");
    program.write("token", "hunter3\n");
    let mut run = program.start("run", ["run"]);
    run.wait_ready(&observe);
    let tail = |topic: &str| program.answer(["tail", topic, "--from-start", "--until-end"]).well().out;
    run.wait_for("that it is heard of at all", |_| {
        let told = tail("tickets");
        told.contains("heartbeat").then_some(()).ok_or(told)
    });
    // The webhook of its creation came, that of its answer did not.
    let seventh = json!({"event_id": "w1", "ticket_id": "zendesk:7", "account_id": "zendesk:900", "source": "zendesk",
        "occurred_at": opened, "kind": "created", "ticket": {"status": "open"}});
    program.answer_to(["send", "tickets"], &seventh.to_string()).well();
    std::thread::sleep(Duration::from_secs(3));
    assert!(!tail("escalations").contains("zendesk:7"), "its help desk has not been heard for so long");
    is_well.store(true, Ordering::SeqCst);
    run.wait_for("the escalation of what never came", |_| {
        let told = tail("escalations");
        told.contains("zendesk:8").then_some(()).ok_or(told)
    });
    let told = tail("escalations");
    assert!(!told.contains("zendesk:7"), "it was answered in time: {told}");
    assert!(told.contains("opened") && !told.contains("retracted"), "{told}");
    let log = run.log();
    assert!(!log.contains("hunter") && !log.contains("Export fails"), "{log}");
    let status = run.terminate(Duration::from_secs(20));
    assert!(status.success(), "{status}");
}
