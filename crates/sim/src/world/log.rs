//! The log as a lane sees it: the contract of `stream::log`, over the model of a cluster.
//!
//! Every call may be the one that a blow hits, before its effect or after; those that wait let the world go on.

use std::rc::Rc;
use std::time::Duration;

use tierline_engine::planted::{Bug, planted};
use tierline_invariants::Violation;
use tierline_model::Millis;
use tierline_stream::log::{
    Committed, Ends, Failure, InputId, Log, Offset, OutputId, Ownership, Partition, Record, Source, Write,
};
use tierline_stream::topics::{output, score_output};

use super::World;
use super::process::{Armed, Blow, Process, Reader};
use crate::cluster::{Cluster, Entry, Outcome, Role, State, TxnId};

/// A lane's end of the simulated log.
pub(super) struct SimLog {
    world: Rc<World>,
    process: Rc<Process>,
    /// Two producers in turn.
    producers: [Producer; 2],
    turn: usize,
    txn: Option<TxnId>,
    answer: Option<(Millis, Ends)>,
}

struct Producer {
    id: String,
    epoch: u32,
}

/// Nothing is handed over to who is dead.
fn dead() -> Failure {
    Failure::Fatal("the process is dead".to_owned())
}

impl SimLog {
    /// Takes over the producers of the instance's name; joins the group with the first poll.
    pub fn connect(world: Rc<World>, process: Rc<Process>) -> SimLog {
        let producer = |side: char| {
            let id = format!("{}-{}-{side}", process.role.name(), process.instance);
            let (epoch, open) = world.cluster.borrow_mut().init_producer(&id);
            if let Some(open) = open {
                world.decide(open, Outcome::Abort);
            }
            Producer { id, epoch }
        };
        let producers = [producer('a'), producer('b')];
        SimLog { world, process, producers, turn: 0, txn: None, answer: None }
    }

