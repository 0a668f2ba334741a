//! Histories that once came out wrong, each in as few records as show it.

use tierline_engine::{Arrival, Input};
use tierline_model::{
    AccountFields, AccountSnapshot, Author, Cleared, CommandKind, HandledBy, Priority, SlaEventKind, TicketEventKind,
    TicketField, TicketFields, Value,
};

use crate::kit::*;

#[test]
fn lists_of_an_account_are_told_apart_2_3() {
    let two = "rules:
  - { id: flagged, tier: 2, when: { account.flags: vip } }
  - { id: product, tier: 3, when: { account.custom.products: sso } }
";
    let mut desk = Desk::new(two);
    let products = Value::List(vec!["sso".into()]);
    let snapshot = AccountSnapshot {
        account_id: "acme".into(),
        source: "crm".into(),
        updated_at: None,
        fields: AccountFields {
            flags: Some(vec!["vip".into()]),
            custom: vec![("products".into(), products)],
            ..AccountFields::default()
        },
        cleared: Cleared::default(),
    };
    let input = Input::Account { topic: 0, snapshot: &snapshot };
    desk.engine.apply(desk.clock, Arrival { appended_at: Some(at(0)), input }).unwrap();
    desk.created("T1", at(0));
    assert_eq!(desk.said(), ["opened T1 3 @0", "joined T1 3 @0"]);
}

#[test]
fn a_list_of_nothing_is_told_to_be_empty_2_2() {
    for (matcher, said) in [("empty", &["opened T1 2 @0"][..]), ("known", &[])] {
        let mut desk = Desk::new(&rule(&format!("    when: {{ ticket.tags: {matcher} }}")));
        desk.event(TicketEventKind::Created, "T1", at(0), |event| event.ticket.tags = Some(Vec::new()));
        assert_eq!(desk.said(), said, "{matcher}");
    }
}

#[test]
fn an_answer_due_on_a_rated_ticket_is_not_the_end_of_its_keeping_5_9() {
    let text = format!("{}escalation_sla: {{ 2: 4h }}\n", rule("    when: { ticket.rating: { at_most: 2 } }"));
    for restarts in [false, true] {
        let mut desk = Desk::new(&text);
        desk.created("T1", at(0));
        desk.solved("T1", at(60));
        desk.event(TicketEventKind::Rated, "T1", at(300), |event| event.rating = Some(1));
        if restarts {
            desk.restart();
        }
        desk.run_to(at(600));
        assert_eq!(desk.said(), ["opened T1 2 @300", "target_missed T1 2 @540"], "restarts: {restarts}");
        desk.run_to(at(60) + 35 * DAY + GRACE);
        assert_eq!(desk.said(), ["resolved T1 2 @50460"], "restarts: {restarts}");
    }
}

#[test]
fn a_snooze_that_was_made_longer_does_not_end_the_keeping_of_a_solved_ticket_7_1() {
    let mut desk = Desk::new(&rule("    when: { ticket.rating: { at_most: 2 } }"));
    desk.created("T1", at(0));
    desk.solved("T1", at(60));
    desk.event(TicketEventKind::Rated, "T1", at(300), |event| event.rating = Some(1));
    desk.snooze("T1", at(360), at(600));
    desk.snooze("T1", at(420), at(1_200));
    desk.run_to(at(1_300));
    let said = desk.said();
    assert_eq!(said.last().map(String::as_str), Some("unsnoozed T1 2 @1200"), "{said:?}");
    desk.command(CommandKind::Acknowledge, Some("T1"), None, at(1_310));
    assert_eq!(desk.said(), ["acknowledged T1 2 @1310"], "it is still there");
}

#[test]
fn who_took_over_from_a_bot_is_known_though_the_creation_comes_late_4_1() {
    let mut desk = Desk::new(&rule("    when: { ticket.no_agent_reply_for: 2h }"));
    let by = |who| TicketFields { handled_by: Some(who), ..TicketFields::default() };
    desk.event(TicketEventKind::Updated, "T1", at(10), |event| event.ticket = by(HandledBy::Team));
    desk.run_to(at(11));
    desk.event(TicketEventKind::Created, "T1", at(0), |event| event.ticket = by(HandledBy::Bot));
    desk.run_to(at(200));
    assert_eq!(desk.said(), ["opened T1 2 @130"]);
}

