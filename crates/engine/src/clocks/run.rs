//! Where a clock stands at an instant: its present cycle, and how its time passes.

use smallvec::SmallVec;
use tierline_model::{Millis, Priority, SlaMetric, Status, TicketField};
use tierline_rules::{Calendar, OnReopen, RuleSet, SlaPolicy, Target, Wait};

use super::Clocks;
use crate::marks::{Mark, Waiting};
use crate::ticket::Ticket;

/// Where the present cycle of a clock stands, whatever its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It cannot be said.
    Unknown,
    /// It has not started.
    None,
    /// It has started, and runs or pauses.
    Running {
        started: Millis,
    },
    Stopped {
        at: Millis,
    },
}

/// A cycle of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    pub started: Millis,
    /// When that became so: later than `started` where a merged ticket brought an older wait.
    pub began: Millis,
    pub end: Option<(Millis, End)>,
}

/// What ended a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// What the clock waits for.
    Met,
    /// Something else.
    Cancelled,
}

/// How the time of one cycle passes.
#[derive(Clone, Debug)]
pub(crate) struct Run<'e> {
    /// Milliseconds of its own time.
    pub target: Millis,
    calendar: &'e Calendar,
    /// It is due when work begins, not when it last ended.
    at_opening: bool,
    /// By then so much had been used.
    from: Millis,
    used: Millis,
    /// Sorted and apart; the last may be open.
    pauses: SmallVec<[(Millis, Millis); 4]>,
}

impl<'e> Run<'e> {
    /// Without a target: by then so much had been used.
    pub fn by(
        calendar: &'e Calendar,
        (from, used): (Millis, Millis),
        pauses: SmallVec<[(Millis, Millis); 4]>,
    ) -> Run<'e> {
        Run { target: Millis::MAX, calendar, at_opening: false, from, used, pauses }
    }

    /// The instant at which so much is used; [`None`]: it pauses before.
    pub fn reaches(&self, used: Millis) -> Option<Millis> {
        let mut left = used.saturating_sub(self.used);
        if left <= 0 {
            // What was used before, of a start or a change, is not known to the instant.
            return Some(self.from - Millis::from(left < 0));
        }
        let mut at = self.from;
        for &(begins, ends) in &self.pauses {
            let runs = self.calendar.elapsed(at, begins);
            if runs >= left {
                break;
            }
            left -= runs;
            at = at.max(ends);
        }
        let mut due = self.calendar.due(at, left);
        if self.at_opening && used == self.target {
            due = self.calendar.opening(due);
        }
        Some(due).filter(|&due| due < Millis::MAX)
    }

    /// How much is used at an instant.
    pub fn used_at(&self, at: Millis) -> Millis {
        let paused = |&(begins, ends): &(Millis, Millis)| self.calendar.elapsed(begins.max(self.from), ends.min(at));
        self.used + self.calendar.elapsed(self.from, at) - self.pauses.iter().map(paused).sum::<Millis>()
    }

    /// When it is due, if an open pause ended then.
    pub fn due_from(mut self, instant: Millis) -> Option<Millis> {
        if let Some(last) = self.pauses.last_mut().filter(|last| last.1 == Millis::MAX) {
            last.1 = instant.max(last.0);
        }
        self.reaches(self.target)
    }
}

impl Ticket {
    /// The ticket's priority.
    pub(crate) fn priority(&self) -> Option<Priority> {
        self.cells.small(TicketField::Priority).map(|word| Priority::ALL[word as usize])
    }

