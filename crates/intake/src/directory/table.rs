//! The directory in memory.

use std::collections::HashMap;

use super::{Directory, Entry, EntryKind, Known};

/// All that is remembered, fed from the topic.
#[derive(Clone, Debug, Default)]
pub struct Table {
    sources: HashMap<String, HashMap<EntryKind, HashMap<String, Known>>>,
}

impl Table {
    /// Takes an entry: it replaces what was known of the same thing, which is handed back.
    pub fn put(&mut self, entry: Entry) -> Option<Known> {
        let Entry { source, kind, id, known } = entry;
        let kinds = self.sources.entry(source).or_default();
        match known {
            Some(known) => kinds.entry(kind).or_default().insert(id, known),
            None => kinds.get_mut(&kind)?.remove(&id),
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.sources.values().flat_map(HashMap::values).map(HashMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Directory for Table {
    fn find(&self, source: &str, kind: EntryKind, id: &str) -> Option<&Known> {
        self.sources.get(source)?.get(&kind)?.get(id)
    }
}
