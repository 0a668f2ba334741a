//! Records on their way to the log: checked against the schemas, framed, sorted by topic.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use tierline_model::{DecodeError, Encoding, RecordType, code, transcode_told};
use tierline_stream::client::{Client, Outgoing};
use tierline_stream::log::Failure;
use tierline_stream::topics::Names;

use crate::directory::Learnt;
use crate::{Canonical, Unreadable};

/// How the records of a kind are framed on a topic, or why nobody can say so now.
pub type EncodingOf = Box<dyn FnMut(RecordType, &str) -> Result<Encoding, String> + Send>;

/// Makes bytes of records.
pub struct Encoder {
    names: Names,
    encoding: EncodingOf,
    /// Topics whose encoding nobody could say lately: when that was, and why.
    untold: BTreeMap<String, (Instant, String)>,
}

/// For so long that is not asked again: everybody else's records wait behind the question.
const ASKED_AGAIN: Duration = Duration::from_secs(5);

/// Why a record is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotEncoded {
    /// The record is wrong.
    Bad(Unreadable),
    /// The record may be right, but can't be encoded now.
    Untried(String),
}

/// Records by topic, in the order in which the topics were first written to.
#[derive(Debug, Default)]
pub struct Outbox {
    topics: Vec<(String, Vec<Outgoing>)>,
    /// What is written behind all others.
    last: Vec<(String, Vec<Outgoing>)>,
    /// Keys of those.
    last_keys: HashSet<Vec<u8>>,
}

impl Encoder {
    /// For streams of these names.
    pub fn new(names: Names, encoding: EncodingOf) -> Encoder {
        Encoder { names, encoding, untold: BTreeMap::new() }
    }

    /// What the streams are called.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// A record, and the topic that it belongs on.
    ///
    /// # Errors
    /// It is not what its schema wants, or the schema registry does not answer.
    pub fn encode(&mut self, record: &Canonical) -> Result<(String, Outgoing), NotEncoded> {
        let topic = self.topic(record).to_owned();
        let encoding = self.encoding_of(record.stream, &topic).map_err(NotEncoded::Untried)?;
        let mut value = Vec::with_capacity(512);
        match transcode_told(record.stream, &record.told, encoding, &mut value) {
            Ok(sent) => {
                let key = sent.key.ok_or_else(|| {
                    let reason = "a mark of a source is no payload's to make".to_owned();
                    NotEncoded::Bad(Unreadable { code: code::UNKNOWN_KIND, reason })
                })?;
                let key = Some(key.into_bytes());
                Ok((topic, Outgoing { key, value: Some(value), ..Outgoing::default() }))
            }
            Err(DecodeError::Invalid { code, reason }) => Err(NotEncoded::Bad(Unreadable { code, reason })),
            Err(error @ DecodeError::Unavailable { .. }) => Err(NotEncoded::Untried(error.to_string())),
        }
    }

    /// Puts what was learnt of who is who into an outbox: facts first, then what moves by them (SEMANTICS 7.3), and where
    /// it lies then last. A move that no schema takes is left out, with a warning.
    ///
    /// # Errors
    /// The schema registry does not answer.
    pub fn put_learnt(&mut self, learnt: &mut Learnt, outbox: &mut Outbox) -> Result<(), String> {
        for record in std::mem::take(&mut learnt.records) {
            match self.encode(&record) {
                Ok((topic, outgoing)) => outbox.push(&topic, outgoing),
                Err(NotEncoded::Bad(why)) => tracing::warn!(%why, "what changes account cannot be told"),
                Err(NotEncoded::Untried(why)) => return Err(why),
            }
        }
        learnt.put(&self.names.aliases, &self.names.directory, outbox);
        Ok(())
    }

    /// A mark that belongs into every partition of `tickets`, and that topic.
    ///
    /// # Errors
    /// It is not what the schema wants, or the schema registry does not answer.
    pub fn encode_mark(&mut self, told: &serde_json::Value) -> Result<(String, Vec<u8>), String> {
        let topic = self.names.tickets.clone();
        let encoding = self.encoding_of(RecordType::Tickets, &topic)?;
        let mut value = Vec::new();
        let told = told.as_object().ok_or("a mark is an object")?;
        transcode_told(RecordType::Tickets, told, encoding, &mut value).map_err(|error| error.to_string())?;
        Ok((topic, value))
    }

