//! Records that can't be taken: where they go, and that nothing else is held up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tierline_model::{RecordType, SchemaSource, SourceUnavailable};
use tierline_observe::PartitionState;
use tierline_stream::LaneError;
use tierline_stream::clock::ClockMode;
use tierline_stream::partitioner::partition_of;

use crate::memory::When;
use crate::world::*;

/// A world that runs, and has nothing to do.
fn running() -> World {
    let mut world = World::new();
    world.send("billing", world.bill("past_due"));
    world.start();
    world.settle();
    world
}

/// The code that it must get, its topic, key and value.
type Bad<'a> = (&'a str, &'a str, Option<&'a [u8]>, Option<Vec<u8>>);

#[test]
fn each_has_its_code_and_the_stream_goes_on() {
    let mut world = running();
    let ticket = |world: &World, more: Value| {
        let mut record = world.urgent("T", NOON);
        record.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        record.to_string().into_bytes()
    };
    let key = Some(ACME.as_bytes());
    let sent: Vec<Bad<'_>> = vec![
        ("undecodable", "tickets", key, Some(b"\xfe\xfe".to_vec())),
        ("undecodable", "tickets", key, Some(Vec::new())),
        ("undecodable", "tickets", key, None),
        ("undecodable", "signals", key, Some(b"{\"signal_id\": ".to_vec())),
        ("unknown_schema", "tickets", key, Some(b"\xc3\x01unheardof".to_vec())),
        ("unknown_schema", "tickets", key, Some(b"\x00\x00\x00\x00\x07of no registry".to_vec())),
        ("unknown_kind", "tickets", key, Some(ticket(&world, json!({ "kind": "exploded" })))),
        ("unknown_word", "tickets", key, Some(ticket(&world, json!({ "ticket": { "status": "nwe" } })))),
        ("missing_field", "tickets", key, Some(ticket(&world, json!({ "account_id": null })))),
        ("absurd_time", "tickets", key, Some(ticket(&world, json!({ "occurred_at": "0001-01-01T00:00:00Z" })))),
        ("absurd_time", "tickets", key, Some(ticket(&world, json!({ "occurred_at": "9999-12-31T23:59:59Z" })))),
        ("wrong_key", "tickets", Some(b"other"), Some(ticket(&world, json!({})))),
        ("wrong_key", "tickets", None, Some(ticket(&world, json!({})))),
        ("wrong_key", "billing", Some(b"other"), Some(world.bill("current").to_string().into_bytes())),
        ("wrong_key", "accounts", None, None),
        ("wrong_key", "accounts", Some(b"\xff"), None),
        ("missing_field", "tickets", key, Some(ticket(&world, json!({ "kind": "rehomed" })))),
    ];
    for (code, topic, key, value) in &sent {
        let before = world.letters().len();
        let offset = world.put(topic, NOON, *key, value.as_deref());
        world.settle();
        let letters = world.letters();
        assert_eq!(letters.len(), before + 1, "{code}: {:?}", value.as_ref().map(|value| value.escape_ascii()));
        let letter = letters.last().expect("it is there");
        assert_eq!(letter.header("tierline.error"), *code, "{}", letter.header("tierline.reason"));
        assert!(letter.header("tierline.reason").len() > 10);
        assert_eq!(letter.header("tierline.topic"), *topic);
        assert_eq!(letter.header("tierline.partition"), "0");
        assert_eq!(letter.header("tierline.offset"), offset.to_string());
        assert_eq!(letter.header("tierline.failed_at"), tierline_model::instant_text(NOON));
        assert_eq!(letter.header("tierline.cut"), "");
        assert_eq!((letter.0.key.as_deref(), &letter.0.value), (*key, value), "it is untouched");
        assert_eq!(letter.header("trace"), "7", "its own headers too");
        assert!(world.metric(&["tierline_dead_letters_total", code, topic]) > 0.0);
    }
    assert_eq!(world.told(), []);
    world.send("tickets", world.urgent("good", NOON));
    world.settle();
    assert_eq!(world.told(), [opened("good", 0)]);
}

/// Taken at its append time, it let the signals of days overtake the tickets behind it.
#[test]
fn an_unreadable_record_in_a_backlog_holds_nothing_back() {
    for bad in [Some(&b"nonsense"[..]), Some(b"{\"event_id\": 7}"), None] {
        let mut world = World::by_events();
        let (hour, appended_at) = (60 * 60_000, NOON + 24 * 60 * 60_000);
        world.put("tickets", appended_at, Some(ACME.as_bytes()), bad);
        world.send_at("tickets", appended_at, world.created("T1", NOON));
        world.send_at("tickets", appended_at, world.event("updated", "T9", NOON + 2 * hour, json!({})));
        let signal = json!({ "signal_id": "s", "account_id": ACME, "ticket_id": "T1", "occurred_at": NOON + 5 * hour,
                             "name": "sentiment", "value": 0.5 });
        world.send_at("signals", appended_at, signal);
        world.start();
        world.settle();
        assert_eq!((world.told(), world.letters().len()), (vec![opened("T1", 60)], 1));
        assert_eq!(instant(&world.escalations()[0]["detected_at"]), NOON + 2 * hour, "the signal came first");
    }
}

