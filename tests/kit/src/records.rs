//! Records and offsets on a broker, raw: what a test puts there or looks at beside the program.

use std::time::Duration;

use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::broker::Broker;

const PATIENCE: Duration = Duration::from_secs(30);

/// A record, as it is sent or as it was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// The topic.
    pub topic: String,
    /// The partition; on sending, none means by the key, as Java's clients do it.
    pub partition: Option<i32>,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Raw {
    /// A record with a key and a value.
    pub fn new(topic: &str, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Raw {
        Raw { topic: topic.to_owned(), key: Some(key.into()), value: Some(value.into()), ..Raw::default() }
    }

    /// The same, in this partition whatever the key says.
    pub fn at(self, partition: i32) -> Raw {
        Raw { partition: Some(partition), ..self }
    }

    /// A header's value as text; empty where there is none.
    pub fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }
}

impl Broker {
    /// Writes records, in order, and returns when all are durable.
    pub fn send(&self, records: &[Raw]) {
        let producer: BaseProducer = self
            .client()
            .set("partitioner", "murmur2_random")
            .set("enable.idempotence", "true")
            .set("message.max.bytes", "100000000")
            .create()
            .expect("the kit's own configuration is right");
        for raw in records {
            let mut record = BaseRecord::<[u8], [u8]>::to(&raw.topic).headers(headers(raw));
            record.partition = raw.partition;
            record.key = raw.key.as_deref();
            record.payload = raw.value.as_deref();
            while let Err((error, same)) = producer.send(record) {
                let full = error.rdkafka_error_code() == Some(rdkafka::types::RDKafkaErrorCode::QueueFull);
                assert!(full, "cannot send: {error}; {}", self.log_tail());
                producer.poll(Duration::from_millis(10));
                record = same;
            }
        }
        producer.flush(PATIENCE).unwrap_or_else(|error| panic!("cannot send: {error}; {}", self.log_tail()));
    }

    /// All committed records of a topic, up to its present end: partition by partition, in order.
    pub fn records(&self, topic: &str) -> Vec<Raw> {
        let consumer = self.consumer("");
        let mut found = Vec::new();
        for (partition, end) in self.ends(topic) {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(topic, partition, Offset::Beginning).expect("a legal offset");
            consumer.assign(&list).expect("a partition that exists");
            // The position passes over markers and aborted records as well.
            let position = || {
                let positions =
                    consumer.position().ok().and_then(|list| list.find_partition(topic, partition)?.offset().to_raw());
                positions.unwrap_or(0)
            };
            while position() < end {
                match consumer.poll(Duration::from_millis(50)) {
                    Some(Ok(message)) => found.push(received(&message)),
                    Some(Err(error)) => panic!("cannot read {topic}: {error}; {}", self.log_tail()),
                    None if self.starts(topic, partition) >= end => break,
                    None => {}
                }
            }
        }
        found
    }

    /// The end offset of each partition as a reader of committed records sees it: before what is not decided, or whose
    /// markers are not written yet.
    pub fn ends(&self, topic: &str) -> Vec<(i32, i64)> {
        let consumer = self.consumer("");
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).expect("the broker answers");
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        partitions
            .map(|partition| {
                let (_, end) = consumer.fetch_watermarks(topic, partition.id(), PATIENCE).expect("the broker answers");
                (partition.id(), end)
            })
            .collect()
    }

    fn starts(&self, topic: &str, partition: i32) -> i64 {
        self.consumer("").fetch_watermarks(topic, partition, PATIENCE).expect("the broker answers").0
    }

    /// What a group has committed for a topic: the sum over its partitions.
    pub fn committed(&self, group: &str, topic: &str) -> i64 {
        let mut list = TopicPartitionList::new();
        for (partition, _) in self.ends(topic) {
            list.add_partition(topic, partition);
        }
        // What is committed so far, and not what a transaction of a dead process may still turn out to have committed.
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", group)
            .set("isolation.level", "read_uncommitted")
            .create()
            .expect("the kit's own configuration is right");
        let committed = consumer.committed_offsets(list, PATIENCE).expect("the broker answers");
        committed.elements().iter().filter_map(|element| element.offset().to_raw()).filter(|&offset| offset > 0).sum()
    }

    /// How many members a group has, and its state (`Stable`, `Empty`, …).
    pub fn group(&self, group: &str) -> (usize, String) {
        let list = self.consumer("").client().fetch_group_list(Some(group), PATIENCE).expect("the broker answers");
        let found = list.groups().iter().find(|found| found.name() == group);
        found.map_or((0, "none".to_owned()), |found| (found.members().len(), found.state().to_owned()))
    }

    /// Forgets a group without members, with everything that it has committed.
    pub fn delete_group(&self, group: &str) {
        self.eventually(&format!("group {group} to be deleted"), || {
            let answer = futures_executor::block_on(self.admin().delete_groups(&[group], &AdminOptions::new()));
            match answer.map_err(|error| error.to_string())?.remove(0) {
                Ok(_) => Ok(()),
                Err((_, code)) => Err(code.to_string()),
            }
        });
    }

    /// Deletes the records of a partition below an offset, as retention does.
    pub fn delete_records(&self, topic: &str, partition: i32, below: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(below)).expect("a legal offset");
        let answer = futures_executor::block_on(self.admin().delete_records(&list, &AdminOptions::new()));
        answer.unwrap_or_else(|error| panic!("cannot delete records: {error}; {}", self.log_tail()));
    }

    fn consumer(&self, group: &str) -> BaseConsumer {
        self.client()
            .set("group.id", if group.is_empty() { "the-test-itself" } else { group })
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.message.max.bytes", "1000000")
            .create()
            .expect("the kit's own configuration is right")
    }
}

fn headers(raw: &Raw) -> OwnedHeaders {
    raw.headers
        .iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
}

fn received(message: &impl Message) -> Raw {
    let headers = message.headers().map(|headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
    });
    Raw {
        topic: message.topic().to_owned(),
        partition: Some(message.partition()),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::unique;

    #[test]
    fn what_was_sent_is_read() {
        let (broker, topic) = (Broker::shared(), unique("kit"));
        broker.create_topic(&topic, 2, &[]);
        let mut first = Raw::new(&topic, "a", "1").at(1);
        first.headers.push(("h".to_owned(), b"x".to_vec()));
        let second = Raw { value: None, ..Raw::new(&topic, "a", "").at(1) };
        broker.send(&[first.clone(), second.clone()]);
        assert_eq!(broker.records(&topic), [first, second]);
        assert_eq!(broker.ends(&topic), [(0, 0), (1, 2)]);
        broker.delete_records(&topic, 1, 2);
        assert_eq!(broker.records(&topic), []);
        assert_eq!(broker.committed("nobody", &topic), 0);
        assert_eq!(broker.group("nobody").0, 0);
    }
}
