//! Which policy applies, and what a change of it, or of the priority, makes of clocks that run.

use tierline_model::{Millis, Priority, SlaMetric, Status};
use tierline_rules::{NEVER, OnChange, Reads, SlaPolicy, Target, Topic, Truth};

use super::{Applied, Carried, Clocks, Standing};
use crate::account::Slot;
use crate::engine::Engine;
use crate::judge::{Rising, ahead_of};
use crate::ticket::Ticket;

/// What a clock's target was, and is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed<'e> {
    pub from: Option<(&'e SlaPolicy, &'e Target)>,
    pub to: Option<(&'e SlaPolicy, &'e Target)>,
    /// Whether the clock starts anew.
    pub on_change: OnChange,
}

impl Engine {
    /// Looks for the policies that something may have changed which happened on a ticket.
    pub(crate) fn apply_policies_of(&mut self, a: u32, slot: Slot, changed: Reads, at: Millis) -> Vec<Slot> {
        let reads = self.policies.reads.common(changed);
        let is_new = self.tickets[slot].clocks.as_ref().is_none_or(|clocks| clocks.policy.is_none());
        // Of its account a ticket's record changes nothing but which tickets it has.
        if reads.reads(Topic::Tickets) && !self.alone {
            return self.apply_policies(a, changed, at);
        }
        let may_change = self.policies.any && (is_new || reads != Reads::default());
        Some(slot).filter(|&slot| may_change && self.apply_policy(slot, at)).into_iter().collect()
    }

    /// Looks for the policies of an account's open tickets, if one may have changed.
    pub(crate) fn apply_policies(&mut self, a: u32, changed: Reads, at: Millis) -> Vec<Slot> {
        if !self.policies.any || !self.policies.reads.overlaps(changed) {
            return Vec::new();
        }
        let open = self.accounts[a].open.clone();
        open.into_iter().filter(|&slot| self.apply_policy(slot, at)).collect()
    }

    /// The same, and what follows for rules about clocks.
    pub(crate) fn follow_policies(&mut self, a: u32, changed: Reads, at: Millis) {
        let moved = self.apply_policies(a, changed, at);
        if !self.live || moved.is_empty() {
            return;
        }
        moved.into_iter().for_each(|slot| self.rejudge_clocks(slot));
    }

    /// Rules about clocks are looked at anew on a ticket.
    pub(crate) fn rejudge_clocks(&mut self, slot: Slot) {
        let mut rules = Vec::new();
        self.index.reading(Engine::CLOCKS, &mut rules);
        self.judge(slot, &rules, false, Rising::Collect);
        self.clocked.push(slot);
    }

    /// Looks for a ticket's policy, which may be another from `at` on; `true`: it is.
    ///
    /// The first that applies; one that is undecided is passed over, and the clocks are provisional. SEMANTICS 5.1.
    pub(crate) fn apply_policy(&mut self, slot: Slot, at: Millis) -> bool {
        if !self.policies.any || !self.tickets[slot].open {
            return false;
        }
        let (policy, provisional, until) = self.policy_of(slot);
        let ticket = &self.tickets[slot];
        let before = ticket.clocks.as_ref().and_then(|clocks| clocks.policy);
        let moment = self.accounts[ticket.account].now;
        if self.policies.timed && ticket.clocks.as_ref().is_none_or(|clocks| clocks.reconsider != until) {
            self.tickets[slot].clocks.get_or_insert_with(|| Box::new(Clocks::new())).reconsider = until;
            let bound = until.max(ahead_of(moment));
            if bound < self.tickets[slot].bound {
                self.set_bound(slot, bound);
            }
        }
        let since = match before {
            // What first applies, applies since the ticket was there.
            None => self.tickets[slot].created_at.map_or(at, |created_at| created_at.min(at)),
            Some(before) if before.policy == policy => before.since,
            Some(_) => at,
        };
        let now = Applied { policy, since, provisional };
        if before == Some(now) {
            return false;
        }
        if let Some(before) = before.filter(|before| before.policy != policy) {
            let rules = self.rules.clone();
            let policy_of = |number: Option<u16>| number.map(|number| &rules.policies[usize::from(number)]);
            let priority = self.tickets[slot].priority();
            self.carry(slot, at, (policy_of(before.policy), priority), (policy_of(policy), priority));
        }
        self.clocks_mut(slot).policy = Some(now);
        before.is_none_or(|before| before.policy != policy)
    }

    /// The policy that applies now, whether one above it is undecided, and until when that stays so.
    fn policy_of(&self, slot: Slot) -> (Option<u16>, bool, Millis) {
        let view = self.view(slot, self.accounts[self.tickets[slot].account].now);
        let (mut provisional, mut until) = (false, NEVER);
        for (number, policy) in self.rules.policies.iter().enumerate() {
            let applies = policy.applies(&view);
            until = until.min(applies.until);
            match applies.truth {
                // There are far fewer policies.
                Truth::Yes => return (Some(number as u16), provisional, until),
                Truth::Unknown => provisional = true,
                Truth::No => {}
            }
        }
        (None, provisional, until)
    }

