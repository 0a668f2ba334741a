//! A ticket goes from one task to another: its state by `account-moves`, its place in the queue with it.

use serde_json::{Value, json};
use tierline_model::{Decoder, Millis, RecordType};
use tierline_stream::clock::ClockMode;
use tierline_stream::partitioner::partition_of;

use crate::memory::State;
use crate::world::*;

const TO: &str = "globex";
const PARTITIONS: i32 = 4;

/// The ticket goes to another account at this instant; told to both of them, as intake does.
fn rehomed(world: &World, ticket: &str, at: Millis) {
    let leaves = world.event("rehomed", ticket, at, json!({ "to_account": TO }));
    let comes = world.event("rehomed", ticket, at, json!({ "account_id": TO, "to_account": TO }));
    world.send("tickets", leaves);
    world.send("tickets", comes);
}

/// What the queue holds: partition, account, sequence of the last record.
fn queue(world: &World) -> Vec<(usize, String, i64)> {
    let cluster = world.cluster.borrow();
    let mut held = Vec::new();
    for (partition, part) in cluster.topics["escalation-queue"].iter().enumerate() {
        let records: Vec<_> = part.committed().collect();
        for (place, record) in records.iter().enumerate() {
            let is_last = records[place + 1..].iter().all(|later| later.key != record.key);
            if let Some(value) = record.value.as_ref().filter(|_| is_last) {
                let it = Decoder::new().to_json(RecordType::EscalationQueue, value).expect("it was written so");
                held.push((partition, word(&it["account_id"]), it["sequence"].as_i64().expect("a number")));
            }
        }
    }
    held
}

fn solved(world: &World, account: &str, at: Millis) -> Value {
    world.event("updated", "T1", at, json!({ "account_id": account, "ticket": { "status": "solved" } }))
}

#[test]
fn its_state_goes_to_the_task_of_its_account_and_nothing_is_told_twice() {
    assert_ne!(partition_of(ACME.as_bytes(), PARTITIONS), partition_of(TO.as_bytes(), PARTITIONS));
    let mut world = World::with(PARTITIONS, ClockMode::Wall);
    world.start();
    world.send("tickets", world.created("T1", NOON));
    world.settle();
    world.to(NOON + HOUR + GRACE);
    assert_eq!(world.told(), [opened("T1", 60)]);
    world.to(NOON + HOUR + 5 * MINUTE);
    rehomed(&world, "T1", NOON + HOUR + MINUTE);
    world.settle();
    let there = partition_of(TO.as_bytes(), PARTITIONS) as usize;
    assert_eq!(queue(&world), [(there, TO.to_owned(), 0)]);
    let moves = &world.cluster.borrow().topics["account-moves"][there].committed().count();
    assert_eq!(*moves, 1);
    assert_eq!(world.metric(&["tierline_ticket_moves_total", "direction=\"in\""]), 1.0);
    // One that comes late, where it was; and the last, where it is.
    world.send("tickets", world.answered("T1", NOON + HOUR + MINUTE));
    world.settle();
    world.send("tickets", solved(&world, TO, NOON + HOUR + 2 * MINUTE));
    world.settle();
    assert_eq!(world.told()[1..], [("resolved".to_owned(), "T1".to_owned(), 62)]);
    assert_eq!((queue(&world), world.codes()), (vec![], vec![]));
    assert_eq!(world.metric(&["tierline_open_tickets{"]), 0.0);
}

#[test]
fn whenever_the_process_dies_it_has_gone_once() {
    let mut whole = None;
    for steps in 0..30 {
        let mut world = World::with(PARTITIONS, ClockMode::Wall);
        world.start();
        world.send("tickets", world.created("T1", NOON));
        world.settle();
        world.to(NOON + HOUR + GRACE);
        rehomed(&world, "T1", NOON + HOUR + MINUTE);
        world.send("tickets", solved(&world, TO, NOON + 2 * HOUR));
        for _ in 0..steps {
            world.step().expect("the lane lives");
        }
        world.start();
        world.settle();
        let told = (world.escalations().len(), world.told(), queue(&world), world.committed("account-moves").len());
        assert_eq!(told.0, 2, "dead after {steps}");
        let whole = whole.get_or_insert_with(|| told.clone());
        assert_eq!(&told, whole, "dead after {steps}");
    }
}

#[test]
fn what_makes_no_sense_is_a_dead_letter_and_what_is_newer_waits() {
    let mut world = World::new();
    world.start();
    world.put("account-moves", NOON, Some(TO.as_bytes()), Some(&[1, 2, 3]));
    world.settle();
    assert_eq!(world.codes(), ["undecodable"]);
    world.append("account-moves", 0, NOON, Some(TO.as_bytes()), Some(&[200, 1]), State::Committed);
    world.send("tickets", world.created("T1", NOON));
    world.settle();
    assert_eq!(world.codes().len(), 1, "its ticket is nowhere else");
    assert_eq!(world.metric(&["tierline_open_tickets{"]), 0.0, "nothing overtakes it");
}
