//! What a person's command wants of a log, beside a running pipeline or without one: write records, read records.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::log::{Failure, Headers, Offset, Partition};
use tierline_model::Millis;

/// A record as `tail` and `dead-letters` read it.
pub struct Seen<'a> {
    /// The topic's name.
    pub topic: &'a str,
    /// Its partition.
    pub partition: Partition,
    /// Its place.
    pub offset: Offset,
    /// When the log took it, UTC.
    pub appended_at: Millis,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: &'a dyn Headers,
}

/// A record to be written by [`Client::send_all`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to; none: by the key, as in [`Client::send`].
    pub partition: Option<Partition>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Where to begin to read a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// With the first record there is.
    Start,
    /// With what comes from now on.
    End,
    /// With this record of this partition; nothing else of the topic.
    At(Partition, Offset),
    /// With this record of each partition, or the first that is kept from there on; those that are not named: with the
    /// first.
    Each(Vec<(Partition, Offset)>),
}

/// A log as commands see it. Committed records only; not a member of any group.
pub trait Client {
    /// Writes a record and returns its place once it is durable. `partition`: none means by the key, with Java's
    /// murmur2, so that it lands where any client's would.
    fn send(
        &mut self,
        topic: &str,
        partition: Option<Partition>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<(Partition, Offset), Failure>;

    /// Writes many records of one topic, in order, and returns their places once all are durable: a log that syncs
    /// once for all of them is a thousand times faster than one by one.
    fn send_all(&mut self, topic: &str, records: &[Outgoing]) -> Result<Vec<(Partition, Offset)>, Failure> {
        let mut places = Vec::with_capacity(records.len());
        for record in records {
            let headers: Vec<_> =
                record.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            places.push(self.send(topic, record.partition, key, value, &headers)?);
        }
        self.flush()?;
        Ok(places)
    }

    /// Writes records of several topics, each topic's in order, and returns once all are durable: in one step where the
    /// log can.
    fn send_topics(&mut self, topics: &[(String, Vec<Outgoing>)]) -> Result<(), Failure> {
        topics.iter().try_for_each(|(topic, records)| self.send_all(topic, records).map(drop))
    }

    /// Makes everything sent durable. `send` may answer before; this may not.
    fn flush(&mut self) -> Result<(), Failure>;

    /// Hands over the records of a topic until `each` breaks, or, with `until_end`, until the end that it had when
    /// the reading began. Between records, and at least every `idle`, `each` is called with `None`.
    fn read(
        &mut self,
        topic: &str,
        from: From,
        until_end: bool,
        idle: Duration,
        each: &mut dyn FnMut(Option<Seen<'_>>) -> ControlFlow<()>,
    ) -> Result<(), Failure>;

    /// How many partitions a topic has; `None`: there is no such topic.
    fn partitions(&mut self, topic: &str) -> Result<Option<i32>, Failure>;
}
