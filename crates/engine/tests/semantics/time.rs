//! SEMANTICS §1: time.

use tierline_model::{Author, TicketEventKind, TicketFields};

use crate::kit::*;

fn silence() -> String {
    rule("    when: { ticket.no_agent_reply_for: 1h }")
}

#[test]
fn what_happened_counts_from_its_append_time_at_the_latest_1_1() {
    let mut desk = Desk::new(&silence());
    desk.clock = at(0);
    // A help desk whose clock is ahead: it says ten minutes past, and the log took it at zero.
    let ahead = |event: &mut tierline_model::TicketEvent<'_>| event.occurred_at = at(10);
    desk.event(TicketEventKind::Created, "t", at(0), ahead);
    desk.run_to(at(61));
    assert_eq!(desk.said(), ["opened t 2 @60"]);
}

#[test]
fn a_bound_before_a_record_is_evaluated_on_the_state_before_it_1_3() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    // The clock itself never stopped at the bound: the next record of the account comes long after it.
    desk.reply("t", at(90));
    assert_eq!(desk.said(), ["opened t 2 @60"]);
}

#[test]
fn a_reply_at_the_very_instant_is_in_time_1_3() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    desk.reply("t", at(60));
    desk.run_to(at(600));
    assert_eq!(desk.said(), [""; 0]);
}

#[test]
fn when_it_is_read_changes_nothing_but_when_it_goes_out_1_3() {
    let mut slow = Desk::new(&silence());
    let mut swift = Desk::new(&silence());
    for desk in [&mut slow, &mut swift] {
        desk.created("t", at(0));
    }
    (1..80).for_each(|minute| swift.run_to(at(minute)));
    for desk in [&mut slow, &mut swift] {
        desk.solved("t", at(100));
    }
    assert_eq!(slow.said(), swift.said());
}

#[test]
fn a_rise_at_a_bound_goes_out_when_its_grace_is_over_1_4() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    desk.run_to(at(60) + GRACE - 1);
    assert_eq!(desk.said(), [""; 0]);
    desk.run_to(at(60) + GRACE);
    let heard = desk.heard();
    assert_eq!((heard[0].became_true_at, heard[0].detected_at), (at(60), at(60) + GRACE));
}

#[test]
fn a_straggler_within_the_grace_cancels_without_a_trace_1_4() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    // A note of nobody makes the account's time pass the bound: the rise is held in the state.
    desk.message("t", at(60) + 1_000, Author::Bot);
    desk.restart();
    desk.reply("t", at(59));
    desk.run_to(at(600));
    assert_eq!(desk.said(), [""; 0]);
    assert!(desk.queue.is_empty());
}

#[test]
fn a_held_rise_outlives_a_restart_1_4() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    desk.message("t", at(60) + 1_000, Author::Bot);
    desk.restart();
    assert_eq!(desk.said(), [""; 0]);
    desk.run_to(at(61));
    assert_eq!(desk.said(), ["opened t 2 @60"]);
}

#[test]
fn what_is_held_on_a_ticket_goes_out_before_what_a_record_raises_there_1_4() {
    let mut desk = Desk::new(
        "rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent } }
  - { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 1h } }
",
    );
    desk.created("t", at(0));
    let urgent = TicketFields { priority: Some(tierline_model::Priority::Urgent), ..TicketFields::default() };
    desk.updated("t", at(60) + 1_000, urgent);
    let heard = desk.heard();
    assert_eq!(heard.iter().map(|one| (one.sequence, one.tier)).collect::<Vec<_>>(), [(0, 2), (1, 3)]);
}

#[test]
fn a_late_event_inside_the_silence_retracts_with_itself_as_evidence_1_5() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    desk.run_to(at(70));
    desk.reply("t", at(50));
    let heard = desk.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[1].kind, tierline_model::EscalationKind::Retracted);
    assert_eq!(heard[1].became_true_at, at(70), "its append time");
    assert_eq!(heard[1].evidence[0].value, "e2");
    assert!(desk.queue.is_empty());
}

#[test]
fn nothing_but_the_end_of_the_absence_retracts_1_5() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    desk.run_to(at(70));
    desk.said();
    desk.reply("t", at(65));
    desk.updated("t", at(30), TicketFields { category: Some("billing".into()), ..TicketFields::default() });
    desk.run_to(at(600));
    assert_eq!(desk.said(), [""; 0]);
}

#[test]
fn after_a_retraction_the_same_rule_may_rise_again_1_5() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    desk.run_to(at(70));
    desk.reply("t", at(50));
    desk.message("t", at(80), Author::Customer);
    desk.run_to(at(200));
    let heard = desk.heard();
    assert_eq!(heard.len(), 3);
    assert_eq!((heard[2].sequence, heard[2].became_true_at), (0, at(140)));
    assert_ne!(heard[2].escalation_id, heard[0].escalation_id);
}

#[test]
fn repeats_and_stale_values_are_dropped_and_messages_commute_1_7() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    desk.event(TicketEventKind::Created, "t", at(30), |event| event.event_id = "e1".into());
    desk.message("t", at(40), Author::Customer);
    desk.reply("t", at(35));
    desk.run_to(at(101));
    assert_eq!(desk.said(), ["opened t 2 @100"], "the wait began with the message after the answer");
    assert_eq!(desk.engine.counts().repeats, 1);
}

#[test]
fn a_first_start_latches_in_silence_what_is_true_by_then_1_8() {
    let mut desk = Desk::starting(&silence(), true);
    desk.created("old", at(0));
    desk.created("new", at(50));
    desk.clock = at(70);
    desk.engine.caught_up(at(70));
    assert_eq!(desk.engine.counts().latched_quietly, 1);
    desk.restart();
    desk.run_to(at(600));
    assert_eq!(desk.said(), ["opened new 2 @110"]);
}

#[test]
fn a_restart_at_the_very_instant_of_a_bound_does_not_swallow_it() {
    let text = rule("    when: { not: { account.tickets: { at_least: 2, within: 10m } } }");
    let mut desk = Desk::new(&text);
    desk.created("old", at(0));
    desk.created("t", at(1));
    desk.heard();
    // At 10 the first creation leaves the window; a message of that instant has no say in it.
    desk.message("t", at(10), Author::Customer);
    desk.restart();
    desk.run_to(at(20));
    assert_eq!(desk.said(), ["joined old 2 @10", "opened t 2 @10"]);
}

#[test]
fn what_a_deletion_makes_true_was_not_true_before_it() {
    let mut desk = Desk::new(&rule("    when: { not: { account.tickets: { at_least: 2, within: 3h } } }"));
    desk.created("old", at(0));
    desk.created("t", at(1));
    assert_eq!(desk.said(), ["opened old 2 @0"]);
    desk.solved("old", at(2));
    desk.heard();
    desk.deleted("old", at(5));
    assert_eq!(desk.said(), ["opened t 2 @5"]);
}

#[test]
fn a_solving_that_comes_late_cancels_what_is_held_without_a_trace_1_4() {
    let mut desk = Desk::new(&rule("    when: { ticket.open_for: 1h }"));
    desk.created("t", at(0));
    // Another ticket's record lets the bound pass; the rise is held for stragglers.
    desk.created("other", at(60) + 1_000);
    desk.solved("t", at(59));
    desk.run_to(at(61));
    assert_eq!(desk.said(), Vec::<String>::new());
}
