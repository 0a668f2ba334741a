//! `log.properties`: any property of librdkafka, save those on which the guarantees rest.

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
    check_times(entries, &plain, commit_interval, reading);
    warn_of_security(entries, &plain, reading);
    (plain, secret)
}

/// Times that have to fit each other. What librdkafka itself refuses, a start would tell; here it is told with its line.
fn check_times(
    entries: &[Entry],
    plain: &BTreeMap<String, String>,
    commit_interval: Duration,
    reading: &mut Reading<'_>,
) {
    let mut number = |name: &str| {
        let written = plain.get(name)?;
        let read = written.parse::<u64>().ok();
        if read.is_none()
            && let Some(entry) = entries.iter().find(|entry| entry.key.text == name)
        {
            let message = format!("`{name}` is a whole number of milliseconds, without a unit");
            reading.found.mistake(codes::NUMBER, &entry.value.span, message);
        }
        read
    };
    let transaction = number("transaction.timeout.ms");
    let (session, heartbeat) = (number("session.timeout.ms"), number("heartbeat.interval.ms"));
    let (poll, socket) = (number("max.poll.interval.ms"), number("socket.timeout.ms"));
    let mut refuse = |name: &str, message: String| {
        if let Some(entry) = entries.iter().find(|entry| entry.key.text == name) {
            reading.found.mistake(codes::CONTRADICTION, &entry.value.span, message);
        }
    };
    let least = 1_000 + u64::try_from(commit_interval.as_millis()).unwrap_or(u64::MAX);
    if let Some(transaction) = transaction.filter(|length| *length < least || *length > 900_000) {
        let message = format!(
            "`transaction.timeout.ms` lies between {least} (a second more than `log.commit_interval`) and 900000 \
             (what brokers allow); {transaction} does not"
        );
        refuse("transaction.timeout.ms", message);
    }
    let (session_length, heartbeat_length) = (session.unwrap_or(10_000), heartbeat.unwrap_or(1_000));
    if heartbeat_length * 2 > session_length {
        let name = if heartbeat.is_some() { "heartbeat.interval.ms" } else { "session.timeout.ms" };
        let message = format!(
            "a session of {session_length} ms has room for two heartbeats at least, and one comes every \
             {heartbeat_length} ms: a single late one would cost the partitions"
        );
        refuse(name, message);
    }
    if session_length > poll.unwrap_or(300_000) {
        let name = if poll.is_some() { "max.poll.interval.ms" } else { "session.timeout.ms" };
        refuse(name, "`max.poll.interval.ms` is at least `session.timeout.ms`".to_owned());
    }
    if let Some(socket) = socket.filter(|length| *length > transaction.unwrap_or(10_000) + 100) {
        let message = format!("`socket.timeout.ms` is at most `transaction.timeout.ms`; {socket} is more");
        refuse("socket.timeout.ms", message);
    }
}

/// What is legal, and leaves less protected than one would think.
fn warn_of_security(entries: &[Entry], plain: &BTreeMap<String, String>, reading: &mut Reading<'_>) {
    let protocol = plain.get("security.protocol").map(|protocol| protocol.to_ascii_lowercase());
    let (tls, sasl) = protocol.as_deref().map_or((false, false), |p| (p.ends_with("ssl"), p.starts_with("sasl")));
    for Entry { key, .. } in entries {
        let idle = (key.text.starts_with("sasl.") && !sasl) || (key.text.starts_with("ssl.") && !tls);
        if idle {
            let wanted =
                if key.text.starts_with("sasl.") { "SASL_SSL` or `SASL_PLAINTEXT" } else { "SSL` or `SASL_SSL" };
            reading
                .found
                .warning(codes::DOUBTFUL, &key.span, format!("`{}` does nothing here", key.text))
                .help(format!("it takes `security.protocol: {wanted}`"));
        }
        let unverified = key.text == "enable.ssl.certificate.verification";
        if unverified && plain.get(&key.text).is_some_and(|written| written == "false") {
            reading
                .found
                .warning(codes::DOUBTFUL, &key.span, "whoever answers at the brokers' addresses is believed")
                .help("name the authority in `ssl.ca.location` instead");
        }
    }
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
    let named = ["password", "passphrase", "secret"].iter().any(|word| key.contains(word));
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
