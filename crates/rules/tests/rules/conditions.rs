//! Every condition, with its dates.

use tierline_model::{AccountField, BillingField, TicketField};
use tierline_rules::{
    ALWAYS, Absence, AbsenceOf, Age, Clock, Edge, FieldRef, Moment, NEVER, OpenEscalation, Reads, Topic, Truth, Wait,
};

use crate::sample::{DAY, Sample, SignalTold, Tell, dated, no, rule, running, unknown, yes};

#[test]
fn a_silence_is_reached_after_the_records_of_its_instant() {
    let sample = Sample { wait: Wait::Since(100), ..Sample::default() };
    let when = "{ ticket.no_agent_reply_for: 50ms }";
    assert_eq!(dated(when, &sample.at(149)), no(100, 150));
    assert_eq!(dated(when, &sample.just_at(150)), no(100, 150));
    assert_eq!(dated(when, &sample.at(150)), yes(150, NEVER));
    assert_eq!(dated(when, &sample.just_at(151)), yes(150, NEVER));
    assert_eq!(dated(when, &Sample { wait: Wait::Nobody(120), ..sample.clone() }.at(500)), no(120, NEVER));
    assert_eq!(dated(when, &Sample { wait: Wait::Unknown, ..sample }.at(500)), unknown());
}

#[test]
fn every_silence_says_what_it_waits_for() {
    let sample = Sample {
        wait: Wait::Since(10),
        unanswered: Ok(Some(20)),
        age: Ok(Age { created_at: 30, solved_for: 5 }),
        unassigned: Ok(Some(40)),
        touched: Ok(50),
        clock: running(60, 30, 60),
        ..Sample::default()
    };
    for (when, of, from, due) in [
        ("{ ticket.no_agent_reply_for: 1s }", AbsenceOf::AgentReply, 10, 1_010),
        ("{ ticket.no_customer_reply_for: 1s }", AbsenceOf::CustomerReply, 20, 1_020),
        ("{ ticket.open_for: { for: 1s, calendar: always } }", AbsenceOf::Closing, 30, 1_035),
        ("{ ticket.unassigned_for: 1s }", AbsenceOf::Assignment, 40, 1_040),
        ("{ ticket.unchanged_for: 1s }", AbsenceOf::Change, 50, 1_050),
        ("{ sla.first_reply: { overdue_by: 1s } }", AbsenceOf::AgentReply, 60, 1_090),
    ] {
        let (rule, _) = rule(when);
        assert_eq!(rule.leaves(&sample.at(70))[0].absence, Some(Absence { of, from, due }), "{when}");
        assert_eq!(rule.evaluate(&sample.at(due - 1)).until, due, "{when}");
        assert_eq!(rule.evaluate(&sample.at(due)), yes(due, NEVER), "{when}");
        assert_eq!(rule.evaluate(&Sample::default().at(70)), unknown(), "{when}");
        assert_eq!(rule.leaves(&Sample::default())[0].absence, None, "{when}");
        assert!(rule.is_timed(), "{when}");
    }
}

#[test]
fn follow_ups_are_what_came_after_the_message_that_began_the_wait() {
    let contacts = vec![0, 600, 700, 900, 1_300];
    let sample = Sample { wait: Wait::Since(0), contacts, ..Sample::default() };
    let when = |n: u32| format!("{{ ticket.follow_ups: {{ at_least: {n}, apart: 300ms }} }}");
    // 600 counts, 700 does not, 900 does, 1300 does.
    assert_eq!(dated(&when(3), &sample.at(2_000)), yes(1_300, NEVER));
    assert_eq!(dated(&when(4), &sample.at(2_000)), no(0, NEVER));
    assert_eq!(dated(&when(1), &Sample { wait: Wait::Nobody(50), ..sample.clone() }.at(2_000)), no(50, NEVER));
    assert_eq!(dated(&when(1), &Sample { wait: Wait::Unknown, ..sample }.at(2_000)), unknown());
}

#[test]
fn a_burst_is_measured_from_the_last_that_counted() {
    let sample = Sample { wait: Wait::Since(0), contacts: vec![0, 100, 350, 450], ..Sample::default() };
    // 100 counts; 350 comes 250 after it and does not; 450 comes 350 after the last that counted.
    assert_eq!(dated("{ ticket.follow_ups: { at_least: 2, apart: 300ms } }", &sample.at(449)), no(0, 450));
    assert_eq!(dated("{ ticket.follow_ups: { at_least: 2, apart: 300ms } }", &sample.at(450)), yes(450, NEVER));
}

