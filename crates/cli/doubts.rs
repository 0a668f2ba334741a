//! What a line for `send` says that nobody would read: refused where it can only be a mistake, else noted.

use std::str::FromStr;

use chrono_tz::Tz;
use serde_json::Value;
use tierline_model::{RecordType, Unread};

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
pub fn notes(record: RecordType, told: &Value) -> Vec<String> {
    let note = |unread: &Unread| match unread {
        Unread::Member { path, .. } => format!("`{}` is unknown", path.join(".")),
        Unread::Cleared { name, .. } => format!("`cleared` has no field `{name}`"),
    };
    record.unread(told).iter().map(note).collect()
}

fn is_account(record: RecordType) -> bool {
    matches!(record, RecordType::Accounts | RecordType::AccountChanges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_has_no_effect_is_named_with_its_path() {
        let change = json!({"account_id": "acme", "set": {"helth": 5, "plan": "x", "custom": {"own": 1}},
            "cleared": ["prority", "owner", "custom.x"]});
        let noted = notes(RecordType::AccountChanges, &change);
        assert_eq!(noted, ["`set.helth` is unknown", "`cleared` has no field `prority`"]);
        let event = json!({"kind": "created", "ticket": {"priority": "low"}, "cleared": ["priority"]});
        assert!(notes(RecordType::Tickets, &event).is_empty());
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
