//! SEMANTICS 1.7: how far back repeats are recognised.

use tierline_engine::{Arrival, Input};
use tierline_model::{Author, Command, CommandKind, Message, Signal, TicketEventKind};

use crate::kit::*;

fn desk() -> Desk {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk
}

/// How many repeats are counted when, of ids `0..count` that came in order, the first comes once more.
fn repeats(count: usize, mut send: impl FnMut(&mut Desk, &str)) -> u64 {
    let mut desk = desk();
    (0..count).for_each(|number| send(&mut desk, &format!("id-{number}")));
    assert_eq!(desk.engine.counts().repeats, 0);
    desk.restart();
    send(&mut desk, "id-0");
    desk.engine.counts().repeats
}

fn command(desk: &mut Desk, id: &str, ticket: Option<&str>) {
    let command = Command {
        command_id: id.into(),
        account_id: "acme".into(),
        ticket_id: ticket.map(Into::into),
        escalation_id: None,
        occurred_at: at(1),
        kind: CommandKind::Acknowledge,
        tier: None,
        by: None,
        reason: None,
        until: None,
    };
    let arrival = Arrival { appended_at: Some(at(1)), input: Input::Command(&command) };
    desk.engine.apply(at(1), arrival).unwrap();
    desk.run_to(at(1));
}

fn signal(desk: &mut Desk, id: &str, ticket: Option<&str>) {
    let signal = Signal {
        signal_id: id.into(),
        account_id: "acme".into(),
        ticket_id: ticket.map(Into::into),
        occurred_at: at(1),
        name: "sentiment".into(),
        value: Some(0.5),
        label: None,
        model: None,
        explanation: None,
        handoff: None,
    };
    let arrival = Arrival { appended_at: Some(at(1)), input: Input::Signal(&signal) };
    desk.engine.apply(at(1), arrival).unwrap();
    desk.run_to(at(1));
}

#[test]
fn an_event_is_a_repeat_among_the_last_16_of_its_ticket_and_no_further_1_7() {
    let send = |desk: &mut Desk, id: &str| {
        desk.event(TicketEventKind::Updated, "t", at(1), |event| event.event_id = id.to_owned().into());
    };
    assert_eq!(repeats(16, send), 1);
    assert_eq!(repeats(17, send), 0);
}

#[test]
fn events_of_another_ticket_push_no_id_out_1_7() {
    let mut desk = desk();
    (0..40).for_each(|minute| desk.updated("other", at(minute), Default::default()));
    desk.event(TicketEventKind::Updated, "t", at(41), |event| event.event_id = "e1".into());
    assert_eq!(desk.engine.counts().repeats, 1);
}

#[test]
fn a_message_is_a_repeat_among_the_last_64_of_its_ticket_and_no_further_1_7() {
    let send = |desk: &mut Desk, id: &str| {
        let message = Message {
            id: Some(id.to_owned().into()),
            author: Author::Customer,
            author_name: None,
            public: true,
            text: None,
            automated: false,
        };
        desk.event(TicketEventKind::Message, "t", at(1), |event| event.message = Some(message));
    };
    assert_eq!(repeats(64, send), 1);
    assert_eq!(repeats(65, send), 0);
}

#[test]
fn a_command_is_a_repeat_among_the_last_16_of_its_ticket_and_no_further_1_7() {
    let send = |desk: &mut Desk, id: &str| command(desk, id, Some("t"));
    assert_eq!(repeats(16, send), 1);
    assert_eq!(repeats(17, send), 0);
}

#[test]
fn a_command_without_a_ticket_is_a_repeat_among_the_last_16_of_its_account_1_7() {
    let send = |desk: &mut Desk, id: &str| command(desk, id, None);
    assert_eq!(repeats(16, send), 1);
    assert_eq!(repeats(17, send), 0);
}

#[test]
fn a_signal_is_a_repeat_among_the_last_16_of_its_ticket_and_no_further_1_7() {
    let send = |desk: &mut Desk, id: &str| signal(desk, id, Some("t"));
    assert_eq!(repeats(16, send), 1);
    assert_eq!(repeats(17, send), 0);
}

#[test]
fn a_signal_without_a_ticket_is_a_repeat_among_the_last_16_of_its_account_1_7() {
    let send = |desk: &mut Desk, id: &str| signal(desk, id, None);
    assert_eq!(repeats(16, send), 1);
    assert_eq!(repeats(17, send), 0);
}
