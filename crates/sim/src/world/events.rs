//! What happens next, in order of its time; and what each of it does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use tierline_model::Millis;
use tierline_stream::log::Partition;
use tierline_stream::topics::{output, score_output};

use super::process::{Pid, Process};
use super::{HEARTBEAT, KEEP_TOMBSTONES, SESSION, TRANSACTION_TIMEOUT, World};
use crate::cluster::{Entry, Outcome, Role, TopicId, TxnId};
use crate::plan::{Class, START};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The record of the story at this place arrives.
    Send(usize),
    /// The fault at this place strikes.
    Fault(usize),
    /// A process takes a step, unless it was told another time since.
    Step(Pid, u64),
    /// An instance is started.
    Start(usize),
    /// An instance with a backup dies, and starts from it.
    Restore(usize, usize),
    /// A disk has room again.
    Room(usize),
    /// Members are heard of, or given up.
    Heartbeat,
    /// A transaction's marker comes.
    Marker(TxnId, TopicId, Partition),
    /// A transaction has been open for too long.
    Timeout(TxnId),
    /// A producer outside ends its transaction.
    Decide(TxnId, bool),
}

/// What is to happen. Of what happens at one instant, what was put in first comes first.
#[derive(Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<(Millis, u64, Event)>>,
    number: u64,
}

impl World {
    pub(super) fn at(&self, at: Millis, event: Event) {
        let mut queue = self.queue.borrow_mut();
        queue.number += 1;
        let number = queue.number;
        queue.heap.push(Reverse((at, number, event)));
    }

    pub(super) fn begin(self: &Rc<Self>) {
        for (place, send) in self.plan.story.iter().enumerate() {
            match self.plan.class {
                Class::Backlog => self.send(place),
                _ if send.at <= START => self.send(place),
                _ => self.at(send.at, Event::Send(place)),
            }
        }
        for (place, (at, _)) in self.plan.faults.iter().enumerate() {
            self.at(*at, Event::Fault(place));
        }
        for instance in 0..self.instances.len() {
            self.at(START + self.between(0, 300), Event::Start(instance));
        }
        self.at(START + HEARTBEAT, Event::Heartbeat);
    }

    /// The world goes on to an instant, or until something isn't as it must be.
    pub(super) fn run_until(self: &Rc<Self>, until: Millis) {
        while self.violation.borrow().is_none() {
            let event = {
                let mut queue = self.queue.borrow_mut();
                match queue.heap.peek() {
                    Some(&Reverse((at, ..))) if at <= until => queue.heap.pop(),
                    _ => None,
                }
            };
            let Some(Reverse((at, _, event))) = event else { break };
            self.now.set(self.now.get().max(at));
            self.happen(event);
        }
        self.now.set(self.now.get().max(until));
    }

    fn happen(self: &Rc<Self>, event: Event) {
        match event {
            Event::Send(place) => self.send(place),
            Event::Fault(place) => self.strike(place),
            Event::Step(pid, token) => self.step(pid, token),
            Event::Start(instance) => self.start(instance),
            Event::Restore(instance, backup) => self.restore_backup(instance, backup),
            Event::Room(instance) => self.instances[instance].disk.fill(false),
            Event::Heartbeat => {
                self.heartbeat();
                self.at(self.now.get() + HEARTBEAT, Event::Heartbeat);
            }
            Event::Marker(txn, topic, partition) => {
                self.cluster.borrow_mut().mark(txn, topic, partition);
                self.wake_readers(topic, partition);
            }
            Event::Timeout(txn) => {
                if self.cluster.borrow().is_open(txn) {
                    self.tell(|| format!("{txn:?} times out"));
                    self.decide(txn, Outcome::Abort);
                }
            }
            Event::Decide(txn, committed) => {
                self.decide(txn, if committed { Outcome::Commit } else { Outcome::Abort });
            }
        }
    }