#[test]
fn follow_ups_within_a_window_leave_it() {
    let sample = Sample { wait: Wait::Since(0), contacts: vec![0, 10, 20], ..Sample::default() };
    let when = "{ ticket.follow_ups: { at_least: 2, apart: 0s, within: 100ms } }";
    assert_eq!(dated(when, &sample.at(50)), yes(20, 110));
    assert_eq!(dated(when, &sample.at(110)), no(110, NEVER));
    assert!(rule(when).0.is_timed());
    assert!(!rule("{ ticket.follow_ups: 2 }").0.is_timed());
}

#[test]
fn only_the_newest_follow_ups_that_are_kept_count() {
    let sample = Sample { wait: Wait::Since(0), contacts: (0..400).collect(), ..Sample::default() };
    assert_eq!(dated("{ ticket.follow_ups: { at_least: 128, apart: 0s } }", &sample.at(400)).truth, Truth::Yes);
}

#[test]
fn a_ticket_leaves_the_window_at_the_very_instant() {
    let sample = Sample { tickets: vec![0, 10, 20], ..Sample::default() };
    let when = "{ account.tickets: { at_least: 3, within: 100ms } }";
    assert_eq!(dated(when, &sample.at(19)), no(ALWAYS, 20));
    assert_eq!(dated(when, &sample.at(99)), yes(20, 100));
    for moment in [Edge::Records, Edge::Bounds] {
        let then = Sample { moment: Moment { at: 100, edge: moment }, ..sample.clone() };
        assert_eq!(dated(when, &then), no(100, NEVER));
    }
}

#[test]
fn a_count_between_bounds_can_be_entered_by_a_loss() {
    let sample = Sample { tickets: vec![0, 10, 20], ..Sample::default() };
    let when = "{ account.tickets: { at_least: 1, at_most: 2, within: 100ms } }";
    assert_eq!(dated(when, &sample.at(50)), no(20, 100));
    assert_eq!(dated(when, &sample.at(100)), yes(100, 120));
    assert_eq!(dated("{ account.tickets: { is: 2, at_least: 2, within: 100ms } }", &sample.at(105)), yes(100, 110));
}

#[test]
fn tickets_without_a_window_are_those_of_the_history() {
    let sample = Sample { tickets: vec![0], ..Sample::default() };
    assert_eq!(dated("{ account.tickets: 1 }", &sample.at(5)), yes(0, 35 * DAY));
}

#[test]
fn the_marks_of_a_clock_are_passed_to_the_millisecond() {
    let clock = running(0, 1_001, 0);
    let sample = Sample { clock, ..Sample::default() };
    for (mark, passed) in [
        ("breached", 1_001),
        ("{ is: breached }", 1_001),
        ("{ due_within: 1s }", 1),
        ("{ overdue_by: 9ms }", 1_010),
        // Three quarters are 750.75: the first millisecond at which so much is used.
        ("{ used: 75% }", 751),
        ("{ used: 200% }", 2_002),
        ("{ due_within: 500ms, used: 75% }", 751),
    ] {
        let when = format!("{{ sla.first_reply: {mark} }}");
        assert_eq!(dated(&when, &sample.at(passed - 1)).truth, Truth::No, "{mark}");
        assert_eq!(dated(&when, &sample.just_at(passed)), no(0, passed), "{mark}");
        assert_eq!(dated(&when, &sample.at(passed)), yes(passed, NEVER), "{mark}");
        assert_eq!(dated(&when, &sample.at(9_999)), yes(passed, NEVER), "a warning stays: {mark}");
        let stopped = Sample { clock: Clock::Stopped { at: 40 }, ..sample.clone() };
        assert_eq!(dated(&when, &stopped.at(9_999)), no(40, NEVER), "{mark}");
        let none = Sample { clock: Clock::None, ..sample.clone() };
        assert_eq!(dated(&when, &none.at(9_999)).truth, Truth::No, "{mark}");
    }
}

#[test]
fn a_target_that_came_later_is_overdue_since_then() {
    let clock = running(0, 100, 500);
    let sample = Sample { clock, ..Sample::default() };
    assert_eq!(dated("{ sla.first_reply: breached }", &sample.at(600)), yes(500, NEVER));
    let absence = rule("{ sla.first_reply: breached }").0.leaves(&sample.at(600))[0].absence;
    assert_eq!(absence, Some(Absence { of: AbsenceOf::AgentReply, from: 0, due: 500 }));
}

fn sentiments(told: &[(i64, f64)]) -> Sample {
    let signals = told.iter().map(|&(at, value)| SignalTold { name: "sentiment", at, value: Some(value), label: None });
    Sample { signals: signals.collect(), ..Sample::default() }
}

