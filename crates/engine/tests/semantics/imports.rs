//! Imports: they fill state and history, and are looked at once their end mark has passed. SEMANTICS 1.9.

use tierline_engine::{Arrival, Input};
use tierline_model::{Author, Message, SlaEventKind, Status, TicketEvent, TicketEventKind, TicketFields};

use crate::kit::*;

const SILENT: &str = "    when: { ticket.no_agent_reply_for: 2h }";

fn of(import: &str) -> impl Fn(&mut TicketEvent<'_>) + use<> {
    let import = import.to_owned();
    move |event| event.import_id = Some(import.clone().into())
}

fn imported(desk: &mut Desk, ticket: &str, instant: i64) {
    desk.event(TicketEventKind::Created, ticket, at(instant), of("i"));
}

fn imported_reply(desk: &mut Desk, ticket: &str, instant: i64) {
    imported_message(desk, ticket, instant, None, Author::Agent);
}

fn imported_message(desk: &mut Desk, ticket: &str, instant: i64, id: Option<&str>, author: Author) {
    let id = id.map(|id| id.to_owned().into());
    let message = Message { id, author, author_name: None, public: true, text: Some("hi".into()), automated: false };
    desk.event(TicketEventKind::Message, ticket, at(instant), |event| {
        (event.message, event.import_id) = (Some(message), Some("i".into()));
    });
}

fn finished(desk: &mut Desk, import: &str, began: i64, instant: i64) {
    desk.clock = desk.clock.max(at(instant));
    let input = Input::ImportFinished { import_id: import, began_at: at(began) };
    desk.engine.apply(desk.clock, Arrival { appended_at: Some(desk.clock), input }).unwrap();
    desk.run_to(desk.clock);
}

#[test]
fn a_ticket_first_met_in_an_import_is_looked_at_once_that_has_ended() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.run_to(at(10_000));
    imported(&mut desk, "T1", 0);
    desk.run_to(at(11_000));
    assert_eq!((desk.said(), desk.engine.waiting_for_imports()), (vec![], 1));
    let why = desk.engine.why(None, "T1", desk.clock).unwrap();
    assert_eq!((why.open, why.waits_for_import), (false, true));
    finished(&mut desk, "i", 10_000, 11_001);
    assert_eq!(desk.said(), ["opened T1 2 @120"], "dated when it became true");
    assert_eq!(desk.engine.waiting_for_imports(), 0);
    desk.solved("T1", at(11_002));
    assert_eq!(desk.said(), ["resolved T1 2 @11002"]);
}

#[test]
fn what_was_over_before_an_import_began_raises_nothing() {
    let text = format!(
        "{}sla: [ {{ id: all, targets: {{ first_reply: {{ default: 1h }}, next_reply: {{ default: 1h }} }} }} ]\n",
        rule("    when: { any: [ { ticket.no_agent_reply_for: 2h }, { sla.first_reply: breached } ] }")
    );
    let mut desk = Desk::new(&text);
    desk.run_to(at(10_000));
    imported(&mut desk, "T1", 0);
    imported_reply(&mut desk, "T1", 300);
    imported(&mut desk, "T2", 0);
    imported_reply(&mut desk, "T2", 300);
    imported_message(&mut desk, "T2", 400, None, Author::Customer);
    let solved = TicketFields { status: Some(Status::Solved), ..TicketFields::default() };
    imported(&mut desk, "T3", 0);
    desk.event(TicketEventKind::Updated, "T3", at(500), |event| {
        (event.ticket, event.import_id) = (solved, Some("i".into()));
    });
    finished(&mut desk, "i", 10_000, 10_010);
    assert_eq!(desk.said(), ["opened T2 2 @520"], "only who waits now");
    let told: Vec<_> = desk.sla_events.iter().map(|event| (&*event.ticket_id, event.kind, event.due_at)).collect();
    assert_eq!(told, [("T2", SlaEventKind::Breached, at(460))]);
}

#[test]
fn what_happens_to_it_meanwhile_is_kept() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.run_to(at(10_000));
    imported(&mut desk, "T1", 9_000);
    desk.reply("T1", at(10_001));
    imported(&mut desk, "T2", 9_950);
    finished(&mut desk, "i", 10_000, 10_010);
    assert_eq!(desk.said(), [""; 0]);
    desk.run_to(at(10_300));
    assert_eq!(desk.said(), ["opened T2 2 @10070"], "it sleeps no more");
}

#[test]
fn a_ticket_that_was_live_before_takes_what_an_import_brings_as_a_late_record() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    desk.run_to(at(180));
    assert_eq!(desk.said(), ["opened T1 2 @120"]);
    imported_reply(&mut desk, "T1", 60);
    assert_eq!(desk.said(), ["retracted T1 2 @180"], "the webhook had missed it");
}

