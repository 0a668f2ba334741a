//! Tickets that go to another account, with all that is kept of them. SEMANTICS 7.3.

use tierline_engine::{Arrival, Input};
use tierline_model::{
    AccountRehomed, Author, Command, CommandKind, SlaEventKind, Status, TicketEventKind, TicketFields,
};

use crate::kit::*;

const SILENT: &str = "    when: { ticket.no_agent_reply_for: 2h }";

/// The account that is left is told at `minutes` that the ticket goes, and the one that it goes to that it comes.
fn rehomed(desk: &mut Desk, ticket: &str, to: &'static str, minutes: i64) {
    leaves(desk, ticket, to, minutes);
    announced(desk, ticket, to, minutes);
}

fn leaves(desk: &mut Desk, ticket: &str, to: &'static str, minutes: i64) {
    desk.event(TicketEventKind::Rehomed, ticket, at(minutes), |event| event.to_account = Some(to.into()));
}

fn announced(desk: &mut Desk, ticket: &str, to: &'static str, minutes: i64) {
    let from = std::mem::replace(&mut desk.account, to);
    leaves(desk, ticket, to, minutes);
    desk.account = from;
}

/// What stands of a ticket, by an account that has it.
fn why(desk: &Desk, account: &str, ticket: &str) -> Option<bool> {
    desk.engine.why(Some(account), ticket, desk.clock).map(|why| why.open)
}

#[test]
fn it_goes_with_its_escalation_and_nothing_is_said() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    desk.run_to(at(121));
    let opened = desk.heard();
    assert_eq!((opened.len(), &*opened[0].account_id), (1, "acme"));
    rehomed(&mut desk, "T1", "beta", 130);
    assert_eq!(desk.said(), Vec::<String>::new());
    assert_eq!(desk.queue.values().collect::<Vec<_>>(), [&0], "its entry is written anew");
    assert_eq!((why(&desk, "acme", "T1"), why(&desk, "beta", "T1")), (None, Some(true)));
    assert_eq!((desk.engine.open_tickets(), desk.engine.open_escalations()), (1, [1, 0]));
    desk.account = "beta";
    desk.run_to(at(400));
    assert_eq!(desk.said(), Vec::<String>::new(), "it is latched there as it was here");
    desk.solved("T1", at(401));
    let resolved = desk.heard();
    assert_eq!((&*resolved[0].account_id, resolved[0].sequence), ("beta", 1));
    assert_eq!(resolved[0].escalation_id, opened[0].escalation_id);
    assert!(desk.queue.is_empty());
    assert_eq!(desk.engine.open_escalations(), [0, 0]);
}

#[test]
fn its_clock_goes_on_where_it_was() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    rehomed(&mut desk, "T1", "beta", 60);
    desk.restart();
    desk.run_to(at(119));
    assert_eq!(desk.said(), Vec::<String>::new());
    desk.run_to(at(121));
    let opened = desk.heard();
    assert_eq!((opened[0].became_true_at, &*opened[0].account_id), (at(120), "beta"));
}

#[test]
fn what_is_told_of_it_where_it_was_follows_it() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    desk.run_to(at(121));
    let opened = desk.heard();
    rehomed(&mut desk, "T1", "beta", 130);
    // A button on what was sent out before names the account as it was, and the escalation alone.
    let command = Command { escalation_id: Some(opened[0].escalation_id), ..acknowledged("acme", at(140)) };
    desk.engine.apply(at(140), Arrival { appended_at: Some(at(140)), input: Input::Command(&command) }).unwrap();
    desk.restart();
    desk.run_to(at(140));
    assert_eq!(desk.said(), ["acknowledged T1 2 @140"]);
    desk.signal("T1", "sentiment", -0.5, at(141));
    desk.reply("T1", at(142));
    desk.updated("T1", at(143), TicketFields { status: Some(Status::Solved), ..TicketFields::default() });
    assert_eq!(desk.said(), ["resolved T1 2 @143"]);
    assert_eq!(desk.engine.why(Some("acme"), "T1", desk.clock).map(|_| ()), None, "no second one is made of it here");
}

