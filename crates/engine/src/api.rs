//! What goes into the engine and what comes out of it.

use tierline_model::{
    AccountChange, AccountRehomed, AccountSnapshot, BillingChange, BillingSnapshot, Command, Escalation, Millis,
    QueueEntry, Signal, SlaEvent, TicketEvent,
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
    /// A source's heartbeat.
    Heartbeat {
        /// Which source.
        source: &'a str,
        /// Everything of it up to here has arrived, UTC milliseconds.
        heard_until: Millis,
    },
    /// The end mark of an import.
    ImportFinished {
        /// Which import.
        import_id: &'a str,
        /// When it began, UTC milliseconds: what was over before raises nothing.
        began_at: Millis,
    },
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
    /// `rehomed` without a ticket: what a source told of an account goes to another.
    AccountRehomed(&'a AccountRehomed<'a>),
    /// A record of `account-moves`: what another account lets go, or passes on.
    Moved {
        /// The key: the account that it comes to.
        account_id: &'a str,
        /// What an [`Output::Move`] was.
        value: &'a [u8],
    },
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
    /// To `sla-events`.
    Sla(Box<SlaEvent>),
    /// To `account-moves`, into the partition of its key.
    Move {
        /// The key: the account that it goes to.
        to: String,
        /// For its engine alone: [`Input::Moved`].
        value: Vec<u8>,
    },
}

/// What the configuration says besides rules and policies.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a rise at a bound is held for stragglers, milliseconds.
    pub grace: Millis,
    /// For how long after a source's last heartbeat absences on its tickets are believed, milliseconds.
    pub stale_after: Millis,
    /// How long after its last record an import without an end mark is taken as ended, milliseconds.
    pub import_timeout: Millis,
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
    /// Imports that were taken as ended without their mark.
    pub imports_timed_out: u64,
    /// Tickets that went to another account.
    pub moved_away: u64,
    /// Tickets that came from another account.
    pub moved_here: u64,
    /// Tickets that were said to come, and did not: what waited for them was taken without them.
    pub moves_given_up: u64,
    /// Per rule (its place in the rule set): evaluations that ended undecided.
    pub undecided: Vec<u64>,
}
