//! Where deliveries are worked off: read, encoded, written, remembered, in one step for all that wait.
//!
//! A delivery is answered as taken only when its records are durable. If the log fails in the middle, what the table had
//! learnt of these deliveries is taken back, and their senders try again: records that did get through are then known by
//! their ids, here while they are recent, else by the engine.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tierline_model::{Millis, RecordType, instant_text};
use tierline_observe::IntakeMetrics;
use tierline_stream::client::{Client, Outgoing};
use tierline_stream::dead_letter;
use tierline_stream::log::Failure;
use xxhash_rust::xxh3::Xxh3;

use crate::directory::{Directory, Entry, Learnt, Parted, Shared, Unsettled};
use crate::gateway::recent::Recent;
use crate::reconcile::Asked;
use crate::{Canonical, Context, Delivery, Encoder, NotEncoded, Outbox, Reading, Source, Unreadable, read_delivery};

/// Opens a client of the log; asked again after each failure.
pub type Opener = Box<dyn FnMut() -> Result<Box<dyn Client + Send>, Failure> + Send>;

/// A delivery that has been verified.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Whose it is.
    pub source: String,
    /// The headers that its source keeps, and no other.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: axum::body::Bytes,
    /// When it came, UTC.
    pub received_at: Millis,
    /// Of what comes by a topic: how far that has been read with it.
    pub position: Option<Entry>,
    /// Of what did not come by itself: why it was asked for.
    pub asked: Option<Asked>,
}

/// What becomes of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// So many records are durable; some may have been so before. Neither: it is only remembered what it tells of somebody.
    Taken {
        /// Written now.
        records: usize,
        /// Written before.
        repeats: usize,
    },
    /// It makes no record, and tells nothing that was not known.
    Ignored,
    /// It can't be read; it lies in `dead-letters`.
    Unreadable(Unreadable),
    /// The log takes no record of this size; what it takes of the payload lies in `dead-letters`.
    TooLarge,
    /// The log is away.
    Unavailable,
}

/// What works deliveries off.
pub struct Desk {
    sources: Arc<BTreeMap<String, Arc<dyn Source>>>,
    encoder: Encoder,
    directory: Shared,
    opener: Opener,
    client: Option<Box<dyn Client + Send>>,
    recent: Recent,
    metrics: Option<IntakeMetrics>,
    /// Whether payloads are kept for a replay; not while one is being replayed.
    keeps_raw: bool,
    /// Added to the ids of events, so that they count as new.
    anew: Option<String>,
}

/// What of a delivery is written as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    /// Its records and its payload.
    All,
    /// Its records, for the log does not take its payload.
    Records,
    /// Nothing, for the log does not take its records either.
    Nothing,
}

/// Why deliveries are not on the log.
enum NotWritten {
    /// One of them cannot be read now.
    Untried(String),
    /// The log does not take them.
    Failed(Failure),
}

/// Bytes of a payload in a dead letter where the log does not take all of it: every log takes so many.
const LETTER: usize = 64 << 10;

/// What is to be done for one delivery, and undone if it fails.
struct Step {
    answer: Answer,
    /// Ids to be known from now on.
    ids: Vec<u128>,
    /// What was known before, newest last.
    before: Vec<Entry>,
    /// What was learnt of who is who.
    learnt: Learnt,
    /// Topics of its records.
    topics: Vec<String>,
}

/// A record on its way.
struct Encoded {
    id: Option<u128>,
    /// Of a message and of a creation: who says it otherwise says the same.
    saying: Option<u128>,
    topic: String,
    outgoing: Outgoing,
}

/// The original's headers, as they are kept.
const HEADER: &str = "tierline.header.";
/// Whose a payload is.
const SOURCE: &str = "tierline.source";
/// When it came.
const RECEIVED_AT: &str = "tierline.received_at";

impl Desk {
    /// One that writes to the log that `opener` opens.
    pub fn new(
        sources: Arc<BTreeMap<String, Arc<dyn Source>>>,
        encoder: Encoder,
        directory: Shared,
        opener: Opener,
        metrics: Option<IntakeMetrics>,
    ) -> Desk {
        Desk {
            sources,
            encoder,
            directory,
            opener,
            client: None,
            recent: Recent::default(),
            metrics,
            keeps_raw: true,
            anew: None,
        }
    }

