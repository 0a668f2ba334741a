//! One transactional producer: made, initialised, and what became of its records.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use tierline_stream::log::{Failure, Partition};

use crate::cluster::is_transient;
use crate::errors::{Heard, denied, not_made};
use crate::settings::{Settings, Which};

/// A producer of a lane, initialised.
pub(crate) type Transactional = BaseProducer<Deliveries>;

/// How long one attempt to initialise takes at most.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Makes one of the lane's producers and initialises it: whoever had its id before is fenced, and what they left open
/// is aborted, or completed where they had already decided to commit.
pub(crate) fn start(settings: &Settings, which: Which, most_bytes: &Limits) -> Result<Transactional, Failure> {
    let id = settings.transactional_id(which);
    let heard = Heard::by("producer");
    let deliveries = Deliveries { heard: Arc::clone(&heard), failed: Mutex::new(None) };
    let mut config = settings.transactional_producer(which);
    most_bytes.apply(&mut config);
    // Broken connections are told at this level, whatever people want to read.
    if !matches!(config.log_level, RDKafkaLogLevel::Debug) {
        config.set_log_level(RDKafkaLogLevel::Info);
    }
    let producer: Transactional = config.create_with_context(deliveries).map_err(|error| not_made(&error))?;
    let began = Instant::now();
    loop {
        let Err(error) = producer.init_transactions(ATTEMPT) else {
            heard.is_known();
            return Ok(producer);
        };
        producer.poll(Duration::ZERO);
        if let Some(refused) = heard.refused_identity(settings) {
            return Err(refused);
        }
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        if let Some(denied) = denied(code, settings, &id, "WRITE and IDEMPOTENT_WRITE") {
            return Err(denied);
        }
        let retriable = matches!(&error, KafkaError::Transaction(error) if error.is_retriable()) || is_transient(code);
        if !retriable {
            return Err(Failure::Fatal(format!("cannot initialise transactional id `{id}`: {error}")));
        }
        if began.elapsed() >= settings.patience {
            return Err(heard.unreachable(settings, &format!("initialising transactional id `{id}`")));
        }
    }
}

/// How long [`nap`] waits. `commit_transaction` itself looks every 100 ms at what is under way: so drain before it.
const NAP: Duration = Duration::from_micros(200);

/// Hears what became of a producer's records, and waits a moment for more. Its own poll would spin through a wait of a
/// millisecond or less, because librdkafka is told whole milliseconds, and take a core from whoever is waited for.
pub(crate) fn nap<C: ProducerContext + 'static>(producer: &BaseProducer<C>) {
    producer.poll(Duration::ZERO);
    if producer.in_flight_count() > 0 {
        std::thread::sleep(NAP);
    }
}

/// How large records and batches may be, as the outputs' topics are configured. Both limits hold for whole batches on
/// the broker, so that a batch of good records would be refused if it were larger than the strictest topic allows.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// `max.message.bytes` of each output.
    pub(crate) outputs: Vec<usize>,
}

impl Limits {
    /// What a broker takes unless told otherwise.
    pub(crate) const DEFAULT: usize = 1_048_588;
    /// Half of what a producer's queue holds: a record that never fits the queue would be waited for endlessly.
    const MOST: usize = 32 << 20;
    /// More than a record's frame: the batch's header, lengths, and what else is not key, value or header.
    const FRAME: usize = 256;

    /// Whether a record of so many bytes of key, value and headers fits the output.
    pub(crate) fn fits(&self, output: usize, bytes: usize) -> bool {
        let most = self.outputs.get(output).copied().unwrap_or(Limits::DEFAULT);
        bytes + Limits::FRAME <= most.min(Limits::MOST)
    }

    fn apply(&self, config: &mut rdkafka::ClientConfig) {
        let strictest = self.outputs.iter().copied().min().unwrap_or(Limits::DEFAULT);
        let widest = self.outputs.iter().copied().max().unwrap_or(Limits::DEFAULT);
        let chosen = config.get("batch.size").and_then(|size| size.parse().ok()).unwrap_or(1_000_000);
        config.set("batch.size", strictest.saturating_sub(Limits::FRAME).clamp(1_024, chosen).to_string());
        if config.get("message.max.bytes").is_none() {
            config.set("message.max.bytes", widest.clamp(1_000, Limits::MOST).to_string());
        }
    }
}

/// What became of a producer's records: only failures are told (`delivery.report.only.error`).
pub(crate) struct Deliveries {
    heard: Arc<Heard>,
    failed: Mutex<Option<Undelivered>>,
}

/// The first record of a transaction that was not written.
#[derive(Clone, Debug)]
pub(crate) struct Undelivered {
    pub(crate) code: RDKafkaErrorCode,
    pub(crate) topic: String,
    pub(crate) partition: Partition,
    pub(crate) bytes: usize,
}

impl Undelivered {
    /// Whether trying again can never help.
    pub(crate) fn is_for_good(&self) -> bool {
        is_too_large(self.code)
    }
}

pub(crate) fn is_too_large(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize)
}

impl Deliveries {
    pub(crate) fn heard(&self) -> &Heard {
        &self.heard
    }

    /// What failed since the last call.
    pub(crate) fn take_failed(&self) -> Option<Undelivered> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.heard.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.heard.error(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Err((error, message)) = result else { return };
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        let bytes = message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len);
        let undelivered =
            Undelivered { code, topic: message.topic().to_owned(), partition: message.partition(), bytes };
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        // What can never be written says more than what was swept along with it.
        if failed.as_ref().is_none_or(|first| !first.is_for_good() && undelivered.is_for_good()) {
            *failed = Some(undelivered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_no_larger_than_the_strictest_topic_allows() {
        let mut config = rdkafka::ClientConfig::new();
        Limits { outputs: vec![1_048_588, 100_000, 5_000_000] }.apply(&mut config);
        assert_eq!(config.get("batch.size"), Some("99744"));
        assert_eq!(config.get("message.max.bytes"), Some("5000000"));
    }

    #[test]
    fn a_record_that_a_topic_cannot_hold_is_known_before_it_is_sent() {
        let limits = Limits { outputs: vec![10_000] };
        assert!(limits.fits(0, 9_000));
        assert!(!limits.fits(0, 10_000));
    }
}
