//! SEMANTICS §3: firing.

use tierline_model::{EscalationKind, Priority, TicketEventKind, TicketFields};

use crate::kit::*;

fn urgent(priority: Priority) -> TicketFields<'static> {
    TicketFields { priority: Some(priority), ..TicketFields::default() }
}

const TWO_TIERS: &str = "rules:
  - { id: first, tier: 2, when: { ticket.priority: urgent } }
  - { id: second, tier: 3, when: { ticket.priority: urgent } }
  - { id: third, tier: 3, when: { ticket.priority: urgent } }
";

#[test]
fn of_rules_that_rise_together_the_highest_tier_fires_and_the_others_join_3_2() {
    let mut desk = Desk::new(TWO_TIERS);
    desk.created("t", at(0));
    desk.updated("t", at(1), urgent(Priority::Urgent));
    let heard = desk.heard();
    let told: Vec<_> = heard.iter().map(|one| (one.kind, one.rule.as_deref(), one.tier)).collect();
    let (opened, joined) = (EscalationKind::Opened, EscalationKind::Joined);
    assert_eq!(told, [(opened, Some("second"), 3), (joined, Some("first"), 3), (joined, Some("third"), 3)]);
    assert_eq!(heard.iter().map(|one| one.sequence).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_rule_fires_once_until_it_was_no_3_1() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.updated("t", at(1), urgent(Priority::Urgent));
    desk.restart();
    desk.updated("t", at(2), urgent(Priority::Urgent));
    assert_eq!(desk.said(), ["opened t 2 @1"]);
    desk.updated("t", at(3), urgent(Priority::Low));
    desk.updated("t", at(4), urgent(Priority::Urgent));
    assert_eq!(desk.said(), ["joined t 2 @4"]);
}

#[test]
fn unknown_keeps_a_latch_3_1() {
    let mut desk = Desk::new(&rule("    when: { account.plan: enterprise }"));
    desk.account(Some(at(0)), Some("enterprise"), None);
    desk.created("t", at(0));
    assert_eq!(desk.said(), ["opened t 2 @0"]);
    desk.account(Some(at(1)), None, Some(3.0));
    desk.account(Some(at(2)), Some("enterprise"), None);
    assert_eq!(desk.said(), [""; 0]);
    desk.account(Some(at(3)), Some("free"), None);
    desk.account(Some(at(4)), Some("enterprise"), None);
    assert_eq!(desk.said(), ["joined t 2 @4"]);
}

#[test]
fn a_cooldown_runs_from_the_last_rise_and_what_still_holds_rises_at_its_end_3_1() {
    let mut desk = Desk::new(&rule("    cooldown: 1h\n    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.updated("t", at(1), urgent(Priority::Urgent));
    desk.updated("t", at(2), urgent(Priority::Low));
    desk.updated("t", at(3), urgent(Priority::Urgent));
    desk.restart();
    desk.run_to(at(70));
    assert_eq!(desk.said(), ["opened t 2 @1", "joined t 2 @61"]);
}

#[test]
fn for_asks_that_it_held_without_a_break_3_1() {
    let mut desk = Desk::new(&rule("    for: 1h\n    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.updated("t", at(1), urgent(Priority::Urgent));
    desk.updated("t", at(50), urgent(Priority::Low));
    desk.updated("t", at(55), urgent(Priority::Urgent));
    desk.restart();
    desk.run_to(at(200));
    assert_eq!(desk.said(), ["opened t 2 @115"]);
}

#[test]
fn solving_resolves_and_clears_the_latches_3_4() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.updated("t", at(1), urgent(Priority::Urgent));
    desk.solved("t", at(2));
    assert!(desk.queue.is_empty());
    let open = TicketFields { status: Some(tierline_model::Status::Open), ..TicketFields::default() };
    desk.updated("t", at(3), open);
    assert_eq!(desk.said(), ["opened t 2 @1", "resolved t 2 @2", "opened t 2 @3"]);
}

#[test]
fn when_no_resolves_once_every_rule_that_fired_or_joined_is_no_3_5() {
    let mut desk = Desk::new(
        "rules:
  - { id: one, tier: 3, clear: when_no, when: { ticket.priority: urgent } }
  - { id: two, tier: 2, clear: when_no, when: { ticket.category: billing } }
",
    );
    desk.created("t", at(0));
    desk.updated("t", at(1), urgent(Priority::Urgent));
    let category = |word: &'static str| TicketFields { category: Some(word.into()), ..TicketFields::default() };
    desk.updated("t", at(2), category("billing"));
    desk.updated("t", at(3), urgent(Priority::Low));
    desk.restart();
    assert_eq!(desk.said(), ["opened t 3 @1", "joined t 3 @2"]);
    desk.updated("t", at(4), category("login"));
    assert_eq!(desk.said(), ["resolved t 3 @4"]);
}

/// What had been *unknown* when the other rule fell kept the escalation open for good: nobody looked when it became *no*.
#[test]
fn when_no_resolves_also_when_the_last_rule_was_unknown_before_3_5() {
    let mut desk = Desk::new(
        "rules:
  - id: one
    tier: 3
    clear: when_no
    when: { any: [ ticket.priority: urgent, account.tickets: { at_least: 2, within: 9m, where: { ticket.category: billing } } ] }
  - { id: two, tier: 2, clear: when_no, when: { ticket.severity: sev1 } }
",
    );
    let severity = |word: &'static str| TicketFields { severity: Some(word.into()), ..TicketFields::default() };
    desk.created("t", at(0));
    let billing = TicketFields { category: Some("billing".into()), ..urgent(Priority::Urgent) };
    desk.updated("t", at(1), billing);
    desk.updated("t", at(2), severity("sev1"));
    desk.updated("t", at(3), urgent(Priority::Low));
    // It may be of billing as well.
    desk.created("other", at(6));
    desk.updated("t", at(7), severity("sev3"));
    assert_eq!(desk.said(), ["opened t 3 @1", "joined t 3 @2"]);
    desk.restart();
    desk.run_to(at(20));
    assert_eq!(desk.said(), ["resolved t 3 @9"]);
}

fn five_a_week() -> String {
    rule("    once_per: account\n    when: { account.tickets: { at_least: 3, within: 7d } }")
}

/// A rise that waited for stragglers in the shadow kept the ticket from taking over what was live.
#[test]
fn what_is_held_in_the_shadow_keeps_no_live_escalation_from_moving_3_8() {
    let shadow = "  - id: quiet\n    tier: 3\n    mode: shadow\n    when: { ticket.no_agent_reply_for: 30m }\n";
    let mut desk = Desk::new(&format!("{}\n{shadow}", five_a_week()));
    for (minute, ticket) in ["a", "b", "c"].into_iter().enumerate() {
        desk.created(ticket, at(minute as i64));
    }
    desk.solved("c", at(31) + 3_000);
    assert_eq!(
        desk.said(),
        ["opened c 2 @2", "moved b 2 @31.05"],
        "b is the newest, though a silence waits there for stragglers"
    );
}

/// Seed 553 of the simulator: a restart found a timer that the engine itself had lost.
#[test]
fn an_escalation_that_moved_is_timed_on_its_new_ticket_3_3() {
    let unacknowledged = "  - id: stays\n    tier: 3\n    when: { escalation.unacknowledged_for: 30m }\n";
    let mut desk = Desk::new(&format!("{}\n{unacknowledged}", five_a_week()));
    for (minute, ticket) in ["a", "b", "c"].into_iter().enumerate() {
        desk.created(ticket, at(minute as i64));
    }
    desk.solved("c", at(10));
    assert_eq!(desk.said(), ["opened c 2 @2", "moved b 2 @10"]);
    desk.run_to(at(32) + GRACE);
    assert_eq!(desk.said(), ["raised b 3 @32"], "thirty minutes after it was opened, whatever ticket it stands on");
}

#[test]
fn an_accounts_rule_fires_once_on_the_newest_ticket_and_moves_when_that_is_solved_3_6() {
    let mut desk = Desk::new(&five_a_week());
    for (minute, ticket) in ["a", "b", "c", "d"].into_iter().enumerate() {
        desk.created(ticket, at(minute as i64));
    }
    assert_eq!(desk.said(), ["opened c 2 @2"]);
    desk.restart();
    desk.solved("c", at(10));
    desk.solved("d", at(11));
    desk.solved("b", at(12));
    desk.solved("a", at(13));
    assert_eq!(desk.said(), ["moved d 2 @10", "moved b 2 @11", "moved a 2 @12", "resolved a 2 @13"]);
    assert!(desk.queue.is_empty());
}

#[test]
fn the_window_loses_a_ticket_at_the_instant_at_which_it_is_that_old_4_3() {
    let mut desk = Desk::new(&rule("    when: { account.tickets: { at_least: 2, within: 1h } }"));
    desk.created("a", at(0));
    desk.created("b", at(60));
    assert_eq!(desk.said(), [""; 0]);
    let mut desk = Desk::new(&rule("    when: { account.tickets: { at_least: 2, within: 1h } }"));
    desk.created("a", at(0));
    desk.created("b", at(60) - 1);
    assert_eq!(desk.said().len(), 2, "both tickets");
}

#[test]
fn spam_and_deleted_tickets_count_in_no_window_4_3() {
    let mut desk = Desk::new(&rule("    when: { account.tickets: { at_least: 3, within: 1h } }"));
    desk.created("a", at(0));
    desk.created("b", at(1));
    desk.event(TicketEventKind::Deleted, "b", at(2), |_| ());
    desk.created("c", at(3));
    desk.event(TicketEventKind::Updated, "c", at(4), |event| event.ticket.spam = Some(true));
    desk.created("d", at(5));
    desk.restart();
    desk.run_to(at(10));
    assert_eq!(desk.said(), [""; 0]);
    desk.created("e", at(11));
    assert_eq!(desk.said(), ["opened a 2 @11", "opened c 2 @11", "opened d 2 @11", "opened e 2 @11"]);
}

#[test]
fn a_new_rule_that_holds_already_latches_in_silence_3_7() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    let category = TicketFields { category: Some("billing".into()), ..TicketFields::default() };
    desk.updated("t", at(1), category);
    let more = "rules:
  - { id: rule, tier: 2, when: { ticket.priority: urgent } }
  - { id: new, tier: 3, when: { ticket.category: billing } }
";
    desk.restart_with(rules(more));
    assert_eq!(desk.engine.counts().latched_quietly, 1);
    desk.updated("t", at(2), urgent(Priority::Urgent));
    desk.run_to(at(600));
    assert_eq!(desk.said(), ["opened t 2 @2"]);
}

#[test]
fn a_new_rule_whose_silence_was_over_before_the_restart_is_silent_too_3_7() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.run_to(at(100));
    desk.restart_with(rules(&rule("    when: { ticket.no_agent_reply_for: 1h }")));
    desk.run_to(at(600));
    assert_eq!(desk.said(), [""; 0]);
}

#[test]
fn on_deploy_fire_is_dated_at_the_restart_3_7() {
    let mut desk = Desk::new(&rule("    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.run_to(at(100));
    desk.restart_with(rules(&rule("    on_deploy: fire\n    when: { ticket.no_agent_reply_for: 1h }")));
    desk.run_to(at(600));
    assert_eq!(desk.said(), ["opened t 2 @100"]);
}

#[test]
fn an_unchanged_rule_fires_over_a_restart_that_changes_another_3_7() {
    let mut desk = Desk::new(&rule("    when: { ticket.no_agent_reply_for: 1h }"));
    desk.created("t", at(0));
    desk.run_to(at(60) + 1_000);
    let more = "rules:
  - { id: rule, tier: 2, when: { ticket.no_agent_reply_for: 1h } }
  - { id: new, tier: 3, when: { ticket.category: billing } }
";
    desk.restart_with(rules(more));
    desk.run_to(at(61));
    assert_eq!(desk.said(), ["opened t 2 @60"]);
}

/// Seed 367 of the simulator: its latch stayed until the next record, or the next restart.
#[test]
fn a_rule_that_reads_the_escalation_hears_that_a_changed_rule_ended_it_3_7() {
    let severity = |word: &str| {
        format!("rules:\n  - {{ id: severe, tier: 2, clear: when_no, when: {{ ticket.severity: {word} }} }}\n")
    };
    let mut desk = Desk::new(&severity("sev1"));
    desk.created("t", at(0));
    desk.updated("t", at(1), TicketFields { severity: Some("sev1".into()), ..urgent(Priority::Low) });
    desk.run_to(at(120));
    let stays = "  - { id: stays, tier: 3, when: { any: [ { escalation.unacknowledged_for: 1h }, { ticket.priority: urgent } ] } }\n";
    desk.restart_with(rules(&(severity("sev0") + stays)));
    assert_eq!(desk.said(), ["opened t 2 @1", "resolved t 2 @120"]);
    desk.updated("t", at(121), urgent(Priority::Urgent));
    assert_eq!(desk.said(), ["opened t 3 @121"]);
}

#[test]
fn a_removed_rule_leaves_its_escalations_3_7() {
    let mut desk = Desk::new(&rule("    clear: when_no\n    when: { ticket.priority: urgent }"));
    desk.created("t", at(0));
    desk.updated("t", at(1), urgent(Priority::Urgent));
    desk.restart_with(rules("rules:\n  - { id: other, tier: 2, when: { ticket.category: billing } }\n"));
    desk.updated("t", at(2), urgent(Priority::Low));
    assert_eq!(desk.said(), ["opened t 2 @1"]);
    assert_eq!(desk.queue.len(), 1);
}

#[test]
fn a_policy_that_makes_a_ticket_overdue_is_silent_3_7() {
    let policy = |hours: u8| {
        let rule = rule("    when: { sla.first_reply: breached }");
        format!("sla:\n  - {{ id: all, targets: {{ first_reply: {{ default: {hours}h }} }} }}\n{rule}")
    };
    let mut desk = Desk::new(&policy(8));
    desk.created("t", at(0));
    desk.run_to(at(300));
    desk.restart_with(rules(&policy(1)));
    desk.created("u", at(310));
    desk.run_to(at(600));
    assert_eq!(desk.said(), ["opened u 2 @370"]);
}

#[test]
fn what_a_source_takes_back_is_unknown_since_then_even_over_a_restart() {
    let mut desk = Desk::new(&rule("    when: { account.health: unknown }\n    for: 10m"));
    desk.account(Some(at(0)), Some("enterprise"), Some(40.0));
    desk.created("t", at(1));
    desk.account(Some(at(30)), Some("enterprise"), None);
    desk.restart();
    desk.run_to(at(60));
    assert_eq!(desk.said(), ["opened t 2 @40"]);
}

#[test]
fn an_escalation_waits_with_clearing_for_what_is_held_and_clears_then_as_of_when_it_became_so() {
    let mut desk = Desk::new(&rule("    clear: when_no\n    when: { ticket.no_agent_reply_for: 1h }"));
    desk.created("t", at(0));
    // The next record comes a second after the bound, well within the grace: the rise is held, and already over.
    desk.clock = at(60) + 1_000;
    desk.reply("t", at(60) + 1_000);
    assert_eq!(desk.said(), Vec::<String>::new());
    desk.restart();
    desk.run_to(at(60) + GRACE);
    let heard = desk.heard();
    let dated: Vec<_> = heard.iter().map(|record| (record.kind.word(), record.became_true_at - at(60))).collect();
    assert_eq!(dated, [("opened", 0), ("resolved", 1_000)]);
}

#[test]
fn who_comes_with_a_merged_ticket_has_waited_since_they_wrote_5_6() {
    let mut desk = Desk::new(&rule("    when: { ticket.no_agent_reply_for: 2h }"));
    desk.created("source", at(0));
    desk.created("target", at(0));
    desk.reply("target", at(30));
    desk.event(TicketEventKind::Merged, "source", at(60), |event| event.merged_into = Some("target".into()));
    desk.restart();
    desk.run_to(at(121));
    assert_eq!(desk.said(), ["opened target 2 @120"]);
}

/// Seed 126 of the simulator, with an SLA policy: the order was that of places in memory, another after a restart.
#[test]
fn what_several_tickets_miss_at_one_instant_is_told_in_the_same_order_after_a_restart() {
    let policy = "sla: [{ id: p, targets: { first_reply: { default: 1h } } }]\n";
    let told = |restarts: bool| {
        let mut desk = Desk::new(&format!("{policy}{}", rule("    when: { ticket.priority: urgent }")));
        for ticket in ["b", "c", "a"] {
            desk.created(ticket, at(1));
        }
        if restarts {
            desk.restart();
        }
        desk.run_to(at(61) + GRACE);
        desk.sla_events.iter().map(|event| event.ticket_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!((told(false), told(true)), (["a", "b", "c"].map(str::to_owned).to_vec(), told(false)));
}
