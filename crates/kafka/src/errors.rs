//! What a client of Kafka heard from its cluster, and how a failure is told so that somebody can act on it.
//!
//! librdkafka answers a call with a code; why, it says beside, through its context. A wrong password, for one, ends a
//! call with "broker transport failure". So each client keeps what it heard last.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tierline_stream::log::Failure;

use crate::settings::Settings;

/// What one client heard from the cluster. Shared between the client's context and whoever uses the client.
#[derive(Debug)]
pub(crate) struct Heard {
    client: &'static str,
    last: Mutex<Option<(Option<RDKafkaErrorCode>, String)>>,
    /// When an error of each code was last worth a log line.
    told: Mutex<Vec<(Option<RDKafkaErrorCode>, Instant)>>,
    /// A connection to a broker has broken since all was well.
    broke: AtomicBool,
    /// That to the coordinator of its transactions has.
    coordinator_broke: AtomicBool,
}

/// What the client calls the connection to the coordinator of its transactions.
const COORDINATOR: &str = "TxnCoordinator";

/// A broker that is away is an error many times a second: one log line a client and code within this time is enough.
const TOLD_ONCE_IN: Duration = Duration::from_secs(30);

impl Heard {
    pub(crate) fn by(client: &'static str) -> Arc<Heard> {
        let [broke, coordinator_broke] = Default::default();
        Arc::new(Heard { client, last: Mutex::default(), told: Mutex::default(), broke, coordinator_broke })
    }

    /// Keeps an error and logs it.
    pub(crate) fn error(&self, error: &KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            // Not an error: a restore asks to be told where a partition ends.
            return;
        }
        let code = error.rdkafka_error_code();
        if self.is_news(code, Instant::now()) {
            tracing::warn!(client = self.client, %error, reason, "kafka");
        } else {
            tracing::debug!(client = self.client, %error, reason, "kafka");
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down is said last, and says least.
        if last.is_none() || code != Some(RDKafkaErrorCode::AllBrokersDown) {
            *last = Some((code, reason.to_owned()));
        }
    }

    fn is_news(&self, code: Option<RDKafkaErrorCode>, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|(_, at)| now.duration_since(*at) < TOLD_ONCE_IN);
        let is_news = !told.iter().any(|(known, _)| *known == code);
        if is_news {
            told.push((code, now));
        }
        is_news
    }

    /// Logs a line of librdkafka's.
    pub(crate) fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        // Failed connections and requests that ran out of time come as errors too.
        if matches!(facility, "FAIL" | "REQTMOUT") {
            let broke = facility == "FAIL";
            self.broke.fetch_or(broke, Ordering::Relaxed);
            self.coordinator_broke.fetch_or(broke && line.contains(COORDINATOR), Ordering::Relaxed);
            tracing::debug!(client = self.client, facility, line, "librdkafka");
            return;
        }
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                tracing::warn!(client = self.client, facility, line, "librdkafka");
            }
            RDKafkaLogLevel::Warning => tracing::info!(client = self.client, facility, line, "librdkafka"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::debug!(client = self.client, facility, line, "librdkafka");
            }
            RDKafkaLogLevel::Debug => tracing::trace!(client = self.client, facility, line, "librdkafka"),
        }
    }

    /// Whether a connection to a broker has broken since [`all_is_well`](Self::all_is_well): what the client remembers
    /// of who does what may be out of date. A client hears of it when it is polled.
    pub(crate) fn lost_a_broker(&self) -> bool {
        self.broke.load(Ordering::Relaxed)
    }

    /// Whether that to the coordinator of its transactions has, too: a new one of those the client finds by itself.
    pub(crate) fn lost_its_coordinator(&self) -> bool {
        self.coordinator_broke.load(Ordering::Relaxed)
    }

    /// Everybody who is needed has answered.
    pub(crate) fn all_is_well(&self) {
        self.broke.store(false, Ordering::Relaxed);
        self.coordinator_broke.store(false, Ordering::Relaxed);
    }

    /// The cluster has answered, so it knows who we are: what refused us before has passed.
    pub(crate) fn is_known(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.take_if(|(code, _)| is_refusal(*code));
    }

    /// What was heard last, for people.
    pub(crate) fn last(&self) -> String {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map_or_else(|| "no error was heard".to_owned(), |(_, reason)| reason.clone())
    }

    /// Whether the cluster refused who we are: waiting does not mend that.
    pub(crate) fn refused_identity(&self, settings: &Settings) -> Option<Failure> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (code, reason) = last.as_ref()?;
        is_refusal(*code).then(|| {
            Failure::Fatal(format!(
                "Kafka at {} refused the connection: {reason}; check `sasl.username`, `sasl.password`, \
                 `sasl.mechanism`, `ssl.ca.location` in log.properties",
                settings.brokers
            ))
        })
    }

    /// The cluster did not answer within the settings' patience.
    pub(crate) fn unreachable(&self, settings: &Settings, doing: &str) -> Failure {
        self.refused_identity(settings).unwrap_or_else(|| {
            Failure::Fatal(format!(
                "broker unreachable: no answer from {} within {} s while {doing}; last error: {}; check log.brokers \
                 and that the brokers run",
                settings.brokers,
                settings.patience.as_secs(),
                self.last()
            ))
        })
    }
}

fn is_refusal(code: Option<RDKafkaErrorCode>) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Some(Code::Authentication | Code::SaslAuthenticationFailed | Code::SSL))
}

