//! Records that can never be taken: each becomes a dead letter with everything that somebody needs who mends it, and
//! the stream goes on.

use chrono::DateTime;
use serde_json::{Value, json};
use tierline_testkit::{Broker, Raw};

use crate::deployment::{Deployment, FIRST, Instance, REFERENCE_RULES, WALL_TIME, now};
use crate::events::{bill, created, event, reply, with};

const ACCOUNT: &str = "acme";
const PARTITIONS: u32 = 3;

#[test]
fn every_kind_of_bad_record_becomes_a_dead_letter_with_all_that_the_contract_names() {
    let (deployment, mut running) = started();
    let bad = bad_records(&deployment);
    let firsts = ["tickets", "signals", "commands"].map(|stream| Broker::shared().ends(&deployment.topic(stream)));
    Broker::shared().send(&bad.iter().map(|(_, raw)| raw.clone()).collect::<Vec<_>>());
    deployment.send("tickets", &[urgent("good")]);
    deployment.wait_for_escalation(&mut running, "the good record after them", |record| record["ticket_id"] == "good");
    let letters = wait_letters(&deployment, &mut running, bad.len());

    let mut places: Vec<(String, i32, i64)> = Vec::new();
    for (code, sent) in &bad {
        let letter = letters.iter().find(|letter| letter.value == sent.value).expect("its value is untouched");
        let said = || format!("{code}: {:?}", letter.headers);
        assert_eq!(letter.header("tierline.error"), *code, "{}", said());
        assert_eq!(letter.key, sent.key, "{}", said());
        let own = letter.headers.iter().filter(|(name, _)| !name.starts_with("tierline."));
        assert_eq!(own.cloned().collect::<Vec<_>>(), sent.headers, "{}", said());
        assert!(letter.header("tierline.reason").len() > 10, "{}", said());
        assert!(DateTime::parse_from_rfc3339(&letter.header("tierline.failed_at")).is_ok(), "{}", said());
        assert_eq!(letter.header("tierline.cut"), "", "{}", said());
        let (topic, partition) = (letter.header("tierline.topic"), letter.header("tierline.partition"));
        assert_eq!(topic, sent.topic, "{}", said());
        // Beside the partition of its record, so that it moves in the same transaction.
        assert_eq!(partition, letter.partition.unwrap_or(-1).to_string(), "{}", said());
        let offset = letter.header("tierline.offset").parse().expect("an offset is a number");
        places.push((topic, partition.parse().expect("a partition is a number"), offset));
    }
    let first_of = |topic: &str, partition: i32| {
        let ends = firsts.iter().zip(["tickets", "signals", "commands"]);
        let ends = ends.filter(|(_, stream)| deployment.topic(stream) == topic).flat_map(|(ends, _)| ends);
        ends.filter(|(other, _)| *other == partition).map(|(_, end)| *end).sum::<i64>()
    };
    for (place, (topic, partition, offset)) in places.iter().enumerate() {
        let before = places[..place].iter().filter(|(t, p, _)| t == topic && p == partition).count() as i64;
        assert_eq!(*offset, first_of(topic, *partition) + before, "{:?}", places[place]);
    }
    assert_eq!(running.metric("tierline_dead_letters_total", "unknown_word"), 1.0);
    running.end();
    assert_listed(&deployment, &bad);
}

