//! A log that cannot write all topics in one step goes away in the middle of a write: what says that something was told
//! stands behind it, so it is told again.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};
use tierline_intake::directory::{Entry, EntryKind, Known, Shared};
use tierline_intake::identity::Aliases;
use tierline_intake::import::Importer;
use tierline_intake::{Answer, Arrived, Encoder, Outbox};
use tierline_model::{Decoder, Encoding, RecordType};
use tierline_stream::topics::Names;

use super::world::{World, desk, now, source_of, stripe_signature};

fn told(id: &str, kind: &str, organisation: u32) -> Value {
    json!({"id": id, "type": kind, "at": "2026-03-02T10:00:00Z",
        "ticket": {"id": 7, "org": organisation, "subject": "Export fails"}})
}

/// What the directory says of a key last.
fn remembered(world: &World, key: &str) -> Option<Value> {
    let (_, value) = world.records("directory").into_iter().rfind(|(other, _)| other == key.as_bytes())?;
    serde_json::from_slice(&value).ok()
}

#[test]
fn a_topic_counts_as_read_only_when_what_its_payload_became_is_there() {
    let world = World::new();
    let mut desk = world.desk(Box::new(|_, _| Ok(Encoding::SingleObject)));
    let more = Map::from_iter([("next".to_owned(), Value::from(5))]);
    let known = Known { more: Some(Box::new(more)), ..Known::default() };
    let id = "desk-events/0".to_owned();
    let position = Entry { source: "desk".to_owned(), kind: EntryKind::Position, id, known: Some(known) };
    let arrived = Arrived {
        source: "desk".to_owned(),
        headers: Vec::new(),
        body: told("e1", "created", 9).to_string().into(),
        received_at: now(),
        position: Some(position),
        asked: None,
    };
    world.weather.torn.store(true, Ordering::SeqCst);
    assert_eq!(desk.take(std::slice::from_ref(&arrived), now()), [Answer::Unavailable]);
    assert_eq!(world.tickets().len(), 0);
    assert_eq!(remembered(&world, "desk,position,desk-events/0"), None, "who comes next reads it again");
    world.weather.torn.store(false, Ordering::SeqCst);
    assert!(matches!(desk.take(&[arrived], now())[..], [Answer::Taken { records: 1, .. }]));
    assert_eq!(remembered(&world, "desk,position,desk-events/0"), Some(json!({"more": {"next": 5}})));
}

#[test]
fn a_customers_bill_is_told_by_whoever_takes_the_place_of_one_that_was_killed() {
    let world = World::of(source_of("stripe", "kind: stripe\n"));
    let states = |world: &World| {
        let bills = world.records("billing").into_iter();
        let bills = bills.map(|(_, bill)| Decoder::new().to_json(RecordType::Billing, &bill).expect("it is ours"));
        bills.map(|bill| bill["state"].clone()).collect::<Vec<_>>()
    };
    let event = |at: i64, status: &str, before: Value| {
        let subscription = json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": status});
        json!({"object": "event", "created": at, "type": "customer.subscription.updated",
            "data": {"object": subscription, "previous_attributes": before}})
        .to_string()
    };
    let post = |gateway: &super::world::Running, body: &str| {
        gateway.send(
            "desk",
            body,
            &[("stripe-signature", &stripe_signature(body)), ("content-type", "application/json")],
        )
    };
    let late = event(1_772_445_900, "past_due", json!({"status": "active"}));
    {
        let gateway = world.start();
        assert_eq!(post(&gateway, &event(1_772_445_600, "active", Value::Null)).0, 200);
        world.weather.torn.store(true, Ordering::SeqCst);
        assert_eq!(post(&gateway, &late).0, 503);
        world.weather.torn.store(false, Ordering::SeqCst);
    }
    let gateway = world.start();
    assert_eq!(post(&gateway, &late).1["outcome"], "taken");
    assert_eq!(states(&world).last(), Some(&json!("past_due")));
}

#[test]
fn an_import_says_where_a_ticket_lies_only_when_it_was_sent_there() {
    let world = World::new();
    let encoder = Encoder::new(Names::default(), Box::new(|_, _| Ok(Encoding::SingleObject)));
    let directory = Shared::new("import", Aliases::default());
    let mut importer = Importer::new(desk(), encoder, directory, "i".to_owned(), now());
    let mut client = world.opener()().expect("the log is there");
    for (place, payload) in [(1, told("e1", "created", 9)), (2, told("e2", "updated", 10))] {
        let mut outbox = Outbox::default();
        importer.take(&payload, place, &mut outbox).expect("it can be encoded");
        importer.close(&mut outbox);
        world.weather.torn.store(place == 2, Ordering::SeqCst);
        assert_eq!(outbox.send(client.as_mut()).is_err(), place == 2);
    }
    let filed = remembered(&world, "desk,ticket,7").expect("it was filed");
    assert_eq!((&filed["account"], filed.get("moves")), (&json!("desk:9"), None), "an import goes on there");
}
