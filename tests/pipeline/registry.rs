//! With a schema registry: Confluent's wire format out, all three encodings in, and patience while it is away.

use serde_json::{Value, json};
use tierline_testkit::{Broker, Raw, Registry, eventually};

use crate::deployment::{Deployment, EVENT_TIME, FIRST, Instance, REFERENCE_RULES, WALL_TIME, now, oracle};
use crate::events::{bill, created};
use crate::story::Story;

const ACCOUNT: &str = "acme";
/// The first byte of Confluent's wire format.
const MAGIC: u8 = 0;
/// The first bytes of Avro's single-object encoding.
const SINGLE_OBJECT: [u8; 2] = [0xc3, 0x01];

#[test]
fn the_same_events_in_all_encodings_give_the_same_escalations() {
    const PARTITIONS: u32 = 2;
    let (story, rules) = (Story::new(61, 30, 900), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let (registry, deployment) = with_registry(PARTITIONS, &rules);
    deployment.send_all(&Story { tickets: Vec::new(), ..story.clone() });
    let (confluent, rest) = story.tickets.split_at(300);
    let (single_object, plain) = rest.split_at(300);
    deployment.send("tickets", confluent);
    deployment.beside(&rules).send("tickets", single_object);
    let tickets = deployment.topic("tickets");
    let key = |event: &Value| event["account_id"].as_str().unwrap_or_default().to_owned();
    Broker::shared()
        .send(&plain.iter().map(|event| Raw::new(&tickets, key(event), event.to_string())).collect::<Vec<_>>());
    deployment.run_until(story.end);

    let first_bytes = |topic: &str, wanted: &dyn Fn(&[u8]) -> bool| {
        let records = Broker::shared().records(&deployment.topic(topic)).into_iter();
        records.filter_map(|record| record.value).filter(|value| wanted(value)).count()
    };
    assert_eq!(first_bytes("tickets", &|value| value[0] == MAGIC), 300);
    assert_eq!(first_bytes("tickets", &|value| value.starts_with(&SINGLE_OBJECT)), 300);
    for stream in ["escalations", "escalation-queue"] {
        assert_eq!(first_bytes(stream, &|value| value[0] != MAGIC), 0, "{stream} is in another encoding");
        assert!(
            registry.subjects().contains(&format!("{}-value", deployment.topic(stream))),
            "{:?}",
            registry.subjects()
        );
    }
    deployment.outcome().assert_is(&oracle(PARTITIONS, &story, &rules));
}

#[test]
fn without_a_registry_outputs_are_single_objects() {
    let deployment = Deployment::on_kafka(1, &format!("{WALL_TIME}\n{REFERENCE_RULES}"));
    let mut running = past_due(&deployment);
    deployment.send("tickets", &[urgent("T1")]);
    deployment.wait_for_escalation(&mut running, "an escalation", |_| true);
    running.end();
    for stream in ["escalations", "escalation-queue"] {
        let records = Broker::shared().records(&deployment.topic(stream));
        assert!(
            records.iter().all(|record| record.value.as_deref().is_some_and(|value| value.starts_with(&SINGLE_OBJECT)))
        );
        assert_eq!(records.len(), 1, "{stream}");
    }
}

#[test]
fn a_field_that_a_newer_writer_added_is_no_error() {
    let (registry, deployment) = with_registry(1, &format!("{WALL_TIME}\n{REFERENCE_RULES}"));
    let mut running = past_due(&deployment);
    let newer = registry.force(&format!("{}-value", deployment.topic("tickets")), &newer_schema());
    Broker::shared().send(&[Raw { value: Some(by_newer(newer, urgent("new"))), ..to_tickets(&deployment) }]);
    deployment.wait_for_escalation(&mut running, "the newer record", |record| record["ticket_id"] == "new");
    running.end();
    assert_eq!(Broker::shared().records(&deployment.topic("dead-letters")), []);
}

#[test]
fn a_schema_that_nobody_knows_is_a_dead_letter_until_it_is_registered_and_replayed() {
    let (registry, deployment) = with_registry(1, &format!("{WALL_TIME}\n{REFERENCE_RULES}"));
    let mut running = past_due(&deployment);
    let subject = format!("{}-value", deployment.topic("tickets"));
    // Ids are given one after the other: the next will be that of the next schema.
    let next = registry.force("nothing-value", "{\"type\":\"record\",\"name\":\"Other\",\"fields\":[]}") + 1;
    let value = by_newer(next, urgent("early"));
    Broker::shared().send(&[Raw { value: Some(value), ..to_tickets(&deployment) }]);
    let letters = running.wait_for("the dead letter", || {
        let letters = Broker::shared().records(&deployment.topic("dead-letters"));
        if letters.is_empty() { Err("there is none".to_owned()) } else { Ok(letters) }
    });
    assert_eq!(letters[0].header("tierline.error"), "unknown_schema");

    assert_eq!(registry.force(&subject, &newer_schema()), next);
    deployment.command(&["dead-letters", "replay", "--all", "--error", "unknown_schema"]).well();
    deployment.wait_for_escalation(&mut running, "the replayed record", |record| record["ticket_id"] == "early");
    running.end();
}

#[test]
fn while_the_registry_is_down_the_lane_waits_and_says_so_and_good_records_stay_good() {
    let (registry, deployment) = with_registry(1, &format!("{WALL_TIME}\n{REFERENCE_RULES}"));
    let mut running = past_due(&deployment);
    let newer = registry.force(&format!("{}-value", deployment.topic("tickets")), &newer_schema());
    let value = by_newer(newer, urgent("patient"));
    registry.go_down();
    Broker::shared().send(&[Raw { value: Some(value), ..to_tickets(&deployment) }]);
    eventually("it to say that it waits", || match running.says("/readyz") {
        said if said.contains("waiting") && said.contains("registry") => Ok(()),
        said => Err(said),
    });
    let asked = registry.asked();
    running.wait_for("it to try again", || if registry.asked() > asked + 1 { Ok(()) } else { Err("no".to_owned()) });
    assert_eq!(deployment.progress(), (0, 1), "it passed what it could not read");
    assert_eq!(Broker::shared().records(&deployment.topic("dead-letters")), []);

    registry.come_back();
    deployment.wait_for_escalation(&mut running, "the record to be taken", |record| record["ticket_id"] == "patient");
    running.end();
    assert_eq!(Broker::shared().records(&deployment.topic("dead-letters")), []);
}

fn with_registry(partitions: u32, config: &str) -> (Registry, Deployment) {
    let registry = Registry::start();
    let config = format!("schema_registry: {{ url: \"{}\", register: true }}\n{config}", registry.url());
    let deployment = Deployment::on_kafka(partitions, &config);
    (registry, deployment)
}

/// An instance that knows of the account's bill, so that every urgent ticket is an escalation.
fn past_due(deployment: &Deployment) -> Instance {
    deployment.send("billing", &[bill(ACCOUNT, "past_due")]);
    deployment.run(FIRST)
}

fn urgent(ticket: &str) -> Value {
    created(ACCOUNT, ticket, now(), json!({ "priority": "urgent" }))
}

fn to_tickets(deployment: &Deployment) -> Raw {
    Raw::new(&deployment.topic("tickets"), ACCOUNT, "")
}

/// Our schema of `tickets` with one field more at its end.
fn newer_schema() -> String {
    let mut schema: Value = serde_json::from_str(include_str!("../../schemas/tickets.avsc")).expect("a schema is JSON");
    let fields = schema["fields"].as_array_mut().expect("a record has fields");
    fields.push(json!({ "name": "mood", "type": "string", "default": "" }));
    schema.to_string()
}

/// An event as its writer sends it: what our own schema gives, with the further field behind.
fn by_newer(id: u32, event: Value) -> Vec<u8> {
    // Our own encoding of it is had where it does not matter: on the same broker, in topics of its own.
    let scratch = Deployment::on_kafka(1, "");
    scratch.send("tickets", &[event]);
    let ours = Broker::shared().records(&scratch.topic("tickets")).remove(0).value.expect("it has a value");
    assert!(ours.starts_with(&SINGLE_OBJECT));
    let fingerprinted = SINGLE_OBJECT.len() + 8;
    // A string of Avro: its length, zigzag, then its bytes.
    [&[MAGIC][..], &id.to_be_bytes(), &ours[fingerprinted..], &[2 * 5], b"tense"].concat()
}