    /// A call: what hits the process in it, and what it does.
    fn call<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        self.is_hit(false)?;
        let done = act(self);
        self.is_hit(true)?;
        done
    }

    fn is_hit(&self, after: bool) -> Result<(), Failure> {
        let process = &self.process;
        if let Some(armed @ Armed { calls, .. }) = process.armed.get()
            && process.is_alive()
        {
            match (calls, armed.after == after) {
                (0, true) => {
                    process.armed.set(None);
                    self.hit(armed.blow);
                }
                (0, false) => {}
                _ if after => process.armed.set(Some(Armed { calls: calls - 1, ..armed })),
                _ => {}
            }
        }
        let is_over = self.world.violation.borrow().is_some();
        if process.is_alive() && !is_over { Ok(()) } else { Err(dead()) }
    }

    fn hit(&self, blow: Blow) {
        let (world, process) = (&self.world, &self.process);
        match blow {
            Blow::Die { power, down } => world.die(process, power, down),
            Blow::Freeze { length, replaced } => {
                world.tell(|| format!("{:?} is stopped", process.pid));
                process.frozen_until.set(world.now.get() + length);
                if replaced {
                    world.instances[process.instance].current.set(None);
                    world.start(process.instance);
                }
                world.run_until(process.frozen_until.get());
                world.tell(|| format!("{:?} goes on", process.pid));
            }
        }
    }

    /// Time passes within a call.
    fn pass(&self, length: Millis) {
        self.world.run_until(self.world.now.get() + length);
    }

    fn check_epoch(&self) -> Result<(), Failure> {
        let Producer { id, epoch } = &self.producers[self.turn];
        match self.world.cluster.borrow().is_current(id, *epoch) {
            true => Ok(()),
            false => Err(Failure::Fenced(format!("{id} has a newer producer"))),
        }
    }

    /// The open transaction; begun where none is.
    fn open(&mut self) -> Result<TxnId, Failure> {
        self.check_epoch()?;
        if let Some(txn) = self.txn {
            let is_open = self.world.cluster.borrow().is_open(txn);
            return is_open.then_some(txn).ok_or_else(|| Failure::Abort("the transaction timed out".to_owned()));
        }
        // The markers of the one before come first.
        while !self.world.cluster.borrow().is_complete(&self.producers[self.turn].id) {
            self.pass(5);
            self.is_hit(false)?;
            self.check_epoch()?;
        }
        let txn = self.world.begin_transaction(&self.producers[self.turn].id);
        self.txn = Some(txn);
        Ok(txn)
    }

    /// What the group has to tell, or what becomes of a member that it has given up.
    fn change(&self) -> Option<Ownership> {
        let (world, process) = (&self.world, &self.process);
        let now = world.now.get();
        match process.member.get() {
            Some(member) if world.group(process.role).knows(member) => {
                let change = world.group(process.role).next_change(member)?;
                if let Ownership::Assigned(partitions) = &change {
                    process.owned.borrow_mut().extend(partitions);
                }
                world.tell(|| format!("{:?} hears: {change:?}", process.pid));
                Some(change)
            }
            Some(_) => {
                process.member.set(None);
                let owned: Vec<_> = process.owned.borrow().iter().copied().collect();
                world.tell(|| format!("{:?} hears that it has lost {owned:?}", process.pid));
                (!owned.is_empty()).then_some(Ownership::Lost(owned))
            }
            None => {
                process.member.set(Some(world.group(process.role).join(now)));
                None
            }
        }
    }

    /// Hands over what is there; how many records.
    fn fetch(&self, from: Source, each: &mut dyn FnMut(Record<'_>)) -> usize {
        let (world, cluster) = (&self.world, self.world.cluster.borrow());
        let now = world.now.get();
        let mut count = 0;
        for (&(input, partition), reader) in self.process.readers.borrow_mut().iter_mut() {
            let is_slow = world.slow.borrow().get(&usize::from(input.0)).is_some_and(|&until| until > now);
            if reader.paused || is_slow || (input == InputId::DRIVER) != (from == Source::Driver) {
                continue;
            }
            let part = cluster.part(Cluster::input(input), partition);
            let end = part.stable_end();
            let mut left = 1 + world.between(0, 40);
            for entry in part.from(reader.next).iter().take_while(|entry| entry.offset < end) {
                if left == 0 {
                    break;
                }
                left -= 1;
                reader.next = entry.offset + 1;
                if entry.state == State::Committed {
                    each(entry.as_record(input, partition));
                    count += 1;
                }
            }
            if left > 0 {
                reader.next = reader.next.max(end);
            }
        }
        count
    }

    fn finish(&mut self, positions: &[(Partition, Offset)]) -> Result<Committed, Failure> {
        let Some(txn) = self.txn else { return Ok(Committed::Yes) };
        let (world, process) = (Rc::clone(&self.world), Rc::clone(&self.process));
        self.pass(world.between(1, 8));
        self.is_hit(false)?;
        self.check_epoch()?;
        self.txn = None;
        let lost = world.instances[process.instance].lost_answer.take();
        // Without a position nothing is fenced: the broker is never asked who may commit.
        let is_owner = positions.is_empty()
            || planted(Bug::StaleGenerationCommitted)
            || process.member.get().is_some_and(|member| world.group(process.role).accepts(member));
        if !world.cluster.borrow().is_open(txn) || !is_owner || lost == Some(false) {
            world.tell(|| format!("{:?}: {txn:?} is aborted", process.pid));
            world.decide(txn, Outcome::Abort);
            return Ok(Committed::Aborted);
        }
        world.decide(txn, Outcome::Commit);
        self.judge(txn, positions);
        self.turn = 1 - self.turn;
        self.pass(world.between(1, 8));
        match lost {
            Some(_) => Err(Failure::Abort("the answer to the commit was lost".to_owned())),
            None => Ok(Committed::Yes),
        }
    }

    /// It is committed: is that as it must be?
    fn judge(&self, txn: TxnId, positions: &[(Partition, Offset)]) {
        let (world, process) = (&self.world, &self.process);
        let cluster = world.cluster.borrow();
        let judged = match process.role {
            Role::Detect => world.verdict().committed(&cluster, txn, positions, &process.traces),
            Role::Score => world.verdict().scores_committed(&cluster, txn, positions).map(|()| Vec::new()),
        };
        drop(cluster);
        world.tell(|| format!("{:?} commits {positions:?} in {txn:?}", process.pid));
        match judged {
            Ok(told) => told.into_iter().for_each(|line| world.tell(|| format!("   → {line}"))),
            Err(violation) => world.blame(violation),
        }
    }

    /// Waits until nothing before this place of the changelog is hidden.
    fn await_stable(&self, output: OutputId, partition: Partition) -> Result<Offset, Failure> {
        let role = self.process.role;
        let part_of = |cluster: &Cluster| {
            let part = cluster.part(cluster.output(role, output), partition);
            (part.next(), part.stable_end())
        };
        let (end, stable) = part_of(&self.world.cluster.borrow());
        if planted(Bug::RestoreStopsAtStableEnd) {
            return Ok(stable);
        }
        for _ in 0..10_000 {
            if part_of(&self.world.cluster.borrow()).1 >= end {
                return Ok(end);
            }
            self.pass(10);
            self.is_hit(false)?;
        }
        Err(Failure::Fatal("the changelog's end stays hidden".to_owned()))
    }
}

