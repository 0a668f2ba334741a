//! Bytes in, typed records out: Confluent's wire format, Avro's single-object encoding or plain JSON, told apart by
//! their first bytes.
//!
//! One set of visitors serves all three and fills the records directly, borrowing their texts. They go by the fields'
//! names, so older and newer writers' schemas need no resolving: what a writer did not know is not told, what we do not
//! know is counted and stepped over. Ticket events of our own writers, which come by the million, have a way without
//! names in `own`.
//!
//! What must never be in here: the engine's rules on time and order, a topic's name, an unbounded trust in a length.

mod account;
mod bill;
mod command;
mod error;
mod own;
mod record;
mod signal;
mod ticket;
mod value;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

pub use error::{DecodeError, code};

use crate::avro::{Cursor, ReadError, Reader, SchemaError, WriterSchema, to_json};
use crate::registry::SchemaSource;
use crate::{
    AccountChange, AccountSnapshot, BillingChange, BillingSnapshot, Command, RecordType, Signal, TicketRecord,
};
use record::Scene;
use value::Kind;

/// What was passed over in a record that was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Members or fields that this version does not know.
    pub unknown_members: u32,
    /// Words of a newer writer's enumerations, taken as not told.
    pub unrecognised_words: u32,
    /// Names in `cleared` that are no field.
    pub unknown_cleared: u32,
    /// Items of lists and custom fields beyond [`MOST_ITEMS`](crate::MOST_ITEMS).
    pub items_left_out: u32,
}

/// Decodes records; one a lane, it keeps the schemas that it has met.
#[derive(Default)]
pub struct Decoder {
    by_fingerprint: FxHashMap<u64, WriterSchema>,
    by_id: FxHashMap<u32, Writer>,
    source: Option<Arc<dyn SchemaSource>>,
}

impl Decoder {
    /// One that knows the schemas of `schemas/` and no registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that asks this registry for the ids of Confluent's wire format.
    pub fn with_registry(source: Arc<dyn SchemaSource>) -> Self {
        Decoder { source: Some(source), ..Self::default() }
    }

    /// Makes another writer's schema known to single-object encoding; its fingerprint.
    ///
    /// # Errors
    /// Where it is not an Avro schema.
    pub fn learn(&mut self, schema: &str) -> Result<u64, SchemaError> {
        let schema = WriterSchema::parse(schema)?;
        let fingerprint = schema.fingerprint();
        self.by_fingerprint.insert(fingerprint, schema);
        Ok(fingerprint)
    }

