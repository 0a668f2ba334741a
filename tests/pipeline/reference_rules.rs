//! The four reference rules: each fires at its instant, and nothing else does.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tierline_testkit::Broker;

use crate::deployment::{Deployment, EVENT_TIME, FIRST, REFERENCE_RULES, WALL_TIME, instant, millis, now};
use crate::events::{HOUR, MINUTE, START, account, bill, created, reply, solved};

#[test]
fn each_reference_rule_fires_at_its_instant_and_nothing_else_does() {
    let deployment = Deployment::on_kafka(3, &format!("{EVENT_TIME}\n{REFERENCE_RULES}"));
    send_everything(&deployment);
    deployment.run_until(START + 48 * HOUR);

    let at = |minutes: i64| START + minutes * MINUTE;
    let outcome = deployment.outcome();
    let seen = |account: &str| -> Vec<(i64, String)> {
        let records = outcome.of_account(account);
        records.iter().map(|record| (millis(&record["became_true_at"]), words(record))).collect()
    };
    assert_eq!(seen("silence"), [(at(120), "opened T1 3 enterprise-billing-silence".to_owned())]);
    assert_eq!(seen("bill"), [(at(0), "opened T1 3 urgent-past-due".to_owned())]);
    // The fifth ticket makes it true, of all of them; the newest is the one to look at.
    assert_eq!(seen("repeat"), [(at(240), "opened T5 2 repeat-trouble".to_owned())]);
    assert_eq!(
        seen("clock"),
        [(at(210), "opened T1 2 first-reply-due".to_owned()), (at(600), "resolved T1 2 ".to_owned())]
    );
    assert_eq!(seen("well"), []);
    assert_eq!(outcome.len(), 5, "nothing else came out: {outcome:?}");
    for record in outcome.all().filter(|record| record["kind"] == "opened") {
        let reason = record["reason"].as_str().unwrap_or_default();
        assert!(reason.ends_with('.') && reason.contains(' '), "not a sentence: '{reason}'");
        assert!(record["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty()), "no evidence: {record}");
    }
    assert_queue(&deployment);
}

/// Each open escalation has its present state under its id, a resolved one a tombstone.
fn assert_queue(deployment: &Deployment) {
    let records = Broker::shared().records(&deployment.topic("escalation-queue"));
    let last: BTreeMap<_, _> = records.into_iter().map(|record| (record.key, record.value)).collect();
    let open = last.values().filter(|value| value.is_some()).count();
    assert_eq!((last.len(), open), (4, 3), "four were opened, one is resolved");
}

fn send_everything(deployment: &Deployment) {
    deployment.send(
        "accounts",
        &[
            account("silence", json!({ "plan": "enterprise", "health": 90 })),
            account("bill", json!({ "plan": "pro", "health": 90 })),
            account("repeat", json!({ "plan": "pro", "health": 40 })),
            account("clock", json!({ "plan": "pro", "health": 90 })),
            account("well", json!({ "plan": "enterprise", "health": 40 })),
        ],
    );
    deployment.send("billing", &[bill("bill", "past_due"), bill("repeat", "current"), bill("well", "current")]);
    let at = |minutes: i64| START + minutes * MINUTE;
    let mut tickets = vec![
        created("silence", "T1", at(0), json!({ "category": "billing", "priority": "low" })),
        created("bill", "T1", at(0), json!({ "category": "export", "priority": "urgent" })),
        created("clock", "T1", at(0), json!({ "category": "login", "priority": "high" })),
        // Four tickets of an unwell account are none too many, and an answer in time is in time.
        created("well", "T1", at(0), json!({ "category": "billing", "priority": "low" })),
        reply("bill", "T1", at(10)),
        reply("well", "T1", at(120)),
        reply("silence", "T1", at(130)),
        solved("clock", "T1", at(600)),
    ];
    for n in 0..5 {
        let ticket = format!("T{}", n + 1);
        tickets.push(created("repeat", &ticket, at(60 * n), json!({ "category": "export", "priority": "low" })));
        tickets.push(reply("repeat", &ticket, at(60 * n + 1)));
    }
    tickets.sort_by_key(|ticket| ticket["occurred_at"].as_i64());
    deployment.send("tickets", &tickets);
}

fn words(record: &Value) -> String {
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} {} {}", text("kind"), text("ticket_id"), record["tier"], text("rule"))
}

#[test]
fn a_time_rule_fires_by_the_wall_clock_without_any_further_record() {
    const RULE: &str = "rules: [ { id: silence, tier: 2, when: { ticket.no_agent_reply_for: 2s } } ]";
    let deployment = Deployment::on_kafka(1, &format!("{WALL_TIME}\n{RULE}"));
    let mut running = deployment.run(FIRST);
    let before = now();
    deployment.send("tickets", &[created("acme", "T1", before, json!({}))]);
    let records = deployment.wait_for_escalation(&mut running, "the silence to be told", |_| true);
    running.end();
    assert_eq!(records[0]["became_true_at"], json!(instant(before + 2_000)));
    let late = millis(&records[0]["detected_at"]) - (before + 2_000);
    assert!((100..20_000).contains(&late), "it was told {late} ms after it was true, with a grace of 100 ms");
}
