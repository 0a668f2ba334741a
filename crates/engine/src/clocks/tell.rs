//! What goes out to `sla-events`: each target met, breached or cancelled, once a cycle.
//!
//! What has gone out is held against what the ticket's history says, after each record and at each due instant. A
//! breach waits for stragglers as a rise at a bound does. SEMANTICS 5.6, 5.8.

use smallvec::SmallVec;
use tierline_model::{Millis, SlaEvent, SlaEventKind, SlaMetric, TicketField};
use tierline_rules::{Edge, Moment};

use super::run::{Cycle, End};
use super::{Applied, Breach, Run, Told};
use crate::account::Slot;
use crate::api::Output;
use crate::engine::Engine;
use crate::judge::ahead_of;
use crate::ticket::Ticket;

/// What is told of what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// What is over by then, its grace included, goes out.
    UpTo(Millis, Edge),
    /// The same; but what was over before an import began is passed over for good.
    Since { began: Millis, limit: Millis, edge: Edge },
    /// Nothing: what is so already is passed over for good.
    Quietly,
}

impl Telling {
    pub fn is_over(self, at: Millis) -> bool {
        match self {
            Telling::UpTo(limit, edge) | Telling::Since { limit, edge, .. } => {
                at < limit || (at == limit && edge == Edge::Bounds)
            }
            Telling::Quietly => true,
        }
    }

    /// Whether nothing is told of what ended then.
    fn passes_over(self, ended: Millis) -> bool {
        matches!(self, Telling::Since { began, .. } if ended < began)
    }
}

impl Engine {
    /// The telling of the moment: what the clock has let pass, its grace included.
    pub(crate) fn telling(&self, edge: Edge) -> Telling {
        Telling::UpTo(self.clock.saturating_sub(self.settings.grace), edge)
    }

    /// Holds what went out of a ticket's clocks against what is so, and tells the difference.
    pub(crate) fn tell_clocks(&mut self, slot: Slot, telling: Telling) {
        let moment = self.accounts[self.tickets[slot].account].now;
        self.tell_clocks_as_of(slot, telling, moment);
    }

    /// The same as of a moment that its account has not come to yet.
    pub(crate) fn tell_clocks_as_of(&mut self, slot: Slot, telling: Telling, moment: Moment) {
        let of_escalation = self.tell_escalation(slot, telling, moment);
        self.tell_metrics(slot, telling, moment, of_escalation);
    }

    /// The same but for an open escalation, of which it is known when it is due and what waits.
    pub(super) fn tell_metrics(
        &mut self,
        slot: Slot,
        telling: Telling,
        moment: Moment,
        (mut due, mut waits): (Millis, Millis),
    ) {
        for place in 0..self.policies.metrics.len() {
            let metric = self.policies.metrics[place];
            let next = self.tell_metric(slot, metric, telling, moment);
            (due, waits) = (due.min(next.0), waits.min(next.1));
        }
        let ticket = &mut self.tickets[slot];
        if let Some(clocks) = &mut ticket.clocks {
            (clocks.due, clocks.waits) = (due, waits);
            self.note_held(slot);
        }
        if due < self.tickets[slot].bound {
            self.set_bound(slot, due.max(ahead_of(moment)));
        }
    }

