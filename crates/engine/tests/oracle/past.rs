//! What is so at one moment, told anew from the whole history each time (SEMANTICS §2, §4, §5).

use std::collections::BTreeMap;

use super::history::{Record, Tick, TicketNo, What};
use super::rules::{Cond, Policy, Target};
use tierline_model::{Author, BillingState, HandledBy, Priority, SlaMetric, Status};
use tierline_rules::Truth;

/// Everything that had happened at a moment, in order of occurrence.
pub struct Past<'a> {
    pub records: &'a [Record],
    pub now: Tick,
    /// Whether what is due at this very instant is reached: all records of the instant have been read.
    pub bounds: bool,
    pub policy: Option<Policy>,
    pub tickets: BTreeMap<TicketNo, Ticket>,
}

/// A ticket as its events tell it.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub created_at: Tick,
    pub status: Status,
    /// Merged or deleted.
    pub gone: bool,
    status_since: Tick,
    reopened: Vec<Tick>,
    assignee: Told<&'static str>,
    reassigned: Vec<Tick>,
    threats: Vec<Tick>,
    priority: Told<Priority>,
    category: Told<&'static str>,
    handled_by_bot: bool,
    /// Whether somebody's bot ever handled it: from which message follow-ups then count is not said anywhere.
    pub met_bot: bool,
    /// Whether another ticket was merged into it: whether that one's messages are follow-ups is not said anywhere.
    pub absorbed: bool,
    /// The oldest unanswered customer contact, a hand-over included.
    unanswered: Option<Tick>,
    /// Customer messages since the one that began the wait.
    after: Vec<Tick>,
    solved_at: Option<Tick>,
    solved_for: Tick,
    first_wait: Option<Tick>,
    first_reply_over: bool,
    /// Each status with its beginning.
    statuses: Vec<(Tick, Status)>,
    /// The last public answer, unless the ticket was solved since, or then.
    updated_at: Option<Tick>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Told<T> {
    No,
    Empty,
    Value(T),
}

impl Ticket {
    /// Whether rules look at it.
    pub fn is_open(&self) -> bool {
        !self.gone && self.status.is_open()
    }

    /// Since when the customer waits.
    pub fn waits_since(&self) -> Option<Tick> {
        self.unanswered.filter(|_| !self.handled_by_bot)
    }

    fn asked(&mut self, at: Tick) {
        if self.unanswered.is_none() {
            self.unanswered = Some(at);
            self.after.clear();
        } else {
            self.after.push(at);
        }
    }

    fn answered(&mut self, at: Tick) {
        self.updated_at = Some(at).filter(|_| self.status.is_open());
        if self.first_wait.is_some() {
            self.first_reply_over = true;
        }
        self.unanswered = None;
        self.after.clear();
    }

    fn stopped(&mut self) {
        self.updated_at = None;
        self.first_reply_over |= self.first_wait.is_some();
        self.unanswered = None;
        self.after.clear();
    }

    fn note_first_wait(&mut self) {
        if self.first_wait.is_none() {
            self.first_wait = self.waits_since();
        }
    }
}