    /// A record of `tickets`.
    ///
    /// # Errors
    /// As the other methods: [`DecodeError`].
    pub fn ticket<'a>(&mut self, bytes: &'a [u8]) -> Result<(TicketRecord<'a>, Notes), DecodeError> {
        ticket(self.frame(RecordType::Tickets, bytes)?)
    }

    /// A record of `accounts`.
    #[allow(clippy::missing_errors_doc, reason = "as above")]
    pub fn account<'a>(&mut self, bytes: &'a [u8]) -> Result<(AccountSnapshot<'a>, Notes), DecodeError> {
        account(self.frame(RecordType::Accounts, bytes)?)
    }

    /// A record of `billing`.
    #[allow(clippy::missing_errors_doc, reason = "as above")]
    pub fn billing<'a>(&mut self, bytes: &'a [u8]) -> Result<(BillingSnapshot<'a>, Notes), DecodeError> {
        billing(self.frame(RecordType::Billing, bytes)?)
    }

    /// A record of `account-changes`.
    #[allow(clippy::missing_errors_doc, reason = "as above")]
    pub fn account_change<'a>(&mut self, bytes: &'a [u8]) -> Result<(AccountChange<'a>, Notes), DecodeError> {
        account_change(self.frame(RecordType::AccountChanges, bytes)?)
    }

    /// A record of `billing-changes`.
    #[allow(clippy::missing_errors_doc, reason = "as above")]
    pub fn billing_change<'a>(&mut self, bytes: &'a [u8]) -> Result<(BillingChange<'a>, Notes), DecodeError> {
        billing_change(self.frame(RecordType::BillingChanges, bytes)?)
    }

    /// A record of `signals`.
    #[allow(clippy::missing_errors_doc, reason = "as above")]
    pub fn signal<'a>(&mut self, bytes: &'a [u8]) -> Result<(Signal<'a>, Notes), DecodeError> {
        signal(self.frame(RecordType::Signals, bytes)?)
    }

    /// A record of `commands`.
    #[allow(clippy::missing_errors_doc, reason = "as above")]
    pub fn command<'a>(&mut self, bytes: &'a [u8]) -> Result<(Command<'a>, Notes), DecodeError> {
        command(self.frame(RecordType::Commands, bytes)?)
    }

    /// Any record as the contract's plain JSON, for people: what is not told is left out. Of a JSON record, its own.
    #[allow(clippy::missing_errors_doc, reason = "as above")]
    pub fn to_json(&mut self, record: RecordType, bytes: &[u8]) -> Result<serde_json::Value, DecodeError> {
        match self.frame(record, bytes)? {
            Framed::Json(text) => serde_json::from_slice(text).map_err(|e| not_json(&e)),
            Framed::Told(members) => Ok(members.clone().into()),
            Framed::Avro(schema, datum) => {
                let mut cursor = Cursor::new(datum);
                let value = to_json(&mut cursor, schema).map_err(|e| corrupt(&e))?;
                nothing_after(&cursor)?;
                Ok(value)
            }
        }
    }

    pub(crate) fn frame<'s, 'a>(
        &'s mut self,
        record: RecordType,
        bytes: &'a [u8],
    ) -> Result<Framed<'s, 'a>, DecodeError> {
        match bytes {
            [0xC3, 0x01, a, b, c, d, e, f, g, h, datum @ ..] => {
                let fingerprint = u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                Ok(Framed::Avro(self.by_fingerprint(record, fingerprint)?, datum))
            }
            [0x00, a, b, c, d, datum @ ..] => {
                let id = u32::from_be_bytes([*a, *b, *c, *d]);
                Ok(Framed::Avro(self.by_id(id)?, datum))
            }
            [] => Err(DecodeError::invalid(code::UNDECODABLE, "it is empty")),
            _ if bytes.trim_ascii_start().first() == Some(&b'{') => Ok(Framed::Json(bytes)),
            _ => {
                let reason = "it begins as none of the encodings: 0x00 and a schema's id, 0xC3 0x01 and a schema's \
                              fingerprint, or { for JSON";
                Err(DecodeError::invalid(code::UNDECODABLE, reason))
            }
        }
    }

    fn by_fingerprint(&self, record: RecordType, fingerprint: u64) -> Result<&WriterSchema, DecodeError> {
        let ours = record.parsed();
        if ours.fingerprint() == fingerprint {
            return Ok(ours);
        }
        self.by_fingerprint.get(&fingerprint).ok_or_else(|| {
            let reason =
                format!("no schema is known by the fingerprint {fingerprint:016x}; write it through a registry");
            DecodeError::invalid(code::UNKNOWN_SCHEMA, reason)
        })
    }

    fn by_id(&mut self, id: u32) -> Result<&WriterSchema, DecodeError> {
        let unknown = |reason: String| DecodeError::invalid(code::UNKNOWN_SCHEMA, reason);
        match self.by_id.entry(id) {
            std::collections::hash_map::Entry::Occupied(known) => Ok(known.into_mut().schema()),
            std::collections::hash_map::Entry::Vacant(place) => {
                let Some(source) = &self.source else {
                    return Err(unknown(format!("it names schema id {id}, and no `schema_registry` is configured")));
                };
                let text = source.schema(id).map_err(|e| DecodeError::Unavailable { reason: e.reason })?;
                let text = text.ok_or_else(|| unknown(format!("the registry has no Avro schema with id {id}")))?;
                let schema = WriterSchema::parse(&text).map_err(|e| unknown(format!("schema id {id}: {e}")))?;
                Ok(place.insert(Writer::of(schema)).schema())
            }
        }
    }
}

/// Whom a schema id names.
enum Writer {
    /// One who writes with our own schema.
    Ours(RecordType),
    Another(WriterSchema),
}

impl Writer {
    fn of(schema: WriterSchema) -> Writer {
        let ours = RecordType::ALL.iter().copied().find(|record| schema.reads_as(record.parsed()));
        ours.map_or(Writer::Another(schema), Writer::Ours)
    }

    fn schema(&self) -> &WriterSchema {
        match self {
            Writer::Ours(record) => record.parsed(),
            Writer::Another(schema) => schema,
        }
    }
}

