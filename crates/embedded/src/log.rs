//! A lane's end of the embedded log.
//!
//! There is no group: the lane owns its tasks from its first poll on, until it closes or another lane of the same
//! stage takes them. What a commit made visible wakes every poll that waits; nothing is polled in vain.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tierline_model::Millis;
use tierline_stream::log::{
    Committed, Ends, Failure, InputId, Log, Offset, OutputId, Ownership, Partition, Record, Source, Write,
};

use crate::batch::Batch;
use crate::store::{Fence, State, Store, TopicAt};
use crate::tables;

/// One poll hands over about so many records: enough that the view it opens costs nothing, few enough that a commit
/// interval is not overrun.
const RECORDS_A_POLL: usize = 2_048;
/// However many partitions have something, each gets its turn with at least so many.
const RECORDS_A_TURN: usize = 32;
/// One poll stops after so many bytes.
const BYTES_A_POLL: usize = 1 << 20;

/// The input that a changelog's records are said to come from.
const NO_INPUT: InputId = InputId(u16::MAX);

/// See the module, and [`Log`] for what it promises.
pub struct EmbeddedLog {
    store: Arc<Store>,
    fence: Fence,
    inputs: Vec<TopicAt>,
    outputs: Vec<TopicAt>,
    /// Told at the first poll.
    assignment: Option<Ownership>,
    slots: Vec<Slot>,
    ready: Vec<(usize, Offset)>,
    /// Where the next poll begins among what is ready, so that no partition waits behind another for long.
    turn: usize,
    open: Batch,
    ends: Option<Ends>,
    closed: bool,
}

/// A partition of an input that is being read.
struct Slot {
    input: InputId,
    topic: TopicAt,
    partition: Partition,
    part: usize,
    next: Offset,
    paused: bool,
}

impl EmbeddedLog {
    pub(crate) fn open(
        store: Arc<Store>,
        stage: &str,
        lane: usize,
        lanes: usize,
        inputs: &[String],
        outputs: &[String],
    ) -> Result<Self, Failure> {
        if lane >= lanes || inputs.is_empty() {
            return Err(Failure::Fatal(format!("lane {lane} of {lanes} with {} inputs cannot be", inputs.len())));
        }
        let find = |names: &[String]| names.iter().map(|name| store.topic_or_fail(name)).collect::<Result<Vec<_>, _>>();
        let (inputs, outputs) = (find(inputs)?, find(outputs)?);
        let partitions: Vec<_> =
            (0..store.partitions()).filter(|&partition| partition as usize % lanes == lane).collect();
        let fence = store.take_over(stage, partitions.clone());
        Ok(EmbeddedLog {
            store,
            fence,
            inputs,
            outputs,
            assignment: Some(Ownership::Assigned(partitions)),
            slots: Vec::new(),
            ready: Vec::new(),
            turn: 0,
            open: Batch::default(),
            ends: None,
            closed: false,
        })
    }

    fn input(&self, input: InputId) -> Result<TopicAt, Failure> {
        let missing = || Failure::Fatal(format!("there is no input {}", input.0));
        self.inputs.get(usize::from(input.0)).copied().ok_or_else(missing)
    }

    fn output(&self, output: OutputId) -> Result<TopicAt, Failure> {
        let missing = || Failure::Fatal(format!("there is no output {}", output.0));
        self.outputs.get(usize::from(output.0)).copied().ok_or_else(missing)
    }

