//! Questions to the cluster: which topics there are, and where their partitions begin and really end.
//!
//! The client behind sees what is uncommitted. With `read_committed` both the watermarks and the end-of-partition event
//! stand at the last stable offset, below records whose offsets are already committed: a restore that believed them
//! would lose state. It is a consumer, because a producer's question for a topic may make it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset as RdOffset, TopicPartitionList};
use tierline_stream::log::{Failure, Offset, Partition};

use crate::absence::{Absence, BETWEEN};
use crate::errors::{Heard, Listening, about_topic, not_made};
use crate::heir;
use crate::settings::Settings;

/// How long one attempt at a question takes at most: between two, what the cluster said beside is looked at.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Errors that are heard in one go.
const SERVED_AT_ONCE: usize = 64;

/// A client for questions. Can be used from several threads.
pub(crate) struct Cluster {
    consumer: BaseConsumer<Listening>,
    heard: Arc<Heard>,
    settings: Settings,
    /// The partitions of which it could not be told where they begin and end, and whether they are still there.
    doubted: Mutex<BTreeMap<(String, Partition), Absence>>,
}

/// How a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Led,
    Leaderless,
    Missing,
}

/// How a topic is spread over the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) partitions: i32,
    /// Of the partition that has the fewest.
    pub(crate) replicas: usize,
    /// How many brokers the cluster has just now.
    pub(crate) brokers: usize,
}

