//! Reads inputs from places that the lane names: one consumer, its partitions, and where each of them stands.
//!
//! The driver's consumer ([`group`](crate::group)) and that of the side inputs are both this; they are two, because one
//! consumer's queue interleaves its inputs, and a merge by time over it would buffer without bound.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::{Message, Offset as RdOffset, TopicPartitionList};
use rustc_hash::FxHashMap;
use tierline_stream::log::{Failure, Headers, InputId, Offset, Partition, Record};

use crate::absence::Absence;
use crate::cluster::Cluster;
use crate::errors::{Heard, denied};
use crate::settings::Settings;

/// What one poll hands over at most: the lane looks at its timers between two.
const AT_ONCE: usize = 4_096;
/// Nor for longer than this.
const AT_A_STRETCH: Duration = Duration::from_millis(10);
/// How long a seek may take: it waits for a thread of the client's, not for the cluster.
const SEEK: Duration = Duration::from_secs(10);

/// A consumer, and where each of its partitions stands.
pub(crate) struct Reader<C: ConsumerContext> {
    consumer: BaseConsumer<C>,
    /// The inputs that are read here, by topic.
    inputs: Vec<(InputId, String)>,
    /// One past what has been handed over, gaps included, for each partition that is being read.
    places: FxHashMap<(InputId, Partition), Place>,
    /// Whether the consumer may have passed over control records since it was last asked.
    passed: bool,
    heard: Arc<Heard>,
    cluster: Arc<Cluster>,
    /// Whether what is read here is still there.
    absence: Absence,
}

#[derive(Clone, Copy)]
struct Place {
    next: Offset,
    paused: bool,
}

/// An input's partition, and where to read on.
pub(crate) type From = (InputId, Partition, Offset);

impl<C: ConsumerContext> Reader<C> {
    pub(crate) fn new(
        consumer: BaseConsumer<C>,
        inputs: Vec<(InputId, String)>,
        heard: Arc<Heard>,
        cluster: Arc<Cluster>,
    ) -> Reader<C> {
        let (places, absence) = (FxHashMap::default(), Absence::default());
        Reader { consumer, inputs, places, passed: false, heard, cluster, absence }
    }

    pub(crate) fn consumer(&self) -> &BaseConsumer<C> {
        &self.consumer
    }

