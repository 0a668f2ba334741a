//! Which policy applies, and what a change of it, or of the priority, makes of clocks that run.

use smallvec::SmallVec;
use tierline_model::{Millis, Priority, SlaMetric, Status};
use tierline_rules::{Dated, NEVER, OnChange, Reads, SlaPolicy, Target, Topic, Truth};

use super::former::{By, counts_otherwise};
use super::{Applied, Carried, Clocks};
use crate::account::Slot;
use crate::engine::Engine;
use crate::judge::{Rising, ahead_of};
use crate::ticket::Ticket;

/// Where an account keeps what policies said of it when all its tickets were last looked at for them: among what it
/// keeps by rule, behind every rule.
const POLICIES: u16 = u16::MAX;

/// What policies say of an account alone.
struct OfAccount {
    /// By policy, and by the place of each condition.
    truths: Vec<Vec<Option<Dated>>>,
    /// All of it in one number: while that is the same, no ticket comes to another policy because of its account.
    /// [`None`]: there is too much of it.
    packed: Option<u64>,
    /// When some of it may change though no record comes.
    until: Millis,
}

impl Engine {
    /// Looks for the policies that something may have changed which happened on a ticket.
    pub(crate) fn apply_policies_of(&mut self, a: u32, slot: Slot, changed: Reads, at: Millis) -> Vec<Slot> {
        let reads = self.policies.reads.common(changed);
        let is_new = self.tickets[slot].clocks.as_ref().is_none_or(|clocks| clocks.policy.is_none());
        // Of its account a ticket's record changes nothing but which tickets it has, and what they are.
        if (reads.reads(Topic::Tickets) || reads.reads(Topic::AnyTicket)) && !self.alone {
            return self.apply_policies_of_windows(a, Some(slot), at);
        }
        let may_change = self.policies.any && (is_new || reads != Reads::default());
        Some(slot).filter(|&slot| may_change && self.apply_policy(slot, at)).into_iter().collect()
    }

    /// Looks for the policies of an account's open tickets, if one may have changed.
    pub(crate) fn apply_policies(&mut self, a: u32, changed: Reads, at: Millis) -> Vec<Slot> {
        if !self.policies.any || !self.policies.reads.overlaps(changed) {
            return Vec::new();
        }
        let Some(given) = self.policies_of_account(a) else { return Vec::new() };
        self.apply_policies_given(a, at, &given)
    }

    /// The account has a ticket more or less, or one of them is something else now: that one's policy is looked for,
    /// and where policies say something else of the account, those of all its tickets.
    fn apply_policies_of_windows(&mut self, a: u32, of: Option<Slot>, at: Millis) -> Vec<Slot> {
        let Some(given) = self.policies_of_account(a) else { return Vec::new() };
        let account = &mut self.accounts[a];
        account.bound = account.bound.min(given.until);
        let settled = account.settled.iter().find(|(of, _)| *of == POLICIES).map(|&(_, truths)| truths);
        if given.packed.is_some() && given.packed == settled {
            return of.filter(|&slot| self.apply_policy_given(slot, at, Some(&given))).into_iter().collect();
        }
        self.apply_policies_given(a, at, &given)
    }

    /// Looks for the policies of all open tickets of an account, of which policies say this.
    fn apply_policies_given(&mut self, a: u32, at: Millis, given: &OfAccount) -> Vec<Slot> {
        if self.policies.windows {
            let settled = &mut self.accounts[a].settled;
            settled.retain(|(of, _)| *of != POLICIES);
            settled.extend(given.packed.map(|truths| (POLICIES, truths)));
        }
        let open = self.accounts[a].open.clone();
        open.into_iter().filter(|&slot| self.apply_policy_given(slot, at, Some(given))).collect()
    }

