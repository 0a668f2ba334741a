//! One thing that is remembered, and how it stands on the topic.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tierline_model::{Author, Millis};

/// Something that is to be remembered, or forgotten.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Whose it is: the source's configured name.
    pub source: String,
    /// What it is.
    pub kind: EntryKind,
    /// The vendor's id of it.
    pub id: String,
    /// All that is known of it from now on; none: it is forgotten.
    pub known: Option<Known>,
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// A ticket: `account` is where it is filed, `group` the organisation or the person whose it is, `name` its id in
    /// records where that is not the source's name and its own.
    Ticket,
    /// Somebody: `name`, `role`, `group` (their organisation's id), `domain`.
    User,
    /// A team of agents: `name`.
    Team,
    /// An organisation: `name`; `account` is what its source last told of it was told of.
    Organisation,
    /// A field that the company has made: `name`.
    Field,
    /// Anything else that a source must remember; `group` is what it belongs to.
    Item,
    /// How far a raw topic has been read.
    Position,
}

/// What is known of a thing. What is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The account of the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who somebody is when they write.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "role")]
    pub role: Option<Author>,
    /// The vendor's id of what it belongs to; of a ticket, as an identity has it: `360001`, `user:77`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The domain of somebody's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// As of when its source says that it belongs there, UTC: what is older does not move a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Millis>,
    /// How often it went from one account to another.
    #[serde(default, skip_serializing_if = "is_none")]
    pub moves: u32,
    /// What its source alone understands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<Box<Map<String, Value>>>,
}

/// Whether there were none.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none(number: &u32) -> bool {
    *number == 0
}

impl EntryKind {
    const WORDS: [(EntryKind, &'static str); 7] = [
        (EntryKind::Ticket, "ticket"),
        (EntryKind::User, "user"),
        (EntryKind::Team, "team"),
        (EntryKind::Organisation, "organisation"),
        (EntryKind::Field, "field"),
        (EntryKind::Item, "item"),
        (EntryKind::Position, "position"),
    ];

    /// The word in the key.
    pub fn word(self) -> &'static str {
        // Every kind stands in the list: a test looks.
        Self::WORDS.iter().find(|(kind, _)| *kind == self).map_or("item", |(_, word)| word)
    }

    /// The kind that a word in a key means.
    pub fn from_word(word: &str) -> Option<EntryKind> {
        Self::WORDS.iter().find(|(_, other)| *other == word).map(|(kind, _)| *kind)
    }
}

impl Entry {
    /// Whether it is about this.
    pub fn is(&self, source: &str, kind: EntryKind, id: &str) -> bool {
        self.kind == kind && self.id == id && self.source == source
    }

    /// Its key on the topic. A source's name has no comma.
    pub fn key(&self) -> String {
        format!("{},{},{}", self.source, self.kind.word(), self.id)
    }

    /// Its value on the topic; none is a tombstone.
    pub fn value(&self) -> Option<Vec<u8>> {
        // Texts and JSON values have no way to fail.
        self.known.as_ref().map(|known| serde_json::to_vec(known).unwrap_or_default())
    }

    /// A record of the topic; none where it is not one of ours.
    pub fn read(key: &[u8], value: Option<&[u8]>) -> Option<Entry> {
        let key = std::str::from_utf8(key).ok()?;
        let (source, rest) = key.split_once(',')?;
        let (kind, id) = rest.split_once(',')?;
        let known = match value {
            Some(value) => Some(serde_json::from_slice(value).ok()?),
            None => None,
        };
        Some(Entry { source: source.to_owned(), kind: EntryKind::from_word(kind)?, id: id.to_owned(), known })
    }
}

/// A role as its word.
mod role {
    use serde::{Deserialize, Deserializer, Serializer};
    use tierline_model::Author;

    pub fn serialize<S: Serializer>(role: &Option<Author>, to: S) -> Result<S::Ok, S::Error> {
        match role {
            Some(role) => to.serialize_str(role.word()),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Author>, D::Error> {
        let word = Option::<String>::deserialize(from)?;
        Ok(word.and_then(|word| Author::from_word(&word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_from_its_record() {
        let known = Known { name: Some("Sam".into()), role: Some(Author::Agent), ..Known::default() };
        for kind in EntryKind::WORDS.map(|(kind, _)| kind) {
            let entry = Entry { source: "desk".into(), kind, id: "a,1".into(), known: Some(known.clone()) };
            assert_eq!(Entry::read(entry.key().as_bytes(), entry.value().as_deref()), Some(entry));
        }
        let gone = Entry { source: "desk".into(), kind: EntryKind::User, id: "1".into(), known: None };
        assert_eq!((gone.key().as_str(), gone.value()), ("desk,user,1", None));
        assert_eq!(Entry::read(b"desk,planet,1", None), None);
    }
}
