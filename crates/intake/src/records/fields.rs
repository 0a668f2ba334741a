//! Fields in their three states: a value, told and empty, untold.

use std::marker::PhantomData;

use serde_json::{Map, Value};
use tierline_model::{AccountField, BillingField, TicketField};

use crate::Json;

/// The fields of a kind of record.
pub trait Field: Copy {
    /// The word in records.
    fn word(self) -> &'static str;
}

impl Field for TicketField {
    fn word(self) -> &'static str {
        TicketField::word(self)
    }
}

impl Field for AccountField {
    fn word(self) -> &'static str {
        AccountField::word(self)
    }
}

impl Field for BillingField {
    fn word(self) -> &'static str {
        BillingField::word(self)
    }
}

/// What a record tells of a ticket, an account or a bill.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields<F> {
    pub(super) told: Map<String, Value>,
    pub(super) custom: Map<String, Value>,
    pub(super) cleared: Vec<String>,
    of: PhantomData<F>,
}

impl<F> Default for Fields<F> {
    fn default() -> Self {
        Fields { told: Map::new(), custom: Map::new(), cleared: Vec::new(), of: PhantomData }
    }
}

impl<F: Field> Fields<F> {
    /// The field has this value. Words of closed sets come from their types: `Status::Open.word()`.
    pub fn set(&mut self, field: F, value: impl Into<Value>) {
        self.cleared.retain(|cleared| cleared != field.word());
        self.told.insert(field.word().to_owned(), value.into());
    }

    /// The field has this value, if there is one; else it stays untold.
    pub fn set_told(&mut self, field: F, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(field, value);
        }
    }

    /// The field is empty.
    pub fn clear(&mut self, field: F) {
        self.told.remove(field.word());
        if !self.cleared.iter().any(|cleared| cleared == field.word()) {
            self.cleared.push(field.word().to_owned());
        }
    }

    /// The field has this value, or is empty.
    pub fn set_or_clear(&mut self, field: F, value: Option<impl Into<Value>>) {
        match value {
            Some(value) => self.set(field, value),
            None => self.clear(field),
        }
    }

    /// A text or an id of the vendor's, as it stands: absent is untold, null and blank are empty.
    pub fn tell(&mut self, field: F, value: Json<'_>) {
        if let Some(text) = value.id() {
            self.set(field, text.into_owned());
        } else if value.is_empty() {
            self.clear(field);
        }
    }

    /// A field of the company's own, as it stands: a text, a number, true or false, a list of texts. What is none of
    /// these is not told; the answer says whether it was one.
    pub fn custom(&mut self, name: &str, value: Json<'_>) -> bool {
        let Some(raw) = value.raw() else { return true };
        let told = match raw {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            Value::Array(items) => {
                let texts: Option<Vec<Value>> = items.iter().map(one_text).collect();
                let Some(texts) = texts else { return false };
                Some(Value::Array(texts))
            }
            Value::Object(_) => return false,
            // The contract's numbers are doubles.
            other => Some(other.clone()),
        };
        self.set_custom(name, told);
        true
    }

    /// A field of the company's own with this value; none: it is empty.
    pub fn set_custom(&mut self, name: &str, value: Option<Value>) {
        match value {
            Some(value) => {
                self.custom.insert(name.to_owned(), value);
            }
            None => self.cleared.push(format!("custom.{name}")),
        }
    }

    /// What it says of these fields alone.
    pub fn only(&self, fields: &[F]) -> Fields<F> {
        let is_one = |word: &str| fields.iter().any(|field| field.word() == word);
        let told = self.told.iter().filter(|(word, _)| is_one(word));
        Fields {
            told: told.map(|(word, value)| (word.clone(), value.clone())).collect(),
            cleared: self.cleared.iter().filter(|word| is_one(word)).cloned().collect(),
            ..Fields::default()
        }
    }

    /// Whether it says that the field has a value.
    pub fn has(&self, field: F) -> bool {
        self.told.contains_key(field.word())
    }

    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        self.told.is_empty() && self.custom.is_empty() && self.cleared.is_empty()
    }

    /// The members of the fields alone, without what is cleared.
    pub(super) fn take(&mut self) -> Map<String, Value> {
        let mut told = std::mem::take(&mut self.told);
        if !self.custom.is_empty() {
            told.insert("custom".to_owned(), Value::Object(std::mem::take(&mut self.custom)));
        }
        told
    }

    /// Adds what is cleared to a record.
    pub(super) fn put_cleared(&mut self, to: &mut Map<String, Value>) {
        if !self.cleared.is_empty() {
            to.insert("cleared".to_owned(), std::mem::take(&mut self.cleared).into());
        }
    }
}

fn one_text(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(Value::String(text.clone())),
        Value::Number(number) => Some(Value::String(number.to_string())),
        Value::Bool(flag) => Some(Value::String(flag.to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn absent_is_untold_and_blank_is_empty() {
        let payload =
            json!({"subject": "Export fails", "assignee": null, "team": " ", "n": 3, "tags": ["a", 2], "o": {}});
        let root = Json::new(&payload);
        let mut fields = Fields::<TicketField>::default();
        fields.tell(TicketField::Subject, root.get("subject"));
        fields.tell(TicketField::Assignee, root.get("assignee"));
        fields.tell(TicketField::Team, root.get("team"));
        fields.tell(TicketField::Url, root.get("url"));
        assert!(fields.custom("seats", root.get("n")) && fields.custom("labels", root.get("tags")));
        assert!(!fields.custom("object", root.get("o")));
        let mut record = Map::new();
        fields.put_cleared(&mut record);
        assert_eq!(record["cleared"], json!(["assignee", "team"]));
        let told = json!({"subject": "Export fails", "custom": {"seats": 3, "labels": ["a", "2"]}});
        assert_eq!(Value::Object(fields.take()), told);
    }
}
