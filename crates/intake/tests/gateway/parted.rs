//! Two gateways that take events of one customer at once, neither knowing of the other's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tierline_intake::directory::{Directory, EntryKind, Reached, Topic};
use tierline_model::{Decoder, RecordType};
use tierline_stream::topics::Names;

use super::world::{Running, World, source_of, stripe_signature};

const AT: i64 = 1_772_445_600;

fn event(kind: &str, of: Value) -> String {
    json!({"object": "event", "created": AT, "type": kind, "data": {"object": of}}).to_string()
}

fn post(gateway: &Running, body: &str) {
    let headers = [("stripe-signature", &*stripe_signature(body)), ("content-type", "application/json")];
    assert_eq!(gateway.send("desk", body, &headers).0, 200);
}

fn bills(world: &World) -> Vec<Value> {
    let bills = world.records("billing").into_iter();
    bills.map(|(_, bill)| Decoder::new().to_json(RecordType::Billing, &bill).expect("it is ours")).collect()
}

/// Reads what others have written, until that is so.
fn follow(world: &World, gateway: &Running, reached: &mut Reached, until: impl Fn() -> bool) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let (client, names) = (&mut world.client(), Names::default());
            let followed = gateway.directory.follow(client, &names, Topic::Directory, reached, &stop);
            followed.expect("the log answers");
        });
        let began = Instant::now();
        while !until() && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(until(), "it has read what there is");
}

#[test]
fn of_two_who_take_an_event_of_a_customer_at_once_one_tells_the_whole_bill() {
    let subscription = json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
        "items": {"data": [{"price": {"id": "gold", "unit_amount": 2_000, "currency": "usd",
            "recurring": {"interval": "month"}}}]}});
    let invoice = json!({"id": "in_1", "object": "invoice", "customer": "cus_1", "status": "open", "amount_due": 700,
        "currency": "usd"});
    let world = World::of(source_of("stripe", "kind: stripe\n"));
    let gateways = [world.start(), world.start()];
    let mut reached = [Reached::default(), Reached::default()];
    // From now on each knows what it writes itself.
    for (gateway, reached) in gateways.iter().zip(&mut reached) {
        follow(&world, gateway, reached, || true);
    }
    post(&gateways[0], &event("customer.subscription.updated", subscription));
    post(&gateways[1], &event("invoice.finalized", invoice));
    let last = bills(&world).pop().expect("there are two");
    assert_eq!((last.get("plan"), &last["amount_due"]), (None, &json!(700)), "each knows its own half");
    // Of one key the log keeps the last record alone: each reads its own before another takes its place.
    while reached[1].first().is_none_or(|(_, offset)| *offset < 1) {
        follow(&world, &gateways[1], &mut reached[1], || true);
    }
    let [one, other] = &gateways;
    follow(&world, one, &mut reached[0], || !one.directory.is_settled());
    assert!(one.queue.settle(Some(one.directory.unsettled(Duration::ZERO))));
    let last = bills(&world).pop().expect("there are three");
    assert_eq!((&last["plan"], &last["amount_due"], &last["state"]), (&json!("gold"), &json!(700), &json!("current")));
    // The other goes on with that.
    follow(&world, other, &mut reached[1], || {
        knows(other, "subscriptions", "sub_1") && knows(other, "invoices", "in_1")
    });
    assert!(other.queue.settle(Some(other.directory.unsettled(Duration::ZERO))));
    assert_eq!(bills(&world).pop(), Some(last));
}

/// Whether a gateway remembers this of the customer.
fn knows(gateway: &Running, list: &str, id: &str) -> bool {
    let table = gateway.directory.table();
    let known = table.find("desk", EntryKind::Organisation, "cus_1").and_then(|known| known.more.as_deref());
    known.and_then(|more| more.get(list)?.get(id)).is_some()
}

#[test]
fn one_after_the_other_has_nothing_to_put_together() {
    let world = World::of(source_of("stripe", "kind: stripe\n"));
    let gateways = [world.start(), world.start()];
    let mut reached = [Reached::default(), Reached::default()];
    for (nth, status) in ["open", "uncollectible", "paid", "open"].into_iter().enumerate() {
        let invoice = json!({"id": format!("in_{nth}"), "object": "invoice", "customer": "cus_1", "status": status,
            "amount_due": 700});
        post(&gateways[nth % 2], &event("invoice.updated", invoice));
        for (gateway, reached) in gateways.iter().zip(&mut reached) {
            follow(&world, gateway, reached, || knows(gateway, "invoices", &format!("in_{nth}")));
        }
    }
    assert!(gateways.iter().all(|gateway| gateway.directory.is_settled()));
    assert!(world.start().directory.is_settled());
    assert_eq!(bills(&world).len(), 4);
}
