//! How far a source has been asked for, remembered in the directory.

use serde_json::{Map, Value};
use tierline_model::Millis;

use crate::directory::{Directory, Entry, EntryKind, Known};

/// How far a source has been asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// All that happened before this, by the vendor's clock, is durable.
    pub until: Millis,
    /// Of a round that goes on: all is durable that changed last before this. What else happened to the others is not,
    /// however long ago, so nobody was heard up to there.
    pub reached: Option<Millis>,
    /// When the last round was completed that reached the vendor's present; none: none was yet.
    pub completed_at: Option<Millis>,
    /// Which process wrote this.
    pub by: String,
}

/// Under what it lies in the directory, beside the source's name.
const ID: &str = "reconcile";

impl Cursor {
    /// From where on changes are asked for.
    pub fn goes_on_at(&self) -> Millis {
        self.reached.unwrap_or(self.until)
    }

    /// That of a source; none: it was never asked.
    pub fn find(source: &str, directory: &dyn Directory) -> Option<Cursor> {
        let more = directory.find(source, EntryKind::Position, ID)?.more.as_deref()?;
        Some(Cursor {
            until: more.get("until")?.as_i64()?,
            reached: more.get("reached").and_then(Value::as_i64),
            completed_at: more.get("completed_at").and_then(Value::as_i64),
            by: more.get("by")?.as_str()?.to_owned(),
        })
    }

    /// As it is remembered.
    pub fn entry(&self, source: &str) -> Entry {
        let mut more =
            Map::from_iter([("until".to_owned(), self.until.into()), ("by".to_owned(), Value::from(self.by.as_str()))]);
        let instants = [("reached", self.reached), ("completed_at", self.completed_at)];
        more.extend(instants.into_iter().filter_map(|(name, at)| Some((name.to_owned(), Value::from(at?)))));
        let known = Known { more: Some(Box::new(more)), ..Known::default() };
        Entry { source: source.to_owned(), kind: EntryKind::Position, id: ID.to_owned(), known: Some(known) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Table;

    #[test]
    fn a_cursor_is_found_again() {
        let mut table = Table::default();
        assert_eq!(Cursor::find("desk", &table), None);
        for (reached, completed_at) in [(None, None), (Some(6), None), (None, Some(7))] {
            let cursor = Cursor { until: 5, reached, completed_at, by: "me".to_owned() };
            table.put(cursor.entry("desk"));
            assert_eq!(Cursor::find("desk", &table), Some(cursor));
        }
        assert_eq!(Cursor::find("other", &table), None);
    }
}
