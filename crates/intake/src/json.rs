//! A vendor's JSON, read member by member, absent ones included; and what of it nobody read.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;

use serde_json::Value;
use tierline_model::{Millis, parse_instant};

/// A place in a payload: a value, or the absence of one. What is asked of an absent one is absent, so a path of several
/// members needs no checks between them. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a> {
    value: Option<&'a Value>,
    watch: Option<&'a Watch>,
}

/// Which values were read, for those who want to see what was not. Costs nothing where there is none.
#[derive(Debug, Default)]
pub struct Watch {
    /// Addresses of values; they are compared, never followed.
    read: RefCell<HashSet<usize>>,
}

impl<'a> Json<'a> {
    /// All of a payload.
    pub fn new(value: &'a Value) -> Json<'a> {
        Json { value: Some(value), watch: None }
    }

    /// The same, with a note of what is read of it.
    pub fn watched(value: &'a Value, watch: &'a Watch) -> Json<'a> {
        Json { value: Some(value), watch: Some(watch) }
    }

    /// Nothing at all.
    pub fn absent() -> Json<'a> {
        Json { value: None, watch: None }
    }

    /// Whether it is a list.
    pub fn is_list(self) -> bool {
        self.value.is_some_and(Value::is_array)
    }

    /// A member of an object.
    pub fn get(self, name: &str) -> Json<'a> {
        self.inner(self.value.and_then(|value| value.get(name)))
    }

    /// What a JSON pointer names (`/ticket/id`, `/tags/0`); the empty one is the whole.
    pub fn at(self, pointer: &str) -> Json<'a> {
        self.inner(self.value.and_then(|value| find(value, pointer)))
    }

    /// The items of a list; of anything else none.
    pub fn items(self) -> impl Iterator<Item = Json<'a>> {
        let list = self.value.and_then(Value::as_array).map(Vec::as_slice);
        if list.is_some_and(<[Value]>::is_empty) {
            self.note();
        }
        let list = list.unwrap_or_default();
        list.iter().map(move |item| self.inner(Some(item)))
    }

    /// The members of an object with their names; of anything else none.
    pub fn members(self) -> impl Iterator<Item = (&'a str, Json<'a>)> {
        let members = self.value.and_then(Value::as_object).into_iter().flatten();
        members.map(move |(name, value)| (name.as_str(), self.inner(Some(value))))
    }

    /// Whether there is a value, be it null.
    pub fn is_told(self) -> bool {
        self.value.is_some()
    }

    /// Whether there is a value that says *nothing*: null, or a text of nothing but space.
    pub fn is_empty(self) -> bool {
        let empty = match self.value {
            Some(Value::Null) => true,
            Some(Value::String(text)) => text.trim().is_empty(),
            _ => false,
        };
        if empty {
            self.note();
        }
        empty
    }

    /// The value as it is; all within it counts as read.
    pub fn raw(self) -> Option<&'a Value> {
        self.note();
        self.value
    }

    /// A text that says something.
    pub fn text(self) -> Option<&'a str> {
        let text = self.value?.as_str().filter(|text| !text.trim().is_empty())?;
        self.note();
        Some(text)
    }

    /// A name or a number of the vendor's: a text that says something, or a whole number.
    pub fn id(self) -> Option<Cow<'a, str>> {
        match self.value? {
            Value::Number(number) if !number.is_f64() => {
                self.note();
                Some(Cow::Owned(number.to_string()))
            }
            _ => self.text().map(|text| Cow::Borrowed(text.trim())),
        }
    }

    /// A whole number, also one written as a text.
    pub fn whole(self) -> Option<i64> {
        let whole = match self.value? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        self.noted(whole)
    }

    /// A number, also one written as a text.
    pub fn number(self) -> Option<f64> {
        let number = match self.value? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        self.noted(number.filter(|number| number.is_finite()))
    }

    /// True or false, also written as a text.
    pub fn flag(self) -> Option<bool> {
        let flag = match self.value? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        };
        self.noted(flag)
    }

    /// An instant in RFC 3339 with its offset.
    pub fn instant(self) -> Option<Millis> {
        let instant = self.value?.as_str().and_then(|text| parse_instant(text.trim()));
        self.noted(instant)
    }

    /// An instant in seconds since the epoch.
    pub fn seconds(self) -> Option<Millis> {
        self.whole()?.checked_mul(1_000)
    }

    fn inner(self, value: Option<&'a Value>) -> Json<'a> {
        Json { value, watch: self.watch }
    }

    fn noted<T>(self, read: Option<T>) -> Option<T> {
        if read.is_some() {
            self.note();
        }
        read
    }

    fn note(self) {
        if let (Some(watch), Some(value)) = (self.watch, self.value) {
            watch.read.borrow_mut().insert(address(value));
        }
    }
}

