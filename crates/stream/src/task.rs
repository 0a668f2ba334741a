//! One task: a stage, where it stands in each of its inputs, and its clock.
//!
//! Records come in by [`Task::offer`]. One that is certainly the next is applied where it lies; any other waits in its
//! input's inbox until [`Task::deliver`] finds that its turn has come: the earliest instant first, and only once every
//! input that has nothing waiting is known to be at its end.

use std::time::Duration;

use tierline_engine::planted::{Bug, planted};
use tierline_model::Millis;
use tierline_observe::events::DeadLettered;
use tierline_observe::{LaneMetrics, Outcome};

use crate::clock::Clock;
use crate::condemned::Condemned;
use crate::dead_letter;
use crate::ends::Targets;
use crate::inbox::Inbox;
use crate::log::{InputId, Log, Offset, OutputId, Partition, Record};
use crate::outbox::{Cause, Outbox, Pending};
use crate::stage::{Applied, InputSpec, Stage};
use crate::task_record::TaskRecord;

/// One task.
pub struct Task<S> {
    /// Which.
    pub partition: Partition,
    /// What it does.
    pub stage: S,
    /// Its clock.
    pub clock: Clock,
    /// Whether it still reads the snapshots of a cold start.
    pub cold: bool,
    /// The id of its changelog.
    pub incarnation: u128,
    /// Something has happened since the last commit.
    pub touched: bool,
    /// Why it cannot go on for now.
    pub waiting: Option<Waiting>,
    /// The largest record that took effect since the last commit, and its size: who is to blame when the log refuses
    /// what cannot be traced back.
    pub largest: Option<(usize, Cause)>,
    /// How health was last told that it stands.
    pub shown: Option<tierline_observe::PartitionState>,
    inputs: Vec<Input>,
    /// By events alone, a record waits until the ends have been asked for after it: order must not depend on timing.
    strict: bool,
    targets: Targets,
    /// The newest instant up to which everything has been read.
    caught_up_to: Option<Millis>,
    /// Whether a driver's record is certainly the next one: a shortcut, so that a busy driver pays nothing for idle
    /// side inputs.
    driver_is_next: bool,
}

/// Why a task waits, and until when before it tries again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// For people.
    pub reason: String,
    /// UTC, real time.
    pub try_again_at: Millis,
}

/// Where a task stands in one of its inputs.
struct Input {
    rank: u8,
    snapshot: bool,
    inbox: Inbox,
    /// Everything below has been handed over by the log.
    handed: Offset,
    /// Where it ended, by the newest answer. Unknown: it can't be told from a slow one.
    end: Option<Offset>,
    /// What stands below was there before the newest answer was asked for: nothing older can turn up elsewhere unseen.
    certain_below: Offset,
    paused: bool,
    /// The instant of the first one waiting, once somebody asked.
    first_instant: Option<Millis>,
}

/// What a task needs of its lane to take a record.
pub struct Bench<'a> {
    /// Where its writes go.
    pub pending: &'a mut Pending,
    /// Where it counts.
    pub metrics: &'a mut LaneMetrics,
    /// The records that cannot be taken because of what would be written for them.
    pub condemned: &'a Condemned,
    /// The names of the inputs.
    pub inputs: &'a [InputSpec],
    /// Where dead letters go.
    pub dead_letters: OutputId,
    /// Their bound, bytes.
    pub dead_letter_bytes: usize,
    /// The real wall clock.
    pub now: Millis,
    /// How many records may still be taken before the lane looks after its log.
    pub left: usize,
}

/// A task that cannot take a record for a reason outside of it tries again after this long.
const TRY_AGAIN: Millis = 500;

impl Input {
    /// Everything below is in effect.
    fn position(&self) -> Offset {
        self.inbox.first().unwrap_or(self.handed)
    }

    fn is_at_end(&self) -> bool {
        self.inbox.is_empty() && self.end.is_some_and(|end| self.handed >= end)
    }
}

impl<S: Stage> Task<S> {
    /// A task that stands at these positions, by input.
    pub fn new(partition: Partition, stage: S, clock: Clock, specs: &[InputSpec], positions: &[Offset]) -> Self {
        let input = |(spec, &position): (&InputSpec, &Offset)| Input {
            rank: spec.rank,
            snapshot: spec.snapshot,
            inbox: Inbox::default(),
            handed: position,
            end: None,
            certain_below: Offset::MIN,
            paused: false,
            first_instant: None,
        };
        Task {
            partition,
            stage,
            strict: !clock.follows_wall(),
            clock,
            cold: false,
            incarnation: 0,
            touched: false,
            waiting: None,
            largest: None,
            shown: None,
            inputs: specs.iter().zip(positions).map(input).collect(),
            targets: Targets::default(),
            caught_up_to: None,
            driver_is_next: false,
        }
    }

