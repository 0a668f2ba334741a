//! The same events through the embedded log and through Kafka give the same escalations.

use crate::deployment::{Deployment, EVENT_TIME, FIRST, REFERENCE_RULES, oracle};
use crate::story::Story;

const PARTITIONS: u32 = 4;

#[test]
fn the_same_events_give_the_same_escalations_on_both_logs() {
    let (story, config) = (Story::new(11, 40, 2_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let expected = oracle(PARTITIONS, &story, &config);
    for kind in ["opened", "raised", "joined", "acknowledged", "de_escalated", "resolved"] {
        assert!(expected.kinds().contains(kind), "the story tells nothing about `{kind}`: {:?}", expected.kinds());
    }
    let kafka = Deployment::on_kafka(PARTITIONS, &config);
    kafka.send_all(&story);
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&expected);
}

#[test]
fn what_comes_while_an_instance_runs_gives_what_a_backlog_gives() {
    let (story, config) = (Story::of_tickets(12, 40, 2_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let expected = oracle(PARTITIONS, &story, &config);
    let kafka = Deployment::on_kafka(PARTITIONS, &config);
    kafka.send_known(&story);
    let mut running = kafka.run(FIRST);
    for tickets in story.tickets.chunks(200) {
        kafka.send("tickets", tickets);
    }
    kafka.wait_drained(&mut running);
    running.end();
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&expected);
}
