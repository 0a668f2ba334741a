//! The driver's consumer: a member of the group, whose ownership of a partition makes a task this lane's.
//!
//! A change of ownership is not answered where librdkafka tells it, inside a callback, but when the lane has committed
//! and let go. Until then the group waits: nobody else is given what this lane still holds. What is newly given is
//! acknowledged at once and read only when the lane has restored it, so that no one waits for a restore.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use tierline_stream::log::{Failure, InputId, Offset, Ownership, Partition, Record};

use crate::cluster::Cluster;
use crate::errors::{Heard, not_made};
use crate::reader::Reader;

/// How long a loss that the client knows of is waited for.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// The group's member.
pub(crate) struct Driver {
    reader: Reader<Member>,
    /// What was revoked or lost and has not been let go of yet; librdkafka waits for it.
    owed: Option<Vec<Partition>>,
    /// What the lane has let go of while more is owed.
    let_go: Vec<Partition>,
}

impl Driver {
    /// Joins the group; ownership comes by [`poll`](Self::poll).
    pub(crate) fn join(cluster: Arc<Cluster>, topic: &str) -> Result<Driver, Failure> {
        let heard = Heard::by("driver");
        let member = Member { heard: Arc::clone(&heard), closing: AtomicBool::new(false), changes: Mutex::default() };
        let consumer: BaseConsumer<Member> =
            cluster.settings().driver_consumer().create_with_context(member).map_err(|error| not_made(&error))?;
        let subscribed = consumer.subscribe(&[topic]);
        subscribed.map_err(|error| Failure::Fatal(format!("cannot subscribe to {topic}: {error}")))?;
        let inputs = vec![(InputId::DRIVER, topic.to_owned())];
        Ok(Driver { reader: Reader::new(consumer, inputs, heard, cluster), owed: None, let_go: Vec::new() })
    }

    /// Hands over records, or returns a change of ownership, which comes before any further record.
    pub(crate) fn poll(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Ownership>, Failure> {
        if let Some(change) = self.next_change() {
            return Ok(Some(change));
        }
        self.reader.poll(wait, each)?;
        let began = Instant::now();
        // A poll hears one thing. The loss may stand behind all that a dead coordinator gave cause to say; who went on
        // before it is told would restore and abort again and again.
        while self.owed.is_none()
            && self.is_lost_untold()
            && self.reader.consumer().context().changes().is_empty()
            && began.elapsed() < TOLD_WITHIN
        {
            self.reader.poll(Duration::from_millis(1), each)?;
        }
        Ok(self.next_change())
    }

    /// Whether all is lost that is still being read.
    fn is_lost_untold(&self) -> bool {
        self.reader.consumer().assignment_lost() && !self.reader.partitions().is_empty()
    }

    pub(crate) fn position(&mut self, partition: Partition) -> Option<Offset> {
        self.reader.position(InputId::DRIVER, partition)
    }

    /// Begins to read a task's partition, or goes back. Not when everything is lost: beginning would clear librdkafka's
    /// mark that it is, and the loss is told by the next poll.
    pub(crate) fn start(&mut self, partition: Partition, from: Offset) -> Result<(), Failure> {
        if self.reader.consumer().assignment_lost() {
            return Ok(());
        }
        self.reader.start(&[(InputId::DRIVER, partition, from)])
    }

    pub(crate) fn pause(&mut self, partition: Partition) -> Result<(), Failure> {
        self.reader.pause(InputId::DRIVER, partition)
    }

    pub(crate) fn resume(&mut self, partition: Partition, from: Offset) -> Result<(), Failure> {
        self.reader.resume(InputId::DRIVER, partition, from)
    }

    /// Lets go of partitions. The group hears of it once, when all that it asked back has been let go of.
    pub(crate) fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure> {
        self.let_go.extend_from_slice(partitions);
        if let Some(owed) = &mut self.owed {
            owed.retain(|partition| !partitions.contains(partition));
            if !owed.is_empty() {
                return partitions.iter().try_for_each(|&partition| self.reader.pause(InputId::DRIVER, partition));
            }
            self.owed = None;
        }
        let going: Vec<_> = self.let_go.drain(..).map(|partition| (InputId::DRIVER, partition)).collect();
        self.reader.stop(&going)
    }

    /// Who we are to the group, and of which generation; `None` when that is not what was assigned to us any more.
    ///
    /// librdkafka marks the assignment as lost in the same step of the same thread in which it resets its generation
    /// or member id, and answers the question for the metadata from that thread. So asked in this order, metadata that
    /// no longer names the owner cannot pass. The broker refuses any other stale generation or unknown member itself.
    pub(crate) fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        let metadata = self.reader.consumer().group_metadata()?;
        (!self.reader.consumer().assignment_lost()).then_some(metadata)
    }

