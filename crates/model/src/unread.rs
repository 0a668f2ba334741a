//! What a record says that nobody reads: members that its schema doesn't have, names in `cleared` that are no field.

use std::sync::LazyLock;

use serde_json::Value;

use crate::{AccountField, BillingField, RecordType, TicketField};

/// Something of a record that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// A member that its schema doesn't have.
    Member {
        /// Its way from the record down, its own name last.
        path: Vec<String>,
        /// The members that could stand there.
        known: Vec<&'static str>,
    },
    /// A name in `cleared` that is no field.
    Cleared {
        /// The name.
        name: String,
        /// The fields that could be cleared.
        known: Vec<&'static str>,
    },
}

impl RecordType {
    /// What of such a record, in JSON, has no effect.
    pub fn unread(self, told: &Value) -> Vec<Unread> {
        let mut unread = Vec::new();
        members(self.tree(), told, &mut Vec::new(), &mut unread);
        if let Some(cleared) = told["cleared"].as_array() {
            let (known, has_custom) = self.cleared();
            let is_custom = |name: &str| name.strip_prefix("custom.").is_some_and(|name| !name.is_empty());
            let names = cleared.iter().filter_map(Value::as_str);
            let unknown = names.filter(|name| !(known.contains(name) || has_custom && is_custom(name)));
            unread.extend(unknown.map(|name| Unread::Cleared { name: name.to_owned(), known: known.clone() }));
        }
        unread
    }

    /// Whether its schema has a member of this name.
    pub fn has_member(self, name: &str) -> bool {
        fields(self.tree()).iter().any(|field| field["name"] == name)
    }

    /// The fields that its `cleared` may name, and whether those of the company's own are among them.
    fn cleared(self) -> (Vec<&'static str>, bool) {
        match self {
            RecordType::Tickets => {
                let fields = TicketField::ALL.iter().filter(|&&field| field != TicketField::Source);
                (fields.map(|field| field.word()).collect(), true)
            }
            RecordType::Billing | RecordType::BillingChanges => {
                (BillingField::ALL.iter().map(|field| field.word()).collect(), false)
            }
            _ => (AccountField::ALL.iter().map(|field| field.word()).collect(), true),
        }
    }

    /// Its schema as a tree.
    fn tree(self) -> &'static Value {
        static TREES: LazyLock<Vec<Value>> = LazyLock::new(|| {
            let parse = |record: &RecordType| serde_json::from_str(record.schema());
            // Ours are compiled in, and a test parses each of them.
            RecordType::ALL.iter().map(|record| parse(record).expect("a schema of our own")).collect()
        });
        &TREES[self as usize]
    }
}

/// Adds those members that the schema doesn't have.
fn members(schema: &'static Value, told: &Value, path: &mut Vec<String>, unread: &mut Vec<Unread>) {
    match (schema, told) {
        (Value::Array(union), _) => union.iter().for_each(|one| members(one, told, path, unread)),
        (Value::Object(_), Value::Object(told)) if schema["type"] == "record" => {
            for (name, value) in told {
                path.push(name.clone());
                match fields(schema).iter().find(|field| field["name"] == name.as_str()) {
                    Some(field) => members(&field["type"], value, path, unread),
                    None => {
                        let known = fields(schema).iter().filter_map(|field| field["name"].as_str()).collect();
                        unread.push(Unread::Member { path: path.clone(), known });
                    }
                }
                path.pop();
            }
        }
        _ => {}
    }
}

fn fields(schema: &'static Value) -> &'static [Value] {
    schema["fields"].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_member_that_a_schema_does_not_have_is_told_with_its_path_and_those_that_it_has() {
        let told = json!({"account_id": "acme", "set": {"helth": 5, "custom": {"own": 1}}, "cleared": ["ownr"]});
        let unread = RecordType::AccountChanges.unread(&told);
        let [Unread::Member { path, known }, Unread::Cleared { name, known: fields }] = &unread[..] else {
            panic!("{unread:?}")
        };
        assert_eq!((path.join(".").as_str(), name.as_str()), ("set.helth", "ownr"));
        assert!(known.contains(&"health") && fields.contains(&"owner"), "{known:?}, {fields:?}");
        assert!(RecordType::Tickets.has_member("ticket_id") && !RecordType::Tickets.has_member("plan"));
    }
}