    /// What policies say of an account that has open tickets.
    fn policies_of_account(&self, a: u32) -> Option<OfAccount> {
        let account = &self.accounts[a];
        let view = self.view(*account.open.first()?, account.now);
        let truths: Vec<_> = self.rules.policies.iter().map(|policy| policy.of_account(&view)).collect();
        let (mut packed, mut count, mut until) = (0, 0, NEVER);
        for dated in truths.iter().flatten().flatten() {
            packed = packed << 2 | dated.truth as u64;
            count += 1;
            until = until.min(dated.until);
        }
        Some(OfAccount { truths, packed: (count <= 32).then_some(packed), until })
    }

    /// What policies say of an account may have changed with its tickets, or with time; and what follows for rules
    /// about clocks.
    pub(crate) fn follow_policies_of_windows(&mut self, a: u32, at: Millis) {
        if self.policies.windows {
            let moved = self.apply_policies_of_windows(a, None, at);
            self.rejudge_all_clocks(moved);
        }
    }

    /// The same, and what follows for rules about clocks.
    pub(crate) fn follow_policies(&mut self, a: u32, changed: Reads, at: Millis) {
        let moved = self.apply_policies(a, changed, at);
        self.rejudge_all_clocks(moved);
    }

    fn rejudge_all_clocks(&mut self, moved: Vec<Slot>) {
        if self.live {
            moved.into_iter().for_each(|slot| self.rejudge_clocks(slot));
        }
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
        self.apply_policy_given(slot, at, None)
    }

    /// The same where it is known what policies say of its account.
    fn apply_policy_given(&mut self, slot: Slot, at: Millis, given: Option<&OfAccount>) -> bool {
        self.apply_policy_after(slot, at, self.tickets[slot].priority(), given)
    }

