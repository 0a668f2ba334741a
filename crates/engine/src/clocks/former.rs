//! Which targets a ticket's clocks went by before the present ones, and what had elapsed by them.
//!
//! What elapsed is counted by the hours that were in force, whenever it is told of: a record that comes late is counted
//! where it belongs. SEMANTICS 1.3, 5.4.

use tierline_model::{Millis, Priority, SlaMetric};
use tierline_rules::{RuleSet, SlaPolicy, Target};

use super::run::{Run, pauses};
use super::{Carried, Clocks, Standing};
use crate::account::Slot;
use crate::engine::Engine;
use crate::ticket::Ticket;

/// What counted up to an instant, when something else followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Former {
    pub until: Millis,
    pub by: By,
}

/// What says how long each metric may take, and by which hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct By {
    /// By its place; [`None`]: there was none.
    pub policy: Option<u16>,
    pub priority: Option<Priority>,
}

/// The newest kept of a ticket.
const KEPT: usize = 128;

impl By {
    pub fn of(self, rules: &RuleSet) -> Option<&SlaPolicy> {
        rules.policy(self.policy?)
    }

    pub fn target(self, metric: SlaMetric, rules: &RuleSet) -> Option<(&SlaPolicy, &Target)> {
        let policy = self.of(rules)?;
        Some((policy, policy.target(metric, self.priority)?))
    }
}

/// Whether time passes by one of two targets when it doesn't by the other.
pub(super) fn counts_otherwise(from: Option<(&SlaPolicy, &Target)>, to: Option<(&SlaPolicy, &Target)>) -> bool {
    let both = from.zip(to);
    both.is_some_and(|((was, from), (is, to))| from.calendar != to.calendar || was.on_reopen != is.on_reopen)
}

impl Clocks {
    /// What counted at an instant, where something else has followed, and up to when it did.
    pub fn former_at(&self, at: Millis) -> Option<&Former> {
        // Mostly nothing has.
        self.former.last().filter(|last| at < last.until)?;
        self.former.iter().find(|former| at < former.until)
    }

    /// An instant at which the present targets count: this one, or when they came.
    pub fn present_at(&self, at: Millis) -> Millis {
        self.former.last().map_or(at, |last| at.max(last.until))
    }

    /// Something else counts from an instant on. One that comes late splits what counted around it: a priority is then
    /// that of all that followed, and another policy takes the place of all that followed.
    pub(super) fn note_former(&mut self, at: Millis, before: By, now: By) {
        let place = self.former.partition_point(|former| former.until <= at);
        let around = self.former.get(place).map(|former| former.by);
        let by = around.unwrap_or(before);
        if before.policy == now.policy {
            self.former[place..].iter_mut().for_each(|former| former.by.priority = now.priority);
            self.former.insert(place, Former { until: at, by });
        } else {
            self.former.truncate(place);
            self.former.push(Former { until: at, by });
        }
        if self.former.len() > KEPT {
            self.former.remove(0);
        }
    }

    /// From here on what has elapsed is a number: by whose hours it did is nobody's to say any more.
    pub(super) fn settle_former(&mut self) {
        self.former.clear();
        self.carried.iter_mut().filter(|carried| !carried.anew || carried.at > carried.base.0).for_each(|carried| {
            (carried.base, carried.anew) = ((carried.at, carried.used), false);
        });
    }
}

impl Ticket {
    /// When the cycle of a clock started that runs at an instant, or stands still because the ticket is solved.
    pub(super) fn runs_since(&self, metric: SlaMetric, at: Millis) -> Option<Millis> {
        match self.standing(metric, &self.marks.as_of(at), at) {
            Standing::Running { started } => Some(started),
            // Solved it only stands still, and goes on when the ticket is reopened.
            Standing::Stopped { .. } if metric.runs_from_creation() && !self.removed => self.created_at,
            Standing::Stopped { .. } | Standing::None | Standing::Unknown => None,
        }
    }

    /// What of a cycle had elapsed by former targets when those of `now` came, at the latest at an instant, and up to
    /// when; [`None`]: it counts by their hours alone.
    pub(super) fn elapsed_before(
        &self,
        metric: SlaMetric,
        started: Millis,
        now: By,
        rules: &RuleSet,
        latest: Millis,
    ) -> Option<Carried> {
        let clocks = self.clocks.as_deref()?;
        let known = clocks.carried(metric, started).filter(|known| known.base.0 <= latest);
        let base = known.map_or((started, 0), |known| known.base);
        let with_target = |former: &Former| Some((former.until, former.by.target(metric, rules)?));
        let mut line = clocks
            .former
            .iter()
            .filter(|former| base.0 < former.until && former.until <= latest)
            .filter_map(with_target)
            .peekable();
        let (mut at, mut elapsed, mut from, mut used) = (base.0, base.1, base.0, base.1);
        while let Some((until, target)) = line.next() {
            used = passes(target, clocks, metric, (from, used), until);
            from = until;
            let next = line.peek().map(|&(_, next)| next).or_else(|| now.target(metric, rules));
            if counts_otherwise(Some(target), next) {
                (at, elapsed) = (from, used);
            }
        }
        let anew = known.is_some_and(|known| known.anew);
        let is_whole = (at, elapsed) == (started, 0) && !anew;
        (!is_whole).then_some(Carried { metric, started, at, used: elapsed, base, anew })
    }
}

/// How much is used up to an instant, given how much was up to another.
fn passes(
    (policy, target): (&SlaPolicy, &Target),
    clocks: &Clocks,
    metric: SlaMetric,
    from: (Millis, Millis),
    until: Millis,
) -> Millis {
    let pauses = pauses(clocks, metric, policy.on_reopen, until);
    Run::by(&target.calendar, from, pauses).used_at(until)
}

impl Engine {
    /// A record that is told late may change what had elapsed by former targets.
    pub(crate) fn recount_if_before(&mut self, slot: Slot, at: Millis) {
        let last = self.tickets[slot].clocks.as_ref().and_then(|clocks| clocks.former.last());
        if last.is_some_and(|former| at < former.until) {
            let ticket = &self.tickets[slot];
            let applied = ticket.clocks.as_ref().and_then(|clocks| clocks.policy);
            let policy = applied.and_then(|applied| applied.policy);
            self.recount_former(slot, By { policy, priority: ticket.priority() });
        }
    }

    /// Counts what had elapsed by former targets, before these came.
    pub(super) fn recount_former(&mut self, slot: Slot, now: By) {
        let rules = self.rules.clone();
        let clocks = self.tickets[slot].clocks.as_ref();
        let Some(last) = clocks.and_then(|clocks| clocks.former.last()).map(|former| former.until) else { return };
        for metric in self.policies.metrics.clone() {
            let ticket = &self.tickets[slot];
            let Some(started) = ticket.runs_since(metric, last) else { continue };
            let is_of_later =
                |carried: &Carried| carried.metric == metric && carried.started != started && carried.at > last;
            if ticket.clocks.as_ref().is_some_and(|clocks| clocks.carried.iter().any(is_of_later)) {
                continue;
            }
            match ticket.elapsed_before(metric, started, now, &rules, Millis::MAX) {
                Some(carried) => self.clocks_mut(slot).carry(carried),
                None => self.clocks_mut(slot).carried.retain(|carried| carried.metric != metric),
            }
        }
    }
}
