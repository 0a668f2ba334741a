//! Killed in mid-stream (SIGKILL), ten times: what comes out is what would have come out.

use std::thread;

use crate::deployment::{Deployment, EVENT_TIME, FIRST, REFERENCE_RULES, oracle};
use crate::story::Story;

const PARTITIONS: u32 = 4;
const KILLS: i64 = 10;

#[test]
fn ten_kills_in_a_backlog_of_all_inputs_are_not_seen() {
    let (story, config) = (Story::new(21, 60, 6_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let kafka = Deployment::slow(PARTITIONS, &config);
    kafka.send_all(&story);
    let in_mid_stream = kill_ten_times(&kafka, story.tickets.len() as i64);
    assert!(in_mid_stream >= 5, "only {in_mid_stream} kills came before everything was taken");
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&oracle(PARTITIONS, &story, &config));
}

#[test]
fn ten_kills_while_events_flow_are_not_seen() {
    let (story, config) = (Story::of_tickets(22, 60, 6_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let kafka = Deployment::on_kafka(PARTITIONS, &config);
    kafka.send_known(&story);
    thread::scope(|scope| {
        scope.spawn(|| story.tickets.chunks(60).for_each(|tickets| kafka.send("tickets", tickets)));
        kill_ten_times(&kafka, story.tickets.len() as i64);
    });
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&oracle(PARTITIONS, &story, &config));
}

/// Kills an instance as soon as it has passed a further part of the records, and starts it anew, ten times. How often
/// there was more to take.
fn kill_ten_times(kafka: &Deployment, all: i64) -> i64 {
    let mut in_mid_stream = 0;
    for kill in 0..KILLS {
        let mut running = kafka.start(FIRST);
        kafka.wait_passed(&mut running, (kill * all / KILLS).max(kafka.progress().0 + 1).min(all));
        running.process.kill();
        in_mid_stream += i64::from(kafka.progress().0 < all);
    }
    in_mid_stream
}
