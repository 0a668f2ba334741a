//! SEMANTICS §6: commands.

use tierline_model::{CommandKind, EscalationKind, Priority, TicketFields};

use crate::kit::*;

fn urgent(priority: Priority) -> TicketFields<'static> {
    TicketFields { priority: Some(priority), ..TicketFields::default() }
}

#[test]
fn what_a_person_resolved_stays_resolved_while_the_rule_holds() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.updated("t", at(1), urgent(Priority::Urgent));
    desk.command(CommandKind::Resolve, Some("t"), None, at(2));
    desk.restart();
    desk.updated("t", at(3), urgent(Priority::Urgent));
    assert_eq!(desk.said(), ["opened t 2 @1", "resolved t 2 @2"]);
    assert!(desk.queue.is_empty());
}

#[test]
fn a_rule_in_its_cooldown_does_not_undo_a_command() {
    let mut desk = Desk::new(&rule("    cooldown: 1h\n    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.updated("t", at(1), urgent(Priority::Urgent));
    desk.updated("t", at(2), urgent(Priority::Low));
    desk.updated("t", at(3), urgent(Priority::Urgent));
    desk.command(CommandKind::Resolve, Some("t"), None, at(4));
    desk.run_to(at(600));
    assert_eq!(desk.said(), ["opened t 2 @1", "resolved t 2 @4"]);
}

#[test]
fn escalating_without_a_tier_is_tier_3_and_below_the_present_it_joins() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.command(CommandKind::Escalate, Some("t"), None, at(1));
    desk.command(CommandKind::Escalate, Some("t"), Some(2), at(2));
    assert_eq!(desk.said(), ["opened t 3 @1", "joined t 3 @2"]);
}

#[test]
fn de_escalating_lowers_by_one_and_to_tier_1_resolves() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.command(CommandKind::Escalate, Some("t"), None, at(1));
    desk.command(CommandKind::DeEscalate, Some("t"), None, at(2));
    desk.command(CommandKind::DeEscalate, Some("t"), None, at(3));
    assert_eq!(desk.said(), ["opened t 3 @1", "de_escalated t 2 @2", "resolved t 2 @3"]);
}

#[test]
fn acknowledging_is_told_once_and_repeats_are_dropped() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.command(CommandKind::Escalate, Some("t"), None, at(1));
    desk.command(CommandKind::Acknowledge, Some("t"), None, at(2));
    desk.command(CommandKind::Acknowledge, Some("t"), None, at(3));
    let heard = desk.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!((heard[1].kind, heard[1].by.as_deref()), (EscalationKind::Acknowledged, Some("ada")));
    assert_eq!(desk.engine.counts().idle_commands, 1);
}

#[test]
fn a_command_to_nobody_changes_nothing_and_is_counted() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.command(CommandKind::Escalate, Some("never met"), None, at(1));
    desk.created("t", at(2));
    desk.command(CommandKind::Resolve, Some("t"), None, at(3));
    assert_eq!(desk.said(), [""; 0]);
    assert_eq!(desk.engine.counts().idle_commands, 2);
}

#[test]
fn a_restart_right_after_a_signal_knows_that_it_has_come() {
    let text = "    once_per: account\n    when: { ticket.sentiment: { at_most: -0.5, within: 1h } }";
    let mut desk = Desk::new(&rule(text));
    desk.created("t", at(0));
    desk.signal("t", "sentiment", -0.8, at(1));
    assert_eq!(desk.said(), ["opened t 2 @1"]);
    // Nothing changes but the signal itself: the rule holds already.
    desk.signal("t", "sentiment", -0.9, at(2));
    desk.restart();
    desk.created("other", at(3));
    assert_eq!(desk.said(), Vec::<String>::new());
}

#[test]
fn a_command_from_before_its_ticket_takes_effect_at_the_creation() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(10));
    // Whoever sent it has a clock that is behind.
    desk.command(CommandKind::Escalate, Some("t"), None, at(5));
    assert_eq!(desk.said(), ["opened t 3 @10"]);
}

#[test]
fn a_command_from_before_its_escalation_takes_effect_at_the_opening() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.command(CommandKind::Escalate, Some("t"), Some(2), at(10));
    desk.command(CommandKind::Escalate, Some("t"), Some(3), at(4));
    desk.command(CommandKind::Acknowledge, Some("t"), None, at(5));
    desk.command(CommandKind::DeEscalate, Some("t"), None, at(6));
    desk.command(CommandKind::Resolve, Some("t"), None, at(7));
    let said = desk.said();
    let wanted =
        ["opened t 2 @10", "raised t 3 @10", "acknowledged t 3 @10", "de_escalated t 2 @10", "resolved t 2 @10"];
    assert_eq!(said, wanted);
}

#[test]
fn an_account_is_not_forgotten_before_its_escalation_opened() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.command(CommandKind::Escalate, Some("t"), None, at(10));
    desk.command(CommandKind::ForgetAccount, None, None, at(5));
    assert_eq!(desk.said(), ["opened t 3 @10", "resolved t 3 @10"]);
}