#[test]
fn the_newest_signal_counts_until_it_expires() {
    let sample = sentiments(&[(0, -0.9), (50, 0.2)]);
    assert_eq!(dated("{ ticket.sentiment: { at_most: -0.5 } }", &sample.at(60)), no(50, NEVER));
    assert_eq!(dated("{ ticket.sentiment: { at_least: 0, within: 100ms } }", &sample.at(149)), yes(50, 150));
    assert_eq!(dated("{ ticket.sentiment: { at_least: 0, within: 100ms } }", &sample.at(150)), no(150, NEVER));
    assert_eq!(dated("{ ticket.sentiment: { at_least: 0 } }", &Sample::default()), unknown());
    assert_eq!(dated("{ ticket.sentiment: unknown }", &sample.at(60)), no(50, NEVER));
    assert_eq!(dated("{ ticket.sentiment: { above: 0, at_most: 0.3 } }", &sample.at(60)), yes(50, NEVER));
}

#[test]
fn the_lowest_within_a_window_counts_since_lower_ones_expired() {
    let sample = sentiments(&[(0, -0.9), (50, -0.3), (60, 0.5)]);
    let when = "{ ticket.sentiment: { at_least: -0.4, within: 100ms, take: lowest } }";
    assert_eq!(dated(when, &sample.at(99)), no(0, 100));
    assert_eq!(dated(when, &sample.at(100)), yes(100, 150));
    assert_eq!(dated(when, &sample.at(150)), yes(150, 160));
    assert_eq!(dated(when, &sample.at(160)), no(160, NEVER));
    let highest = "{ signal.sentiment: { above: 0.4, take: highest } }";
    assert_eq!(dated(highest, &sample.at(70)), yes(60, NEVER));
}

#[test]
fn a_risk_has_a_level_unless_its_label_says_so() {
    let risk = |value, label| Sample {
        signals: vec![SignalTold { name: "escalation_risk", at: 3, value, label }],
        ..Sample::default()
    };
    for (value, label, level) in [
        (Some(0.7), None, "high"),
        (Some(0.69), None, "medium"),
        (Some(0.4), None, "medium"),
        (Some(0.39), None, "low"),
        (Some(0.9), Some("Medium"), "medium"),
        (None, Some("high"), "high"),
    ] {
        for wanted in ["high", "medium", "low"] {
            for when in
                [wanted.to_owned(), format!("{{ is: {wanted} }}"), format!("{{ any_of: [{wanted}], within: 1h }}")]
            {
                let is = dated(&format!("{{ ticket.escalation_risk: {when} }}"), &risk(value, label).at(5)).truth;
                assert_eq!(is, Truth::from(wanted == level), "{value:?} {label:?} {when}");
            }
        }
    }
    assert_eq!(dated("{ ticket.escalation_risk: { at_least: 0.5 } }", &risk(Some(0.6), None).at(5)), yes(3, NEVER));
}

#[test]
fn texts_match_a_signals_label_and_numbers_its_value() {
    let sample = Sample {
        signals: vec![SignalTold { name: "intent", at: 3, value: Some(0.8), label: Some("Cancel contract") }],
        ..Sample::default()
    }
    .at(5);
    assert_eq!(dated("{ signal.intent: cancel contract }", &sample).truth, Truth::Yes);
    assert_eq!(dated("{ signal.intent: { contains: CANCEL, at_least: 0.8 } }", &sample).truth, Truth::Yes);
    assert_eq!(dated("{ signal.intent: { contains: CANCEL, above: 0.8 } }", &sample).truth, Truth::No);
    assert_eq!(dated("{ signal.intent: known }", &sample).truth, Truth::Yes);
}

#[test]
fn the_open_escalation_has_a_tier_and_an_age() {
    let open = OpenEscalation { tier: 2, opened_at: 100, at_tier_since: 200, acknowledged_at: None };
    let sample = Sample { escalation: Some(open), ..Sample::default() };
    let none = Sample::default();
    assert_eq!(dated("{ escalation.tier: 2 }", &sample), yes(200, NEVER));
    assert_eq!(dated("{ escalation.tier: { below: 2 } }", &none), yes(ALWAYS, NEVER));
    for (when, from) in [
        ("{ escalation.open_for: 50ms }", 100),
        ("{ escalation.at_tier_for: 50ms }", 200),
        ("{ escalation.unacknowledged_for: 50ms }", 100),
    ] {
        assert_eq!(dated(when, &sample.just_at(from + 50)), no(from, from + 50));
        assert_eq!(dated(when, &sample.at(from + 50)), yes(from + 50, NEVER));
        assert_eq!(dated(when, &none.at(9_999)).truth, Truth::No);
        assert!(rule(when).0.reads_escalation());
    }
    let taken = OpenEscalation { acknowledged_at: Some(120), ..open };
    let sample = Sample { escalation: Some(taken), ..sample };
    assert_eq!(dated("{ escalation.unacknowledged_for: 50ms }", &sample.at(999)), no(120, NEVER));
}

