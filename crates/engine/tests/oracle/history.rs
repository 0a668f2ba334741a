//! What can happen to one account, small enough to read when a case fails.

use tierline_model::{Author, BillingState, CommandKind, HandledBy, Millis, Priority, Status};

/// Seconds since [`START`]. All durations of the generated rules are whole ticks, so every bound falls on one.
pub type Tick = i64;

/// 2026-03-02T09:00:00Z.
pub const START: Millis = 1_772_442_000_000;

/// The instant of a tick.
pub fn instant(tick: Tick) -> Millis {
    START + tick * 1_000
}

/// Tickets are numbered; `T1` is older than `T2` in the order of ids.
pub type TicketNo = u8;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// When it happened.
    pub at: Tick,
    /// When the log took it; not before `at`.
    pub arrives: Tick,
    /// What.
    pub what: What,
}

/// The kinds of things that happen.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Created(TicketNo, Birth),
    Status(TicketNo, Status),
    /// `None`: cleared.
    Priority(TicketNo, Option<Priority>),
    /// `None`: cleared.
    Category(TicketNo, Option<&'static str>),
    HandledBy(TicketNo, HandledBy),
    /// `None`: cleared.
    Assignee(TicketNo, Option<&'static str>),
    Message(TicketNo, Said),
    Merged(TicketNo, TicketNo),
    Deleted(TicketNo),
    /// A whole snapshot of one of two sources.
    Account {
        source: &'static str,
        plan: Option<&'static str>,
        health: Option<i64>,
    },
    Billing {
        state: Option<BillingState>,
    },
    /// In tenths; without a ticket it speaks of the account.
    Sentiment(Option<TicketNo>, i8),
    /// An AI agent hands over; whether the customer wants a person, if it says so.
    Handoff(TicketNo, Option<bool>),
    /// With the tier, or for how many ticks it is snoozed.
    Command(TicketNo, CommandKind, Option<u8>),
}

/// How a ticket begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Birth {
    pub status: Status,
    pub opened_by: Option<Author>,
    pub handled_by: Option<HandledBy>,
    pub priority: Option<Priority>,
    /// `Some(None)`: told to be empty.
    pub category: Option<Option<&'static str>>,
    pub message: Option<Said>,
}

/// A message, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    pub author: Author,
    pub public: bool,
    pub automated: bool,
    /// It speaks of leaving.
    pub leaving: bool,
}

impl Said {
    /// It is the customer's word, and speaks of leaving.
    pub fn threatens(self) -> bool {
        self.asks() && self.leaving
    }

    /// It begins a wait, or goes on with one.
    pub fn asks(self) -> bool {
        self.author == Author::Customer && !self.automated
    }

    /// It ends a wait.
    pub fn answers(self) -> bool {
        self.author == Author::Agent && self.public && !self.automated
    }
}

impl What {
    /// The ticket it is about.
    pub fn ticket(&self) -> Option<TicketNo> {
        match *self {
            What::Created(ticket, _)
            | What::Status(ticket, _)
            | What::Priority(ticket, _)
            | What::Category(ticket, _)
            | What::HandledBy(ticket, _)
            | What::Assignee(ticket, _)
            | What::Handoff(ticket, _)
            | What::Message(ticket, _)
            | What::Merged(ticket, _)
            | What::Deleted(ticket)
            | What::Command(ticket, ..) => Some(ticket),
            What::Sentiment(ticket, _) => ticket,
            What::Account { .. } | What::Billing { .. } => None,
        }
    }

    /// Records of one instant are read in this order of their streams (SEMANTICS 1.7).
    pub fn rank(&self) -> u8 {
        match self {
            What::Account { .. } => 0,
            What::Billing { .. } => 1,
            What::Sentiment(..) | What::Handoff(..) => 2,
            What::Command(..) => 4,
            _ => 3,
        }
    }

    /// Whether a person acts on an escalation.
    pub fn is_command(&self) -> bool {
        matches!(self, What::Command(..))
    }

    /// Whether it is a ticket's end.
    pub fn closes(&self) -> bool {
        matches!(self, What::Status(_, Status::Solved | Status::Closed))
    }

    /// Whether both say who waits on one ticket, so that it matters which came first.
    fn clashes_with(&self, other: &What) -> bool {
        let asks = |what: &What| match what {
            What::Created(_, birth) => {
                birth.opened_by.is_none_or(|by| by == Author::Customer) && birth.message.is_none()
            }
            What::Message(_, said) => said.asks(),
            _ => false,
        };
        let (mine, theirs) = (self.waits_of(), other.waits_of());
        mine.iter().any(|ticket| theirs.contains(ticket)) && !(asks(self) && asks(other))
    }

    /// The tickets whose wait it may change.
    fn waits_of(&self) -> Vec<TicketNo> {
        match *self {
            What::Created(ticket, _) | What::Message(ticket, _) | What::HandledBy(ticket, _) => vec![ticket],
            What::Status(ticket, _) | What::Deleted(ticket) => vec![ticket],
            What::Merged(from, into) => vec![from, into],
            _ => Vec::new(),
        }
    }

    /// Whether it moves an events clock.
    pub fn has_instant(&self) -> bool {
        !matches!(self, What::Account { .. } | What::Billing { .. })
    }
}

/// Leaves out what could not happen: a second birth, an event of a ticket that was never born or is gone, a status that
/// it already has, a command on a ticket that is not open, and what leaves open who came first: two sources at one
/// instant, or a question and its answer. Keeps the order.
pub fn plausible(records: impl IntoIterator<Item = Record>) -> Vec<Record> {
    use std::collections::BTreeMap;
    let mut status: BTreeMap<TicketNo, Option<Status>> = BTreeMap::new();
    let mut kept: Vec<Record> = Vec::new();
    for record in records {
        let is_snapshot = |what: &What| matches!(what, What::Account { .. });
        let of_this_instant = kept.iter().filter(|other| other.at == record.at);
        if of_this_instant.clone().any(|other| is_snapshot(&other.what) && is_snapshot(&record.what))
            || of_this_instant.clone().any(|other| other.what.clashes_with(&record.what))
        {
            continue;
        }
        let present = |ticket: &TicketNo| status.get(ticket).copied().flatten();
        let fits = match &record.what {
            What::Created(ticket, _) => !status.contains_key(ticket),
            What::Status(ticket, new) => {
                present(ticket).is_some_and(|old| old != *new && (old.is_open() || new.is_open()))
            }
            What::Merged(ticket, into) => {
                ticket != into
                    && present(ticket).is_some_and(Status::is_open)
                    && present(into).is_some_and(Status::is_open)
            }
            What::Command(ticket, ..) => present(ticket).is_some_and(Status::is_open),
            What::Sentiment(Some(ticket), _) | What::Handoff(ticket, _) => present(ticket).is_some(),
            other => other.ticket().is_none_or(|ticket| present(&ticket).is_some()),
        };
        if !fits {
            continue;
        }
        match &record.what {
            What::Created(ticket, birth) => {
                status.insert(*ticket, Some(birth.status));
            }
            What::Status(ticket, new) => {
                status.insert(*ticket, Some(*new));
            }
            What::Merged(ticket, _) | What::Deleted(ticket) => {
                status.insert(*ticket, None);
            }
            _ => {}
        }
        kept.push(record);
    }
    kept
}
