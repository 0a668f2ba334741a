//! The detect stage as a lane drives it, with every call written down; nothing else about it differs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tierline_model::Millis;
use tierline_observe::LaneMetrics;
use tierline_observe::why::{Asked, Found};
use tierline_stream::clock::{At, Clock};
use tierline_stream::detect::{Detect, DetectStage};
use tierline_stream::log::{InputId, Offset, OutputId, Partition, Record};
use tierline_stream::outbox::Outbox;
use tierline_stream::stage::{Applied, EachChange, InputSpec, Stage, Stages};

use crate::world::{World, detect};

/// A call that changes a stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Call {
    /// It was brought back under these rules.
    Restored { rules: usize, reached: Millis, is_cold: bool },
    /// It took a record, its clock standing there before.
    Apply { input: InputId, offset: Offset, dated: bool, at: At },
    /// Its clock came there.
    Advance { at: At },
    /// It was caught up to there.
    CaughtUp { reached: Millis },
}

/// What a lane has called since its last commit, by task.
#[derive(Default)]
pub struct Traces(RefCell<BTreeMap<Partition, Trace>>);

/// Of one task.
#[derive(Default)]
pub struct Trace {
    /// The version of the task that it began from; none: nobody can tell.
    pub base: Option<u64>,
    pub calls: Vec<Call>,
}

impl Traces {
    fn begin(&self, partition: Partition) {
        self.0.borrow_mut().insert(partition, Trace::default());
    }

    fn call(&self, partition: Partition, call: Call) {
        self.0.borrow_mut().entry(partition).or_default().calls.push(call);
    }

    /// A changelog was read as far as this version.
    pub fn restored_to(&self, partition: Partition, version: Option<u64>) {
        self.0.borrow_mut().entry(partition).or_default().base = version;
    }

    /// What was called of a task since its last commit.
    pub fn take(&self, partition: Partition) -> Trace {
        self.0.borrow_mut().remove(&partition).unwrap_or_default()
    }

    /// The process is dead.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    fn base(&self, partition: Partition) -> Option<u64> {
        self.0.borrow().get(&partition)?.base
    }
}

/// Makes them.
pub struct TracedStages {
    inner: Detect,
    world: Rc<World>,
    traces: Rc<Traces>,
    rules: usize,
}

impl TracedStages {
    /// Stages under these rules, which write down here what is called.
    pub fn new(world: Rc<World>, traces: &Rc<Traces>, rules: usize) -> TracedStages {
        let inner = world.verdict().stages(rules);
        TracedStages { inner, world, traces: Rc::clone(traces), rules }
    }
}

impl super::Verdict {
    /// The stages of this plan under these rules.
    pub fn stages(&self, rules: usize) -> Detect {
        detect(&self.plan, &self.setup.rules[rules])
    }
}

impl Stages for TracedStages {
    type Stage = TracedStage;

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn inputs(&self) -> &[InputSpec] {
        self.inner.inputs()
    }

    fn outputs(&self) -> &[String] {
        self.inner.outputs()
    }

    fn changelog(&self) -> OutputId {
        self.inner.changelog()
    }

    fn dead_letters(&self) -> OutputId {
        self.inner.dead_letters()
    }

    fn stage(&mut self, partition: Partition, partitions: i32) -> TracedStage {
        self.traces.begin(partition);
        TracedStage {
            inner: self.inner.stage(partition, partitions),
            partition,
            world: Rc::clone(&self.world),
            traces: Rc::clone(&self.traces),
            rules: self.rules,
        }
    }
}

/// A stage whose calls are written down.
pub struct TracedStage {
    inner: DetectStage,
    partition: Partition,
    world: Rc<World>,
    traces: Rc<Traces>,
    rules: usize,
}

impl Stage for TracedStage {
    fn instant(&mut self, record: &Record<'_>) -> Result<Millis, String> {
        self.inner.instant(record)
    }

    fn apply(&mut self, clock: &mut Clock, record: &Record<'_>, dated: bool, metrics: &mut LaneMetrics) -> Applied {
        let call = Call::Apply { input: record.input, offset: record.offset, dated, at: clock.at() };
        self.traces.call(self.partition, call);
        self.inner.apply(clock, record, dated, metrics)
    }

    fn advance(&mut self, clock: &Clock) {
        self.traces.call(self.partition, Call::Advance { at: clock.at() });
        self.inner.advance(clock);
    }

    fn next_deadline(&self) -> Option<Millis> {
        self.inner.next_deadline()
    }

    fn caught_up(&mut self, reached: Millis) -> bool {
        let anew = self.inner.caught_up(reached);
        if anew {
            self.traces.call(self.partition, Call::CaughtUp { reached });
        }
        anew
    }

    fn outputs(&mut self, to: &mut Outbox<'_>, metrics: &mut LaneMetrics) {
        self.inner.outputs(to, metrics);
    }

    fn changes(&mut self, each: &mut EachChange<'_>) {
        self.inner.changes(each);
    }

    fn snapshot_part(&self, before: u32, entries: usize, each: &mut dyn FnMut(&[u8], &[u8])) -> Option<u32> {
        self.inner.snapshot_part(before, entries, each)
    }

    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), String> {
        self.inner.restore(key, value)
    }

    fn restored(&mut self, clock: &Clock, memory: Option<&[u8]>) -> Result<(), String> {
        self.inner.restored(clock, memory)?;
        let call = Call::Restored { rules: self.rules, reached: clock.reached(), is_cold: memory.is_none() };
        self.traces.call(self.partition, call);
        if let Some(base) = self.traces.base(self.partition) {
            let judged = self.world.verdict().restored(self.partition, base, self.rules, &self.inner, clock, memory);
            self.world.restored(judged);
        }
        Ok(())
    }

    fn memory(&self) -> Vec<u8> {
        self.inner.memory()
    }

    fn committed(&mut self, now: Millis, metrics: &mut LaneMetrics) {
        self.inner.committed(now, metrics);
    }

    fn why(&self, asked: &Asked, now: Millis) -> Found {
        self.inner.why(asked, now)
    }

    fn holds(&self) -> (usize, [usize; 2]) {
        self.inner.holds()
    }
}