#[test]
fn a_record_in_the_wrong_partition_is_told_where_it_belongs() {
    let mut world = World::with(4, ClockMode::Wall);
    world.start();
    world.settle();
    let right = partition_of(ACME.as_bytes(), 4);
    let wrong = (right + 1) % 4;
    let record = world.urgent("T1", NOON).to_string();
    world.put_into("tickets", wrong, NOON, Some(ACME.as_bytes()), Some(record.as_bytes()));
    world.put_into("accounts", wrong, NOON, Some(ACME.as_bytes()), None);
    world.settle();
    assert_eq!(world.codes(), ["wrong_partition"; 2]);
    let letter = &world.letters()[0];
    assert!(letter.header("tierline.reason").contains(&format!("partition {right} of 4")));
    assert_eq!(letter.header("tierline.partition"), wrong.to_string());
    let of_its_task = world.cluster.borrow_mut().part("dead-letters", wrong).committed().count();
    assert_eq!(of_its_task, 2, "beside its record's task, to move with it");
}

#[test]
fn marks_need_no_key_and_one_of_an_absurd_time_is_a_dead_letter() {
    let mut world = running();
    let heartbeat = |at| json!({ "source": "desk", "kind": "heartbeat", "heard_until": at });
    let finished = json!({ "source": "desk", "kind": "import_finished", "import_id": "i", "import_began_at": NOON });
    for mark in [heartbeat(NOON + 9 * HOUR), finished, heartbeat(-1)] {
        world.put("tickets", NOON, None, Some(mark.to_string().as_bytes()));
    }
    world.settle();
    assert_eq!(world.codes(), ["absurd_time"]);
    assert_eq!(world.metric(&["tierline_records_total", "applied", "topic=\"tickets\""]), 2.0);
}

#[test]
fn what_is_unknown_in_a_good_record_is_counted() {
    let mut world = running();
    let mut record = world.urgent("T1", NOON);
    record["colour"] = json!("green");
    record["cleared"] = json!(["asignee"]);
    world.send("tickets", record);
    world.settle();
    assert_eq!(world.told(), [opened("T1", 0)]);
    assert_eq!(world.metric(&["tierline_passed_over_total", "unknown_member"]), 2.0);
}

#[test]
fn a_tombstone_takes_back_what_its_own_topic_told() {
    let mut world = World::new();
    world.detect.names.billing = vec!["stripe".to_owned(), "erp".to_owned()];
    for topic in ["stripe", "erp"] {
        world.cluster.borrow_mut().topics.insert(topic.to_owned(), vec![Default::default()]);
    }
    world.send("stripe", world.bill("past_due"));
    world.send("erp", json!({ "account_id": ACME, "state": "past_due", "source": "erp" }));
    world.start();
    world.settle();
    world.put("stripe", NOON, Some(ACME.as_bytes()), None);
    world.settle();
    world.send("tickets", world.urgent("still", NOON));
    world.settle();
    assert_eq!(world.told(), [opened("still", 0)], "the other source says so too");
    // The list is put into another order, which changes nothing.
    world.detect.names.billing.reverse();
    world.start();
    world.settle();
    world.put("erp", NOON, Some(ACME.as_bytes()), None);
    world.settle();
    world.send("tickets", world.urgent("no more", NOON));
    world.settle();
    assert_eq!(world.told(), [opened("still", 0)]);
    assert_eq!(world.codes(), Vec::<String>::new());
}

#[test]
fn a_text_of_twenty_megabytes_is_cut_and_its_event_takes_effect() {
    let mut world = running();
    let mut record = world.urgent("T1", NOON);
    record["message"] = json!({ "author": "customer", "text": "All of it is broken. ".repeat(1 << 20) });
    world.send("tickets", record);
    world.settle();
    assert_eq!(world.told(), [opened("T1", 0)]);
    let text = word(&world.escalations()[0]["context"]["conversation"][0]["text"]);
    assert!(text.starts_with("All of it") && text.ends_with('…') && text.len() < 10_000, "{} bytes", text.len());
    let largest = world.committed("detect-state").iter().filter_map(|entry| entry.value.as_ref().map(Vec::len)).max();
    assert!(largest < Some(100_000), "{largest:?}");
}

