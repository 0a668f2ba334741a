//! What becomes true though no record comes: bounds, in order, each on the state before the next record.
//!
//! A rise at a bound is held until the clock reaches bound + grace, so that a straggler can still disprove it; the
//! clock itself evaluates a bound only then, so that mostly nothing needs to be held. SEMANTICS 1.3, 1.4.

use tierline_model::Millis;
use tierline_rules::{Edge, Moment, NEVER};

use crate::account::Slot;
use crate::engine::Engine;
use crate::fire::Cause;
use crate::judge::Rising;
use crate::ticket::unpack;

impl Engine {
    /// A ticket next wants attention then.
    pub(crate) fn set_bound(&mut self, slot: Slot, bound: Millis) {
        let ticket = &mut self.tickets[slot];
        if ticket.bound == bound {
            return;
        }
        ticket.bound = bound;
        if bound != NEVER {
            let account = &mut self.accounts[ticket.account];
            // Passed-over entries are swept out before they outnumber the tickets by far.
            if account.bounds.len() > 8 + 4 * account.tickets.len() {
                let tickets = &self.tickets;
                account.bounds.sweep(|at, slot| tickets.get(slot).is_some_and(|ticket| ticket.bound == at));
            }
            account.bounds.push(bound, slot);
        }
    }

    /// No bound of an account lies before this; it takes no look at any ticket.
    fn no_bound_before(&self, a: u32) -> Millis {
        let account = &self.accounts[a];
        account.bounds.earliest().min(account.bound)
    }

    /// The earliest bound of an account.
    fn next_bound(&mut self, a: u32) -> Millis {
        let account = &mut self.accounts[a];
        while let Some((at, slot)) = account.bounds.first() {
            match self.tickets.get(slot) {
                Some(ticket) if ticket.bound == at && ticket.account == a => return at.min(account.bound),
                _ => account.bounds.pop(),
            };
        }
        account.bound
    }

    /// Evaluates an account's bounds in order: those before `limit`, or up to it with [`Edge::Bounds`].
    pub(crate) fn pass_bounds(&mut self, a: u32, limit: Millis, edge: Edge, by_record: bool) {
        // Mostly nothing is due, and that is seen at once.
        while self.no_bound_before(a) <= limit {
            let bound = self.next_bound(a);
            if bound == NEVER || bound > limit || (bound == limit && edge == Edge::Records) {
                return;
            }
            // A bound that was worked out late, from a late record, lies before what the account has reached.
            let before = self.accounts[a].now;
            self.accounts[a].now = before.max(Moment { at: bound, edge: Edge::Bounds });
            self.marked = false;
            self.pass_bound(a, bound, edge, by_record);
            // A bound from which nothing follows is as if it had not been: a restart may not find it again, and what
            // comes late must not depend on that.
            if !self.marked {
                self.accounts[a].now = before;
            }
        }
    }

    fn pass_bound(&mut self, a: u32, bound: Millis, edge: Edge, by_record: bool) {
        let (mut due, mut snoozed) = (Vec::new(), Vec::new());
        while let Some((at, slot)) = self.accounts[a].bounds.first() {
            if at > bound {
                break;
            }
            self.accounts[a].bounds.pop();
            if self.tickets.get(slot).is_some_and(|ticket| ticket.bound == at && ticket.account == a) {
                self.tickets[slot].bound = NEVER;
                due.push(slot);
            }
        }
        if self.accounts[a].bound <= bound {
            self.accounts[a].bound = NEVER;
            if !self.settling.keeps_policies() {
                self.follow_policies_of_windows(a, bound);
            }
            let rules = std::mem::take(&mut self.index.timed_of_account);
            self.judge_everywhere(a, &rules, Rising::Collect);
            self.index.timed_of_account = rules;
            self.touched_rules.extend(self.once_per_account());
        }
        due.sort_by(|&x, &y| self.age(x).cmp(&self.age(y)));
        for slot in due {
            if self.tickets[slot].open {
                self.look_at(slot, bound);
                if by_record {
                    self.mark_ticket(slot);
                }
                snoozed.extend(self.tickets[slot].snoozed_until().map(|_| slot));
            } else if self.kept_until(slot) <= bound {
                self.forget_ticket(slot);
            } else {
                // A snooze of its escalation may have ended, or the answer to it be due.
                self.clocked.push(slot);
                snoozed.push(slot);
                let until = self.tickets[slot].snoozed_until().filter(|&until| until > bound);
                self.set_bound(slot, self.kept_until(slot).min(until.unwrap_or(NEVER)));
            }
        }
        self.conclude(a, Cause::Bound(edge));
        // A rule that raises at the very instant ends it first.
        for slot in snoozed {
            self.end_snooze(slot);
        }
    }

    /// All that time may have made of an open ticket by an instant.
    pub(crate) fn look_at(&mut self, slot: Slot, at: Millis) {
        if self.policies.timed && !self.settling.keeps_policies() {
            self.apply_policy(slot, at);
        }
        // What is due now is noted when the moment is concluded; then it is known what is due next.
        if let Some(clocks) = self.tickets[slot].clocks.as_mut().filter(|clocks| clocks.due <= at) {
            clocks.due = NEVER;
        }
        self.clocked.push(slot);
        let rules = std::mem::take(&mut self.index.timed);
        self.judge(slot, &rules, true, Rising::Collect);
        self.index.timed = rules;
    }

    fn once_per_account(&self) -> Vec<u16> {
        let untouched = |rule: &u16| !self.touched_rules.contains(rule);
        self.index.per_account.iter().copied().filter(untouched).collect()
    }

    /// Whatever of an account the clock has let pass: held rises whose grace is over, and bounds with theirs.
    pub(crate) fn catch_up(&mut self, a: u32, edge: Edge) {
        let limit = self.clock.saturating_sub(self.settings.grace);
        self.release(a, limit, edge);
        self.pass_bounds(a, limit, edge, false);
    }

    /// Puts an account into the task's queue, if it wants attention earlier than it stands there.
    pub(crate) fn schedule(&mut self, a: u32) {
        let held = self.accounts[a].holding.earliest();
        // What the queue has already is early enough.
        if self.no_bound_before(a).min(held).saturating_add(self.settings.grace) >= self.accounts[a].scheduled {
            return;
        }
        let bound = self.next_bound(a).min(self.first_held(a));
        if bound == NEVER {
            return;
        }
        let deadline = bound.saturating_add(self.settings.grace);
        let account = &mut self.accounts[a];
        if deadline < account.scheduled {
            account.scheduled = deadline;
            self.deadlines.push(a, &self.accounts);
        }
    }

    /// Whether a record of this instant comes after something that the account has already passed.
    pub(crate) fn is_late(&self, a: u32, at: Millis) -> bool {
        Moment { at, edge: Edge::Records } < self.accounts[a].now
    }

    /// The account's own time comes to a record's instant; a late record leaves it where it is.
    pub(crate) fn arrive(&mut self, a: u32, at: Millis) {
        let now = &mut self.accounts[a].now;
        *now = (*now).max(Moment { at, edge: Edge::Records });
    }

    /// What every record does first: what the clock has let pass, then every bound before the record's instant.
    pub(crate) fn before_record(&mut self, a: u32, at: Millis) {
        if self.live {
            if !self.alone {
                self.catch_up(a, Edge::Records);
            }
            self.pass_bounds(a, at, Edge::Records, true);
        }
    }

    /// The account's own time, as its entities in the changelog remember it.
    pub(crate) fn remember_now(&mut self, a: u32, packed: Millis) {
        let now = &mut self.accounts[a].now;
        *now = (*now).max(unpack(packed));
    }
}
