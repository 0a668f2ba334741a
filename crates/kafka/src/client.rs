//! What a person's command wants of Kafka: write records so that they land where any client's would, read committed
//! ones without being a member of anything.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{Message, Offset as RdOffset, TopicPartitionList};
use tierline_stream::client::{Client, From, Outgoing, Seen};
use tierline_stream::log::{Failure, Offset, Partition};

use crate::absence::Absence;
use crate::cluster::Cluster;
use crate::errors::{Heard, Listening, about_topic, denied, not_made};
use crate::producer::{is_too_large, nap};
use crate::reader::{MessageHeaders, gone, judge};
use crate::settings::Settings;

/// A log as commands see it.
pub struct KafkaClient {
    settings: Settings,
    cluster: Cluster,
    /// Made when something is sent.
    producer: Option<BaseProducer<Places>>,
}

impl KafkaClient {
    /// Connects. Asks nothing yet.
    ///
    /// # Errors
    /// `Fatal`: a setting that may not be set or that the client does not know.
    pub fn connect(settings: Settings) -> Result<KafkaClient, Failure> {
        settings.check()?;
        Ok(KafkaClient { cluster: Cluster::connect(&settings)?, settings, producer: None })
    }

    fn producer(&mut self) -> Result<&BaseProducer<Places>, Failure> {
        if self.producer.is_none() {
            let places = Places { heard: Heard::by("send"), of: Mutex::default() };
            let config = self.settings.plain_producer();
            self.producer = Some(config.create_with_context(places).map_err(|error| not_made(&error))?);
        }
        // Made above where there was none.
        self.producer.as_ref().ok_or_else(|| Failure::Fatal("no producer".into()))
    }

    fn consumer(&self) -> Result<(BaseConsumer<Listening>, Arc<Heard>), Failure> {
        let heard = Heard::by("read");
        let consumer = self.settings.assigned_consumer("read");
        let consumer = consumer.create_with_context(Listening(Arc::clone(&heard)));
        Ok((consumer.map_err(|error| not_made(&error))?, heard))
    }

    fn must_exist(&self, topic: &str) -> Result<i32, Failure> {
        let there = self.cluster.partitions(topic)?;
        there.ok_or_else(|| Failure::Fatal(format!("there is no topic `{topic}`; see `tierline topics create`")))
    }

    /// Where each partition is read from, and to: `(partition, from, end)`.
    fn stretches(&self, topic: &str, from: &From) -> Result<Vec<(Partition, Offset, Offset)>, Failure> {
        let count = self.must_exist(topic)?;
        let range = |partition| self.cluster.range(topic, partition).map(|(low, end)| (partition, low, end));
        match from {
            From::Start => (0..count).map(range).collect(),
            From::End => (0..count).map(|partition| range(partition).map(|(p, _, end)| (p, end, end))).collect(),
            From::Each(from) => {
                let stretch = |partition| {
                    let (partition, low, end) = range(partition)?;
                    let told = from.iter().find(|(other, _)| *other == partition);
                    Ok((partition, told.map_or(low, |(_, offset)| (*offset).clamp(low, end.max(low))), end))
                };
                (0..count).map(stretch).collect()
            }
            &From::At(partition, offset) => {
                let (_, low, end) = range(partition)?;
                if (low..end).contains(&offset) {
                    return Ok(vec![(partition, offset, end)]);
                }
                Err(Failure::Fatal(format!(
                    "{topic}-{partition} has no record {offset}: it holds those from {low} to {}",
                    end - 1
                )))
            }
        }
    }
}