impl<'a> Past<'a> {
    /// Reads the records from the first on.
    pub fn of(records: &'a [Record], now: Tick, bounds: bool, policy: Option<Policy>) -> Past<'a> {
        let mut tickets: BTreeMap<TicketNo, Ticket> = BTreeMap::new();
        for record in records {
            happen(&mut tickets, record);
        }
        Past { records, now, bounds, policy, tickets }
    }

    fn reached(&self, due: Tick) -> bool {
        due < self.now || (due == self.now && self.bounds)
    }

    /// What a condition is on a ticket.
    pub fn truth(&self, condition: &Cond, no: TicketNo) -> Truth {
        let ticket = &self.tickets[&no];
        match condition {
            Cond::All(all) => all.iter().map(|each| self.truth(each, no)).min().unwrap_or(Truth::Yes),
            Cond::Any(any) => any.iter().map(|each| self.truth(each, no)).max().unwrap_or(Truth::No),
            Cond::Not(inner) => !self.truth(inner, no),
            Cond::Plan(plan) => self.account(|plan, _| plan).is(|told| told.eq_ignore_ascii_case(plan)),
            Cond::PlanIsUnknown => Truth::from(self.account(|plan, _| plan) == Told::No),
            Cond::HealthBelow(limit) => self.account(|_, health| health).is(|health| health < *limit),
            Cond::Billing(state) => self.billing().is(|told| told == *state),
            Cond::Priority(priority) => ticket.priority.is(|told| told == *priority),
            Cond::PriorityAtLeast(priority) => ticket.priority.is(|told| told >= *priority),
            Cond::Category(category) => ticket.category.is(|told| told == *category),
            Cond::CategoryIsEmpty => Truth::from(ticket.category == Told::Empty),
            Cond::Status(words) => Truth::from(words.contains(&ticket.status)),
            Cond::Silence(length) => {
                Truth::from(ticket.waits_since().is_some_and(|since| self.reached(since + length)))
            }
            Cond::OpenFor(length) => Truth::from(self.reached(ticket.created_at + ticket.solved_for + length)),
            Cond::FollowUps { at_least, apart } => {
                let mut counted = Vec::new();
                for &at in &ticket.after {
                    if counted.last().is_none_or(|last| at - last >= *apart) {
                        counted.push(at);
                    }
                }
                Truth::from(counted.len() >= *at_least)
            }
            Cond::StatusFor(status, length) => {
                Truth::from(ticket.status == *status && self.reached(ticket.status_since + length))
            }
            Cond::Reopened { at_least, within } => Truth::from(self.lately(&ticket.reopened, *within) >= *at_least),
            Cond::Reassigned { at_least, within } => Truth::from(self.lately(&ticket.reassigned, *within) >= *at_least),
            Cond::Threatens(within) => Truth::from(self.lately(&ticket.threats, *within) > 0),
            Cond::WantsHuman(within) => {
                let told = self.records.iter().rev().find_map(|record| match record.what {
                    What::Handoff(other, wants) if other == no => Some((record.at, wants)),
                    _ => None,
                });
                match told {
                    None => Truth::Unknown,
                    Some((at, _)) if within.is_some_and(|within| at <= self.now - within) => Truth::No,
                    Some((_, wants)) => wants.map_or(Truth::Unknown, Truth::from),
                }
            }
            Cond::TicketsOf { category, at_least, within } => self.at_least(*at_least, |other| {
                let inside = self.now - within < other.created_at && other.created_at <= self.now;
                if inside { other.category.is(|told| told == *category) } else { Truth::No }
            }),
            Cond::Unresolved { at_least, within } => self.at_least(*at_least, |other| {
                Truth::from(other.is_open() && within.is_none_or(|within| self.now - within < other.created_at))
            }),
            Cond::Unanswered { at_least, within } => self.at_least(*at_least, |other| {
                let waits = other.is_open() && other.waits_since().is_some();
                Truth::from(waits && within.is_none_or(|within| self.now - within < other.created_at))
            }),
            Cond::UnansweredOf { category, at_most } => !self.at_least(at_most + 1, |other| {
                let waits = other.is_open() && other.waits_since().is_some();
                if waits { other.category.is(|told| told == *category) } else { Truth::No }
            }),
            Cond::Tickets { at_least, within } => {
                let inside = |at: Tick| self.now - within < at && at <= self.now;
                let count = self.tickets.values().filter(|other| !other.gone && inside(other.created_at)).count();
                Truth::from(count >= *at_least)
            }
            Cond::FirstReply(target) => Truth::from(self.first_reply(*target, ticket)),
            Cond::Clock(metric, target) => Truth::from(self.clock(*metric, *target, ticket)),
            Cond::SentimentAtMost(limit, within) => self.sentiment(*limit, *within, no),
        }
    }

    fn lately(&self, instants: &[Tick], within: Option<Tick>) -> usize {
        let is_late = |at: &&Tick| **at <= self.now && within.is_none_or(|within| **at > self.now - within);
        instants.iter().filter(is_late).count()
    }

    /// Whether so many of the account's tickets are: those that may be make it unknown.
    fn at_least(&self, wanted: usize, is: impl Fn(&Ticket) -> Truth) -> Truth {
        let truths: Vec<_> = self.tickets.values().filter(|ticket| !ticket.gone).map(is).collect();
        let sure = truths.iter().filter(|truth| **truth == Truth::Yes).count();
        let may = truths.iter().filter(|truth| **truth != Truth::No).count();
        match () {
            () if sure >= wanted => Truth::Yes,
            () if may < wanted => Truth::No,
            () => Truth::Unknown,
        }
    }

    fn first_reply(&self, target: Target, ticket: &Ticket) -> bool {
        let priority = match ticket.priority {
            Told::Value(priority) => Some(priority),
            Told::No | Told::Empty => None,
        };
        let length = self.policy.and_then(|policy| policy.target(priority));
        let (Some(length), Some(started), false) = (length, ticket.first_wait, ticket.first_reply_over) else {
            return false;
        };
        self.reached(match target {
            Target::Breached => started + length,
            Target::DueWithin(warning) => started + length - warning,
            Target::OverdueBy(more) => started + length + more,
            Target::Used75 => started + length / 4 * 3,
        })
    }

    /// Any other clock, tick by tick from its start.
    fn clock(&self, metric: SlaMetric, target: Target, ticket: &Ticket) -> bool {
        use Status::{Closed, OnHold, Pending, Solved};
        let (started, stands): (_, &[Status]) = match metric {
            SlaMetric::NextReply => (ticket.waits_since().filter(|_| ticket.first_reply_over), &[]),
            SlaMetric::PeriodicUpdate => (ticket.updated_at, &[]),
            SlaMetric::PausableUpdate => (ticket.updated_at, &[Pending]),
            SlaMetric::RequesterWait => (Some(ticket.created_at), &[Pending, Solved, Closed]),
            SlaMetric::AgentWork => (Some(ticket.created_at), &[Pending, OnHold, Solved, Closed]),
            SlaMetric::Resolution => (Some(ticket.created_at), &[Solved, Closed]),
            SlaMetric::FirstReply | SlaMetric::EscalationSla => unreachable!("it is none of the others"),
        };
        let (Some(started), Some(length)) = (started, self.policy.map(|policy| policy.other)) else { return false };
        let mark = match target {
            Target::Breached => length,
            Target::DueWithin(warning) => length - warning,
            Target::OverdueBy(more) => length + more,
            Target::Used75 => length / 4 * 3,
        };
        let stood_at = |tick: Tick| {
            let last = ticket.statuses.iter().rev().find(|(since, _)| *since <= tick);
            last.is_some_and(|(_, status)| stands.contains(status))
        };
        let mut used = 0;
        for tick in started..=self.now {
            if used >= mark {
                return mark < 0 || self.reached(tick);
            }
            used += Tick::from(!stood_at(tick));
        }
        false
    }

    fn sentiment(&self, limit: i8, within: Option<Tick>, no: TicketNo) -> Truth {
        let newest = |of: Option<TicketNo>| {
            let mut told = None;
            for record in self.records {
                match record.what {
                    What::Sentiment(ticket, value) if ticket == of => told = Some((record.at, value)),
                    _ => {}
                }
            }
            told
        };
        match newest(Some(no)).or_else(|| newest(None)) {
            None => Truth::Unknown,
            Some((at, _)) if within.is_some_and(|within| at <= self.now - within) => Truth::No,
            Some((_, value)) => Truth::from(value <= limit),
        }
    }

    /// The newest word of the sources' newest snapshots: a whole snapshot replaces its source's fields.
    fn account<T>(&self, field: impl Fn(Option<&'static str>, Option<i64>) -> Option<T>) -> Told<T> {
        let mut by_source = BTreeMap::new();
        for (place, record) in self.records.iter().enumerate() {
            if let What::Account { source, plan, health } = record.what {
                by_source.insert(source, (place, field(plan, health)));
            }
        }
        let told = by_source.into_values().filter_map(|(place, value)| Some((place, value?)));
        told.max_by_key(|(place, _)| *place).map_or(Told::No, |(_, value)| Told::Value(value))
    }

    fn billing(&self) -> Told<BillingState> {
        let newest = self.records.iter().rev().find_map(|record| match record.what {
            What::Billing { state } => Some(state),
            _ => None,
        });
        newest.flatten().map_or(Told::No, Told::Value)
    }

    /// Whether this condition asks something of the ticket that the semantics leave open.
    pub fn is_unsaid(&self, condition: &Cond, no: TicketNo) -> bool {
        let ticket = &self.tickets[&no];
        match condition {
            Cond::All(inner) | Cond::Any(inner) => inner.iter().any(|each| self.is_unsaid(each, no)),
            Cond::Not(inner) => self.is_unsaid(inner, no),
            Cond::FollowUps { .. } => ticket.met_bot || ticket.absorbed,
            Cond::FirstReply(_) | Cond::Clock(..) => ticket.absorbed,
            _ => false,
        }
    }
}

impl<T: Copy> Told<T> {
    fn is(self, matches: impl Fn(T) -> bool) -> Truth {
        match self {
            Told::No => Truth::Unknown,
            Told::Empty => Truth::No,
            Told::Value(value) => Truth::from(matches(value)),
        }
    }
}

fn happen(tickets: &mut BTreeMap<TicketNo, Ticket>, record: &Record) {
    let at = record.at;
    if let What::Created(no, birth) = &record.what {
        let opener = birth.opened_by.or(birth.message.map(|said| said.author)).unwrap_or(Author::Customer);
        let mut ticket = Ticket {
            created_at: at,
            status: birth.status,
            gone: false,
            status_since: at,
            reopened: Vec::new(),
            assignee: Told::No,
            reassigned: Vec::new(),
            threats: birth.message.filter(|said| said.threatens()).map(|_| at).into_iter().collect(),
            priority: birth.priority.map_or(Told::No, Told::Value),
            category: match birth.category {
                None => Told::No,
                Some(None) => Told::Empty,
                Some(Some(value)) => Told::Value(value),
            },
            handled_by_bot: birth.handled_by == Some(HandledBy::Bot),
            met_bot: birth.handled_by == Some(HandledBy::Bot),
            absorbed: false,
            unanswered: (opener == Author::Customer).then_some(at),
            after: Vec::new(),
            solved_at: None,
            solved_for: 0,
            first_wait: None,
            first_reply_over: false,
            statuses: vec![(at, birth.status)],
            updated_at: None,
        };
        ticket.note_first_wait();
        if let Some(said) = birth.message {
            // The message that a customer's ticket is created with is what began the wait, not a follow-up.
            if said.asks() && ticket.unanswered.is_none() {
                ticket.asked(at);
            } else if said.answers() {
                ticket.answered(at);
            }
        }
        ticket.note_first_wait();
        tickets.insert(*no, ticket);
        return;
    }
    if let What::Merged(from, into) = record.what {
        let source = tickets.get_mut(&from).expect("plausible histories merge what was created");
        let waited = source.waits_since();
        source.gone = true;
        source.stopped();
        let target = tickets.get_mut(&into).expect("plausible histories merge into what was created");
        target.unanswered = [target.unanswered, waited].into_iter().flatten().min();
        target.absorbed = true;
        target.note_first_wait();
        return;
    }
    let Some(ticket) = record.what.ticket().and_then(|no| tickets.get_mut(&no)) else { return };
    match &record.what {
        What::Status(_, status) => {
            if ticket.status.is_open() && !status.is_open() {
                ticket.stopped();
                ticket.solved_at = Some(at);
            }
            if !ticket.status.is_open() && status.is_open() {
                ticket.solved_for += ticket.solved_at.take().map_or(0, |solved| at - solved);
                ticket.reopened.push(at);
            }
            ticket.status_since = at;
            ticket.status = *status;
            ticket.statuses.push((at, *status));
        }
        What::Priority(_, told) => ticket.priority = told.map_or(Told::Empty, Told::Value),
        What::Category(_, told) => ticket.category = told.map_or(Told::Empty, Told::Value),
        What::HandledBy(_, by) => {
            let was = ticket.handled_by_bot;
            ticket.handled_by_bot = *by == HandledBy::Bot;
            ticket.met_bot |= ticket.handled_by_bot;
            if was && !ticket.handled_by_bot && ticket.unanswered.is_some() {
                ticket.unanswered = Some(at);
            }
        }
        What::Assignee(_, told) => {
            if let (Told::Value(was), Some(is)) = (ticket.assignee, told)
                && was != *is
            {
                ticket.reassigned.push(at);
            }
            ticket.assignee = told.map_or(Told::Empty, Told::Value);
        }
        What::Message(_, said) if said.asks() => {
            ticket.threats.extend(Some(at).filter(|_| said.leaving));
            ticket.asked(at);
        }
        What::Message(_, said) if said.answers() => ticket.answered(at),
        What::Deleted(_) => {
            ticket.gone = true;
            ticket.stopped();
        }
        _ => {}
    }
    ticket.note_first_wait();
}
