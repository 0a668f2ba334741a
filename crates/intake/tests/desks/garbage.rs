//! Every sample with each of its values replaced by another that nobody meant: read or refused, never a panic, and
//! never an id, an account or an instant of nothing.

use serde_json::{Value, json};

use crate::kit::Desk;

/// The samples of a folder.
fn samples(kind: &str) -> Vec<Value> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/desks/samples").join(kind);
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

/// The pointers of all values within one.
fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, value)| pointers(value, format!("{at}/{}", name.replace('/', "~1")), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| pointers(item, format!("{at}/{n}"), found))
        }
        _ => {}
    }
    found.push(at);
}

#[test]
fn a_value_that_nobody_meant_is_read_or_refused() {
    let odd = [
        json!(null),
        json!(""),
        json!(-1),
        json!(i64::MAX),
        json!({}),
        json!([[{"id": 1}]]),
        json!({"id": {"id": 1}}),
        json!("0001-01-01T00:00:00Z"),
        json!("<&#x110000;<p"),
    ];
    for kind in ["zendesk", "freshdesk", "intercom", "pylon"] {
        let mut desk = Desk::new(kind, "");
        for sample in samples(kind) {
            let mut places = Vec::new();
            pointers(&sample, String::new(), &mut places);
            for place in places {
                for wrong in &odd {
                    let mut changed = sample.clone();
                    *changed.pointer_mut(&place).unwrap() = wrong.clone();
                    desk.try_read(&changed);
                }
            }
        }
    }
}
