//! The schemas themselves: parsed by another reader, and held to what the contract promises of all of them.

use apache_avro::Schema;
use apache_avro::rabin::Rabin;
use serde_json::Value;
use tierline_model::*;

#[test]
fn each_is_a_schema_of_one_named_record() {
    for record in RecordType::ALL {
        let schema = Schema::parse_str(record.schema()).unwrap_or_else(|e| panic!("{record}: {e}"));
        assert!(matches!(schema, Schema::Record(_)), "{record}");
        assert_eq!(schema.fingerprint::<Rabin>().bytes, record.fingerprint().to_le_bytes(), "{record}");
        assert_eq!(json(*record)["namespace"], "io.tierline", "{record}");
    }
}

#[test]
fn no_two_share_a_name_or_a_fingerprint() {
    let mut names: Vec<_> = RecordType::ALL.iter().map(|it| json(*it)["name"].to_string()).collect();
    let mut fingerprints: Vec<_> = RecordType::ALL.iter().map(|it| it.fingerprint()).collect();
    names.sort_unstable();
    names.dedup();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!((names.len(), fingerprints.len()), (RecordType::ALL.len(), RecordType::ALL.len()));
}

#[test]
fn every_field_is_documented_and_every_optional_one_defaults_to_null() {
    for record in RecordType::ALL {
        each(&json(*record), &mut |node| {
            for field in node["fields"].as_array().into_iter().flatten() {
                let doc = field["doc"].as_str().unwrap_or_default();
                assert!(doc.len() > 5, "{record}: {field}");
                if field["type"].as_array().is_some_and(|branches| branches[0] == "null") {
                    assert_eq!(field.get("default"), Some(&Value::Null), "{record}: {field}");
                }
                if is_instant(&field["type"]) {
                    assert!(doc.contains("UTC"), "{record}: {field}");
                }
            }
        });
    }
}

#[test]
fn every_enumeration_survives_newer_words() {
    for record in RecordType::ALL {
        each(&json(*record), &mut |node| {
            if node["type"] == "enum" {
                assert_eq!(node["default"], "unrecognised", "{record}: {node}");
                assert_eq!(node["symbols"][0], "unrecognised", "{record}: {node}");
            }
        });
    }
}

#[test]
fn the_words_are_those_of_the_model_in_its_order() {
    fn symbols_are(record: RecordType, name: &str, words: impl Iterator<Item = &'static str>) {
        let mut found = Value::Null;
        each(&json(record), &mut |node| {
            if node["type"] == "enum" && node["name"] == name {
                found = node["symbols"].clone();
            }
        });
        let expected: Vec<_> = std::iter::once("unrecognised").chain(words).collect();
        assert_eq!(found, serde_json::json!(expected), "{record}: {name}");
    }
    symbols_are(RecordType::Tickets, "Status", Status::ALL.iter().map(|it| it.word()));
    symbols_are(RecordType::Tickets, "Priority", Priority::ALL.iter().map(|it| it.word()));
    symbols_are(RecordType::Tickets, "Author", Author::ALL.iter().map(|it| it.word()));
    symbols_are(RecordType::Tickets, "HandledBy", HandledBy::ALL.iter().map(|it| it.word()));
    symbols_are(RecordType::Billing, "BillingState", BillingState::ALL.iter().map(|it| it.word()));
    symbols_are(RecordType::BillingChanges, "PlanChange", PlanChange::ALL.iter().map(|it| it.word()));
    symbols_are(RecordType::Commands, "CommandKind", CommandKind::ALL.iter().map(|it| it.word()));
    symbols_are(RecordType::Escalations, "EscalationKind", EscalationKind::ALL.iter().map(|it| it.word()));
}

#[test]
fn the_key_is_a_field() {
    for record in RecordType::ALL {
        let schema = json(*record);
        let mut fields = schema["fields"].as_array().unwrap().iter();
        assert!(fields.any(|field| field["name"] == record.key_field()), "{record}");
    }
}

fn json(record: RecordType) -> Value {
    serde_json::from_str(record.schema()).unwrap()
}

fn each(node: &Value, visit: &mut dyn FnMut(&Value)) {
    match node {
        Value::Object(members) => {
            visit(node);
            members.values().for_each(|it| each(it, visit));
        }
        Value::Array(items) => items.iter().for_each(|it| each(it, visit)),
        _ => {}
    }
}

/// Whether the type, or a branch of it, is an instant: not what lies deeper.
fn is_instant(of: &Value) -> bool {
    let branches = of.as_array().map_or(std::slice::from_ref(of), Vec::as_slice);
    branches.iter().any(|branch| branch["logicalType"] == "timestamp-millis")
}