impl Client for KafkaClient {
    fn send(
        &mut self,
        topic: &str,
        partition: Option<Partition>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<(Partition, Offset), Failure> {
        let record = Outgoing {
            partition,
            key: key.map(Vec::from),
            value: value.map(Vec::from),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), Vec::from(*value))).collect(),
        };
        let places = self.send_all(topic, &[record])?;
        places.first().copied().ok_or_else(|| Failure::Fatal(format!("no answer for a record of {topic}")))
    }

    fn send_all(&mut self, topic: &str, records: &[Outgoing]) -> Result<Vec<(Partition, Offset)>, Failure> {
        // A producer would wait for a topic that is not there until the record times out.
        self.must_exist(topic)?;
        let settings = self.settings.clone();
        let producer = self.producer()?;
        producer.context().expect(records.len());
        for (index, outgoing) in records.iter().enumerate() {
            let mut record = as_record(topic, outgoing, index);
            while let Err((error, unsent)) = producer.send(record) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    // What was taken before it goes out; its answers are nobody's.
                    self.producer = None;
                    return Err(not_written(&error, &settings, topic));
                }
                nap(producer);
                record = unsent;
            }
        }
        while producer.in_flight_count() > 0 {
            nap(producer);
            if let Some(refused) = producer.context().heard.refused_identity(&settings) {
                return Err(refused);
            }
        }
        producer.context().take().map_err(|error| match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageTimedOut) => {
                producer.context().heard.unreachable(&settings, &format!("writing to {topic}"))
            }
            _ => not_written(&error, &settings, topic),
        })
    }

    fn flush(&mut self) -> Result<(), Failure> {
        // Each call of `send` and `send_all` has waited for its records.
        Ok(())
    }

    fn read(
        &mut self,
        topic: &str,
        from: From,
        until_end: bool,
        idle: Duration,
        each: &mut dyn FnMut(Option<Seen<'_>>) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let stretches = self.stretches(topic, &from)?;
        let (consumer, heard) = self.consumer()?;
        let mut list = TopicPartitionList::with_capacity(stretches.len());
        for &(partition, from, _) in &stretches {
            list.add_partition_offset(topic, partition, RdOffset::Offset(from))
                .map_err(|error| about_topic(&error, &self.settings, topic, "READ"))?;
        }
        consumer.assign(&list).map_err(|error| about_topic(&error, &self.settings, topic, "READ"))?;
        let (mut quiet_since, mut absence) = (Instant::now(), Absence::default());
        // The last of the partitions is there only if all are.
        let needed: Vec<_> = stretches.iter().map(|&(partition, ..)| (topic, partition)).max().into_iter().collect();
        loop {
            if absence.is_proved(Instant::now(), || self.cluster.has(&needed)) {
                return Err(gone(&heard));
            }
            if until_end && all_read(&consumer, topic, &stretches) {
                return Ok(());
            }
            // Handed over until nothing is there, then the ends are looked at.
            let mut wait = if until_end { idle.min(Duration::from_millis(20)) } else { idle };
            while let Some(polled) = consumer.poll(wait) {
                wait = Duration::ZERO;
                match polled {
                    Ok(message) => {
                        let end = stretches.iter().find(|(partition, _, _)| *partition == message.partition());
                        if until_end && end.is_some_and(|&(_, _, end)| message.offset() >= end) {
                            continue;
                        }
                        let seen = Seen {
                            topic,
                            partition: message.partition(),
                            offset: message.offset(),
                            appended_at: message.timestamp().to_millis().unwrap_or(0),
                            key: message.key(),
                            value: message.payload(),
                            headers: &MessageHeaders(&message),
                        };
                        if each(Some(seen)).is_break() {
                            return Ok(());
                        }
                    }
                    // Not a member of the group, so it need not be allowed in it.
                    Err(KafkaError::MessageConsumption(RDKafkaErrorCode::GroupAuthorizationFailed)) => {}
                    Err(error) => judge(&error, topic, &self.settings, &heard, &mut absence)?,
                }
                if quiet_since.elapsed() >= idle {
                    break;
                }
            }
            quiet_since = Instant::now();
            if each(None).is_break() {
                return Ok(());
            }
        }
    }

    fn partitions(&mut self, topic: &str) -> Result<Option<i32>, Failure> {
        self.cluster.partitions(topic)
    }
}

/// Whether each partition has been read up to its end, control records and aborted ones included.
fn all_read(consumer: &BaseConsumer<Listening>, topic: &str, stretches: &[(Partition, Offset, Offset)]) -> bool {
    let Ok(positions) = consumer.position() else { return false };
    stretches.iter().all(|&(partition, from, end)| {
        let position = positions.find_partition(topic, partition).map(|element| element.offset());
        from >= end || matches!(position, Some(RdOffset::Offset(position)) if position >= end)
    })
}

fn as_record<'a>(topic: &'a str, outgoing: &'a Outgoing, index: usize) -> BaseRecord<'a, [u8], [u8], usize> {
    let mut record = BaseRecord::with_opaque_to(topic, index);
    record.partition = outgoing.partition;
    record.key = outgoing.key.as_deref();
    record.payload = outgoing.value.as_deref();
    if !outgoing.headers.is_empty() {
        let headers = OwnedHeaders::new_with_capacity(outgoing.headers.len());
        record.headers = Some(
            outgoing
                .headers
                .iter()
                .fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(value.as_slice()) })),
        );
    }
    record
}

fn not_written(error: &KafkaError, settings: &Settings, topic: &str) -> Failure {
    let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
    if is_too_large(code) {
        return Failure::Refused(format!("a record for {topic} is larger than its max.message.bytes"));
    }
    denied(code, settings, topic, "WRITE")
        .unwrap_or_else(|| Failure::Fatal(format!("a record for {topic} was not written: {error}")))
}

/// The producer's context: where each record of a call landed, by its index in the call.
struct Places {
    heard: Arc<Heard>,
    of: Mutex<Vec<Option<Landed>>>,
}

type Landed = Result<(Partition, Offset), KafkaError>;

impl Places {
    fn expect(&self, count: usize) {
        *self.of.lock().unwrap_or_else(PoisonError::into_inner) = vec![None; count];
    }

    /// All places, or the first failure.
    fn take(&self) -> Result<Vec<(Partition, Offset)>, KafkaError> {
        let mut landed = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        landed.drain(..).map(|landed| landed.unwrap_or(Err(KafkaError::Canceled))).collect()
    }
}

impl ClientContext for Places {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.heard.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.heard.error(&error, reason);
    }
}

impl ProducerContext for Places {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let landed = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.clone()),
        };
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = of.get_mut(index) {
            *place = Some(landed);
        }
    }
}
