//! What a stage is: inputs in, outputs and changelog entries out, and no clock, socket or file inside.
//!
//! There is one stage per task, so everything that it needs is its own. A [`Stages`] makes them and says, once for all
//! of them, what their inputs and outputs are.

use tierline_model::Millis;
use tierline_observe::LaneMetrics;
use tierline_observe::why::{Asked, Found};

use crate::clock::Clock;
use crate::log::{OutputId, Partition, Record};
use crate::outbox::Outbox;

/// Makes the stages of a lane's tasks.
pub trait Stages {
    /// What it makes.
    type Stage: Stage;

    /// The stage's name, as it stands in file names: `detect`.
    fn name(&self) -> &'static str;

    /// Its inputs, by `InputId`; the driver's first.
    fn inputs(&self) -> &[InputSpec];

    /// The names of its outputs, by `OutputId`.
    fn outputs(&self) -> &[String];

    /// Which output is the changelog.
    fn changelog(&self) -> OutputId;

    /// Which output takes what could not be read.
    fn dead_letters(&self) -> OutputId;

    /// Whether a task that has never been begins behind all that there is, rather than with the earliest of it.
    fn begins_at_the_end(&self) -> bool {
        false
    }

    /// How many records a lane may take, of all its tasks together, before it looks after its log again: few where each
    /// may take long, for a lane that does not poll loses its tasks. At least 1.
    fn most_at_once(&self) -> usize {
        usize::MAX
    }

    /// Whether a task holds anything that follows from the records before: then none may be missing, and a task whose
    /// next one was deleted does not start. Else it goes on with the earliest there is.
    fn holds_state(&self) -> bool {
        true
    }

    /// Whether the log is given what it writes only to be committed at once, rather than early. So with what another
    /// stage reads: that must wait for what is hidden behind an open transaction, before it believes that an input ends.
    fn writes_late(&self) -> bool {
        false
    }

    /// An empty stage for this task, one of so many.
    fn stage(&mut self, partition: Partition, partitions: i32) -> Self::Stage;
}

/// An input of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// The topic's name.
    pub topic: String,
    /// Its place among inputs whose next records are of the same instant: the lowest first.
    pub rank: u8,
    /// A cold start reads it to its end before anything else, and its records then carry no instant.
    pub snapshot: bool,
}

/// One task's worth of a stage.
pub trait Stage {
    /// The instant by which this record takes its place among the other inputs' next ones: its `occurred_at`, no later
    /// than its append time. Asked only when two inputs have a record waiting. `Err`: nobody can tell now, for this
    /// reason outside of it; the lane waits and asks again.
    fn instant(&mut self, record: &Record<'_>) -> Result<Millis, String>;

    /// Takes a record, moving the clock to its instant where it is one that moves clocks. `dated` is false while a cold
    /// start reads its snapshots.
    fn apply(&mut self, clock: &mut Clock, record: &Record<'_>, dated: bool, metrics: &mut LaneMetrics) -> Applied;

    /// What is due by this clock fires: all that is over up to and including what it has [reached](Clock::reached).
    fn advance(&mut self, clock: &Clock);

    /// The first instant that is worth an `advance` once it is reached.
    fn next_deadline(&self) -> Option<Millis>;

    /// The task has caught up, up to and including this instant. Only the first time in its life means anything. Whether
    /// anything came of it.
    fn caught_up(&mut self, reached: Millis) -> bool;

    /// Hands over what is to be written, in order.
    fn outputs(&mut self, to: &mut Outbox<'_>, metrics: &mut LaneMetrics);

    /// Hands over the changelog entry of everything that changed since the last call, each key once.
    fn changes(&mut self, each: &mut EachChange<'_>);

    /// Hands over keys of the changelog with their values, for a checkpoint: those before a place, `MAX` being behind the
    /// last, until it was so many or a few more. Before which place to go on; none: that was all. Records may be applied
    /// between two parts: what changes meanwhile is handed over as it was or as it has become, everything else once.
    fn snapshot_part(&self, before: u32, entries: usize, each: &mut dyn FnMut(&[u8], &[u8])) -> Option<u32>;

    /// Hands over every key with its value.
    fn snapshot(&self, each: &mut dyn FnMut(&[u8], &[u8])) {
        self.snapshot_part(u32::MAX, usize::MAX, each);
    }

    /// Takes a changelog entry back; oldest first, the last of a key wins. The reason where it makes no sense.
    fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), String>;

    /// All has been taken back, as of when everything up to and including what the clock has [reached](Clock::reached)
    /// had happened. `memory` is what [`memory`](Self::memory) said then; none: a cold start.
    ///
    /// # Errors
    /// Why it makes no sense.
    fn restored(&mut self, clock: &Clock, memory: Option<&[u8]>) -> Result<(), String>;

    /// What it wants remembered in the task record.
    fn memory(&self) -> Vec<u8>;

    /// What it wrote is durable, at this instant of the wall: what remains to be counted is counted.
    fn committed(&mut self, now: Millis, metrics: &mut LaneMetrics);

    /// Answers a question about a ticket, as of `now` unless it says when. Looks, and changes nothing.
    fn why(&self, asked: &Asked, now: Millis) -> Found;

    /// How much it holds: open tickets, open escalations of tier 2 and tier 3.
    fn holds(&self) -> (usize, [usize; 2]);
}

/// Is handed a changelog entry: its key, and its value or none for a tombstone.
pub type EachChange<'a> = dyn FnMut(&[u8], Option<&[u8]>) + 'a;

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is in effect.
    Ok,
    /// It is of no use here, and counted.
    PassedOver,
    /// It can never be taken.
    DeadLetter {
        /// A stable code: the header `tierline.error`.
        code: &'static str,
        /// For people; without a customer's words.
        reason: String,
    },
    /// It cannot be taken now, for a reason outside of it: the lane waits and offers it again.
    Wait(String),
}
