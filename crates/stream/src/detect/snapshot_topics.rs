//! The topics of snapshots by number, as the engine's state names them, and who speaks through each.
//!
//! A tombstone takes back all that was told through its topic. So a topic keeps its number though the configuration's
//! list is put into another order, and two sources in one topic, which would take back each other's, are warned of.

use serde::{Deserialize, Serialize};

use crate::log::InputId;
use crate::topics::Stream;

/// The topics of snapshots of one task.
pub(super) struct SnapshotTopics {
    /// All that there ever were; a topic's place is its number.
    names: Vec<String>,
    by_input: Vec<Option<Heard>>,
}

/// One that is an input today.
struct Heard {
    number: u8,
    /// The first source that was heard through it since the task was restored.
    first: Option<Box<str>>,
    warned: bool,
}

/// What stands before the engine's own memory in the task record.
#[derive(Serialize, Deserialize)]
struct Memory<'a> {
    #[serde(borrow)]
    names: Vec<&'a str>,
    #[serde(borrow)]
    engine: &'a [u8],
}

const VERSION: u8 = 1;

/// The engine has a use of its own for the last number.
const MOST: usize = u8::MAX as usize;

impl SnapshotTopics {
    /// The topics of a task that has never been.
    pub fn new(inputs: &[(Stream, String)]) -> SnapshotTopics {
        // Invariant: the configuration refuses more than 100 sources.
        SnapshotTopics::numbered(Vec::new(), inputs).expect("so few have numbers")
    }

    /// The number of the topic that this input is.
    pub fn number(&self, input: InputId) -> u8 {
        // Invariant: asked of inputs that are snapshots, and those have been numbered.
        self.by_input[usize::from(input.0)].as_ref().expect("a topic of snapshots").number
    }

    /// A snapshot of this source has come. Two sources in one topic are warned of, once.
    pub fn hear(&mut self, input: InputId, source: &str) {
        let Some(heard) = &mut self.by_input[usize::from(input.0)] else { return };
        match &heard.first {
            None => heard.first = Some(source.into()),
            Some(first) if heard.warned || **first == *source => {}
            Some(first) => {
                heard.warned = true;
                tracing::warn!(
                    topic = self.names[usize::from(heard.number)],
                    first = &**first,
                    second = source,
                    "two sources share a topic of snapshots, where a tombstone takes back both; give each its own"
                );
            }
        }
    }

    /// What the task record keeps: the numbers, and the engine's memory.
    pub fn remember(&self, engine: &[u8]) -> Vec<u8> {
        let memory = Memory { names: self.names.iter().map(String::as_str).collect(), engine };
        // Invariant: postcard fails only where a buffer is too small or a length unknown; neither is here.
        postcard::to_extend(&memory, vec![VERSION]).expect("a growing buffer takes it")
    }

    /// The topics as they were numbered, new ones behind them, and the engine's memory; the reason where it makes no
    /// sense.
    pub fn recall<'m>(memory: &'m [u8], inputs: &[(Stream, String)]) -> Result<(SnapshotTopics, &'m [u8]), String> {
        let memory = read(memory)?;
        let names = memory.names.iter().map(|&name| name.to_owned()).collect();
        Ok((SnapshotTopics::numbered(names, inputs)?, memory.engine))
    }

    fn numbered(mut names: Vec<String>, inputs: &[(Stream, String)]) -> Result<SnapshotTopics, String> {
        let mut by_input = Vec::with_capacity(inputs.len());
        for (stream, topic) in inputs {
            if !stream.is_snapshot() {
                by_input.push(None);
                continue;
            }
            let place = names.iter().position(|name| name == topic).unwrap_or_else(|| {
                names.push(topic.clone());
                names.len() - 1
            });
            if place >= MOST {
                return Err(format!("there have been more than {MOST} topics of snapshots"));
            }
            by_input.push(Some(Heard { number: place as u8, first: None, warned: false }));
        }
        Ok(SnapshotTopics { names, by_input })
    }
}

/// The engine's part of what a task record remembers: for whoever asks the state and reads no topics.
///
/// # Errors
/// It makes no sense.
pub fn engine_memory(memory: &[u8]) -> Result<&[u8], String> {
    read(memory).map(|memory| memory.engine)
}

fn read(memory: &[u8]) -> Result<Memory<'_>, String> {
    let Some((&VERSION, body)) = memory.split_first() else {
        return Err("what its task record remembers is of another version: run the version that wrote it".into());
    };
    postcard::from_bytes(body).map_err(|error| format!("what its task record remembers is damaged: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::{Names, detect_inputs};

    fn inputs(accounts: &[&str]) -> Vec<(Stream, String)> {
        let accounts = accounts.iter().map(|&name| name.to_owned()).collect();
        detect_inputs(&Names { accounts, ..Names::default() })
    }

    fn number(topics: &SnapshotTopics, inputs: &[(Stream, String)], name: &str) -> u8 {
        let place = inputs.iter().position(|(_, topic)| topic == name).expect("it is an input");
        topics.number(InputId(place as u16))
    }

    #[test]
    fn a_topic_keeps_its_number_though_the_list_changes() {
        let before = inputs(&["crm", "erp"]);
        let topics = SnapshotTopics::new(&before);
        let (crm, erp) = (number(&topics, &before, "crm"), number(&topics, &before, "erp"));
        let memory = topics.remember(b"engine");

        let after = inputs(&["new", "erp", "crm"]);
        let (topics, engine) = SnapshotTopics::recall(&memory, &after).expect("it was written so");
        assert_eq!(engine, b"engine");
        assert_eq!((number(&topics, &after, "crm"), number(&topics, &after, "erp")), (crm, erp));
        assert!(![crm, erp, number(&topics, &after, "billing")].contains(&number(&topics, &after, "new")));
    }

    #[test]
    fn a_topic_that_was_left_out_for_a_while_finds_its_number_again() {
        let before = inputs(&["crm", "erp"]);
        let topics = SnapshotTopics::new(&before);
        let erp = number(&topics, &before, "erp");
        let memory = topics.remember(b"");
        let (without, _) = SnapshotTopics::recall(&memory, &inputs(&["crm"])).expect("it was written so");
        let memory = without.remember(b"");
        let (topics, _) = SnapshotTopics::recall(&memory, &before).expect("it was written so");
        assert_eq!(number(&topics, &before, "erp"), erp);
    }

    #[test]
    fn another_format_is_not_misread() {
        assert!(SnapshotTopics::recall(&[9, 0], &inputs(&["crm"])).is_err());
        assert!(SnapshotTopics::recall(&[VERSION, 200], &inputs(&["crm"])).is_err());
    }
}
