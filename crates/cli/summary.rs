//! A decoded record on one line, for people.

use serde_json::Value;
use tierline_stream::topics::Stream;

/// What one sees first of such a record; `null` is a tombstone.
pub fn summary(stream: Stream, value: &Value) -> String {
    if value.is_null() {
        return "(tombstone)".to_owned();
    }
    match stream {
        Stream::Tickets => ticket(value),
        Stream::Escalations | Stream::EscalationsShadow | Stream::EscalationQueue => escalation(value),
        Stream::SlaEvents => {
            let told = ["metric", "kind", "ticket_id", "due_at", "policy"].map(|name| plain(&value[name]));
            let [metric, kind, ticket, due, policy] = told;
            format!("{metric} {kind} {ticket} due {due} {policy}").trim_end().to_owned()
        }
        Stream::DeadLetters => {
            let told = ["error", "topic", "partition", "offset", "reason"].map(|name| plain(&value[name]));
            let [error, topic, partition, offset, reason] = told;
            format!("{error} {topic} {partition}:{offset} {reason}")
        }
        _ => members(value),
    }
}

fn ticket(value: &Value) -> String {
    let mut said = format!("{} {}", plain(&value["kind"]), plain(&value["ticket_id"]));
    if let Some(author) = value.pointer("/message/author") {
        let public = value.pointer("/message/public").and_then(Value::as_bool).unwrap_or(true);
        said += &format!(" by {}{}", plain(author), if public { "" } else { " (internal)" });
    }
    if let Some(fields) = value["ticket"].as_object() {
        for (name, told) in fields.iter().filter(|(_, told)| !is_nothing(told)) {
            said += &format!(" {name}={}", plain(told));
        }
    }
    said
}

fn escalation(value: &Value) -> String {
    // A queue entry carries its escalation as it stands, flat or within.
    let value = value.get("escalation").unwrap_or(value);
    let mut said = format!("{} tier {} {}", plain(&value["kind"]), plain(&value["tier"]), plain(&value["ticket_id"]));
    if let Some(rule) = value["rule"].as_str() {
        said += &format!(" by {rule}");
    }
    if let Some(reason) = value["reason"].as_str() {
        said += &format!(": {reason}");
    }
    said
}

/// `name=value` of all that is told.
fn members(value: &Value) -> String {
    let Some(members) = value.as_object() else { return plain(value) };
    let told = members.iter().filter(|(name, told)| name.as_str() != "account_id" && !is_nothing(told));
    told.map(|(name, told)| format!("{name}={}", plain(told))).collect::<Vec<_>>().join(" ")
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// A value without quotes, on one line, no longer than a glance.
fn plain(value: &Value) -> String {
    const GLANCE: usize = 80;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let mut shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(GLANCE).collect();
    if text.chars().nth(GLANCE).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_fits_on_one_line() {
        let value = json!({"kind": "created", "ticket_id": "T1", "ticket": {"subject": "a\nb", "tags": [], "priority": "high"},
            "message": {"author": "customer", "public": true, "text": "not shown"}});
        assert_eq!(summary(Stream::Tickets, &value), "created T1 by customer priority=high subject=a b");
        let value =
            json!({"kind": "opened", "tier": 3, "ticket_id": "T1", "rule": "silence", "reason": "Nobody answered."});
        assert_eq!(summary(Stream::Escalations, &value), "opened tier 3 T1 by silence: Nobody answered.");
        let value = json!({"account_id": "acme", "plan": "enterprise", "flags": [], "health": 42.0});
        assert_eq!(summary(Stream::Accounts(0), &value), "health=42.0 plan=enterprise");
        assert_eq!(summary(Stream::Accounts(0), &Value::Null), "(tombstone)");
    }
}