    /// The log hands over a record.
    pub fn offer(&mut self, record: &Record<'_>, bench: &mut Bench<'_>) {
        let place = usize::from(record.input.0);
        let input = &self.inputs[place];
        if record.offset < input.handed {
            return;
        }
        let is_next = match record.input {
            InputId::DRIVER => self.driver_is_next && (!self.strict || record.offset < input.certain_below),
            _ => self.cold && input.snapshot && input.inbox.is_empty() && self.waiting.is_none(),
        };
        self.inputs[place].handed = record.offset + 1;
        if !is_next || bench.left == 0 || !self.take(record, bench) {
            self.inputs[place].inbox.push(record);
            self.driver_is_next = false;
        }
    }

    /// Takes what waits, in order, as far as the next one is certain; at most so many, and no more than the bench has
    /// left. Whether the bound was what ended it.
    pub fn deliver(&mut self, most: usize, bench: &mut Bench<'_>) -> bool {
        // By a clock that was put back it is never longer than was meant.
        let must_wait = |waiting: &Waiting| (1..=TRY_AGAIN).contains(&(waiting.try_again_at - bench.now));
        if self.waiting.as_ref().is_some_and(must_wait) {
            return false;
        }
        for _ in 0..most.min(bench.left) {
            let place = match self.next_input() {
                Ok(Some(place)) => place,
                Ok(None) => {
                    self.driver_is_next = self.sides_are_idle();
                    return false;
                }
                Err(reason) => {
                    self.wait(reason, bench.now);
                    return false;
                }
            };
            let mut inbox = std::mem::take(&mut self.inputs[place].inbox);
            let input = InputId(place as u16);
            let taken = inbox.peek(input, self.partition, |record| self.take(record, bench));
            if taken == Some(true) {
                inbox.pop();
                self.inputs[place].first_instant = None;
            }
            self.inputs[place].inbox = inbox;
            if taken == Some(false) {
                return false;
            }
        }
        true
    }

    /// Fires what is due by the clock.
    pub fn fire(&mut self, pending: &mut Pending, metrics: &mut LaneMetrics) {
        let reached = self.clock.reached();
        if !self.cold && self.stage.next_deadline().is_some_and(|deadline| deadline <= reached) {
            self.stage.advance(&self.clock);
            self.stage.outputs(&mut pending.outbox(self.partition, None), metrics);
            self.touched = true;
        }
    }

    /// The ends of the inputs, as asked for at an instant of the (scaled) wall; `None` for one that wasn't asked about.
    pub fn ends(&mut self, asked_at: Millis, ends: impl Fn(InputId) -> Option<Offset>) {
        let known: Vec<_> = (0..self.inputs.len()).map(|place| ends(InputId(place as u16))).collect();
        for (input, &end) in self.inputs.iter_mut().zip(&known) {
            // Inputs are asked one after the other, so only what the answer before had shown was there in time.
            input.certain_below = input.end.unwrap_or(Offset::MIN);
            // Where nobody says it now, more may have come than was said before.
            input.end = end;
        }
        if let Some(all) = known.into_iter().collect() {
            self.targets.answered(asked_at, all);
        }
        self.driver_is_next = self.sides_are_idle();
    }

    /// Where the inputs end isn't known any more: none is taken for empty before the next answer.
    pub fn forget_ends(&mut self) {
        self.inputs.iter_mut().for_each(|input| input.end = None);
        self.driver_is_next = false;
    }

    /// Looks where the log stands in each input: behind the last record there may be gaps.
    pub fn look_where_it_stands<L: Log>(&mut self, log: &mut L) {
        for (place, input) in self.inputs.iter_mut().enumerate() {
            if !input.paused
                && let Some(handed) = log.position(InputId(place as u16), self.partition)
            {
                input.handed = input.handed.max(handed);
            }
        }
        self.driver_is_next = self.sides_are_idle();
    }

    /// Moves the clock on if an answer has been passed; then what is due fires. The instant of the answer.
    pub fn catch_up(&mut self, pending: &mut Pending, metrics: &mut LaneMetrics) -> Option<Millis> {
        let inputs = &self.inputs;
        let asked_at = self.targets.passed(|place| inputs[place].position())?;
        if self.cold {
            // Snapshots alone were awaited; now the rest is read.
            return None;
        }
        self.clock.caught_up_to(asked_at);
        self.caught_up_to = Some(asked_at);
        if self.stage.caught_up(self.clock.reached()) {
            self.stage.outputs(&mut pending.outbox(self.partition, None), metrics);
            self.touched = true;
        }
        self.fire(pending, metrics);
        Some(asked_at)
    }

