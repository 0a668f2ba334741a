//! A change of an account or its bill re-evaluates every open ticket of that account, without an event of any ticket.

use serde_json::{Value, json};

use crate::deployment::{Deployment, FIRST, Instance, REFERENCE_RULES, WALL_TIME, now};
use crate::events::{account, bill, created, solved};

#[test]
fn a_bill_that_falls_past_due_escalates_every_open_urgent_ticket_of_its_account() {
    let (deployment, mut running) = started();
    deployment.send("billing", &[bill("acme", "current"), bill("other", "current")]);
    let urgent = |account: &str, ticket: &str| created(account, ticket, now(), json!({ "priority": "urgent" }));
    let low = created("acme", "low", now(), json!({ "priority": "low" }));
    deployment.send("tickets", &[urgent("acme", "one"), urgent("acme", "two"), urgent("other", "theirs"), low]);
    deployment.send("tickets", &[urgent("acme", "over"), solved("acme", "over", now())]);
    deployment.wait_drained(&mut running);
    assert_eq!(deployment.records("escalations"), Vec::<Value>::new());

    deployment.send("billing", &[bill("acme", "past_due")]);
    deployment.wait_for_escalation(&mut running, "both tickets to be escalated", of_ticket("two"));
    running.end();
    let mut escalated = tickets_of(&deployment, "urgent-past-due");
    escalated.sort();
    assert_eq!(escalated, ["one", "two"]);
    assert_eq!(deployment.outcome().len(), 2);
}

#[test]
fn an_account_that_turns_unwell_is_escalated_once_on_its_newest_ticket() {
    let (deployment, mut running) = started();
    deployment.send("accounts", &[account("acme", json!({ "plan": "pro", "health": 80 }))]);
    let (began, ids) = (now(), ["a", "b", "c", "d", "e"]);
    let tickets = ids.iter().zip(began - 4..).map(|(id, at)| created("acme", id, at, json!({ "priority": "low" })));
    deployment.send("tickets", &tickets.collect::<Vec<_>>());
    deployment.wait_drained(&mut running);

    deployment.send("accounts", &[account("acme", json!({ "plan": "pro", "health": 40 }))]);
    deployment.wait_for_escalation(&mut running, "the account to be escalated", of_ticket("e"));
    running.end();
    assert_eq!(tickets_of(&deployment, "repeat-trouble"), ["e"]);
    assert_eq!(deployment.outcome().len(), 1);
}

#[test]
fn a_single_field_told_by_a_change_counts_as_well() {
    let (deployment, mut running) = started();
    deployment.send("tickets", &[created("acme", "one", now(), json!({ "priority": "urgent" }))]);
    deployment.wait_drained(&mut running);
    let change = json!({ "account_id": "acme", "source": "stripe", "source_id": "cus_1", "set": { "state": "past_due" },
                         "updated_at": now() });
    deployment.send("billing-changes", &[change]);
    deployment.wait_for_escalation(&mut running, "the ticket to be escalated", of_ticket("one"));
    running.end();
    assert_eq!(tickets_of(&deployment, "urgent-past-due"), ["one"]);
}

fn started() -> (Deployment, Instance) {
    let deployment = Deployment::on_kafka(2, &format!("{WALL_TIME}\n{REFERENCE_RULES}"));
    let running = deployment.run(FIRST);
    (deployment, running)
}

fn of_ticket(id: &str) -> impl Fn(&Value) -> bool {
    move |record| record["ticket_id"] == id
}

/// The tickets on which this rule opened an escalation, in order.
fn tickets_of(deployment: &Deployment, rule: &str) -> Vec<String> {
    let opened = deployment.records("escalations").into_iter();
    let opened = opened.filter(|record| record["kind"] == "opened" && record["rule"] == rule);
    opened.filter_map(|record| Some(record["ticket_id"].as_str()?.to_owned())).collect()
}
