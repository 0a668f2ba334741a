//! What a mapping writes into a field: a place in the payload, a text with places in it, a constant.

use std::collections::HashMap;

use serde_json::Value;

use crate::Json;

/// What is written into a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expression {
    /// The first of these that says something.
    pub from: Vec<Origin>,
    /// What the vendor's words are called, by their lower case.
    pub words: Option<HashMap<String, String>>,
    /// What it is where nothing is said, or a word that is called nothing.
    pub otherwise: Option<Value>,
    /// Words that say nothing.
    pub blank: Vec<String>,
    /// What parts the items of a list that is written as a text.
    pub split: Option<String>,
    /// How instants are written.
    pub time: super::times::Time,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
    /// Stands there.
    Place(Place),
    /// Is put together.
    Template(Vec<Part>),
    /// Is always this.
    Constant(Value),
}

/// A JSON pointer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub pointer: String,
    /// Counts from the top of the payload, not from the item.
    pub from_top: bool,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Place(Place),
}

/// What a mapping looks at: the item, and all around it.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub top: Json<'a>,
    pub item: Json<'a>,
}

impl Place {
    /// `/ticket/id`, `^/tenant`; [`None`] where it is none.
    pub fn parse(written: &str) -> Option<Place> {
        let (from_top, pointer) = written.strip_prefix('^').map_or((false, written), |rest| (true, rest));
        let escapes = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        let fine = pointer.starts_with('/') && escapes;
        fine.then(|| Place { pointer: pointer.to_owned(), from_top })
    }

    pub fn find<'a>(&self, scene: Scene<'a>) -> Json<'a> {
        if self.from_top { scene.top.at(&self.pointer) } else { scene.item.at(&self.pointer) }
    }
}

impl Origin {
    /// As it is written. The error is the part that is no pointer.
    pub fn parse(written: &str, constant: impl FnOnce() -> Value) -> Result<Origin, String> {
        if written.starts_with('/') || written.starts_with("^/") {
            return Place::parse(written).map(Origin::Place).ok_or_else(|| written.to_owned());
        }
        match written.contains("{/") || written.contains("{^/") {
            true => parts(written).map(Origin::Template),
            false => Ok(Origin::Constant(constant())),
        }
    }
}

/// The texts and places of a template.
fn parts(written: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = written;
    while let Some((before, after)) = rest.split_once('{') {
        let (pointer, after) = after.split_once('}').ok_or_else(|| format!("{{{after}"))?;
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Place(Place::parse(pointer).ok_or_else(|| pointer.to_owned())?));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// What an expression came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// Nothing is said.
    Untold,
    /// It is said that there is nothing.
    Empty,
    /// A value; whether it is the vendor's own, not ours by a constant, a table or a template.
    Value { value: Value, as_it_stands: bool },
    /// A word that stands in no list, and there is no other.
    Unlisted,
}

impl Expression {
    /// A constant, or anything that has no table and no else.
    pub fn plain(from: Origin) -> Expression {
        Expression {
            from: vec![from],
            words: None,
            otherwise: None,
            blank: Vec::new(),
            split: None,
            time: super::times::Time::default(),
        }
    }

    /// The place that it is read from, for what is said of it.
    pub fn pointer(&self) -> &str {
        let place = self.from.iter().find_map(|origin| match origin {
            Origin::Place(place) => Some(place),
            Origin::Template(parts) => parts.iter().find_map(|part| match part {
                Part::Place(place) => Some(place),
                Part::Text(_) => None,
            }),
            Origin::Constant(_) => None,
        });
        place.map_or("", |place| place.pointer.as_str())
    }

    pub fn value(&self, scene: Scene<'_>) -> Told {
        let mut told = Told::Untold;
        for origin in &self.from {
            match self.of(origin, scene) {
                found @ Told::Value { .. } => {
                    told = found;
                    break;
                }
                Told::Empty => told = Told::Empty,
                _ => {}
            }
        }
        let Told::Value { value, .. } = &told else { return self.otherwise(told) };
        let Some(words) = &self.words else { return told };
        let known = |value: &Value| words.get(&spoken(value).to_lowercase()).map(|word| Value::String(word.clone()));
        let mapped = match value {
            // Each item on its own; those that are called nothing stay.
            Value::Array(items) => Some(items.iter().map(|item| known(item).unwrap_or_else(|| item.clone())).collect()),
            one => known(one),
        };
        match mapped {
            Some(value) => Told::Value { value, as_it_stands: false },
            None => self.otherwise(Told::Unlisted),
        }
    }

    fn otherwise(&self, told: Told) -> Told {
        match &self.otherwise {
            Some(value) => Told::Value { value: value.clone(), as_it_stands: false },
            None => told,
        }
    }

    fn of(&self, origin: &Origin, scene: Scene<'_>) -> Told {
        match origin {
            Origin::Constant(value) => Told::Value { value: value.clone(), as_it_stands: false },
            Origin::Place(place) => {
                let found = place.find(scene);
                match found.raw() {
                    None => Told::Untold,
                    Some(_) if found.is_empty() => Told::Empty,
                    Some(Value::String(text)) if self.is_blank(text) => Told::Empty,
                    Some(value) => Told::Value { value: value.clone(), as_it_stands: true },
                }
            }
            Origin::Template(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(fixed) => text.push_str(fixed),
                        Part::Place(place) => match place.find(scene).raw() {
                            // With a hole in it, it would name something else.
                            None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => return Told::Untold,
                            Some(Value::String(part)) if self.is_blank(part) => return Told::Empty,
                            Some(value) => text.push_str(&spoken(value)),
                        },
                    }
                }
                match text.trim().is_empty() {
                    true => Told::Empty,
                    false => Told::Value { value: Value::String(text), as_it_stands: false },
                }
            }
        }
    }

    fn is_blank(&self, text: &str) -> bool {
        text.trim().is_empty() || self.blank.iter().any(|blank| blank == text.trim())
    }
}

/// A value as a text.
pub(super) fn spoken(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}
