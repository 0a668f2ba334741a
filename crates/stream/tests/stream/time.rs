//! SEMANTICS §1 as far as the loop and the adapter make it true; each test names its sentence. What the engine alone
//! makes true is tested there.

use std::time::Duration;

use serde_json::json;
use tierline_stream::Step;
use tierline_stream::clock::{ClockMode, Scale};

use crate::memory::State;
use crate::world::*;

#[test]
fn an_instant_counts_from_its_append_time_at_the_latest_1_1() {
    let mut world = World::new();
    world.send("tickets", world.created("T1", NOON + 30 * MINUTE));
    world.start();
    world.to(NOON + HOUR + GRACE);
    assert_eq!(world.told(), [opened("T1", 60)]);
}

#[test]
fn what_cannot_have_happened_then_is_a_dead_letter_1_1() {
    let mut world = World::new();
    let year_2000 = 946_684_800_000;
    world.send("tickets", world.created("future", NOON + HOUR + 1));
    world.send("tickets", world.created("past", year_2000 - 1));
    world.send("signals", json!({ "signal_id": "s", "account_id": ACME, "occurred_at": year_2000 - 1, "name": "x" }));
    world.send(
        "commands",
        json!({ "command_id": "c", "account_id": ACME, "occurred_at": NOON + 2 * HOUR,
                                   "ticket_id": "T", "kind": "escalate" }),
    );
    world.send("tickets", world.created("at the edge", NOON + HOUR));
    world.send("tickets", world.created("at the other", year_2000));
    world.start();
    world.settle();
    assert_eq!(world.codes(), ["absurd_time"; 4]);
    assert_eq!(world.metric(&["tierline_open_tickets"]), 2.0);
}

#[test]
fn a_snapshot_takes_effect_at_its_append_time_and_speaks_as_of_its_update_1_1() {
    let mut world = World::new();
    world.send("tickets", world.urgent("T1", NOON));
    world.start();
    world.settle();
    world.now.set(NOON + 10 * MINUTE);
    let mut bill = world.bill("past_due");
    bill["updated_at"] = json!(NOON - 5 * HOUR);
    world.send("billing", bill);
    world.settle();
    assert_eq!(world.told(), [opened("T1", 10)]);
    let evidence = world.escalations()[0]["evidence"].clone();
    let of_bill = evidence.as_array().expect("a list").iter().find(|it| it["source"] == "stripe").expect("the bill's");
    assert_eq!(instant(&of_bill["as_of"]), NOON - 5 * HOUR);
}

#[test]
fn in_a_backlog_tickets_signals_and_commands_move_the_clock_and_snapshots_do_not_1_2() {
    let by = |topic: &str, record: fn(&World, i64) -> serde_json::Value| {
        let mut world = World::by_events();
        world.send("tickets", world.created("T1", NOON));
        let at = NOON + HOUR + GRACE + 1;
        world.send_at(topic, at, record(&world, at));
        world.start();
        world.to(NOON + 2 * DAY);
        world.escalations().first().map(|it| instant(&it["detected_at"]) - NOON)
    };
    let other = "somebody else";
    assert_eq!(by("accounts", |_, _| json!({ "account_id": "other", "source": "crm" })), None);
    assert_eq!(by("account-changes", |_, _| json!({ "account_id": "other", "source": "crm" })), None);
    assert_eq!(by("billing", |world, _| world.bill("current")), None);
    let moved = Some(HOUR + GRACE + 1);
    assert_eq!(
        by("tickets", |world, at| world.event("updated", "T2", at, json!({ "account_id": "other" }))),
        moved,
        "{other}'s ticket"
    );
    let signal = |_: &World, at| json!({ "signal_id": "s", "account_id": "other", "occurred_at": at, "name": "x" });
    assert_eq!(by("signals", signal), moved);
    let command = |_: &World, at| json!({ "command_id": "c", "account_id": "other", "ticket_id": "T9", "occurred_at": at, "kind": "resolve" });
    assert_eq!(by("commands", command), moved);
}

