//! What stands in a configuration arrives as it was meant.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tierline_config::{Clock, Log, Time};
use tierline_observe::LogFormat;

use crate::kit::{A_RULE, World, read, warnings};

#[test]
fn an_empty_section_is_a_section_left_out() {
    let config = read("log:\ntime:\ntopics:\nobserve:\n");
    assert!(matches!(&config.log, Log::Embedded { path, partitions: 4 } if path == Path::new("tierline-data")));
    assert_eq!(config.time, Time::default());
    assert_eq!(config.topics.escalation_queue, "escalation-queue");
    assert_eq!(config.observe.listen.to_string(), "127.0.0.1:9464");
    assert!(config.registry.is_none() && config.precedence.is_empty());
}

#[test]
fn a_cluster_is_reached_as_it_is_written() {
    let config = read(
        "log:\n  kind: kafka\n  brokers: [ 'a:9092', '[::1]:9093' ]\n  group: eu\n  instance: pod-1\n  lanes: 3\n  \
         patience: 5s\n  commit_interval: 20ms\n  checkpoints: { folder: /var/cp, interval: 1m }\n  \
         properties: { session.timeout.ms: 6000, linger.ms: 5 }\n",
    );
    let Log::Kafka(kafka) = &config.log else { panic!("{:?}", config.log) };
    assert_eq!((kafka.brokers.as_str(), kafka.group.as_str()), ("a:9092,[::1]:9093", "eu"));
    assert_eq!(kafka.patience, Duration::from_secs(5));
    assert_eq!(kafka.all_properties()["session.timeout.ms"], "6000");
    assert_eq!((config.work.lanes, config.work.commit_interval), (3, Duration::from_millis(20)));
    let checkpoints = config.work.checkpoints.expect("they are on");
    assert_eq!(
        (checkpoints.folder, checkpoints.interval),
        (PathBuf::from("/var/cp/eu-pod-1"), Duration::from_secs(60))
    );
}

#[test]
fn an_instance_is_called_after_its_machine_and_keeps_its_checkpoints_apart() {
    let text = format!("{A_RULE}log: {{ kind: kafka, brokers: 'b:1' }}\n");
    for (world, expected) in [
        (World::default().with_variable("HOSTNAME", "pod-7"), "pod-7"),
        (World::default().with_file("/etc/hostname", "box\n"), "box"),
        (World::default(), "0"),
    ] {
        let (config, _) = world.read(&text).expect("it is right");
        let Log::Kafka(kafka) = &config.log else { panic!("{:?}", config.log) };
        assert_eq!(kafka.instance, expected);
        let folder = config.work.checkpoints.expect("they are on by default").folder;
        assert_eq!(folder, Path::new("tierline-checkpoints").join(format!("tierline-{expected}")));
    }
}

#[test]
fn checkpoints_can_be_switched_off() {
    assert!(read("log: { kind: embedded, checkpoints: false }\n").work.checkpoints.is_none());
    let folder = read("log: { kind: embedded, path: data }\n").work.checkpoints.expect("they are on by default").folder;
    assert_eq!(folder, Path::new("data/checkpoints"));
}

#[test]
fn a_prefix_is_for_the_names_that_are_not_given() {
    let config = read("topics: { prefix: eu., tickets: desk, accounts: [ crm, erp ], dead-letters: dl }\n");
    assert_eq!(config.topics.tickets, "desk");
    assert_eq!(config.topics.accounts, ["crm", "erp"]);
    assert_eq!(config.topics.billing, ["eu.billing"]);
    assert_eq!((config.topics.signals.as_str(), config.topics.dead_letters.as_str()), ("eu.signals", "dl"));
}

#[test]
fn the_clocks_and_the_engine_are_told() {
    let config = read("time: { clock: events, start: replay, grace: 0s, max_future: 2h, history: 60d }\n");
    assert_eq!(config.time.clock, Clock::Events);
    assert_eq!(config.time.max_future, 7_200_000);
    let engine = config.engine();
    assert_eq!((engine.grace, engine.history, engine.start_quietly), (0, 60 * 86_400_000, false));
    assert_eq!(read("time: { clock: scaled, scale: 300 }\n").time.clock, Clock::Scaled(300.0));
}

