//! The fields that a mapping can fill: those of the records' schemas.

use std::collections::HashMap;

use serde_json::Value;
use tierline_model::RecordType;

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    /// The objects that it lies within, in the record: `ticket`, `set`.
    pub within: Vec<String>,
    /// Its name there.
    pub name: String,
    /// How `cleared` calls it; none: it can't be cleared.
    pub cleared: Option<String>,
    /// What stands there.
    pub of: Type,
}

/// What stands in a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Text,
    Whole,
    Number,
    Flag,
    Instant,
    DateOrInstant,
    Texts,
    /// One of these.
    Word(Vec<String>),
    /// A field of the company's own.
    Custom,
}

/// The fields of a kind of record.
pub(super) struct Targets {
    record: RecordType,
    schema: Value,
    named: HashMap<String, Value>,
}

/// Filled by Tierline, or of marks that are no mapping's.
const NOT_MAPPED: [&str; 6] = ["source", "cleared", "account_ref", "heard_until", "import_id", "import_began_at"];
/// Kinds of `tickets` that a source's payload is not.
const MARKS: [&str; 4] = ["unrecognised", "heartbeat", "import_finished", "rehomed"];

impl Targets {
    pub fn of(record: RecordType) -> Targets {
        // It is compiled in, and a test parses it.
        let schema: Value = serde_json::from_str(record.schema()).unwrap_or_default();
        let mut named = HashMap::new();
        collect(&schema, &mut named);
        Targets { record, schema, named }
    }

    /// The field that a key of a mapping names.
    pub fn find(&self, key: &str) -> Option<Target> {
        if NOT_MAPPED.contains(&key) {
            return None;
        }
        self.find_in(&self.schema, key, &mut Vec::new()).or_else(|| {
            // The fields of a change are written as those of a snapshot.
            let set = self.member(&self.schema, "set")?;
            self.find_in(set, key, &mut vec!["set".to_owned()])
        })
    }

    /// Every key that there is, but for those of the company's own fields.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        self.list(&self.schema, "", &mut keys);
        keys
    }

    fn list(&self, of: &Value, before: &str, keys: &mut Vec<String>) {
        for field in of["fields"].as_array().into_iter().flatten() {
            let name = field["name"].as_str().unwrap_or_default();
            let inner = self.resolve(&field["type"]);
            match inner["type"] == "record" {
                true if name == "set" => self.list(inner, "", keys),
                true => self.list(inner, &format!("{before}{name}."), keys),
                false if !NOT_MAPPED.contains(&name) && name != "custom" => keys.push(format!("{before}{name}")),
                false => {}
            }
        }
    }

    fn find_in(&self, of: &Value, key: &str, within: &mut Vec<String>) -> Option<Target> {
        let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
        let inner = self.member(of, first)?;
        match rest {
            Some(rest) if first == "custom" && !rest.is_empty() => {
                within.push("custom".to_owned());
                let cleared = Some(format!("custom.{rest}"));
                Some(Target { within: within.clone(), name: rest.to_owned(), cleared, of: Type::Custom })
            }
            Some(rest) if inner["type"] == "record" => {
                within.push(first.to_owned());
                self.find_in(inner, rest, within)
            }
            Some(_) => None,
            None => {
                let of = self.type_of(first, inner)?;
                Some(Target {
                    within: within.clone(),
                    name: first.to_owned(),
                    cleared: self.cleared(within, first),
                    of,
                })
            }
        }
    }

    fn cleared(&self, within: &[String], name: &str) -> Option<String> {
        let clearable = match self.record {
            RecordType::Tickets => within == ["ticket"],
            RecordType::AccountChanges | RecordType::BillingChanges => within == ["set"],
            RecordType::Accounts | RecordType::Billing => !matches!(name, "account_id" | "updated_at"),
            _ => false,
        };
        clearable.then(|| name.to_owned())
    }

    fn member<'s>(&'s self, of: &'s Value, name: &str) -> Option<&'s Value> {
        let field = of["fields"].as_array()?.iter().find(|field| field["name"] == name)?;
        Some(self.resolve(&field["type"]))
    }

    /// What a type is, behind the name of one and the null beside it. Of a date or an instant, the union.
    fn resolve<'s>(&'s self, of: &'s Value) -> &'s Value {
        match of {
            Value::Array(union) => {
                let mut told = union.iter().filter(|one| *one != "null");
                match (told.next(), told.next()) {
                    (Some(one), None) => self.resolve(one),
                    _ => of,
                }
            }
            Value::String(name) => self.named.get(name).unwrap_or(of),
            _ => of,
        }
    }

    fn type_of(&self, name: &str, of: &Value) -> Option<Type> {
        let word = of.as_str().or_else(|| of["type"].as_str());
        Some(match word {
            None if of.is_array() => Type::DateOrInstant,
            Some("string") => Type::Text,
            Some("boolean") => Type::Flag,
            Some("double") => Type::Number,
            Some("array") if of["items"] == "string" => Type::Texts,
            Some("long" | "int") if of["logicalType"] == "timestamp-millis" => Type::Instant,
            Some("long" | "int") => Type::Whole,
            Some("enum") => {
                let symbols = of["symbols"].as_array()?.iter().filter_map(Value::as_str);
                let marks: &[&str] = if name == "kind" { &MARKS } else { &MARKS[..1] };
                Type::Word(symbols.filter(|symbol| !marks.contains(symbol)).map(str::to_owned).collect())
            }
            _ => return None,
        })
    }
}

fn collect(of: &Value, named: &mut HashMap<String, Value>) {
    match of {
        Value::Array(union) => union.iter().for_each(|one| collect(one, named)),
        Value::Object(members) => {
            if let (Some("record" | "enum"), Some(name)) = (of["type"].as_str(), of["name"].as_str()) {
                named.insert(name.to_owned(), of.clone());
            }
            members.values().for_each(|value| collect(value, named));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_finds_its_field_whatever_it_lies_within() {
        let tickets = Targets::of(RecordType::Tickets);
        let status = tickets.find("ticket.status").unwrap();
        assert_eq!((status.within.as_slice(), status.cleared.as_deref()), (&["ticket".to_owned()][..], Some("status")));
        assert!(matches!(&status.of, Type::Word(words) if words[0] == "new"));
        assert!(
            matches!(tickets.find("by_kind").unwrap().of, Type::Word(words) if words.contains(&"agent".to_owned()))
        );
        assert_eq!(tickets.find("ticket.custom.region").unwrap().cleared.as_deref(), Some("custom.region"));
        assert_eq!(tickets.find("ticket.tags").unwrap().of, Type::Texts);
        assert_eq!(tickets.find("message.public").unwrap().of, Type::Flag);
        assert_eq!(tickets.find("source"), None);
        let changes = Targets::of(RecordType::AccountChanges);
        assert_eq!(changes.find("renewal_date").unwrap().of, Type::DateOrInstant);
        assert_eq!(changes.find("plan").unwrap().within, ["set"]);
        assert!(changes.keys().contains(&"health".to_owned()));
        assert_eq!(Targets::of(RecordType::Billing).find("state").unwrap().cleared.as_deref(), Some("state"));
    }
}
