//! Killed in mid-stream (SIGKILL), again and again: what comes out is what would have come out.

use std::sync::mpsc;
use std::thread;

use tierline_testkit::eventually;

use crate::deployment::{Deployment, EVENT_TIME, FIRST, REFERENCE_RULES, oracle};
use crate::story::Story;

const PARTITIONS: u32 = 2;
const KILLS: usize = 10;

#[test]
fn kills_in_a_backlog_of_all_inputs_are_not_seen() {
    let (story, config) = (Story::new(21, 100, 40_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let kafka = Deployment::slow(PARTITIONS, &config);
    kafka.send_all(&story);
    // A machine may drain the backlog before the tenth.
    let kills = (1..=KILLS).take_while(|&number| kill_in_the_backlog(&kafka, number)).count();
    assert!(kills >= 3, "the backlog was drained after {kills} kills");
    assert!(kafka.progress().0 > 0, "nothing was passed before the last kill");
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&oracle(PARTITIONS, &story, &config));
}

#[test]
fn ten_kills_while_events_flow_are_not_seen() {
    let (story, config) = (Story::of_tickets(22, 60, 6_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let kafka = Deployment::on_kafka(PARTITIONS, &config);
    kafka.send_known(&story);
    thread::scope(|scope| {
        let (kill_to_come, kills) = mpsc::channel();
        let (kafka, tickets) = (&kafka, &story.tickets);
        // A share of the events for each kill, so that there are some left for the last.
        scope.spawn(move || {
            for (share, ()) in tickets.chunks(tickets.len().div_ceil(KILLS)).zip(kills) {
                share.chunks(50).for_each(|some| kafka.send("tickets", some));
            }
        });
        for number in 1..=KILLS {
            kill_to_come.send(()).expect("shares are left");
            kill(kafka, number);
        }
    });
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&oracle(PARTITIONS, &story, &config));
}

/// Whether it was killed with records left to pass.
fn kill_in_the_backlog(kafka: &Deployment, number: usize) -> bool {
    kill(kafka, number);
    let (passed, all) = kafka.progress();
    passed < all
}

/// Starts an instance and kills it: mostly as soon as it has restored its state, with its first transaction under way,
/// and every third time as soon as it has taken some tickets.
fn kill(kafka: &Deployment, number: usize) {
    let mut running = kafka.start(FIRST);
    running.wait_ready();
    if number.is_multiple_of(3) {
        let tickets = kafka.topic("tickets");
        eventually("tickets to be taken", || {
            assert!(running.process.has_ended().is_none(), "it ended:\n{}", running.process.log());
            let taken = running.metric("tierline_records_total", &tickets);
            if taken >= 100.0 { Ok(()) } else { Err(format!("{taken} are")) }
        });
    }
    running.process.kill();
}