#[test]
fn sources_win_in_the_order_in_which_they_stand() {
    let config =
        read("fields: { account.plan: { sources: [ crm, sheet ] }, account.custom.vip: { sources: sheet } }\n");
    let expected = [("account.plan", vec!["crm", "sheet"]), ("account.custom.vip", vec!["sheet"])];
    let engine = config.engine();
    let told: Vec<_> = engine
        .precedence
        .iter()
        .map(|(field, order)| (field.as_str(), order.iter().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn an_operator_is_shown_what_is_asked_for() {
    let observe = read("observe: { listen: 'localhost:0', logs: json, level: warn }\n").observe;
    assert_eq!((observe.listen.port(), observe.logs, observe.level), (0, LogFormat::Json, Some("warn")));
    assert!(observe.token.is_none() && observe.advertise.is_none());
    for (written, told) in [("'pod-1:9464'", "http://pod-1:9464"), ("https://t.example/one/", "https://t.example/one")]
    {
        let observe = read(&format!("observe: {{ advertise: {written} }}\n")).observe;
        assert_eq!(observe.advertise.as_deref(), Some(told));
    }
}

#[test]
fn a_history_reaches_the_rules() {
    let rule = "rules: [ { id: r, tier: 2, when: { account.tickets: { at_least: 5, within: 40d } } } ]\n";
    let refusal = World::default().refusal(rule);
    assert!(refusal.contains("40d"), "{refusal}");
    assert!(World::default().read(&format!("{rule}time: {{ history: 40d }}")).is_ok());
}

#[test]
fn what_is_legal_and_rarely_meant_is_warned_of() {
    assert_eq!(warnings("time: { grace: 5m }\n"), [""; 0]);
    assert_eq!(warnings("time: { grace: 6m }\n"), ["every rule about time fires this much later than it became true"]);
    let kafka = |properties: &str| {
        warnings(&format!("log: {{ kind: kafka, brokers: 'b:1', properties: {{ {properties} }} }}\n"))
    };
    assert_eq!(kafka("sasl.username: me"), ["`sasl.username` does nothing here"]);
    assert_eq!(kafka("security.protocol: SASL_SSL, sasl.username: me, ssl.ca.location: ca.pem"), [""; 0]);
    assert_eq!(
        kafka("security.protocol: ssl, enable.ssl.certificate.verification: false"),
        ["whoever answers at the brokers' addresses is believed"]
    );
    let (_, nothing) =
        World::default().read("rules: [ { id: r, tier: 2, mode: disabled, when: { ticket.spam: true } } ]").unwrap();
    assert_eq!(nothing[0].message, "there is no rule that could fire");
}

/// The warnings about a rule with these keys beside its id and tier.
fn warnings_of_rule(keys: &str) -> Vec<String> {
    let before = "time: { history: 40d }\nterms: { over: { ticket.status: solved } }\n";
    let text = format!("{before}rules:\n  - id: r\n    tier: 2\n{keys}");
    match World::default().read(&text) {
        Ok((_, warnings)) => warnings.iter().map(|warning| warning.render(false)).collect(),
        Err(found) => panic!("{}", found.render(false)),
    }
}

#[test]
fn a_rule_that_asks_for_tickets_that_are_over_is_warned_of_unless_it_reads_ratings() {
    for (status, word, line) in [
        ("    when: { ticket.status: solved }\n", "solved", 6),
        ("    when:\n      all:\n        - any: [ not: { ticket.status: [ open, closed ] } ]\n", "closed", 8),
        ("    when: { ticket.priority: urgent }\n    unless: { ticket.status: [ solved, closed ] }\n", "solved", 7),
        // In a term: the rule is shown.
        ("    when: { is: over }\n", "solved", 4),
    ] {
        let warnings = warnings_of_rule(status);
        let [told] = &warnings[..] else { panic!("{status}{warnings:?}") };
        assert!(told.contains(&format!("warning[W0003]: a rule never sees a ticket that is {word}")), "{told}");
        assert!(told.contains(&format!("etc/tierline.yaml:{line}:")), "{told}");
    }
    for fine in [
        "    when: { ticket.status: [ new, open, pending, on_hold ] }\n",
        "    when: { ticket.status: solved, ticket.rating: { at_most: 2 } }\n",
        // Of a field of the desk's own, the words mean what the desk says.
        "    when: { ticket.custom.status: solved, ticket.subject: closed }\n",
    ] {
        assert_eq!(warnings_of_rule(fine), [""; 0], "{fine}");
    }
}

#[test]
fn a_cooldown_that_outlives_its_ticket_is_warned_of() {
    let rule = |cooldown: &str| warnings_of_rule(&format!("    when: {{ ticket.spam: true }}\n    {cooldown}\n"));
    let warnings = rule("cooldown: 41d");
    assert!(warnings[0].contains("warning[W0003]: this cooldown is longer than `time.history`"), "{warnings:?}");
    assert!(warnings[0].contains("etc/tierline.yaml:7:15"), "{warnings:?}");
    assert_eq!(rule("cooldown: 40d"), [""; 0]);
    // The account stays.
    assert_eq!(rule("cooldown: 41d\n    once_per: account"), [""; 0]);
}