#[test]
fn caught_up_the_wall_alone_fires_what_is_due_1_2() {
    let mut world = World::new();
    // Were the ends not asked for at once when a timer is due, it would be late by up to a day.
    world.settings.ask_interval = Duration::from_secs(86_400);
    world.send("tickets", world.created("T1", NOON));
    world.start();
    world.to(NOON + HOUR + GRACE - 1);
    assert_eq!(world.told(), []);
    world.to(NOON + HOUR + GRACE);
    assert_eq!(world.told(), [opened("T1", 60)]);
    assert_eq!(instant(&world.escalations()[0]["detected_at"]), NOON + HOUR + GRACE);
}

#[test]
fn while_the_answer_that_is_in_hand_is_unread_nothing_is_due_1_2() {
    for (slow, record) in [("tickets", "an answer"), ("commands", "a command")] {
        let mut world = World::new();
        world.send("tickets", world.created("T1", NOON));
        world.start();
        world.to(NOON + 50 * MINUTE);
        world.cluster.borrow_mut().slow.push(slow.to_owned());
        match slow {
            "tickets" => world.send(slow, world.answered("T1", NOON + 50 * MINUTE)),
            _ => world.send(
                slow,
                json!({ "command_id": "c", "account_id": ACME, "ticket_id": "T1", "kind": "escalate", "tier": 2,
                        "occurred_at": NOON + 50 * MINUTE }),
            ),
        };
        world.to(NOON + 3 * HOUR);
        assert_eq!(world.told(), [], "{record} is there, though it can't be read yet");
        world.cluster.borrow_mut().slow.clear();
        world.settle();
        match slow {
            "tickets" => assert_eq!(world.told(), []),
            _ => assert_eq!(world.told()[0], opened("T1", 50)),
        }
    }
}

#[test]
fn an_answer_hidden_behind_an_open_transaction_is_waited_for_1_2() {
    let mut world = World::new();
    world.send("tickets", world.created("T1", NOON));
    world.start();
    world.to(NOON + 50 * MINUTE);
    let answer = world.answered("T1", NOON + 50 * MINUTE).to_string();
    const OTHER: u32 = 99;
    world.append("tickets", 0, NOON + 50 * MINUTE, Some(ACME.as_bytes()), Some(answer.as_bytes()), State::Open(OTHER));
    world.to(NOON + 3 * HOUR);
    assert_eq!(world.told(), []);
    world.cluster.borrow_mut().end(OTHER, State::Committed);
    world.to(NOON + 4 * HOUR);
    assert_eq!(world.told(), []);
}

#[test]
fn while_no_answer_comes_the_clock_stands_still_1_2() {
    let mut world = World::new();
    world.send("tickets", world.created("T1", NOON));
    world.start();
    world.to(NOON + MINUTE);
    world.cluster.borrow_mut().silent = true;
    world.to(NOON + 3 * HOUR);
    assert_eq!(world.told(), []);
    world.cluster.borrow_mut().silent = false;
    world.to(NOON + 3 * HOUR + MINUTE);
    assert_eq!(world.told(), [opened("T1", 60)]);
}

#[test]
fn the_clock_is_kept_over_a_restart_and_never_runs_backwards_1_2() {
    let mut world = World::new();
    world.send("tickets", world.created("T1", NOON));
    world.start();
    world.to(NOON + 2 * HOUR);
    assert_eq!(world.told(), [opened("T1", 60)]);
    world.crash();
    // The machine's clock was set back meanwhile.
    world.now.set(NOON + 90 * MINUTE);
    world.send("billing", world.bill("past_due"));
    world.send("tickets", world.urgent("T2", NOON + 90 * MINUTE));
    world.start();
    world.settle();
    let last = world.escalations().pop().expect("there are two");
    assert_eq!((word(&last["ticket_id"]).as_str(), instant(&last["detected_at"])), ("T2", NOON + 2 * HOUR));
}

#[test]
fn a_scaled_wall_fires_when_it_shows_the_instant_1_2() {
    let scale = Scale { real_origin: NOON, origin: NOON, factor: 60.0 };
    let mut world = World::with(1, ClockMode::Scaled(scale));
    world.send("tickets", world.created("T1", NOON));
    world.start();
    world.to(NOON + MINUTE);
    assert_eq!(world.told(), []);
    world.to(NOON + MINUTE + SECOND);
    assert_eq!(world.told(), [opened("T1", 60)]);
}