#[test]
fn half_an_import_counts_in_no_window_and_all_of_it_does() {
    let text = "rules:
  - { id: many, tier: 2, when: { account.unanswered_tickets: { at_least: 3, within: 7d } } }
";
    let mut desk = Desk::new(text);
    desk.created("T1", at(1_000));
    for (ticket, instant) in [("T2", 10), ("T3", 20), ("T4", 30)] {
        imported(&mut desk, ticket, instant);
    }
    desk.run_to(at(1_001));
    assert_eq!(desk.said(), [""; 0], "their answers may be still to come");
    imported_reply(&mut desk, "T4", 40);
    desk.restart();
    finished(&mut desk, "i", 1_000, 1_002);
    let mut said = desk.said();
    said.sort();
    let on_each = ["T1", "T2", "T3", "T4"].map(|ticket| format!("opened {ticket} 2 @1000"));
    assert_eq!(said, on_each, "three of its four open tickets wait");
}

#[test]
fn each_import_wakes_its_own_and_a_straggler_sleeps_no_more() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.run_to(at(10_000));
    desk.event(TicketEventKind::Created, "A1", at(0), of("a"));
    desk.event(TicketEventKind::Created, "B1", at(1), of("b"));
    finished(&mut desk, "a", 10_000, 10_001);
    assert_eq!(desk.said(), ["opened A1 2 @120"]);
    desk.restart();
    desk.event(TicketEventKind::Created, "A2", at(2), of("a"));
    assert_eq!(desk.said(), ["opened A2 2 @122"]);
    finished(&mut desk, "b", 10_000, 10_002);
    assert_eq!(desk.said(), ["opened B1 2 @121"]);
    finished(&mut desk, "b", 10_000, 10_003);
    assert_eq!(desk.said(), [""; 0], "the mark of one that has ended says nothing");
}

#[test]
fn an_import_that_never_ends_is_taken_as_ended() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.run_to(at(10_000));
    imported(&mut desk, "T1", 0);
    desk.run_to(at(10_100));
    imported(&mut desk, "T2", 1);
    desk.restart();
    desk.run_to(at(10_100) + DAY - 1);
    assert_eq!(desk.said(), [""; 0], "a day after its last record");
    assert_eq!(desk.engine.next_deadline(), Some(at(10_100) + DAY));
    desk.run_to(at(10_100) + DAY);
    assert_eq!(desk.said(), ["opened T1 2 @120", "opened T2 2 @121"]);
    assert_eq!(desk.engine.counts().imports_timed_out, 1);
}

#[test]
fn a_rating_of_an_imported_ticket_is_history() {
    let mut desk = Desk::new(&rule("    when: { ticket.rating: { at_most: 2 } }"));
    desk.run_to(at(10_000));
    imported(&mut desk, "T1", 0);
    let solved = TicketFields { status: Some(Status::Solved), ..TicketFields::default() };
    desk.event(TicketEventKind::Updated, "T1", at(10), |event| {
        (event.ticket, event.import_id) = (solved, Some("i".into()));
    });
    desk.event(TicketEventKind::Rated, "T1", at(20), |event| {
        (event.rating, event.import_id) = (Some(1), Some("i".into()));
    });
    finished(&mut desk, "i", 10_000, 10_001);
    assert_eq!(desk.said(), [""; 0]);
    desk.event(TicketEventKind::Rated, "T1", at(10_002), |event| event.rating = Some(1));
    assert_eq!(desk.said(), ["opened T1 2 @10002"], "a new word on it is not");
}

#[test]
fn an_account_rule_fires_once_for_all_that_an_import_brings() {
    let mut desk = Desk::new(
        "rules:\n  - { id: many, tier: 2, once_per: account, when: { account.tickets: { at_least: 3, within: 30d } } }\n",
    );
    desk.run_to(at(10_000));
    (0..5).for_each(|nth| imported(&mut desk, &format!("T{nth}"), nth));
    finished(&mut desk, "i", 10_000, 10_001);
    assert_eq!(desk.said(), ["opened T2 2 @2"], "on the newest that there was when it became true");
}

#[test]
fn a_first_start_is_as_quiet_with_an_import_as_without() {
    let mut desk = Desk::starting(&rule(SILENT), true);
    desk.clock = at(10_000);
    imported(&mut desk, "T1", 0);
    finished(&mut desk, "i", 10_000, 10_001);
    desk.engine.caught_up(desk.clock);
    desk.run_to(at(10_100));
    assert_eq!(desk.said(), [""; 0]);
    imported(&mut desk, "T2", 1);
    desk.run_to(at(10_200));
    assert_eq!(desk.said(), ["opened T2 2 @121"], "a straggler");
}

