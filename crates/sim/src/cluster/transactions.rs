//! The transaction coordinator: producers with epochs, transactions that are open, decided, and at last marked.
//!
//! A decision and what readers see of it are two things: between them lies one marker for each partition, and each comes
//! when it comes.

use std::collections::{BTreeMap, BTreeSet};

use tierline_model::Millis;
use tierline_stream::log::{Offset, Partition};

use super::{Cluster, TopicId};

/// A transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TxnId(pub u64);

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxnState {
    /// Records may be added.
    Open,
    /// It is decided; markers are on their way.
    Decided(Outcome),
}

/// How a transaction was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it takes effect.
    Commit,
    /// None of it does.
    Abort,
}

/// A transaction.
#[derive(Debug)]
pub struct Txn {
    /// How far it is.
    pub state: TxnState,
    /// When it began.
    pub began_at: Millis,
    /// Where its records lie, in the order of their writing.
    pub writes: Vec<(TopicId, Partition, Offset)>,
    /// Where a marker is still to come.
    unmarked: BTreeSet<(TopicId, Partition)>,
}

#[derive(Default)]
pub(super) struct Coordinator {
    producers: BTreeMap<String, Producer>,
    txns: BTreeMap<TxnId, Txn>,
    next: u64,
}

#[derive(Default)]
struct Producer {
    epoch: u32,
    last: Option<TxnId>,
}

impl Coordinator {
    pub(super) fn wrote(&mut self, txn: TxnId, topic: TopicId, partition: Partition, offset: Offset) {
        if let Some(txn) = self.txns.get_mut(&txn) {
            txn.writes.push((topic, partition, offset));
            txn.unmarked.insert((topic, partition));
        }
    }

    /// These topics were deleted: no marker comes there.
    pub(super) fn forget_writes(&mut self, deleted: &[TopicId]) {
        for txn in self.txns.values_mut() {
            txn.writes.retain(|(topic, ..)| !deleted.contains(topic));
            txn.unmarked.retain(|(topic, _)| !deleted.contains(topic));
        }
    }
}

impl Cluster {
    /// A producer takes over this transactional id: its epoch, and the transaction of whoever had it before, if that is
    /// still open.
    pub fn init_producer(&mut self, id: &str) -> (u32, Option<TxnId>) {
        let Coordinator { producers, txns, .. } = &mut self.transactions;
        let producer = producers.entry(id.to_owned()).or_default();
        producer.epoch += 1;
        let open = producer.last.filter(|last| txns.get(last).is_some_and(|txn| txn.state == TxnState::Open));
        (producer.epoch, open)
    }

    /// Whether this is still the producer of its transactional id.
    pub fn is_current(&self, id: &str, epoch: u32) -> bool {
        self.transactions.producers.get(id).is_some_and(|producer| producer.epoch == epoch)
    }

    /// Whether a producer's last transaction has all its markers: before, it can't begin the next.
    pub fn is_complete(&self, id: &str) -> bool {
        let last = self.transactions.producers.get(id).and_then(|producer| producer.last);
        last.is_none_or(|last| self.transactions.txns.get(&last).is_none_or(|txn| txn.unmarked.is_empty()))
    }

    /// Begins a transaction.
    pub fn begin(&mut self, id: &str, now: Millis) -> TxnId {
        let txn = TxnId(self.transactions.next);
        self.transactions.next += 1;
        let fresh = Txn { state: TxnState::Open, began_at: now, writes: Vec::new(), unmarked: BTreeSet::new() };
        self.transactions.txns.insert(txn, fresh);
        self.transactions.producers.entry(id.to_owned()).or_default().last = Some(txn);
        txn
    }

    /// A transaction.
    pub fn txn(&self, txn: TxnId) -> Option<&Txn> {
        self.transactions.txns.get(&txn)
    }

    /// Whether a transaction can still take records.
    pub fn is_open(&self, txn: TxnId) -> bool {
        self.txn(txn).is_some_and(|txn| txn.state == TxnState::Open)
    }

    /// Whether every transaction that is decided is seen to be: none lies between its decision and its last marker.
    pub fn all_are_complete(&self) -> bool {
        let is_complete = |txn: &Txn| txn.state == TxnState::Open || txn.unmarked.is_empty();
        self.transactions.txns.values().all(is_complete)
    }

    /// Decides an open transaction; where its markers have to come. None: it was decided before.
    pub fn decide(&mut self, txn: TxnId, outcome: Outcome) -> Option<Vec<(TopicId, Partition)>> {
        let txn = self.transactions.txns.get_mut(&txn).filter(|txn| txn.state == TxnState::Open)?;
        txn.state = TxnState::Decided(outcome);
        Some(txn.unmarked.iter().copied().collect())
    }

    /// A marker of a decided transaction comes.
    pub fn mark(&mut self, txn: TxnId, topic: TopicId, partition: Partition) {
        let Some(decided) = self.transactions.txns.get_mut(&txn) else { return };
        if decided.unmarked.remove(&(topic, partition)) {
            let committed = decided.state == TxnState::Decided(Outcome::Commit);
            self.topics[topic.0][partition as usize].mark(txn, committed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Entry;

    #[test]
    fn what_is_decided_is_seen_once_its_marker_has_come_and_not_past_another_that_is_open() {
        let mut cluster = Cluster::new(&["in".to_owned()], [&["out".to_owned()], &[]], 1);
        let out = TopicId(1);
        let (first, second) = (cluster.begin("a", 0), cluster.begin("b", 0));
        for txn in [first, second] {
            cluster.append(out, 0, Entry::new(0, None, None), Some(txn));
        }
        assert_eq!(cluster.decide(second, Outcome::Commit), Some(vec![(out, 0)]));
        cluster.mark(second, out, 0);
        assert_eq!(cluster.part(out, 0).stable_end(), 0, "the first hides it");
        assert!(!cluster.is_complete("a") && cluster.is_complete("b"));
        let (epoch, open) = cluster.init_producer("a");
        assert_eq!(open, Some(first));
        assert!(cluster.is_current("a", epoch) && !cluster.is_current("a", epoch - 1));
        cluster.decide(first, Outcome::Abort);
        cluster.mark(first, out, 0);
        assert_eq!((cluster.part(out, 0).stable_end(), cluster.part(out, 0).committed().count()), (4, 1));
        assert_eq!(cluster.decide(first, Outcome::Commit), None, "it was decided before");
    }
}
