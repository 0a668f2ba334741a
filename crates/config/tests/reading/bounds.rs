//! Each bound, at it and just past it.

use crate::kit::{mistakes, read, warnings};

/// What lies at the bounds is taken, what lies past them refused once, in words that name the key.
fn bounded(key: &str, taken: &[&str], refused: &[&str]) {
    let (section, name) = key.split_once('.').expect("a section and a key");
    let with = |value: &str| match section {
        "kafka" => format!("log: {{ kind: kafka, brokers: 'b:1', {name}: {value} }}\n"),
        "embedded" => format!("log: {{ kind: embedded, {name}: {value} }}\n"),
        "property" => format!("log: {{ kind: kafka, brokers: 'b:1', properties: {{ {name}: {value} }} }}\n"),
        "schema_registry" => format!("schema_registry: {{ url: 'http://r', {name}: {value} }}\n"),
        _ => format!("{section}: {{ {name}: {value} }}\n"),
    };
    for value in taken {
        read(&with(value));
    }
    for value in refused {
        let found = mistakes(&with(value));
        assert_eq!(found.len(), 1, "{key}: {value}: {found:?}");
        assert!(found[0].contains(name.rsplit('.').next().unwrap_or(name)), "{key}: {value}: {found:?}");
    }
}

#[test]
fn durations() {
    bounded("time.grace", &["0s", "1ms", "1h"], &["3601s", "-1s", "5"]);
    bounded("time.max_future", &["0s", "30d"], &["31d", "soon"]);
    bounded("time.history", &["10m", "35d", "3653d"], &["0s", "9m", "3654d"]);
    bounded("kafka.patience", &["1s", "10m"], &["999ms", "601s"]);
    bounded("kafka.commit_interval", &["1ms", "5s"], &["0s", "5001ms"]);
    bounded("schema_registry.timeout", &["100ms", "5m"], &["99ms", "301s"]);
}

#[test]
fn a_history_of_less_than_a_day_is_warned_of() {
    assert_eq!(warnings("time: { history: 1d }\n"), [""; 0]);
    let told = warnings("time: { history: 23h }\n");
    assert_eq!(told, ["a solved ticket is forgotten the same day: who reopens it begins anew"]);
}

#[test]
fn numbers() {
    bounded("embedded.partitions", &["1", "1000"], &["0", "1001", "2.5", "many"]);
    bounded("kafka.lanes", &["1", "64"], &["0", "65", "1.5"]);
    bounded("property.transaction.timeout.ms", &["1100", "900000"], &["1099", "900001", "10s"]);
    let endless = u64::MAX.to_string();
    bounded("property.heartbeat.interval.ms", &["7500"], &["7501", &endless]);
    bounded("property.message.max.bytes", &["1000000"], &["999999", "-1"]);
    bounded("property.max.poll.interval.ms", &["15000"], &["14999"]);
}

#[test]
fn a_number_that_does_not_fit_a_default_is_told_of_the_default() {
    let told =
        |property: &str| mistakes(&format!("log: {{ kind: kafka, brokers: 'b:1', properties: {{ {property} }} }}"));
    let begins = "`max.poll.interval.ms` is at least `session.timeout.ms`; ";
    let short = format!("{begins}14999 is less than the default of 15000");
    assert_eq!(told("max.poll.interval.ms: 14999"), [short]);
    let long = format!("{begins}the default of 300000 is less than 300001");
    assert_eq!(told("session.timeout.ms: 300001"), [long]);
}

#[test]
fn words() {
    bounded("time.start", &["quiet", "replay"], &["loud"]);
    bounded("observe.logs", &["text", "json"], &["xml"]);
    bounded(
        "observe.advertise",
        &["'pod-1:9464'", "'https://[::1]:80'"],
        &["'ftp://a'", "'http://'", "'a b:1'", "'me@host:1'"],
    );
    bounded("observe.level", &["error", "trace"], &["chatty"]);
    bounded("observe.listen", &["'[::1]:80'", "'localhost:9464'"], &["9464", "'0.0.0.0'", "'example.org:80'"]);
    bounded("schema_registry.register", &["true", "false"], &["yes"]);
    bounded("embedded.checkpoints", &["true", "false"], &["often"]);
}

#[test]
fn names() {
    bounded("kafka.instance", &["a", "pod-1.eu_2"], &["''", "a/b", "'..'"]);
    bounded("kafka.group", &["tierline"], &["'a b'"]);
    for broker in ["b:9092", "'a:1,b:2'", "'[2001:db8::1]:9092'"] {
        read(&format!("log: {{ kind: kafka, brokers: {broker} }}\n"));
    }
    for broker in ["b", "'b:0'", "'b:65536'", "'a:1,,b:2'", "'http://b:1'", "''", "[]"] {
        let found = mistakes(&format!("log: {{ kind: kafka, brokers: {broker} }}\n"));
        assert_eq!(found, ["`log.brokers` lists brokers as `host:port`"], "{broker}");
    }
    for topic in ["''", "'a b'", "'..'", "tïckets"] {
        assert_eq!(mistakes(&format!("topics: {{ tickets: {topic} }}\n")).len(), 1, "{topic}");
    }
    let long = "x".repeat(249);
    read(&format!("topics: {{ tickets: {long} }}\n"));
    assert_eq!(mistakes(&format!("topics: {{ tickets: {long}x }}\n")).len(), 1);
}

#[test]
fn a_topic_is_for_one_stream() {
    let shared = "two streams would share the topic `signals`";
    assert_eq!(mistakes("topics: { tickets: signals }\n"), [shared]);
    assert_eq!(mistakes("topics: { accounts: [ crm, signals ], billing: signals, signals: s }\n"), [shared]);
    assert_eq!(mistakes("topics: { prefix: eu., tickets: signals }\n"), [""; 0]);
}

#[test]
fn one_hundred_sources_are_enough() {
    let sources = |number: usize| {
        let names: Vec<_> = (0..number).map(|nth| format!("crm-{nth}")).collect();
        format!("topics: {{ accounts: [ {} ] }}\n", names.join(", "))
    };
    assert_eq!(read(&sources(100)).topics.accounts.len(), 100);
    assert_eq!(mistakes(&sources(101)).len(), 1);
    assert_eq!(mistakes(&sources(0)).len(), 1);
}
