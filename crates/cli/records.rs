//! Records between people's JSON and the topics' bytes.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use tierline_config::Config;
use tierline_model::{DecodeError, Decoder, Encoding, RecordType, Registry, RegistryError, SchemaSource, transcode};
use tierline_stream::topics::Stream;

use crate::open;
use crate::streams::{self, Named};

/// Encodes and decodes records as the configuration says: Confluent's wire format where a registry is configured, else
/// Avro's single objects. JSON is read everywhere.
pub struct Records {
    decoder: Decoder,
    encodings: Encodings,
}

/// A record ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// None: it has no account and belongs into every partition.
    pub key: Option<Vec<u8>>,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// Why a record is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotEncoded {
    /// The record is wrong.
    Bad(String),
    /// The record may be right, but it can't be encoded now or by us.
    Untried(String),
}

impl Records {
    /// For this configuration. Asks nobody anything yet.
    pub fn new(config: &Config) -> Records {
        let encodings = Encodings::new(config);
        let source = encodings.source();
        Records { decoder: source.map_or_else(Decoder::new, Decoder::with_registry), encodings }
    }

    /// Checks a record against the schema of its topic, and encodes it.
    pub fn encode(&mut self, to: &Named, json: &[u8]) -> Result<Encoded, NotEncoded> {
        let record = streams::input(to).map_err(NotEncoded::Untried)?;
        let encoding = self.encodings.of(record, &to.topic).map_err(|error| NotEncoded::Untried(error.to_string()))?;
        let mut value = Vec::new();
        match transcode(&mut self.decoder, record, json, encoding, &mut value) {
            Ok(sent) => Ok(Encoded { key: sent.key.map(String::into_bytes), value }),
            Err(error @ DecodeError::Invalid { .. }) => Err(NotEncoded::Bad(error.to_string())),
            Err(error @ DecodeError::Unavailable { .. }) => Err(NotEncoded::Untried(error.to_string())),
        }
    }

    /// A record as plain JSON; the reason where it can't be read.
    pub fn decode(&mut self, stream: Stream, value: &[u8]) -> Result<Value, String> {
        let record = streams::record_type(stream);
        let record = record.ok_or_else(|| format!("the records of '{}' are internal", streams::word(stream)))?;
        self.decoder.to_json(record, value).map_err(|error| error.to_string())
    }
}

/// How each topic's records are framed.
pub struct Encodings {
    /// And whether unknown schemas are registered rather than looked up.
    registry: Option<(Arc<Registry>, bool)>,
    known: HashMap<String, Encoding>,
}

impl Encodings {
    /// For this configuration. Asks nobody anything yet.
    pub fn new(config: &Config) -> Encodings {
        Encodings { registry: open::registry(config), known: HashMap::new() }
    }

    /// Where schemas are looked up.
    pub fn source(&self) -> Option<Arc<dyn SchemaSource>> {
        self.registry.clone().map(|(registry, _)| registry as Arc<dyn SchemaSource>)
    }

    /// How records are framed that we write to a topic: with the schema's id under the subject `<topic>-value`.
    ///
    /// # Errors
    /// What the registry refuses.
    pub fn of(&mut self, record: RecordType, topic: &str) -> Result<Encoding, RegistryError> {
        let Some((registry, register)) = &self.registry else { return Ok(Encoding::SingleObject) };
        if let Some(known) = self.known.get(topic) {
            return Ok(*known);
        }
        let subject = format!("{topic}-value");
        let id = match register {
            true => registry.register(&subject, record.schema()),
            false => registry.lookup(&subject, record.schema()),
        };
        let encoding = Encoding::Confluent { id: id? };
        self.known.insert(topic.to_owned(), encoding);
        Ok(encoding)
    }
}
