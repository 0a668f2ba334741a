//! Starts that must not be: each ends with all that is wrong in one message, and the command that mends it.

use std::time::Duration;

use serde_json::json;
use tierline_testkit::Broker;

use crate::deployment::{Deployment, FIRST, REFERENCE_RULES, SECOND, WALL_TIME, now};
use crate::events::created;

#[test]
fn missing_topics_are_all_named_with_the_command_that_makes_them() {
    let deployment = Deployment::without_topics(Broker::shared().address(), "", REFERENCE_RULES);
    let said = refusal(&deployment);
    for stream in
        ["tickets", "accounts", "billing", "signals", "commands", "escalations", "detect-state", "dead-letters"]
    {
        assert!(said.contains(&deployment.topic(stream)), "`{stream}` is not named: {said}");
    }
    assert!(said.contains("tierline --config ") && said.contains(" topics create"), "{said}");

    deployment.command(&["topics", "create", "--partitions", "2"]).well();
    deployment.command(&["topics", "check"]).well();
    deployment.run(FIRST).end();
}

#[test]
fn wrong_counts_and_wrong_cleanup_are_told_together_each_with_its_command() {
    let (broker, deployment) = (Broker::shared(), unmade());
    broker.create_topic(&deployment.topic("tickets"), 4, &[]);
    broker.create_topic(&deployment.topic("signals"), 3, &[]);
    broker.create_topic(&deployment.topic("commands"), 6, &[]);
    broker.create_topic(&deployment.topic("accounts"), 4, &[("cleanup.policy", "delete")]);
    broker.create_topic(&deployment.topic("escalations"), 4, &[("cleanup.policy", "compact")]);
    deployment.command(&["topics", "create", "--partitions", "4"]).well();

    let checked = deployment.command(&["topics", "check"]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    for said in [refusal(&deployment), checked.out + &checked.err] {
        let tells = |topic: &str, words: &[&str]| {
            let topic = deployment.topic(topic);
            assert!(words.iter().all(|word| said.contains(word)), "{topic}: {words:?} are not all in: {said}");
            assert!(said.contains(&topic), "{topic} is not named: {said}");
        };
        tells("signals", &["--alter", &format!("--topic {} --partitions 4", deployment.topic("signals"))]);
        tells("commands", &[&format!("--delete --topic {}", deployment.topic("commands"))]);
        tells("accounts", &["cleanup.policy=compact"]);
        tells("escalations", &["cleanup.policy=delete"]);
    }
}

#[test]
fn a_wrong_timestamp_type_is_a_warning_and_no_more() {
    let (broker, deployment) = (Broker::shared(), unmade());
    broker.create_topic(&deployment.topic("tickets"), 1, &[("message.timestamp.type", "CreateTime")]);
    deployment.command(&["topics", "create", "--partitions", "1"]).well();
    let checked = deployment.command(&["topics", "check"]).well();
    assert!((checked.out + &checked.err).contains("message.timestamp.type"), "it is not even warned of");
    deployment.run(FIRST).end();
}

#[test]
fn a_partition_count_that_changed_under_the_state_stops_the_start() {
    let deployment = Deployment::on_kafka(1, &format!("{WALL_TIME}\n{REFERENCE_RULES}"));
    let mut running = deployment.run(FIRST);
    deployment.send("tickets", &[created("acme", "T1", now(), json!({ "priority": "low" }))]);
    deployment.wait_drained(&mut running);
    running.end();
    let described = deployment.command(&["topics", "check", "--output", "json"]).well();
    assert!(!described.out.contains("\"Mistake\""), "{described:?}");
    let streams = [
        "tickets",
        "accounts",
        "account-changes",
        "billing",
        "billing-changes",
        "signals",
        "commands",
        "account-moves",
        "escalations",
        "escalations-shadow",
        "escalation-queue",
        "sla-events",
        "detect-state",
        "dead-letters",
    ];
    for stream in streams {
        Broker::shared().add_partitions(&deployment.topic(stream), 2);
    }
    let said = refusal(&deployment);
    assert!(said.contains("the inputs have 2 partitions") && said.contains("was made with 1"), "{said}");
}

#[test]
fn a_checkpoint_is_believed_for_half_as_long_as_the_cluster_really_keeps_tombstones() {
    let deployment = unmade();
    let state = [("cleanup.policy", "compact"), ("delete.retention.ms", "0")];
    Broker::shared().create_topic(&deployment.topic("detect-state"), 1, &state);
    deployment.command(&["topics", "create", "--partitions", "1"]).well();
    let mut running = deployment.run(FIRST);
    deployment.send("tickets", &[created("acme", "T1", now(), json!({ "priority": "low" }))]);
    deployment.wait_drained(&mut running);
    running.end();
    let again = deployment.run(FIRST);
    assert_eq!(again.metric("tierline_checkpoints_total", "outcome=\"too_old\""), 1.0, "{}", again.says("/metrics"));
    again.end();
}

#[test]
fn a_setting_that_would_break_the_guarantees_is_refused_by_its_name() {
    let broken = "    isolation.level: read_uncommitted\n    enable.auto.commit: true\n";
    let deployment = Deployment::without_topics(Broker::shared().address(), broken, REFERENCE_RULES);
    let said = refusal(&deployment);
    assert!(said.contains("isolation.level") && said.contains("enable.auto.commit"), "{said}");
}

#[test]
fn an_instance_whose_name_is_taken_ends_the_one_that_had_it_and_says_so() {
    let deployment = Deployment::on_kafka(1, &format!("{WALL_TIME}\n{REFERENCE_RULES}"));
    let mut one = deployment.run(FIRST);
    let twin = deployment.beside(&format!("{WALL_TIME}\n{REFERENCE_RULES}"));
    let mut other = twin.start(FIRST);
    // Each start takes the transactional ids over; whoever had them is fenced at its next commit.
    other.wait_for("the other to take its place", || {
        deployment.send("tickets", &[created("acme", &format!("T{}", now()), now(), json!({ "priority": "low" }))]);
        one.process.has_ended().map(drop).ok_or_else(|| "both run".to_owned())
    });
    let said = one.process.log();
    assert!(said.contains("taken by another") && said.contains("instance name"), "{said}");
    deployment.wait_drained(&mut other);
    other.end();
    deployment.run(SECOND).end();
}

#[test]
fn brokers_that_do_not_answer_are_named() {
    let deployment = Deployment::without_topics("127.0.0.1:1", "", REFERENCE_RULES);
    let said = refusal(&deployment);
    assert!(said.contains("127.0.0.1:1") && said.contains("unreachable"), "{said}");
}

fn unmade() -> Deployment {
    Deployment::without_topics(Broker::shared().address(), "", &format!("{WALL_TIME}\n{REFERENCE_RULES}"))
}

/// What a start says that ends with exit code 2.
fn refusal(deployment: &Deployment) -> String {
    let mut started = deployment.start("refused");
    let ended = started.process.wait_ended(Duration::from_secs(90));
    assert_eq!(ended.code(), Some(2), "{}", started.process.log());
    started.process.log()
}
