//! Where do the inputs end? Asked now and then, and at once when a timer is due by the wall: only the answer, once it
//! has been passed, lets a task's clock say that its instant is over.

use std::collections::VecDeque;
use std::time::Duration;

use rustc_hash::FxHashMap;
use tierline_model::Millis;
use tierline_observe::PartitionState;

use super::{Lane, lasted};
use crate::clock::ClockMode;
use crate::log::Log;
use crate::stage::{Stage, Stages};
use crate::task::Task;

/// The questions of a lane. Instants of the real wall.
#[derive(Default)]
pub(super) struct Asking {
    last: Option<Millis>,
    /// When it was last looked for an answer.
    looked: Option<Millis>,
    /// When the newest answer was heard.
    heard: Option<Millis>,
    /// Questions since the last answer.
    unanswered: u32,
    /// How many commits there had been when a question was asked that may yet be answered, by when it was asked.
    questions: VecDeque<(Millis, u64)>,
    /// How many there had been when the newest answer was asked for.
    heard_after: Option<u64>,
}

/// A question that stays unanswered so long is asked again, and the next one is given twice as long: an answer that
/// takes longer must not be replaced for ever by a newer question.
const PATIENCE: Millis = 1_000;

/// An answer says where an input ended. So long after it was heard, more may have come of which nothing is known. By the
/// clock of events it may be any age: a record is taken only if it was there before the answer was asked for, and what
/// has come elsewhere since is behind it.
const STALE: Millis = 500;

/// After so many questions without an answer, some seconds, it is said that the lane waits; then at each further one.
const SAYS_SO: u32 = 3;

/// How often patience doubles.
const DOUBLINGS: u32 = 5;

/// A task that has read everything up to so long ago counts as caught up (in real time).
const CAUGHT_UP_WITHIN: Millis = 2_000;

impl<L: Log, S: Stages> Lane<L, S> {
    /// Takes an answer, if there is one; one from long ago is believed no more, for a lane that slept or was stopped
    /// would take a record before another that has come meanwhile.
    pub(super) fn hear_ends(&mut self, now: Millis) {
        let looked = self.asking.looked.replace(now);
        let answer = self.log.ends();
        // What was answered while the lane was held up has lain there for nobody knows how long.
        let goes_stale = self.settings.clock != ClockMode::Events;
        let is_old = goes_stale && looked.is_some_and(|looked| lasted(looked, now) > STALE);
        if is_old && answer.is_some() {
            self.asking.unanswered = 0;
        }
        let Some(ends) = answer.filter(|_| !is_old) else {
            if goes_stale && self.asking.heard.is_some_and(|heard| lasted(heard, now) > STALE) {
                self.asking.heard = None;
                self.tasks.iter_mut().flatten().for_each(Task::forget_ends);
            }
            return;
        };
        self.asking.unanswered = 0;
        self.asking.heard = Some(now);
        self.asking.heard_after = None;
        let asking = &mut self.asking;
        while let Some(&(_, after)) = asking.questions.front().filter(|(at, _)| *at <= ends.asked_at) {
            asking.heard_after.get_or_insert(after);
            asking.questions.pop_front();
        }
        let by_place: FxHashMap<_, _> =
            ends.offsets.iter().map(|&(input, partition, offset)| ((input, partition), offset)).collect();
        for task in self.tasks.iter_mut().flatten() {
            let partition = task.partition;
            task.ends(ends.asked_at, |input| by_place.get(&(input, partition)).copied());
        }
        self.show_lag();
    }

    /// Asks, if it is time.
    pub(super) fn ask_for_ends(&mut self, now: Millis) {
        let since = self.asking.last.map_or(Millis::MAX, |last| lasted(last, now));
        let wall = self.settings.clock.wall(now);
        let is_due = match self.asking.unanswered {
            0 => since >= self.settings.ask_interval.as_millis() as Millis || self.is_pressed(wall),
            times => since >= PATIENCE << (times - 1).min(DOUBLINGS),
        };
        if is_due && self.tasks.iter().flatten().next().is_some() {
            if self.asking.unanswered >= SAYS_SO {
                let (lane, questions) = (self.settings.lane, self.asking.unanswered);
                tracing::warn!(lane, questions, "nobody answers where the inputs end; no clock moves on before that");
            }
            self.log.ask_ends(wall);
            self.asking.questions.push_back((wall, self.commits));
            (self.asking.last, self.asking.unanswered) = (Some(now), self.asking.unanswered + 1);
        }
    }

    /// How long the next poll may wait for a record.
    pub(super) fn wait(&self, now: Millis) -> Duration {
        let wall = self.settings.clock.wall(now);
        if self.transaction.began.is_some() || self.tasks.iter().flatten().any(|task| task.touched) {
            return Duration::ZERO;
        }
        if self.is_pressed(wall) {
            return Duration::from_millis(1);
        }
        let next = self.tasks.iter().flatten().filter_map(|task| task.stage.next_deadline()).filter(|&due| due > wall);
        let until_due = next.min().map_or(Millis::MAX, |due| self.settings.clock.real_length(due - wall));
        self.settings.idle_wait.min(Duration::from_millis(until_due as u64))
    }

    /// Whether nothing more comes of all that was written: every input has been read to an end that was asked for after
    /// the last commit, for what one task writes another may read.
    pub(super) fn has_come_to_rest(&self) -> bool {
        self.asking.heard_after == Some(self.commits) && self.tasks.iter().flatten().all(Task::is_at_its_ends)
    }

    /// Whether a task waits for an answer, to an instant of the (scaled) wall.
    fn is_pressed(&self, wall: Millis) -> bool {
        self.tasks.iter().flatten().any(|task| task.needs_ends() || task.is_overdue(wall))
    }

    /// Moves on the clocks of tasks that have passed an answer; what is due fires.
    pub(super) fn catch_up(&mut self, now: Millis) {
        let Lane { tasks, pending, metrics, .. } = self;
        for task in tasks.iter_mut().flatten() {
            task.catch_up(pending, metrics);
        }
        for place in 0..self.tasks.len() {
            self.show_state(place, now);
        }
    }

    /// Tells health and metrics how a task stands, where that has changed.
    fn show_state(&mut self, place: usize, now: Millis) {
        let recently = self.settings.clock.wall(now - CAUGHT_UP_WITHIN);
        let Some(task) = &mut self.tasks[place] else { return };
        let state = match &task.waiting {
            Some(waiting) => PartitionState::Waiting(waiting.reason.clone()),
            None if task.caught_up_to().is_some_and(|instant| instant >= recently) => PartitionState::CaughtUp,
            None => PartitionState::CatchingUp,
        };
        if task.shown.as_ref() != Some(&state) {
            self.metrics.caught_up(task.partition, state == PartitionState::CaughtUp);
            self.settings.health.partition(task.partition, state.clone());
            task.shown = Some(state);
        }
    }

    fn show_lag(&self) {
        for task in self.tasks.iter().flatten() {
            for (place, spec) in self.inputs.iter().enumerate() {
                if let Some(lag) = task.lag(crate::log::InputId(place as u16)) {
                    self.metrics.lag(&spec.topic, task.partition, lag);
                }
            }
        }
    }
}

impl<S: Stage> Task<S> {
    /// Whether a timer is due by the wall, and no answer that is there already could say so.
    fn is_overdue(&self, wall: Millis) -> bool {
        let due = |deadline| deadline <= wall && deadline > self.clock.reached() && deadline > self.asked_up_to();
        !self.cold && self.clock.follows_wall() && self.stage.next_deadline().is_some_and(due)
    }
}