    /// The priority has become another at an instant.
    pub(crate) fn change_priority(&mut self, slot: Slot, at: Millis, before: Option<Priority>, now: Option<Priority>) {
        let applied = self.tickets[slot].clocks.as_ref().and_then(|clocks| clocks.policy?.policy);
        if let Some(number) = applied {
            let rules = self.rules.clone();
            let policy = Some(&rules.policies[usize::from(number)]);
            self.carry(slot, at, (policy, before), (policy, now));
        }
    }

    /// The ticket has come to a status at an instant.
    pub(crate) fn note_status(&mut self, slot: Slot, at: Millis, status: Status) {
        let is_noted = self.tickets[slot].clocks.as_ref().is_some_and(|clocks| !clocks.statuses.is_empty());
        let tells = match status {
            Status::New | Status::Open => false,
            Status::Pending | Status::OnHold => true,
            // Where nothing asks for the instants, the ticket's life tells enough of it.
            Status::Solved | Status::Closed => self.policies.solved,
        };
        if is_noted || tells {
            self.clocks_mut(slot).statuses.add(at, status);
        }
    }

    /// Keeps what the clocks that run have used, where their targets change at an instant.
    fn carry(
        &mut self,
        slot: Slot,
        at: Millis,
        before: (Option<&SlaPolicy>, Option<Priority>),
        now: (Option<&SlaPolicy>, Option<Priority>),
    ) {
        for metric in self.policies.metrics.clone() {
            let target = |(policy, priority): (Option<&SlaPolicy>, Option<Priority>)| -> Option<Target> {
                policy?.target(metric, priority).cloned()
            };
            let (from, to) = (target(before), target(now));
            let on_reopen = |policy: Option<&SlaPolicy>| policy.map(|policy| policy.on_reopen);
            let is_same = from == to;
            if is_same && on_reopen(before.0) == on_reopen(now.0) {
                continue;
            }
            let changed = Changed {
                from: before.0.zip(from.as_ref()),
                to: now.0.zip(to.as_ref()),
                // What leaves a target as it is starts nothing anew.
                on_change: now.0.filter(|_| !is_same).map_or(OnChange::Retain, |policy| policy.on_change),
            };
            let carried = self.tickets[slot].carried_over(metric, at, changed);
            let clocks = self.clocks_mut(slot);
            if let Some(carried) = carried {
                clocks.carry(carried);
            }
            clocks.let_breaches_stand(metric, at);
        }
    }

    /// What is kept of a ticket's clocks, to be changed; it goes into the next transaction.
    pub(crate) fn clocks_mut(&mut self, slot: Slot) -> &mut Clocks {
        self.mark_ticket(slot);
        let ticket = &mut self.tickets[slot];
        ticket.behind.clocks = true;
        ticket.clocks.get_or_insert_with(|| Box::new(Clocks::new()))
    }

    /// Everything that a rule about clocks reads.
    pub(crate) const CLOCKS: Reads = Reads { ticket: 0, account: 0, billing: 0, topics: Topic::Sla as u32 };
}

impl Ticket {
    /// What a clock carries over a change of its target; `None`: nothing that does not follow anyway.
    pub(crate) fn carried_over(&self, metric: SlaMetric, at: Millis, changed: Changed<'_>) -> Option<Carried> {
        let waiting = self.marks.as_of(at);
        let started = match self.standing(metric, &waiting, at) {
            Standing::Running { started } => started,
            // Solved it only stands still, and goes on when the ticket is reopened.
            Standing::Stopped { .. } if metric.runs_from_creation() && !self.removed => self.created_at?,
            Standing::Stopped { .. } | Standing::None | Standing::Unknown => return None,
        };
        let at = at.max(started);
        let anew = Carried { metric, started, at, used: 0, anew: true };
        match (changed.on_change, changed.from, changed.to) {
            (OnChange::Restart, _, Some(_)) => Some(anew),
            (OnChange::Retain, Some((policy, from)), Some((new, to)))
                if from.calendar != to.calendar || policy.on_reopen != new.on_reopen =>
            {
                let used = self.run(metric, started, policy, from, at).used_at(at);
                Some(Carried { used, anew: false, ..anew })
            }
            _ => None,
        }
    }
}

impl Clocks {
    /// The newest of a clock is what counts.
    pub fn carry(&mut self, carried: Carried) {
        self.carried.retain(|other| other.metric != carried.metric);
        self.carried.push(carried);
    }

    /// What was missed before a change stays missed.
    fn let_breaches_stand(&mut self, metric: SlaMetric, at: Millis) {
        for told in self.told.iter_mut().filter(|told| told.metric == metric) {
            if let Some(breach) = told.breach.as_mut().filter(|breach| breach.at <= at) {
                breach.stands = true;
            }
        }
    }
}
