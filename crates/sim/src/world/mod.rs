//! The world that a run happens in: a cluster, instances, one queue of what happens next, and the time.
//!
//! Nothing runs at the same time as anything else. A call to a log that takes time lets the world go on meanwhile
//! (`log::SimLog::pass`), with everybody but the caller; so a step of a lane is interleaved with those of others at each of
//! its calls, and a caller that is stopped for long finds the world changed.

mod events;
mod log;
mod process;
mod strikes;

use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use tierline_engine::Settings;
use tierline_invariants::Violation;
use tierline_model::{Encoding, Millis};
use tierline_observe::Metrics;
use tierline_rules::RuleSet;
use tierline_stream::detect::{Detect, DetectSettings};
use tierline_stream::score::{Score, ScoreSettings};
use tierline_stream::stage::{InputSpec, Stages};
use tierline_stream::topics::Names;

use crate::chance::Chance;
use crate::cluster::group::Group;
use crate::cluster::{Cluster, Role};
use crate::disk::SimDisk;
use crate::moods::Moods;
use crate::plan::{Plan, START};
use crate::timeline::Timeline;
use crate::verdict::Verdict;
use crate::{Setup, rules};
use events::Queue;
use process::Process;

pub use process::Pid;

/// A member that isn't heard of for so long is given up.
const SESSION: Millis = 3_000;
/// A transaction that stays open for so long is aborted.
const TRANSACTION_TIMEOUT: Millis = 8_000;
/// How often members are heard of.
const HEARTBEAT: Millis = 300;
/// Tombstones stay for so long; checkpoints are void after half of it.
const KEEP_TOMBSTONES: Millis = 30_000;

/// See the module.
pub struct World {
    plan: Plan,
    now: Cell<Millis>,
    queue: RefCell<Queue>,
    cluster: RefCell<Cluster>,
    /// By role.
    groups: [RefCell<Group>; 2],
    chance: RefCell<Chance>,
    processes: RefCell<Vec<Rc<Process>>>,
    instances: Vec<Instance>,
    slow: RefCell<BTreeMap<usize, Millis>>,
    silent_until: Cell<Millis>,
    late_markers_until: Cell<Millis>,
    verdict: RefCell<Verdict>,
    violation: RefCell<Option<Violation>>,
    timeline: RefCell<Timeline>,
    backups: RefCell<Vec<Backup>>,
    metrics: Metrics,
    steps: Cell<u64>,
}

/// Checkpoints as they were.
type Backup = Vec<(PathBuf, Vec<u8>)>;

/// What outlives an instance's processes.
struct Instance {
    role: Role,
    disk: SimDisk,
    /// How far its clock is ahead.
    skew: Cell<Millis>,
    /// How much it gains, millionths.
    drift: i64,
    rules: Cell<usize>,
    lost_answer: Cell<Option<bool>>,
    write_fails: Cell<bool>,
    /// The process that runs under its name, if one does.
    current: Cell<Option<Pid>>,
}

impl World {
    /// The world of a plan, before anything has happened.
    pub fn new(plan: &Plan, setup: &Rc<Setup>, is_told: bool) -> Rc<World> {
        let detect = detect(plan, &setup.rules[0]);
        let inputs = names(detect.inputs());
        let score = score();
        let cluster = Cluster::new(&inputs, [detect.outputs(), score.outputs()], plan.partitions);
        let instance = |place: usize| Instance {
            role: if place < plan.instances { Role::Detect } else { Role::Score },
            disk: SimDisk::default(),
            skew: Cell::new(plan.skews[place]),
            drift: plan.drifts[place],
            rules: Cell::new(0),
            lost_answer: Cell::new(None),
            write_fails: Cell::new(false),
            current: Cell::new(None),
        };
        Rc::new(World {
            now: Cell::new(START),
            queue: RefCell::new(Queue::default()),
            cluster: RefCell::new(cluster),
            groups: Role::ALL.map(|_| RefCell::new(Group::new(plan.partitions))),
            chance: RefCell::new(Chance::new(plan.seed, 4)),
            processes: RefCell::new(Vec::new()),
            instances: (0..plan.instances + plan.scorers).map(instance).collect(),
            slow: RefCell::new(BTreeMap::new()),
            silent_until: Cell::new(Millis::MIN),
            late_markers_until: Cell::new(Millis::MIN),
            verdict: RefCell::new(Verdict::new(plan, setup, setup.metrics.lane(&inputs))),
            violation: RefCell::new(None),
            timeline: RefCell::new(Timeline::new(is_told)),
            backups: RefCell::new(Vec::new()),
            metrics: setup.metrics.clone(),
            steps: Cell::new(0),
            plan: plan.clone(),
        })
    }