#[test]
fn by_events_the_wall_is_not_heard_and_until_runs_on_to_the_end_1_2() {
    let mut world = World::by_events();
    world.send("tickets", world.created("T1", NOON));
    world.start();
    world.to(NOON + 3 * HOUR);
    assert_eq!(world.told(), []);
    world.close();
    world.settings.until = Some(NOON + 2 * HOUR);
    world.start();
    let mut last = Step::Idle;
    for _ in 0..100 {
        last = world.step().expect("it lives");
        if last == Step::Finished {
            break;
        }
    }
    assert_eq!(last, Step::Finished);
    assert_eq!(world.told(), [opened("T1", 60)]);
    assert_eq!(instant(&world.escalations()[0]["detected_at"]), NOON + 2 * HOUR);
}

#[test]
fn a_bound_before_a_record_is_judged_on_the_state_before_it_1_3() {
    let mut world = World::new();
    world.send("tickets", world.created("T1", NOON));
    world.send("tickets", world.answered("T1", NOON + HOUR + 1));
    world.now.set(NOON + 2 * HOUR);
    world.start();
    world.settle();
    assert_eq!(world.told(), [opened("T1", 60)]);
}

#[test]
fn a_record_of_the_very_instant_comes_before_its_bound_1_3() {
    let mut world = World::by_events();
    world.detect.engine.grace = 0;
    // The clock passes one bound of the account by a record that stands at another's very instant.
    world.send("tickets", world.created("T1", NOON - 1));
    world.send("tickets", world.created("T2", NOON));
    let at = NOON + HOUR;
    world.send_at("tickets", at, world.event("updated", "T9", at, json!({ "account_id": "other" })));
    world.send_at("tickets", at, world.answered("T2", at));
    world.start();
    world.to(NOON + DAY);
    let escalated: Vec<_> = world.told().into_iter().map(|(_, ticket, _)| ticket).collect();
    assert_eq!(escalated, ["T1"]);
}

#[test]
fn rules_are_judged_after_each_record_whatever_brought_it_1_3() {
    let mut world = World::new();
    world.start();
    world.send("tickets", world.urgent("T1", NOON));
    world.to(NOON);
    world.now.set(NOON + MINUTE);
    world.send("billing-changes", world.bill_change("past_due"));
    world.settle();
    assert_eq!(world.told(), [opened("T1", 1)]);
}

#[test]
fn the_same_comes_out_whenever_it_is_read_1_3() {
    let tell = |world: &World| {
        [
            (0, world.created("T1", NOON)),
            (10, world.created("T2", NOON + 10 * MINUTE)),
            (59, world.answered("T1", NOON + 59 * MINUTE)),
            (71, world.answered("T2", NOON + 71 * MINUTE)),
            (80, world.created("T3", NOON + 80 * MINUTE)),
        ]
    };
    let mut at_once = World::new();
    for (minute, record) in tell(&at_once) {
        at_once.send_at("tickets", NOON + minute * MINUTE, record);
    }
    at_once.now.set(NOON + 5 * HOUR);
    at_once.start();
    at_once.settle();

    let mut as_it_comes = World::new();
    as_it_comes.start();
    for (minute, record) in tell(&as_it_comes) {
        as_it_comes.to(NOON + minute * MINUTE);
        as_it_comes.send("tickets", record);
        as_it_comes.settle();
    }
    as_it_comes.to(NOON + 5 * HOUR);
    assert_eq!(at_once.told(), as_it_comes.told());
    assert_eq!(at_once.told(), [opened("T2", 70), opened("T3", 140)]);
}

#[test]
fn a_straggler_within_the_grace_leaves_no_trace_1_4() {
    let mut world = World::new();
    world.send("tickets", world.created("T1", NOON));
    world.start();
    world.to(NOON + HOUR + GRACE - SECOND);
    world.send("tickets", world.answered("T1", NOON + HOUR - SECOND));
    world.to(NOON + 5 * HOUR);
    assert_eq!(world.told(), []);
}

