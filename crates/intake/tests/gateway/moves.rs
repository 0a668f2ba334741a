//! What changes account: told once, whatever fails in between.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tierline_intake::directory::Shared;
use tierline_intake::identity::{Aliases, Decision, Fact, Identifier, Identity, Says, Told};
use tierline_stream::client::Client;
use tierline_stream::topics::Names;

use super::world::{SECRETS, World};

fn told(id: &str, kind: &str, at: &str, organisation: u32) -> Value {
    json!({"id": id, "type": kind, "at": at, "ticket": {"id": 7, "org": organisation, "subject": "Export fails"}})
}

/// The records of the ticket under one account, in their order.
fn under(world: &World, account: &str) -> Vec<Value> {
    let of = world.tickets().into_iter().filter(|record| record["account_id"] == account);
    of.map(|record| json!([record["kind"], record["to_account"]])).collect()
}

#[test]
fn a_ticket_that_changes_organisation_moves_once_though_the_log_was_away() {
    let world = World::new();
    let gateway = world.start();
    assert_eq!(gateway.post(&told("e1", "created", "2026-03-02T10:00:00Z", 9), SECRETS[0]).0, 200);
    let changed = told("e2", "updated", "2026-03-02T10:01:00Z", 10);
    world.weather.down.store(true, Ordering::SeqCst);
    assert_eq!(gateway.post(&changed, SECRETS[0]).0, 503);
    world.weather.down.store(false, Ordering::SeqCst);
    world.weather.lying.store(1, Ordering::SeqCst);
    assert_eq!(gateway.post(&changed, SECRETS[0]).0, 503, "it got through, and nobody knows");
    assert_eq!(gateway.post(&changed, SECRETS[0]).0, 200);
    let records = world.tickets();
    let ids: std::collections::BTreeSet<_> = records.iter().map(|record| record["event_id"].to_string()).collect();
    assert_eq!(ids.len(), 4, "what was written twice has the same ids: {records:?}");
    let left = under(&world, "desk:9");
    assert_eq!(left[..2], [json!(["created", null]), json!(["rehomed", "desk:10"])]);
    assert_eq!(under(&world, "desk:10")[..2], [json!(["rehomed", "desk:10"]), json!(["updated", null])]);
    let (_, filed) = world.records("directory").pop().expect("it is remembered");
    let filed: Value = serde_json::from_slice(&filed).expect("it is JSON");
    assert_eq!((&filed["account"], &filed["group"], &filed["moves"]), (&json!("desk:10"), &json!("10"), &json!(1)));
}

#[test]
fn what_a_person_decided_and_did_not_live_to_move_is_moved_at_the_next_start() {
    let world = World::new();
    let names = Names::default();
    {
        let gateway = world.start();
        assert_eq!(gateway.post(&told("e1", "created", "2026-03-02T10:00:00Z", 9), SECRETS[0]).0, 200);
    }
    let person = Shared::new("person", Aliases::default());
    let decision = Decision { account: Some("acme".into()), by: "jo".into(), reason: None, at: 1 };
    let fact = Fact { of: Identity::new("desk", "9"), says: Says::Decided(Some(decision)) };
    let written = world.client().send_all(&names.aliases, &[person.outgoing_fact(&fact)]);
    written.expect("the log answers");
    let gateway = world.start();
    assert!(gateway.queue.settle(None) && gateway.queue.settle(None));
    assert_eq!(under(&world, "desk:9"), [json!(["created", null]), json!(["rehomed", "acme"])]);
    assert_eq!(under(&world, "acme"), [json!(["rehomed", "acme"])]);
    assert_eq!(gateway.post(&told("e3", "updated", "2026-03-02T10:02:00Z", 9), SECRETS[0]).0, 200);
    assert_eq!(under(&world, "acme")[1], json!(["updated", null]));
}

#[test]
fn a_payload_that_says_who_a_company_is_tells_the_rest_of_that_account() {
    let world = World::new();
    let identifiers = Identifier::domain("acme.example").into_iter().collect();
    let has = Told::Has { of: Identity::new("crm", "1"), field: "domain", identifiers };
    let fact = has.fact(&Aliases::default(), 1).expect("it is new");
    let record = Shared::new("another", Aliases::default()).outgoing_fact(&fact);
    world.client().send_all(&Names::default().aliases, &[record]).expect("the log answers");
    let gateway = world.start();
    let company = json!({"type": "company", "company": {"id": 9, "name": "Acme", "site": "acme.example"}});
    assert_eq!(gateway.post(&company, SECRETS[0]).0, 200);
    // Under the account that is left it would lie behind the move, and nothing would fetch it.
    let accounts: Vec<_> = world.records("account-changes").into_iter().map(|(account, _)| account).collect();
    assert_eq!(accounts, [b"crm:1"]);
}