    /// Lives through the plan, and on until everything has come to rest. What was seen.
    pub fn run(self: &Rc<Self>) -> Seen {
        self.begin();
        let behind = 2 * self.plan.skews.iter().map(|it| it.abs()).max().unwrap_or(0);
        self.run_until(self.plan.rests() + self.plan.grace + behind);
        // Hours that begin later may make something due at the very end: what was decided is seen before it is judged.
        while self.violation.borrow().is_none() && !self.cluster.borrow().all_are_complete() {
            self.run_until(self.now.get() + 1);
        }
        let mut violation = self.violation.take();
        if violation.is_none() {
            violation = self.verdict.borrow_mut().at_the_end(&self.cluster.borrow()).err();
        }
        self.processes.borrow().iter().for_each(|process| process.end());
        let outputs = self.verdict.borrow().outputs();
        Seen { violation, timeline: self.timeline.take(), outputs, steps: self.steps.get() }
    }

    /// Something is not as it must be. The first of it counts.
    fn blame(&self, violation: Violation) {
        self.tell(|| format!("!! {violation}"));
        self.violation.borrow_mut().get_or_insert(violation);
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        self.timeline.borrow_mut().tell(self.now.get(), what);
    }

    fn between(&self, from: Millis, to: Millis) -> Millis {
        self.chance.borrow_mut().between(from, to)
    }

    fn one_in(&self, times: u64) -> bool {
        self.chance.borrow_mut().one_in(times)
    }

    /// The group of a role.
    fn group(&self, role: Role) -> RefMut<'_, Group> {
        self.groups[role as usize].borrow_mut()
    }

    /// What an instance's wall clock shows.
    fn wall(&self, instance: usize) -> Millis {
        let it = &self.instances[instance];
        let now = self.now.get();
        now + it.skew.get() + (now - START) * it.drift / 1_000_000
    }
}

/// What a run came to.
pub struct Seen {
    /// What wasn't as it must be.
    pub violation: Option<Violation>,
    /// What happened.
    pub timeline: Timeline,
    /// Records of `escalations` that were committed.
    pub outputs: u64,
    /// Steps of lanes.
    pub steps: u64,
}

/// What inputs are called.
fn names(inputs: &[InputSpec]) -> Vec<String> {
    inputs.iter().map(|spec| spec.topic.clone()).collect()
}

/// The detect stages of a plan under these rules.
pub fn detect(plan: &Plan, rules: &Arc<RuleSet>) -> Detect {
    let engine = Settings {
        grace: plan.grace,
        stale_after: 5_000,
        import_timeout: 20_000,
        history: rules::HISTORY,
        start_quietly: plan.start_quietly,
        precedence: Vec::new(),
    };
    Detect::new(DetectSettings {
        names: Names::default(),
        rules: Arc::clone(rules),
        engine,
        max_future: 3_600_000,
        escalations: Encoding::SingleObject,
        shadow: Encoding::SingleObject,
        queue: Encoding::SingleObject,
        sla_events: Encoding::SingleObject,
        schemas: None,
    })
}

/// The score stages of any plan.
pub fn score() -> Score {
    Score::new(ScoreSettings {
        names: Names::default(),
        scorer: Arc::new(Moods),
        max_future: 3_600_000,
        signals: Encoding::SingleObject,
        schemas: None,
        begin_at_the_end: false,
    })
}
