//! One round: what an [`Api`](super::Api) asks in, and where it hands over what it finds.

use serde_json::Value;
use tierline_model::Millis;
use xxhash_rust::xxh3::xxh3_128;

use super::marks::{Marks, Said};
use super::reconciler::Around;
use super::{Asked, Cursor, Halt, Http};
use crate::directory::{Directory, EntryKind};
use crate::gateway::insist::insist;
use crate::gateway::recent::Recent;
use crate::{Answer, Arrived};

/// Payloads that are handed over in one go.
const BATCH: usize = 128;

/// One round of asking.
pub struct Round<'r> {
    pub(super) http: &'r mut Http,
    pub(super) around: &'r Around,
    pub(super) marks: &'r mut Marks,
    /// Hashes of what is durable.
    pub(super) taken: &'r mut Recent,
    pub(super) asked: Asked,
    /// From where on changes are asked for; where an interrupted round goes on, that is later than what they may hold.
    pub(super) from: Millis,
    /// How far the source had been heard before; it is said before the first payload is told.
    pub(super) opens_with: Option<Millis>,
    /// When the round began, by our clock.
    pub(super) began_at: Millis,
    pub(super) waiting: Vec<Waiting>,
    pub(super) counts: Counts,
}

/// A payload on its way.
pub(super) struct Waiting {
    arrived: Arrived,
    /// By what it is known from then on.
    hash: u128,
}

/// What came of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Payloads that were told.
    pub payloads: usize,
    /// Records that nobody had told before.
    pub records: usize,
    /// Payloads that could not be read, or were too large for the log.
    pub left_out: usize,
}

impl Round<'_> {
    /// All that changed from then on is to be brought, by the vendor's clock.
    pub fn since(&self) -> Millis {
        self.from
    }

    /// When the round began, by the vendor's clock, as far as that is known; not later than by ours.
    pub fn now_there(&self) -> Millis {
        self.began_at - self.http.behind()
    }

    /// What it is now, by the vendor's clock as above.
    pub fn there_and_now(&self) -> Millis {
        (self.around.now)() - self.http.behind()
    }

    /// Whether something of the source's is known already.
    pub fn is_known(&self, kind: EntryKind, id: &str) -> bool {
        self.around.directory.table().find(&self.around.source.basics().name, kind, id).is_some()
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub fn get(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Value, Halt> {
        self.http.get(path, query)
    }

    /// What is answered to JSON.
    ///
    /// # Errors
    /// As [`Http::post`].
    pub fn post(&mut self, path: &str, body: &Value) -> Result<Value, Halt> {
        self.http.post(path, body)
    }

    /// Whether this very thing was taken before: nothing about it needs to be asked again.
    pub fn is_taken(&self, thing: &Value) -> bool {
        self.taken.is_known(hash(thing))
    }

    /// Hands over a payload, unless it was taken before.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn take(&mut self, payload: Value) -> Result<(), Halt> {
        let key = hash(&payload);
        self.put(key, &payload)
    }

    /// Hands over a payload that was made of this thing, and knows the thing by itself from then on.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn take_for(&mut self, thing: &Value, payload: &Value) -> Result<(), Halt> {
        self.put(hash(thing), payload)
    }

    fn put(&mut self, hash: u128, payload: &Value) -> Result<(), Halt> {
        if self.taken.is_known(hash) || self.waiting.iter().any(|waiting| waiting.hash == hash) {
            return Ok(());
        }
        let arrived = Arrived {
            source: self.around.source.basics().name.clone(),
            headers: Vec::new(),
            body: payload.to_string().into(),
            received_at: (self.around.now)(),
            position: None,
            asked: Some(self.asked.clone()),
        };
        self.waiting.push(Waiting { arrived, hash });
        if self.waiting.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    /// Waits until all that was handed over is durable.
    ///
    /// # Errors
    /// [`Halt::Stopped`]; [`Halt::Log`] where nobody can say how far the source had been heard before.
    pub fn flush(&mut self) -> Result<(), Halt> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if let Some(heard_until) = self.opens_with {
            self.marks.write(&Said { heard_until: Some(heard_until), ..Said::default() })?;
            self.opens_with = None;
        }
        let waiting = std::mem::take(&mut self.waiting);
        let (arrived, hashes): (Vec<_>, Vec<_>) = waiting.into_iter().map(|one| (one.arrived, one.hash)).unzip();
        let stop = self.http.stop();
        let answers = insist(&self.around.queue, arrived, |long| stop.wait(long).is_ok()).ok_or(Halt::Stopped)?;
        for (answer, hash) in answers.iter().zip(hashes) {
            self.counts.payloads += 1;
            match answer {
                Answer::Taken { records, .. } => self.counts.records += records,
                Answer::Unreadable(_) | Answer::TooLarge => self.counts.left_out += 1,
                Answer::Ignored | Answer::Unavailable => {}
            }
            self.taken.add(hash);
        }
        Ok(())
    }

    /// All is handed over that changed last before this, and the rest of the round is what changed later: a round that is
    /// interrupted from here on goes on here.
    ///
    /// # Errors
    /// As [`flush`](Self::flush), and where that can't be remembered.
    pub fn reached(&mut self, instant: Millis) -> Result<(), Halt> {
        self.flush()?;
        let found = Cursor::find(&self.around.source.basics().name, &*self.around.directory.table());
        // The first of all rounds has remembered where it began.
        let Some(before) = found else { return Ok(()) };
        let instant = instant.min(self.now_there());
        if before.goes_on_at() >= instant {
            return Ok(());
        }
        let cursor = Cursor { reached: Some(instant), by: self.around.by.clone(), ..before };
        self.conclude(None, cursor)
    }

    /// Moves the cursor, behind all that was handed over.
    pub(super) fn conclude(&mut self, heard_until: Option<Millis>, cursor: Cursor) -> Result<(), Halt> {
        self.flush()?;
        let source = &self.around.source.basics().name;
        let before = Cursor::find(source, &*self.around.directory.table());
        // Whoever was interrupted before may have begun this import.
        let is_anothers = before.is_none_or(|before| before.by != self.around.by);
        let imported = self.asked.imported.load(std::sync::atomic::Ordering::Acquire) || is_anothers;
        let import = imported.then(|| (self.asked.import_id.clone(), self.began_at));
        let from = cursor.goes_on_at();
        self.marks.write(&Said { import, heard_until, cursor: Some(cursor) })?;
        self.asked.imported.store(false, std::sync::atomic::Ordering::Release);
        self.asked.import_id = import_id(source, from);
        Ok(())
    }
}

/// The import that brings what was never met, from a cursor on: the same for whoever goes on there.
pub(super) fn import_id(source: &str, from: Millis) -> std::sync::Arc<str> {
    format!("reconcile-{source}-{from}").into()
}

fn hash(thing: &Value) -> u128 {
    xxh3_128(thing.to_string().as_bytes())
}
