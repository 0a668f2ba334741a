//! Payloads that were tampered with: they are refused, or whatever becomes of them is a record of the contract;
//! and nothing panics.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::kit::{Desk, NOW, sample};

const SAMPLES: [(&str, &str); 4] = [
    ("hubspot", include_str!("samples/hubspot_webhook.json")),
    ("hubspot", include_str!("samples/hubspot_companies.json")),
    ("salesforce", include_str!("samples/salesforce_changes.json")),
    ("stripe", include_str!("samples/stripe_events.json")),
];

proptest! {
    #[test]
    fn what_was_tampered_with_makes_no_wrong_record(
        nth in 0usize..4, strokes in prop::collection::vec((any::<Index>(), stroke()), 1..12),
    ) {
        let (kind, text) = SAMPLES[nth];
        let mut payload = sample(text);
        for (place, stroke) in strokes {
            let all = places(&payload);
            let pointer = &all[place.index(all.len())];
            if let Some(value) = payload.pointer_mut(pointer) {
                *value = stroke;
            }
        }
        let mut desk = Desk::new(kind, "kind: any");
        // One after the other, as they would come, and all at once.
        for one in payload.as_array().into_iter().flatten() {
            let _ = desk.tried(one, NOW);
        }
        let _ = desk.tried(&payload, NOW);
    }
}

fn stroke() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!("")),
        Just(json!([1, "two", null, {"three": 3}])),
        Just(json!({"id": "x", "object": "subscription"})),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(number.to_string())),
    ]
}

/// The pointers of all values.
fn places(payload: &Value) -> Vec<String> {
    fn walk(value: &Value, pointer: &str, found: &mut Vec<String>) {
        found.push(pointer.to_owned());
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                walk(value, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(place, item)| walk(item, &format!("{pointer}/{place}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(payload, "", &mut found);
    found
}
