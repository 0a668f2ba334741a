//! Silent sources: no absence is believed past the last heartbeat and some patience. SEMANTICS 1.6.

use tierline_model::{Author, Priority, SlaEventKind, TicketEventKind, TicketFields};

use crate::kit::*;

const SILENT: &str = "    when: { ticket.no_agent_reply_for: 2h }";

#[test]
fn an_absence_waits_until_its_source_has_been_heard_for_so_long() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    desk.heartbeat(at(30));
    desk.run_to(at(300));
    assert_eq!(desk.said(), [""; 0], "the help desk may be down");
    assert_eq!(desk.engine.why(None, "T1", desk.clock).unwrap().unheard_since, Some(at(30)));
    desk.heartbeat(at(117));
    assert_eq!(desk.said(), [""; 0], "a minute is missing");
    desk.heartbeat(at(301));
    assert_eq!(desk.said(), ["opened T1 2 @120"]);
    assert_eq!(desk.engine.why(None, "T1", desk.clock).unwrap().unheard_since, None);
}

#[test]
fn a_source_has_two_minutes_to_say_that_it_lives() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    desk.heartbeat(at(118));
    desk.run_to(at(120));
    assert_eq!(desk.said(), [""; 0], "the grace");
    desk.run_to(at(120) + GRACE);
    assert_eq!(desk.said(), ["opened T1 2 @120"]);
}

#[test]
fn what_was_missed_comes_in_time_while_its_source_has_not_been_heard() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.created("T1", at(0));
    desk.heartbeat(at(30));
    desk.run_to(at(300));
    desk.reply("T1", at(60));
    desk.heartbeat(at(301));
    assert_eq!(desk.said(), [""; 0]);
    desk.message("T1", at(310), Author::Customer);
    desk.heartbeat(at(440));
    assert_eq!(desk.said(), ["opened T1 2 @430"]);
}

#[test]
fn a_record_makes_no_absence_believed() {
    let condition = "    when: { ticket.priority: urgent, ticket.no_agent_reply_for: 2h }";
    let mut desk = Desk::new(&rule(condition));
    desk.created("T1", at(0));
    desk.heartbeat(at(30));
    let urgent = TicketFields { priority: Some(Priority::Urgent), ..TicketFields::default() };
    desk.updated("T1", at(200), urgent);
    desk.created("T2", at(201));
    desk.run_to(at(300));
    assert_eq!(desk.said(), [""; 0]);
    desk.restart();
    desk.run_to(at(301));
    assert_eq!(desk.said(), [""; 0], "a restart remembers whom it has not heard");
    desk.heartbeat(at(302));
    assert_eq!(desk.said(), ["opened T1 2 @200"]);
}

#[test]
fn who_never_sends_heartbeats_is_believed() {
    let mut desk = Desk::new(&rule(SILENT));
    desk.heartbeat(at(0));
    desk.created("T1", at(0));
    desk.event(TicketEventKind::Created, "T2", at(0), |event| event.source = "mail".into());
    desk.run_to(at(300));
    assert_eq!(desk.said(), ["opened T2 2 @120"]);
}

#[test]
fn of_several_that_wait_each_comes_as_of_its_own_instant() {
    let mut desk =
        Desk::new(&rule("    when: { any: [ { ticket.no_agent_reply_for: 2h }, { ticket.open_for: 3h } ] }"));
    desk.created("T1", at(0));
    desk.created("T2", at(10));
    desk.heartbeat(at(30));
    desk.reply("T1", at(100));
    desk.run_to(at(600));
    desk.heartbeat(at(600));
    assert_eq!(desk.said(), ["opened T2 2 @130", "opened T1 2 @180"]);
}

#[test]
fn an_sla_clock_waits_as_well_and_then_tells_when_it_was_missed() {
    let text = format!(
        "{}sla: [ {{ id: all, targets: {{ first_reply: {{ default: 1h }}, resolution: {{ default: 8h }} }} }} ]\n",
        rule("    when: { sla.first_reply: breached }")
    );
    let mut desk = Desk::new(&text);
    desk.created("T1", at(0));
    desk.heartbeat(at(30));
    desk.run_to(at(300));
    desk.restart();
    desk.reply("T1", at(310));
    assert_eq!((desk.said(), desk.sla_events.len()), (vec![], 0));
    desk.heartbeat(at(311));
    assert_eq!(desk.said(), [""; 0], "it is no longer overdue");
    let told: Vec<_> = desk.sla_events.iter().map(|event| (event.kind, event.due_at)).collect();
    assert_eq!(told, [(SlaEventKind::Breached, at(60))]);
}