impl Log for SimLog {
    fn poll(
        &mut self,
        from: Source,
        wait: Duration,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Ownership>, Failure> {
        self.call(|log| {
            if from == Source::Driver
                && let Some(change) = log.change()
            {
                return Ok(Some(change));
            }
            let count = log.fetch(from, each);
            if from == Source::Driver {
                log.process.wait.set(if count == 0 { wait.as_millis() as Millis } else { 0 });
            }
            Ok(None)
        })
    }

    fn position(&mut self, input: InputId, partition: Partition) -> Option<Offset> {
        self.process.readers.borrow().get(&(input, partition)).map(|reader| reader.next)
    }

    fn range(&mut self, input: InputId, partition: Partition) -> Result<(Offset, Offset), Failure> {
        self.call(|log| Ok((0, log.world.cluster.borrow().part(Cluster::input(input), partition).next())))
    }

    fn start(&mut self, partition: Partition, positions: &[(InputId, Option<Offset>)]) -> Result<(), Failure> {
        self.call(|log| {
            let mut readers = log.process.readers.borrow_mut();
            for &(input, position) in positions {
                readers.insert((input, partition), Reader { next: position.unwrap_or(0), paused: false });
            }
            Ok(())
        })
    }

    fn pause(&mut self, input: InputId, partition: Partition) -> Result<(), Failure> {
        self.call(|log| {
            log.process.readers.borrow_mut().entry((input, partition)).and_modify(|reader| reader.paused = true);
            Ok(())
        })
    }

    fn resume(&mut self, input: InputId, partition: Partition, from: Offset) -> Result<(), Failure> {
        self.call(|log| {
            log.process.readers.borrow_mut().insert((input, partition), Reader { next: from, paused: false });
            Ok(())
        })
    }

    fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure> {
        self.call(|log| {
            let process = &log.process;
            process.readers.borrow_mut().retain(|(_, partition), _| !partitions.contains(partition));
            process.owned.borrow_mut().retain(|partition| !partitions.contains(partition));
            if let Some(member) = process.member.get() {
                log.world.group(process.role).release(member, partitions);
            }
            Ok(())
        })
    }

    fn ask_ends(&mut self, now: Millis) {
        let world = &self.world;
        self.answer = None;
        if world.now.get() < world.silent_until.get() {
            return;
        }
        let cluster = world.cluster.borrow();
        let mut partitions: Vec<Partition> = self.process.readers.borrow().keys().map(|&(_, it)| it).collect();
        partitions.dedup();
        partitions.sort_unstable();
        partitions.dedup();
        let mut offsets = Vec::new();
        for partition in partitions {
            let ends = cluster.input_ends(self.process.role, partition);
            offsets.extend(ends.iter().enumerate().map(|(input, &end)| (InputId(input as u16), partition, end)));
            if self.process.role == Role::Detect {
                world.verdict().asked(partition, now, ends);
            }
        }
        self.process.answer_at.set(world.now.get() + world.between(1, 25));
        self.answer = Some((self.process.answer_at.get(), Ends { asked_at: now, offsets }));
    }

    fn ends(&mut self) -> Option<Ends> {
        let world = &self.world;
        let (_, mut ends) = self.answer.take_if(|(ready_at, _)| *ready_at <= world.now.get())?;
        // Some brokers answer later than others, and then say more.
        let cluster = world.cluster.borrow();
        for (input, partition, offset) in &mut ends.offsets {
            if world.one_in(2) {
                *offset = cluster.part(Cluster::input(*input), *partition).next();
            }
        }
        Some(ends)
    }

    fn write(&mut self, write: Write<'_>) -> Result<(), Failure> {
        self.call(|log| {
            let txn = log.open()?;
            let (world, instance) = (&log.world, &log.world.instances[log.process.instance]);
            if instance.write_fails.take() {
                return Err(Failure::Abort("a record was not acknowledged".to_owned()));
            }
            let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
            let mut entry = Entry::new(world.now.get(), owned(write.key), owned(write.value));
            entry.headers = write.headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
            let is_outside = match (log.process.role, write.output) {
                (Role::Detect, output::DEAD_LETTERS) => planted(Bug::DeadLetterOutside),
                (Role::Detect, output::ACCOUNT_MOVES) => planted(Bug::MovedOutside),
                (Role::Score, score_output::SIGNALS) => planted(Bug::SignalOutside),
                _ => false,
            };
            let mut cluster = world.cluster.borrow_mut();
            let topic = cluster.output(log.process.role, write.output);
            cluster.append(topic, write.partition, entry, (!is_outside).then_some(txn));
            Ok(())
        })
    }

    fn commit(&mut self, positions: &[(Partition, Offset)]) -> Result<Committed, Failure> {
        self.call(|log| {
            if !positions.is_empty() {
                log.open()?;
            }
            log.finish(positions)
        })
    }

    fn abort(&mut self) -> Result<(), Failure> {
        self.call(|log| {
            if let Some(txn) = log.txn.take() {
                log.check_epoch()?;
                log.world.decide(txn, Outcome::Abort);
            }
            Ok(())
        })
    }

    fn replay(
        &mut self,
        output: OutputId,
        partition: Partition,
        from: Option<Offset>,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Offset>, Failure> {
        self.call(|log| {
            let before = log.world.verdict.borrow().version(partition);
            let end = log.await_stable(output, partition)?;
            let cluster = log.world.cluster.borrow();
            let part = cluster.part(cluster.output(log.process.role, output), partition);
            if from.is_some_and(|from| from > part.next()) {
                return Ok(None);
            }
            let from = from.unwrap_or(0);
            for entry in part.from(from).iter().filter(|it| it.offset < end && it.state == State::Committed) {
                each(entry.as_record(InputId(u16::MAX), partition));
            }
            if (log.process.role, output) == (Role::Detect, output::CHANGELOG) {
                let is_certain = log.world.verdict.borrow().version(partition) == before;
                log.process.traces.restored_to(partition, is_certain.then_some(before));
            }
            Ok(Some(end))
        })
    }

    fn output_end(&mut self, output: OutputId, partition: Partition) -> Result<Offset, Failure> {
        self.call(|log| {
            let cluster = log.world.cluster.borrow();
            Ok(cluster.part(cluster.output(log.process.role, output), partition).next())
        })
    }

    fn partitions(&mut self) -> Result<Vec<(InputId, i32)>, Failure> {
        self.call(|log| {
            let cluster = log.world.cluster.borrow();
            let inputs = 0..cluster.inputs(log.process.role);
            Ok(inputs.map(|input| (InputId(input as u16), cluster.partitions())).collect())
        })
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.call(|log| {
            if let Some(txn) = log.txn.take() {
                log.world.decide(txn, Outcome::Abort);
            }
            if let Some(member) = log.process.member.take() {
                log.world.group(log.process.role).leave(member);
            }
            log.process.readers.borrow_mut().clear();
            Ok(())
        })
    }
}

impl World {
    /// A stage was brought back: is it as it was?
    pub fn restored(&self, judged: Result<(), Violation>) {
        if let Err(violation) = judged {
            self.blame(violation);
        }
    }

    /// What judges.
    pub fn verdict(&self) -> std::cell::RefMut<'_, crate::verdict::Verdict> {
        self.verdict.borrow_mut()
    }
}
