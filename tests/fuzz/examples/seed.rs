//! Writes those inputs of the corpus that are made rather than typed: `cargo run -p tierline-fuzz --example seed`.
//!
//! To be run again when the format of a record, of the state or of the embedded log has changed. Inputs of former
//! formats are worth keeping; give them another name before.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tierline_engine::{Arrival, Engine, Input};
use tierline_fuzz::targets;
use tierline_model::{Decoder, Encoding, Millis, RecordType, TicketRecord, transcode};
use tierline_stream::clock::At;
use tierline_stream::stage::Stage;
use tierline_stream::task_record::TaskRecord;

const NOON: Millis = targets::NOON;

fn main() {
    for (name, letter, record, value) in records() {
        let text = value.to_string();
        put("json", name, &[&[letter][..], text.as_bytes()].concat());
        let mut framed = Vec::new();
        transcode(&mut Decoder::new(), record, text.as_bytes(), Encoding::SingleObject, &mut framed)
            .expect("the record is right");
        // What stands before the datum is put there by the targets.
        let datum = [&[letter], &framed[10..]].concat();
        put("single-object", name, &datum);
        put("confluent", name, &datum);
    }
    let entries = state();
    put("changelog", "a-ticket-with-an-escalation", &as_changelog(&entries));
    put("checkpoint", "a-ticket-with-an-escalation", &as_checkpoint(&entries));
    put("checkpoint", "nothing", &[]);
    put("task-record", "caught-up", &task_record());
    put("task-record", "the-stage-s-memory", &targets::stage().memory());
    put("frame", "with-headers", b"\x00\x10\x5e\xd0\x9a\x01\0\0\x07\x01\0\0\0k\x01\0\x05\0trace\x01\0\0\0\x07value");
    put("frame", "a-tombstone", b"\x00\x10\x5e\xd0\x9a\x01\0\0\x01\x01\0\0\0k");
    put("wire", "bounds", b"\x01\x02\x07tickets");
    put("wire", "read", b"\x01\x01\x07tickets\x01\0\x0e\x05");
    put("wire", "send", b"\x01\0\x07tickets\x01\0\x01\x01k\x01\x01v\x01\x05trace\x01\x07");
    put("wire", "was-read", b"\x01\x01\x01\0\x0e\x02\x01\x01k\0\x01\x05trace\x01\x01\x07\x01\0\x10");
    put("wire", "failed", b"\x01\x03\x01\x08too long");
}

fn put(target: &str, name: &str, bytes: &[u8]) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).expect("the folder can be made");
    fs::write(folder.join(name), bytes).expect("it can be written");
}

fn records() -> Vec<(&'static str, u8, RecordType, Value)> {
    vec![
        ("created", b'a', RecordType::Tickets, created()),
        (
            "heartbeat",
            b'a',
            RecordType::Tickets,
            json!({
                "event_id": "h", "source": "desk", "occurred_at": NOON, "kind": "heartbeat", "heard_until": NOON,
            }),
        ),
        ("account", b'b', RecordType::Accounts, account()),
        ("bill", b'c', RecordType::Billing, bill()),
        (
            "account-change",
            b'd',
            RecordType::AccountChanges,
            json!({
                "account_id": "acme", "source": "crm", "set": { "health": 40, "custom": { "seats": 7 } },
                "cleared": ["owner"], "updated_at": NOON,
            }),
        ),
        (
            "bill-change",
            b'e',
            RecordType::BillingChanges,
            json!({
                "account_id": "acme", "source": "crm", "set": { "state": "current" }, "cleared": ["past_due_since"],
            }),
        ),
        ("signal", b'f', RecordType::Signals, signal()),
        (
            "command",
            b'g',
            RecordType::Commands,
            json!({
                "command_id": "c1", "account_id": "acme", "ticket_id": "T1", "occurred_at": NOON, "kind": "escalate",
                "by": "sam", "reason": "asked for", "tier": 3,
            }),
        ),
    ]
}