#[test]
fn what_is_held_for_stragglers_outlives_a_crash_1_4() {
    for answered in [false, true] {
        let mut world = World::new();
        world.send("tickets", world.created("T1", NOON));
        world.start();
        world.to(NOON + HOUR + SECOND);
        // A record of the account passes the bound: from now on the rise is held.
        world.send("tickets", world.created("T2", NOON + HOUR + SECOND));
        world.settle();
        world.start();
        if answered {
            world.send("tickets", world.answered("T1", NOON + HOUR - SECOND));
        }
        world.to(NOON + HOUR + GRACE);
        let expected = if answered { Vec::new() } else { vec![opened("T1", 60)] };
        assert_eq!(world.told(), expected, "answered: {answered}");
    }
}

#[test]
fn a_rise_that_a_record_caused_goes_out_at_once_1_4() {
    let mut world = World::new();
    world.send("billing", world.bill("past_due"));
    world.start();
    world.settle();
    world.send("tickets", world.urgent("T1", NOON));
    world.settle();
    assert_eq!(world.told(), [opened("T1", 0)]);
    assert_eq!(instant(&world.escalations()[0]["detected_at"]), NOON);
}

#[test]
fn a_late_record_fires_what_still_holds_dated_when_it_became_true_1_4() {
    let mut world = World::new();
    world.send("tickets", world.created("T1", NOON));
    world.start();
    world.to(NOON + 10 * MINUTE);
    world.now.set(NOON + 3 * HOUR);
    world.cluster.borrow_mut().silent = true;
    // Told three hours late that it was opened two and a half hours ago.
    world.send("tickets", world.created("late", NOON + 30 * MINUTE));
    world.settle();
    world.cluster.borrow_mut().silent = false;
    world.to(NOON + 4 * HOUR);
    assert!(world.told().contains(&opened("late", 90)), "{:?}", world.told());
}

#[test]
fn a_late_answer_retracts_dated_when_it_arrived_also_after_a_restart_1_5() {
    let mut world = World::new();
    world.send("tickets", world.created("T1", NOON));
    world.start();
    world.to(NOON + 2 * HOUR);
    world.start();
    world.send("tickets", world.answered("T1", NOON + 30 * MINUTE));
    world.settle();
    assert_eq!(world.told(), [opened("T1", 60), ("retracted".to_owned(), "T1".to_owned(), 120)]);
    let queue = world.committed("escalation-queue");
    assert_eq!(queue.last().map(|entry| entry.value.is_none()), Some(true), "its queue entry is gone");
}

#[test]
fn a_cold_start_knows_all_snapshots_before_its_first_ticket_1_7() {
    let mut world = World::new();
    world.cluster.borrow_mut().records_a_poll = 1;
    world.send("tickets", world.urgent("T1", NOON));
    for state in ["current", "unpaid", "past_due"] {
        // Told hours after the ticket; on a cold start that is no instant.
        world.send_at("billing", NOON + 2 * HOUR, world.bill(state));
    }
    world.now.set(NOON + 3 * HOUR);
    world.start();
    world.settle();
    assert_eq!(world.told()[0], opened("T1", 0));
}

#[test]
fn a_cold_start_goes_on_where_a_crash_ended_it_1_7() {
    for steps in 1..12 {
        let mut world = World::new();
        world.cluster.borrow_mut().records_a_poll = 1;
        world.send("tickets", world.urgent("T1", NOON));
        for state in ["current", "past_due", "current", "past_due"] {
            world.send_at("billing", NOON + 2 * HOUR, world.bill(state));
        }
        world.now.set(NOON + 3 * HOUR);
        world.start();
        for _ in 0..steps {
            world.step().expect("it lives");
        }
        world.start();
        world.settle();
        assert_eq!(world.told()[0], opened("T1", 0), "crashed after {steps} steps");
    }
}

#[test]
fn inputs_are_merged_by_when_it_happened_1_7() {
    let mut world = World::new();
    world.start();
    world.settle();
    world.crash();
    // Past due from minute 10 to minute 20; the tickets stand in one input, the bills in the other.
    world.send_at("billing-changes", NOON + 10 * MINUTE, world.bill_change("past_due"));
    world.send_at("billing-changes", NOON + 20 * MINUTE, world.bill_change("current"));
    for minute in [5, 15, 25] {
        let mut ticket = world.urgent(&format!("T{minute}"), NOON + minute * MINUTE);
        ticket["ticket"]["status"] = json!("new");
        world.send_at("tickets", NOON + minute * MINUTE, ticket);
    }
    world.now.set(NOON + 30 * MINUTE);
    world.start();
    world.settle();
    assert_eq!(world.told(), [opened("T5", 10), opened("T15", 15)]);
}

