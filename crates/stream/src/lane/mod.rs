//! The loop: poll, deliver, advance, commit; and what it does when ownership changes or a transaction is lost.
//!
//! A lane owns its tasks' state and shares it with nobody. It is driven step by step, so a simulator can hold it between
//! any two calls to its log; [`run_lane`] is the same steps, on and on.

mod answering;
mod asking;
mod commit;
mod ownership;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tierline_model::Millis;
use tierline_observe::LaneMetrics;

use crate::condemned::Condemned;
use crate::log::{Failure, Log, Ownership, Partition, Source};
use crate::outbox::{Cause, Pending};
use crate::settings::{LaneError, LaneSettings};
use crate::stage::{InputSpec, Stages};
use crate::task::{Bench, Task};

/// Runs a lane until `stop` is set (or, with `settings.until`, until it is there), then ends it in order: commits,
/// leaves the group, writes checkpoints. `metrics` must know the stage's inputs by name; `wall` is the real wall clock,
/// UTC.
///
/// # Errors
/// The process ends: another has this lane's place, or going on would mend nothing.
pub fn run_lane<L: Log, S: Stages>(
    log: L,
    stages: S,
    settings: LaneSettings,
    metrics: LaneMetrics,
    stop: &AtomicBool,
    wall: &dyn Fn() -> Millis,
) -> Result<(), LaneError> {
    // Log lines of another stage's tasks say whose they are.
    let stage = stages.name();
    let _of_stage = (stage != "detect").then(|| tracing::info_span!("stage", name = stage).entered());
    let (health, number) = (settings.health.clone(), settings.lane);
    health.lane_starts(number);
    let mut lane = Lane::new(log, stages, settings, metrics);
    let ended = run_steps(&mut lane, stop, wall).and_then(|()| lane.close(wall));
    if let Err(error) = &ended {
        health.lane_ended(number, error.to_string());
    }
    ended
}

fn run_steps<L: Log, S: Stages>(
    lane: &mut Lane<L, S>,
    stop: &AtomicBool,
    wall: &dyn Fn() -> Millis,
) -> Result<(), LaneError> {
    let mut aborts_in_a_row = 0;
    while !stop.load(Ordering::Relaxed) {
        match lane.step(wall)? {
            Step::Finished => return Ok(()),
            Step::StartedOver => {
                // A log that aborts again and again is in trouble; it needs no help with that.
                aborts_in_a_row += 1;
                std::thread::sleep(Duration::from_millis(50 * aborts_in_a_row.min(20)));
            }
            Step::Worked => aborts_in_a_row = 0,
            Step::Idle => {}
        }
    }
    Ok(())
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There was nothing to do.
    Idle,
    /// Records were read, timers fired or ownership changed.
    Worked,
    /// The transaction was lost: the next step restores the lane's tasks.
    StartedOver,
    /// The inputs are drained, and the clocks have run on to where they were to.
    Finished,
}

/// A lane. See the module.
pub struct Lane<L, S: Stages> {
    log: L,
    stages: S,
    settings: LaneSettings,
    metrics: LaneMetrics,
    /// The stage's inputs, so that they can be named while the stage is busy.
    inputs: Vec<InputSpec>,
    /// What the log says is ours; its tasks may have to be restored yet.
    owned: BTreeSet<Partition>,
    /// By partition.
    tasks: Vec<Option<Task<S::Stage>>>,
    /// How many partitions the inputs have.
    partitions: i32,
    /// The state of some task was made with that number, or there was none before.
    has_right_number: bool,
    must_restore: bool,
    awaited: ownership::Awaited,
    pending: Pending,
    condemned: Condemned,
    transaction: Transaction,
    asking: asking::Asking,
    /// How many there have been.
    commits: u64,
    checkpoints: commit::Progress,
    /// When the side inputs were last polled.
    sides_polled_at: Millis,
    /// Whose inbox is looked into first.
    turn: usize,
}

