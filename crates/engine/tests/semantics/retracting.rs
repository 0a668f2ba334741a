//! SEMANTICS 1.5: what a late event takes back, and what it does not.

use tierline_model::{Author, CommandKind, EscalationKind, Priority, TicketFields};

use crate::kit::*;

const NOTHING: [&str; 0] = [];

/// Tier 2 after an hour of silence, tier 3 after two hours without an assignee.
const TWO_ABSENCES: &str = "rules:
  - { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 1h } }
  - { id: nobodys, tier: 3, when: { ticket.unassigned_for: 2h } }
";

/// Tier 2 after an hour of silence, tier 3 after two hours of it.
const TWO_SILENCES: &str = "rules:
  - { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 1h } }
  - { id: very-silent, tier: 3, when: { ticket.no_agent_reply_for: 2h } }
";

fn silence() -> String {
    rule("    when: { ticket.no_agent_reply_for: 1h }")
}

fn priority(priority: Priority) -> TicketFields<'static> {
    TicketFields { priority: Some(priority), ..TicketFields::default() }
}

/// Both of `TWO_ABSENCES` have fired.
fn raised() -> Desk {
    let mut desk = Desk::new(TWO_ABSENCES);
    desk.event(tierline_model::TicketEventKind::Created, "t", at(0), |event| {
        event.cleared.fields.push(tierline_model::TicketField::Assignee);
    });
    desk.run_to(at(130));
    assert_eq!(desk.said(), ["opened t 2 @60", "raised t 3 @120"]);
    desk.restart();
    desk
}

fn assigned(desk: &mut Desk, instant: i64) {
    desk.event(tierline_model::TicketEventKind::Updated, "t", instant, |event| {
        event.ticket.assignee = Some("sam".into());
    });
}

#[test]
fn a_retracted_raise_falls_back_to_the_previous_tier_1_5() {
    let mut desk = raised();
    assigned(&mut desk, at(90));
    let heard = desk.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!((heard[0].kind, heard[0].tier, heard[0].previous_tier), (EscalationKind::Retracted, 2, Some(3)));
    assert_eq!(heard[0].rule.as_deref(), Some("nobodys"));
    assert_eq!((desk.queue.len(), desk.engine.open_escalations()), (1, [1, 0]));
}

#[test]
fn a_retracted_opening_does_not_close_while_a_firing_above_it_stands_1_5() {
    let mut desk = raised();
    desk.reply("t", at(50));
    assert_eq!(desk.said(), ["retracted t 3 @130"]);
    assert_eq!((desk.queue.len(), desk.engine.open_escalations()), (1, [0, 1]));
}

#[test]
fn an_escalation_is_not_left_open_when_its_raise_is_undone_after_its_opening_1_5() {
    let mut desk = raised();
    desk.reply("t", at(50));
    desk.restart();
    desk.run_to(at(131));
    assigned(&mut desk, at(90));
    assert_eq!(desk.said(), ["retracted t 3 @130", "retracted t 3 @131"]);
    assert_eq!((desk.queue.len(), desk.engine.open_escalations()), (0, [0, 0]));
}

#[test]
fn an_escalation_closes_when_its_opening_is_undone_after_its_raise_1_5() {
    let mut desk = raised();
    assigned(&mut desk, at(90));
    desk.restart();
    desk.reply("t", at(50));
    assert_eq!(desk.said(), ["retracted t 2 @130", "retracted t 2 @130"]);
    assert_eq!((desk.queue.len(), desk.engine.open_escalations()), (0, [0, 0]));
}

#[test]
fn one_event_that_disproves_all_undoes_the_newest_first_and_closes_1_5() {
    let mut desk = Desk::new(TWO_SILENCES);
    desk.created("t", at(0));
    desk.run_to(at(130));
    desk.said();
    desk.reply("t", at(50));
    let heard = desk.heard();
    let told: Vec<_> = heard.iter().map(|one| (one.kind, one.rule.as_deref(), one.tier)).collect();
    let retracted = EscalationKind::Retracted;
    assert_eq!(told, [(retracted, Some("very-silent"), 2), (retracted, Some("silent"), 2)]);
    assert!(desk.queue.is_empty());
}

#[test]
fn what_a_person_raised_stands_when_the_opening_below_it_is_undone_1_5() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    desk.run_to(at(70));
    desk.command(CommandKind::Escalate, Some("t"), Some(3), at(70));
    desk.reply("t", at(50));
    assert_eq!(desk.said(), ["opened t 2 @60", "raised t 3 @70", "retracted t 3 @70"]);
    assert_eq!(desk.queue.len(), 1);
}

#[test]
fn a_disproved_join_writes_nothing_and_its_rule_may_rise_again_1_5() {
    let mut desk = Desk::new(
        "rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent } }
  - { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 1h } }
",
    );
    desk.created("t", at(0));
    desk.updated("t", at(1), priority(Priority::Urgent));
    desk.run_to(at(70));
    assert_eq!(desk.said(), ["opened t 3 @1", "joined t 3 @60"]);
    desk.restart();
    // Disproved, and since then the customer has asked anew: it rises where its latch is open.
    desk.reply("t", at(50));
    assert_eq!(desk.said(), NOTHING);
    desk.message("t", at(80), Author::Customer);
    desk.run_to(at(200));
    assert_eq!(desk.said(), ["joined t 3 @140"]);
}