#[test]
fn an_input_is_empty_only_when_it_is_known_to_be_at_its_end_1_7() {
    let mut world = World::new();
    world.start();
    world.settle();
    world.crash();
    world.send("billing-changes", world.bill_change("past_due"));
    world.send("tickets", world.urgent("T1", NOON + 1));
    world.cluster.borrow_mut().slow.push("billing-changes".to_owned());
    world.now.set(NOON + MINUTE);
    world.start();
    world.settle();
    assert_eq!(world.metric(&["tierline_open_tickets"]), 0.0, "the ticket waits for the bill");
    world.cluster.borrow_mut().slow.clear();
    world.settle();
    assert_eq!(world.told(), [opened("T1", 0)]);
}

#[test]
fn at_one_instant_bills_come_before_tickets_and_commands_after_them_1_7() {
    let mut world = World::new();
    world.start();
    world.settle();
    world.crash();
    let command = json!({ "command_id": "c", "account_id": ACME, "ticket_id": "T1", "occurred_at": NOON,
                          "kind": "acknowledge", "by": "sam" });
    world.send("commands", command);
    world.send("tickets", world.urgent("T1", NOON));
    world.send("billing-changes", world.bill_change("past_due"));
    world.start();
    world.settle();
    let kinds: Vec<_> = world.told().into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds, ["opened", "acknowledged"], "the bill, the ticket, the command");
}

#[test]
fn repeats_are_dropped_also_after_a_restart_1_7() {
    let mut world = World::new();
    world.start();
    let created = world.created("T1", NOON);
    world.send("tickets", created.clone());
    world.settle();
    world.start();
    world.send("tickets", created);
    world.settle();
    assert_eq!(world.metric(&["tierline_passed_over_total", "repeat"]), 1.0);
}

#[test]
fn what_is_true_at_a_first_catch_up_latches_in_silence_once_1_8() {
    let mut world = World::new();
    world.detect.engine.start_quietly = true;
    world.send("tickets", world.created("T1", NOON));
    world.now.set(NOON + 3 * HOUR);
    world.start();
    world.settle();
    assert_eq!(world.told(), []);
    assert_eq!(world.metric(&["tierline_passed_over_total", "quiet_latch"]), 1.0);
    // From then on it fires, and a restart is no first start.
    world.send("tickets", world.created("T2", NOON + 3 * HOUR));
    world.settle();
    world.start();
    world.to(NOON + 5 * HOUR);
    assert_eq!(world.told(), [opened("T2", 240)]);
}

#[test]
fn a_crash_before_the_first_catch_up_leaves_the_start_quiet_1_8() {
    let mut world = World::new();
    world.detect.engine.start_quietly = true;
    world.send("tickets", world.created("T1", NOON));
    world.now.set(NOON + 3 * HOUR);
    world.cluster.borrow_mut().slow.push("commands".to_owned());
    world.send_at(
        "commands",
        NOON + 3 * HOUR,
        json!({ "command_id": "c", "account_id": ACME, "ticket_id": "no",
                                                        "occurred_at": NOON + 3 * HOUR, "kind": "resolve" }),
    );
    world.start();
    world.settle();
    world.cluster.borrow_mut().slow.clear();
    world.start();
    world.settle();
    assert_eq!(world.told(), []);
    assert_eq!(world.metric(&["tierline_passed_over_total", "quiet_latch"]), 1.0);
}

#[test]
fn a_replay_fires_everything_1_8() {
    let mut world = World::new();
    world.send("tickets", world.created("T1", NOON));
    world.now.set(NOON + 3 * HOUR);
    world.start();
    world.settle();
    assert_eq!(world.told(), [opened("T1", 60)]);
}

#[test]
fn a_clock_that_is_put_back_does_not_stop_the_asking_for_ends_1_2() {
    let mut world = World::new();
    world.now.set(NOON + 30 * MINUTE);
    world.cluster.borrow_mut().silent = true;
    world.start();
    for _ in 0..5 {
        world.step().expect("the lane lives");
    }
    // The wall was half an hour fast, and somebody sets it right while a question is unanswered.
    world.now.set(NOON);
    world.cluster.borrow_mut().silent = false;
    world.send("tickets", world.created("T1", NOON - HOUR));
    for _ in 0..20 {
        world.now.set(world.now.get() + 20);
        world.step().expect("the lane lives");
    }
    assert_eq!(world.metric(&["tierline_open_tickets"]), 1.0, "it waits for an answer that nobody is asked for");
}