/// What is known of the open transaction.
#[derive(Default)]
struct Transaction {
    /// When its first record was taken, or its first timer fired.
    began: Option<Millis>,
    /// The write that the log has in hand.
    writing: Option<Blame>,
    /// The largest of those it has taken, and its size.
    heaviest: Option<(usize, Blame)>,
}

/// Whose fault it is if a write is refused.
#[derive(Clone, Copy)]
struct Blame {
    cause: Option<Cause>,
    dead_letter: bool,
}

/// Side inputs are polled at least this often, though nobody waits for them.
const SIDES_EVERY: Millis = 2;

/// Records taken out of a task's inboxes in one go.
const DELIVERED_AT_ONCE: usize = 4_096;

/// How long it is since `then`, by a wall clock that may have been put back: then it is as long as can be, for nothing
/// that waits for a length of time may wait for the clock to catch up with itself.
pub(crate) fn lasted(then: Millis, now: Millis) -> Millis {
    if now < then { Millis::MAX } else { now - then }
}

impl<L: Log, S: Stages> Lane<L, S> {
    /// A lane that owns nothing yet.
    pub fn new(log: L, stages: S, settings: LaneSettings, metrics: LaneMetrics) -> Self {
        let inputs = stages.inputs().to_vec();
        Lane {
            log,
            stages,
            settings,
            metrics,
            inputs,
            owned: BTreeSet::new(),
            tasks: Vec::new(),
            partitions: 0,
            has_right_number: false,
            must_restore: false,
            awaited: ownership::Awaited::default(),
            pending: Pending::default(),
            condemned: Condemned::default(),
            transaction: Transaction::default(),
            asking: asking::Asking::default(),
            commits: 0,
            checkpoints: commit::Progress::default(),
            sides_polled_at: 0,
            turn: 0,
        }
    }

    /// One round: what is there is read, applied and, if it is time, committed. `wall` is the real wall clock.
    ///
    /// # Errors
    /// The lane is dead.
    pub fn step(&mut self, wall: &dyn Fn() -> Millis) -> Result<Step, LaneError> {
        let outcome = self.try_step(wall).or_else(|failure| self.survive(failure, wall()));
        let Lane { log, metrics, .. } = self;
        log.troubles(&mut |trouble| metrics.trouble(trouble));
        outcome
    }

    /// Ends the lane in order: what was done is committed, the group is left, so that others go on at once, and then
    /// checkpoints are written, as far as there is time.
    ///
    /// # Errors
    /// The log could not be left in order. What was committed before stands.
    pub fn close(&mut self, wall: &dyn Fn() -> Millis) -> Result<(), LaneError> {
        let now = wall();
        let committed = self.write_out().and_then(|()| self.commit_for_good(wall));
        let stamps = match committed {
            Ok(stamps) => stamps,
            Err(Failure::Abort(why) | Failure::Refused(why)) => {
                tracing::warn!(lane = self.settings.lane, why, "last transaction is left to the next start");
                self.log.abort().map_err(LaneError::from_failure)?;
                Vec::new()
            }
            Err(other) => return Err(LaneError::from_failure(other)),
        };
        self.log.close().map_err(LaneError::from_failure)?;
        self.leave_checkpoints(stamps, now, wall);
        Ok(())
    }

    /// The log, for whoever drives the lane by hand.
    pub fn log(&mut self) -> &mut L {
        &mut self.log
    }

