//! The flow of input: at a steady rate, whatever happens to the cluster, every record once and in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;

use crate::story::{Story, Told};

/// How long the cluster may take to take the last records.
const FLUSH: Duration = Duration::from_secs(120);
const BREATH: Duration = Duration::from_millis(5);

/// A producer that never gives a record up and never writes one twice.
pub fn producer(mut client: ClientConfig) -> Result<BaseProducer, String> {
    client
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("partitioner", "murmur2_random")
        .set("message.timeout.ms", "0")
        // What it takes to find a partition's new leader is no part of what is measured.
        .set("retry.backoff.max.ms", "250")
        .set("queue.buffering.max.messages", "1000000")
        .set("linger.ms", "2");
    client.create().map_err(|error| error.to_string())
}

/// Sends one, and waits while the queue is full.
pub fn send(to: &BaseProducer, told: &Told) -> Result<(), String> {
    let mut record = BaseRecord::to(told.stream).key(told.key.as_bytes()).payload(told.value.as_bytes());
    while let Err((error, same)) = to.send(record) {
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
            return Err(format!("cannot send to {}: {error}", told.stream));
        }
        to.poll(Duration::from_millis(10));
        record = same;
    }
    Ok(())
}

/// Waits until everything that was sent is durable.
pub fn flush(to: &BaseProducer) -> Result<(), String> {
    to.flush(FLUSH).map_err(|error| format!("the cluster did not take all records within {FLUSH:?}: {error}"))
}

/// A story that is being told on a thread of its own.
pub struct Flow {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    /// When it ends, so many must have been sent.
    at_least: Arc<AtomicU64>,
    thread: JoinHandle<Result<Story, String>>,
}

impl Flow {
    /// Tells a story on, so many events a second.
    pub fn start(producer: BaseProducer, mut story: Story, rate: u64) -> Flow {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let at_least = Arc::new(AtomicU64::new(0));
        let (until, count, least) = (Arc::clone(&stop), Arc::clone(&sent), Arc::clone(&at_least));
        let thread = thread::spawn(move || {
            let (began, mut number) = (Instant::now(), 0);
            while !until.load(Ordering::SeqCst) {
                let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
                for _ in number..due {
                    send(&producer, &story.event())?;
                }
                number = due.max(number);
                count.store(number, Ordering::Relaxed);
                producer.poll(BREATH);
            }
            for _ in number..least.load(Ordering::SeqCst) {
                send(&producer, &story.event())?;
            }
            flush(&producer)?;
            Ok(story)
        });
        Flow { stop, sent, at_least, thread }
    }

    /// How many events were sent so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Ends the flow when it has told at least so many events, the rest of them at once, and everything is durable; the
    /// story, as far as it was told.
    pub fn end(self, at_least: u64) -> Result<Story, String> {
        self.at_least.store(at_least, Ordering::SeqCst);
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().map_err(|_| "the sender panicked".to_owned())?
    }
}
