//! What a payload may be wrapped in: lists, pages of an API, Kafka Connect's schema beside the payload, the request that
//! a tool has written down, events of a bus.

use crate::{Json, Unreadable};

/// The members under which what matters may stand, outermost first. `body`: a request as it was written down; `payload`,
/// with `schema` beside it or without: Kafka Connect, Salesforce's CometD; `detail`: Amazon EventBridge; `results`,
/// `records`, `data` as a list: pages of an API; `resources`: a file of samples.
const WRAPPERS: [&str; 7] = ["body", "payload", "detail", "results", "records", "data", "resources"];
/// Deeper than this nobody wraps.
const DEEPEST: usize = 6;

/// The things that a payload holds, with the pointer to each. `is_one` knows a thing when it sees one; what is neither
/// one nor a wrapper is handed over as it is.
pub fn unwrapped<'a>(payload: Json<'a>, is_one: &dyn Fn(Json<'_>) -> bool) -> Vec<(String, Json<'a>)> {
    let mut found = Vec::new();
    unwrap(payload, String::new(), is_one, DEEPEST, &mut found);
    found
}

/// # Errors
/// There is something, and nothing of it is what the source sends: somebody else's payload, or one that has changed its
/// form. It must not be taken as if nothing were in it.
pub fn readable(
    things: &[(String, Json<'_>)],
    is_one: &dyn Fn(Json<'_>) -> bool,
    foreign: &'static str,
) -> Result<(), Unreadable> {
    let is_nothing = |json: Json<'_>| json.is_list() && json.items().next().is_none();
    let is_page_of_nothing =
        |json: Json<'_>| is_nothing(json) || WRAPPERS.iter().any(|name| is_nothing(json.get(name)));
    match things.iter().any(|(_, thing)| is_one(*thing) || is_page_of_nothing(*thing)) || things.is_empty() {
        true => Ok(()),
        false => Err(Unreadable::undecodable(foreign)),
    }
}

fn unwrap<'a>(
    json: Json<'a>,
    pointer: String,
    is_one: &dyn Fn(Json<'_>) -> bool,
    depth: usize,
    found: &mut Vec<(String, Json<'a>)>,
) {
    if depth == 0 || is_one(json) {
        found.push((pointer, json));
        return;
    }
    let before = found.len();
    for (place, item) in json.items().enumerate() {
        unwrap(item, format!("{pointer}/{place}"), is_one, depth - 1, found);
    }
    if found.len() > before {
        return;
    }
    let inner = WRAPPERS.into_iter().map(|name| (name, json.get(name))).find(|(_, inner)| holds_something(*inner));
    match inner {
        Some((name @ "resources", inner)) if inner.members().next().is_some() => {
            for (key, one) in inner.members() {
                let key = key.replace('~', "~0").replace('/', "~1");
                found.push((format!("{pointer}/{name}/{key}"), one));
            }
        }
        Some((name, inner)) => unwrap(inner, format!("{pointer}/{name}"), is_one, depth - 1, found),
        None => found.push((pointer, json)),
    }
}

fn holds_something(json: Json<'_>) -> bool {
    json.members().next().is_some() || json.items().next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pointers(payload: Value) -> Vec<String> {
        let found = unwrapped(Json::new(&payload), &|json| json.get("id").is_told());
        found.into_iter().map(|(pointer, _)| pointer).collect()
    }

    #[test]
    fn what_is_wrapped_is_found_and_says_where() {
        assert_eq!(pointers(json!({"id": 1, "body": {"id": 2}})), [""]);
        assert_eq!(pointers(json!([{"id": 1}, {"id": 2}])), ["/0", "/1"]);
        assert_eq!(pointers(json!({"headers": {}, "body": [{"id": 1}]})), ["/body/0"]);
        assert_eq!(pointers(json!({"schema": {}, "payload": {"id": 1}})), ["/payload"]);
        assert_eq!(pointers(json!({"data": {"payload": {"id": 1}}})), ["/data/payload"]);
        assert_eq!(pointers(json!({"resources": {"a/b": {"id": 1}}})), ["/resources/a~1b"]);
        assert_eq!(pointers(json!({"what": "else"})), [""]);
        assert_eq!(pointers(json!({"payload": {"what": "else"}})), ["/payload"]);
    }
}