/// It was told only if the process happened to be restarted (found by the simulator's seed 88).
#[test]
fn a_target_missed_in_the_silence_is_told_though_the_ticket_was_solved_since() {
    let text = format!(
        "{}sla: [ {{ id: all, targets: {{ requester_wait: {{ default: 1h }} }} }} ]\n",
        rule("    when: { sla.requester_wait: breached }")
    );
    for restarts in [false, true] {
        let mut desk = Desk::new(&text);
        desk.created("T1", at(0));
        desk.heartbeat(at(30));
        desk.solved("T1", at(200));
        desk.run_to(at(300));
        assert_eq!(desk.sla_events.len(), 0, "its source may have solved it in time");
        if restarts {
            desk.restart();
        }
        desk.heartbeat(at(301));
        let told: Vec<_> = desk.sla_events.iter().map(|event| (event.kind, event.due_at)).collect();
        assert_eq!(told, [(SlaEventKind::Breached, at(60))]);
        assert_eq!(desk.said(), [""; 0]);
    }
}

#[test]
fn what_tierline_itself_knows_is_believed() {
    let rules = "rules:
  - { id: first, tier: 2, when: { ticket.priority: urgent } }
  - { id: second, tier: 3, when: { escalation.unacknowledged_for: 1h } }
";
    let mut desk = Desk::new(rules);
    desk.created("T1", at(0));
    desk.heartbeat(at(0));
    desk.updated("T1", at(1), TicketFields { priority: Some(Priority::Urgent), ..TicketFields::default() });
    desk.run_to(at(100));
    assert_eq!(desk.said(), ["opened T1 2 @1", "raised T1 3 @61"]);
}

/// Seed 1576 of the simulator: a restart after the heartbeat let it go out late, or not at all.
#[test]
fn what_waited_goes_out_in_time_though_the_process_is_restarted_when_its_source_is_heard() {
    for restarts in [false, true] {
        let mut desk = Desk::new(&rule(SILENT));
        desk.created("T1", at(0));
        desk.heartbeat(at(0));
        // Its account comes past what is due on it.
        desk.created("T2", at(120) + 1_000);
        desk.heartbeat(at(120) + 2_000);
        if restarts {
            desk.restart();
        }
        desk.run_to(at(120) + GRACE - 1);
        assert_eq!(desk.said(), [""; 0], "restarts: {restarts}");
        desk.run_to(at(120) + GRACE);
        assert_eq!(desk.said(), ["opened T1 2 @120"], "restarts: {restarts}");
    }
}

/// Seed 1915 of the simulator: who had waited for something else as well came first, unless the process was restarted.
#[test]
fn tickets_that_waited_come_in_order_whatever_else_they_had_waited_for() {
    let rules = "rules:
  - { id: silence, tier: 2, when: { ticket.no_agent_reply_for: 2h } }
  - { id: urgent, tier: 2, when: { ticket.priority: urgent, ticket.no_agent_reply_for: 100m } }
  - { id: poor, tier: 2, when: { account.health: { below: 50 }, ticket.open_for: 1h } }
";
    for restarts in [false, true] {
        let mut desk = Desk::new(rules);
        desk.account(Some(at(0)), None, Some(40.0));
        desk.created("T1", at(0));
        desk.heartbeat(at(0));
        desk.created("T2", at(10));
        desk.updated("T2", at(11), TicketFields { priority: Some(Priority::Urgent), ..TicketFields::default() });
        desk.run_to(at(61));
        desk.account(Some(at(62)), None, Some(90.0));
        desk.created("T3", at(125));
        if restarts {
            desk.restart();
        }
        desk.heartbeat(at(126));
        assert_eq!(desk.said(), ["opened T2 2 @110", "opened T1 2 @120"], "restarts: {restarts}");
    }
}

#[test]
fn what_was_believed_before_a_source_sent_its_first_heartbeat_stays_so_even_over_a_restart() {
    for restarts in [false, true] {
        let mut desk = Desk::new(&rule(SILENT));
        desk.created("T1", at(0));
        desk.created("T2", at(10));
        desk.run_to(at(121));
        assert_eq!(desk.said(), ["opened T1 2 @120"]);
        desk.heartbeat(at(30));
        desk.created("T3", at(122));
        if restarts {
            desk.restart();
        }
        desk.run_to(at(140));
        assert_eq!(desk.said(), [""; 0], "from now on its silence is not; restarts: {restarts}");
        desk.heartbeat(at(140));
        assert_eq!(desk.said(), ["opened T2 2 @130"], "T1 has risen once; restarts: {restarts}");
    }
}

/// Seed 6391 of the simulator: the log's clock was behind, and a rule that had fired rose once more after a restart.
#[test]
fn what_has_fired_stays_believed_though_the_log_took_the_first_heartbeat_before() {
    for restarts in [false, true] {
        let mut desk = Desk::new(&rule(SILENT));
        desk.created("T1", at(0));
        desk.run_to(at(121));
        assert_eq!(desk.said(), ["opened T1 2 @120"]);
        desk.heartbeat_appended(at(30), at(119));
        if restarts {
            desk.restart();
        }
        // Whatever is told of the ticket has its rules looked at again.
        desk.message("T1", at(150), Author::Customer);
        desk.heartbeat(at(200));
        assert_eq!(desk.said(), [""; 0], "restarts: {restarts}");
    }
}
