//! A webhook outage: what it lost is asked for, and no silence is believed before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tierline_testkit::{Program, Vendor, free_address};

use crate::PROGRAM;

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
    let answered = ago(HOUR);
    let (seven, eight) = (ticket(7, &answered), ticket(8, &opened));
    let comment = |id: i64, by: i64, at: &str| json!({"id": id, "author_id": by, "plain_body": "…", "created_at": at});
    let (first, reply) = (comment(1, 501, &opened), comment(2, 601, &answered));
    let is_well = Arc::new(AtomicBool::new(false));
    let well = Arc::clone(&is_well);
    // Names are told from the first, tickets only once it is well.
    let vendor = Vendor::start(move |path| match path {
        "/api/v2/groups.json" => Some(json!({"groups": [{"id": 41, "name": "Support"}]})),
        path if path.contains("tickets") && !well.load(Ordering::SeqCst) => None,
        "/api/v2/incremental/tickets/cursor.json" => Some(json!({"tickets": [seven, eight], "end_of_stream": true})),
        "/api/v2/tickets.json" => Some(json!({"tickets": []})),
        "/api/v2/tickets/7/comments.json" => Some(json!({"comments": [first, reply]})),
        "/api/v2/tickets/8/comments.json" => Some(json!({"comments": [first]})),
        _ => Some(json!({})),
    });
    let url = vendor.url();
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
    // Due once it has been heard of: from then on its silence is not believed.
    let silent = ago(2 * HOUR - 3);
    let seventh = json!({"event_id": "w1", "ticket_id": "zendesk:7", "account_id": "zendesk:900", "source": "zendesk",
        "occurred_at": silent, "kind": "created", "ticket": {"status": "open"}});
    program.answer_to(["send", "tickets"], &seventh.to_string()).well();
    // As old, later in the same partition, and of a source that never sends heartbeats: when that is escalated, the
    // other would have been.
    let mut believed = seventh.clone();
    (believed["event_id"], believed["ticket_id"], believed["source"]) = ("w2".into(), "mail:1".into(), "mail".into());
    program.answer_to(["send", "tickets"], &believed.to_string()).well();
    let told = run.wait_for("the escalation of who is believed", |_| {
        let told = tail("escalations");
        if told.contains("mail:1") { Ok(told) } else { Err(told) }
    });
    assert!(!told.contains("zendesk:7"), "its help desk has not been heard for so long: {told}");
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
