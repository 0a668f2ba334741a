//! What a log is: where records come from and go, and what makes them move together.
//!
//! A log hands a lane the records of the tasks that it owns and takes back outputs, changelog entries and positions in
//! one atomic commit. Kafka does it with transactions, the embedded log with its store's, the simulated one with a
//! model of both. Nothing of theirs may show here: this is what they have in common, and what a lane may rely on.
//!
//! A lane calls from one thread. Nothing here reads a clock that the lane has not handed in, except to wait.

use std::time::Duration;

use tierline_model::Millis;
pub use tierline_observe::Trouble;

/// A task is a partition's worth: the same number in every input.
pub type Partition = i32;

/// A record's place in its partition.
pub type Offset = i64;

/// An input of the stage, as an index into the stage's list of inputs; `DRIVER` is the one whose ownership decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InputId(pub u16);

impl InputId {
    /// The input that the group is subscribed to (`tickets`): who owns its partition *i* owns task *i*.
    pub const DRIVER: InputId = InputId(0);
}

/// Where a stage writes: an index into the stage's list of outputs. The changelog is one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutputId(pub u16);

/// A record as it was read; borrowed from the log for the length of the call.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Which input.
    pub input: InputId,
    /// Which task.
    pub partition: Partition,
    /// Its place. Offsets grow, with gaps.
    pub offset: Offset,
    /// When the log took it (or, where the topic cannot say, the record's own timestamp), UTC.
    pub appended_at: Millis,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers, read only when somebody asks.
    pub headers: &'a dyn Headers,
}

/// The headers of a record, in order.
pub trait Headers {
    /// Hands each over: name, value.
    fn each(&self, to: &mut dyn FnMut(&str, Option<&[u8]>));
}

/// A record without headers.
pub struct NoHeaders;

impl Headers for NoHeaders {
    fn each(&self, _: &mut dyn FnMut(&str, Option<&[u8]>)) {}
}

/// What a lane writes.
#[derive(Clone, Copy)]
pub struct Write<'a> {
    /// Where to.
    pub output: OutputId,
    /// Always explicit: partition *i* of every output for task *i*, unless the output is keyed by something else.
    pub partition: Partition,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers, in order.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// A change of what this lane owns. The lane must answer each before it polls again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// These are the lane's from now on. Answer: [`Log::start`] for each, after its restore.
    Assigned(Vec<Partition>),
    /// These are to be given up in order: commit, then [`Log::release`].
    Revoked(Vec<Partition>),
    /// These are another's already: abort, then [`Log::release`]. Nothing may be committed for them.
    Lost(Vec<Partition>),
}

/// The end offsets of every input of every owned task, asked for by a client that also sees what is uncommitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The instant at or before which the question was sent, as handed to [`Log::ask_ends`].
    pub asked_at: Millis,
    /// One past the last record, per input and partition.
    pub offsets: Vec<(InputId, Partition, Offset)>,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All of it is durable and visible.
    Yes,
    /// None of it took effect. Drop the state of the lane's tasks and restore it.
    Aborted,
}

/// Why a log cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Another has taken this lane's place. The process ends; it never re-initialises.
    #[error("fenced: {0}")]
    Fenced(String),
    /// What the transaction holds is lost; abort, drop the state, restore.
    #[error("transaction must be aborted: {0}")]
    Abort(String),
    /// One record of this transaction can never be written (too large for the cluster, say). Abort, then dead-letter
    /// the input that caused it.
    #[error("refused by the log: {0}")]
    Refused(String),
    /// Cannot be told now (a partition has no leader, say), and may be later. An answer of [`Log::range`],
    /// [`Log::start`], [`Log::replay`] and [`Log::output_end`] alone: nothing has been done, and they may be called again.
    #[error("{0}")]
    Later(String),
    /// Nothing that a restart of the lane could mend: configuration, rights, a missing topic.
    #[error("{0}")]
    Fatal(String),
}