/// The right that is missing, where `code` says that one is; `on` names the topic, group or transactional id.
pub(crate) fn denied(code: RDKafkaErrorCode, settings: &Settings, on: &str, operations: &str) -> Option<Failure> {
    let message = match code {
        RDKafkaErrorCode::TopicAuthorizationFailed => {
            format!("not allowed on topic `{on}`: this principal needs the ACL {operations} on it")
        }
        RDKafkaErrorCode::GroupAuthorizationFailed => {
            let group = settings.consumer_group();
            format!("not allowed in consumer group `{group}`: this principal needs the ACL READ on group `{group}`")
        }
        RDKafkaErrorCode::TransactionalIdAuthorizationFailed => {
            let prefix = format!("{}-{}-", settings.group, settings.stage);
            format!(
                "not allowed to use transactional id `{on}`: this principal needs the ACLs WRITE and DESCRIBE on \
                 transactional ids with the prefix `{prefix}`"
            )
        }
        RDKafkaErrorCode::ClusterAuthorizationFailed => {
            format!("not allowed on the cluster while using `{on}`: this principal needs the ACL {operations} on it")
        }
        _ => return None,
    };
    Some(Failure::Fatal(message))
}

/// A failure of an answer about a topic: a missing right by name, else as it came.
pub(crate) fn about_topic(error: &KafkaError, settings: &Settings, topic: &str, operations: &str) -> Failure {
    code_of(error)
        .and_then(|code| denied(code, settings, topic, operations))
        .unwrap_or_else(|| Failure::Fatal(format!("topic `{topic}`: {error}")))
}

/// An error's code; an administrator's errors have theirs elsewhere.
pub(crate) fn code_of(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    }
}

/// A client could not even be made: a property that librdkafka does not know, or a value that it does not take.
pub(crate) fn not_made(error: &KafkaError) -> Failure {
    Failure::Fatal(match error {
        KafkaError::ClientConfig(_, what, name, value) => {
            let secret = name.contains("password") || name.contains("secret") || name.contains("key");
            let value = if secret { "…" } else { value };
            format!("log.properties: `{name}: {value}`: {what}")
        }
        other => format!("log.properties: {other}"),
    })
}

/// The context of a client that only listens.
pub(crate) struct Listening(pub(crate) Arc<Heard>);

impl ClientContext for Listening {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.0.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }
}

impl ConsumerContext for Listening {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_password_is_told_as_what_it_is() {
        let (heard, settings) = (Heard::by("test"), Settings::new("kafka-1:9093", "tierline"));
        heard.error(&KafkaError::Global(RDKafkaErrorCode::Authentication), "SASL SCRAM-SHA-512: invalid credentials");
        let message = heard.unreachable(&settings, "asking for topics").to_string();
        assert!(message.contains("invalid credentials") && message.contains("sasl.password"), "{message}");
    }

    /// A connection that breaks while a client says who it is is told as a refusal too.
    #[test]
    fn a_refusal_that_has_passed_is_forgotten() {
        let (heard, settings) = (Heard::by("test"), Settings::new("kafka-1:9093", "tierline"));
        heard.error(&KafkaError::Global(RDKafkaErrorCode::Authentication), "SASL mechanism handshake failed");
        assert!(heard.refused_identity(&settings).is_some());
        heard.is_known();
        assert!(heard.refused_identity(&settings).is_none());
    }

    #[test]
    fn an_unreachable_broker_is_named_with_what_was_heard() {
        let (heard, settings) = (Heard::by("test"), Settings::new("kafka-1:9092", "tierline"));
        heard.error(&KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure), "Connection refused");
        let message = heard.unreachable(&settings, "asking for topics").to_string();
        assert!(message.contains("kafka-1:9092") && message.contains("Connection refused"), "{message}");
    }

    #[test]
    fn a_broken_connection_is_remembered_until_all_is_well() {
        let heard = Heard::by("test");
        heard.log(RDKafkaLogLevel::Warning, "REQTMOUT", "Timed out ApiVersionRequest in flight");
        assert!(!heard.lost_a_broker(), "slow is not away");
        heard.log(RDKafkaLogLevel::Error, "FAIL", "[thrd:b:9092/1]: b:9092/1: Connect failed: Connection refused");
        assert!(heard.lost_a_broker() && !heard.lost_its_coordinator());
        heard.log(RDKafkaLogLevel::Info, "FAIL", "[thrd:TxnCoordinator]: TxnCoordinator: b:9092: Disconnected");
        assert!(heard.lost_a_broker() && heard.lost_its_coordinator());
        heard.all_is_well();
        assert!(!heard.lost_a_broker() && !heard.lost_its_coordinator());
    }

    #[test]
    fn an_error_is_worth_a_log_line_once_in_a_while() {
        let (heard, now) = (Heard::by("test"), Instant::now());
        let down = Some(RDKafkaErrorCode::AllBrokersDown);
        assert!(heard.is_news(down, now));
        assert!(!heard.is_news(down, now + TOLD_ONCE_IN - Duration::from_millis(1)));
        assert!(heard.is_news(Some(RDKafkaErrorCode::Authentication), now), "another is another");
        assert!(heard.is_news(down, now + TOLD_ONCE_IN), "it is still away");
    }

    #[test]
    fn a_missing_right_is_named() {
        let settings = Settings::new("kafka-1:9092", "tierline");
        let code = RDKafkaErrorCode::TransactionalIdAuthorizationFailed;
        let message = denied(code, &settings, "tierline-detect-0-0-a", "WRITE").expect("a right is missing");
        assert!(message.to_string().contains("prefix `tierline-detect-`"), "{message}");
    }
}