/// Whatever is refused, when and where, the other tickets come out once, and the lane lives.
#[test]
fn what_the_log_refuses_becomes_a_dead_letter_instead_of_an_endless_abort() {
    for when in [When::AtOnce, When::AtCommit] {
        for topic in ["escalations", "escalation-queue", "detect-state"] {
            let mut world = running();
            // An ordinary ticket's records stay below half of it, the huge one's go beyond it in each topic.
            world.cluster.borrow_mut().refuses = Some((topic.to_owned(), 1_200, when));
            world.send("tickets", world.urgent("before", NOON));
            let mut record = world.urgent("huge", NOON);
            record["message"] = json!({ "author": "customer", "text": "Broken. ".repeat(200) });
            record["ticket"]["subject"] = json!("Broken. ".repeat(200));
            record["ticket"]["url"] = json!("Broken.".repeat(200));
            let offset = world.send("tickets", record);
            world.send("tickets", world.urgent("after", NOON));
            world.settle();
            assert_eq!(world.told(), [opened("before", 0), opened("after", 0)], "{topic}");
            assert_eq!(world.codes(), ["too_large"], "{topic}");
            assert_eq!(world.letters()[0].header("tierline.offset"), offset.to_string());
            world.start();
            world.settle();
            assert_eq!(world.codes(), ["too_large"], "once, also over a restart");
        }
    }
}

#[test]
fn a_dead_letter_that_is_refused_itself_is_cut_and_marked() {
    let mut world = running();
    world.cluster.borrow_mut().refuses = Some(("dead-letters".to_owned(), 5_000, When::AtOnce));
    let garbage = vec![b'?'; 1 << 20];
    world.put("tickets", NOON, Some(ACME.as_bytes()), Some(&garbage));
    world.settle();
    let letters = world.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].header("tierline.error"), "undecodable", "its own reason");
    assert_eq!(letters[0].header("tierline.cut"), format!("value:{}", 1 << 20));
    let kept = letters[0].0.value.as_ref().expect("some of it").len();
    assert!(kept > 500 && kept < 5_000, "{kept}");
}

#[test]
fn where_nothing_can_be_set_aside_the_lane_ends_and_says_what_to_do() {
    let mut world = World::new();
    world.cluster.borrow_mut().refuses = Some(("detect-state".to_owned(), 1, When::AtOnce));
    world.start();
    let LaneError::Fatal(why) = world.until_dead() else { panic!("it is no fence") };
    assert!(why.contains("max.message.bytes"), "{why}");
}

/// A registry with one schema that answers when it likes.
#[derive(Default)]
struct Registry {
    up: AtomicBool,
}

impl SchemaSource for Registry {
    fn schema(&self, id: u32) -> Result<Option<String>, SourceUnavailable> {
        if !self.up.load(Ordering::Relaxed) {
            return Err(SourceUnavailable { reason: "connection refused".to_owned() });
        }
        Ok((id == 7).then(|| RecordType::Tickets.schema().to_owned()))
    }
}

/// A JSON record of `tickets` in Confluent's wire format, with this schema id.
fn confluent(id: u32, record: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoding = tierline_model::Encoding::Confluent { id };
    let mut decoder = tierline_model::Decoder::new();
    tierline_model::transcode(&mut decoder, RecordType::Tickets, record.to_string().as_bytes(), encoding, &mut bytes)
        .expect("a good record");
    bytes
}

#[test]
fn while_the_registry_is_down_the_task_waits_and_says_so_and_good_records_are_kept() {
    let registry = Arc::new(Registry::default());
    let mut world = World::new().with_schemas(registry.clone());
    world.start();
    world.settle();
    world.put("tickets", NOON, Some(ACME.as_bytes()), Some(&confluent(7, &world.urgent("T1", NOON))));
    // Of the same account, later: it must not overtake.
    world.now.set(NOON + MINUTE);
    world.send("billing-changes", world.bill_change("past_due"));
    world.to(NOON + 3 * HOUR);
    assert_eq!(world.told(), []);
    assert_eq!(world.metric(&["tierline_open_tickets"]), 0.0);
    let state = world.settings.health.partitions()[&0].clone();
    assert!(matches!(&state, PartitionState::Waiting(why) if why.contains("connection refused")), "{state}");
    registry.up.store(true, Ordering::Relaxed);
    world.to(NOON + 3 * HOUR + MINUTE);
    assert_eq!(world.told()[0], opened("T1", 1), "the bill came after the ticket, though it was there before");
    assert_eq!(world.codes(), Vec::<String>::new());
    assert_eq!(world.settings.health.partitions()[&0], PartitionState::CaughtUp);
    let unknown = confluent(8, &world.urgent("T2", NOON));
    world.put("tickets", NOON, Some(ACME.as_bytes()), Some(&unknown));
    world.settle();
    assert_eq!(world.codes(), ["unknown_schema"], "what the registry doesn't have is a dead letter");
}