    /// The same for payloads that are kept already. `anew`: what makes the ids of their events others, so that what was
    /// read of them wrongly is told again.
    #[must_use]
    pub fn replaying(mut self, anew: Option<String>) -> Desk {
        self.keeps_raw = false;
        self.anew = anew;
        self
    }

    /// Works off all of these in one step, and says what became of each, in their order.
    pub fn take(&mut self, deliveries: &[Arrived], now: Millis) -> Vec<Answer> {
        match self.work_off(deliveries, Whole::All, now) {
            // One of them is too large, or cannot be read now: which, shows when fewer go at once.
            Err(NotWritten::Untried(_) | NotWritten::Failed(Failure::Refused(_))) if deliveries.len() > 1 => {
                let (half, other) = deliveries.split_at(deliveries.len() / 2);
                let mut answers = self.take(half, now);
                answers.extend(self.take(other, now));
                answers
            }
            Err(NotWritten::Failed(Failure::Refused(why))) => {
                tracing::warn!(%why, "the log refuses a delivery for its size; what it takes of it is written");
                self.take_large(deliveries, now)
            }
            worked_off => self.answered(worked_off, deliveries),
        }
    }

    /// The same for one of which the log refuses a record for its size. Its sender could try for ever: so its payload is not
    /// kept, and where that is not enough, what fits of it becomes a dead letter.
    fn take_large(&mut self, one: &[Arrived], now: Millis) -> Vec<Answer> {
        let (worked_off, is_letter) = match self.work_off(one, Whole::Records, now) {
            Err(NotWritten::Failed(Failure::Refused(_))) => (self.work_off(one, Whole::Nothing, now), true),
            worked_off => (worked_off, false),
        };
        match worked_off {
            Ok(_) if is_letter => vec![Answer::TooLarge; one.len()],
            worked_off => self.answered(worked_off, one),
        }
    }

    fn answered(&mut self, worked_off: Result<Vec<Answer>, NotWritten>, deliveries: &[Arrived]) -> Vec<Answer> {
        worked_off.unwrap_or_else(|why| {
            let deliveries = deliveries.len();
            match why {
                NotWritten::Untried(why) => {
                    tracing::error!(why, deliveries, "deliveries cannot be read now; their senders try again");
                }
                NotWritten::Failed(failure) => {
                    tracing::error!(%failure, deliveries, "deliveries cannot be written; their senders try again");
                    self.client = None;
                }
            }
            vec![Answer::Unavailable; deliveries]
        })
    }

    fn work_off(&mut self, deliveries: &[Arrived], whole: Whole, now: Millis) -> Result<Vec<Answer>, NotWritten> {
        if self.client.is_none() {
            self.client = Some((self.opener)().map_err(NotWritten::Failed)?);
        }
        let mut outbox = Outbox::default();
        let mut steps = Vec::with_capacity(deliveries.len());
        let mut failed = None;
        for arrived in deliveries {
            match self.step(arrived, whole, now, &mut outbox) {
                Ok(step) => steps.push(step),
                Err(why) => {
                    failed = Some(NotWritten::Untried(why));
                    break;
                }
            }
        }
        // Where a log can't write all topics in one step, a ticket is on it only once it is remembered where it lies.
        outbox.lead(&self.encoder.names().directory);
        let sent = match (failed, &mut self.client) {
            (Some(failure), _) => Err(failure),
            (None, Some(client)) if !outbox.is_empty() => outbox.send(client.as_mut()).map_err(NotWritten::Failed),
            _ => Ok(()),
        };
        if let Err(failure) = sent {
            self.undo(steps);
            return Err(failure);
        }
        Ok(deliveries.iter().zip(steps).map(|(arrived, step)| self.done(arrived, step)).collect())
    }

