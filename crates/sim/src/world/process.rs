//! A process: one lane over its log, its steps, and its ends.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tierline_invariants::{Invariant, Violation};
use tierline_model::Millis;
use tierline_stream::log::{InputId, Offset, Partition};
use tierline_stream::score::Score;
use tierline_stream::stage::Stages;
use tierline_stream::{Checkpoints, Lane, LaneError, LaneSettings, Step};

use super::events::Event;
use super::log::SimLog;
use super::{KEEP_TOMBSTONES, World, names, score};
use crate::cluster::Role;
use crate::cluster::group::MemberId;
use crate::verdict::traced::{TracedStages, Traces};

/// A process, by its place among all that ever ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pid(pub usize);

/// A process.
pub(super) struct Process {
    pub pid: Pid,
    pub instance: usize,
    pub role: Role,
    lane: RefCell<Option<Running>>,
    /// A call of its lane is under way.
    busy: Cell<bool>,
    alive: Cell<bool>,
    pub frozen_until: Cell<Millis>,
    /// Which of its steps to come is the one that counts, and when that is.
    token: Cell<u64>,
    next_at: Cell<Millis>,
    /// When the answer to its last question for the ends comes.
    pub answer_at: Cell<Millis>,
    /// How long its last poll would have waited.
    pub wait: Cell<Millis>,
    pub member: Cell<Option<MemberId>>,
    pub owned: RefCell<BTreeSet<Partition>>,
    pub readers: RefCell<BTreeMap<(InputId, Partition), Reader>>,
    pub armed: Cell<Option<Armed>>,
    pub traces: Rc<Traces>,
}

/// The lane of a process, by its role.
enum Running {
    Detect(Lane<SimLog, TracedStages>),
    Score(Lane<SimLog, Score>),
}

impl Running {
    fn step(&mut self, wall: &dyn Fn() -> Millis) -> Result<Step, LaneError> {
        match self {
            Running::Detect(lane) => lane.step(wall),
            Running::Score(lane) => lane.step(wall),
        }
    }

    fn close(&mut self, wall: &dyn Fn() -> Millis) -> Result<(), LaneError> {
        match self {
            Running::Detect(lane) => lane.close(wall),
            Running::Score(lane) => lane.close(wall),
        }
    }
}

/// Where it stands in an input.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    pub next: Offset,
    pub paused: bool,
}

/// What will hit a process, and when.
#[derive(Clone, Copy)]
pub(super) struct Armed {
    pub calls: u32,
    pub after: bool,
    pub blow: Blow,
}

/// What hits it.
#[derive(Clone, Copy)]
pub(super) enum Blow {
    Die { power: bool, down: Millis },
    Freeze { length: Millis, replaced: bool },
}

/// So many steps are a lane that never comes to rest.
const STEPS: u64 = 400_000;

impl Process {
    pub fn is_alive(&self) -> bool {
        self.alive.get()
    }

    pub fn is_frozen(&self, now: Millis) -> bool {
        self.frozen_until.get() > now
    }

    pub fn reads(&self, partition: Partition) -> bool {
        self.owned.borrow().contains(&partition)
    }

    /// The run is over.
    pub fn end(&self) {
        self.alive.set(false);
        self.lane.take();
    }
}

impl World {
    /// An instance is started, unless it runs.
    pub(super) fn start(self: &Rc<Self>, instance: usize) {
        if self.current(instance).is_some() {
            return;
        }
        let pid = Pid(self.processes.borrow().len());
        let process = Rc::new(Process {
            pid,
            instance,
            role: self.instances[instance].role,
            lane: RefCell::new(None),
            busy: Cell::new(false),
            alive: Cell::new(true),
            frozen_until: Cell::new(Millis::MIN),
            token: Cell::new(0),
            next_at: Cell::new(Millis::MIN),
            wait: Cell::new(0),
            answer_at: Cell::new(Millis::MIN),
            member: Cell::new(None),
            owned: RefCell::default(),
            readers: RefCell::default(),
            armed: Cell::new(None),
            traces: Rc::default(),
        });
        self.processes.borrow_mut().push(Rc::clone(&process));
        self.instances[instance].current.set(Some(pid));
        let (rules, settings) = (self.instances[instance].rules.get(), self.lane_settings(instance));
        self.tell(|| format!("{pid:?} of instance {instance} starts, to {}, with rules {rules}", process.role.name()));
        let log = || SimLog::connect(Rc::clone(self), Rc::clone(&process));
        let lane = match process.role {
            Role::Detect => {
                let stages = TracedStages::new(Rc::clone(self), &process.traces, rules);
                let metrics = self.metrics.lane(&names(stages.inputs()));
                Running::Detect(Lane::new(log(), stages, settings, metrics))
            }
            Role::Score => {
                let stages = score();
                let metrics = self.metrics.lane_of_stage(stages.name(), &names(stages.inputs()));
                Running::Score(Lane::new(log(), stages, settings, metrics))
            }
        };
        process.lane.replace(Some(lane));
        self.schedule(&process, 1);
    }

