//! What a running lane says of a ticket, and when it says nothing yet.

use std::time::Duration;

use tierline_observe::why::{Asked, Found, Reply};
use tierline_stream::log::Ownership;
use tierline_stream::why::Told;

use crate::world::*;

fn ticket(id: &str) -> Asked {
    Asked { ticket: id.to_owned(), ..Asked::default() }
}

/// A lane that has read a ticket of which the customer waits since noon.
fn waiting() -> World {
    let mut world = World::new();
    world.start();
    world.send("tickets", world.created("T1", NOON));
    world.settle();
    world
}

fn ask(world: &mut World, asked: Asked) -> Reply {
    let mut answers = world.settings.questions.lay(asked);
    world.settle();
    answers.try_recv().expect("it answers")
}

fn told(world: &mut World, asked: Asked) -> Told {
    match ask(world, asked).found {
        Found::Told(json) => Told::read(&json).expect("it was written so"),
        _ => panic!("it knows the ticket"),
    }
}

#[test]
fn it_tells_what_has_been_read_and_foresees_what_comes() {
    let mut world = waiting();
    world.to(NOON + MINUTE);
    let now = told(&mut world, ticket("T1"));
    assert_eq!((now.at.as_str(), now.tier), ("2026-03-02T12:01:00Z", 1));
    let silence = &now.rules[0];
    assert_eq!((silence.stands.as_str(), silence.fires_at.as_deref()), ("no", Some("2026-03-02T13:00:00Z")));

    let later = Asked { at: Some(NOON + HOUR + GRACE), rule: Some("silence".to_owned()), ..ticket("T1") };
    let later = told(&mut world, later);
    assert_eq!((later.tier, later.rules.len(), later.rules[0].stands.as_str()), (2, 1, "fired"));
    // To be asked changes nothing.
    assert!(world.told().is_empty());
    world.to(NOON + HOUR + GRACE);
    assert_eq!(told(&mut world, Asked { rule: Some("silence".to_owned()), ..ticket("T1") }), later);
}

#[test]
fn what_it_cannot_tell_it_says() {
    let mut world = waiting();
    world.to(NOON + 2 * HOUR);
    assert!(matches!(ask(&mut world, Asked { at: Some(NOON), ..ticket("T1") }).found, Found::Past(_)));
    assert!(ask(&mut world, Asked { rule: Some("none".to_owned()), ..ticket("T1") }).found == Found::NoRule);
    assert!(ask(&mut world, Asked { account: Some("other".to_owned()), ..ticket("T1") }).found == Found::NoTicket);
    let reply = ask(&mut world, Asked { account: Some(ACME.to_owned()), ..ticket("T9") });
    assert!(reply.found == Found::NoTicket);
    assert_eq!((reply.owned, reply.partitions, reply.wanted), (vec![0], 1, Some(0)));
}

#[test]
fn nothing_is_told_that_is_not_committed() {
    let mut world = waiting();
    world.settings.commit_interval = Duration::from_secs(3600);
    world.start();
    world.settle();
    world.cluster.borrow_mut().records_a_poll = 1;
    for nth in 0..3 {
        world.send("tickets", world.urgent(&format!("U{nth}"), NOON));
    }
    let mut answers = world.settings.questions.lay(ticket("U0"));
    for _ in 0..2 {
        world.step().expect("the lane lives");
    }
    assert!(answers.try_recv().is_err(), "a record was taken and not committed");
    world.settle();
    assert!(matches!(answers.try_recv().map(|reply| reply.found), Ok(Found::Told(_))));
}

#[test]
fn a_lane_that_owns_nothing_yet_says_nothing_and_one_whose_tasks_went_says_so() {
    let mut world = World::new();
    let mut answers = world.settings.questions.lay(ticket("T1"));
    world.start();
    world.settle();
    assert!(answers.try_recv().is_ok_and(|reply| reply.owned == [0]));
    world.change_ownership(Ownership::Revoked(vec![0]));
    let reply = ask(&mut world, ticket("T1"));
    assert!(reply.found == Found::NoTicket && reply.owned.is_empty());
    assert_eq!(reply.partitions, 1);
}
