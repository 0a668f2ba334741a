//! SEMANTICS §7: what is kept.

use tierline_model::{Author, CommandKind, Priority, TicketFields};

use crate::kit::*;

#[test]
fn a_solved_ticket_is_kept_for_the_history_and_then_nothing_of_it_7_1() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.message("t", at(1), Author::Customer);
    desk.solved("t", at(2));
    assert_eq!(desk.keys(), 2, "the stub: its life and its fields; its messages are gone");
    desk.restart();
    desk.run_to(at(2) + 35 * DAY + GRACE - 1);
    assert_eq!(desk.keys(), 2);
    desk.run_to(at(2) + 35 * DAY + GRACE);
    assert_eq!(desk.keys(), 0);
}

/// Seed 1359 of the simulator: a task that was brought back before its first catch-up kept them for ever.
#[test]
fn a_restart_in_a_quiet_start_forgets_no_ticket_later_7_1() {
    let mut desk = Desk::starting(&rule("    when: { ticket.priority: urgent }"), true);
    desk.created("t", at(0));
    desk.solved("t", at(2));
    desk.restart();
    desk.engine.caught_up(at(3));
    desk.run_to(at(2) + 35 * DAY + GRACE);
    assert_eq!(desk.keys(), 0);
}

/// Seed 1004 of the simulator: only a restart let a command count for how long it is kept.
#[test]
fn a_ticket_that_was_never_met_is_kept_from_when_it_was_last_heard_of_7_1() {
    for restarts in [false, true] {
        let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
        desk.signal("t", "sentiment", 0.5, at(0));
        desk.command(CommandKind::Acknowledge, Some("t"), None, at(30));
        if restarts {
            desk.restart();
        }
        desk.run_to(at(30) + 35 * DAY + GRACE - 1);
        assert!(desk.keys() > 0, "restarts: {restarts}");
        desk.run_to(at(30) + 35 * DAY + GRACE);
        assert_eq!(desk.keys(), 0, "restarts: {restarts}");
    }
}

/// Seed 222 of the simulator: a restart took for timely what had been late.
#[test]
fn an_account_of_which_something_is_left_keeps_its_time_though_its_last_ticket_goes_7_1() {
    let late = |restarts: bool| {
        let mut desk = Desk::new(&rule("    when: { ticket.no_agent_reply_for: 1h }"));
        desk.account(Some(at(0)), Some("enterprise"), None);
        desk.created("t", at(1));
        desk.solved("t", at(2));
        desk.run_to(at(2) + 35 * DAY + GRACE);
        if restarts {
            desk.restart();
        }
        // It happened before the ticket was forgotten.
        desk.created("u", at(2) + 35 * DAY - 3 * HOUR);
        desk.message("u", at(2) + 35 * DAY - 30 * MINUTE, Author::Agent);
        desk.said()
    };
    assert_eq!(late(true), late(false));
}

/// Seed 1687 of the simulator: from a checkpoint that knew the old one, the new one had its clocks and its signals.
#[test]
fn a_ticket_whose_id_comes_again_has_nothing_of_the_forgotten_one_7_1() {
    let policy = "sla: [ { id: all, targets: { first_reply: { default: 1h } } } ]\n";
    let mut desk = Desk::new(&(policy.to_owned() + &rule("    when: { ticket.priority: urgent }")));
    desk.account(Some(at(0)), Some("enterprise"), None);
    desk.created("t", at(0));
    desk.signal("t", "sentiment", -0.5, at(1));
    desk.solved("t", at(2));
    assert_eq!(desk.state().len(), 5, "its account, life, fields, signals and clocks");
    desk.checkpoint();
    desk.run_to(at(2) + 35 * DAY + GRACE);
    desk.message("t", at(3) + 35 * DAY, Author::Customer);
    let uninterrupted = desk.state();
    desk.restart_from_checkpoint();
    assert_eq!(desk.state(), uninterrupted);
}

#[test]
fn forgetting_an_account_resolves_without_context_and_leaves_no_key_7_2() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.account(Some(at(0)), Some("enterprise"), Some(40.0));
    desk.created("t", at(0));
    desk.message("t", at(1), Author::Customer);
    let urgent = TicketFields { priority: Some(Priority::Urgent), ..TicketFields::default() };
    desk.updated("t", at(2), urgent);
    assert!(desk.heard()[0].context.is_some());
    desk.restart();
    desk.command(CommandKind::ForgetAccount, None, None, at(3));
    let heard = desk.heard();
    assert_eq!(heard.len(), 1);
    assert!(heard[0].context.is_none());
    assert_eq!((desk.keys(), desk.queue.len()), (0, 0));
    assert_eq!((desk.engine.open_tickets(), desk.engine.open_escalations()), (0, [0, 0]));
    // Later events start anew.
    desk.message("t", at(4), Author::Customer);
    assert_eq!(desk.engine.open_tickets(), 1);
}

#[test]
fn the_context_of_an_escalation_outlives_a_restart() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.account(Some(at(0)), Some("enterprise"), Some(40.0));
    desk.created("t", at(0));
    desk.message("t", at(1), Author::Customer);
    let urgent = TicketFields { priority: Some(Priority::Urgent), ..TicketFields::default() };
    desk.updated("t", at(2), urgent);
    let opened = desk.heard().remove(0);
    desk.restart();
    desk.command(CommandKind::Acknowledge, Some("t"), None, at(3));
    let acknowledged = desk.heard().remove(0);
    assert_eq!(acknowledged.context, opened.context);
    let context = acknowledged.context.unwrap();
    assert_eq!(context.account.plan.as_deref(), Some("enterprise"));
    assert_eq!(context.conversation.len(), 1);
    assert_eq!(context.history.tickets_30d, 1);
    assert_eq!(context.ticket.waiting_since, Some(at(0)));
}
