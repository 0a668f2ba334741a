//! Schemas, their ids, the versions of each subject, and whether a new one can read the last.

use std::collections::BTreeMap;

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};
use serde_json::{Value, json};

/// What a registry knows.
#[derive(Default)]
pub struct Schemas {
    /// A schema's id is its place, from 1.
    texts: Vec<String>,
    /// The ids of each subject's versions, the first first.
    subjects: BTreeMap<String, Vec<u32>>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No such subject.
    NoSubject,
    /// The subject has no such version.
    NoVersion,
    /// No schema has this id, or the subject doesn't have this schema.
    NoSchema,
    /// It cannot read what the last version wrote.
    Incompatible(String),
    /// It is no Avro schema.
    Invalid(String),
    /// The registry has no such path.
    NoSuchPath,
}

impl Refused {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Refused::Incompatible(_) => 409,
            Refused::Invalid(_) => 422,
            _ => 404,
        }
    }

    /// The body, with the API's error code.
    pub fn body(&self) -> Value {
        let (code, message) = match self {
            Refused::NoSubject => (40401, "Subject not found."),
            Refused::NoVersion => (40402, "Version not found."),
            Refused::NoSchema => (40403, "Schema not found"),
            Refused::Incompatible(why) => (409, why.as_str()),
            Refused::Invalid(why) => (42201, why.as_str()),
            Refused::NoSuchPath => (404, "HTTP 404 Not Found"),
        };
        json!({ "error_code": code, "message": message })
    }
}

impl Schemas {
    pub fn subjects(&self) -> Vec<String> {
        self.subjects.keys().cloned().collect()
    }

    pub fn text(&self, id: u32) -> Option<&str> {
        self.texts.get((id as usize).checked_sub(1)?).map(String::as_str)
    }

    /// The ids of a subject's versions.
    pub fn versions(&self, subject: &str) -> Result<&[u32], Refused> {
        self.subjects.get(subject).map(Vec::as_slice).ok_or(Refused::NoSubject)
    }

    /// The version and id of this very schema under this subject.
    pub fn look_up(&self, subject: &str, schema: &str) -> Result<(usize, u32), Refused> {
        let versions = self.versions(subject)?;
        let id = self.id_of(schema).ok_or(Refused::NoSchema)?;
        let index = versions.iter().position(|&version| version == id).ok_or(Refused::NoSchema)?;
        Ok((index + 1, id))
    }

    /// Whether this schema may become the subject's next version: it reads all that the last one writes.
    pub fn check(&self, subject: &str, schema: &str) -> Result<(), Refused> {
        let reader = parse(schema)?;
        let last = self.subjects.get(subject).and_then(|versions| versions.last()).and_then(|&id| self.text(id));
        let Some(last) = last else { return Ok(()) };
        match SchemaCompatibility::can_read(&parse(last)?, &reader) {
            Ok(Compatibility::Full) => Ok(()),
            Ok(_) => Err(Refused::Incompatible("it reads only a part of what the last version writes".to_owned())),
            Err(why) => Err(Refused::Incompatible(why.to_string())),
        }
    }

    /// Adds it as the subject's next version, unless it is one already, and returns its id.
    pub fn add(&mut self, subject: &str, schema: &str) -> Result<u32, Refused> {
        parse(schema)?;
        let id = self.id_of(schema).unwrap_or_else(|| {
            self.texts.push(schema.to_owned());
            self.texts.len() as u32
        });
        let versions = self.subjects.entry(subject.to_owned()).or_default();
        if !versions.contains(&id) {
            versions.push(id);
        }
        Ok(id)
    }

    /// Two texts are one schema when they are the same JSON.
    fn id_of(&self, schema: &str) -> Option<u32> {
        let wanted: Value = serde_json::from_str(schema).ok()?;
        let same = |text: &String| serde_json::from_str::<Value>(text).is_ok_and(|known| known == wanted);
        self.texts.iter().position(same).map(|index| index as u32 + 1)
    }
}

fn parse(schema: &str) -> Result<Schema, Refused> {
    Schema::parse_str(schema).map_err(|error| Refused::Invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &str) -> String {
        format!(r#"{{"type":"record","name":"T","fields":[{fields}]}}"#)
    }

    /// The cases of the Avro specification's "schema resolution" that a change of schema meets most.
    #[test]
    fn a_new_version_must_read_the_last() {
        let (int, long) = (r#"{"name":"a","type":"int"}"#, r#"{"name":"a","type":"long"}"#);
        let optional = r#"{"name":"b","type":["null","string"],"default":null}"#;
        let words = |symbols: &str, more: &str| {
            format!(r#"{{"name":"w","type":{{"type":"enum","name":"W","symbols":[{symbols}]{more}}}}}"#)
        };
        let or_other = r#","default":"x""#;
        for (what, last, next, takes) in [
            ("promotes a number", record(int), record(long), true),
            ("narrows a number", record(long), record(int), false),
            ("adds a field with a default", record(int), record(&format!("{int},{optional}")), true),
            ("adds a field without", record(int), record(&format!(r#"{int},{{"name":"b","type":"int"}}"#)), false),
            ("takes a field away", record(&format!("{int},{optional}")), record(int), true),
            ("lets null in", record(r#"{"name":"b","type":"string"}"#), record(optional), true),
            ("shuts null out", record(optional), record(r#"{"name":"b","type":"string"}"#), false),
            ("adds a word", record(&words(r#""x""#, "")), record(&words(r#""x","y""#, "")), true),
            ("takes a word away", record(&words(r#""x","y""#, "")), record(&words(r#""x""#, "")), false),
            (
                "takes one away, with a default",
                record(&words(r#""x","y""#, "")),
                record(&words(r#""x""#, or_other)),
                true,
            ),
        ] {
            let mut schemas = Schemas::default();
            schemas.add("s", &last).expect("a schema");
            assert_eq!(schemas.check("s", &next).is_ok(), takes, "{what}");
        }
    }
}