/// Every kind, with its code.
fn bad_records(deployment: &Deployment) -> Vec<(&'static str, Raw)> {
    let home = home(deployment);
    let to = |stream: &str, value: Vec<u8>| {
        let mut raw = Raw::new(&deployment.topic(stream), ACCOUNT, value).at(home);
        raw.headers.push(("trace".to_owned(), b"\x00\xff".to_vec()));
        raw
    };
    let ticket = |told: Value| to("tickets", told.to_string().into_bytes());
    let message = |told: Value| ticket(with(reply(ACCOUNT, "T1", now()), told));
    let absurd = |at: &str| message(json!({ "event_id": at, "occurred_at": at }));
    let of_other = with(urgent("T1"), json!({ "account_id": "somebody-else" }));
    vec![
        ("undecodable", to("tickets", b"\xfe\xfenothing that anybody knows".to_vec())),
        ("undecodable", to("tickets", b"{\"event_id\": \"cut off".to_vec())),
        // Avro's single-object marker, and a fingerprint of no schema.
        ("unknown_schema", to("tickets", b"\xc3\x01unheardof".to_vec())),
        ("unknown_word", ticket(created(ACCOUNT, "T1", now(), json!({ "priority": "urgnt" })))),
        ("unknown_kind", ticket(event("exploded", ACCOUNT, "T1", now(), json!({})))),
        ("missing_field", message(json!({ "ticket_id": null }))),
        ("absurd_time", absurd("0001-01-01T00:00:00Z")),
        ("absurd_time", absurd("9999-12-31T23:59:59Z")),
        ("wrong_key", ticket(of_other)),
        ("wrong_partition", ticket(urgent("elsewhere")).at((home + 1) % PARTITIONS as i32)),
        (
            "bad_value",
            to(
                "signals",
                json!({ "signal_id": "s1", "account_id": ACCOUNT, "occurred_at": now(),
            "name": "sentiment", "value": "very" })
                .to_string()
                .into_bytes(),
            ),
        ),
        (
            "missing_field",
            to(
                "tickets",
                json!({ "event_id": "e9", "ticket_id": "T1", "account_id": ACCOUNT, "source": "desk",
            "occurred_at": now(), "kind": "rehomed" })
                .to_string()
                .into_bytes(),
            ),
        ),
    ]
}

/// The commands for people show the same.
fn assert_listed(deployment: &Deployment, bad: &[(&str, Raw)]) {
    let listed = deployment.command(&["dead-letters", "list", "--output", "json"]).well();
    let listed: Vec<Value> =
        listed.out.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect();
    assert_eq!(listed.len(), bad.len());
    let place = listed[0]["place"].as_str().expect("each has a place");
    let shown = deployment.command(&["dead-letters", "show", place]).well();
    assert!(shown.out.contains(listed[0]["error"].as_str().unwrap_or("no error")), "{}", shown.out);
}

#[test]
fn a_dead_letter_that_is_replayed_takes_effect_in_its_right_partition() {
    let (deployment, mut running) = started();
    let lost = Raw::new(&deployment.topic("tickets"), ACCOUNT, urgent("lost").to_string());
    let elsewhere = (home(&deployment) + 1) % PARTITIONS as i32;
    Broker::shared().send(&[lost.at(elsewhere)]);
    let letters = wait_letters(&deployment, &mut running, 1);
    assert_eq!(letters[0].header("tierline.error"), "wrong_partition");

    deployment.command(&["dead-letters", "replay", "--all", "--error", "wrong_partition"]).well();
    deployment.wait_for_escalation(&mut running, "the ticket to be escalated", |record| record["ticket_id"] == "lost");
    running.end();
    let sent = Broker::shared().records(&deployment.topic("tickets"));
    let again = sent.iter().find(|record| record.partition == Some(home(&deployment))).expect("it was sent again");
    let names: Vec<_> = again.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["tierline.replay_of"], "it has the headers of its dead letter");
    assert_eq!(letters_of(&deployment).len(), 1, "the replayed one was taken");
}

#[test]
fn heartbeats_and_import_marks_need_no_key_and_are_in_every_partition() {
    let (deployment, mut running) = started();
    let heartbeat = json!({ "source": "desk", "kind": "heartbeat", "heard_until": now() });
    let mark = json!({ "source": "desk", "kind": "import_finished", "import_id": "i1", "import_began_at": now() });
    deployment.send("tickets", &[heartbeat, mark]);
    deployment.wait_drained(&mut running);
    let applied = running.metric("tierline_records_total", "outcome=\"applied\"");
    assert_eq!(applied, 2.0 * f64::from(PARTITIONS) + 1.0, "and the bill that was there");
    assert!(running.metric("tierline_source_heard_timestamp_seconds", "source=\"desk\"") > 1.7e9);
    running.end();
    assert_eq!(letters_of(&deployment), []);
}