#[test]
fn what_is_told_of_it_before_it_comes_waits_and_makes_no_false_rise() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    desk.keeps_back = true;
    rehomed(&mut desk, "T1", "beta", 60);
    desk.account = "beta";
    desk.reply("T1", at(100));
    desk.message("T1", at(110), Author::Customer);
    desk.restart();
    desk.run_to(at(200));
    assert_eq!((desk.said(), why(&desk, "beta", "T1")), (vec![], None));
    desk.deliver();
    desk.keeps_back = false;
    assert_eq!(desk.said(), Vec::<String>::new(), "at 120 it had been answered");
    desk.run_to(at(231));
    assert_eq!(desk.said(), ["opened T1 2 @230"]);
}

#[test]
fn what_became_true_on_the_way_is_dated_when_it_did() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    desk.keeps_back = true;
    rehomed(&mut desk, "T1", "beta", 60);
    desk.run_to(at(150));
    assert_eq!(desk.said(), Vec::<String>::new());
    desk.deliver();
    desk.run_to(at(150));
    assert_eq!(desk.said(), ["opened T1 2 @120"]);
}

#[test]
fn it_goes_on_and_back_again() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    rehomed(&mut desk, "T1", "beta", 10);
    desk.account = "beta";
    rehomed(&mut desk, "T1", "gamma", 20);
    desk.account = "gamma";
    rehomed(&mut desk, "T1", "acme", 30);
    desk.restart();
    // Records that were on the way to where it was.
    for account in ["beta", "gamma", "acme"] {
        desk.account = account;
        desk.message("T1", at(40), Author::Customer);
    }
    assert_eq!([why(&desk, "acme", "T1"), why(&desk, "beta", "T1")], [Some(true), None]);
    let went_to = ["acme", "beta", "gamma"].map(|account| desk.engine.went_to(account, "T1"));
    assert_eq!(went_to, [None, Some("gamma"), Some("acme")]);
    desk.account = "gamma";
    desk.reply("T1", at(50));
    desk.run_to(at(1000));
    assert_eq!(desk.said(), Vec::<String>::new());
    assert_eq!(desk.engine.open_tickets(), 1);
}

#[test]
fn a_repeat_moves_nothing() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    let mut again = |account: &'static str, to: &'static str, id: &str, minutes: i64| {
        desk.account = account;
        desk.event(TicketEventKind::Rehomed, "T1", at(minutes), |event| {
            (event.to_account, event.event_id) = (Some(to.into()), id.to_owned().into());
        });
    };
    again("acme", "beta", "m1", 10);
    again("acme", "beta", "m1", 10);
    again("beta", "acme", "m2", 20);
    again("acme", "beta", "m1", 10);
    again("beta", "beta", "m1", 10);
    assert_eq!([why(&desk, "acme", "T1"), why(&desk, "beta", "T1")], [Some(true), None]);
    desk.account = "beta";
    desk.reply("T1", at(30));
    desk.run_to(at(500));
    assert_eq!(desk.said(), Vec::<String>::new(), "what came late to the other account was not kept there");
}

#[test]
fn windows_count_it_where_it_is() {
    let text = "rules:\n  - id: many\n    tier: 2\n    once_per: account\n    when: { account.tickets: { at_least: 2, within: 7d } }\n";
    let mut desk = Desk::new(text);
    desk.created("T1", at(0));
    desk.account = "beta";
    desk.created("T2", at(1));
    assert_eq!(desk.said(), Vec::<String>::new());
    desk.account = "acme";
    rehomed(&mut desk, "T1", "beta", 10);
    assert_eq!(desk.said(), ["opened T2 2 @1"], "since there have been two");
    desk.account = "beta";
    rehomed(&mut desk, "T2", "acme", 20);
    desk.run_to(at(30));
    assert_eq!(desk.said(), Vec::<String>::new(), "its escalation stays its own");
    desk.account = "beta";
    desk.created("T3", at(31));
    assert_eq!(desk.said(), ["opened T3 2 @31"], "the account has lost the one that spoke for it");
}

#[test]
fn one_that_nobody_knows_is_not_waited_for() {
    let mut desk = Desk::new(&rule(SILENT));
    rehomed(&mut desk, "T1", "beta", 10);
    desk.account = "beta";
    desk.created("T1", at(20));
    desk.run_to(at(141));
    assert_eq!(desk.said(), ["opened T1 2 @140"]);
}