/// A record before it is read.
#[derive(Clone, Copy)]
pub(crate) enum Framed<'s, 'a> {
    Avro(&'s WriterSchema, &'a [u8]),
    Json(&'a [u8]),
    /// JSON that was parsed already.
    Told(&'a Map<String, Value>),
}

/// A record of `tickets`.
pub(crate) fn ticket<'a>(framed: Framed<'_, 'a>) -> Result<(TicketRecord<'a>, Notes), DecodeError> {
    if let Framed::Avro(schema, datum) = framed
        && std::ptr::eq(schema, RecordType::Tickets.parsed())
        && let Ok(event) = own::ticket_event(datum)
    {
        return Ok((TicketRecord::Event(event), Notes::default()));
    }
    let (told, notes) = read::<ticket::Told>(framed)?;
    Ok((told.check()?, notes))
}

/// A record of `accounts`.
pub(crate) fn account<'a>(framed: Framed<'_, 'a>) -> Result<(AccountSnapshot<'a>, Notes), DecodeError> {
    let (told, notes) = read::<account::Snapshot>(framed)?;
    Ok((told.check()?, notes))
}

/// A record of `billing`.
pub(crate) fn billing<'a>(framed: Framed<'_, 'a>) -> Result<(BillingSnapshot<'a>, Notes), DecodeError> {
    let (told, notes) = read::<bill::Snapshot>(framed)?;
    Ok((told.check()?, notes))
}

/// A record of `account-changes`.
pub(crate) fn account_change<'a>(framed: Framed<'_, 'a>) -> Result<(AccountChange<'a>, Notes), DecodeError> {
    let (told, notes) = read::<account::Change>(framed)?;
    Ok((told.check()?, notes))
}

/// A record of `billing-changes`.
pub(crate) fn billing_change<'a>(framed: Framed<'_, 'a>) -> Result<(BillingChange<'a>, Notes), DecodeError> {
    let (told, notes) = read::<bill::Change>(framed)?;
    Ok((told.check()?, notes))
}

/// A record of `signals`.
pub(crate) fn signal<'a>(framed: Framed<'_, 'a>) -> Result<(Signal<'a>, Notes), DecodeError> {
    let (told, notes) = read::<signal::Told>(framed)?;
    Ok((told.check()?, notes))
}

/// A record of `commands`.
pub(crate) fn command<'a>(framed: Framed<'_, 'a>) -> Result<(Command<'a>, Notes), DecodeError> {
    let (told, notes) = read::<command::Told>(framed)?;
    Ok((told.check()?, notes))
}

fn read<'a, K: Kind<'a>>(framed: Framed<'_, 'a>) -> Result<(K::Out, Notes), DecodeError> {
    let mut scene = Scene::default();
    let told = match framed {
        Framed::Avro(schema, datum) => {
            let mut cursor = Cursor::new(datum);
            match K::read(Reader::new(&mut cursor, schema), scene.at("the record")) {
                Ok(told) => {
                    nothing_after(&cursor)?;
                    told
                }
                Err(e @ ReadError::Corrupt(_)) => return Err(corrupt(&e)),
                Err(ReadError::Unwanted(_)) => return Err(scene.fault()),
            }
        }
        Framed::Json(text) => {
            let mut json = serde_json::Deserializer::from_slice(text);
            let told = match K::read(&mut json, scene.at("the record")) {
                Ok(told) => told,
                Err(e) if e.is_data() => return Err(scene.fault()),
                Err(e) => return Err(not_json(&e)),
            };
            json.end().map_err(|e| not_json(&e))?;
            told
        }
        // What was parsed can only be refused.
        Framed::Told(members) => match K::read(members, scene.at("the record")) {
            Ok(told) => told,
            Err(_) => return Err(scene.fault()),
        },
    };
    let told = told.ok_or_else(|| DecodeError::invalid(code::UNDECODABLE, "it is null"))?;
    Ok((told, scene.notes))
}

fn corrupt(error: &ReadError) -> DecodeError {
    DecodeError::invalid(code::UNDECODABLE, format!("it is not what its schema says: {error}"))
}

fn not_json(error: &serde_json::Error) -> DecodeError {
    DecodeError::invalid(code::UNDECODABLE, format!("it is not JSON: {error}"))
}

fn nothing_after(cursor: &Cursor<'_>) -> Result<(), DecodeError> {
    match cursor.left() {
        0 => Ok(()),
        more => Err(DecodeError::invalid(code::UNDECODABLE, format!("{more} bytes follow its end"))),
    }
}