    /// The same of one metric; when it is next due, and what waits for stragglers.
    fn tell_metric(&mut self, slot: Slot, metric: SlaMetric, telling: Telling, moment: Moment) -> (Millis, Millis) {
        let ticket = &self.tickets[slot];
        let Some(clocks) = ticket.clocks.as_deref() else { return (Millis::MAX, Millis::MAX) };
        let Some(by) = clocks.policy else { return (Millis::MAX, Millis::MAX) };
        let was = clocks.told.iter().find(|told| told.metric == metric).copied();
        let mut told = was.unwrap_or_else(|| Told::new(metric));
        let mut events = Vec::new();
        let waiting = ticket.marks.as_of(moment.at);
        let mut cycles: SmallVec<[Cycle; 2]> = SmallVec::new();
        ticket.each_cycle(metric, &waiting, moment.at, &mut |cycle| cycles.push(cycle));
        let policy = by.policy.and_then(|place| self.rules.policy(place));
        let target = policy.and_then(|policy| policy.target(metric, ticket.priority()));
        let (mut due, mut waits) = (Millis::MAX, Millis::MAX);
        let believed = if telling == Telling::Quietly { Millis::MAX } else { self.believed(slot) };
        let priority_since = ticket.cells.field(TicketField::Priority).map(|seen| seen.since);
        let mut runs_on = false;
        for cycle in cycles {
            if told.is_past(&cycle) {
                continue;
            }
            told.take_up(&cycle);
            runs_on = true;
            let earlier = events.len();
            // One that ended before the present targets came is held against those that counted then.
            let then = cycle.end.and_then(|(at, _)| clocks.former_at(at)).map(|former| former.by);
            let present = policy.zip(target);
            let counts = then.map_or(present, |then| then.target(metric, &self.rules));
            let by = then.map_or(by, |then| Applied { policy: then.policy, ..by });
            let at = cycle.end.map_or(moment.at, |(at, _)| at);
            let at = if then.is_some() { at } else { clocks.present_at(at) };
            let run = counts.map(|counts| ticket.run(&self.rules, metric, cycle.started, counts, at));
            if let Some(breach) = told.breach.filter(|breach| breach.stands && !breach.told) {
                told.breach = self.missed_then(ticket, metric, cycle.started, breach);
            }
            // A target that changes with the end of a cycle comes after it.
            let changed_at = [Some(by.since), priority_since];
            let changes_with_it = cycle.end.is_some_and(|(at, _)| changed_at.contains(&Some(at)));
            let run = run.filter(|_| !changes_with_it || told.due.is_none());
            let is_due = run.as_ref().and_then(|run| run.reaches(run.target)).filter(|&due| moment.reached(due));
            if let Some(due) = is_due.filter(|&due| due > believed && told.breach.is_none()) {
                self.await_source(slot, due);
                return (Millis::MAX, Millis::MAX);
            }
            let noted = told.breach;
            told.look_at(&cycle, run.as_ref(), by, moment, &mut events);
            told.date_change(noted, priority_since);
            if let Some(breach) = told.breach.filter(|breach| !breach.told) {
                // What was missed before a restart that is settled was so by what was in force then.
                let was_missed = noted.is_some_and(|noted| noted.at == breach.at);
                if !telling.is_over(breach.at) || (telling == Telling::Quietly && was_missed) {
                    waits = breach.at;
                    break;
                }
                told.breach = Some(Breach { told: true, ..breach });
                events.push(Event::breached(&told, breach));
            }
            match cycle.end {
                Some((at, how)) => {
                    told.end(&cycle, at, how, by, &mut events);
                    runs_on = false;
                    if telling.passes_over(at) {
                        events.truncate(earlier);
                    }
                }
                None => {
                    let next = run.filter(|_| told.breach.is_none()).and_then(|run| run.reaches(run.target));
                    due = next.unwrap_or(Millis::MAX);
                }
            }
        }
        if !runs_on {
            told.stop();
        }
        if was != Some(told) && (was.is_some() || told != Told::new(metric)) {
            let clocks = self.clocks_mut(slot);
            match clocks.told.iter_mut().find(|other| other.metric == metric) {
                Some(place) => *place = told,
                None => clocks.told.push(told),
            }
        }
        if telling != Telling::Quietly {
            events.into_iter().for_each(|event| self.send(slot, event));
        }
        (due, waits)
    }

    /// A target that was missed before others came: by what is known of that time now.
    fn missed_then(&self, ticket: &Ticket, metric: SlaMetric, started: Millis, breach: Breach) -> Option<Breach> {
        let former = ticket.clocks.as_ref().and_then(|clocks| clocks.former_at(breach.at));
        let Some(former) = former.filter(|former| former.by.policy == breach.by.policy) else { return Some(breach) };
        let run = ticket.run(&self.rules, metric, started, former.by.target(metric, &self.rules)?, former.until - 1);
        let at = run.reaches(run.target).filter(|&at| at < former.until)?;
        Some(Breach { at, ..breach })
    }

    fn send(&mut self, slot: Slot, event: Event) {
        let ticket = &self.tickets[slot];
        let policy = event.by.policy.and_then(|place| self.rules.policy(place));
        let record = SlaEvent {
            account_id: self.accounts[ticket.account].id.to_string(),
            ticket_id: ticket.id.to_string(),
            escalation_id: None,
            metric: event.metric,
            policy: policy.map(|policy| policy.id.clone()),
            cycle: event.cycle,
            kind: event.kind,
            due_at: event.due,
            breached_at: (event.kind == SlaEventKind::Breached).then_some(event.due),
            detected_at: self.shows.max(event.at),
            policy_applied_at: Some(event.by.since),
            provisional: event.by.provisional,
            ended_at: (event.kind != SlaEventKind::Breached).then_some(event.at),
        };
        self.outputs.push(Output::Sla(Box::new(record)));
    }
}

/// Something to be told.
struct Event {
    metric: SlaMetric,
    cycle: u32,
    kind: SlaEventKind,
    at: Millis,
    due: Millis,
    by: Applied,
}

