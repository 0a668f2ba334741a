//! What a restart makes of clocks: policies and calendars that were edited apply from then on, what had elapsed by the
//! old ones is kept, and what they make overdue is passed over in silence. SEMANTICS 3.7.

use serde::{Deserialize, Serialize};
use tierline_model::{Millis, Priority, SlaMetric, Status, TicketField};
use tierline_rules::{Edge, Length, Moment, OnReopen, SlaPolicy, Target};
use tierline_sla::{Calendar, Targets, WrittenCalendar};

use super::former::counts_otherwise;
use super::{Carried, Clocks, Telling};
use crate::account::Slot;
use crate::engine::Engine;

/// The policies that were in force, as the task record keeps them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OldPolicies {
    policies: Vec<OldPolicy>,
    calendars: Vec<Option<WrittenCalendar>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OldPolicy {
    id: String,
    counts_solved: bool,
    targets: Vec<OldTarget>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OldTarget {
    metric: u8,
    /// `None`: the default.
    priority: Option<u8>,
    /// Milliseconds, or business days.
    length: Result<Millis, u32>,
    calendar: u16,
}

impl OldPolicies {
    pub fn of(policies: &[SlaPolicy]) -> OldPolicies {
        let mut calendars: Vec<Calendar> = Vec::new();
        let mut number = |calendar: &Calendar| {
            let known = calendars.iter().position(|other| other == calendar);
            known.unwrap_or_else(|| {
                calendars.push(calendar.clone());
                calendars.len() - 1
            }) as u16
        };
        let policies = policies.iter().map(|policy| {
            let targets = SlaMetric::OF_TICKET.iter().zip(&policy.targets).flat_map(|(metric, targets)| {
                targets.each().map(|(priority, target)| (*metric as u8, priority.map(|word| word as u8), target))
            });
            let targets = targets.map(|(metric, priority, target)| OldTarget {
                metric,
                priority,
                length: written(target.length),
                calendar: number(&target.calendar),
            });
            OldPolicy {
                id: policy.id.clone(),
                counts_solved: policy.on_reopen == OnReopen::Count,
                targets: targets.collect(),
            }
        });
        let policies = policies.collect();
        OldPolicies { policies, calendars: calendars.iter().map(Calendar::written).collect() }
    }

    /// As policies again, without their conditions; what a damaged record says no more is left out.
    fn read(&self) -> Vec<SlaPolicy> {
        let calendars: Vec<Option<Calendar>> = self
            .calendars
            .iter()
            .map(|written| match written {
                None => Some(Calendar::Always),
                Some(written) => Calendar::read(written),
            })
            .collect();
        let policy = |old: &OldPolicy| {
            let on_reopen = if old.counts_solved { OnReopen::Count } else { OnReopen::Exclude };
            let mut policy = SlaPolicy::bare(&old.id, on_reopen);
            for target in &old.targets {
                let calendar = calendars.get(usize::from(target.calendar)).cloned().flatten();
                let (Some(calendar), Some(targets)) = (calendar, policy.targets.get_mut(usize::from(target.metric)))
                else {
                    continue;
                };
                let priority = target.priority.and_then(|word| Priority::ALL.get(usize::from(word)).copied());
                let length = target.length.map_or_else(Length::BusinessDays, Length::Time);
                targets.set(priority, Target { length, calendar });
            }
            policy
        };
        self.policies.iter().map(policy).collect()
    }
}

/// Whether a calendar says now what one said right before an instant, since when it has been edited or not.
fn is_edition(before: &Calendar, now: &Calendar, at: Millis) -> bool {
    now.as_of(at.saturating_sub(1)).written() == before.written()
}

/// Whether every clock of a policy goes on as it did: nothing about it has changed, but what its calendars say from an
/// instant on.
fn counts_on(before: &SlaPolicy, now: &SlaPolicy, at: Millis) -> bool {
    let is_same = |(before, now): (&Targets, &Targets)| {
        let mut listed = Priority::ALL.iter().copied().map(Some).chain([None]);
        listed.all(|priority| match (before.listed(priority), now.listed(priority)) {
            (None, None) => true,
            (Some(was), Some(is)) => was.length == is.length && is_edition(&was.calendar, &is.calendar, at),
            _ => false,
        })
    };
    before.on_reopen == now.on_reopen && before.targets.iter().zip(&now.targets).all(is_same)
}

/// Milliseconds, or business days.
fn written(length: Length) -> Result<Millis, u32> {
    match length {
        Length::Time(length) => Ok(length),
        Length::BusinessDays(days) => Err(days),
    }
}

impl Engine {
    /// All has been restored: clocks are as they were, or as changed policies make them.
    ///
    /// `old`: what was in force; `None`: a version wrote the state that knew of no clocks but the first reply's.
    /// `versions`: ids and fingerprints of the policies then; `escalation_sla`: what that said, as far as is known.
    pub(crate) fn settle_clocks(
        &mut self,
        old: Option<&OldPolicies>,
        versions: &[(String, String)],
        escalation_sla: Option<u64>,
    ) {
        let answers_otherwise = escalation_sla.is_some_and(|was| was != self.version_of_escalation_sla());
        let now = self.policy_versions();
        let changed = now != versions;
        let slots: Vec<Slot> = self.tickets.places().collect();
        let applied = std::mem::take(&mut self.settling_policies);
        let old_is_none = old.is_none();
        let settles = changed || old_is_none;
        if settles {
            slots.iter().for_each(|&slot| self.make_up_statuses(slot));
        }
        let old = if changed { old.map_or_else(Vec::new, OldPolicies::read) } else { Vec::new() };
        let moment = Moment { at: self.clock, edge: Edge::Bounds };
        let rules = self.rules.clone();
        let goes_on = |policy: &SlaPolicy| {
            let is_same = versions.iter().any(|(id, version)| *id == policy.id && *version == policy.fingerprint);
            let before = || old.iter().find(|other| other.id == policy.id);
            is_same || before().is_some_and(|before| counts_on(before, policy, self.clock))
        };
        let goes_on: Vec<bool> = rules.policies.iter().map(goes_on).collect();
        let old: Vec<SlaPolicy> = old.into_iter().map(|policy| self.with_editions(policy)).collect();
        for slot in slots {
            if changed && !self.is_kept_by(slot, &goes_on) {
                self.settle_former(slot);
            }
            if settles {
                let was = applied.get(&slot).and_then(|id| old.iter().find(|policy| policy.id == *id));
                self.settle_policy(slot, was);
                let applies = self.tickets[slot].clocks.as_ref().and_then(|clocks| clocks.policy?.policy);
                let applies = applies.map(usize::from);
                let before = applied.get(&slot);
                let is_same = applies.map(|place| &rules.policies[place].id) == before;
                // On a ticket whose policy counts as it did nothing has changed, and what is due on it is told.
                if old_is_none || !is_same || applies.is_some_and(|place| !goes_on[place]) {
                    self.settling.repoliced.insert(slot);
                    if self.live {
                        self.tell_clocks_as_of(slot, Telling::Quietly, moment);
                    }
                }
            } else if self.policies.timed {
                let now = self.accounts[self.tickets[slot].account].now.at;
                self.apply_policy(slot, now);
            }
            if self.of_gone_policies.remove(&slot) {
                self.write_clocks(slot);
            }
            if answers_otherwise && self.live {
                self.tell_escalation(slot, Telling::Quietly, moment);
            }
            if self.live {
                // Nothing is told: only when each is next due.
                self.tell_clocks(slot, Telling::UpTo(Millis::MIN, Edge::Records));
            }
        }
    }

    /// What `escalation_sla` says, in one number.
    pub(crate) fn version_of_escalation_sla(&self) -> u64 {
        let targets = self.rules.escalation_sla.each_ref().map(|target| {
            let Target { length, calendar } = target.as_ref()?;
            Some((written(*length), calendar.written()))
        });
        // Plain data has no way to fail.
        xxhash_rust::xxh3::xxh3_64(&postcard::to_extend(&targets, Vec::new()).unwrap_or_default())
    }

    /// A former policy with what its calendars had said before.
    fn with_editions(&self, mut policy: SlaPolicy) -> SlaPolicy {
        for target in policy.targets.iter_mut().flat_map(Targets::each_mut) {
            let mut named = self.rules.calendars.iter().map(|named| &named.calendar);
            let is_its = |now: &&Calendar| !now.past().is_empty() && is_edition(&target.calendar, now, self.clock);
            if let Some(edited) = named.find(is_its) {
                target.calendar = edited.clone();
            }
        }
        policy
    }

    /// Whether all that counted on a ticket before still says by which hours.
    fn is_kept_by(&self, slot: Slot, goes_on: &[bool]) -> bool {
        let former = self.tickets[slot].clocks.iter().flat_map(|clocks| &clocks.former);
        let mut policies = former.filter_map(|former| former.by.policy);
        policies.all(|place| goes_on[usize::from(place)]) && !self.of_gone_policies.contains(&slot)
    }

    /// By policies that may be others now nothing is counted again; the changelog must not know more than who was never
    /// interrupted.
    fn settle_former(&mut self, slot: Slot) {
        if let Some(clocks) = self.tickets[slot].clocks.as_mut().filter(|clocks| !clocks.former.is_empty()) {
            clocks.settle_former();
            self.write_clocks(slot);
        }
    }

    /// What a policy did that is gone is nobody's from now on: should one of its name come back, the changelog must not
    /// know more than who was never interrupted.
    fn write_clocks(&mut self, slot: Slot) {
        let ticket = &mut self.tickets[slot];
        ticket.behind.clocks = true;
        if !ticket.dirty {
            ticket.dirty = true;
            self.dirty_tickets.push(slot);
        }
    }

    /// The policy that applies now; where it counts by other hours than before, what has elapsed by those is kept.
    fn settle_policy(&mut self, slot: Slot, was: Option<&SlaPolicy>) {
        let at = self.clock;
        let rules = self.rules.clone();
        let before = self.tickets[slot].clocks.as_ref().and_then(|clocks| clocks.policy?.policy);
        self.apply_policy(slot, at);
        let ticket = &self.tickets[slot];
        let now = ticket.clocks.as_ref().and_then(|clocks| clocks.policy?.policy);
        let (Some(was), Some(now)) = (was, now.map(|number| &rules.policies[usize::from(number)])) else { return };
        // A policy that moved to another has been carried over already, by what it says now.
        let is_same = before.is_some_and(|before| rules.policies[usize::from(before)].id == now.id);
        let priority = ticket.priority();
        let carried = SlaMetric::OF_TICKET.into_iter().filter_map(|metric| {
            let from = Some(was).zip(was.target(metric, priority));
            let to = Some(now).zip(now.target(metric, priority));
            let changes = counts_otherwise(from, to)
                && !from.zip(to).is_some_and(|((was, from), (is, to))| {
                    let is_bare = from.calendar.past().is_empty();
                    was.on_reopen == is.on_reopen && is_bare && is_edition(&from.calendar, &to.calendar, at)
                });
            let started = ticket.runs_since(metric, at).filter(|_| changes)?;
            let (policy, target) = from?;
            let until = at.max(started);
            let used = ticket.run(metric, started, policy, target, until).used_at(until);
            Some(Carried { metric, started, at: until, used, base: (until, used), anew: false })
        });
        let carried: Vec<_> = carried.filter(|_| is_same || before.is_none()).collect();
        if !carried.is_empty() {
            let clocks = self.clocks_mut(slot);
            carried.into_iter().for_each(|carried| clocks.carry(carried));
        }
    }

    /// What a ticket's other fields tell of its statuses, where no line of them was kept.
    fn make_up_statuses(&mut self, slot: Slot) {
        let ticket = &self.tickets[slot];
        if ticket.clocks.is_some() {
            return;
        }
        let mut clocks = Clocks::new();
        if ticket.open && ticket.solved_for > 0 {
            clocks.statuses.add(ticket.open_since.saturating_sub(ticket.solved_for), Status::Solved);
            clocks.statuses.add(ticket.open_since, Status::Open);
        }
        if let Some(seen) = ticket.cells.field(TicketField::Status)
            && let Some(status) = ticket.cells.small(TicketField::Status)
        {
            clocks.statuses.add(seen.since, Status::ALL[status as usize]);
        }
        if !clocks.statuses.is_empty() {
            *self.clocks_mut(slot) = clocks;
        }
    }
}
