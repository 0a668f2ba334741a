//! Instances that were taken for dead and are not: paused past their session, they wake and go on where they stood.
//! Nothing of theirs may be committed any more.

use std::thread;

use serde_json::{Value, json};
use tierline_testkit::Broker;

use crate::deployment::{Deployment, EVENT_TIME, FIRST, Instance, REFERENCE_RULES, SECOND, WALL_TIME, now, oracle};
use crate::events::created;
use crate::story::Story;

#[test]
fn a_zombie_with_its_hands_full_of_records_changes_nothing() {
    const PARTITIONS: u32 = 2;
    let (story, config) = (Story::of_tickets(41, 80, 30_000), format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    let kafka = Deployment::slow(PARTITIONS, &config);
    kafka.send_known(&story);
    let mut zombie = kafka.start(FIRST);
    let at_its_pause = thread::scope(|scope| {
        // They go on to come while it is paused.
        scope.spawn(|| story.tickets.chunks(500).for_each(|some| kafka.send("tickets", some)));
        kafka.wait_passed(&mut zombie, 1);
        zombie.process.pause();
        kafka.progress().0
    });
    let all = kafka.progress().1;
    assert!(at_its_pause < all, "it had passed everything already");

    let mut heir = kafka.start(SECOND);
    kafka.wait_passed(&mut heir, all);
    zombie.process.resume();
    wait_until_it_knows(&kafka, &mut zombie, &mut heir);
    heir.end();
    drop(zombie);
    kafka.run_until(story.end);
    kafka.outcome().assert_is(&oracle(PARTITIONS, &story, &config));
}

#[test]
fn a_zombie_that_wakes_with_nothing_but_a_timer_due_fires_nothing() {
    const RULE: &str = "rules: [ { id: silence, tier: 2, when: { ticket.no_agent_reply_for: 8s } } ]";
    let kafka = Deployment::on_kafka(1, &format!("{WALL_TIME}\n{RULE}"));
    let mut zombie = kafka.run(FIRST);
    kafka.send("tickets", &[created("acme", "T1", now(), json!({}))]);
    kafka.wait_drained(&mut zombie);
    zombie.process.pause();
    assert_eq!(kafka.records("escalations"), Vec::<Value>::new(), "the timer fired before the pause");

    let mut heir = kafka.run(SECOND);
    kafka.wait_for_escalation(&mut heir, "the heir to fire", |record| record["rule"] == "silence");
    zombie.process.resume();
    wait_until_it_knows(&kafka, &mut zombie, &mut heir);
    heir.end();
    drop(zombie);
    assert_eq!(kafka.outcome().len(), 1);
    // Not even uncommitted: the broker has one record and its transaction's marker.
    let queue: Vec<_> = Broker::shared().records(&kafka.topic("escalation-queue"));
    assert_eq!(queue.len(), 1);
}

#[test]
fn a_zombie_that_was_paused_among_many_timers_repeats_none_and_its_heir_misses_none() {
    const RULE: &str = "rules: [ { id: silence, tier: 2, when: { ticket.no_agent_reply_for: 12s } } ]";
    const TICKETS: i64 = 300;
    let kafka = Deployment::on_kafka(2, &format!("{WALL_TIME}\n{RULE}"));
    let mut zombie = kafka.run(FIRST);
    // Due from six seconds after now on, one every 20 ms.
    let began = now() - 6_000;
    let waiting = |n: i64| created(&format!("account-{n}"), "T1", began + 20 * n, json!({}));
    kafka.send("tickets", &(0..TICKETS).map(waiting).collect::<Vec<_>>());
    kafka.wait_for_escalation(&mut zombie, "the first to fire", |_| true);
    zombie.process.pause();
    assert!(kafka.records("escalations").len() < TICKETS as usize, "all had fired before the pause");

    let mut heir = kafka.start(SECOND);
    heir.wait_for("all to have fired", || match kafka.records("escalations").len() as i64 {
        TICKETS.. => Ok(()),
        fired => Err(format!("{fired} have")),
    });
    zombie.process.resume();
    wait_until_it_knows(&kafka, &mut zombie, &mut heir);
    heir.end();
    drop(zombie);
    assert_eq!(kafka.outcome().len() as i64, TICKETS);
}

/// Waits until the zombie has noticed: it has ended, or has joined the group anew.
fn wait_until_it_knows(kafka: &Deployment, zombie: &mut Instance, heir: &mut Instance) {
    heir.wait_for("the zombie to end or to join anew", || {
        let joined = Broker::shared().group(&kafka.group()) == (2, "Stable".to_owned());
        if joined || zombie.process.has_ended().is_some() { Ok(()) } else { Err("it has done neither".to_owned()) }
    });
}
