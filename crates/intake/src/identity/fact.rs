//! What is told of an identity, and how it stands on the topic.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tierline_model::Millis;

use super::{Identifier, Identity};

/// Something that is told of an identity. Of the facts of one key the last counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Of whom.
    pub of: Identity,
    /// What.
    pub says: Says,
}

/// What is told; nothing: it is told no more.
#[derive(Clone, Debug, PartialEq)]
pub enum Says {
    /// What a person decided.
    Decided(Option<Decision>),
    /// By what its system knows it beside its id.
    Known(Option<Identifiers>),
}

/// Whose an identity is, as somebody decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The account, or an identity whose account it shares; none: it stays by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Who decided.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When, UTC.
    pub at: Millis,
}

/// By what a system knows an identity: for each of its fields what stands there, and since when that has been told.
/// Whoever told a thing first has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identifiers(pub BTreeMap<String, BTreeMap<Identifier, Millis>>);

/// Before the key of what a system tells. No source's name has an underscore.
const OF: &str = "identifiers_of,";

impl Fact {
    /// Its key on the topic.
    pub fn key(&self) -> String {
        match self.says {
            Says::Decided(_) => self.of.key(),
            Says::Known(_) => format!("{OF}{}", self.of.key()),
        }
    }

    /// Its value on the topic; none is a tombstone.
    pub fn value(&self) -> Option<Vec<u8>> {
        // Texts and numbers have no way to fail.
        match &self.says {
            Says::Decided(decision) => decision.as_ref().map(|told| serde_json::to_vec(told).unwrap_or_default()),
            Says::Known(known) => known.as_ref().map(|told| serde_json::to_vec(told).unwrap_or_default()),
        }
    }

    /// A record of the topic; none where it is not one of ours.
    pub fn read(key: &[u8], value: Option<&[u8]>) -> Option<Fact> {
        let key = std::str::from_utf8(key).ok()?;
        let (of, says) = match key.strip_prefix(OF) {
            Some(key) => (Identity::of_key(key)?, Says::Known(value.map(serde_json::from_slice).transpose().ok()?)),
            None => (Identity::of_key(key)?, Says::Decided(value.map(serde_json::from_slice).transpose().ok()?)),
        };
        Some(Fact { of, says })
    }
}

impl Identifiers {
    /// What stands in a field from now on. What stood there before is known since then, other things since `now`.
    pub fn tell(&mut self, field: &str, told: Vec<Identifier>, now: Millis) {
        let before = self.0.remove(field).unwrap_or_default();
        if !told.is_empty() {
            let since = |one: &Identifier| before.get(one).copied().unwrap_or(now);
            self.0.insert(field.to_owned(), told.into_iter().map(|one| (one.clone(), since(&one))).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_comes_back_from_its_record() {
        let mut known = Identifiers::default();
        known.tell("domain_names", vec![Identifier::domain("acme.example").unwrap()], 7);
        let decision = Decision { account: Some("acme".into()), by: "jo".into(), reason: None, at: 3 };
        for of in [Identity::new("desk", "a,1"), Identity::new("identifiers", "user:7")] {
            for says in [
                Says::Decided(Some(decision.clone())),
                Says::Decided(None),
                Says::Known(Some(known.clone())),
                Says::Known(None),
            ] {
                let fact = Fact { of: of.clone(), says };
                assert_eq!(Fact::read(fact.key().as_bytes(), fact.value().as_deref()), Some(fact));
            }
        }
        let fact = Fact { of: Identity::new("desk", "1"), says: Says::Known(Some(known)) };
        let value = String::from_utf8(fact.value().unwrap()).unwrap();
        assert_eq!(value, r#"{"domain_names":{"domain:acme.example":7}}"#);
        assert_eq!(fact.key(), "identifiers_of,desk,organization,1");
        assert_eq!(Fact::read(b"desk,planet,1", None), None);
    }

    #[test]
    fn what_stays_in_a_field_is_known_since_it_was_first_told() {
        let domain = |name| Identifier::domain(name).unwrap();
        let mut known = Identifiers::default();
        known.tell("domains", vec![domain("a.example"), domain("b.example")], 1);
        known.tell("domains", vec![domain("b.example"), domain("c.example")], 2);
        let since: Vec<_> = known.0["domains"].values().copied().collect();
        assert_eq!(since, [1, 2]);
        known.tell("domains", Vec::new(), 3);
        assert_eq!(known, Identifiers::default());
    }
}
