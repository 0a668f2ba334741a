//! Histories that once came out wrong, each in as few records as show it.

use tierline_engine::{Arrival, Input};
use tierline_model::{
    AccountFields, AccountSnapshot, Cleared, CommandKind, HandledBy, TicketEventKind, TicketFields, Value,
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