#[test]
fn one_that_does_not_come_is_given_up_after_a_day() {
    let mut desk = Desk::new(&rule(SILENT));
    announced(&mut desk, "T1", "beta", 10);
    desk.account = "beta";
    desk.created("T1", at(20));
    desk.restart();
    desk.run_to(at(10) + DAY - 1);
    assert_eq!(desk.said(), Vec::<String>::new());
    desk.run_to(at(10) + DAY);
    assert_eq!(desk.engine.counts().moves_given_up, 1);
    assert_eq!(desk.said(), ["opened T1 2 @140"]);
}

#[test]
fn what_was_told_unannounced_makes_room_for_the_whole() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    let urgent = TicketFields { priority: Some(tierline_model::Priority::Urgent), ..TicketFields::default() };
    desk.created("T1", at(0));
    desk.updated("T1", at(1), urgent.clone());
    assert_eq!(desk.said(), ["opened T1 2 @1"]);
    desk.keeps_back = true;
    leaves(&mut desk, "T1", "beta", 10);
    desk.account = "beta";
    desk.updated("T1", at(11), urgent);
    assert_eq!(desk.said(), ["opened T1 2 @11"]);
    desk.deliver();
    assert_eq!(desk.said(), ["resolved T1 2 @11"], "not before it was opened");
    assert_eq!((desk.queue.len(), desk.engine.open_tickets(), desk.engine.open_escalations()), (1, 1, [1, 0]));
}

#[test]
fn what_a_source_told_of_an_account_goes_with_its_dates() {
    let mut desk = Desk::new(&rule("    when: { account.plan: enterprise, ticket.open_for: 1h }"));
    desk.account = "crm:7";
    desk.account(Some(at(0)), Some("enterprise"), None);
    desk.account = "acme";
    desk.created("T1", at(5));
    desk.run_to(at(100));
    let moved = AccountRehomed {
        account_id: "crm:7".into(),
        to_account: "acme".into(),
        source: "crm".into(),
        occurred_at: at(100),
    };
    let input = Input::AccountRehomed(&moved);
    desk.engine.apply(at(100), Arrival { appended_at: Some(at(100)), input }).unwrap();
    desk.restart();
    desk.run_to(at(100));
    let opened = desk.heard();
    assert_eq!(opened[0].became_true_at, at(65), "as if its account had been known from the start");
    assert_eq!(opened[0].context.as_ref().unwrap().account.plan.as_deref(), Some("enterprise"));
    desk.account(Some(at(110)), Some("starter"), None);
    // It tells of the account under its new name from then on.
    desk.created("T2", at(111));
    desk.run_to(at(300));
    assert_eq!(desk.said(), Vec::<String>::new());
}

#[test]
fn a_forgotten_account_forgets_who_left_it() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    rehomed(&mut desk, "T1", "beta", 10);
    assert!(desk.keys() > 0);
    desk.command(CommandKind::ForgetAccount, None, None, at(20));
    desk.account = "beta";
    desk.command(CommandKind::ForgetAccount, None, None, at(20));
    assert_eq!(desk.keys(), 0);
}

/// Seed 2 of the simulator: it came with all that was forgotten, and what had been told since made room for that.
#[test]
fn one_that_was_on_its_way_when_its_account_was_forgotten_is_forgotten_too() {
    for restarts in [false, true] {
        let mut desk = Desk::new(&rule(SILENT));
        desk.created("T1", at(0));
        desk.run_to(at(121));
        assert_eq!(desk.said(), ["opened T1 2 @120"]);
        desk.keeps_back = true;
        rehomed(&mut desk, "T1", "beta", 130);
        desk.account = "beta";
        desk.message("T1", at(131), Author::Agent);
        desk.command(CommandKind::ForgetAccount, None, None, at(140));
        desk.created("T1", at(150));
        if restarts {
            desk.restart();
        }
        desk.deliver();
        let resolved = desk.heard();
        assert_eq!(resolved.iter().map(|it| (&*it.account_id, it.sequence)).collect::<Vec<_>>(), [("beta", 1)]);
        assert_eq!((resolved[0].context.is_none(), desk.queue.len()), (true, 0));
        desk.run_to(at(269));
        assert_eq!(desk.said(), Vec::<String>::new(), "its wait begins anew");
        desk.run_to(at(271));
        assert_eq!(desk.said(), ["opened T1 2 @270"]);
    }
}