impl Cluster {
    pub(crate) fn connect(settings: &Settings) -> Result<Cluster, Failure> {
        let heard = Heard::by("ends");
        let context = Listening(Arc::clone(&heard));
        let consumer = settings.ends_consumer().create_with_context(context).map_err(|error| not_made(&error))?;
        Ok(Cluster { consumer, heard, settings: settings.clone(), doubted: Mutex::default() })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many partitions a topic has; `None`: there is no such topic.
    pub(crate) fn partitions(&self, topic: &str) -> Result<Option<i32>, Failure> {
        Ok(self.layout(topic)?.map(|layout| layout.partitions))
    }

    /// How a topic is spread over the cluster; `None`: there is no such topic.
    pub(crate) fn layout(&self, topic: &str) -> Result<Option<Layout>, Failure> {
        self.patiently(&format!("asking for topic `{topic}`"), |consumer| {
            let metadata = consumer.fetch_metadata(Some(topic), ATTEMPT)?;
            let described = metadata.topics().iter().find(|described| described.name() == topic);
            match described.and_then(|described| described.error()).map(RDKafkaErrorCode::from) {
                Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => Ok(None),
                Some(code) => Err(KafkaError::MetadataFetch(code)),
                None => Ok(described.map(|described| Layout {
                    partitions: described.partitions().len() as i32,
                    replicas: described.partitions().iter().map(|one| one.replicas().len()).min().unwrap_or(0),
                    brokers: metadata.brokers().len(),
                })),
            }
        })
        .map_err(|error| error.into_failure(|error| about_topic(error, &self.settings, topic, "DESCRIBE")))
    }

    /// How many partitions a topic has that was there before: one answer that does not know it is not believed.
    pub(crate) fn partitions_still(&self, topic: &str) -> Result<Option<i32>, Failure> {
        let mut absence = Absence::default();
        absence.suspect(Instant::now());
        loop {
            let told = self.partitions(topic)?;
            if told.is_some() || absence.is_proved(Instant::now(), || Some(false)) {
                return Ok(told);
            }
            thread::sleep(BETWEEN);
        }
    }

    /// Whether each topic is there, with this partition, by one answer; none: nobody answers.
    pub(crate) fn has(&self, needed: &[(&str, Partition)]) -> Option<bool> {
        for &(topic, partition) in needed {
            if self.standing(topic, partition)? == Standing::Missing {
                return Some(false);
            }
        }
        Some(true)
    }

    /// How a partition stands, by one answer; none: nobody answers.
    fn standing(&self, topic: &str, partition: Partition) -> Option<Standing> {
        use RDKafkaErrorCode as Code;
        let metadata = self.consumer.fetch_metadata(Some(topic), ATTEMPT).ok()?;
        let Some(described) = metadata.topics().iter().find(|described| described.name() == topic) else {
            return Some(Standing::Missing);
        };
        match described.error().map(Code::from) {
            None => {}
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => return Some(Standing::Missing),
            Some(_) => return None,
        }
        Some(match described.partitions().iter().find(|one| one.id() == partition) {
            None => Standing::Missing,
            Some(one) if one.leader() < 0 => Standing::Leaderless,
            Some(_) => Standing::Led,
        })
    }

    /// The same as [`range`](Self::range), asked once: who asks has other things to do meanwhile, and asks again. One
    /// that could not be told before is asked for only when it has a leader, which is known at once.
    ///
    /// # Errors
    /// `Later`: it cannot be told now. `Fatal`: it is gone, or may not be asked after.
    pub(crate) fn range_now(&self, topic: &str, partition: Partition) -> Result<(Offset, Offset), Failure> {
        use RDKafkaErrorCode as Code;
        // Held while it is asked: no other thread asks this.
        let mut doubted = self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (topic.to_owned(), partition);
        if let Some(absence) = doubted.get_mut(&place) {
            let standing = self.standing(topic, partition);
            let is_there = standing.map(|standing| standing != Standing::Missing);
            if is_there == Some(false) {
                absence.suspect(Instant::now());
            }
            if absence.is_proved(Instant::now(), || is_there) {
                return Err(Failure::Fatal(format!(
                    "there is no partition {partition} of topic `{topic}`; see `tierline topics check`"
                )));
            }
            match standing {
                Some(Standing::Led) => {}
                Some(_) => return Err(Failure::Later(format!("partition {partition} of {topic} has no leader"))),
                None => return Err(self.unanswered(topic, partition)),
            }
        }
        match self.consumer.fetch_watermarks(topic, partition, ATTEMPT) {
            Ok(range) => {
                self.heard.is_known();
                doubted.remove(&place);
                Ok(range)
            }
            Err(error) => {
                self.serve();
                if let Some(refused) = self.heard.refused_identity(&self.settings) {
                    return Err(refused);
                }
                // Of a broker that does not know it, it is found out whether it is really gone.
                let is_unknown = |code| matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic);
                if !error.rdkafka_error_code().is_some_and(|code| is_transient(code) || is_unknown(code)) {
                    return Err(about_topic(&error, &self.settings, topic, "DESCRIBE"));
                }
                doubted.entry(place).or_default();
                Err(self.unanswered(topic, partition))
            }
        }
    }

    fn unanswered(&self, topic: &str, partition: Partition) -> Failure {
        let heard = self.heard.last();
        Failure::Later(format!("no broker says where partition {partition} of {topic} ends; last heard: {heard}"))
    }

    /// The earliest and the next offset of a partition, committed or not.
    pub(crate) fn range(&self, topic: &str, partition: Partition) -> Result<(Offset, Offset), Failure> {
        self.patiently(&format!("asking for the range of {topic}-{partition}"), |consumer| {
            consumer.fetch_watermarks(topic, partition, ATTEMPT)
        })
        .map_err(|error| error.into_failure(|error| about_topic(error, &self.settings, topic, "DESCRIBE")))
    }