#[test]
fn a_snooze_on_a_ticket_that_was_never_met_ends_7_1() {
    let text = format!("{}escalation_sla: {{ 2: 4h }}\n", rule("    when: { ticket.rating: { at_most: 2 } }"));
    let mut desk = Desk::new(&text);
    desk.event(TicketEventKind::Rated, "T1", at(300), |event| event.rating = Some(1));
    desk.snooze("T1", at(360), at(1_200));
    desk.run_to(at(1_300));
    let said = ["opened T1 2 @300", "snoozed T1 2 @360", "target_missed T1 2 @540", "unsnoozed T1 2 @1200"];
    assert_eq!(desk.said(), said);
}

const NOTHING: [&str; 0] = [];

fn urgent() -> TicketFields<'static> {
    TicketFields { priority: Some(Priority::Urgent), ..TicketFields::default() }
}

fn category(word: &'static str) -> TicketFields<'static> {
    TicketFields { category: Some(word.into()), ..TicketFields::default() }
}

fn assigned(desk: &mut Desk, minute: i64) {
    desk.event(TicketEventKind::Updated, "T1", at(minute), |event| event.ticket.assignee = Some("sam".into()));
}

/// An urgent ticket that nobody is assigned to: tier 2 since a minute after its creation, whose answer is due within an
/// hour, and tier 3 after two hours.
fn urgent_and_nobodys() -> Desk {
    let text = "rules:
  - { id: urgent, tier: 2, when: { ticket.priority: urgent } }
  - { id: nobodys, tier: 3, when: { ticket.unassigned_for: 2h } }
escalation_sla: { 2: 1h, 3: 20h }
";
    let mut desk = Desk::new(text);
    desk.event(TicketEventKind::Created, "T1", at(0), |event| event.cleared.fields.push(TicketField::Assignee));
    desk.updated("T1", at(1), urgent());
    desk.run_to(at(122));
    assert_eq!(desk.said(), ["opened T1 2 @1", "target_missed T1 2 @61", "raised T1 3 @120"]);
    desk
}

#[test]
fn what_an_escalation_missed_before_a_raise_that_is_taken_back_is_not_missed_again_5_9() {
    let mut desk = urgent_and_nobodys();
    desk.restart();
    assigned(&mut desk, 90);
    desk.restart();
    desk.run_to(at(600));
    assert_eq!(desk.said(), ["retracted T1 2 @122"]);
    desk.command(CommandKind::Escalate, Some("T1"), Some(3), at(600));
    desk.run_to(at(1_801));
    assert_eq!(desk.said(), ["raised T1 3 @600", "target_missed T1 3 @1800"]);
}

#[test]
fn a_raise_that_is_taken_back_after_somebody_lowered_the_tier_leaves_its_clock_5_9() {
    let mut desk = urgent_and_nobodys();
    desk.command(CommandKind::DeEscalate, Some("T1"), Some(2), at(125));
    assigned(&mut desk, 90);
    desk.run_to(at(600));
    let said = ["de_escalated T1 2 @125", "retracted T1 2 @125", "target_missed T1 2 @185"];
    assert_eq!(desk.said(), said);
    assert_eq!(desk.engine.open_escalations(), [1, 0]);
}

/// The account's escalation, due within an hour, whose ticket is answered, and then solved; it goes on another.
fn moved(answered_at: i64) -> Desk {
    let urgency = rule("    once_per: account\n    when: { ticket.priority: urgent }");
    let mut desk = Desk::new(&format!("{urgency}escalation_sla: {{ 2: 1h }}\n"));
    for (ticket, minute) in [("T1", 0), ("T2", 2)] {
        desk.created(ticket, at(minute));
        desk.updated(ticket, at(minute + 1), urgent());
    }
    desk.run_to(at(answered_at));
    desk.reply("T1", at(answered_at));
    desk.solved("T1", at(80));
    desk.restart();
    desk.run_to(at(600));
    desk
}

#[test]
fn what_an_escalation_missed_goes_with_it_to_another_ticket_5_9() {
    let mut desk = moved(70);
    assert_eq!(desk.said(), ["opened T1 2 @1", "target_missed T1 2 @61", "moved T2 2 @80"]);
    desk.command(CommandKind::Escalate, Some("T2"), Some(3), at(600));
    desk.command(CommandKind::DeEscalate, Some("T2"), Some(2), at(610));
    desk.run_to(at(700));
    assert_eq!(desk.said(), ["raised T2 3 @600", "de_escalated T2 2 @610", "target_missed T2 2 @670"]);
}

#[test]
fn an_answer_to_an_escalation_counts_where_it_has_moved_5_9() {
    let mut desk = moved(30);
    let heard = desk.heard();
    let told: Vec<_> = heard.iter().map(|it| (it.kind.word(), &*it.ticket_id, it.due_at)).collect();
    assert_eq!(told, [("opened", "T1", Some(at(61))), ("moved", "T2", None)]);
}

#[test]
fn what_is_held_goes_out_before_an_answer_is_missed_after_it_1_4() {
    let text = "rules:
  - { id: urgent, tier: 2, when: { ticket.priority: urgent } }
  - { id: nobodys, tier: 3, when: { ticket.unassigned_for: 1h } }
escalation_sla: { 2: 1h }
";
    let kinds = |disproves: bool| {
        let mut desk = Desk::new(text);
        desk.event(TicketEventKind::Created, "T1", at(0), |event| event.cleared.fields.push(TicketField::Assignee));
        desk.updated("T1", at(0) + 2_000, urgent());
        // Its record notes both bounds, well within the grace of either.
        desk.created("T2", at(60) + 3_000);
        if disproves {
            assigned(&mut desk, 50);
        }
        desk.restart();
        desk.run_to(at(70));
        desk.heard().iter().map(|it| it.kind.word()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(false), ["opened", "raised"], "it was at another tier by then");
    assert_eq!(kinds(true), ["opened", "target_missed"], "it stayed at its tier");
}

#[test]
fn an_escalation_that_a_straggler_takes_back_has_missed_nothing_1_4() {
    let text = format!("{}escalation_sla: {{ 2: 1h }}\n", rule("    when: { ticket.no_agent_reply_for: 1h }"));
    let mut desk = Desk::new(&text);
    desk.created("T1", at(0));
    desk.created("T2", at(120) + 1_000);
    desk.reply("T1", at(50));
    desk.run_to(at(130));
    let kinds: Vec<_> = desk.heard().iter().map(|it| it.kind.word()).collect();
    assert_eq!(kinds, ["opened", "retracted"]);
}

#[test]
fn what_shadow_rules_do_cuts_no_grace_short_3_8() {
    let text = "rules:
  - { id: urgent, tier: 2, when: { ticket.priority: urgent } }
  - { id: tried, tier: 2, mode: shadow, when: { ticket.category: billing } }
escalation_sla: { 2: 1h }
";
    let mut desk = Desk::new(text);
    desk.created("T1", at(0));
    desk.updated("T1", at(1), urgent());
    desk.updated("T1", at(61) + 1_000, category("billing"));
    desk.reply("T1", at(60));
    desk.run_to(at(130));
    assert_eq!(desk.said(), ["opened T1 2 @1"]);
}

#[test]
fn what_waited_for_a_rise_goes_with_it_when_its_rule_changes_3_7() {
    let silence =
        |length: &str| rule(&format!("    clear: when_no\n    when: {{ ticket.no_agent_reply_for: {length} }}"));
    let mut desk = Desk::new(&silence("60m"));
    desk.created("T1", at(0));
    // Held, and over before it has gone out.
    desk.reply("T1", at(60) + 1_000);
    desk.restart_with(rules(&silence("70m")));
    desk.message("T1", at(70), Author::Customer);
    desk.created("T2", at(140) + 1_000);
    desk.run_to(at(145));
    assert_eq!(desk.said(), ["opened T1 2 @140"]);
    assert_eq!(desk.queue.len(), 1);
}

#[test]
fn an_escalation_ends_that_waited_for_a_rise_whose_rule_was_removed_3_5() {
    let billing = "  - { id: billing, tier: 2, clear: when_no, when: { ticket.category: billing } }\n";
    let silence = "  - { id: silence, tier: 2, clear: when_no, when: { ticket.no_agent_reply_for: 1h } }\n";
    let mut desk = Desk::new(&format!("rules:\n{billing}{silence}"));
    desk.created("T1", at(0));
    desk.updated("T1", at(1), category("billing"));
    desk.reply("T1", at(60) + 1_000);
    desk.updated("T1", at(60) + 2_000, category("other"));
    assert_eq!(desk.said(), ["opened T1 2 @1"]);
    desk.restart_with(rules(&format!("rules:\n{billing}")));
    let heard = desk.heard();
    let dated: Vec<_> = heard.iter().map(|record| (record.kind.word(), record.became_true_at - at(60))).collect();
    assert_eq!(dated, [("resolved", 2_000)]);
    assert!(desk.queue.is_empty());
}

/// A ticket, answered at once or not, that was merged into another an hour ago, where nobody waited.
fn merged(is_answered: bool) -> Desk {
    let mut desk = Desk::new(&rule("    when: { ticket.no_agent_reply_for: 2h }"));
    desk.created("T1", at(0));
    desk.created("T2", at(0));
    if is_answered {
        desk.reply("T1", at(10));
    }
    desk.reply("T2", at(30));
    desk.event(TicketEventKind::Merged, "T1", at(60), |event| event.merged_into = Some("T2".into()));
    desk.restart();
    desk
}

#[test]
fn who_is_said_to_be_merged_once_more_does_not_wait_again_5_6() {
    let mut desk = merged(false);
    desk.reply("T2", at(70));
    desk.event(TicketEventKind::Merged, "T1", at(80), |event| event.merged_into = Some("T2".into()));
    desk.run_to(at(600));
    assert_eq!(desk.said(), NOTHING);
}

#[test]
fn a_merge_that_is_told_late_disproves_what_is_held_where_it_goes_1_4() {
    let mut desk = Desk::new(&rule("    when: { ticket.no_customer_reply_for: 1h }"));
    desk.created("T1", at(0));
    desk.created("T2", at(0));
    desk.reply("T2", at(30));
    // By now T2 has risen, and its grace runs.
    desk.created("T3", at(90) + 1_000);
    desk.event(TicketEventKind::Merged, "T1", at(60), |event| event.merged_into = Some("T2".into()));
    desk.run_to(at(600));
    assert_eq!(desk.said(), NOTHING);
}

#[test]
fn who_comes_with_a_merged_ticket_decides_which_policy_applies_5_1() {
    let policies = "rules:
  - { id: late, tier: 2, when: { sla.next_reply: breached } }
sla:
  - { id: waits, when: { ticket.no_agent_reply_for: 1h }, targets: { next_reply: { default: 2h } } }
  - { id: calm, targets: { next_reply: { default: 8h } } }
";
    for restarts in [false, true] {
        let mut desk = Desk::new(policies);
        desk.created("T1", at(0));
        desk.created("T2", at(0));
        desk.reply("T1", at(1));
        desk.reply("T2", at(30));
        desk.message("T1", at(40), Author::Customer);
        desk.event(TicketEventKind::Merged, "T1", at(110), |event| event.merged_into = Some("T2".into()));
        if restarts {
            desk.restart();
        }
        desk.run_to(at(170));
        assert_eq!(desk.said(), ["opened T2 2 @160"], "restarts: {restarts}");
    }
}

#[test]
fn who_wrote_on_a_merged_ticket_before_the_merge_waits_where_it_went_though_it_comes_late_5_6() {
    let mut desk = merged(true);
    desk.run_to(at(100));
    desk.message("T1", at(50), Author::Customer);
    desk.restart();
    desk.run_to(at(175));
    assert_eq!(desk.said(), ["opened T2 2 @170"]);
    // Another from before it: who waits there has waited longer.
    desk.message("T1", at(40), Author::Customer);
    desk.reply("T1", at(55));
    assert_eq!(desk.said(), ["retracted T2 2 @175"], "and had been answered");
    desk.run_to(at(600));
    assert_eq!(desk.said(), NOTHING);
}

#[test]
fn who_was_answered_before_a_merge_does_not_wait_where_it_went_though_it_comes_late_5_6() {
    let mut desk = merged(false);
    desk.run_to(at(100));
    // It goes on to a third.
    desk.created("T3", at(101));
    desk.reply("T3", at(102));
    desk.event(TicketEventKind::Merged, "T2", at(103), |event| event.merged_into = Some("T3".into()));
    desk.run_to(at(122));
    assert_eq!(desk.said(), ["opened T3 2 @120"]);
    desk.restart();
    desk.reply("T1", at(20));
    assert_eq!(desk.said(), ["retracted T3 2 @122"]);
    desk.message("T1", at(61), Author::Customer);
    desk.run_to(at(600));
    assert_eq!(desk.said(), NOTHING, "what is written on it after the merge is of no ticket");
}

/// A customer waits since the start, and since minute 40 anew, if there is an answer of minute 30: it comes late.
fn held_for_an_hour(condition: &str) -> Desk {
    let mut desk = Desk::new(&rule(&format!("    for: 1h\n    when: {condition}")));
    desk.created("T1", at(0));
    desk.updated("T1", at(1), urgent());
    desk.message("T1", at(40), Author::Customer);
    desk
}

#[test]
fn a_break_that_a_late_record_reveals_counts_3_1() {
    let mut desk = held_for_an_hour("{ ticket.no_agent_reply_for: 10m, ticket.priority: urgent }");
    desk.run_to(at(60));
    desk.reply("T1", at(30));
    desk.restart();
    desk.run_to(at(111));
    assert_eq!(desk.said(), ["opened T1 2 @110"]);
}

#[test]
fn a_break_that_a_straggler_reveals_cancels_what_is_held_3_1() {
    let mut desk = held_for_an_hour("{ ticket.no_agent_reply_for: 10m }");
    desk.created("T2", at(70) + 1_000);
    desk.reply("T1", at(30));
    desk.run_to(at(111));
    assert_eq!(desk.said(), ["opened T1 2 @110"]);
}

#[test]
fn what_a_break_takes_back_does_not_rise_again_before_its_time_3_1() {
    let mut desk = held_for_an_hour("{ ticket.no_agent_reply_for: 10m }");
    desk.run_to(at(75));
    desk.reply("T1", at(30));
    assert_eq!(desk.said(), ["opened T1 2 @70", "retracted T1 2 @75"]);
    desk.run_to(at(111));
    assert_eq!(desk.said(), ["opened T1 2 @110"]);
}

#[test]
fn a_late_record_breaks_nothing_that_held_by_something_else_3_1() {
    let mut desk = held_for_an_hour("{ any: [ { ticket.no_agent_reply_for: 10m }, { ticket.priority: urgent } ] }");
    desk.run_to(at(50));
    desk.reply("T1", at(30));
    desk.run_to(at(200));
    assert_eq!(desk.said(), ["opened T1 2 @61"]);
}

const BUSY: &str = "rules:
  - { id: late, tier: 2, when: { sla.first_reply: breached } }
sla:
  - { id: busy, when: { account.unanswered_tickets: { at_least: 2 } }, targets: { first_reply: { default: 30m } } }
  - { id: calm, targets: { first_reply: { default: 4h } } }
";

#[test]
fn what_one_ticket_is_decides_which_policy_applies_to_another_5_1() {
    for restarts in [false, true] {
        let mut desk = Desk::new(BUSY);
        desk.created("T1", at(0));
        desk.event(TicketEventKind::Created, "T2", at(10), |event| event.ticket.opened_by = Some(Author::Agent));
        if restarts {
            desk.restart();
        }
        desk.message("T2", at(20), Author::Customer);
        desk.reply("T2", at(25));
        desk.run_to(at(35));
        assert_eq!(desk.said(), NOTHING, "two waited for five minutes, restarts: {restarts}");
        desk.message("T2", at(40), Author::Customer);
        desk.run_to(at(41));
        assert_eq!(desk.said(), ["opened T1 2 @40"], "restarts: {restarts}");
        let breached = desk.sla_events.iter().filter(|event| event.kind == SlaEventKind::Breached);
        let breached: Vec<_> = breached.map(|event| (event.ticket_id.as_str(), event.policy.as_deref())).collect();
        assert_eq!(breached, [("T1", Some("busy"))], "restarts: {restarts}");
    }
}