/// A lane's end of a log. See the module for what it promises.
pub trait Log {
    /// Waits at most `wait` for records of `from`, or for a change of ownership, and hands over what is there, in
    /// offset order within an input's partition. Returns early with what it has; a change of ownership is returned
    /// before any further record. Hands over many at once where many are there (thousands, or 10 ms' worth): the lane
    /// looks at its timers, its side inputs and its commit interval between two polls, and at nothing else.
    fn poll(
        &mut self,
        from: Source,
        wait: Duration,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Ownership>, Failure>;

    /// Where reading stands: the offset up to which everything of this input's partition has been handed over, gaps
    /// (markers, aborted records) included.
    fn position(&mut self, input: InputId, partition: Partition) -> Option<Offset>;

    /// The earliest and the next offset of an input's partition: what a stored position is checked against.
    fn range(&mut self, input: InputId, partition: Partition) -> Result<(Offset, Offset), Failure>;

    /// Begins to hand over the records of a task, each input from its position; none: from the earliest there is.
    /// Called again for a running task after an abort: it rewinds, and forgets what was paused.
    fn start(&mut self, partition: Partition, positions: &[(InputId, Option<Offset>)]) -> Result<(), Failure>;

    /// Stops handing over an input of a task for now (its inbox is full), or goes on at `from`.
    fn pause(&mut self, input: InputId, partition: Partition) -> Result<(), Failure>;
    /// Goes on with a paused input at `from`.
    fn resume(&mut self, input: InputId, partition: Partition, from: Offset) -> Result<(), Failure>;

    /// Gives up tasks that were revoked or lost; nothing of theirs is handed over any more.
    fn release(&mut self, partitions: &[Partition]) -> Result<(), Failure>;

    /// Asks for the ends of everything owned. Does not wait; a second question replaces an unanswered one.
    fn ask_ends(&mut self, now: Millis);

    /// The newest answer that has come and has not been taken yet.
    fn ends(&mut self) -> Option<Ends>;

    /// Adds a record to the open transaction, and opens one where none is. May block while the log is slow:
    /// back-pressure.
    fn write(&mut self, write: Write<'_>) -> Result<(), Failure>;

    /// Makes everything written since the last commit, and these positions of the driver's partitions, durable and
    /// visible in one step, or none of it. `positions` names every task that the transaction touches, moved or not:
    /// it is the fence. Called without writes, it commits the positions alone.
    fn commit(&mut self, positions: &[(Partition, Offset)]) -> Result<Committed, Failure>;

    /// Forgets the open transaction.
    fn abort(&mut self) -> Result<(), Failure>;

    /// Reads a partition of an output (the changelog) from `from`, or from its beginning, to its true end, waiting for
    /// what is still hidden behind an open transaction, and hands over committed records only. Returns the offset
    /// where the next one will stand. `None` for `from` beyond the log or before its beginning, with nothing handed
    /// over: the caller reads it all.
    fn replay(
        &mut self,
        output: OutputId,
        partition: Partition,
        from: Option<Offset>,
        each: &mut dyn FnMut(Record<'_>),
    ) -> Result<Option<Offset>, Failure>;

    /// The true end of a partition of an output: one past the last record, committed or not. What a checkpoint is
    /// stamped with. The default reads it all; a log that can simply ask overrides this.
    fn output_end(&mut self, output: OutputId, partition: Partition) -> Result<Offset, Failure> {
        Ok(self.replay(output, partition, None, &mut |_| {})?.unwrap_or(0))
    }

    /// How many partitions each input has, the driver's first; they must be equal.
    fn partitions(&mut self) -> Result<Vec<(InputId, i32)>, Failure>;

    /// What it has had to get over since it was last asked, to be counted. A log that has no such troubles says nothing.
    fn troubles(&mut self, _each: &mut dyn FnMut(Trouble)) {}

    /// Leaves the group in order, if the log has one; nothing is handed over afterwards.
    fn close(&mut self) -> Result<(), Failure>;
}

/// Which records a poll is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The driver's.
    Driver,
    /// All others'.
    Side,
}
