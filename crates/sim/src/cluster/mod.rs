//! The cluster's own side: topics with their partitions, transactions with their markers, the group.
//!
//! What must never be in here: a lane, a task, a clock of its own. Instants come in with each call.

mod compaction;
pub mod group;
mod part;
mod transactions;

use tierline_model::Millis;
use tierline_stream::log::{InputId, Offset, OutputId, Partition};

pub use part::{Entry, Part, State};
pub use transactions::{Outcome, Txn, TxnId, TxnState};

/// A topic, by its place: the inputs by `InputId`, then those of the outputs that are no input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicId(pub usize);

/// All topics and all transactions.
pub struct Cluster {
    names: Vec<String>,
    inputs: usize,
    /// By `OutputId`; one of them is an input too.
    outputs: Vec<TopicId>,
    topics: Vec<Vec<Part>>,
    /// The group's committed positions of the driver.
    pub offsets: Vec<Option<Offset>>,
    transactions: transactions::Coordinator,
}

impl Cluster {
    /// Empty topics of these names.
    pub fn new(inputs: &[String], outputs: &[String], partitions: Partition) -> Cluster {
        let mut names = inputs.to_vec();
        let topic = |output: &String| {
            let known = names.iter().position(|name| name == output);
            TopicId(known.unwrap_or_else(|| {
                names.push(output.clone());
                names.len() - 1
            }))
        };
        let outputs = outputs.iter().map(topic).collect();
        let partitions = partitions as usize;
        Cluster {
            topics: vec![vec![Part::default(); partitions]; names.len()],
            names,
            inputs: inputs.len(),
            outputs,
            offsets: vec![None; partitions],
            transactions: transactions::Coordinator::default(),
        }
    }

    /// How many partitions each topic has.
    pub fn partitions(&self) -> Partition {
        self.offsets.len() as Partition
    }

    /// How many inputs there are.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// A topic's name.
    pub fn name(&self, topic: TopicId) -> &str {
        &self.names[topic.0]
    }

    /// The topic that is this input.
    pub fn input(input: InputId) -> TopicId {
        TopicId(input.0.into())
    }

    /// The topic that is this output.
    pub fn output(&self, output: OutputId) -> TopicId {
        self.outputs[usize::from(output.0)]
    }

    /// The output that is this topic, if it is one.
    pub fn as_output(&self, topic: TopicId) -> Option<OutputId> {
        self.outputs.iter().position(|output| *output == topic).map(|place| OutputId(place as u16))
    }

    /// A topic's partition.
    pub fn part(&self, topic: TopicId, partition: Partition) -> &Part {
        &self.topics[topic.0][partition as usize]
    }

    /// Somebody outside appends a record; in a transaction or in none.
    pub fn append(&mut self, topic: TopicId, partition: Partition, entry: Entry, txn: Option<TxnId>) -> Offset {
        let offset = self.topics[topic.0][partition as usize].append(entry, txn);
        if let Some(txn) = txn {
            self.transactions.wrote(txn, topic, partition, offset);
        }
        offset
    }

    /// Where each input of a partition ends, what is uncommitted included.
    pub fn input_ends(&self, partition: Partition) -> Vec<Offset> {
        (0..self.inputs).map(|input| self.topics[input][partition as usize].next()).collect()
    }

    /// The outputs are deleted and made anew, with the group's positions: whoever comes next begins from what the
    /// inputs hold.
    pub fn delete_outputs(&mut self) {
        for topic in &self.outputs {
            self.topics[topic.0].iter_mut().for_each(|part| *part = Part::default());
        }
        self.offsets.iter_mut().for_each(|offset| *offset = None);
        self.transactions.forget_writes(&self.outputs);
    }

    /// Compacts a partition of a topic: see `Part::compact`.
    pub fn compact(&mut self, topic: TopicId, partition: Partition, now: Millis, keep_tombstones: Millis) -> usize {
        self.topics[topic.0][partition as usize].compact(now, keep_tombstones)
    }
}
