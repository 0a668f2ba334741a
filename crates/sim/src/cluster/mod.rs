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

/// A stage that runs over the topics: each has a group, and names of its own for what it reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Everything in, escalations out.
    Detect,
    /// `tickets` in, `signals` out.
    Score,
}

impl Role {
    /// All that there are.
    pub const ALL: [Role; 2] = [Role::Detect, Role::Score];

    /// As it stands in the ids of producers.
    pub fn name(self) -> &'static str {
        match self {
            Role::Detect => "detect",
            Role::Score => "score",
        }
    }
}

/// All topics and all transactions.
pub struct Cluster {
    names: Vec<String>,
    partitions: Partition,
    /// How many inputs each role has: the first topics.
    inputs: [usize; 2],
    /// By role and `OutputId`; some of them are inputs too.
    outputs: [Vec<TopicId>; 2],
    topics: Vec<Vec<Part>>,
    transactions: transactions::Coordinator,
}

impl Cluster {
    /// Empty topics of these names: the inputs of the detect stage, of which the first is that of the score stage, and
    /// the outputs of each role.
    pub fn new(inputs: &[String], outputs: [&[String]; 2], partitions: Partition) -> Cluster {
        let mut names = inputs.to_vec();
        let mut topic = |output: &String| {
            let known = names.iter().position(|name| name == output);
            TopicId(known.unwrap_or_else(|| {
                names.push(output.clone());
                names.len() - 1
            }))
        };
        let outputs = outputs.map(|outputs| outputs.iter().map(&mut topic).collect());
        Cluster {
            topics: vec![vec![Part::default(); partitions as usize]; names.len()],
            names,
            partitions,
            inputs: [inputs.len(), 1],
            outputs,
            transactions: transactions::Coordinator::default(),
        }
    }

    /// How many partitions each topic has.
    pub fn partitions(&self) -> Partition {
        self.partitions
    }

    /// How many inputs a role has.
    pub fn inputs(&self, role: Role) -> usize {
        self.inputs[role as usize]
    }

    /// A topic's name.
    pub fn name(&self, topic: TopicId) -> &str {
        &self.names[topic.0]
    }

    /// The topic that is this input, to whatever role.
    pub fn input(input: InputId) -> TopicId {
        TopicId(input.0.into())
    }

    /// The topic that is this output of a role.
    pub fn output(&self, role: Role, output: OutputId) -> TopicId {
        self.outputs[role as usize][usize::from(output.0)]
    }

    /// The output of a role that is this topic, if it is one.
    pub fn as_output(&self, role: Role, topic: TopicId) -> Option<OutputId> {
        self.outputs[role as usize].iter().position(|output| *output == topic).map(|place| OutputId(place as u16))
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

    /// Where each input of a role ends in a partition, what is uncommitted included.
    pub fn input_ends(&self, role: Role, partition: Partition) -> Vec<Offset> {
        (0..self.inputs(role)).map(|input| self.topics[input][partition as usize].next()).collect()
    }

    /// The outputs of a role are deleted and made anew: whoever comes next begins from what the inputs hold.
    pub fn delete_outputs(&mut self, role: Role) {
        let outputs = &self.outputs[role as usize];
        for topic in outputs {
            self.topics[topic.0].iter_mut().for_each(|part| *part = Part::default());
        }
        self.transactions.forget_writes(outputs);
    }

    /// Compacts a partition of a topic: see `Part::compact`.
    pub fn compact(&mut self, topic: TopicId, partition: Partition, now: Millis, keep_tombstones: Millis) -> usize {
        self.topics[topic.0][partition as usize].compact(now, keep_tombstones)
    }
}
