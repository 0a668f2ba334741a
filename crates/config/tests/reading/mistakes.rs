//! A dozen broken configurations, each with everything that is said of it.

use tierline_kafka::settings::GUARDED;

use crate::kit::{A_RULE, World, mistakes};

fn told(text: &str) -> String {
    World::default().refusal(text)
}

#[test]
fn keys_that_mean_nothing() {
    insta::assert_snapshot!(told("rulez: []\ntime: { grase: 5s, clok: wall }\nobserve: { port: 1 }\n"));
}

#[test]
fn parts_that_are_not_built() {
    insta::assert_snapshot!(told("console: {}\ntopics: { notifications: s }\ndispatch: {}\n"));
}

#[test]
fn a_log_of_the_wrong_kind() {
    insta::assert_snapshot!(told("log:\n  kind: embedded\n  brokers: b:9092\n  lanes: 8\n  partitions: 4\n"));
    assert_eq!(mistakes("log: { kind: Kafka }\n"), ["`log.kind` is never `Kafka`"]);
    assert_eq!(mistakes("log: { brokers: 'b:1' }\n")[0], "`log` needs `kind`");
}

#[test]
fn a_cluster_that_cannot_be_reached_like_this() {
    insta::assert_snapshot!(told(
        "log:\n  kind: kafka\n  group: a group\n  path: data\n  partitions: 4\n  checkpoints: { folder: '', often: true }\n"
    ));
}

#[test]
fn properties_that_are_not_the_users_to_set() {
    insta::assert_snapshot!(told(
        "log:\n  kind: kafka\n  brokers: kafka\n  properties:\n    acks: 1\n    isolation.level: read_uncommitted\n    \
         sesion.timeout.ms: 6000\n    enable.auto.commit: true\n    group.id: mine\n    dr_msg_cb: x\n    linger.ms: [ 5 ]\n"
    ));
}

#[test]
fn whatever_the_client_on_kafka_guards_is_refused_with_a_reason() {
    for name in GUARDED {
        let found = mistakes(&format!("log: {{ kind: kafka, brokers: 'b:1', properties: {{ {name}: x }} }}\n"));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].starts_with(&format!("`{name}` may not be set: ")), "{found:?}");
    }
}

#[test]
fn times_that_do_not_fit_each_other() {
    insta::assert_snapshot!(told(
        "log:\n  kind: kafka\n  brokers: b:9092\n  commit_interval: 2s\n  properties:\n    transaction.timeout.ms: 2500\n    \
         socket.timeout.ms: 5000\n    session.timeout.ms: 6000\n    heartbeat.interval.ms: 4000\n    \
         max.poll.interval.ms: 5000\n"
    ));
}

#[test]
fn clocks_that_contradict_themselves() {
    insta::assert_snapshot!(told("time: { clock: scaled }\n"));
    insta::assert_snapshot!(told("time: { clock: wall, scale: 10 }\n"));
    insta::assert_snapshot!(told("time: { clock: scaled, scale: 10 }\nlog: { kind: kafka, brokers: 'b:1' }\n"));
}

#[test]
fn a_registry_that_is_half_told() {
    insta::assert_snapshot!(told(
        "schema_registry:\n  url: registry:8081\n  user: me\n  register: maybe\n  timeout: 10\n"
    ));
}

#[test]
fn fields_that_nobody_joins() {
    insta::assert_snapshot!(told(
        "fields:\n  account.plann: { sources: [ crm ] }\n  ticket.status: { sources: [ desk ] }\n  \
         account.plan: { sources: [] }\n  billing.state: { sources: [ a, a ] }\n  account.arr: [ crm ]\n  \
         account.health: { source: crm }\n"
    ));
}

#[test]
fn rules_and_the_rest_are_told_together_from_top_to_bottom() {
    insta::assert_snapshot!(told(
        "rules:\n  - id: silence\n    tier: 4\n    when: { ticket.no_agent_reply_for: 2 hours }\n\
         observe: { logs: yaml }\n\
         sla:\n  - id: standard\n    calendar: emea\n    targets: { first_reply: { urgnt: 1h } }\n"
    ));
}

#[test]
fn what_is_no_map_at_all() {
    for text in ["- a\n", "tierline\n"] {
        let found = told(text);
        assert!(found.contains("the configuration is a map of keys"), "{found}");
    }
    assert!(told("log: [\n").contains("this is not YAML"));
    assert_eq!(mistakes("time: 5s\n"), ["`time` is a map of keys"]);
}

#[test]
fn whatever_is_written_nothing_panics() {
    use proptest::prelude::*;
    let word = "[a-z.:${}'\" ~-]{0,12}";
    let keys =
        ["log", "kind", "brokers", "properties", "sasl.password", "time", "topics", "accounts", "include", "fields"];
    let line = (0usize..4, prop::sample::select(keys.to_vec()), word);
    proptest!(|(lines in prop::collection::vec(line, 0..12))| {
        let text: String = lines.iter().map(|(depth, key, value)| format!("{}{key}: {value}\n", "  ".repeat(*depth))).collect();
        if let Err(found) = World::default().read(&format!("{A_RULE}{text}")) {
            prop_assert!(found.mistakes() > 0);
            found.render(false);
        }
    });
}