    /// The true ends of many partitions, in the order asked for: one request a broker. A single attempt; none of one that
    /// nobody answers for.
    pub(crate) fn ends(&self, of: &[(&str, Partition)], within: Duration) -> KafkaResult<Vec<Option<Offset>>> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let mut list = TopicPartitionList::with_capacity(of.len());
        for (topic, partition) in of {
            list.add_partition_offset(topic, *partition, RdOffset::End)?;
        }
        // Without a wait: timers hang on this answer.
        let _ = self.consumer.poll(Duration::ZERO);
        let answer = self.consumer.offsets_for_times(list, within)?;
        let end = |(topic, partition): &(&str, Partition)| {
            let found = answer.find_partition(topic, *partition).filter(|found| found.error().is_ok())?;
            match found.offset() {
                RdOffset::Offset(offset) => Some(offset),
                _ => None,
            }
        };
        Ok(of.iter().map(end).collect())
    }

    /// What stands beside the group's offset of each partition of a topic.
    pub(crate) fn signatures(&self, topic: &str) -> Result<Vec<(Partition, String)>, Failure> {
        let count = self.partitions(topic)?.unwrap_or(0);
        let committed = self.patiently(&format!("asking who owns {topic}"), |consumer| {
            let mut list = TopicPartitionList::with_capacity(count as usize);
            list.add_partition_range(topic, 0, count - 1);
            consumer.committed_offsets(list, ATTEMPT)
        });
        let committed = committed.map_err(|error| {
            error
                .into_failure(|error| Failure::Fatal(format!("the group's offsets of {topic} cannot be read: {error}")))
        })?;
        Ok(committed.elements().iter().map(|one| (one.partition(), one.metadata().to_owned())).collect())
    }

    /// See [`heir::settle`].
    pub(crate) fn settle(&self, driver: &str, partition: Partition) -> bool {
        heir::settle(&self.consumer, &self.settings, driver, partition)
    }

    /// Lets the context hear what has come; a poll hands it one thing at a time.
    fn serve(&self) {
        for _ in 0..SERVED_AT_ONCE {
            // Nothing is assigned, so no record can come of this.
            if self.consumer.poll(Duration::from_millis(1)).is_none() {
                return;
            }
        }
    }

    /// Asks until there is an answer, for as long as the settings' patience lasts.
    fn patiently<T>(
        &self,
        doing: &str,
        ask: impl Fn(&BaseConsumer<Listening>) -> KafkaResult<T>,
    ) -> Result<T, Unanswered> {
        let began = Instant::now();
        loop {
            let error = match ask(&self.consumer) {
                Ok(answer) => {
                    self.heard.is_known();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            self.serve();
            if let Some(refused) = self.heard.refused_identity(&self.settings) {
                return Err(Unanswered::Unreachable(refused));
            }
            if !error.rdkafka_error_code().is_some_and(is_transient) {
                return Err(Unanswered::Answered(error));
            }
            if began.elapsed() >= self.settings.patience {
                // A partition that is not there is told like one without a leader.
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownPartition) {
                    return Err(Unanswered::Answered(error));
                }
                return Err(Unanswered::Unreachable(self.heard.unreachable(&self.settings, doing)));
            }
            // The failure may have come at once: leave the cluster time to come up.
            self.consumer.poll(Duration::from_millis(50));
        }
    }
}

enum Unanswered {
    Answered(KafkaError),
    Unreachable(Failure),
}

impl Unanswered {
    fn into_failure(self, name: impl FnOnce(&KafkaError) -> Failure) -> Failure {
        match self {
            Unanswered::Answered(error) => name(&error),
            Unanswered::Unreachable(failure) => failure,
        }
    }
}

/// Whether asking again may help.
pub(crate) fn is_transient(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::TimedOutQueue
            | Code::RequestTimedOut
            | Code::LeaderNotAvailable
            // Of a partition that has no leader for now.
            | Code::UnknownPartition
            | Code::NotLeaderForPartition
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::NotCoordinator
            | Code::NetworkException
            | Code::Resolve
            | Code::WaitingForCoordinator
            | Code::BrokerNotAvailable
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            // A leader that was elected a moment ago.
            | Code::OffsetNotAvailable
            | Code::ReplicaNotAvailable
            | Code::ListenerNotFound
            | Code::EligibleLeadersNotAvailable
            | Code::KafkaStorageError
            // The client has let go of a broker that is gone.
            | Code::DestroyBroker
    )
}