impl Event {
    fn breached(told: &Told, Breach { at, by, .. }: Breach) -> Event {
        Event { metric: told.metric, cycle: told.cycle, kind: SlaEventKind::Breached, at, due: at, by }
    }
}

impl Told {
    fn new(metric: SlaMetric) -> Told {
        Told { metric, cycle: 0, started: None, due: None, breach: None, ended: Millis::MIN }
    }

    /// Whether the clock is one that solving stops and reopening goes on with.
    fn goes_on(&self) -> bool {
        self.metric.runs_from_creation()
    }

    /// Whether all that there was to tell of a cycle has been.
    fn is_past(&self, cycle: &Cycle) -> bool {
        match cycle.end {
            Some((end, _)) => end <= self.ended,
            None => !self.goes_on() && cycle.began < self.ended,
        }
    }

    /// A cycle that runs, or ran: the one that is known, perhaps from another instant on, or a new one.
    fn take_up(&mut self, cycle: &Cycle) {
        if self.started.is_none() {
            // Reopening goes on with the same.
            if self.ended > Millis::MIN && !self.goes_on() {
                self.cycle += 1;
                self.breach = None;
            }
            self.due = None;
        }
        self.started = Some(cycle.started);
    }

    /// Notes a cycle's target, and that it was not met.
    fn look_at(&mut self, cycle: &Cycle, run: Option<&Run<'_>>, by: Applied, moment: Moment, events: &mut Vec<Event>) {
        let was_due = self.due;
        if cycle.end.is_none() || run.is_some() {
            // While it pauses: what it was when the pause began, for that does not depend on when it is asked for.
            let end = cycle.end.map_or(Millis::MIN, |(at, _)| at);
            self.due = run.cloned().and_then(|run| run.due_from(end));
        }
        if let (Some(due), None, None) = (was_due, run, cycle.end)
            && self.breach.is_none()
        {
            events.push(Event { kind: SlaEventKind::Cancelled, at: moment.at, due, ..self.event(by) });
        }
        if self.breach.is_some_and(|breach| breach.told) {
            return;
        }
        let ended = cycle.end.map(|(at, _)| at);
        let in_time = |due: Millis| ended.map_or(!moment.reached(due), |end| end <= due);
        // What is known of a cycle when it ends was noted at its bound: a target that changes with its end comes later.
        let is_settled = ended.is_some() && was_due.is_some();
        self.breach = match (self.breach, run) {
            (Some(breach), _) if is_settled => Some(breach).filter(|breach| !in_time(breach.at)),
            // Its bound waited for its source to be heard of.
            (None, _) if is_settled => {
                let reaches = run.and_then(|run| run.reaches(run.target));
                let missed = was_due.filter(|&due| !in_time(due) && reaches == Some(due));
                missed.map(|at| Breach { at, by, stands: true, told: false })
            }
            (Some(breach), _) if breach.stands && !in_time(breach.at) => Some(breach),
            (_, Some(run)) => {
                let missed = run.reaches(run.target).filter(|&due| !in_time(due));
                missed.map(|at| Breach { at, by, stands: false, told: false })
            }
            (_, None) => None,
        };
    }

    /// A target that was exceeded when a priority brought it has applied since then. `noted`: what was known before.
    fn date_change(&mut self, noted: Option<Breach>, priority_since: Option<Millis>) {
        let Some(breach) = self.breach.as_mut().filter(|breach| !breach.told) else { return };
        let since = match noted.filter(|noted| noted.at == breach.at) {
            Some(noted) => Some(noted.by.since),
            None => priority_since.filter(|since| *since > breach.at),
        };
        breach.by.since = since.map_or(breach.by.since, |since| since.max(breach.by.since));
    }

    /// A cycle is over.
    fn end(&mut self, cycle: &Cycle, at: Millis, how: End, by: Applied, events: &mut Vec<Event>) {
        if let (Some(due), None, true) = (self.due, self.breach, cycle.started < at) {
            let kind = if how == End::Met { SlaEventKind::Met } else { SlaEventKind::Cancelled };
            events.push(Event { kind, at, due, ..self.event(by) });
        }
        self.ended = at;
        self.stop();
    }

    fn stop(&mut self) {
        self.started = None;
        self.due = None;
        if !self.goes_on() {
            self.breach = self.breach.filter(|breach| breach.told);
        }
    }

    fn event(&self, by: Applied) -> Event {
        Event { metric: self.metric, cycle: self.cycle, kind: SlaEventKind::Met, at: 0, due: 0, by }
    }
}