    /// Ends the reading of snapshots once all of them are at their end. Whether it is still going on.
    pub fn still_cold(&mut self) -> bool {
        if self.cold && self.inputs.iter().filter(|input| input.snapshot).all(Input::is_at_end) {
            self.cold = false;
            self.touched = true;
            // Whatever was passed meanwhile was passed by snapshots alone.
            self.targets = Targets::default();
            self.driver_is_next = self.sides_are_idle();
        }
        self.cold
    }

    /// The newest instant up to which everything has been read.
    pub fn caught_up_to(&self) -> Option<Millis> {
        self.caught_up_to
    }

    /// Whether only an answer to where the inputs end lets it go on.
    pub fn needs_ends(&self) -> bool {
        let hungry = |input: &Input| input.inbox.is_empty() && input.end.is_none_or(|end| input.handed < end);
        let uncertain = |input: &Input| input.inbox.first().is_some_and(|first| first >= input.certain_below);
        self.inputs.iter().any(|input| input.end.is_none())
            || (self.strict && !self.inputs.iter().any(hungry) && self.inputs.iter().any(uncertain))
    }

    /// The newest instant of which an answer is there, passed or not.
    pub fn asked_up_to(&self) -> Millis {
        self.targets.newest_asked_at().max(self.caught_up_to).unwrap_or(Millis::MIN)
    }

    /// Whether every input has been taken to its end, by the newest answer.
    pub fn is_at_its_ends(&self) -> bool {
        self.inputs.iter().all(Input::is_at_end)
    }

    /// Whether nothing waits anywhere.
    pub fn is_drained(&self) -> bool {
        self.inputs.iter().all(|input| input.inbox.is_empty())
    }

    /// Whether a side input has to be polled before the next record can be known.
    pub fn needs_sides(&self) -> bool {
        self.inputs[1..].iter().any(|input| input.inbox.is_empty() && !input.is_at_end())
    }

    /// The offset of the next record to take of an input.
    pub fn position(&self, input: InputId) -> Offset {
        self.inputs[usize::from(input.0)].position()
    }

    /// How many records of an input are still to be taken, by the newest answer.
    pub fn lag(&self, input: InputId) -> Option<i64> {
        let input = &self.inputs[usize::from(input.0)];
        input.end.map(|end| (end - input.position()).max(0))
    }

    /// Whether more records than these are still to be taken of an input, by the newest answer.
    pub fn is_behind(&self, records: i64) -> bool {
        (0..self.inputs.len()).any(|place| self.lag(InputId(place as u16)).is_some_and(|lag| lag > records))
    }

    /// Stops the log from filling an inbox that is full, and lets it go on once that has been emptied by half.
    pub fn keep_bounds<L: Log>(&mut self, log: &mut L, most_bytes: usize) -> Result<(), crate::log::Failure> {
        for (place, input) in self.inputs.iter_mut().enumerate() {
            let id = InputId(place as u16);
            if !input.paused && input.inbox.bytes() > most_bytes {
                log.pause(id, self.partition)?;
                input.paused = true;
            } else if input.paused && input.inbox.bytes() <= most_bytes / 2 {
                log.resume(id, self.partition, input.handed)?;
                input.paused = false;
            }
        }
        Ok(())
    }

    /// Where it stands, for the changelog.
    pub fn record(&self, specs: &[InputSpec], partitions: i32) -> TaskRecord {
        let positions = specs.iter().zip(&self.inputs);
        TaskRecord {
            incarnation: self.incarnation,
            partitions,
            cold: self.cold,
            clock: self.clock.at(),
            positions: positions
                .take(if planted(Bug::SidePositionForgotten) { 1 } else { specs.len() })
                .map(|(spec, input)| {
                    let handed = planted(Bug::HandedIsTaken).then_some(input.handed);
                    (spec.topic.clone(), handed.unwrap_or_else(|| input.position()))
                })
                .collect(),
            memory: self.stage.memory(),
        }
    }

    /// The input whose first record is the next to take; none: it isn't certain yet, or nothing waits. `Err`: nobody
    /// can tell now, for this reason outside of the records.
    fn next_input(&mut self) -> Result<Option<usize>, String> {
        let Some(place) = self.candidate()? else { return Ok(None) };
        let input = &self.inputs[place];
        let is_certain = !self.strict || self.cold || input.inbox.first() < Some(input.certain_below);
        Ok(is_certain.then_some(place))
    }