/// As [`Value::pointer`], which makes two texts of each name on its way.
fn find<'v>(root: &'v Value, pointer: &str) -> Option<&'v Value> {
    if pointer.contains('~') {
        return root.pointer(pointer);
    }
    if pointer.is_empty() {
        return Some(root);
    }
    pointer.strip_prefix('/')?.split('/').try_fold(root, |value, name| match value {
        Value::Object(members) => members.get(name),
        Value::Array(items) => {
            let is_number = name == "0" || !name.starts_with(['0', '+']);
            items.get(name.parse::<usize>().ok().filter(|_| is_number)?)
        }
        _ => None,
    })
}

/// The pointers of all that was not read of a payload, in its order; of what was not looked into at all, only its own.
pub fn unread(root: &Value, watch: &Watch) -> Vec<String> {
    let mut found = Vec::new();
    look(root, String::new(), &watch.read.borrow(), &mut found);
    found
}

fn look(value: &Value, pointer: String, read: &HashSet<usize>, found: &mut Vec<String>) {
    if read.contains(&address(value)) {
        return;
    }
    match value {
        Value::Object(members) if any_read(value, read) => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                look(value, format!("{pointer}/{name}"), read, found);
            }
        }
        Value::Array(items) if any_read(value, read) => {
            items.iter().enumerate().for_each(|(n, item)| look(item, format!("{pointer}/{n}"), read, found));
        }
        _ => found.push(pointer),
    }
}

fn any_read(value: &Value, read: &HashSet<usize>) -> bool {
    read.contains(&address(value))
        || match value {
            Value::Object(members) => members.values().any(|value| any_read(value, read)),
            Value::Array(items) => items.iter().any(|item| any_read(item, read)),
            _ => false,
        }
}

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_through_what_is_absent_is_absent() {
        let payload = json!({"ticket": {"id": 7, "subject": "  ", "assignee": null}});
        let root = Json::new(&payload);
        assert_eq!(root.get("ticket").get("id").id().as_deref(), Some("7"));
        assert!(!root.get("nobody").get("id").is_told());
        assert!(root.at("/ticket/subject").is_empty() && root.at("/ticket/assignee").is_empty());
        assert_eq!(root.at("/ticket/subject").text(), None);
    }

    #[test]
    fn a_pointer_names_what_the_standard_says() {
        let payload = json!({"a": [{"b": 1}, 2], "": {"x/y": 3, "~": 4}, "0": 5});
        for pointer in
            ["", "/", "a", "/a/0/b", "/a/1", "/a/01", "/a/+1", "/a/-", "/a/2", "/a/b", "/0", "//x~1y", "//~0", "/a/1/c"]
        {
            assert_eq!(find(&payload, pointer), payload.pointer(pointer), "{pointer}");
        }
    }

    #[test]
    fn what_nobody_read_is_named_and_what_was_not_looked_into_only_once() {
        let payload = json!({"id": 1, "user": {"name": "Jo", "mail": "x"}, "via": {"a": {"b": 1}}, "a/b": true});
        let watch = Watch::default();
        let root = Json::watched(&payload, &watch);
        root.get("id").id();
        root.at("/user/name").text();
        let mut left = unread(&payload, &watch);
        left.sort();
        assert_eq!(left, ["/a~1b", "/user/mail", "/via"]);
    }
}