/// Seed 1847 of the simulator: it was told only if the process happened to be restarted.
#[test]
fn a_target_missed_just_before_it_was_solved_and_moved_is_told_where_it_came() {
    let sla = "sla: [ { id: all, targets: { first_reply: { default: 1h } } } ]\n";
    for restarts in [false, true] {
        let mut desk = Desk::new(&format!("{}{sla}", rule(SILENT)));
        desk.created("T1", at(0));
        desk.solved("T1", at(60) + 1_000);
        for account in ["acme", "beta"] {
            desk.account = account;
            desk.event(TicketEventKind::Rehomed, "T1", at(60) + 2_000, |event| event.to_account = Some("beta".into()));
        }
        if restarts {
            desk.restart();
        }
        assert_eq!(desk.sla_events.len(), 0, "the grace");
        desk.run_to(at(60) + GRACE);
        let told: Vec<_> = desk.sla_events.iter().map(|event| (&*event.account_id, event.kind, event.due_at)).collect();
        assert_eq!(told, [("beta", SlaEventKind::Breached, at(60))], "restarts: {restarts}");
    }
}

#[test]
fn who_left_is_forgotten_with_the_history() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    rehomed(&mut desk, "T1", "beta", 10);
    desk.account = "beta";
    desk.solved("T1", at(20));
    desk.run_to(at(21) + 35 * DAY);
    assert_eq!(desk.keys(), 0);
}

#[test]
fn one_that_comes_after_it_was_given_up_takes_the_place_of_what_was_made_of_it() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    desk.keeps_back = true;
    rehomed(&mut desk, "T1", "beta", 10);
    desk.account = "beta";
    desk.message("T1", at(20), Author::Customer);
    desk.run_to(at(10) + DAY);
    assert_eq!(desk.engine.open_tickets(), 1);
    desk.message("T1", at(20) + DAY, Author::Customer);
    desk.deliver();
    assert_eq!(desk.engine.open_tickets(), 1);
    desk.run_to(at(30) + DAY);
    assert_eq!(desk.engine.open_tickets(), 1);
    assert_eq!(desk.said(), ["opened T1 2 @120"]);
}

#[test]
fn one_that_nobody_knows_and_nobody_announces_is_not_sent_round_in_circles() {
    let mut desk = Desk::new(&rule(SILENT));
    leaves(&mut desk, "T1", "beta", 10);
    desk.account = "beta";
    leaves(&mut desk, "T1", "acme", 20);
    desk.account = "acme";
    desk.created("T1", at(30));
    desk.account = "beta";
    desk.reply("T1", at(40));
    desk.run_to(at(500));
    assert_eq!((desk.said(), desk.engine.open_tickets()), (vec![], 1));
}

#[test]
fn a_part_that_was_told_elsewhere_does_not_take_the_place_of_the_whole() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    desk.account = "beta";
    desk.message("T1", at(10), Author::Agent);
    rehomed(&mut desk, "T1", "acme", 20);
    desk.run_to(at(200));
    assert_eq!(desk.said(), ["opened T1 2 @120"], "when it was created is known here");
    assert_eq!(desk.engine.open_tickets(), 1);
}

#[test]
fn no_more_waits_than_can_be_written() {
    let mut desk = Desk::new(&rule(SILENT));
    announced(&mut desk, "T1", "beta", 10);
    desk.account = "beta";
    for minute in 0..1_000 {
        desk.command(CommandKind::Acknowledge, Some("T1"), None, at(20 + minute));
    }
    let mut command = acknowledged("beta", at(2_000));
    command.ticket_id = Some("T1".into());
    let arrival = Arrival { appended_at: Some(at(2_000)), input: Input::Command(&command) };
    let refused = desk.engine.apply(at(2_000), arrival).expect_err("a thousand wait already");
    assert_eq!(refused.code, "too_many_waiting");
}

/// A person has seen what is escalated.
fn acknowledged(account: &'static str, at: i64) -> Command<'static> {
    Command {
        command_id: "c".into(),
        account_id: account.into(),
        ticket_id: None,
        escalation_id: None,
        occurred_at: at,
        kind: CommandKind::Acknowledge,
        tier: None,
        by: Some("ada".into()),
        reason: None,
        until: None,
    }
}