    /// The input whose first record would be the next, were no other to come.
    fn candidate(&mut self) -> Result<Option<usize>, String> {
        let takes_part = |input: &Input, cold: bool| !cold || input.snapshot;
        let mut waiting = 0;
        let mut only = 0;
        for (place, input) in self.inputs.iter().enumerate().filter(|(_, input)| takes_part(input, self.cold)) {
            if !input.inbox.is_empty() {
                waiting += 1;
                only = place;
            } else if !self.cold && !input.is_at_end() {
                return Ok(None);
            }
        }
        match waiting {
            0 => Ok(None),
            1 => Ok(Some(only)),
            _ => self.earliest(),
        }
    }

    /// Among several that wait: the earliest instant, then the lowest rank, then the first in the list.
    fn earliest(&mut self) -> Result<Option<usize>, String> {
        let Task { inputs, stage, partition, cold, .. } = self;
        let mut best: Option<((Millis, u8), usize)> = None;
        for (place, input) in inputs.iter_mut().enumerate().filter(|(_, input)| !*cold || input.snapshot) {
            if input.first_instant.is_none() {
                let id = InputId(place as u16);
                input.first_instant = input.inbox.peek(id, *partition, |record| stage.instant(record)).transpose()?;
            }
            let Some(instant) = input.first_instant else { continue };
            let order = (instant, input.rank);
            if best.is_none_or(|(least, _)| order < least) {
                best = Some((order, place));
            }
        }
        Ok(best.map(|(_, place)| place))
    }

    fn sides_are_idle(&self) -> bool {
        !self.cold
            && self.waiting.is_none()
            && self.inputs[0].inbox.is_empty()
            && self.inputs[1..].iter().all(Input::is_at_end)
    }

    /// Takes one record: in effect, passed over or a dead letter. False: it has to wait, for a reason outside of it.
    fn take(&mut self, record: &Record<'_>, bench: &mut Bench<'_>) -> bool {
        bench.left = bench.left.saturating_sub(1);
        let cause = Cause { input: record.input, partition: record.partition, offset: record.offset };
        let snapshot = self.inputs[usize::from(record.input.0)].snapshot;
        let dated = !(self.cold && snapshot);
        let size = record.key.unwrap_or_default().len() + record.value.unwrap_or_default().len();
        let applied = match bench.condemned.sentence(&cause) {
            Some(reason) => Applied::DeadLetter { code: dead_letter::TOO_LARGE, reason },
            None => self.stage.apply(&mut self.clock, record, dated, bench.metrics),
        };
        match applied {
            Applied::Ok => {
                bench.metrics.record(usize::from(record.input.0), Outcome::Applied);
                if self.largest.is_none_or(|(largest, _)| size > largest) {
                    self.largest = Some((size, cause));
                }
            }
            Applied::PassedOver => bench.metrics.record(usize::from(record.input.0), Outcome::PassedOver),
            Applied::DeadLetter { code, reason } => bury(record, code, &reason, cause, bench),
            Applied::Wait(reason) => {
                self.wait(reason, bench.now);
                return false;
            }
        }
        self.waiting = None;
        self.touched = true;
        let mut outbox = bench.pending.outbox(self.partition, Some(cause));
        self.stage.outputs(&mut outbox, bench.metrics);
        if dated {
            self.fire(bench.pending, bench.metrics);
        }
        true
    }

    fn wait(&mut self, reason: String, now: Millis) {
        if self.waiting.as_ref().is_none_or(|waiting| waiting.reason != reason) {
            let retry = Duration::from_millis(TRY_AGAIN as u64);
            tracing::warn!(partition = self.partition, reason, ?retry, "task waits");
        }
        self.waiting = Some(Waiting { reason, try_again_at: now + TRY_AGAIN });
        self.driver_is_next = false;
    }
}

/// Writes a record's dead letter, counts it and says so.
fn bury(record: &Record<'_>, code: &'static str, reason: &str, cause: Cause, bench: &mut Bench<'_>) {
    let topic = bench.inputs[usize::from(record.input.0)].topic.as_str();
    let verdict = dead_letter::Verdict { code, reason, topic, failed_at: bench.now };
    let bound = bench.condemned.bound(&cause, bench.dead_letter_bytes);
    let mut outbox: Outbox<'_> = bench.pending.outbox(record.partition, Some(cause));
    dead_letter::put(&mut outbox, bench.dead_letters, record, &verdict, bound);
    let Record { partition, offset, .. } = *record;
    DeadLettered { input: usize::from(record.input.0), topic, partition, offset, error: code }.emit(bench.metrics);
}
