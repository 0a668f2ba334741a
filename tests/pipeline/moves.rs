//! Tickets that go to other accounts while instances come, go and die: each is told of as if nothing had been killed.

use std::thread;

use serde_json::{Value, json};

use crate::deployment::{Deployment, EVENT_TIME, FIRST, SECOND};
use crate::events::{HOUR, START, created, event};

const PARTITIONS: u32 = 6;
const ACCOUNTS: usize = 18;
const TICKETS: usize = 1_500;

/// Nothing but records makes these true: so what comes out does not depend on how far the tasks are when a ticket goes.
const RULES: &str = "
rules:
  - { id: urgent, tier: 2, when: { ticket.priority: urgent } }
  - { id: asked-again, tier: 3, when: { ticket.follow_ups: { at_least: 1, apart: 1s } } }
";

/// Opened under one account, moved to the next, asked about and solved there; some go on to a third.
fn story() -> Vec<Value> {
    let mut steps: Vec<(i64, Value)> = Vec::new();
    for n in 0..TICKETS {
        let (ticket, at) = (format!("T{n}"), START + n as i64 * 1_000);
        let account = |hop: usize| format!("a{}", (n * 7 + hop * 5) % ACCOUNTS);
        let hops = 1 + n % 2;
        steps.push((at, created(&account(0), &ticket, at, json!({ "priority": "urgent" }))));
        for hop in 0..hops {
            let (at, to) = (at + 10_000 * (hop as i64 + 1), account(hop + 1));
            let goes = json!({ "to_account": to });
            steps.push((at, event("rehomed", &account(hop), &ticket, at, goes.clone())));
            steps.push((at, event("rehomed", &to, &ticket, at, goes)));
        }
        let (home, at) = (account(hops), at + 40_000);
        let asks = json!({ "message": { "author": "customer", "public": true, "text": "And?" } });
        steps.push((at, event("message", &home, &ticket, at, asks)));
        steps.push((at + 1, event("updated", &home, &ticket, at + 1, json!({ "ticket": { "status": "solved" } }))));
    }
    steps.sort_by_key(|(at, _)| *at);
    steps.into_iter().map(|(_, step)| step).collect()
}

#[test]
fn tickets_that_move_while_an_instance_is_killed_are_told_of_once() {
    let (config, story, end) = (format!("{EVENT_TIME}\n{RULES}"), story(), START + 24 * HOUR);
    let kafka = Deployment::slow(PARTITIONS, &config);
    let all = story.len() as i64;
    thread::scope(|scope| {
        scope.spawn(|| story.chunks(40).for_each(|records| kafka.send("tickets", records)));
        let mut first = kafka.run(FIRST);
        kafka.wait_passed(&mut first, all / 10);
        let mut second = kafka.run(SECOND);
        kafka.wait_passed(&mut second, 3 * all / 10);
        first.process.kill();
        kafka.wait_passed(&mut second, 6 * all / 10);
        second.process.kill();
    });
    kafka.run_until(end);

    let quiet = Deployment::embedded(PARTITIONS, &config);
    quiet.send("tickets", &story);
    quiet.run_until(end);
    // Opened by its priority, raised by its question, resolved: of each, under the account that it was under.
    let (told, expected) = (lines(&kafka), lines(&quiet));
    assert_eq!(expected.len(), 3 * TICKETS);
    let (lacking, extra): (Vec<_>, Vec<_>) = (missing(&expected, &told), missing(&told, &expected));
    assert!(told == expected, "lacking: {lacking:#?}, and more than once or not at all before: {extra:#?}");
    assert_eq!(kafka.records("dead-letters").len(), 0);
}

/// The records of `escalations`, each in one line, sorted: what one ticket's are lies in several partitions.
fn lines(deployment: &Deployment) -> Vec<String> {
    const FACTS: [&str; 8] =
        ["ticket_id", "sequence", "kind", "account_id", "tier", "rule", "became_true_at", "escalation_id"];
    let records = deployment.records("escalations");
    let mut lines: Vec<String> = records.iter().map(|it| FACTS.map(|fact| it[fact].to_string()).join(" ")).collect();
    lines.sort();
    lines
}

/// Some of those that the other list has not.
fn missing<'a>(these: &'a [String], other: &[String]) -> Vec<&'a String> {
    these.iter().filter(|line| other.binary_search(line).is_err()).take(5).collect()
}
