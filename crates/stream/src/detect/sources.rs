//! Which source speaks through which snapshot topic: a tombstone takes back all that was told through its topic, so two
//! sources in one topic would take back each other's.

use crate::log::InputId;

/// The first source that was heard through each topic of snapshots, since this task was restored.
#[derive(Default)]
pub(super) struct Sources(Vec<Heard>);

struct Heard {
    input: InputId,
    first: Box<str>,
    warned: bool,
}

impl Sources {
    /// A snapshot of this source has come. Two sources in one topic are warned of, once.
    pub fn hear(&mut self, input: InputId, source: &str, topic: &str) {
        match self.0.iter_mut().find(|heard| heard.input == input) {
            Some(heard) if heard.warned || *heard.first == *source => {}
            Some(heard) => {
                heard.warned = true;
                tracing::warn!(
                    topic,
                    first = &*heard.first,
                    second = source,
                    "two sources share a topic of snapshots, where a tombstone takes back both; give each its own"
                );
            }
            None => self.0.push(Heard { input, first: source.into(), warned: false }),
        }
    }
}
