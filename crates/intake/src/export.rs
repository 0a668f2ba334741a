//! Exports: files of what a source would have told one by one.

use serde_json::{Map, Value};

/// The lists of an export that tell who and what the others name; they are read first.
const PEOPLE: &[&str] = &[
    "users",
    "admins",
    "agents",
    "contacts",
    "organizations",
    "companies",
    "accounts",
    "groups",
    "teams",
    "brands",
    "ticket_fields",
    "custom_statuses",
];

/// The lists of what happened.
const TICKETS: &[&str] = &["tickets", "conversations", "issues", "results", "satisfaction_ratings"];

/// The payloads that an export is made of, each for [`Source::read`](crate::Source::read) with its own bytes as the
/// delivery's body, so that its ids are the same whenever it is read. People, organisations and names come first. What
/// is no list is one payload.
pub fn payloads(export: Value) -> Vec<Value> {
    let mut members = match export {
        Value::Array(items) => return items.into_iter().flat_map(payloads).collect(),
        Value::Object(members) if !members.contains_key("id") => members,
        single => return vec![single],
    };
    let mut found = Vec::new();
    for list in PEOPLE.iter().chain(TICKETS) {
        if !members.get(*list).is_some_and(Value::is_array) {
            continue;
        }
        if let Some(Value::Array(items)) = members.remove(*list) {
            // A group or a brand is known by the list that it stands in alone.
            let named = |item| Value::Object(Map::from_iter([((*list).to_owned(), Value::Array(vec![item]))]));
            found.extend(items.into_iter().map(named));
        }
    }
    // One ticket with those whom it names.
    if found.is_empty() || members.values().any(|value| value.get("id").is_some()) {
        found.push(Value::Object(members));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn those_who_are_named_come_before_those_who_name_them() {
        let export = json!({"tickets": [{"id": 1}, {"id": 2}], "users": [{"id": 7}], "count": 2});
        let parts = payloads(export);
        assert_eq!(
            parts,
            [json!({"users": [{"id": 7}]}), json!({"tickets": [{"id": 1}]}), json!({"tickets": [{"id": 2}]})]
        );
    }

    #[test]
    fn a_list_of_tickets_is_each_of_them_and_a_ticket_itself() {
        assert_eq!(payloads(json!([{"id": 1}, {"id": 2}])), [json!({"id": 1}), json!({"id": 2})]);
        let ticket = json!({"id": 1, "users": []});
        assert_eq!(payloads(ticket.clone()), [ticket]);
        let named = json!({"ticket": {"id": 1}, "users": [{"id": 7}], "comments": []});
        let ticket = json!({"ticket": {"id": 1}, "comments": []});
        assert_eq!(payloads(named), [json!({"users": [{"id": 7}]}), ticket]);
    }
}