fn created() -> Value {
    json!({
        "event_id": "e1", "ticket_id": "T1", "account_id": "acme", "source": "desk", "occurred_at": NOON,
        "sequence": 7, "kind": "created",
        "ticket": {
            "subject": "Export fails", "status": "new", "priority": "urgent", "severity": "sev1", "category": "billing",
            "tags": ["api", "vip"], "custom": { "region": "emea", "seats": 7, "beta": true }, "created_at": NOON - 60_000,
        },
        "cleared": ["assignee"],
        "message": { "id": "m1", "author": "customer", "author_name": "Jo", "public": true, "text": "It fails." },
    })
}

fn account() -> Value {
    json!({
        "account_id": "acme", "name": "Acme", "plan": "enterprise", "arr": 120_000, "currency": "EUR", "health": 62.5,
        "renewal_date": "2026-12-24", "flags": ["vip"], "custom": { "region": "emea" }, "source": "crm",
        "time_zone": "Europe/Berlin", "updated_at": NOON,
    })
}

fn bill() -> Value {
    json!({
        "account_id": "acme", "state": "past_due", "past_due_since": "2026-02-01", "amount_due": 4_900,
        "currency": "EUR", "plan_change": "downgraded", "plan_changed_at": NOON, "source": "stripe",
    })
}

fn signal() -> Value {
    json!({
        "signal_id": "s1", "account_id": "acme", "ticket_id": "T1", "occurred_at": NOON, "name": "sentiment",
        "value": -0.7, "label": "angry", "model": "m", "explanation": "it says so",
        "handoff": { "summary": "tried twice", "attempted": ["a", "b"], "broke_down": "at the export", "wants_human": true },
    })
}

/// What the engine writes of an account with a ticket that has been escalated.
fn state() -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut engine, mut decoder) = (targets::engine(), Decoder::new());
    let bytes = |value: Value| value.to_string().into_bytes();
    let (account, bill, created, signal) = (bytes(account()), bytes(bill()), bytes(created()), bytes(signal()));
    let snapshot = decoder.account(&account).expect("it is right").0;
    apply(&mut engine, Input::Account { topic: 0, snapshot: &snapshot });
    let snapshot = decoder.billing(&bill).expect("it is right").0;
    apply(&mut engine, Input::Billing { topic: 0, snapshot: &snapshot });
    let TicketRecord::Event(event) = decoder.ticket(&created).expect("it is right").0 else {
        unreachable!("it is an event")
    };
    apply(&mut engine, Input::Ticket(&event));
    let signal = decoder.signal(&signal).expect("it is right").0;
    apply(&mut engine, Input::Signal(&signal));
    assert!(engine.outputs().len() > 0, "it is escalated");
    let mut entries = Vec::new();
    engine.snapshot(&mut |key, value| entries.push((key.to_vec(), value.to_vec())));
    entries
}

fn apply(engine: &mut Engine, input: Input<'_>) {
    engine.apply(NOON, Arrival { appended_at: Some(NOON), input }).expect("it is taken");
}

fn as_changelog(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in entries {
        let which = match key[0] {
            b'a' => 0,
            b'f' => 1,
            b't' => 2,
            b'r' => 3,
            b'c' => 4,
            _ => 5,
        };
        bytes.extend((value.len() as u16 + 1).to_le_bytes());
        bytes.push(which);
        bytes.extend(value);
    }
    bytes
}

fn as_checkpoint(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let parts = entries.iter().flat_map(|(key, value)| [key, value]);
    parts.flat_map(|part| [&(part.len() as u32).to_le_bytes()[..], part].concat()).collect()
}

fn task_record() -> Vec<u8> {
    let record = TaskRecord {
        incarnation: 7,
        partitions: 4,
        cold: false,
        clock: At { now: NOON, by_record: true },
        positions: vec![("tickets".into(), 700), ("accounts".into(), 0)],
        memory: targets::stage().memory(),
    };
    record.encode()
}
