//! `log.properties`: any property of librdkafka, save those on which the guarantees rest.

mod fit;
mod known;

use std::collections::BTreeMap;
use std::time::Duration;

use tierline_rules::source::{Entry, Kind, Node, codes, did_you_mean, text, wrong_kind};

use self::known::KNOWN;
use crate::{Reading, Secret};

type Read = (BTreeMap<String, String>, BTreeMap<String, Secret>);

/// Those that may be shown, and those that may not.
pub(crate) fn read(node: &Node, commit_interval: Duration, reading: &mut Reading<'_>) -> Read {
    let Kind::Map(entries) = &node.kind else {
        wrong_kind(node, "`log.properties` is a map of librdkafka's properties", reading.found);
        return Read::default();
    };
    let (mut plain, mut secret) = Read::default();
    for Entry { key, value } in entries {
        let name = key.text.as_str();
        let what = format!("`{name}`");
        if SECRET.contains(&name) {
            if let Some(read) = Secret::read(value, &what, reading) {
                secret.insert(name.to_owned(), read);
            }
            continue;
        }
        if let Some(reason) = refused(name) {
            reading
                .found
                .mistake(codes::REFUSED_PROPERTY, &key.span, format!("`{name}` may not be set: {reason}"))
                .help("leave it out");
            continue;
        }
        if !KNOWN.contains(&name) {
            let help = did_you_mean(name, KNOWN.iter().chain(&SECRET).copied());
            let help = help.unwrap_or_else(|| "its properties are listed in librdkafka's CONFIGURATION.md".to_owned());
            reading
                .found
                .mistake(codes::UNKNOWN_KEY, &key.span, format!("librdkafka has no property `{name}`"))
                .help(help);
            continue;
        }
        if let Some(read) = text(value, &what, reading.found) {
            plain.insert(name.to_owned(), read.to_owned());
        }
    }
    fit::check_numbers(entries, &plain, commit_interval, reading);
    fit::warn_of_security(entries, &plain, reading);
    (plain, secret)
}

/// Properties whose values nobody may see.
const SECRET: [&str; 9] = [
    "sasl.password",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
];

/// Whether a key's value is a secret, or was meant to be one: the key may be mistyped.
pub(crate) fn names_a_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let named = key == "token" || ["password", "passphrase", "secret"].iter().any(|word| key.contains(word));
    let meant = || did_you_mean(&key, SECRET.iter().copied().chain(["password"])).is_some();
    SECRET.contains(&key.as_str()) || named || (!KNOWN.contains(&key.as_str()) && meant())
}

/// Why a property is not the user's to set; none: it is.
fn refused(name: &str) -> Option<&'static str> {
    let reason = match name {
        "acks"
        | "request.required.acks"
        | "enable.idempotence"
        | "max.in.flight"
        | "max.in.flight.requests.per.connection" => {
            "without idempotent writes that every replica has confirmed, a transaction is none"
        }
        "transactional.id" => "it is made of `log.group`, `log.instance` and the lane, so that a zombie is fenced",
        "isolation.level" => "records of aborted transactions must never be read",
        "enable.auto.commit" | "auto.commit.enable" | "enable.auto.offset.store" | "auto.commit.interval.ms" => {
            "positions move in the transaction that holds their output, and nowhere else"
        }
        "auto.offset.reset" => "a position out of range is told, never jumped over in silence",
        "partitioner" => "a task finds an account's records by Java's murmur2",
        "partition.assignment.strategy" | "group.protocol" | "group.remote.assignor" => {
            "partitions are handed over cooperatively, between two transactions"
        }
        "group.instance.id" => "a static member's place would be taken over without telling the one who has it",
        "group.id" => "it is `log.group`",
        "bootstrap.servers" | "metadata.broker.list" => "it is `log.brokers`",
        "client.id" => "each of a lane's clients has its own, by which brokers' logs tell them apart",
        "message.timeout.ms" | "delivery.timeout.ms" => "it follows from `transaction.timeout.ms`",
        "delivery.report.only.error"
        | "enable.partition.eof"
        | "log.queue"
        | "enabled_events"
        | "internal.termination.signal" => "the program's own loop rests on it",
        "allow.auto.create.topics" => {
            "a topic made by the way would have the wrong partitions; `tierline topics create` makes them"
        }
        "plugin.library.paths" | "interceptors" => "foreign code between us and the broker voids every guarantee",
        other if other.ends_with("_cb") || other.ends_with("_data") || other == "opaque" => {
            "it is for programs, not for files"
        }
        _ => return None,
    };
    Some(reason)
}