#[test]
fn an_imported_message_older_than_what_is_remembered_is_a_repeat() {
    let mut desk = Desk::new(&rule("    when: { ticket.follow_ups: { at_least: 100 } }"));
    desk.created("T1", at(0));
    let live = |desk: &mut Desk, nth: i64| {
        let id = Some(format!("m{nth}").into());
        let author = Author::Customer;
        let message =
            Message { id, author, author_name: None, public: true, text: Some("hi".into()), automated: false };
        desk.event(TicketEventKind::Message, "T1", at(10 * nth), |event| event.message = Some(message));
    };
    (1..=70).for_each(|nth| live(&mut desk, nth));
    assert_eq!(desk.engine.counts().repeats, 0);
    imported_message(&mut desk, "T1", 20, Some("m2"), Author::Customer);
    imported_message(&mut desk, "T1", 700, Some("m70"), Author::Customer);
    assert_eq!(desk.engine.counts().repeats, 2);
    imported_message(&mut desk, "T1", 705, Some("m-705"), Author::Customer);
    assert_eq!(desk.engine.counts().repeats, 0, "nobody can have met that");
}

/// Whatever else comes in between, wherever the process is restarted: what an import leads to is the same.
#[test]
fn an_import_comes_to_the_same_in_any_order_and_over_restarts() {
    let text = "rules:
  - { id: silence, tier: 2, when: { ticket.no_agent_reply_for: 2h } }
  - { id: urgent, tier: 3, when: { ticket.priority: urgent, account.unresolved_tickets: { at_least: 2 } } }
sla: [ { id: all, targets: { first_reply: { default: 1h }, resolution: { default: 8h } } } ]
";
    let urgent = || TicketFields { priority: Some(tierline_model::Priority::Urgent), ..TicketFields::default() };
    type Step = Box<dyn Fn(&mut Desk)>;
    let lives = |order: &[usize], restarts: bool| {
        let steps: [Vec<Step>; 3] = [
            vec![
                Box::new(|desk| imported(desk, "T1", 0)),
                Box::new(|desk| imported_reply(desk, "T1", 50)),
                Box::new(|desk| imported_message(desk, "T1", 60, None, Author::Customer)),
            ],
            vec![
                Box::new(|desk| imported(desk, "T2", 5)),
                Box::new(move |desk| {
                    desk.event(TicketEventKind::Updated, "T2", at(70), |event| {
                        (event.ticket, event.import_id) = (urgent(), Some("i".into()));
                    });
                }),
            ],
            vec![Box::new(|desk| desk.created("T3", at(9_990))), Box::new(|desk| desk.reply("T3", at(9_995)))],
        ];
        let mut desk = Desk::new(text);
        desk.run_to(at(10_000));
        let mut next = [0; 3];
        for &lane in order {
            steps[lane][next[lane]](&mut desk);
            next[lane] += 1;
            if restarts {
                desk.restart();
            }
        }
        finished(&mut desk, "i", 10_000, 10_010);
        desk.run_to(at(11_000));
        let said = desk.said();
        let sla = desk.sla_events.iter();
        let sla = sla.map(|it| format!("{:?} {} {:?} {}", it.kind, it.ticket_id, it.metric, it.due_at)).collect();
        (said, sla)
    };
    let first = lives(&[0, 0, 0, 1, 1, 2, 2], false);
    assert!(first.0.len() > 2, "{first:?}");
    let sorted = |(said, mut sla): (Vec<String>, Vec<String>)| {
        sla.sort();
        (said, sla)
    };
    let first = sorted(first);
    for order in [[0, 1, 2, 0, 1, 2, 0], [2, 2, 1, 1, 0, 0, 0], [1, 0, 0, 2, 1, 0, 2], [0, 2, 1, 2, 0, 1, 0]] {
        for restarts in [false, true] {
            assert_eq!(sorted(lives(&order, restarts)), first, "{order:?} {restarts}");
        }
    }
}

#[test]
fn an_open_ticket_that_is_older_than_the_history_is_there_when_its_import_ends() {
    for restarts in [false, true] {
        let mut desk = Desk::new(&rule(SILENT));
        let began = 100 * DAY / MINUTE;
        desk.run_to(at(began));
        imported(&mut desk, "T1", 0);
        if restarts {
            desk.restart();
        }
        desk.run_to(at(began));
        finished(&mut desk, "i", began, began + 1);
        assert_eq!((desk.said(), desk.engine.open_tickets()), (vec!["opened T1 2 @120".to_owned()], 1));
    }
}

#[test]
fn one_that_was_solved_and_reopened_in_its_import_is_kept_as_an_open_one() {
    for restarts in [false, true] {
        let mut desk = Desk::new(&rule(SILENT));
        let began = 100 * DAY / MINUTE;
        desk.run_to(at(began));
        imported(&mut desk, "T1", 0);
        for (minute, status) in [(10, Status::Solved), (20, Status::Open)] {
            let fields = TicketFields { status: Some(status), ..TicketFields::default() };
            desk.event(TicketEventKind::Updated, "T1", at(minute), |event| {
                (event.ticket, event.import_id) = (fields, Some("i".into()));
            });
        }
        if restarts {
            desk.restart();
        }
        desk.run_to(at(began));
        finished(&mut desk, "i", began, began + 1);
        assert_eq!(desk.engine.open_tickets(), 1, "restarts: {restarts}");
    }
}