    /// Reads one and puts what it becomes into the outbox. What it has to remember is remembered at once, so that the
    /// next one sees it. The error: it can't be tried now.
    fn step(&mut self, arrived: &Arrived, whole: Whole, now: Millis, outbox: &mut Outbox) -> Result<Step, String> {
        if whole == Whole::Nothing {
            let mut step = self.bury(arrived, too_large(), whole, now, outbox);
            step.before.extend(arrived.position.clone().map(|position| self.remember(position, outbox)));
            return Ok(step);
        }
        let headers: Vec<_> = arrived.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let delivery = Delivery { headers: &headers, ..Delivery::bare(&arrived.body, arrived.received_at) };
        let source = self.sources.get(&arrived.source).ok_or("its source is not configured any more")?;
        let mut read = guarded(source.as_ref(), &delivery, &*self.directory.table());
        let mut learnt = match &read {
            Ok(reading) => self.directory.learn(&reading.told, now),
            Err(_) => Learnt::default(),
        };
        // What it tells of who is who holds for its own records already: under the account that is left they would lie
        // behind the move (which is dated now, before they are appended), and nothing would fetch them.
        if !learnt.is_empty() {
            read = guarded(source.as_ref(), &delivery, &*self.directory.table());
        }
        let learns = !learnt.is_empty();
        let encoded = match read {
            Ok(mut reading) => {
                if let Some(asked) = &arrived.asked {
                    asked.shape(&mut reading, source.basics(), &*self.directory.table());
                }
                self.encoded(reading)
            }
            Err(unreadable) => Err(NotEncoded::Bad(unreadable)),
        };
        let mut step = match encoded {
            Ok((reading, records)) => {
                if let Err(why) = self.encoder.put_learnt(&mut learnt, outbox) {
                    self.directory.unlearn(learnt);
                    return Err(why);
                }
                let mut step = self.put(arrived, reading, records, whole, outbox);
                if learns && step.answer == Answer::Ignored {
                    step.answer = Answer::Taken { records: 0, repeats: 0 };
                }
                step.learnt = learnt;
                step
            }
            Err(NotEncoded::Bad(unreadable)) => {
                self.directory.unlearn(learnt);
                self.bury(arrived, unreadable, whole, now, outbox)
            }
            Err(NotEncoded::Untried(why)) => {
                self.directory.unlearn(learnt);
                return Err(why);
            }
        };
        step.before.extend(arrived.position.clone().map(|position| self.remember(position, outbox)));
        Ok(step)
    }

    /// Remembers something, and hands back what was known before.
    fn remember(&self, entry: Entry, outbox: &mut Outbox) -> Entry {
        self.directory.remember(entry, &self.encoder.names().directory, outbox)
    }

    /// Moves what of these lies elsewhere than who is who says; of all there are, if none are named. What two processes
    /// remembered at once is put together. Whether that is done: else it is to be tried again.
    pub fn settle(&mut self, of: Option<Unsettled>, now: Millis) -> bool {
        let of = of.unwrap_or_else(|| Unsettled::everybody(&self.directory.table()));
        let mut outbox = Outbox::default();
        let mut learnt = self.directory.settle(&of, now);
        let mut before = Vec::new();
        let told = self.encoder.put_learnt(&mut learnt, &mut outbox);
        let told = told.and_then(|()| self.unite(&of.parted, now, &mut outbox, &mut before));
        if told.is_ok() && outbox.is_empty() {
            return true;
        }
        let sent = told.map_err(Failure::Fatal).and_then(|()| {
            let client = match &mut self.client {
                Some(client) => client,
                none => none.insert((self.opener)()?),
            };
            outbox.send(client.as_mut())
        });
        if let Err(failure) = sent {
            tracing::error!(%failure, "what changes account cannot be written; it is tried again");
            self.client = None;
            before.into_iter().rev().for_each(|entry| self.directory.restore(entry));
            self.directory.unlearn(learnt);
            return false;
        }
        true
    }

    /// Has their sources put together what two processes have remembered of these, and tells what follows. `before`: what
    /// was known. The error: it can't be tried now.
    fn unite(
        &mut self,
        parted: &[Parted],
        now: Millis,
        outbox: &mut Outbox,
        before: &mut Vec<Entry>,
    ) -> Result<(), String> {
        let delivery = Delivery::bare(b"", now);
        for Parted { source, id, known } in parted {
            let Some(source) = self.sources.get(source).map(Arc::clone) else { continue };
            let reading = {
                let table = self.directory.table();
                source.unite(id, known, &Context { delivery: &delivery, directory: &*table })
            };
            match self.encoded(reading) {
                Ok((reading, records)) => {
                    records.into_iter().for_each(|record| outbox.push(&record.topic, record.outgoing));
                    before.extend(reading.directory.into_iter().map(|entry| self.remember(entry, outbox)));
                }
                Err(NotEncoded::Bad(why)) => tracing::warn!(%why, "what two gateways remembered cannot be told"),
                Err(NotEncoded::Untried(why)) => return Err(why),
            }
        }
        Ok(())
    }

