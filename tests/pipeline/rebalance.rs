//! Several instances of two lanes share the partitions: one joins, one leaves, one is killed, all while events flow.

use std::thread;

use tierline_testkit::eventually;

use crate::deployment::{Deployment, EVENT_TIME, FIRST, REFERENCE_RULES, SECOND, oracle};
use crate::story::Story;

const PARTITIONS: u32 = 6;
const LANES: u32 = 2;
const THIRD: &str = "third";

#[test]
fn instances_that_join_leave_and_die_in_mid_stream_are_not_seen() {
    let (story, config) = (Story::of_tickets(31, 60, 6_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let kafka = Deployment::on_kafka(PARTITIONS, &config).with_lanes(LANES);
    kafka.send_known(&story);
    thread::scope(|scope| {
        scope.spawn(|| story.tickets.chunks(40).for_each(|tickets| kafka.send("tickets", tickets)));
        come_and_go(&kafka, story.tickets.len() as i64);
    });
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&oracle(PARTITIONS, &story, &config));
}

fn come_and_go(kafka: &Deployment, all: i64) {
    let mut first = kafka.run(FIRST);
    kafka.wait_passed(&mut first, all / 10);
    let mut second = kafka.run(SECOND);
    kafka.wait_members(&mut second, 2 * LANES);
    // What the first gives up goes to the second in a rebalance of its own, and between the two the group stands still.
    eventually("both to own partitions", || match (owned(&first), owned(&second)) {
        (1.., 1..) => Ok(()),
        _ => Err(format!("{} and {}", first.says("/readyz"), second.says("/readyz"))),
    });

    kafka.wait_passed(&mut second, 3 * all / 10);
    first.end();
    kafka.wait_members(&mut second, LANES);
    kafka.wait_passed(&mut second, 4 * all / 10);
    let mut third = kafka.run(THIRD);
    kafka.wait_members(&mut third, 2 * LANES);

    kafka.wait_passed(&mut third, 6 * all / 10);
    second.process.kill();
    kafka.wait_members(&mut third, LANES);
    kafka.wait_passed(&mut third, all);
    third.end();
}

/// How many partitions an instance says that it owns.
fn owned(instance: &crate::deployment::Instance) -> usize {
    instance.says("/readyz").lines().filter(|line| line.starts_with("partition ")).count()
}
