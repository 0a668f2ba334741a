//! From the sending of a record to what came of it, as a `read_committed` consumer sees it.

use std::collections::HashMap;
use std::fmt;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};
use tierline_kafka::Settings;
use tierline_model::{Decoder, RecordType, TicketRecord};

use crate::Outcome;
use crate::options::Options;
use crate::traffic::{Traffic, account_id, now, send, sink};

/// One event in so many is followed to its end.
const FOLLOWED: u64 = 200;
/// What is sent before the first one that counts.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long what was sent may take to come out.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the followed events took.
pub struct Seen {
    /// Milliseconds, in order.
    took: Vec<f64>,
    sent: usize,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |part: f64| self.took.get((self.took.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN);
        let (p50, p99, count, sent) = (at(0.5), at(0.99), self.took.len(), self.sent);
        write!(f, "p50 {p50:.1} ms, p99 {p99:.1} ms ({count} of {sent} seen)")
    }
}

/// Sends events to `tickets` at the wanted rate, and follows some of them to `output`.
pub fn measure(settings: &Settings, tickets: &str, output: &str, options: &Options) -> Outcome<Seen> {
    let (told, sent) = channel();
    let consumer = consumer(settings, output, options.partitions)?;
    let watching = thread::spawn(move || watch(&consumer, &sent));
    let (sink, mut traffic) = (sink(settings)?, Traffic::over(options.accounts));
    let (began, mut number) = (Instant::now(), 0_u64);
    let whole = WARM_UP + Duration::from_secs(options.seconds);
    while began.elapsed() < whole {
        let due = (began.elapsed().as_secs_f64() * options.rate as f64) as u64;
        while number < due {
            number += 1;
            if number % FOLLOWED == 0 {
                let (ticket, account) = traffic.urgent(now());
                let counts = began.elapsed() >= WARM_UP;
                told.send((ticket, Instant::now(), counts))?;
                send(&sink, tickets, &account_id(account), traffic.value())?;
            } else {
                let account = traffic.event(now());
                send(&sink, tickets, &account_id(account), traffic.value())?;
            }
        }
        // Polling with a wait would spin, and take from whom it measures.
        thread::sleep(Duration::from_millis(1));
        sink.poll(Duration::ZERO);
    }
    drop(told);
    watching.join().map_err(|_| "the watcher panicked")?
}

/// Takes the time of each followed event whose ticket is seen in the output.
fn watch(consumer: &BaseConsumer, sent: &Receiver<(String, Instant, bool)>) -> Outcome<Seen> {
    let mut decoder = Decoder::new();
    let (mut waiting, mut seen, mut deadline) = (HashMap::new(), Seen { took: Vec::new(), sent: 0 }, None);
    loop {
        let polled = consumer.poll(Duration::from_millis(5));
        let at = Instant::now();
        loop {
            use std::sync::mpsc::TryRecvError;
            match sent.try_recv() {
                Ok((ticket, since, counts)) => {
                    seen.sent += usize::from(counts);
                    waiting.insert(ticket, (since, counts));
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    deadline.get_or_insert(at + PATIENCE);
                    break;
                }
            }
        }
        if let Some(message) = polled {
            let ticket = ticket_of(&mut decoder, message?.payload().unwrap_or_default());
            if let Some((since, counts)) = ticket.and_then(|ticket| waiting.remove(&ticket))
                && counts
            {
                seen.took.push((at - since).as_secs_f64() * 1e3);
            }
        }
        if deadline.is_some_and(|deadline| waiting.is_empty() || at >= deadline) {
            seen.took.sort_by(f64::total_cmp);
            return Ok(seen);
        }
    }
}

/// The ticket that a record is about: an event, or an escalation.
fn ticket_of(decoder: &mut Decoder, value: &[u8]) -> Option<String> {
    if let Ok((TicketRecord::Event(event), _)) = decoder.ticket(value) {
        return Some(event.ticket_id.into_owned());
    }
    let escalation = decoder.to_json(RecordType::Escalations, value).ok()?;
    Some(escalation.get("ticket_id")?.as_str()?.to_owned())
}

fn consumer(settings: &Settings, topic: &str, partitions: i32) -> Outcome<BaseConsumer> {
    let consumer: BaseConsumer = settings.assigned_consumer("watch").create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    Ok(consumer)
}