    /// Waits at most `wait` for the first record, and hands over what is there. Returns early when something else
    /// than a record came: a change of ownership, say.
    pub(crate) fn poll(&mut self, wait: Duration, each: &mut dyn FnMut(Record<'_>)) -> Result<(), Failure> {
        self.stop_if_gone()?;
        self.passed = true;
        let mut wait = wait;
        let mut began = None;
        for count in 0..AT_ONCE {
            match self.consumer.poll(wait) {
                None => return Ok(()),
                Some(Ok(message)) => {
                    let only = self.inputs.len() == 1;
                    let input = self.inputs.iter().find(|(_, topic)| only || topic == message.topic());
                    let Some(&(input, _)) = input else { continue };
                    // A partition that was given up a moment ago.
                    let Some(place) = self.places.get_mut(&(input, message.partition())) else { continue };
                    place.next = message.offset() + 1;
                    hand_over(input, &message, each);
                }
                Some(Err(error)) => self.judge(&error)?,
            }
            wait = Duration::ZERO;
            let began = *began.get_or_insert_with(Instant::now);
            if count % 64 == 63 && began.elapsed() >= AT_A_STRETCH {
                break;
            }
        }
        Ok(())
    }

    /// One past what has been handed over, control records and aborted ones included.
    pub(crate) fn position(&mut self, input: InputId, partition: Partition) -> Option<Offset> {
        if std::mem::take(&mut self.passed)
            && let Ok(positions) = self.consumer.position()
        {
            for element in positions.elements() {
                let input = self.inputs.iter().find(|(_, topic)| topic == element.topic());
                let (Some(&(input, _)), RdOffset::Offset(offset)) = (input, element.offset()) else { continue };
                if let Some(place) = self.places.get_mut(&(input, element.partition())) {
                    place.next = place.next.max(offset);
                }
            }
        }
        self.places.get(&(input, partition)).map(|place| place.next)
    }

    pub(crate) fn reads(&self, input: InputId, partition: Partition) -> bool {
        self.places.contains_key(&(input, partition))
    }

    /// The partitions that are being read.
    pub(crate) fn partitions(&self) -> Vec<(InputId, Partition)> {
        self.places.keys().copied().collect()
    }

    /// Begins to read, from these places; those that are read already go back to them, paused or not.
    pub(crate) fn start(&mut self, from: &[From]) -> Result<(), Failure> {
        let (again, anew): (Vec<From>, Vec<From>) =
            from.iter().partition(|&&(input, partition, _)| self.reads(input, partition));
        self.rewind(&again)?;
        if anew.is_empty() {
            return Ok(());
        }
        let list = self.list(&anew)?;
        self.consumer.incremental_assign(&list).map_err(|error| self.failed("begin to read", &error))?;
        self.await_fresh(&anew)?;
        for (input, partition, next) in anew {
            self.places.insert((input, partition), Place { next, paused: false });
        }
        Ok(())
    }

    /// Stops reading. Those that were never started are passed over: the consumer does not know them. Told to the
    /// consumer even when nothing remains, because a group waits for it.
    pub(crate) fn stop(&mut self, given_up: &[(InputId, Partition)]) -> Result<(), Failure> {
        let started: Vec<From> = given_up
            .iter()
            .filter_map(|&(input, partition)| {
                self.places.remove(&(input, partition)).map(|place| (input, partition, place.next))
            })
            .collect();
        let list = self.list(&started)?;
        self.consumer.incremental_unassign(&list).map_err(|error| self.failed("give up", &error))
    }

    /// Stops handing over, and throws away what was fetched ahead.
    pub(crate) fn pause(&mut self, input: InputId, partition: Partition) -> Result<(), Failure> {
        let Some(place) = self.places.get_mut(&(input, partition)) else { return Ok(()) };
        place.paused = true;
        let list = self.list(&[(input, partition, 0)])?;
        self.consumer.pause(&list).map_err(|error| self.failed("pause", &error))
    }

    /// Goes on at `from`.
    pub(crate) fn resume(&mut self, input: InputId, partition: Partition, from: Offset) -> Result<(), Failure> {
        if self.position(input, partition).is_some_and(|next| next != from) {
            return self.rewind(&[(input, partition, from)]);
        }
        // The consumer goes on after what it handed over last, which is here.
        let Some(place) = self.places.get_mut(&(input, partition)) else { return Ok(()) };
        place.paused = false;
        let list = self.list(&[(input, partition, from)])?;
        self.consumer.resume(&list).map_err(|error| self.failed("resume", &error))
    }

    /// Lets the group see that this member lives, during something long, without a record being lost: pauses all,
    /// which throws away what was fetched ahead. [`wake`](Self::wake) undoes it.
    pub(crate) fn doze(&mut self) -> Result<(), Failure> {
        let reading: Vec<From> =
            self.places.iter().map(|(&(input, partition), place)| (input, partition, place.next)).collect();
        let list = self.list(&reading)?;
        self.consumer.pause(&list).map_err(|error| self.failed("pause", &error))?;
        match self.consumer.poll(Duration::ZERO) {
            // A record that slipped through is read again: `wake` seeks.
            None | Some(Ok(_)) => Ok(()),
            Some(Err(error)) => self.judge(&error),
        }
    }

    /// Reads on where [`doze`](Self::doze) found things.
    pub(crate) fn wake(&mut self) -> Result<(), Failure> {
        let places = self.places.iter().filter(|(_, place)| !place.paused);
        let on: Vec<From> = places.map(|(&(input, partition), place)| (input, partition, place.next)).collect();
        self.rewind(&on)
    }

    fn rewind(&mut self, to: &[From]) -> Result<(), Failure> {
        if to.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        loop {
            let list = self.list(to)?;
            let sought = self.consumer.seek_partitions(list, SEEK);
            let sought = sought.and_then(|list| list.elements().iter().try_for_each(|element| element.error()));
            match sought {
                Ok(()) => break,
                // Assigned a moment ago: the client has not begun to fetch yet.
                Err(_) if began.elapsed() < SEEK => std::thread::yield_now(),
                Err(error) => return Err(self.failed("go back", &error)),
            }
        }
        for &(input, partition, next) in to {
            self.places.insert((input, partition), Place { next, paused: false });
        }
        let list = self.list(to)?;
        self.consumer.resume(&list).map_err(|error| self.failed("resume", &error))
    }

    /// A partition that was read before, and given up, may still show its old position for a moment.
    fn await_fresh(&self, anew: &[From]) -> Result<(), Failure> {
        let began = Instant::now();
        while began.elapsed() < SEEK {
            let positions = self.consumer.position().map_err(|error| self.failed("begin to read", &error))?;
            let stale = |&(input, partition, _): &From| {
                let found = positions.find_partition(self.topic(input), partition);
                found.is_some_and(|element| matches!(element.offset(), RdOffset::Offset(_)))
            };
            if !anew.iter().any(stale) {
                return Ok(());
            }
            std::thread::yield_now();
        }
        Err(Failure::Fatal("kafka client did not let go of a partition within 10 s; restart".into()))
    }

    fn list(&self, places: &[From]) -> Result<TopicPartitionList, Failure> {
        let mut list = TopicPartitionList::with_capacity(places.len());
        for &(input, partition, offset) in places {
            list.add_partition_offset(self.topic(input), partition, RdOffset::Offset(offset))
                .map_err(|error| self.failed("name a partition", &error))?;
        }
        Ok(list)
    }

    fn topic(&self, input: InputId) -> &str {
        let found = self.inputs.iter().find(|&&(other, _)| other == input);
        // Only inputs of this reader are ever asked of it: `KafkaLog` tells driver and side apart.
        found.map_or("", |(_, topic)| topic)
    }

    fn failed(&self, doing: &str, error: &KafkaError) -> Failure {
        let topics: Vec<&str> = self.inputs.iter().map(|(_, topic)| topic.as_str()).collect();
        Failure::Fatal(format!("cannot {doing} of {}: {error}; last heard: {}", topics.join(", "), self.heard.last()))
    }

    fn judge(&mut self, error: &KafkaError) -> Result<(), Failure> {
        let topics: Vec<&str> = self.inputs.iter().map(|(_, topic)| topic.as_str()).collect();
        judge(error, &topics.join("`, `"), self.cluster.settings(), &self.heard, &mut self.absence)
    }

    /// Ends the reading of what is not there any more.
    fn stop_if_gone(&mut self) -> Result<(), Failure> {
        let Reader { inputs, places, heard, cluster, absence, .. } = self;
        let is_gone = absence.is_proved(Instant::now(), || {
            let last =
                |input| places.keys().filter(|(other, _)| *other == input).map(|&(_, partition)| partition).max();
            let needed: Vec<_> =
                inputs.iter().map(|(input, topic)| (topic.as_str(), last(*input).unwrap_or(0))).collect();
            cluster.has(&needed)
        });
        if is_gone { Err(gone(heard)) } else { Ok(()) }
    }
}

/// A topic that is read, or a partition of it, is not there any more.
pub(crate) fn gone(heard: &Heard) -> Failure {
    Failure::Fatal(format!("a topic or partition is gone: {}; see `tierline topics check`", heard.last()))
}

/// What a consumer's error means; most are told for information, and mend themselves. Of what is not found it is to be
/// found out whether it is gone.
pub(crate) fn judge(
    error: &KafkaError,
    topics: &str,
    settings: &Settings,
    heard: &Heard,
    absence: &mut Absence,
) -> Result<(), Failure> {
    use RDKafkaErrorCode as Code;
    let code = match *error {
        KafkaError::MessageConsumptionFatal(Code::FencedInstanceId) => {
            return Err(Failure::Fenced(format!("another member has this one's name: {}", heard.last())));
        }
        KafkaError::MessageConsumptionFatal(code) => {
            return Err(Failure::Fatal(format!("consumer of {topics} failed: {code}; last heard: {}", heard.last())));
        }
        KafkaError::MessageConsumption(code) => code,
        _ => return Ok(()),
    };
    if let Some(denied) = denied(code, settings, topics, "READ") {
        return Err(denied);
    }
    match code {
        Code::AutoOffsetReset | Code::OffsetOutOfRange => Err(Failure::Fatal(format!(
            "a position is out of its partition's range: {}; records were deleted before they were read",
            heard.last()
        ))),
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
            absence.suspect(Instant::now());
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Hands a message over as the contract's record.
pub(crate) fn hand_over(input: InputId, message: &BorrowedMessage<'_>, each: &mut dyn FnMut(Record<'_>)) {
    each(Record {
        input,
        partition: message.partition(),
        offset: message.offset(),
        appended_at: message.timestamp().to_millis().unwrap_or(0),
        key: message.key(),
        value: message.payload(),
        headers: &MessageHeaders(message),
    });
}

/// A message's headers, read when somebody asks.
pub(crate) struct MessageHeaders<'a>(pub(crate) &'a BorrowedMessage<'a>);

impl Headers for MessageHeaders<'_> {
    fn each(&self, to: &mut dyn FnMut(&str, Option<&[u8]>)) {
        let Some(headers) = self.0.headers() else { return };
        for index in 0..headers.count() {
            // The binding panics at a name that is not UTF-8, which any producer can write.
            match catch_unwind(AssertUnwindSafe(|| headers.try_get(index))) {
                Ok(Some(header)) => to(header.key, header.value),
                Ok(None) => {}
                Err(_) => to("\u{fffd}", None),
            }
        }
    }
}
