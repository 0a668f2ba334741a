//! A help desk as it would be configured, and what its payloads become, as text for snapshots.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;
use tierline_intake::directory::{Entry, Table};
use tierline_intake::{
    Accounts, Basics, Context, Delivery, Json, Reading, Refused, Secrets, Source, Unreadable, Watch, sources, unread,
};
use tierline_model::{Decoder, Encoding, Millis, transcode};
use tierline_rules::source::{Diagnostics, Keys, Source as Text, parse};

/// When a delivery of these tests comes, unless time has passed: 2026-03-02T12:00:00Z.
pub const NOW: Millis = 1_772_452_800_000;

/// A configured help desk with all that it remembers.
pub struct Desk {
    source: Arc<dyn Source>,
    remembered: Table,
    /// When a delivery comes.
    pub now: Millis,
}

impl Desk {
    /// Of this kind and under its kind's name, with these options of its section; `accounts` renames organisation 900.
    pub fn new(kind: &str, options: &str) -> Desk {
        let mut found = Diagnostics::default();
        let text = Text::new("test", if options.is_empty() { "{}" } else { options });
        let node = parse(&text, &mut found).unwrap();
        let mut keys = Keys::of(&node, "a source", &mut found).unwrap();
        let basics = Basics {
            name: kind.to_owned(),
            secrets: Secrets::new(["new secret", "old secret"]),
            accounts: Accounts([("900".to_owned(), "acme".to_owned())].into()),
        };
        let source = (sources::kind(kind).unwrap().build)(basics, &mut keys, &mut found);
        keys.finish(&mut found);
        assert_eq!(found.mistakes(), 0, "{found}");
        Desk { source: source.unwrap(), remembered: Table::default(), now: NOW }
    }

    /// What a payload becomes, as text; what is to be remembered is.
    pub fn told(&mut self, payload: &Value) -> String {
        let watch = Watch::default();
        let reading = self.read_with(Json::watched(payload, &watch), payload, &[]);
        let mut text = match reading {
            Ok(reading) => self.show(reading),
            Err(unreadable) => return format!("unreadable ({}): {unreadable}", unreadable.code),
        };
        let mut unread = unread(payload, &watch);
        unread.sort();
        if !unread.is_empty() {
            writeln!(text, "nobody read {}", unread.join(", ")).unwrap();
        }
        text
    }

    /// What a payload becomes; what is to be remembered is.
    pub fn read(&mut self, payload: &Value) -> Vec<Value> {
        self.read_of(payload, &[])
    }

    /// Reads what may be nothing; what comes of it need not be a record of the contract, but must say whose it is.
    pub fn try_read(&mut self, payload: &Value) {
        let delivery = Delivery::bare(b"", NOW);
        let context = Context { delivery: &delivery, directory: &self.remembered };
        for record in self.source.read(Json::new(payload), &context).into_iter().flat_map(|reading| reading.records) {
            let told = |name| record.text(name).is_some_and(|id| !id.trim().is_empty() && !id.ends_with(':'));
            assert!(told("account_id") && (record.id().is_none() || told("ticket_id")), "{:?}", record.told);
        }
    }

    /// The same of a delivery with headers.
    pub fn read_of(&mut self, payload: &Value, headers: &[(&str, &str)]) -> Vec<Value> {
        let reading = self.read_with(Json::new(payload), payload, headers).unwrap();
        self.remember(&reading.directory);
        reading.records.into_iter().map(|record| Value::Object(record.told)).collect()
    }

    /// The only record that a payload becomes, beside what an account is called.
    pub fn one(&mut self, payload: &Value) -> Value {
        let mut records = self.read(payload);
        if records.len() > 1 {
            records.retain(|record| record["set"]["name"].is_null());
        }
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    /// Why a payload cannot be read.
    pub fn unreadable(&self, payload: &Value) -> Unreadable {
        self.read_with(Json::new(payload), payload, &[]).unwrap_err()
    }

    /// Whether a delivery is taken that comes at [`NOW`].
    pub fn verify(&self, headers: &[(&str, &str)], body: &[u8]) -> Result<(), Refused> {
        self.source.verify(&Delivery { headers, ..Delivery::bare(body, NOW) })
    }

    fn read_with(&self, json: Json<'_>, payload: &Value, headers: &[(&str, &str)]) -> Result<Reading, Unreadable> {
        let body = payload.to_string();
        let delivery = Delivery { headers, ..Delivery::bare(body.as_bytes(), self.now) };
        let reading = self.source.read(json, &Context { delivery: &delivery, directory: &self.remembered })?;
        for record in &reading.records {
            let (json, mut bytes) = (record.to_json(), Vec::new());
            let taken = transcode(&mut Decoder::new(), record.stream, &json, Encoding::SingleObject, &mut bytes);
            taken.unwrap_or_else(|error| panic!("{error}: {:?}", record.told));
        }
        Ok(reading)
    }

    fn show(&mut self, reading: Reading) -> String {
        let mut text = String::new();
        for record in &reading.records {
            let told = serde_json::to_string_pretty(&record.told).unwrap();
            writeln!(text, "{} {told}", record.stream.word()).unwrap();
        }
        for entry in &reading.directory {
            let value = entry.value().map_or("(forgotten)".into(), |value| String::from_utf8(value).unwrap());
            writeln!(text, "remembers {} {value}", entry.key()).unwrap();
        }
        for ignored in &reading.ignored {
            writeln!(text, "ignores {:?}: {}", ignored.pointer, ignored.why).unwrap();
        }
        self.remember(&reading.directory);
        text
    }

    fn remember(&mut self, entries: &[Entry]) {
        entries.iter().for_each(|entry| drop(self.remembered.put(entry.clone())));
    }
}

/// A sample by its file's name.
pub fn sample(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}