    fn encoded(&mut self, mut reading: Reading) -> Result<(Reading, Vec<Encoded>), NotEncoded> {
        let mut records = Vec::with_capacity(reading.records.len());
        for record in &mut reading.records {
            if let Some(anew) = &self.anew {
                tell_anew(record, anew);
            }
            let (topic, outgoing) = self.encoder.encode(record)?;
            records.push(Encoded { id: identity(record), saying: saying(record), topic, outgoing });
        }
        Ok((reading, records))
    }

    fn put(
        &mut self,
        arrived: &Arrived,
        reading: Reading,
        records: Vec<Encoded>,
        whole: Whole,
        outbox: &mut Outbox,
    ) -> Step {
        let all = records.len();
        let (mut ids, mut topics) = (Vec::new(), Vec::new());
        for Encoded { id, saying, topic, outgoing } in records {
            // What was asked for says it under an id of its own where a webhook has said it before.
            if arrived.asked.is_some() && saying.is_some_and(|saying| self.recent.is_known(saying)) {
                continue;
            }
            if id.is_some_and(|id| !self.recent.add(id)) {
                continue;
            }
            ids.extend(id);
            ids.extend(saying.filter(|saying| self.recent.add(*saying)));
            outbox.push(&topic, outgoing);
            topics.push(topic);
        }
        let written = topics.len();
        // What was asked for can be asked for again.
        if self.keeps_raw && whole == Whole::All && arrived.asked.is_none() && (written > 0 || all == 0) {
            outbox.push(&self.encoder.names().intake_raw, raw(arrived));
        }
        let before: Vec<_> = reading.directory.into_iter().map(|entry| self.remember(entry, outbox)).collect();
        let answer = match all {
            0 if before.is_empty() => Answer::Ignored,
            _ => Answer::Taken { records: written, repeats: all - written },
        };
        Step { answer, ids, before, learnt: Learnt::default(), topics }
    }

    /// What can't be read goes to `dead-letters` with the raw body, once; of what is too large, with as much as is taken.
    fn bury(
        &mut self,
        arrived: &Arrived,
        unreadable: Unreadable,
        whole: Whole,
        now: Millis,
        outbox: &mut Outbox,
    ) -> Step {
        // Of what two sources deliver, each has a letter of its own.
        let id = hash_of(&[arrived.source.as_bytes(), &arrived.body]);
        let is_new = self.recent.add(id);
        if is_new && self.keeps_raw {
            let names = self.encoder.names();
            if arrived.asked.is_none() && whole == Whole::All {
                outbox.push(&names.intake_raw, raw(arrived));
            }
            let mut letter = raw(arrived);
            let length = arrived.body.len();
            let is_cut = whole != Whole::All && length > LETTER;
            if let Some(value) = letter.value.as_mut().filter(|_| is_cut) {
                value.truncate(LETTER);
            }
            let mut header = |name: &str, value: &str| letter.headers.push((name.to_owned(), value.into()));
            header(dead_letter::ERROR, unreadable.code);
            header(dead_letter::REASON, &unreadable.reason);
            header(dead_letter::TOPIC, &names.intake_raw);
            header(dead_letter::FAILED_AT, &instant_text(now));
            if is_cut {
                header(dead_letter::CUT, &format!("value:{length}"));
            }
            outbox.push(&names.dead_letters, letter);
            if let Some(metrics) = &self.metrics {
                metrics.dead_letter(&names.intake_raw, unreadable.code);
            }
        }
        let ids = if is_new { vec![id] } else { Vec::new() };
        Step {
            answer: Answer::Unreadable(unreadable),
            ids,
            before: Vec::new(),
            learnt: Learnt::default(),
            topics: Vec::new(),
        }
    }

    fn done(&self, arrived: &Arrived, step: Step) -> Answer {
        if let Some(metrics) = &self.metrics {
            step.topics.iter().for_each(|topic| metrics.written(&arrived.source, topic));
        }
        step.answer
    }

