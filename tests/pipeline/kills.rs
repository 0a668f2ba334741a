//! Killed in mid-stream (SIGKILL), ten times: what comes out is what would have come out.

use std::thread;

use crate::deployment::{Deployment, EVENT_TIME, FIRST, REFERENCE_RULES, oracle};
use crate::story::Story;

const PARTITIONS: u32 = 2;

#[test]
fn ten_kills_in_a_backlog_of_all_inputs_are_not_seen() {
    let (story, config) = (Story::new(21, 100, 40_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let kafka = Deployment::slow(PARTITIONS, &config);
    kafka.send_all(&story);
    kill_ten_times(&kafka);
    let (passed, all) = kafka.progress();
    assert!(0 < passed && passed < all, "{passed} of {all} were passed: the last kill was not in mid-stream");
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&oracle(PARTITIONS, &story, &config));
}

#[test]
fn ten_kills_while_events_flow_are_not_seen() {
    let (story, config) = (Story::of_tickets(22, 60, 6_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let kafka = Deployment::on_kafka(PARTITIONS, &config);
    kafka.send_known(&story);
    thread::scope(|scope| {
        let sender = scope.spawn(|| story.tickets.chunks(50).for_each(|tickets| kafka.send("tickets", tickets)));
        kill_ten_times(&kafka);
        assert!(!sender.is_finished(), "the events had stopped to flow before the last kill");
    });
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&oracle(PARTITIONS, &story, &config));
}

/// Kills an instance and starts it anew, ten times: mostly as soon as it has restored its state, with its first
/// transaction under way, and now and then as soon as it has committed something.
fn kill_ten_times(kafka: &Deployment) {
    for kill in 1..=10 {
        let passed = kafka.progress().0;
        let mut running = kafka.start(FIRST);
        if kill % 3 == 0 {
            kafka.wait_passed(&mut running, passed + 1);
        } else {
            running.wait_ready();
        }
        running.process.kill();
    }
}
