//! The yardstick: every record of `tickets` copied, exactly once, with rdkafka and nothing else.
//!
//! Configured as a lane is, with the same two producers in turn and the same reasons to commit, so that what differs is
//! what Tierline does with a record.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};
use tierline_kafka::Settings;
use tierline_kafka::settings::Which;

use crate::Outcome;
use crate::measured::{Begun, Measured};
use crate::options::Job;
use crate::pipeline::Stop;

/// A transaction lasts no longer than this.
const INTERVAL: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

pub fn run(job: &Job) -> Outcome<Measured> {
    let settings = Settings::new(&job.brokers, &job.own);
    let producers = [producer(&settings, Which::A)?, producer(&settings, Which::B)?];
    let consumer: BaseConsumer = settings.driver_consumer().set("auto.offset.reset", "earliest").create()?;
    let tickets = job.names().tickets;
    consumer.subscribe(&[&tickets])?;
    let stop = Stop::at_the_end_of_input(job);
    println!("ready");

    let mut copy = Copy { consumer, producers, turn: 0, tickets, to: job.copied_to.clone(), next: Vec::new() };
    let (mut copied, mut begun) = (0, None);
    while !stop.is_set() && (job.events == 0 || copied < job.events) {
        let count = copy.transaction()?;
        if count > 0 && begun.is_none() {
            // The first transaction is as short as the first fetch.
            begun = Some((Begun::now()?, count));
        }
        copied += count;
    }
    let (begun, first) = begun.ok_or("nothing came")?;
    begun.took(copied - first)
}

struct Copy {
    consumer: BaseConsumer,
    producers: [BaseProducer; 2],
    turn: usize,
    tickets: String,
    to: String,
    /// One past what was read, by partition; `None`: nothing in this transaction.
    next: Vec<Option<i64>>,
}

impl Copy {
    /// Copies what is there, for at most the interval; how many records.
    fn transaction(&mut self) -> Outcome<u64> {
        let producer = &self.producers[self.turn];
        let (mut count, mut wait, mut began) = (0, Duration::from_millis(10), None);
        while let Some(message) = self.consumer.poll(wait) {
            let message = message?;
            if count == 0 {
                producer.begin_transaction()?;
                began = Some(Instant::now());
            }
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&self.to).partition(message.partition());
            (record.key, record.payload) = (message.key(), message.payload());
            while let Err((error, same)) = producer.send(record) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(error.into());
                }
                nap(producer);
                record = same;
            }
            let place = message.partition() as usize;
            self.next.resize(self.next.len().max(place + 1), None);
            self.next[place] = Some(message.offset() + 1);
            (count, wait) = (count + 1, Duration::ZERO);
            if count % 64 == 0 && began.is_some_and(|began| began.elapsed() >= INTERVAL) {
                break;
            }
        }
        if count > 0 {
            self.commit()?;
        }
        Ok(count)
    }

    fn commit(&mut self) -> Outcome<()> {
        let producer = &self.producers[self.turn];
        while producer.in_flight_count() > 0 {
            nap(producer);
        }
        let mut offsets = TopicPartitionList::new();
        for (partition, next) in self.next.iter_mut().enumerate() {
            if let Some(next) = next.take() {
                offsets.add_partition_offset(&self.tickets, partition as i32, Offset::Offset(next))?;
            }
        }
        let group = self.consumer.group_metadata().ok_or("a member of the group")?;
        producer.send_offsets_to_transaction(&offsets, &group, Timeout::Never)?;
        producer.commit_transaction(Timeout::Never)?;
        self.turn = 1 - self.turn;
        Ok(())
    }
}

/// Waits a moment for what is under way. The producer's own poll would spin through a millisecond, on a core that the
/// broker needs.
fn nap(producer: &BaseProducer) {
    producer.poll(Duration::ZERO);
    thread::sleep(Duration::from_micros(200));
}

fn producer(settings: &Settings, which: Which) -> Outcome<BaseProducer> {
    let producer: BaseProducer = settings.transactional_producer(which).create()?;
    producer.init_transactions(PATIENCE)?;
    Ok(producer)
}
