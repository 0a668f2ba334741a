//! What goes into the engine and what comes out of it.

use tierline_model::{
    AccountChange, AccountSnapshot, BillingChange, BillingSnapshot, Command, Escalation, Millis, QueueEntry, Signal,
    TicketEvent,
};
use uuid::Uuid;

/// A decoded record, with what the log says of it.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// When the log took it, UTC; [`None`] for snapshots that are read before a cold start's first ticket: they carry
    /// no instant.
    pub appended_at: Option<Millis>,
    /// What it is.
    pub input: Input<'a>,
}

/// The inputs of the detect stage.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A record of `tickets`.
    Ticket(&'a TicketEvent<'a>),
    /// A snapshot of an account, told through the `topic`-th of the accounts' topics.
    Account {
        /// Which of them.
        topic: u8,
        /// What it says.
        snapshot: &'a AccountSnapshot<'a>,
    },
    /// A tombstone: what was told through that topic is told no more.
    AccountGone {
        /// Which of them.
        topic: u8,
        /// The key.
        account_id: &'a str,
    },
    /// A snapshot of an account's bills, told through the `topic`-th of the billing topics.
    Billing {
        /// Which of them.
        topic: u8,
        /// What it says.
        snapshot: &'a BillingSnapshot<'a>,
    },
    /// A tombstone: what was told through that topic is told no more.
    BillingGone {
        /// Which of them.
        topic: u8,
        /// The key.
        account_id: &'a str,
    },
    /// A record of `account-changes`.
    AccountChange(&'a AccountChange<'a>),
    /// A record of `billing-changes`.
    BillingChange(&'a BillingChange<'a>),
    /// A record of `signals`.
    Signal(&'a Signal<'a>),
    /// A record of `commands`.
    Command(&'a Command<'a>),
}

/// Why the engine cannot take a record: it becomes a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// A stable code: the header `tierline.error`.
    pub code: &'static str,
    /// For people.
    pub reason: String,
}

/// What the engine wants written, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// To `escalations`.
    Escalation(Box<Escalation>),
    /// To `escalations-shadow`.
    Shadow(Box<Escalation>),
    /// To `escalation-queue`; `None`: a tombstone.
    Queue(Uuid, Option<Box<QueueEntry>>),
}

/// What the configuration says besides rules and policies.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a rise at a bound is held for stragglers, milliseconds.
    pub grace: Millis,
    /// How long solved tickets count, milliseconds.
    pub history: Millis,
    /// What is already *yes* when a task first catches up latches in silence, rather than fires.
    pub start_quietly: bool,
    /// The order in which sources win over each other, by field (`account.plan`); else the newest statement wins.
    pub precedence: Vec<(String, Vec<String>)>,
}

/// What happened inside that a dashboard wants to know, counted since the last drain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Rules that latched in silence, at a first start or a change of rules.
    pub latched_quietly: u64,
    /// Repeats that were dropped.
    pub repeats: u64,
    /// Values that were older than what was known.
    pub stale: u64,
    /// Commands that found or changed nothing.
    pub idle_commands: u64,
    /// Per rule (its place in the rule set): evaluations that ended undecided.
    pub undecided: Vec<u64>,
}

/* The engine's own methods (crate::Engine, one per task):

impl Engine {
    pub fn new(rules: Arc<RuleSet>, settings: Arc<Settings>) -> Engine;
    /// Takes a record. `clock` is the task's clock; it never runs backwards.
    pub fn apply(&mut self, clock: Millis, arrival: Arrival<'_>) -> Result<(), Rejected>;
    /// The clock has reached this instant: every bound up to it (`Edge`: whether bounds of the very instant are reached,
    /// false while in a backlog) whose grace is over fires.
    pub fn advance(&mut self, clock: Millis);
    /// The first time that is worth an `advance`, on the task's clock, grace included.
    pub fn next_deadline(&self) -> Option<Millis>;
    /// The task has caught up for the first time in its life (a no-op later).
    pub fn caught_up(&mut self, clock: Millis);
    /// What is to be written, in order; the caller drains it.
    pub fn outputs(&mut self) -> std::vec::Drain<'_, Output>;
    /// The changelog entries of everything that changed since the last call, each entity once, its last state.
    pub fn changes(&mut self, each: &mut dyn FnMut(&[u8], Option<&[u8]>));
    /// Every entity as a changelog entry: for a checkpoint.
    pub fn snapshot(&self, each: &mut dyn FnMut(&[u8], &[u8]));
    /// One changelog entry, oldest first, the last of a key wins.
    pub fn restore(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), StateError>;
    /// All has been restored; `clock` is the restored clock and `memory` what `memory()` said then (None: cold start).
    /// Derives windows and timers, settles changed rules.
    pub fn restored(&mut self, clock: Millis, memory: Option<&[u8]>) -> Result<(), StateError>;
    /// The engine's part of the task record: fingerprints of rules and policies, whether it ever caught up.
    pub fn memory(&self) -> Vec<u8>;
    pub fn counts(&mut self) -> Counts;
    pub fn open_tickets(&self) -> usize;
    pub fn open_escalations(&self) -> [usize; 2];  // tier 2, tier 3
}
*/
