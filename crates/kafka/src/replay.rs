//! Reads a partition of a changelog to its true end.
//!
//! The end is asked of a client that sees what is uncommitted. While a transaction, or the markers of one that has
//! committed, is pending, a `read_committed` consumer sees less than that, and stopping where it stops loses state. So
//! first the last stable offset must have come up to the end; only then is it read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Message, Offset as RdOffset, TopicPartitionList};
use tierline_stream::log::{Failure, InputId, Offset, OutputId, Partition, Record, Trouble};

use crate::absence::Absence;
use crate::cluster::Cluster;
use crate::errors::{Heard, Listening, not_made};
use crate::reader::{gone, hand_over, judge};

/// How often something long says where it stands, and shows the group that the lane lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

/// After so long without a record the leader is asked whether it shows all of it. If it does, and as long after that
/// still no record has come, there is no more: of what is compacted away, not even the place may be left.
const CATCHES_UP: Duration = Duration::from_secs(3);

/// After so long it is no marker that is late: somebody has left a transaction open.
const LEFT_OPEN: Duration = Duration::from_millis(200);
/// Whoever could not be asked after, or was a member still, is looked at again after so long.
const SETTLED_AGAIN: Duration = Duration::from_secs(1);

/// Who leads a partition does not answer for so long: it gives way, for the lane may have to give the partition up, or to
/// end. Nothing of the changelog has been read yet that would have to be read again.
const GIVES_WAY: Duration = Duration::from_secs(5);
/// The same where something has been read. Longer than it takes to find out that there is no more.
const NOTHING_COMES: Duration = Duration::from_secs(15);

/// A consumer of committed records, assigned by hand, for restores.
pub(crate) struct Replayer {
    consumer: BaseConsumer<Listening>,
    heard: Arc<Heard>,
    cluster: Arc<Cluster>,
    /// The topic whose partitions the group gives out.
    driver: String,
    /// Leaders that showed less than there was, since it was last asked.
    lagged: Vec<Trouble>,
}

impl Replayer {
    pub(crate) fn new(cluster: Arc<Cluster>, driver: &str) -> Result<Replayer, Failure> {
        let heard = Heard::by("restore");
        let mut config = cluster.settings().assigned_consumer("restore");
        // With a single partition it is clear which one has ended.
        config.set("enable.partition.eof", "true");
        // It has ended when a broker has nothing more to send, which is asked for once a partition.
        config.set("fetch.wait.max.ms", "5");
        // A follower that is near may not show yet what its leader has committed.
        config.remove("client.rack");
        let consumer = config.create_with_context(Listening(Arc::clone(&heard))).map_err(|error| not_made(&error))?;
        Ok(Replayer { consumer, heard, cluster, driver: driver.to_owned(), lagged: Vec::new() })
    }

    /// What it has had to get over.
    pub(crate) fn troubles(&mut self) -> impl Iterator<Item = Trouble> {
        self.lagged.drain(..)
    }

    /// See [`Log::replay`](tierline_stream::log::Log::replay). `meanwhile` is called every few seconds.
    pub(crate) fn replay(
        &mut self,
        (output, topic, partition): (OutputId, &str, Partition),
        from: Option<Offset>,
        each: &mut dyn FnMut(Record<'_>),
        meanwhile: &mut dyn FnMut() -> Result<(), Failure>,
    ) -> Result<Option<Offset>, Failure> {
        let (low, end) = self.cluster.range_now(topic, partition)?;
        if from.is_some_and(|from| from < low || from > end) {
            return Ok(None);
        }
        let from = from.unwrap_or(low);
        if from == end {
            return Ok(Some(end));
        }
        let mut life = SignsOfLife { last: Instant::now(), meanwhile };
        self.await_stable(topic, partition, end, &mut life)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, RdOffset::Offset(from)).map_err(|error| failed(topic, &error))?;
        self.consumer.assign(&list).map_err(|error| failed(topic, &error))?;
        let reached = self.read(InputId(output.0), (topic, partition), (from, end), each, &mut life);
        self.consumer.unassign().map_err(|error| failed(topic, &error))?;
        reached.map(Some)
    }

    fn await_stable(
        &self,
        topic: &str,
        partition: Partition,
        end: Offset,
        life: &mut SignsOfLife<'_>,
    ) -> Result<(), Failure> {
        let (began, mut settled, mut due) = (Instant::now(), false, LEFT_OPEN);
        let (mut answered, mut absence) = (Instant::now(), Absence::default());
        loop {
            let seen = self.stable_end(topic, partition);
            match &seen {
                Ok(_) => answered = Instant::now(),
                Err(error) if answered.elapsed() > GIVES_WAY => {
                    return Err(later(topic, partition, &error.to_string()));
                }
                Err(_) => {}
            }
            if seen.as_ref().is_ok_and(|&stable| stable >= end) {
                return Ok(());
            }
            if seen.is_ok() && !settled && began.elapsed() >= due {
                settled = self.cluster.settle(&self.driver, partition);
                due = began.elapsed() + SETTLED_AGAIN;
            }
            if life.are_due()? {
                match seen {
                    Ok(stable) => {
                        tracing::info!(topic, partition, stable, end, "waiting for a transaction that stands open");
                    }
                    Err(error) => tracing::warn!(topic, partition, %error, "waiting for the cluster's answer"),
                }
            }
            // Nothing is assigned, so no record can come of this: it waits, and serves what the cluster says beside.
            if let Some(Err(error)) = self.consumer.poll(LOOK) {
                judge(&error, topic, self.cluster.settings(), &self.heard, &mut absence)?;
            }
            self.stop_if_gone(topic, partition, &mut absence)?;
        }
    }