    /// The same, where the ticket had this priority up to then.
    fn apply_policy_after(
        &mut self,
        slot: Slot,
        at: Millis,
        priority_before: Option<Priority>,
        given: Option<&OfAccount>,
    ) -> bool {
        if !self.policies.any || !self.tickets[slot].open {
            return false;
        }
        let (policy, provisional, until) = self.policy_of(slot, given);
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
            Some(before) if before.policy == policy || self.is_edition(before.policy, policy) => before.since,
            Some(_) => at,
        };
        let now = Applied { policy, since, provisional };
        if before == Some(now) {
            return false;
        }
        let is_other = before.is_none_or(|before| before.policy != policy);
        if is_other {
            let before = before.map(|before| By { policy: before.policy, priority: priority_before });
            self.go_over(slot, before, if before.is_some() { at } else { since }, policy);
        }
        self.clocks_mut(slot).policy = Some(now);
        is_other
    }

    /// Another policy applies from an instant on, or a first one: as it was then, and from each later edit on as that
    /// made it.
    fn go_over(&mut self, slot: Slot, before: Option<By>, at: Millis, now: Option<u16>) {
        let priority = self.tickets[slot].priority();
        let by = |policy| By { policy, priority };
        let mut line: SmallVec<[(Millis, By); 2]> = SmallVec::new();
        let mut from = at;
        for (place, until) in now.into_iter().flat_map(|now| self.rules.editions_of(now)).filter(|past| past.1 > at) {
            line.push((from, by(Some(place))));
            from = until;
        }
        line.push((from, by(now)));
        let mut counted = before;
        for (from, by) in line {
            if let Some(before) = counted.replace(by) {
                self.carry(slot, from, before, by);
            }
        }
    }

    /// The policy that applies now, whether one above it is undecided, and until when that stays so.
    fn policy_of(&self, slot: Slot, given: Option<&OfAccount>) -> (Option<u16>, bool, Millis) {
        let view = self.view(slot, self.accounts[self.tickets[slot].account].now);
        let (mut provisional, mut until) = (false, NEVER);
        for (number, policy) in self.rules.policies.iter().enumerate() {
            let of_account = given.map_or(&[][..], |given| &given.truths[number]);
            let applies = policy.applies_given(&view, of_account);
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

    /// The priority has become another at an instant, and with it maybe the policy: no clock goes by the new one under
    /// the old policy, not for an instant.
    pub(crate) fn change_priority(&mut self, slot: Slot, at: Millis, before: Option<Priority>) {
        let then = |ticket: &Ticket| Some(ticket.clocks.as_ref()?.former_at(at)?.by.policy);
        if then(&self.tickets[slot]).is_none() && self.apply_policy_after(slot, at, before, None) {
            return;
        }
        let (then, now) = (then(&self.tickets[slot]), self.tickets[slot].priority());
        let clocks = self.tickets[slot].clocks.as_ref();
        let applied = then.unwrap_or_else(|| clocks.and_then(|clocks| clocks.policy?.policy));
        if applied.is_some() {
            let by = |priority| By { policy: applied, priority };
            self.carry(slot, at, by(before), by(now));
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

    /// Whether two places are those of one policy before it was edited, and since.
    fn is_edition(&self, before: Option<u16>, now: Option<u16>) -> bool {
        let policy = |place: Option<u16>| self.rules.policy(place?);
        before != now && policy(before).zip(policy(now)).is_some_and(|(was, is)| was.id == is.id)
    }

    /// A ticket's policy has been edited: from an instant on it says what it says now. One that is solved is looked at
    /// by no condition, and keeps its policy.
    pub(super) fn follow_edit(&mut self, slot: Slot, at: Millis) {
        let ticket = &self.tickets[slot];
        let before = ticket.clocks.as_ref().and_then(|clocks| clocks.policy);
        let Some((applied, was)) = before.and_then(|applied| Some((applied, applied.policy?))) else { return };
        let edited = (0..self.rules.policies.len() as u16).find(|&now| self.is_edition(Some(was), Some(now)));
        let Some(now) = edited.filter(|_| self.rules.is_past(was)) else { return };
        let by = |policy| By { policy: Some(policy), priority: ticket.priority() };
        self.carry(slot, at, by(was), by(now));
        self.clocks_mut(slot).policy = Some(Applied { policy: Some(now), ..applied });
    }

    /// Keeps what the clocks that run have used, where their targets change at an instant.
    fn carry(&mut self, slot: Slot, at: Millis, before: By, now: By) {
        let rules = self.rules.clone();
        let is_edition = self.is_edition(before.policy, now.policy);
        let clocks = self.tickets[slot].clocks.as_ref();
        let is_late = clocks.and_then(|clocks| clocks.former.last()).is_some_and(|former| at < former.until);
        let mut has_other_hours = is_late || before.policy != now.policy;
        for metric in self.policies.metrics.clone() {
            let (from, to) = (before.target(metric, &rules), now.target(metric, &rules));
            let is_same = from.map(|(_, target)| target) == to.map(|(_, target)| target);
            let on_reopen = |by: By| by.of(&rules).map(|policy| policy.on_reopen);
            if is_same && on_reopen(before) == on_reopen(now) {
                continue;
            }
            has_other_hours |= counts_otherwise(from, to) || from.is_some() != to.is_some();
            // What leaves a target as it is starts nothing anew, and neither does who edits a policy.
            let starts_anew =
                |(policy, _): &(&SlaPolicy, &Target)| !is_same && !is_edition && policy.on_change == OnChange::Restart;
            let anew = to.filter(starts_anew).and_then(|_| self.tickets[slot].runs_since(metric, at));
            let clocks = self.clocks_mut(slot);
            if let Some(started) = anew {
                clocks.start_anew(metric, started, at.max(started));
            }
            clocks.let_breaches_stand(metric, at);
        }
        if has_other_hours {
            self.clocks_mut(slot).note_former(at, before, now);
            self.recount_former(slot, now);
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

impl Clocks {
    /// The newest of a clock is what counts.
    pub fn carry(&mut self, carried: Carried) {
        self.carried.retain(|other| other.metric != carried.metric);
        self.carried.push(carried);
    }

    /// It starts anew at an instant, unless it did so later.
    fn start_anew(&mut self, metric: SlaMetric, started: Millis, at: Millis) {
        if self.carried(metric, started).is_none_or(|carried| !carried.anew || carried.base.0 < at) {
            self.carry(Carried { metric, started, at, used: 0, base: (at, 0), anew: true });
        }
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
