//! A template without objects: `issue_id`, `issue_title`, `message_body_html`, …, as people write it whose tables have
//! such columns. `event_type` says what happened: `issue_new`, `issue_message_new`, `issue_status_changed`.

use serde_json::{Map, Value, json};

use super::{Reader, issue};
use crate::sources::desk::first;
use crate::{Json, Unreadable};

/// Members of an issue, and what they are called here; those of an object have a slash.
const ISSUE: [(&str, &str); 12] = [
    ("id", "issue_id"),
    ("title", "issue_title"),
    ("body_html", "issue_body"),
    ("state", "issue_status"),
    ("tags", "issue_tags"),
    ("link", "issue_link"),
    ("team", "issue_team_name"),
    ("account/id", "issue_account_id"),
    ("account/name", "issue_account_name"),
    ("requester/id", "issue_requester_id"),
    ("requester/email", "issue_requester_email"),
    ("assignee/id", "issue_assignee_id"),
];

/// The same of a message.
const MESSAGE: [(&str, &str); 6] = [
    ("id", "message_id"),
    ("body_html", "message_body_html"),
    ("timestamp", "message_sent_at"),
    ("is_private", "message_is_private"),
    ("author/id", "message_author_id"),
    ("author/name", "message_author_name"),
];

/// The company's own fields.
const OWN: &str = "issue_custom_field_";

/// Reads it as if it had objects.
pub fn read(reader: &mut Reader<'_, '_>, payload: Json<'_>) -> Result<(), Unreadable> {
    let word = first([payload.get("event_type"), payload.get("event")]).text().unwrap_or("updated");
    let word = match word {
        "issue_new" => "created",
        "issue_message_new" => "message",
        word => word,
    };
    let mut issue = objects(payload, &ISSUE);
    // Written so by those who were first.
    if let Some(id) = payload.get("issue_requesteer_id").text() {
        issue["requester"]["id"] = json!(id);
    }
    for (name, value) in payload.members() {
        if let (Some(name), Some(value)) = (name.strip_prefix(OWN), value.raw()) {
            issue["custom_fields"][name] = value.clone();
        }
    }
    let message = objects(payload, &MESSAGE);
    issue::event(reader, word, Json::new(&issue), Json::new(&message))
}

fn objects(payload: Json<'_>, names: &[(&str, &str)]) -> Value {
    let mut object = Value::Object(Map::new());
    for (to, from) in names {
        let Some(value) = payload.get(from).raw() else { continue };
        match to.split_once('/') {
            Some((within, to)) => object[within][to] = value.clone(),
            None => object[*to] = value.clone(),
        }
    }
    object
}
