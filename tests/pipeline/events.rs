//! Records as tests write them, each told in one line.

use serde_json::{Value, json};

/// 2025-03-03T08:00:00Z, a Monday.
pub const START: i64 = 1_740_988_800_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;

/// A snapshot of the CRM.
pub fn account(id: &str, told: Value) -> Value {
    with(json!({ "account_id": id, "source": "crm", "updated_at": START }), told)
}

/// A snapshot of the billing system.
pub fn bill(id: &str, state: &str) -> Value {
    json!({ "account_id": id, "source": "bills", "updated_at": START, "state": state })
}

/// The customer opens a ticket by a message; `told`: its fields.
pub fn created(account: &str, ticket: &str, at: i64, told: Value) -> Value {
    let fields = with(json!({ "subject": "It does not work", "status": "new", "opened_by": "customer" }), told);
    let message = json!({ "author": "customer", "public": true, "text": "It does not work." });
    event("created", account, ticket, at, json!({ "ticket": fields, "message": message }))
}

/// An agent answers in public.
pub fn reply(account: &str, ticket: &str, at: i64) -> Value {
    let message = json!({ "author": "agent", "public": true, "text": "We are on it." });
    event("message", account, ticket, at, json!({ "message": message }))
}

/// The ticket is solved.
pub fn solved(account: &str, ticket: &str, at: i64) -> Value {
    event("updated", account, ticket, at, json!({ "ticket": { "status": "solved" } }))
}

/// Any event of a ticket, with an id that follows from what it is.
pub fn event(kind: &str, account: &str, ticket: &str, at: i64, more: Value) -> Value {
    let event = json!({
        "event_id": format!("{account}-{ticket}-{kind}-{at}"), "ticket_id": ticket, "account_id": account,
        "source": "desk", "occurred_at": at, "kind": kind,
    });
    with(event, more)
}

/// A record with more members, or others.
pub fn with(mut record: Value, more: Value) -> Value {
    let members = record.as_object_mut().expect("a record is an object");
    members.extend(more.as_object().expect("its members are an object").clone());
    record
}