    fn slot(&mut self, input: InputId, partition: Partition) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.input == input && slot.partition == partition)
    }

    /// Notes which slots of `from` have something, and up to where. An error if the lane can't go on.
    fn look(&mut self, state: &State, from: Source) -> Option<Result<(), Failure>> {
        if let Some(why) = &state.failed {
            return Some(Err(Failure::Fatal(why.clone())));
        }
        if let Some(partition) = state.not_owned(&self.fence) {
            return Some(Err(self.fenced(partition)));
        }
        self.ready.clear();
        for (at, slot) in self.slots.iter().enumerate() {
            let visible = state.part(slot.part).visible;
            if !slot.paused && slot.next < visible && source_of(slot.input) == from {
                self.ready.push((at, visible));
            }
        }
        (!self.ready.is_empty()).then_some(Ok(()))
    }

    fn fenced(&self, partition: Partition) -> Failure {
        Failure::Fenced(format!("another lane owns task {partition} of {}", self.fence.stage))
    }

    fn hand_over(&mut self, each: &mut dyn FnMut(Record<'_>)) -> Result<(), Failure> {
        let view = self.store.view()?;
        let quota = (RECORDS_A_POLL / self.ready.len()).max(RECORDS_A_TURN);
        let mut bytes = 0;
        self.turn = self.turn.wrapping_add(1);
        let begin = self.turn % self.ready.len();
        self.ready.rotate_left(begin);
        for &(at, visible) in &self.ready {
            let slot = &mut self.slots[at];
            let start = self.store.part(slot.topic, slot.partition).start;
            if slot.next < start {
                let (name, from) = (self.store.topic_name(slot.topic), slot.next);
                return Err(Failure::Fatal(format!(
                    "records {from} to {} of partition {} of topic {name} were past their retention before they were \
                     read",
                    start - 1,
                    slot.partition
                )));
            }
            let mut left = quota;
            let mut next = visible;
            view.read(self.store.topic_at(slot.topic), slot.partition, slot.next, visible, &mut |offset, frame| {
                each(Record {
                    input: slot.input,
                    partition: slot.partition,
                    offset,
                    appended_at: frame.appended_at,
                    key: frame.key,
                    value: frame.value,
                    headers: &frame,
                });
                bytes += frame.key.map_or(0, <[u8]>::len) + frame.value.map_or(0, <[u8]>::len);
                left -= 1;
                if left == 0 || bytes >= BYTES_A_POLL {
                    next = offset + 1;
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
            slot.next = next;
            if bytes >= BYTES_A_POLL {
                break;
            }
        }
        Ok(())
    }
}

impl Log for EmbeddedLog {
    fn poll(
        &mut self,
        from: Source,
        wait: Duration,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Ownership>, Failure> {
        if self.closed {
            return Ok(None);
        }
        if let Some(assignment) = self.assignment.take() {
            return Ok(Some(assignment));
        }
        let store = Arc::clone(&self.store);
        match store.wait_for(wait, |state| self.look(state, from)) {
            Some(found) => found.and_then(|()| self.hand_over(each))?,
            None => store.sweep_if_due()?,
        }
        Ok(None)
    }

    fn position(&mut self, input: InputId, partition: Partition) -> Option<Offset> {
        self.slot(input, partition).map(|slot| slot.next)
    }

    fn range(&mut self, input: InputId, partition: Partition) -> Result<(Offset, Offset), Failure> {
        let part = self.store.part(self.input(input)?, partition);
        Ok((part.start, part.visible))
    }

    fn output_end(&mut self, output: OutputId, partition: Partition) -> Result<Offset, Failure> {
        Ok(self.store.part(self.output(output)?, partition).visible)
    }

    fn start(&mut self, partition: Partition, positions: &[(InputId, Option<Offset>)]) -> Result<(), Failure> {
        if !self.fence.partitions.contains(&partition) {
            return Err(Failure::Fatal(format!("task {partition} is not this lane's")));
        }
        for &(input, position) in positions {
            let topic = self.input(input)?;
            let next = position.unwrap_or_else(|| self.store.part(topic, partition).start);
            self.slots.retain(|slot| slot.input != input || slot.partition != partition);
            let part = self.store.part_at(topic, partition);
            self.slots.push(Slot { input, topic, partition, part, next, paused: false });
        }
        Ok(())
    }

    fn pause(&mut self, input: InputId, partition: Partition) -> Result<(), Failure> {
        if let Some(slot) = self.slot(input, partition) {
            slot.paused = true;
        }
        Ok(())
    }

    fn resume(&mut self, input: InputId, partition: Partition, from: Offset) -> Result<(), Failure> {
        if let Some(slot) = self.slot(input, partition) {
            (slot.paused, slot.next) = (false, from);
        }
        Ok(())
    }

    fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure> {
        self.slots.retain(|slot| !partitions.contains(&slot.partition));
        self.store.state().give_up(&self.fence.stage, partitions, self.fence.epoch);
        self.fence.partitions.retain(|partition| !partitions.contains(partition));
        Ok(())
    }

    fn ask_ends(&mut self, now: Millis) {
        let state = self.store.state();
        let mut offsets = Vec::with_capacity(self.inputs.len() * self.fence.partitions.len());
        for (input, &topic) in self.inputs.iter().enumerate() {
            for &partition in &self.fence.partitions {
                // What is being written counts: it was given its instant already.
                let end = state.part(self.store.part_at(topic, partition)).reserved;
                offsets.push((InputId(input as u16), partition, end));
            }
        }
        drop(state);
        self.ends = Some(Ends { asked_at: now, offsets });
    }

    fn ends(&mut self) -> Option<Ends> {
        self.ends.take()
    }

    fn write(&mut self, write: Write<'_>) -> Result<(), Failure> {
        let topic = self.output(write.output)?;
        self.open.push(&self.store, topic, write.partition, write.key, write.value, write.headers)
    }

    fn commit(&mut self, positions: &[(Partition, Offset)]) -> Result<Committed, Failure> {
        if let Some(&(partition, _)) = positions.iter().find(|(of, _)| !self.fence.partitions.contains(of)) {
            return Err(self.fenced(partition));
        }
        let driver = self.store.topic_at(self.input(InputId::DRIVER)?).id;
        let mut batch = std::mem::take(&mut self.open);
        let key = |partition| tables::position_key(&self.fence.stage, driver, partition);
        batch.positions.extend(positions.iter().map(|&(partition, offset)| (key(partition), offset)));
        self.open = self.store.commit(batch, Some(self.fence.clone()))?;
        self.open.clear();
        Ok(Committed::Yes)
    }

    fn abort(&mut self) -> Result<(), Failure> {
        self.open.clear();
        Ok(())
    }

    fn replay(
        &mut self,
        output: OutputId,
        partition: Partition,
        from: Option<Offset>,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Offset>, Failure> {
        let topic = self.output(output)?;
        // Only the owner writes here, and what a former owner was about to write was awaited when the tasks were
        // taken: what is visible is all there is.
        let part = self.store.part(topic, partition);
        if from.is_some_and(|from| from < part.start || from > part.visible) {
            return Ok(None);
        }
        let from = from.unwrap_or(part.start);
        self.store.view()?.read(self.store.topic_at(topic), partition, from, part.visible, &mut |offset, frame| {
            each(Record {
                input: NO_INPUT,
                partition,
                offset,
                appended_at: frame.appended_at,
                key: frame.key,
                value: frame.value,
                headers: &frame,
            });
            ControlFlow::Continue(())
        })?;
        Ok(Some(part.visible))
    }

    fn partitions(&mut self) -> Result<Vec<(InputId, i32)>, Failure> {
        Ok((0..self.inputs.len()).map(|input| (InputId(input as u16), self.store.partitions())).collect())
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.closed = true;
        self.slots.clear();
        self.open.clear();
        self.store.state().give_up(&self.fence.stage, &self.fence.partitions, self.fence.epoch);
        Ok(())
    }
}

fn source_of(input: InputId) -> Source {
    if input == InputId::DRIVER { Source::Driver } else { Source::Side }
}
