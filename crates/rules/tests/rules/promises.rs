//! What SLA policies promise, and what is doubtful about them.

use crate::sample::{read, read_all};

const CALENDARS: &str = "calendars: { emea: { time_zone: UTC, hours: { mon-fri: '09:00-17:00' } } }\n";
const RULE: &str = "rules: [ { id: r, tier: 2, when: { sla.first_reply: breached } } ]\n";

fn promising(policy: &str, answers: &str, hours: &str) -> tierline_rules::RuleSet {
    let calendars = CALENDARS.replace("09:00-17:00", hours);
    read(&format!(
        "{calendars}sla: [ {policy}, {{ id: rest, targets: {{ first_reply: {{ default: 8h }} }} }} ]\n{answers}{RULE}"
    ))
}

const POLICY: &str = "{ id: big, when: { account.plan: enterprise }, calendar: emea, targets: { first_reply: { urgent: { \
    in: 30m, calendar: always }, default: 4h }, resolution: { default: 3 business days } } }";

#[test]
fn a_policy_is_a_sentence() {
    let set = promising(POLICY, "escalation_sla: { 2: 4h, 3: 1h }\n", "09:00-17:00");
    let said: Vec<String> = set.policies.iter().map(|policy| set.policy_sentence(policy)).collect();
    assert_eq!(
        said,
        [
            "For tickets on which the account's plan is enterprise: first reply within 30m for urgent, around the clock \
             and 4h otherwise, resolution within 3 business days, in the hours of emea.",
            "For all other tickets: first reply within 8h, around the clock.",
        ]
    );
    assert_eq!(
        set.answer_sentence().as_deref(),
        Some(
            "An agent answers an escalation within 4h, around the clock at tier 2 and within 1h, around the clock at tier 3."
        )
    );
}

#[test]
fn what_is_different_about_promises_is_told() {
    let old = promising(POLICY, "escalation_sla: { 3: 4h }\n", "09:00-18:00");
    let none = old.promise_changes(&old);
    assert_eq!(none, []);
    let new = promising(&POLICY.replace("default: 4h", "default: 2h"), "escalation_sla: { 3: 1h }\n", "09:00-17:00");
    let changes = new.promise_changes(&old);
    let what: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(what, ["policy big", "escalation_sla", "calendar emea"]);
    assert!(changes[0].was.as_ref().is_some_and(|was| was.contains("4h otherwise")), "{changes:?}");
    assert!(changes[0].now.as_ref().is_some_and(|now| now.contains("2h otherwise")), "{changes:?}");
    let renamed = promising(&POLICY.replace("big", "large"), "escalation_sla: { 3: 4h }\n", "09:00-18:00");
    let changes = renamed.promise_changes(&old);
    let told =
        |what: &str| changes.iter().find(|change| change.what == what).map(|c| (c.was.is_some(), c.now.is_some()));
    assert_eq!((told("policy large"), told("policy big")), (Some((false, true)), Some((true, false))));
}

#[test]
fn business_time_that_no_calendar_stops_is_doubtful() {
    let found = |policy: &str| read_all(&format!("{CALENDARS}sla: [ {policy} ]\n{RULE}")).1;
    let bare = "{ id: s, targets: { first_reply: { default: 2 business days } } }";
    let doubts = found(bare);
    assert_eq!((doubts.mistakes(), doubts.items.len()), (0, 1), "{doubts}");
    assert!(doubts.to_string().contains("no calendar says when business is"), "{doubts}");
    let of_calendar = bare.replace("targets", "calendar: emea, targets");
    assert_eq!(found(&of_calendar).items.len(), 0);
}

#[test]
fn a_policy_that_can_be_for_no_ticket_is_a_mistake() {
    let policy =
        "{ id: s, when: { all: [ account.plan: a, account.plan: b ] }, targets: { first_reply: { default: 2h } } }";
    let (_, found) = read_all(&format!("sla: [ {policy} ]\n{RULE}"));
    assert_eq!(found.mistakes(), 1, "{found}");
}

#[test]
fn what_is_called_otherwise_elsewhere_is_found_by_what_is_meant() {
    let help = |key: &str| {
        let (_, found) = read_all(&format!("rules: [ {{ id: r, tier: 2, when: {{ {key}: 4h }} }} ]\n"));
        found.items[0].help.clone().unwrap_or_default()
    };
    for (written, meant) in [
        ("ticket.unanswered_for", "`ticket.no_agent_reply_for`"),
        ("escalation.unresolved_for", "`escalation.at_tier_for`"),
        ("account.tier", "`account.plan`"),
        ("billing.status", "`billing.state`"),
        ("account.downgraded", "`billing.downgraded_within`"),
        ("ticket.age", "`ticket.open_for`"),
        ("and", "`all`"),
        ("ticket.catgory", "`ticket.category`"),
        ("ticket.plan", "`account.plan`"),
    ] {
        assert!(help(written).contains(&format!("did you mean {meant}?")), "{written}: {}", help(written));
    }
    assert!(!help("account.xxxxxxxx").contains("did you mean"), "{}", help("account.xxxxxxxx"));
}
