//! What a group has committed can be gone, by the brokers' retention, and so can records that were not read yet. The
//! state knows where it stood: it goes on there, or says plainly that it cannot.

use std::time::Duration;

use serde_json::json;
use tierline_testkit::Broker;

use crate::deployment::{Deployment, EVENT_TIME, FIRST, REFERENCE_RULES, WALL_TIME, now, oracle};
use crate::events::created;
use crate::story::Story;

#[test]
fn a_group_whose_offsets_are_gone_goes_on_where_its_state_stands() {
    const PARTITIONS: u32 = 2;
    let (story, config) = (Story::of_tickets(51, 30, 3_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let kafka = Deployment::on_kafka(PARTITIONS, &config);
    let (before, after) = story.tickets.split_at(1_500);
    kafka.send_known(&story);
    kafka.send("tickets", before);
    let mut running = kafka.start(FIRST);
    kafka.wait_drained(&mut running);
    assert_eq!(running.metric("tierline_records_total", &kafka.topic("accounts")), 30.0);
    running.end();

    // Those of the side inputs as well as those of `tickets`.
    Broker::shared().delete_group(&kafka.group());
    assert_eq!(kafka.progress().0, 0);
    kafka.send("tickets", after);
    let mut running = kafka.start(FIRST);
    kafka.wait_drained(&mut running);
    assert_eq!(running.metric("tierline_records_total", &kafka.topic("accounts")), 0.0, "it began anew");
    assert_eq!(running.metric("tierline_records_total", &kafka.topic("tickets")), after.len() as f64);
    running.end();
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&oracle(PARTITIONS, &story, &config));
}

#[test]
fn records_that_were_deleted_unread_stop_the_start_with_their_topic_and_place() {
    let kafka = Deployment::on_kafka(1, &format!("{WALL_TIME}\n{REFERENCE_RULES}"));
    let mut running = kafka.run(FIRST);
    kafka.send("tickets", &[created("acme", "T1", now(), json!({ "priority": "low" }))]);
    kafka.wait_drained(&mut running);
    running.end();

    let signals: Vec<_> = (0..3).map(|n| sentiment(&format!("s{n}"))).collect();
    kafka.send("signals", &signals);
    Broker::shared().delete_records(&kafka.topic("signals"), 0, 2);
    let mut restarted = kafka.start(FIRST);
    let ended = restarted.process.wait_ended(Duration::from_secs(60));
    let said = restarted.process.log();
    assert_eq!(ended.code(), Some(2), "{said}");
    let place = format!(
        "partition 0 of {} stands at offset 0 by its state, but the topic holds 2 to 3",
        kafka.topic("signals")
    );
    assert!(said.contains(&place) && said.contains("deleted before they were read"), "{said}");
}

fn sentiment(id: &str) -> serde_json::Value {
    json!({ "signal_id": id, "account_id": "acme", "ticket_id": "T1", "occurred_at": now(), "name": "sentiment",
            "value": -0.2 })
}
