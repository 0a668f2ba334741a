//! A source as it is configured, and what payloads become one after the other.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::Value;
use tierline_intake::directory::Table;
use tierline_intake::sources::kind;
use tierline_intake::{Accounts, Basics, Context, Delivery, Json, Reading, Secrets, Source, Unreadable};
use tierline_model::{Decoder, Encoding, transcode};
use tierline_rules::source::{Diagnostics, Keys, Source as Text, parse};

/// When deliveries come, unless a test says otherwise: 2026-03-02T10:00:00Z.
pub const NOW: i64 = 1_772_445_600_000;

/// A source and its directory.
pub struct Desk {
    pub source: Arc<dyn Source>,
    pub directory: Table,
}

/// A source of this kind with these options.
pub fn source(word: &str, options: &str) -> Arc<dyn Source> {
    built(word, options).expect("the section is right")
}

/// The same; the mistakes where it is wrong.
pub fn built(word: &str, options: &str) -> Result<Arc<dyn Source>, String> {
    with_secrets(word, options, &["s3cret"])
}

/// The same with other secrets.
pub fn with_secrets(word: &str, options: &str, secrets: &[&str]) -> Result<Arc<dyn Source>, String> {
    let mut found = Diagnostics::default();
    let text = Arc::new(Text { name: "tierline.yaml".to_owned(), text: options.to_owned() });
    let node = parse(&text, &mut found).expect("it is YAML");
    let mut keys = Keys::of(&node, "a source", &mut found).expect("it is a map");
    keys.optional("kind");
    let accounts = Accounts([("900".to_owned(), "acme".to_owned())].into());
    let basics = Basics { name: word.to_owned(), secrets: Secrets::new(secrets), accounts };
    let built = (kind(word).expect("a kind").build)(basics, &mut keys, &mut found);
    keys.finish(&mut found);
    match built.filter(|_| found.mistakes() == 0) {
        Some(source) => Ok(source),
        None => Err(found.items.iter().map(|item| format!("{item:?}\n")).collect()),
    }
}

impl Desk {
    /// A source with this name and kind, that remembers nothing yet.
    pub fn new(word: &str, options: &str) -> Desk {
        Desk { source: source(word, options), directory: Table::default() }
    }

    /// Reads a payload and remembers what it asks for. Every record must be one of the contract.
    pub fn read(&mut self, payload: &Value) -> Reading {
        self.read_at(payload, NOW)
    }

    /// The same at another time.
    pub fn read_at(&mut self, payload: &Value, now: i64) -> Reading {
        self.tried(payload, now).expect("it can be read")
    }

    /// The same, of what may be no payload of the source.
    pub fn tried(&mut self, payload: &Value, now: i64) -> Result<Reading, Unreadable> {
        let body = payload.to_string();
        let delivery = Delivery::bare(body.as_bytes(), now);
        let context = Context { delivery: &delivery, directory: &self.directory };
        let reading = self.source.read(Json::new(payload), &context)?;
        for record in &reading.records {
            let mut bytes = Vec::new();
            let json = record.to_json();
            let sent = transcode(&mut Decoder::new(), record.stream, &json, Encoding::SingleObject, &mut bytes);
            sent.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&json)));
        }
        for entry in &reading.directory {
            self.directory.put(entry.clone());
        }
        Ok(reading)
    }

    /// What becomes of payloads, as a person reads it.
    pub fn told(&mut self, payloads: &[Value]) -> String {
        let mut told = String::new();
        for payload in payloads {
            let reading = self.read(payload);
            for record in &reading.records {
                // A text takes what is written.
                let _ = writeln!(told, "{} {}", record.stream, Value::Object(record.told.clone()));
            }
            for ignored in &reading.ignored {
                let _ = writeln!(told, "- {:?} {}", ignored.pointer, ignored.why);
            }
        }
        told
    }
}

/// A sample of this folder.
pub fn sample(text: &str) -> Value {
    serde_json::from_str(text).expect("a sample is JSON")
}

/// The last record's member.
pub fn last<'r>(reading: &'r Reading, member: &str) -> &'r Value {
    static NOTHING: Value = Value::Null;
    reading.records.last().and_then(|record| record.told.get(member)).unwrap_or(&NOTHING)
}