    fn read(
        &mut self,
        input: InputId,
        (topic, partition): (&str, Partition),
        (from, end): (Offset, Offset),
        each: &mut dyn FnMut(Record<'_>),
        life: &mut SignsOfLife<'_>,
    ) -> Result<Offset, Failure> {
        let (mut next, mut records) = (from, 0_u64);
        // Since when less is shown than there was, and whether its leader has said since that it shows all.
        let mut behind: Option<(Instant, bool)> = None;
        let (mut came, mut lags, mut absence) = (Instant::now(), false, Absence::default());
        while next < end {
            let mut is_quiet = false;
            match self.consumer.poll(LOOK) {
                Some(Ok(message)) => {
                    (next, behind) = (message.offset() + 1, None);
                    came = Instant::now();
                    records += 1;
                    hand_over(input, &message, each);
                }
                // All that was committed below the end is visible, so nothing but markers is left.
                Some(Err(KafkaError::PartitionEOF(_))) if self.is_past(topic, partition, end) => {
                    return Ok(next.max(end));
                }
                // A leader that was elected a moment ago may show less than the one that was asked before.
                Some(Err(KafkaError::PartitionEOF(_))) => drop(behind.get_or_insert((Instant::now(), false))),
                Some(Err(error)) => judge(&error, topic, self.cluster.settings(), &self.heard, &mut absence)?,
                None if self.is_past(topic, partition, end) => return Ok(next.max(end)),
                None => {
                    is_quiet = true;
                    if let Some((_, was_shown)) = behind.filter(|(since, _)| since.elapsed() > CATCHES_UP) {
                        // One that lags is waited for: what it does not show would be lost.
                        let is_shown = self.stable_end(topic, partition).is_ok_and(|stable| stable >= end);
                        if was_shown && is_shown {
                            tracing::debug!(topic, partition, next, end, "the rest of the changelog is compacted away");
                            return Ok(next.max(end));
                        }
                        if !is_shown && !std::mem::replace(&mut lags, true) {
                            tracing::info!(
                                topic,
                                partition,
                                next,
                                end,
                                "waiting for a leader that shows less than there is"
                            );
                            self.lagged.push(Trouble::LeaderLagged);
                        }
                        behind = Some((Instant::now(), is_shown));
                    }
                    self.stop_if_gone(topic, partition, &mut absence)?;
                    if came.elapsed() > NOTHING_COMES {
                        return Err(later(topic, partition, &format!("nothing comes from {next} on, of {end}")));
                    }
                }
            }
            if (is_quiet || records % 1_024 == 0) && life.are_due()? {
                tracing::debug!(topic, partition, next, end, records, "reading the changelog");
            }
        }
        Ok(next)
    }
}

impl Replayer {
    fn stop_if_gone(&self, topic: &str, partition: Partition, absence: &mut Absence) -> Result<(), Failure> {
        match absence.is_proved(Instant::now(), || self.cluster.has(&[(topic, partition)])) {
            true => Err(gone(&self.heard)),
            false => Ok(()),
        }
    }

    /// Up to where the leader of a partition shows what is committed.
    fn stable_end(&self, topic: &str, partition: Partition) -> KafkaResult<Offset> {
        Ok(self.consumer.fetch_watermarks(topic, partition, Duration::from_secs(2))?.1)
    }

    /// Whether all before an offset has been read, markers included.
    fn is_past(&self, topic: &str, partition: Partition, end: Offset) -> bool {
        let positions = self.consumer.position();
        let position = positions.ok().and_then(|all| all.find_partition(topic, partition)?.offset().to_raw());
        position.is_some_and(|position| position >= end)
    }
}

struct SignsOfLife<'a> {
    last: Instant,
    meanwhile: &'a mut dyn FnMut() -> Result<(), Failure>,
}

impl SignsOfLife<'_> {
    fn are_due(&mut self) -> Result<bool, Failure> {
        let due = self.last.elapsed() >= SIGN_OF_LIFE;
        if due {
            self.last = Instant::now();
            (self.meanwhile)()?;
        }
        Ok(due)
    }
}

fn later(topic: &str, partition: Partition, why: &str) -> Failure {
    Failure::Later(format!("partition {partition} of {topic} cannot be read now: {why}"))
}

fn failed(topic: &str, error: &KafkaError) -> Failure {
    Failure::Fatal(format!("cannot restore from {topic}: {error}"))
}