    fn lane_settings(&self, instance: usize) -> LaneSettings {
        let millis = |length: Millis| Duration::from_millis(length as u64);
        let checkpoints = self.plan.checkpoint_interval.map(|interval| Checkpoints {
            interval: millis(interval),
            bytes: 20_000,
            // An account at a time, and much happens in between.
            piece: 1,
            max_age: millis(KEEP_TOMBSTONES / 2),
            disk: Arc::new(self.instances[instance].disk.clone()),
            ..Checkpoints::in_folder("checkpoints")
        });
        LaneSettings {
            // A sleeping lane is woken by what arrives.
            idle_wait: Duration::from_secs(2),
            inbox_bytes: self.plan.inbox_bytes,
            checkpoints,
            incarnation: || {
                thread_local!(static NEXT: Cell<u128> = const { Cell::new(1) });
                NEXT.replace(NEXT.get() + 1)
            },
            ..LaneSettings::default()
        }
    }

    fn schedule(&self, process: &Process, after: Millis) {
        let at = self.now.get() + after;
        process.token.set(process.token.get() + 1);
        process.next_at.set(at);
        self.at(at, Event::Step(process.pid, process.token.get()));
    }

    pub(super) fn wake(&self, process: &Process) {
        if !process.busy.get() && process.next_at.get() > self.now.get() + 4 {
            self.schedule(process, self.between(0, 4));
        }
    }

    /// A process takes its next step.
    pub(super) fn step(self: &Rc<Self>, pid: Pid, token: u64) {
        let process = Rc::clone(&self.processes.borrow()[pid.0]);
        if !process.is_alive() || process.busy.get() || process.token.get() != token {
            return;
        }
        let Some(mut lane) = process.lane.take() else { return };
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS {
            self.blame(Violation::new(Invariant::NotLate, "the lanes never come to rest"));
            return;
        }
        process.busy.set(true);
        let stepped = lane.step(&|| self.wall(process.instance));
        process.busy.set(false);
        if !process.is_alive() {
            return;
        }
        match stepped {
            Ok(step) => {
                process.lane.replace(Some(lane));
                let after = match step {
                    Step::StartedOver => 50,
                    Step::Worked => 1,
                    Step::Idle | Step::Finished => {
                        // Nothing but an answer helps one that is pressed: it looks again when there is one.
                        let answer = process.answer_at.get().saturating_sub(self.now.get());
                        let pressed = if answer >= 0 { answer.max(1) } else { 60 };
                        process.wait.get().clamp(pressed, 2_000)
                    }
                };
                self.schedule(&process, after);
            }
            Err(LaneError::Fenced(why)) => {
                self.tell(|| format!("{pid:?} ends: {why}"));
                self.die(&process, false, 1_000);
            }
            Err(LaneError::Fatal(why)) => {
                self.blame(Violation::new(Invariant::ExactlyOnce, format!("{pid:?} cannot go on: {why}")));
            }
        }
    }

    /// A process dies; its instance is started again later, if it was the one.
    pub(super) fn die(self: &Rc<Self>, process: &Rc<Process>, power: bool, down: Millis) {
        self.tell(|| format!("{:?} is dead", process.pid));
        process.alive.set(false);
        process.traces.clear();
        let instance = &self.instances[process.instance];
        if instance.current.get() == Some(process.pid) {
            instance.current.set(None);
            self.at(self.now.get() + down, Event::Start(process.instance));
        }
        if power {
            instance.disk.lose_power(&mut self.chance.borrow_mut());
        }
        if !process.busy.get() {
            process.lane.take();
        }
    }

    /// An instance ends in order. One that is in the middle of something isn't asked.
    pub(super) fn stop(self: &Rc<Self>, instance: usize, down: Millis) {
        let Some(process) = self.current(instance) else { return };
        if process.busy.get() {
            return self.die(&process, false, down);
        }
        if let Some(mut lane) = process.lane.take() {
            process.busy.set(true);
            let closed = lane.close(&|| self.wall(instance));
            process.busy.set(false);
            if let (Err(LaneError::Fatal(why)), true) = (closed, process.is_alive()) {
                self.blame(Violation::new(Invariant::ExactlyOnce, format!("{:?} cannot end: {why}", process.pid)));
            }
        }
        if process.is_alive() {
            self.die(&process, false, down);
        }
    }
}