#[test]
fn a_text_of_twenty_megabytes_is_cut_and_its_event_takes_effect() {
    let (deployment, mut running) = started_with_large_records();
    let text = "All of it is broken. ".repeat(1 << 20);
    let message = json!({ "author": "customer", "public": true, "text": text });
    let large = with(urgent("large"), json!({ "message": message }));
    Broker::shared().send(&[Raw::new(&deployment.topic("tickets"), ACCOUNT, large.to_string())]);
    let records =
        deployment.wait_for_escalation(&mut running, "its escalation", |record| record["ticket_id"] == "large");
    running.end();
    let context = records[0]["context"]["conversation"].to_string();
    assert!(context.contains("All of it is broken.") && context.contains('…'), "it is not cut and marked: {context}");
    assert!(context.len() < 100_000, "{} bytes of it are kept", context.len());
    assert_eq!(letters_of(&deployment), []);
}

#[test]
fn a_dead_letter_that_the_cluster_would_refuse_is_cut_and_marked() {
    let (deployment, mut running) = started_with_large_records();
    let garbage = vec![0xfe; 20 << 20];
    Broker::shared().send(&[Raw::new(&deployment.topic("tickets"), ACCOUNT, garbage.clone())]);
    deployment.send("tickets", &[urgent("good")]);
    deployment.wait_for_escalation(&mut running, "what comes after it", |record| record["ticket_id"] == "good");
    let letters = wait_letters(&deployment, &mut running, 1);
    running.end();
    assert_eq!(letters[0].header("tierline.cut"), format!("value:{}", garbage.len()));
    assert_eq!(letters[0].header("tierline.error"), "undecodable");
    let kept = letters[0].value.as_deref().unwrap_or_default();
    assert!(kept.len() > 100_000 && garbage.starts_with(kept), "{} bytes are kept", kept.len());
}

/// An instance, and a bill that makes every urgent ticket of the account an escalation.
fn started() -> (Deployment, Instance) {
    started_on(Deployment::on_kafka(PARTITIONS, &format!("{WALL_TIME}\n{REFERENCE_RULES}")))
}

/// The same on a cluster that takes records of 30 MB on `tickets`, and of the usual size elsewhere.
fn started_with_large_records() -> (Deployment, Instance) {
    let config = format!("{WALL_TIME}\n{REFERENCE_RULES}");
    let deployment = Deployment::without_topics(Broker::shared().address(), "", &config);
    let large = [("max.message.bytes", "30000000"), ("message.timestamp.type", "LogAppendTime")];
    Broker::shared().create_topic(&deployment.topic("tickets"), 1, &large);
    deployment.command(&["topics", "create", "--partitions", "1"]).well();
    started_on(deployment)
}

fn started_on(deployment: Deployment) -> (Deployment, Instance) {
    deployment.send("billing", &[bill(ACCOUNT, "past_due")]);
    let running = deployment.run(FIRST);
    (deployment, running)
}

fn urgent(ticket: &str) -> Value {
    created(ACCOUNT, ticket, now(), json!({ "priority": "urgent" }))
}

/// The partition of the account.
fn home(deployment: &Deployment) -> i32 {
    let bills = Broker::shared().records(&deployment.topic("billing"));
    bills.first().and_then(|bill| bill.partition).expect("its bill was sent")
}

fn letters_of(deployment: &Deployment) -> Vec<Raw> {
    Broker::shared().records(&deployment.topic("dead-letters"))
}

fn wait_letters(deployment: &Deployment, running: &mut Instance, wanted: usize) -> Vec<Raw> {
    running.wait_for("the dead letters", || {
        let letters = letters_of(deployment);
        if letters.len() >= wanted { Ok(letters) } else { Err(format!("{} of {wanted} are there", letters.len())) }
    })
}
