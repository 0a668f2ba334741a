//! Pages of answers, taken apart.

use serde_json::{Map, Value};

use super::{Halt, Round};

/// The items of a list within an answer; none: there is no such list.
pub fn items(page: &mut Value, list: &str) -> Option<Vec<Value>> {
    match page.get_mut(list)?.take() {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

/// The items of an answer that is a list itself.
pub fn listed(page: Value) -> Result<Vec<Value>, Halt> {
    match page {
        Value::Array(items) => Ok(items),
        _ => Err(odd("a page that is no list")),
    }
}

/// A text within an answer.
pub fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// An id within an answer, a number or a text.
pub fn id(value: &Value) -> Option<String> {
    match value.get("id")? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// The same without these members.
pub fn without(mut value: Value, names: &[&str]) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
    value
}

/// Hands over each of them as an export's list of one, so that it is known by its list and taken once.
pub fn take_each(round: &mut Round<'_>, list: &str, items: Vec<Value>) -> Result<(), Halt> {
    items
        .into_iter()
        .try_for_each(|item| round.take(Value::Object(Map::from_iter([(list.to_owned(), Value::Array(vec![item]))]))))
}

/// What some plans do not have, and not everybody may see: it is done without.
pub fn if_allowed<T>(answer: Result<T, Halt>) -> Result<Option<T>, Halt> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Halt::Missing(_) | Halt::Refused(403)) => Ok(None),
        Err(halt) => Err(halt),
    }
}

/// An answer that nobody documents.
pub fn odd(what: &str) -> Halt {
    Halt::Odd(what.to_owned())
}