#[test]
fn dates_near_and_pass() {
    let told = |fields: &[(FieldRef, Tell)]| Sample {
        fields: fields.iter().map(|(field, tell)| (field.clone(), (tell.clone(), 3))).collect(),
        ..Sample::default()
    };
    let renewal = told(&[(FieldRef::Account(AccountField::RenewalDate), Tell::Instant(1_000))]);
    assert_eq!(dated("{ account.renewal_within: 100ms }", &renewal.at(899)), no(3, 900));
    assert_eq!(dated("{ account.renewal_within: 100ms }", &renewal.at(900)), yes(900, 1_000));
    assert_eq!(dated("{ account.renewal_within: 100ms }", &renewal.at(1_000)), no(1_000, NEVER));
    assert_eq!(dated("{ account.renewal_within: 100ms }", &Sample::default()), unknown());

    let state = |word| (FieldRef::Billing(BillingField::State), Tell::Text(word));
    let since = (FieldRef::Billing(BillingField::PastDueSince), Tell::Instant(1_000));
    for (word, truth) in [("past_due", Truth::Yes), ("unpaid", Truth::Yes), ("current", Truth::No)] {
        let sample = told(&[state(word), since.clone()]);
        assert_eq!(dated("{ billing.past_due_for: 100ms }", &sample.at(1_100)).truth, truth, "{word}");
        assert_eq!(dated("{ billing.past_due_for: 100ms }", &sample.at(1_099)).truth, Truth::No, "{word}");
    }
    assert_eq!(dated("{ billing.past_due_for: 100ms }", &told(&[since]).at(1_100)).truth, Truth::Unknown);
    assert_eq!(dated("{ billing.past_due_for: 100ms }", &told(&[state("past_due")]).at(1_100)).truth, Truth::Unknown);

    let change = |word| (FieldRef::Billing(BillingField::PlanChange), Tell::Text(word));
    let changed = (FieldRef::Billing(BillingField::PlanChangedAt), Tell::Instant(1_000));
    let down = told(&[change("downgraded"), changed.clone()]);
    assert_eq!(dated("{ billing.downgraded_within: 100ms }", &down.at(1_050)), yes(1_000, 1_100));
    assert_eq!(dated("{ billing.downgraded_within: 100ms }", &down.at(1_100)), no(1_100, NEVER));
    let up = told(&[change("upgraded"), changed]);
    assert_eq!(dated("{ billing.downgraded_within: 100ms }", &up.at(1_050)), no(3, NEVER));

    let ends = told(&[(FieldRef::Billing(BillingField::CancelsAt), Tell::Instant(1_000))]);
    assert_eq!(dated("{ billing.cancels_within: 100ms }", &ends.at(950)), yes(900, 1_000));
}

#[test]
fn an_unless_that_is_undecided_does_not_hold_back() {
    let rule = crate::sample::read(
        "rules: [{ id: r, tier: 2, when: { ticket.no_agent_reply_for: 50ms }, unless: { account.health: { at_least: 80 } } }]",
    )
    .rules
    .remove(0);
    let waiting = Sample { wait: Wait::Since(0), ..Sample::default() }.at(50);
    assert_eq!(rule.evaluate(&waiting).truth, Truth::Yes);
    let healthy =
        Sample { fields: [(FieldRef::Account(AccountField::Health), (Tell::Number(90.0), 0))].into(), ..waiting };
    assert_eq!(rule.evaluate(&healthy).truth, Truth::No);
    assert_eq!(
        rule.sentence(),
        "Escalate to tier 2 when no agent has replied for 50 milliseconds, unless the account's health is at least 80."
    );
}

#[test]
fn what_is_not_of_the_account_is_left_open_for_the_account() {
    let (rule, _) = rule("{ account.tickets: { at_least: 2, within: 1h }, ticket.priority: urgent }");
    let one = Sample { tickets: vec![0], ..Sample::default() }.at(5);
    assert_eq!(rule.evaluate_account(&one).truth, Truth::No);
    assert_eq!(rule.evaluate_account(&Sample { tickets: vec![0, 1], ..one }).truth, Truth::Unknown);
    let reads = Reads { ticket: 1 << TicketField::Priority as u32, topics: Topic::Tickets as u32, ..Reads::default() };
    assert_eq!(rule.reads(), reads);
}