    /// A record arrives in an input.
    fn send(&self, place: usize) {
        let send = &self.plan.story[place];
        let topic = TopicId(send.topic as usize);
        let bytes = |text: &Option<String>| text.as_ref().map(|text| text.as_bytes().to_vec());
        let entry = Entry::new(send.at, bytes(&send.key), bytes(&send.value));
        let mut cluster = self.cluster.borrow_mut();
        let txn = send.hidden.map(|(open, committed)| {
            let id = format!("producer-{place}");
            cluster.init_producer(&id);
            let txn = cluster.begin(&id, send.at);
            self.at(send.at + open, Event::Decide(txn, committed));
            txn
        });
        let offset = cluster.append(topic, send.partition, entry, txn);
        drop(cluster);
        self.verdict.borrow_mut().sent(send, offset);
        self.tell(|| {
            let hidden = if txn.is_some() { ", hidden" } else { "" };
            format!("{:?}-{} {offset}{hidden}: {}", send.topic, send.partition, send.value.as_deref().unwrap_or("gone"))
        });
        self.wake_readers(topic, send.partition);
    }

    /// A transaction is decided; its markers come when they come.
    pub(super) fn decide(&self, txn: TxnId, outcome: Outcome) {
        let Some(places) = self.cluster.borrow_mut().decide(txn, outcome) else { return };
        let is_late = self.now.get() < self.late_markers_until.get();
        for (topic, partition) in places {
            let delay = if is_late { self.between(300, 4_000) } else { self.between(0, 15) };
            self.at(self.now.get() + delay, Event::Marker(txn, topic, partition));
        }
    }

    /// A transaction begins, and will not stay open for ever.
    pub(super) fn begin_transaction(&self, id: &str) -> TxnId {
        let txn = self.cluster.borrow_mut().begin(id, self.now.get());
        self.at(self.now.get() + TRANSACTION_TIMEOUT, Event::Timeout(txn));
        txn
    }

    fn heartbeat(self: &Rc<Self>) {
        let now = self.now.get();
        for process in self.running() {
            if let Some(member) = process.member.get()
                && !process.is_frozen(now)
                && self.group(process.role).hear(member, now)
            {
                self.wake(&process);
            }
        }
        for role in Role::ALL {
            let gone = self.group(role).expire(now, SESSION);
            if !gone.is_empty() {
                self.tell(|| format!("the group of {} gives up {gone:?}", role.name()));
            }
            if self.group(role).unsettled {
                self.rebalance(role);
            }
        }
    }

    pub(super) fn rebalance(self: &Rc<Self>, role: Role) {
        let turn = self.between(0, 2) as usize;
        self.tell(|| format!("the group of {} is rebalanced", role.name()));
        self.group(role).rebalance(turn);
        // Some hear of it at once, others with their next heartbeat.
        let now = self.now.get();
        for process in self.running().into_iter().filter(|process| process.role == role) {
            if let Some(member) = process.member.get()
                && !process.is_frozen(now)
                && self.one_in(2)
                && self.group(role).hear(member, now)
            {
                self.wake(&process);
            }
        }
    }

    pub(super) fn running(&self) -> Vec<Rc<Process>> {
        self.processes.borrow().iter().filter(|process| process.is_alive()).cloned().collect()
    }

    /// Whoever reads this and sleeps wakes up.
    fn wake_readers(&self, topic: TopicId, partition: Partition) {
        if topic.0 < self.cluster.borrow().inputs(Role::Detect) {
            for process in self.running() {
                if process.reads(partition) && topic.0 < self.cluster.borrow().inputs(process.role) {
                    self.wake(&process);
                }
            }
        }
    }

    /// What is compacted.
    pub(super) fn compact(&self) {
        let now = self.now.get();
        let mut cluster = self.cluster.borrow_mut();
        let topics = [
            cluster.output(Role::Detect, output::CHANGELOG),
            cluster.output(Role::Detect, output::ESCALATION_QUEUE),
            cluster.output(Role::Score, score_output::CHANGELOG),
        ];
        let mut gone = 0;
        for topic in topics {
            for partition in 0..self.plan.partitions {
                gone += cluster.compact(topic, partition, now, KEEP_TOMBSTONES);
            }
        }
        drop(cluster);
        self.tell(|| format!("{gone} records are compacted away"));
    }
}