    /// How the time of a cycle passes by a target, as of an instant.
    pub(crate) fn run<'e>(
        &self,
        rules: &RuleSet,
        metric: SlaMetric,
        started: Millis,
        (policy, target): (&SlaPolicy, &'e Target),
        at: Millis,
    ) -> Run<'e> {
        let clocks = self.clocks.as_deref();
        // What has elapsed since by targets that came later says nothing of an instant before them.
        let carried = match clocks.and_then(|clocks| clocks.former_at(at)) {
            Some(former) => self.elapsed_before(metric, started, former.by, rules, at),
            None => clocks.and_then(|clocks| clocks.carried(metric, started).copied()),
        };
        let (from, used) = carried.map_or((started, 0), |carried| (carried.at, carried.used));
        let begins = carried.filter(|carried| carried.anew).map_or(started, |carried| carried.base.0);
        Run {
            target: target.calendar.length(begins, target.length),
            calendar: &target.calendar,
            at_opening: target.calendar.ends_at_opening(begins, target.length),
            from,
            used,
            pauses: clocks.map_or_else(SmallVec::new, |clocks| pauses(clocks, metric, policy.on_reopen, at)),
        }
    }

    /// Where a clock stands at an instant.
    pub(crate) fn standing(&self, metric: SlaMetric, waiting: &Waiting, at: Millis) -> Standing {
        let closed_at = self.solved_at.filter(|_| !self.open);
        if metric == SlaMetric::FirstReply {
            return self.first_reply(waiting, closed_at);
        }
        if metric.runs_from_creation() {
            return match (self.created_at, closed_at) {
                (None, _) => Standing::Unknown,
                (Some(_), Some(at)) => Standing::Stopped { at },
                (Some(started), None) => Standing::Running { started },
            };
        }
        if metric == SlaMetric::NextReply && waiting.wait == Wait::Unknown {
            return Standing::Unknown;
        }
        match (self.last_cycle(metric, waiting, at), closed_at) {
            (None, _) => Standing::None,
            (Some(Cycle { end: Some((at, _)), .. }), _) => Standing::Stopped { at },
            (Some(_), Some(at)) => Standing::Stopped { at },
            (Some(Cycle { started, end: None, .. }), None) => Standing::Running { started },
        }
    }

    /// It starts when the customer first waits and stops at the first answer, or when the ticket is closed.
    fn first_reply(&self, waiting: &Waiting, closed_at: Option<Millis>) -> Standing {
        if let Some(at) = waiting.first_reply.or(self.cells.instant(TicketField::FirstRepliedAt)) {
            return Standing::Stopped { at };
        }
        if let Some(at) = closed_at {
            return Standing::Stopped { at };
        }
        if (!self.met && self.cells.field(TicketField::FirstRepliedAt).is_none()) || waiting.wait == Wait::Unknown {
            let none = waiting.first_wait.is_none() && self.met && waiting.wait != Wait::Unknown;
            return if none { Standing::None } else { Standing::Unknown };
        }
        waiting.first_wait.map_or(Standing::None, |started| Standing::Running { started })
    }

    fn last_cycle(&self, metric: SlaMetric, waiting: &Waiting, at: Millis) -> Option<Cycle> {
        let mut last = None;
        self.each_cycle(metric, waiting, at, &mut |cycle| last = Some(cycle));
        last
    }

    /// The cycles of a clock up to an instant, in order.
    pub(crate) fn each_cycle(&self, metric: SlaMetric, waiting: &Waiting, at: Millis, each: &mut dyn FnMut(Cycle)) {
        let closed = self.solved_at.filter(|_| !self.open);
        let how = if self.removed { End::Cancelled } else { End::Met };
        match metric {
            SlaMetric::FirstReply => match (self.first_reply(waiting, closed), waiting.first_wait) {
                (Standing::Running { started }, _) => each(Cycle { started, began: started, end: None }),
                (Standing::Stopped { at }, Some(started)) => {
                    let how = if self.marks.has(at, Mark::Answer) { End::Met } else { End::Cancelled };
                    each(Cycle { started, began: started, end: Some((at.max(started), how)) });
                }
                _ => {}
            },
            SlaMetric::NextReply => {
                let Some(replied) = waiting.first_reply.or(self.cells.instant(TicketField::FirstRepliedAt)) else {
                    return;
                };
                self.marks.each_wait(at, &mut |started, began, end| {
                    // What the first reply ended is no next one.
                    if began < replied || end.is_some_and(|(at, _)| at <= replied) {
                        return;
                    }
                    let end = end.map(|(at, mark)| (at, if mark == Mark::Answer { End::Met } else { End::Cancelled }));
                    let end = end.or(closed.map(|at| (at.max(started), End::Cancelled)));
                    each(Cycle { started, began, end });
                });
            }
            SlaMetric::PeriodicUpdate | SlaMetric::PausableUpdate => {
                let is_open = |at| self.clocks.as_deref().is_none_or(|clocks| clocks.statuses.is_open_at(at));
                let mut running: Option<Millis> = None;
                self.marks.each_update(at, &mut |instant, mark| {
                    if let Some(started) = running.take() {
                        each(Cycle { started, began: started, end: Some((instant, End::Met)) });
                    }
                    running = (mark == Mark::Answer && is_open(instant)).then_some(instant);
                });
                if let Some(started) = running {
                    let end = closed.map(|at| (at.max(started), how));
                    each(Cycle { started, began: started, end });
                }
            }
            _ => {
                let end = closed.map(|at| (at, how));
                self.created_at.into_iter().for_each(|started| each(Cycle { started, began: started, end }));
            }
        }
    }
}

/// When a clock stood, as of an instant: sorted and apart.
pub(super) fn pauses(
    clocks: &Clocks,
    metric: SlaMetric,
    on_reopen: OnReopen,
    at: Millis,
) -> SmallVec<[(Millis, Millis); 4]> {
    const SOLVED: [Status; 2] = [Status::Solved, Status::Closed];
    let solved = on_reopen == OnReopen::Exclude;
    let of: &[Status] = match (metric, solved) {
        (SlaMetric::PausableUpdate, _) => &[Status::Pending],
        (SlaMetric::RequesterWait, true) => &[Status::Pending, Status::Solved, Status::Closed],
        (SlaMetric::RequesterWait, false) => &[Status::Pending],
        (SlaMetric::AgentWork, true) => &[Status::Pending, Status::OnHold, Status::Solved, Status::Closed],
        (SlaMetric::AgentWork, false) => &[Status::Pending, Status::OnHold],
        (SlaMetric::Resolution, true) => &SOLVED,
        _ => return SmallVec::new(),
    };
    clocks.statuses.while_in(of, at)
}
