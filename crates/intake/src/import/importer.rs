//! The import itself: payload by payload, in one order, from where it stopped.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tierline_model::{Millis, RecordType};
use tierline_stream::client::Outgoing;
use xxhash_rust::xxh3::xxh3_128;

use crate::directory::{Directory, Entry, EntryKind, Known, Learnt, Shared};
use crate::{Canonical, Context, Delivery, Encoder, Json, NotEncoded, Outbox, Source, Unreadable};

/// An import of one source. It says what is to be written; writing is the program's, batch by batch.
pub struct Importer {
    source: Arc<dyn Source>,
    encoder: Encoder,
    directory: Shared,
    id: String,
    position: Position,
    /// Ids of what has been told, hashed.
    told: HashSet<u128>,
    counts: Counts,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// When it began: before this nothing was live.
    pub began_at: Millis,
    /// How many payloads have been worked off.
    pub done: u64,
    /// Its end mark is written.
    pub is_finished: bool,
}

/// What became of the payloads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Payloads that were read.
    pub payloads: u64,
    /// Records, by topic.
    pub records: BTreeMap<String, u64>,
    /// Records that were told before under the same id.
    pub repeats: u64,
    /// Payloads that no record could be made of, by reason.
    pub left_out: BTreeMap<String, Tally>,
    /// Parts of payloads that became nothing, by reason.
    pub ignored: BTreeMap<String, Tally>,
}

/// How many are alike, and the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub number: u64,
    /// Where the first stands: a line, or the number of an item.
    pub first: u64,
}

impl Counts {
    /// One more that is left out.
    pub fn leave_out(&mut self, why: String, place: u64) {
        note(&mut self.left_out, why, place);
    }
}

fn note(of: &mut BTreeMap<String, Tally>, why: String, place: u64) {
    let tally = of.entry(why).or_insert(Tally { number: 0, first: place });
    tally.number += 1;
}

impl Importer {
    /// An import by this id: from where it stopped, if the directory remembers one, else from the start.
    pub fn new(source: Arc<dyn Source>, encoder: Encoder, directory: Shared, id: String, now: Millis) -> Importer {
        let position = {
            let table = directory.table();
            let known = table.find(&source.basics().name, EntryKind::Position, &place_of(&id));
            known.and_then(|known| Position::read(known.more.as_deref()?))
        };
        Importer {
            source,
            encoder,
            directory,
            id,
            position: position.unwrap_or(Position { began_at: now, done: 0, is_finished: false }),
            told: HashSet::new(),
            counts: Counts::default(),
        }
    }

    /// How far it is.
    pub fn position(&self) -> Position {
        self.position
    }

