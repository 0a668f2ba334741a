//! Back-pressure: where a log is slow, less is read; nothing is dropped, and what waits is bounded.

use std::rc::Rc;

use tierline_model::Millis;

use crate::world::*;

const TICKETS: i64 = 500;
const A_POLL: usize = 16;

fn urgent_tickets_of_a_past_due_account() -> World {
    let world = World::new();
    world.cluster.borrow_mut().records_a_poll = A_POLL;
    world.send("billing", world.bill("past_due"));
    world
}

fn send_tickets(world: &World) {
    for number in 0..TICKETS {
        world.send("tickets", world.urgent(&format!("T{number}"), NOON));
    }
}

/// Every ticket is escalated, once, in the order in which they came.
fn assert_all_is_told(world: &World) {
    let told: Vec<_> = world.told().into_iter().map(|(_, ticket, _)| ticket).collect();
    let expected: Vec<_> = (0..TICKETS).map(|number| format!("T{number}")).collect();
    assert_eq!(told, expected);
    assert_eq!(world.metric(&["tierline_open_tickets"]), TICKETS as f64);
    assert!(world.codes().is_empty());
}

#[test]
fn a_log_that_is_slow_to_write_slows_the_reading_and_drops_nothing() {
    const A_WRITE_TAKES: Millis = 50;
    let mut world = urgent_tickets_of_a_past_due_account();
    world.start();
    world.settle();
    send_tickets(&world);
    world.cluster.borrow_mut().slow_writes = Some((Rc::clone(&world.now), A_WRITE_TAKES));
    let mut furthest_ahead = 0;
    while world.committed_up_to() < TICKETS {
        world.step().expect("it lives");
        furthest_ahead = furthest_ahead.max(world.read_up_to() - world.committed_up_to());
    }
    // A poll's worth is written and, being later than a transaction may last, committed before the next is read.
    assert!((1..=A_POLL as i64).contains(&furthest_ahead), "{furthest_ahead} records were read ahead");
    assert!(world.now.get() - NOON > 2 * TICKETS * A_WRITE_TAKES, "the log was slow");
    world.cluster.borrow_mut().slow_writes = None;
    world.settle();
    assert_all_is_told(&world);
}

#[test]
fn a_log_that_is_slow_with_one_input_stops_the_reading_of_the_others_and_drops_nothing() {
    let mut world = urgent_tickets_of_a_past_due_account();
    world.settings.inbox_bytes = 4_096;
    world.start();
    world.settle();
    world.cluster.borrow_mut().slow.push("signals".to_owned());
    world.put("signals", NOON, None, Some(b"its turn has not come yet"));
    send_tickets(&world);
    for _ in 0..200 {
        world.step().expect("it lives");
    }
    let waiting = world.read_up_to() - world.committed_up_to();
    // The inbox is looked at after each poll, so it may be over by one.
    let bound = 4_096 / 100 + A_POLL as i64;
    assert!((1..bound).contains(&waiting), "{waiting} records wait");
    world.cluster.borrow_mut().slow.clear();
    world.settle();
    assert_eq!(world.codes(), ["undecodable"], "the signal was nothing, and was read in the end");
    world.cluster.borrow_mut().part("dead-letters", 0).records.clear();
    assert_all_is_told(&world);
}

#[test]
fn a_lane_that_is_behind_commits_less_often_and_again_as_often_when_it_is_not() {
    const BEHIND: i64 = 10_000;
    const A_STEP_TAKES: Millis = 20;
    let mut world = World::new();
    world.cluster.borrow_mut().records_a_poll = A_POLL;
    world.start();
    world.settle();
    let all = BEHIND + 3_000;
    for number in 0..all {
        world.send("tickets", world.created(&format!("T{number}"), NOON));
    }
    // By how many records the commits lie apart, while so many wait.
    let (mut behind, mut close) = (Vec::new(), Vec::new());
    let mut before = 0;
    while before < all - BEHIND + 2_000 {
        world.now.set(world.now.get() + A_STEP_TAKES);
        world.step().expect("it lives");
        let committed = world.committed_up_to();
        if committed > before {
            match all - committed > BEHIND {
                true => behind.push(committed - before),
                false => close.push(committed - before),
            }
            before = committed;
        }
    }
    let steps = |apart: i64| apart / A_POLL as i64;
    let interval = world.settings.commit_interval.as_millis() as Millis / A_STEP_TAKES;
    // The first of each began while the other was so.
    assert!(behind[1..].iter().all(|&apart| steps(apart) >= 4 * interval), "{behind:?}");
    assert!(close[1..].iter().all(|&apart| steps(apart) <= interval + 1), "{close:?}");
    assert!(behind.len() > 3 && close.len() > 3, "{behind:?} {close:?}");
}