    /// What is being read.
    pub(crate) fn partitions(&self) -> Vec<(InputId, Partition)> {
        self.reader.partitions()
    }

    /// See [`Reader::doze`].
    pub(crate) fn doze(&mut self) -> Result<(), Failure> {
        self.reader.doze()
    }

    /// See [`Reader::wake`].
    pub(crate) fn wake(&mut self) -> Result<(), Failure> {
        self.reader.wake()
    }

    fn next_change(&mut self) -> Option<Ownership> {
        let change = self.reader.consumer().context().changes().pop_front()?;
        if let Ownership::Revoked(partitions) | Ownership::Lost(partitions) = &change {
            self.owed = Some(partitions.clone());
        }
        Some(change)
    }
}

impl Drop for Driver {
    /// Leaves the group. A consumer whose revocation is never answered would hang here for ever.
    fn drop(&mut self) {
        let consumer = self.reader.consumer();
        consumer.context().closing.store(true, Ordering::Release);
        let unanswered = self.owed.is_some() || !consumer.context().changes().is_empty();
        if unanswered && let Ok(assigned) = consumer.assignment() {
            let _ = consumer.incremental_unassign(&assigned);
        }
    }
}

/// The member's context: told of changes by librdkafka, on the lane's own thread, in the middle of a poll.
struct Member {
    heard: Arc<Heard>,
    /// Nobody will take changes any more.
    closing: AtomicBool,
    changes: Mutex<VecDeque<Ownership>>,
}

impl Member {
    fn changes(&self) -> std::sync::MutexGuard<'_, VecDeque<Ownership>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn given(&self, consumer: &BaseConsumer<Member>, partitions: Vec<Partition>) {
        // Even nothing must be acknowledged.
        if let Err(error) = consumer.incremental_assign(&TopicPartitionList::new()) {
            tracing::warn!(%error, "cannot acknowledge an assignment");
        }
        tracing::info!(?partitions, "assigned");
        // To be told that one owns nothing is an answer, too: an instance too many is ready to step in.
        self.changes().push_back(Ownership::Assigned(partitions));
    }

    fn taken(&self, consumer: &BaseConsumer<Member>, partitions: Vec<Partition>) {
        if self.closing.load(Ordering::Acquire) || partitions.is_empty() {
            let all = if partitions.is_empty() { Ok(TopicPartitionList::new()) } else { consumer.assignment() };
            if let Err(error) = all.and_then(|all| consumer.incremental_unassign(&all)) {
                tracing::warn!(%error, "cannot give up an assignment");
            }
            return;
        }
        let lost = consumer.assignment_lost();
        tracing::info!(?partitions, lost, "revoked");
        let change = if lost { Ownership::Lost(partitions) } else { Ownership::Revoked(partitions) };
        self.changes().push_back(change);
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.heard.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.heard.error(&error, reason);
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<Partition> = list.elements().iter().map(|element| element.partition()).collect();
        match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.given(consumer, partitions),
            _ => self.taken(consumer, partitions),
        }
    }
}
