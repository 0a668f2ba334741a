//! `data-map`: what the rules ask, where it lives, and how often it is there.

use serde_json::{Value, json};
use tierline_testkit::Program;

use crate::beside::{created, started};
use crate::{PROGRAM, URGENT};

const CONFIG: &str = "\
fields:
  ticket.category: { values: { billing: [payment, invoices] }, blank: unclassified }
sources: { hubspot: [account.*], desk: [ticket.*], stripe: [billing.state], model: [signal.*] }
rules:
  - id: enterprise-billing
    tier: 3
    when: { all: [ account.plan: [enterprise, scale], ticket.category: billing, ticket.no_agent_reply_for: 2h ] }
  - { id: past-due, tier: 2, when: { all: [ billing.state: past_due, ticket.priority: urgent ] } }
";

/// Six tickets of five accounts, one of which HubSpot does not know; nobody tells bills.
fn events() -> String {
    let plans = ["enterprise", "free", "free", "free"].into_iter().enumerate().map(|(n, plan)| {
        json!({ "accounts": { "account_id": format!("a{n}"), "source": "hubspot", "plan": plan,
            "updated_at": "2026-03-01T09:00:00Z" } })
    });
    let categories = ["payment", "billing", "invoices", "bug", "", "billing"];
    let tickets = categories.into_iter().enumerate().map(|(n, category)| {
        json!({ "tickets": { "event_id": format!("e{n}"), "ticket_id": format!("T{n}"),
            "account_id": format!("a{}", n.min(4)), "source": "desk", "kind": "created",
            "occurred_at": format!("2026-03-02T0{n}:00:00Z"),
            "ticket": { "status": "new", "priority": "low", "category": category } } })
    });
    plans.chain(tickets).map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_the_rules_ask_is_measured_and_what_can_never_be_decided_is_the_answer_no() {
    let program = Program::new(PROGRAM, CONFIG);
    let answer = program.answer_to(["data-map", "--events", "-"], &events());
    assert_eq!((answer.code, answer.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(answer.out);
}

#[test]
fn a_rule_all_of_whose_fields_somebody_tells_is_well() {
    let program = Program::new(PROGRAM, CONFIG);
    let arguments = ["data-map", "--events", "-", "--rule", "enterprise-billing", "--output", "json"];
    let told: Value = serde_json::from_str(&program.answer_to(arguments, &events()).well().out).expect("it is JSON");
    assert_eq!(told["tickets"], json!({ "open": 6, "last_30_days": 6 }));
    let rule = &told["rules"][0];
    assert_eq!((&rule["known_on"], &rule["decidable"]), (&4.into(), &true.into()));
    let plan = &rule["asks"][0];
    assert_eq!((&plan["field"], &plan["sources"]), (&"account.plan".into(), &json!({ "hubspot": 4 })));
    assert_eq!((&plan["open"]["value"], &plan["open"]["untold"]), (&4.into(), &2.into()));
    assert_eq!((&plan["missing"], &plan["never_seen"]), (&json!(["a4"]), &json!(["scale"])));
    let mapped = json!({ "value": "billing", "told": "payment", "tickets": 1 });
    assert!(rule["asks"][1]["values"].as_array().is_some_and(|values| values.contains(&mapped)), "{rule:#}");
}

#[test]
fn the_state_that_the_pipeline_has_written_is_measured_too() {
    let (program, mut running, _) = started(URGENT);
    let empty = program.answer(["data-map"]);
    assert_eq!(empty.code, Some(1), "{empty:?}");
    assert!(empty.out.contains("nothing to measure"), "{empty:?}");
    program.answer_to(["send", "tickets"], &created("T1", "urgent").to_string()).well();
    let told = running.wait_for("the ticket", |_| {
        let answer = program.answer(["data-map"]);
        if answer.code == Some(0) { Ok(answer.out) } else { Err(answer.out) }
    });
    assert!(told.contains("ticket.priority") && told.contains("urgent 1"), "{told}");
    assert!(told.contains("all that it asks is known of 1 of 1 tickets"), "{told}");
}

#[test]
fn a_rule_that_is_not_there_cannot_be_measured() {
    let program = Program::new(PROGRAM, CONFIG);
    let answer = program.answer_to(["data-map", "--rule", "none", "--events", "-"], "");
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(answer.err.contains("there is no rule none"), "{}", answer.err);
}
