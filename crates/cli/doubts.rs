//! What a line for `send` says that nobody would read: refused where it can only be a mistake, else noted.

use std::str::FromStr;

use chrono_tz::Tz;
use serde_json::Value;
use tierline_model::{AccountField, BillingField, RecordType, TicketField};

/// Why a record that its schema admits is refused.
pub fn mistake(record: RecordType, told: &Value) -> Option<String> {
    let zone = told["time_zone"].as_str().or_else(|| told["set"]["time_zone"].as_str());
    if let Some(zone) = zone.filter(|zone| is_account(record) && Tz::from_str(zone).is_err()) {
        return Some(format!("`time_zone` is {zone}, which is none; they look like Europe/Berlin"));
    }
    let sentiment = record == RecordType::Signals && told["name"] == "sentiment";
    if sentiment && told["value"].is_null() && told["label"].is_null() {
        return Some("a signal `sentiment` needs a `value`, a `label` or both".to_owned());
    }
    None
}

/// What of a record has no effect: members that its schema doesn't have, names in `cleared` that are no field.
pub fn notes(record: RecordType, schema: &Value, told: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    members(schema, told, "", &mut unknown);
    let mut notes: Vec<_> = unknown.into_iter().map(|member| format!("`{member}` is unknown")).collect();
    let cleared = told["cleared"].as_array().into_iter().flatten().filter_map(Value::as_str);
    notes.extend(cleared.filter(|name| !clears(record, name)).map(|name| format!("`cleared` has no field `{name}`")));
    notes
}

/// Adds the paths of those members that the schema doesn't have.
fn members(schema: &Value, told: &Value, path: &str, unknown: &mut Vec<String>) {
    match (schema, told) {
        (Value::Array(union), _) => union.iter().for_each(|one| members(one, told, path, unknown)),
        (Value::Object(_), Value::Object(told)) if schema["type"] == "record" => {
            let fields = schema["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
            for (name, value) in told {
                match fields.iter().find(|field| field["name"] == name.as_str()) {
                    Some(field) => members(&field["type"], value, &format!("{path}{name}."), unknown),
                    None => unknown.push(format!("{path}{name}")),
                }
            }
        }
        _ => {}
    }
}

fn is_account(record: RecordType) -> bool {
    matches!(record, RecordType::Accounts | RecordType::AccountChanges)
}

fn clears(record: RecordType, name: &str) -> bool {
    let custom = name.strip_prefix("custom.").is_some_and(|name| !name.is_empty());
    match record {
        RecordType::Tickets => custom || TicketField::from_word(name).is_some_and(|field| field != TicketField::Source),
        RecordType::Billing | RecordType::BillingChanges => BillingField::from_word(name).is_some(),
        _ => custom || AccountField::from_word(name).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(record: RecordType, told: Value) -> Vec<String> {
        notes(record, &serde_json::from_str(record.schema()).unwrap(), &told)
    }

    #[test]
    fn what_has_no_effect_is_named_with_its_path() {
        let change = json!({"account_id": "acme", "set": {"helth": 5, "plan": "x", "custom": {"own": 1}},
            "cleared": ["prority", "owner", "custom.x"]});
        let noted = told(RecordType::AccountChanges, change);
        assert_eq!(noted, ["`set.helth` is unknown", "`cleared` has no field `prority`"]);
        let event = json!({"kind": "created", "ticket": {"priority": "low"}, "cleared": ["priority"]});
        assert!(told(RecordType::Tickets, event).is_empty());
    }

    #[test]
    fn a_zone_that_is_none_and_a_sentiment_of_nothing_are_refused() {
        assert!(mistake(RecordType::AccountChanges, &json!({"set": {"time_zone": "Mars/Base"}})).is_some());
        assert_eq!(mistake(RecordType::Accounts, &json!({"time_zone": "Europe/Berlin"})), None);
        assert!(mistake(RecordType::Signals, &json!({"name": "sentiment"})).is_some());
        assert_eq!(mistake(RecordType::Signals, &json!({"name": "sentiment", "label": "angry"})), None);
        assert_eq!(mistake(RecordType::Signals, &json!({"name": "handoff"})), None);
    }
}