#[test]
fn ends_that_were_heard_long_ago_do_not_make_an_input_empty_1_7() {
    let mut world = World::new();
    world.settings.ask_interval = Duration::from_millis(250);
    world.start();
    world.to(NOON);
    // While the lane sleeps, a bill and then a ticket arrive; the bill's broker is slow, and nobody says where it ends.
    world.now.set(NOON + MINUTE);
    world.cluster.borrow_mut().silent = true;
    world.cluster.borrow_mut().slow = vec!["billing".to_owned()];
    world.send("billing", world.bill("past_due"));
    world.now.set(NOON + 2 * MINUTE);
    world.send("tickets", world.urgent("T1", NOON + 2 * MINUTE));
    for _ in 0..5 {
        world.step().expect("the lane lives");
    }
    assert_eq!(world.told(), [], "the ticket may not be the first of them");
    world.cluster.borrow_mut().silent = false;
    world.cluster.borrow_mut().slow.clear();
    world.to(NOON + 2 * MINUTE + 2 * SECOND);
    assert_eq!(world.told(), [opened("T1", 2)]);
    let stood = world.metric(&["tierline_records_total", "topic=\"billing\"", "applied"]);
    assert_eq!(stood, 1.0);
}

#[test]
fn an_answer_that_lay_there_while_the_lane_was_held_up_does_not_make_an_input_empty_1_7() {
    let mut world = World::new();
    world.settings.ask_interval = Duration::from_millis(250);
    world.start();
    world.to(NOON);
    // A question is answered, and nobody looks for a minute.
    world.cluster.borrow_mut().unheard = true;
    world.now.set(NOON + 300);
    world.step().expect("the lane lives");
    world.cluster.borrow_mut().slow = vec!["billing".to_owned()];
    world.now.set(NOON + MINUTE);
    world.send("billing", world.bill("past_due"));
    world.send("tickets", world.urgent("T1", NOON + MINUTE));
    world.cluster.borrow_mut().unheard = false;
    for _ in 0..5 {
        world.step().expect("the lane lives");
    }
    assert_eq!(world.told(), [], "the ticket may not be the first of them");
    world.cluster.borrow_mut().slow.clear();
    world.to(NOON + MINUTE + 2 * SECOND);
    assert_eq!(world.told(), [opened("T1", 1)]);
}

/// Each answer takes longer than one may be old by the wall.
#[test]
fn by_the_clock_of_events_a_slow_broker_makes_a_task_slow_and_does_not_stop_it_1_7() {
    let mut world = World::by_events();
    world.settings.ask_interval = Duration::from_millis(250);
    world.send("billing", world.bill("past_due"));
    world.send("tickets", world.urgent("T1", NOON));
    world.start();
    for _ in 0..10 {
        for unheard in [true, true, true, true, true, true, true, false] {
            world.cluster.borrow_mut().unheard = unheard;
            world.now.set(world.now.get() + 100);
            world.step().expect("the lane lives");
        }
    }
    assert_eq!(world.told(), [opened("T1", 0)]);
}

#[test]
fn an_input_of_which_nobody_says_where_it_ends_any_more_is_waited_for_1_7() {
    let mut world = World::new();
    world.start();
    world.to(NOON);
    world.cluster.borrow_mut().untold = vec!["billing".to_owned()];
    world.cluster.borrow_mut().slow = vec!["billing".to_owned()];
    world.to(NOON + SECOND);
    world.send("billing", world.bill("past_due"));
    world.to(NOON + MINUTE);
    world.send("tickets", world.urgent("T1", NOON + MINUTE));
    world.to(NOON + 2 * MINUTE);
    assert_eq!(world.told(), [], "the bill may come before the ticket");
    world.cluster.borrow_mut().untold.clear();
    world.cluster.borrow_mut().slow.clear();
    world.to(NOON + 3 * MINUTE);
    assert_eq!(world.told(), [opened("T1", 1)]);
}