    fn encoding_of(&mut self, stream: RecordType, topic: &str) -> Result<Encoding, String> {
        if let Some((_, why)) = self.untold.get(topic).filter(|(since, _)| since.elapsed() < ASKED_AGAIN) {
            return Err(why.clone());
        }
        let told = (self.encoding)(stream, topic);
        match &told {
            Ok(_) if self.untold.is_empty() => {}
            Ok(_) => drop(self.untold.remove(topic)),
            Err(why) => drop(self.untold.insert(topic.to_owned(), (Instant::now(), why.clone()))),
        }
        told
    }

    /// Whole snapshots have a topic a source: the one that is called after it, else the first.
    fn topic(&self, record: &Canonical) -> &str {
        let names = &self.names;
        let of_source = |topics: &[String]| place_of(record.text("source").unwrap_or_default(), topics);
        match record.stream {
            RecordType::Accounts => &names.accounts[of_source(&names.accounts)],
            RecordType::Billing => &names.billing[of_source(&names.billing)],
            RecordType::AccountChanges => &names.account_changes,
            RecordType::BillingChanges => &names.billing_changes,
            RecordType::Signals => &names.signals,
            RecordType::Commands => &names.commands,
            // The other streams are Tierline's own; `transcode` refuses their records.
            _ => &names.tickets,
        }
    }
}

/// Which of these topics is a source's. Of two whose names end with its name, `accounts-hubcrm` and `accounts-crm`, that
/// one in which its name stands by itself: two sources on one compacted topic would take each other's place.
fn place_of(source: &str, topics: &[String]) -> usize {
    let before = |topic: &str| topic.strip_suffix(source).filter(|_| !source.is_empty()).map(str::to_owned);
    let by_itself = |before: String| !before.ends_with(char::is_alphanumeric);
    let ends = || topics.iter().map(|topic| before(topic));
    let found = ends().position(|before| before.is_some_and(by_itself));
    found.or_else(|| ends().position(|before| before.is_some())).unwrap_or(0)
}

impl Outbox {
    /// Adds a record.
    pub fn push(&mut self, topic: &str, record: Outgoing) {
        match self.topics.iter_mut().find(|(other, _)| other == topic) {
            Some((_, records)) => records.push(record),
            None => self.topics.push((topic.to_owned(), vec![record])),
        }
    }

    /// Adds a record that is written behind all others, also those of its own topic: what may say that they are there.
    pub fn conclude(&mut self, topic: &str, record: Outgoing) {
        self.last_keys.extend(record.key.clone());
        match self.last.last_mut().filter(|(other, _)| other == topic) {
            Some((_, records)) => records.push(record),
            None => self.last.push((topic.to_owned(), vec![record])),
        }
    }

    /// Adds a record, behind all others if another of its key is there already, for of each key the last counts.
    pub fn push_keyed(&mut self, topic: &str, record: Outgoing) {
        match record.key.as_ref().is_some_and(|key| self.last_keys.contains(key)) {
            true => self.conclude(topic, record),
            false => self.push(topic, record),
        }
    }

    /// Adds a record to a topic that is written before the others.
    pub fn begin(&mut self, topic: &str, record: Outgoing) {
        self.push(topic, record);
        self.lead(topic);
    }

    /// Has a topic written before the others.
    pub fn lead(&mut self, topic: &str) {
        if let Some(place) = self.topics.iter().position(|(other, _)| other == topic) {
            self.topics[..=place].rotate_right(1);
        }
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.topics.iter().chain(&self.last).map(|(_, records)| records.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.last.is_empty()
    }

    /// Writes all of them; they are durable when it returns.
    ///
    /// # Errors
    /// What the log says. Some of them may be there then: repeats are known by their ids.
    pub fn send(&mut self, client: &mut dyn Client) -> Result<(), Failure> {
        self.topics.append(&mut self.last);
        client.send_topics(&self.topics)?;
        client.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_the_topic_that_is_called_after_it_and_not_after_another() {
        let topics = ["accounts", "accounts-hubcrm", "accounts-crm", "billsstripe"].map(str::to_owned);
        let topic = |source| topics[place_of(source, &topics)].as_str();
        assert_eq!((topic("crm"), topic("hubcrm")), ("accounts-crm", "accounts-hubcrm"));
        assert_eq!((topic("stripe"), topic("desk"), topic("")), ("billsstripe", "accounts", "accounts"));
    }
}