    /// As if these deliveries had never come.
    fn undo(&mut self, steps: Vec<Step>) {
        for step in steps.into_iter().rev() {
            for entry in step.before.into_iter().rev() {
                self.directory.restore(entry);
            }
            self.directory.unlearn(step.learnt);
            step.ids.iter().for_each(|id| self.recent.forget(*id));
        }
    }
}

impl Arrived {
    /// A payload as it was kept; none: the record is not one of ours.
    pub fn of_raw(value: &[u8], headers: &[(String, Vec<u8>)]) -> Option<Arrived> {
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).ok();
        let find = |name: &str| headers.iter().find(|(other, _)| other == name).and_then(|(_, value)| text(value));
        let kept =
            headers.iter().filter_map(|(name, value)| Some((name.strip_prefix(HEADER)?.to_owned(), text(value)?)));
        Some(Arrived {
            source: find(SOURCE)?,
            headers: kept.collect(),
            body: value.to_vec().into(),
            received_at: find(RECEIVED_AT)?.parse().ok()?,
            position: None,
            asked: None,
        })
    }
}

/// Reads a delivery; one over which its source panics is unreadable, and the others go on. A reader changes nothing
/// outside of its own reading, which is dropped then.
fn guarded(source: &dyn Source, delivery: &Delivery<'_>, directory: &dyn Directory) -> Result<Reading, Unreadable> {
    let read = catch_unwind(AssertUnwindSafe(|| read_delivery(source, delivery, directory)));
    read.unwrap_or_else(|_| Err(Unreadable::panicked()))
}

fn too_large() -> Unreadable {
    let reason = "the log takes no record of the size of those that it makes; raise `max.message.bytes`";
    Unreadable { code: dead_letter::TOO_LARGE, reason: reason.to_owned() }
}

/// A payload as it is kept: all of a source's in one partition, so that their order is kept too.
fn raw(arrived: &Arrived) -> Outgoing {
    let mut headers = vec![
        (SOURCE.to_owned(), arrived.source.clone().into_bytes()),
        (RECEIVED_AT.to_owned(), arrived.received_at.to_string().into_bytes()),
    ];
    let kept = arrived.headers.iter();
    headers.extend(kept.map(|(name, value)| (format!("{HEADER}{name}"), value.clone().into_bytes())));
    Outgoing {
        partition: None,
        key: Some(arrived.source.clone().into_bytes()),
        value: Some(arrived.body.to_vec()),
        headers,
    }
}

/// By what a repeat is known.
fn identity(record: &Canonical) -> Option<u128> {
    let parts = [record.stream.word(), record.text("source").unwrap_or_default(), record.id()?];
    Some(hash_of(&parts.map(str::as_bytes)))
}

/// By what a message or a creation is known, whatever the id of its event.
fn saying(record: &Canonical) -> Option<u128> {
    let kind = record.text("kind").filter(|kind| matches!(*kind, "created" | "message"))?;
    let message = record.told.get("message").and_then(|message| message.get("id")?.as_str());
    if record.stream != RecordType::Tickets || kind == "message" && message.is_none() {
        return None;
    }
    Some(hash_of(&["says", kind, record.text("ticket_id")?, message.unwrap_or_default()].map(str::as_bytes)))
}

fn hash_of(parts: &[&[u8]]) -> u128 {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(part);
        hash.update(&[0]);
    }
    hash.digest128()
}

fn tell_anew(record: &mut Canonical, anew: &str) {
    for name in ["event_id", "signal_id", "command_id"] {
        if let Some(serde_json::Value::String(id)) = record.told.get_mut(name) {
            id.push_str(anew);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Table;
    use crate::{Basics, Json, Refused};

    #[derive(Debug, Default)]
    struct Panics(Basics);

    impl Source for Panics {
        fn basics(&self) -> &Basics {
            &self.0
        }

        fn verify(&self, _: &Delivery<'_>) -> Result<(), Refused> {
            Ok(())
        }

        fn read(&self, _: Json<'_>, _: &Context<'_>) -> Result<Reading, Unreadable> {
            panic!("a mistake of the program")
        }
    }

    #[test]
    fn a_payload_over_which_its_source_panics_is_unreadable() {
        let read = guarded(&Panics::default(), &Delivery::bare(b"{}", 0), &Table::default());
        assert_eq!(read.map_err(|why| why.code), Err("reader_panicked"));
    }
}