    /// What became of the payloads so far.
    pub fn counts(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// The next payload, which stands at `place`.
    ///
    /// # Errors
    /// Its records can't be encoded now; nothing of it is in the outbox.
    pub fn take(&mut self, payload: &Value, place: u64, outbox: &mut Outbox) -> Result<(), String> {
        let body = payload.to_string();
        // One instant for all of it, so that what tells none is the same when it is read again.
        let delivery = Delivery::bare(body.as_bytes(), self.position.began_at);
        let read_it = |directory: &Shared| {
            let table = directory.table();
            self.source.read(Json::new(payload), &Context { delivery: &delivery, directory: &*table })
        };
        let mut read = read_it(&self.directory);
        let mut learnt = match &read {
            Ok(reading) => self.directory.learn(&reading.told, self.position.began_at),
            Err(_) => Learnt::default(),
        };
        // As at the desk: what it tells of who is who holds for its own records already.
        if !learnt.is_empty() {
            read = read_it(&self.directory);
        }
        let encoded = read.map_err(NotEncoded::Bad).and_then(|reading| {
            let mut records = Vec::with_capacity(reading.records.len());
            for mut record in reading.records {
                self.mark(&mut record);
                let (topic, outgoing) = self.encoder.encode(&record)?;
                records.push((identity(&record), topic, outgoing));
            }
            Ok((records, reading.directory, reading.ignored))
        });
        match encoded {
            Ok((records, entries, ignored)) => {
                if let Err(why) = self.encoder.put_learnt(&mut learnt, outbox) {
                    self.directory.unlearn(learnt);
                    return Err(why);
                }
                for (id, topic, outgoing) in records {
                    self.put(id, topic, outgoing, outbox);
                }
                entries.into_iter().for_each(|entry| self.remember(entry, outbox));
                ignored.into_iter().for_each(|one| note(&mut self.counts.ignored, one.why.into_owned(), place));
            }
            Err(NotEncoded::Bad(Unreadable { reason, .. })) => {
                self.directory.unlearn(learnt);
                self.counts.leave_out(reason, place);
            }
            Err(NotEncoded::Untried(why)) => {
                self.directory.unlearn(learnt);
                return Err(why);
            }
        }
        self.counts.payloads += 1;
        self.position.done += 1;
        Ok(())
    }

    fn remember(&self, entry: Entry, outbox: &mut Outbox) {
        self.directory.remember(entry, &self.encoder.names().directory, outbox);
    }

    fn put(&mut self, id: Option<u128>, topic: String, outgoing: Outgoing, outbox: &mut Outbox) {
        if id.is_some_and(|id| !self.told.insert(id)) {
            self.counts.repeats += 1;
            return;
        }
        outbox.push(&topic, outgoing);
        *self.counts.records.entry(topic).or_default() += 1;
    }

    /// Closes a batch: what is to be remembered goes before its records, how far it is behind them. An import that was
    /// interrupted between tells a batch again, under the same ids.
    pub fn close(&mut self, outbox: &mut Outbox) {
        let topic = self.encoder.names().directory.clone();
        outbox.lead(&topic);
        let position = Entry {
            source: self.source.basics().name.clone(),
            kind: EntryKind::Position,
            id: place_of(&self.id),
            known: Some(self.position.known()),
        };
        outbox.conclude(&topic, self.directory.outgoing(&position));
    }

    /// Ends it: its mark goes into every partition of `tickets`, for every task has waited.
    ///
    /// # Errors
    /// The mark can't be encoded now.
    pub fn finish(&mut self, partitions: i32, outbox: &mut Outbox) -> Result<(), String> {
        let told = json!({
            "kind": "import_finished", "source": self.source.basics().name, "import_id": self.id,
            "import_began_at": self.position.began_at,
        });
        let (topic, value) = self.encoder.encode_mark(&told)?;
        for partition in 0..partitions {
            let mark = Outgoing { partition: Some(partition), value: Some(value.clone()), ..Outgoing::default() };
            outbox.push(&topic, mark);
        }
        self.position.is_finished = true;
        self.close(outbox);
        Ok(())
    }

    /// What an import brings says so.
    fn mark(&self, record: &mut Canonical) {
        if record.stream == RecordType::Tickets {
            record.told.insert("import_id".to_owned(), self.id.clone().into());
        }
    }
}

impl Position {
    fn known(self) -> Known {
        let Position { began_at, done, is_finished } = self;
        let more = Map::from_iter([
            ("began_at".to_owned(), began_at.into()),
            ("done".to_owned(), done.into()),
            ("is_finished".to_owned(), is_finished.into()),
        ]);
        Known { more: Some(Box::new(more)), ..Known::default() }
    }

    fn read(more: &Map<String, Value>) -> Option<Position> {
        Some(Position {
            began_at: more.get("began_at")?.as_i64()?,
            done: more.get("done")?.as_u64()?,
            is_finished: more.get("is_finished")?.as_bool()?,
        })
    }
}

fn place_of(id: &str) -> String {
    format!("import:{id}")
}

fn identity(record: &Canonical) -> Option<u128> {
    Some(xxh3_128(format!("{} {}", record.stream.word(), record.id()?).as_bytes()))
}
