//! What a payload became.

use std::borrow::Cow;

use serde_json::{Map, Value};
use tierline_model::{RecordType, code};
use xxhash_rust::xxh3::xxh3_128;

use crate::directory::{Entry, EntryKind, Known};
use crate::identity::Told;
use crate::source::Context;

/// What a payload became.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Records of the contract, in the order in which they are to be written.
    pub records: Vec<Canonical>,
    /// What is to be remembered.
    pub directory: Vec<Entry>,
    /// What is told of who is who.
    pub told: Vec<Told>,
    /// What was passed over and why, beside what nobody looked at.
    pub ignored: Vec<Ignored>,
}

/// A record of the contract as plain JSON: it goes the way of `tierline send`, where the schema checks it.
#[derive(Clone, Debug, PartialEq)]
pub struct Canonical {
    /// The stream that it belongs on.
    pub stream: RecordType,
    /// Its members.
    pub told: Map<String, Value>,
}

/// Something of a payload that became nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Where it stands: a JSON pointer.
    pub pointer: String,
    /// Why.
    pub why: Cow<'static, str>,
}

/// The code of a payload over which its reader panicked.
pub const PANICKED: &str = "reader_panicked";

/// Why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// Stable; the header `tierline.error` of its dead letter: one of [`tierline_model::code`], or
    /// `reader_panicked`.
    pub code: &'static str,
    /// For people. Quotes nothing that a customer wrote.
    pub reason: String,
}

impl Reading {
    /// Adds a record.
    pub fn push(&mut self, record: impl Into<Canonical>) {
        self.records.push(record.into());
    }

    /// Notes that something became nothing.
    pub fn ignore(&mut self, pointer: impl Into<String>, why: impl Into<Cow<'static, str>>) {
        self.ignored.push(Ignored { pointer: pointer.into(), why: why.into() });
    }

    /// What is known of somebody or something: what this reading is about to remember comes first.
    pub fn known<'r>(&'r self, context: &Context<'r>, source: &str, kind: EntryKind, id: &str) -> Option<&'r Known> {
        match self.directory.iter().rev().find(|entry| entry.is(source, kind, id)) {
            Some(entry) => entry.known.as_ref(),
            None => context.directory.find(source, kind, id),
        }
    }

    /// Asks for something to be remembered, unless it is.
    pub fn remember(&mut self, context: &Context<'_>, source: &str, kind: EntryKind, id: &str, known: Known) {
        if self.known(context, source, kind, id) != Some(&known) {
            self.directory.push(Entry { source: source.into(), kind, id: id.into(), known: Some(known) });
        }
    }

    /// Asks for something to be forgotten, if it is known.
    pub fn forget(&mut self, context: &Context<'_>, source: &str, kind: EntryKind, id: &str) {
        if self.known(context, source, kind, id).is_some() {
            self.directory.push(Entry { source: source.into(), kind, id: id.into(), known: None });
        }
    }
}

impl Canonical {
    /// As the bytes that are transcoded.
    pub fn to_json(&self) -> Vec<u8> {
        // A map of JSON values with texts for keys has no way to fail.
        serde_json::to_vec(&self.told).unwrap_or_default()
    }

    /// A member that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.told.get(name)?.as_str()
    }

    /// By what a repeat of it is known; none: it may be told twice.
    pub fn id(&self) -> Option<&str> {
        match self.stream {
            RecordType::Tickets => self.text("event_id"),
            RecordType::Signals => self.text("signal_id"),
            RecordType::Commands => self.text("command_id"),
            _ => None,
        }
    }
}

impl Unreadable {
    /// The payload has no JSON, or another than it must be.
    pub fn undecodable(reason: impl Into<String>) -> Unreadable {
        Unreadable { code: code::UNDECODABLE, reason: reason.into() }
    }

    /// Its reader gave up in the middle: a mistake of ours, whose words stand in the log.
    pub fn panicked() -> Unreadable {
        Unreadable { code: PANICKED, reason: "reading it failed by a mistake of the program".to_owned() }
    }

    /// What must be there is not.
    pub fn missing(pointer: &str) -> Unreadable {
        Unreadable { code: code::MISSING_FIELD, reason: format!("`{pointer}` is missing") }
    }

    /// What is there is not what it must be.
    pub fn bad(pointer: &str, wanted: &str) -> Unreadable {
        Unreadable { code: code::BAD_VALUE, reason: format!("`{pointer}` must be {wanted}") }
    }
}

/// An id of what has none: the same bytes have the same.
pub fn content_id(content: &[u8]) -> String {
    format!("{:032x}", xxh3_128(content))
}
