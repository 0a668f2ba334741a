//! Properties that have to fit each other, and those that rarely say what was meant.

use std::collections::BTreeMap;
use std::time::Duration;

use tierline_rules::source::{Entry, codes};

use crate::Reading;

/// No record that the pipeline writes is larger, bytes; librdkafka's own default.
const LARGEST_WRITTEN: u64 = 1_000_000;

/// Numbers that have to fit each other. What librdkafka itself refuses, a start would tell; here it is told with its line.
pub(super) fn check_numbers(
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
            let message = format!("`{name}` is a whole number, without a unit");
            reading.found.mistake(codes::NUMBER, &entry.value.span, message);
        }
        read
    };
    let transaction = number("transaction.timeout.ms");
    let (session, heartbeat) = (number("session.timeout.ms"), number("heartbeat.interval.ms"));
    let (poll, socket) = (number("max.poll.interval.ms"), number("socket.timeout.ms"));
    let largest = number("message.max.bytes");
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
    let (session_length, heartbeat_length) = (session.unwrap_or(15_000), heartbeat.unwrap_or(500));
    if heartbeat_length.saturating_mul(2) > session_length {
        let name = if heartbeat.is_some() { "heartbeat.interval.ms" } else { "session.timeout.ms" };
        let message = format!(
            "a session of {session_length} ms has room for two heartbeats at least, and one comes every \
             {heartbeat_length} ms: a single late one would cost the partitions"
        );
        refuse(name, message);
    }
    if session_length > poll.unwrap_or(300_000) {
        let name = if poll.is_some() { "max.poll.interval.ms" } else { "session.timeout.ms" };
        let given = |set: Option<u64>, default: u64| match set {
            Some(length) => length.to_string(),
            None => format!("the default of {default}"),
        };
        let message = format!(
            "`max.poll.interval.ms` is at least `session.timeout.ms`; {} is less than {}",
            given(poll, 300_000),
            given(session, 15_000)
        );
        refuse(name, message);
    }
    if let Some(socket) = socket.filter(|length| *length > transaction.unwrap_or(30_000).saturating_add(100)) {
        let message = format!("`socket.timeout.ms` is at most `transaction.timeout.ms`; {socket} is more");
        refuse("socket.timeout.ms", message);
    }
    if let Some(largest) = largest.filter(|bytes| *bytes < LARGEST_WRITTEN) {
        let message = format!(
            "`message.max.bytes` is {LARGEST_WRITTEN} or more, so that every dead letter fits; {largest} is less"
        );
        refuse("message.max.bytes", message);
    }
}

/// What is legal, and leaves less protected than one would think.
pub(super) fn warn_of_security(entries: &[Entry], plain: &BTreeMap<String, String>, reading: &mut Reading<'_>) {
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