    fn try_step(&mut self, wall: &dyn Fn() -> Millis) -> Result<Step, Failure> {
        if self.must_restore && self.awaited.is_time(wall()) {
            self.restore_missing(wall)?;
        }
        let now = wall();
        self.hear_ends(now);
        self.ask_for_ends(now);
        let (mut read, change) = self.poll(Source::Driver, self.wait(now), now)?;
        if let Some(change) = change {
            self.change(change, wall)?;
            return Ok(Step::Worked);
        }
        let now = wall();
        if self.sides_are_due(now) {
            let (more, change) = self.poll(Source::Side, Duration::ZERO, now)?;
            self.sides_polled_at = now;
            if let Some(change) = change {
                self.change(change, wall)?;
                return Ok(Step::Worked);
            }
            read += more;
        }
        self.hear_ends(now);
        let more_waits = self.deliver(now)?;
        self.catch_up(now);
        if !self.stages.writes_late() {
            self.write_out()?;
        }
        let is_drained = read == 0 && !more_waits;
        self.commit_when_due(is_drained, wall)?;
        self.answer();
        if is_drained && self.run_on_to_the_end() {
            self.write_out()?;
            self.commit(wall)?;
            return Ok(Step::Finished);
        }
        Ok(if is_drained { Step::Idle } else { Step::Worked })
    }

    /// Hands what is there to its tasks: how many records, and whether ownership changed.
    fn poll(&mut self, from: Source, wait: Duration, now: Millis) -> Result<(usize, Option<Ownership>), Failure> {
        let Lane { log, tasks, pending, metrics, condemned, inputs, stages, settings, .. } = self;
        let dead_letters = stages.dead_letters();
        let dead_letter_bytes = settings.dead_letter_bytes;
        let left = stages.most_at_once();
        let mut bench = Bench { pending, metrics, condemned, inputs, dead_letters, dead_letter_bytes, now, left };
        let mut read = 0;
        let change = log.poll(from, wait, &mut |record| {
            read += 1;
            if let Some(Some(task)) = tasks.get_mut(record.partition as usize) {
                task.offer(&record, &mut bench);
            }
        })?;
        Ok((read, change))
    }

    fn sides_are_due(&self, now: Millis) -> bool {
        self.inputs.len() > 1
            && (lasted(self.sides_polled_at, now) >= SIDES_EVERY || self.tasks.iter().flatten().any(Task::needs_sides))
    }

    /// Takes what waits in the inboxes, as far as its turn has come. Whether more could be taken at once.
    fn deliver(&mut self, now: Millis) -> Result<bool, Failure> {
        let Lane { log, tasks, pending, metrics, condemned, inputs, stages, settings, turn, .. } = self;
        let dead_letters = stages.dead_letters();
        let dead_letter_bytes = settings.dead_letter_bytes;
        let left = stages.most_at_once();
        let mut bench = Bench { pending, metrics, condemned, inputs, dead_letters, dead_letter_bytes, now, left };
        let mut more_waits = false;
        // Where few may be taken at once, each task is the first of all in its turn.
        *turn = if left == usize::MAX { 0 } else { turn.wrapping_add(1) };
        let begin = *turn % tasks.len().max(1);
        let (before, from) = tasks.split_at_mut(begin);
        for task in from.iter_mut().chain(before).flatten() {
            task.look_where_it_stands(log);
            more_waits |= task.deliver(DELIVERED_AT_ONCE, &mut bench);
            if task.cold && !task.still_cold() {
                more_waits |= task.deliver(DELIVERED_AT_ONCE, &mut bench);
            }
            task.keep_bounds(log, settings.inbox_bytes)?;
        }
        Ok(more_waits)
    }

    /// With `until`, once everything is read: runs the clocks on to there. Whether it did.
    fn run_on_to_the_end(&mut self) -> bool {
        let Some(until) = self.settings.until else { return false };
        let is_done = |task: &Task<S::Stage>| task.caught_up_to().is_some() && task.is_drained();
        let tasks = || self.tasks.iter().flatten();
        if self.must_restore || tasks().next().is_none() || !tasks().all(is_done) || !self.has_come_to_rest() {
            return false;
        }
        let Lane { tasks, pending, metrics, .. } = self;
        for task in tasks.iter_mut().flatten() {
            task.clock.run_on_to(until);
            task.fire(pending, metrics);
            task.touched = true;
        }
        true
    }
}