#[test]
fn the_latch_of_a_disproved_join_opens_where_the_customer_has_asked_again_meanwhile_1_5() {
    let mut desk = Desk::new(
        "rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent } }
  - { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 1h } }
",
    );
    desk.created("t", at(0));
    desk.updated("t", at(1), priority(Priority::Urgent));
    desk.run_to(at(70));
    desk.message("t", at(70), Author::Customer);
    desk.message("t", at(140), Author::Bot);
    desk.said();
    // With the answer of 50 the customer waits since 70: what was one silence is another, and it is over as well.
    desk.reply("t", at(50));
    assert_eq!(desk.said(), ["joined t 3 @130"]);
}

#[test]
fn a_closed_escalation_is_not_retracted_1_5() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    desk.run_to(at(70));
    desk.command(CommandKind::Resolve, Some("t"), None, at(75));
    assert_eq!(desk.said(), ["opened t 2 @60", "resolved t 2 @75"]);
    desk.reply("t", at(50));
    assert_eq!(desk.said(), NOTHING);
}

#[test]
fn what_was_acknowledged_is_retracted_too_1_5() {
    let mut desk = Desk::new(&silence());
    desk.created("t", at(0));
    desk.run_to(at(70));
    desk.command(CommandKind::Acknowledge, Some("t"), None, at(75));
    desk.restart();
    desk.reply("t", at(50));
    assert_eq!(desk.said(), ["opened t 2 @60", "acknowledged t 2 @75", "retracted t 2 @75"]);
    assert!(desk.queue.is_empty());
}

/// An opening by silence and so many joins after it; then the reply that disproves the opening comes.
fn joined_and_disproved(joins: i64) -> Vec<String> {
    let mut desk = Desk::new(
        "rules:
  - { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 1h } }
  - { id: urgent, tier: 2, when: { ticket.priority: urgent } }
",
    );
    desk.created("t", at(0));
    desk.run_to(at(61));
    for join in 0..joins {
        desk.updated("t", at(62 + 2 * join), priority(Priority::Urgent));
        desk.updated("t", at(63 + 2 * join), priority(Priority::Low));
    }
    assert_eq!(desk.said().len(), 1 + joins as usize);
    desk.restart();
    desk.reply("t", at(50));
    desk.said()
}

#[test]
fn only_the_last_eight_firings_can_be_retracted_1_5() {
    assert_eq!(joined_and_disproved(7), ["retracted t 2 @75"], "the eighth from the end");
    assert_eq!(joined_and_disproved(8), NOTHING, "the ninth from the end");
}

#[test]
fn a_firing_too_old_to_be_retracted_still_stands_below_a_raise_that_is_1_5() {
    let mut desk = Desk::new(
        "rules:
  - { id: urgent, tier: 2, when: { ticket.priority: urgent } }
  - { id: silent, tier: 3, when: { ticket.no_agent_reply_for: 1h } }
",
    );
    desk.created("t", at(0));
    for join in 0..12 {
        desk.updated("t", at(1 + 2 * join), priority(Priority::Urgent));
        desk.updated("t", at(2 + 2 * join), priority(Priority::Low));
    }
    desk.run_to(at(61));
    assert_eq!(desk.said().last().map(String::as_str), Some("raised t 3 @60"));
    desk.restart();
    desk.reply("t", at(50));
    assert_eq!(desk.said(), ["retracted t 2 @61"]);
    assert_eq!((desk.queue.len(), desk.engine.open_escalations()), (1, [1, 0]));
}

#[test]
fn a_late_event_that_ends_no_absence_retracts_nothing_1_5() {
    let mut desk = Desk::new(
        "rules:
  - { id: both, tier: 2, when: { all: [ { ticket.no_agent_reply_for: 1h }, { ticket.priority: urgent } ] } }
",
    );
    desk.created("t", at(0));
    desk.updated("t", at(1), priority(Priority::Urgent));
    desk.run_to(at(70));
    assert_eq!(desk.said(), ["opened t 2 @60"]);
    // Each of them would have kept the rule from firing in time, but none is the reply that did not come.
    desk.message("t", at(50), Author::Bot);
    desk.signal("t", "sentiment", -0.5, at(51));
    desk.account(Some(at(52)), Some("enterprise"), None);
    desk.updated("t", at(53), priority(Priority::Low));
    desk.run_to(at(300));
    assert_eq!(desk.said(), NOTHING);
    assert_eq!(desk.queue.len(), 1);
}

#[test]
fn a_late_event_retracts_nothing_where_the_rule_holds_without_the_absence_1_5() {
    let mut desk = Desk::new(
        "rules:
  - { id: any, tier: 2, when: { any: [ { ticket.no_agent_reply_for: 1h }, { ticket.priority: urgent } ] } }
",
    );
    desk.created("t", at(0));
    desk.updated("t", at(1), priority(Priority::Urgent));
    desk.run_to(at(70));
    desk.reply("t", at(50));
    assert_eq!(desk.said(), ["opened t 2 @1"]);
}

/// Seed 2135 of the simulator: its latch stayed until the next record, or the next restart.
#[test]
fn a_rule_that_reads_the_escalation_hears_that_it_was_retracted_1_5() {
    let rules = "rules:
  - { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 30m } }
  - { id: stays, tier: 2, when: { any: [ { escalation.unacknowledged_for: 1h }, { ticket.priority: urgent } ] } }
";
    let mut desk = Desk::new(rules);
    desk.created("t", at(0));
    desk.updated("t", at(1), priority(Priority::Low));
    desk.run_to(at(100));
    assert_eq!(desk.said(), ["opened t 2 @30", "joined t 2 @90"]);
    desk.reply("t", at(20));
    assert_eq!(desk.said(), ["retracted t 2 @100"]);
    desk.updated("t", at(101), priority(Priority::Urgent));
    assert_eq!(desk.said(), ["opened t 2 @101"]);
}
