//! The moments in which what holds already must not fire: the first start, and a restart with changed rules.
//! SEMANTICS 1.8, 3.7.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use tierline_model::Millis;
use tierline_rules::{ALWAYS, Edge, Moment, OnDeploy, Reads, Rule, Topic};

use crate::account::Slot;
use crate::clocks::{Recorded, Telling, past_hours};
use crate::engine::Engine;
use crate::fire::Cause;
use crate::judge::Rising;
use crate::memory::{Memory, read};
use crate::planted::{Bug, planted};
use crate::state::StateError;
use crate::ticket::Track;

/// While a restart is settled: rules that do not rise as usual, and what they do instead.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    rules: Vec<(u16, Rising)>,
    /// Unchanged rules about clocks, which latch in silence on the tickets that another policy applies to now.
    of_clocks: Vec<u16>,
    /// Those tickets.
    pub repoliced: FxHashSet<Slot>,
    /// The time up to the restart is passed. It was theirs by what was in force then: they are only looked at when it is
    /// over, for how much of it is left depends on what was written last.
    passing: bool,
    /// Meanwhile no ticket comes to another policy: those in force now apply from the restart on.
    keeps_policies: bool,
}

impl Settling {
    /// Whether no ticket comes to another policy yet.
    pub fn keeps_policies(&self) -> bool {
        self.keeps_policies
    }

    /// Whether nobody is to ask yet what a rule says of a ticket.
    pub fn is_passing(&self, slot: Slot, rule: u16) -> bool {
        self.passing && self.otherwise(Some(slot), rule).is_some()
    }

    /// Whether some rule rises otherwise than most.
    pub fn is_under_way(&self) -> bool {
        !self.rules.is_empty() || !self.of_clocks.is_empty()
    }

    /// What a rule does instead of `rising` on a ticket, or on an account.
    pub fn instead_of(&self, rising: Rising, slot: Option<Slot>, rule: u16) -> Rising {
        if rising != Rising::Collect || !self.is_under_way() {
            return rising;
        }
        match self.otherwise(slot, rule) {
            Some(_) if self.passing => Rising::Bounds,
            Some(instead) => instead,
            None => rising,
        }
    }

    fn otherwise(&self, slot: Option<Slot>, rule: u16) -> Option<Rising> {
        let of_clocks = || {
            let is_one = slot.is_none_or(|slot| self.repoliced.contains(&slot)) && self.of_clocks.contains(&rule);
            is_one.then_some(Rising::Quietly)
        };
        let of_rules = self.rules.iter().find(|(other, _)| *other == rule);
        of_rules.map(|&(_, instead)| instead).or_else(of_clocks)
    }
}

impl Engine {
    /// The task has caught up; the first time in its life, with a quiet start, what is *yes* by now latches in silence.
    pub fn caught_up(&mut self, clock: Millis) {
        self.clock = self.clock.max(clock);
        self.shows = self.clock;
        if self.live {
            return;
        }
        self.live = true;
        for a in 0..self.accounts.len() {
            self.reach(a, self.clock);
            for slot in self.accounts[a].tickets.clone() {
                self.tell_clocks(slot, Telling::Quietly);
            }
            let rules = std::mem::take(&mut self.index.all);
            for slot in self.accounts[a].open.clone() {
                self.judge(slot, &rules, true, Rising::Quietly);
            }
            self.index.all = rules;
            self.judge_once_per_account(a, Rising::Quietly);
            self.fallen.clear();
            self.schedule(a);
        }
    }

    /// All has been restored. `clock` is the task's, `memory` what [`memory`](Self::memory) said then; `None`: a cold
    /// start. Derives what is not written, and settles changed rules and policies. [`Edge::Records`] leaves out what is
    /// over at the very instant, because more records of it may come; that it had come is shown all the same.
    ///
    /// # Errors
    /// The memory is none of this version's.
    pub fn restored(&mut self, clock: Millis, edge: Edge, memory: Option<&[u8]>) -> Result<(), StateError> {
        self.clock = self.clock.max(clock - Millis::from(edge == Edge::Records));
        self.shows = self.clock.max(clock);
        let Some(memory) = memory else { return Ok(()) };
        let mut memory = read(memory)?;
        self.live = memory.live;
        if !planted(Bug::HeardForgotten) {
            memory.heard.iter().for_each(|(source, until)| self.hear(source, *until));
        }
        self.imports.recall(std::mem::take(&mut memory.imports), std::mem::take(&mut memory.ended));
        let past = past_hours(&memory.calendars, &self.rules.calendars, self.clock);
        if !past.is_empty() {
            self.rules = Arc::new(self.rules.with_past_hours(&past));
            self.written.take();
        }
        let recorded = Recorded {
            said: memory.terms.as_ref(),
            versions: &memory.policies,
            more: &memory.more_terms,
            past: &memory.past_policies,
        };
        let some_are_retired = self.place_policies(&recorded);
        // What a shorter history has forgotten does not come back.
        let shorter = memory.history.filter(|history| *history < self.settings.history);
        let covered_since = shorter.map_or(ALWAYS, |history| self.clock.saturating_sub(history));
        self.covered_since = memory.covered_since.max(covered_since);
        let known = memory.terms.is_some();
        let edited = !known || some_are_retired || memory.policies != self.policy_versions();
        let answers_otherwise = memory.escalation_sla.is_some_and(|was| was != self.version_of_escalation_sla());
        let changed = if self.live { self.changed_rules(&memory) } else { Vec::new() };
        let is_edited = edited || self.settling.is_under_way();
        let derives_bounds = !planted(Bug::TimerNotRederived) || memory.rules == self.fingerprints();
        // All of an account at once, while it is near: a million tickets are looked through but once.
        let mut unheld = Vec::new();
        for a in 0..self.accounts.len() {
            self.derive_account(a, &mut unheld);
            self.restore_clocks(a, edited, answers_otherwise);
            if self.live && !is_edited && unheld.is_empty() && derives_bounds {
                self.derive_bounds(a);
            }
        }
        self.contexts.clear();
        self.last_words.clear();
        if self.live && is_edited {
            self.live_up_to_the_restart(edited, &changed);
        }
        if edited {
            self.settle_policies(known);
        }
        if self.live && (is_edited || !unheld.is_empty()) {
            self.settle();
            self.end_unheld(unheld);
            if derives_bounds {
                (0..self.accounts.len()).for_each(|a| self.derive_bounds(a));
            }
        }
        if !self.live {
            // Rules wait for the first catch-up; the end of a solved ticket's keeping doesn't depend on it.
            let closed: Vec<Slot> = self.tickets.places().filter(|&slot| !self.tickets[slot].open).collect();
            closed.into_iter().for_each(|slot| self.keep_closed(slot));
        }
        Ok(())
    }

    pub(crate) fn fingerprints(&self) -> Vec<(String, String)> {
        self.evaluated().map(|rule| (rule.id.clone(), rule.fingerprint.clone())).collect()
    }

    /// The rules that are evaluated, in order.
    pub(crate) fn evaluated(&self) -> impl Iterator<Item = &Rule> {
        self.index.all.iter().map(|&rule| &self.rules.rules[rule as usize])
    }

    pub(crate) fn policy_versions(&self) -> Vec<(String, String)> {
        self.rules.policies.iter().map(|policy| (policy.id.clone(), policy.fingerprint.clone())).collect()
    }

    /// The windows, lists and counts of an account that has been read back. To `unheld` its tickets of which something
    /// waited for a rise to go out whose rule is no more.
    fn derive_account(&mut self, a: u32, unheld: &mut Vec<Slot>) {
        for place in 0..self.accounts[a].tickets.len() {
            let slot = self.accounts[a].tickets[place];
            if self.derive_ticket(slot) {
                unheld.push(slot);
            }
            let ticket = &self.tickets[slot];
            self.accounts[a].created.extend(ticket.created_at.filter(|_| ticket.counts()));
            self.remember_now(a, ticket.now);
        }
        self.accounts[a].created.sort_unstable();
    }

    /// What follows from a ticket that has been read back, but for the window of its account. Whether something of it
    /// waited for a rise to go out whose rule is no more.
    pub(crate) fn derive_ticket(&mut self, slot: Slot) -> bool {
        let (context, said) = (self.contexts.remove(&slot), self.last_words.remove(&slot));
        if (context.is_some() || said.is_some())
            && let Some(open) = self.tickets[slot].escalation_mut()
        {
            (open.context, open.said) = (context, said);
        }
        let is_unheld = self.drop_clears(slot);
        self.note_held(slot);
        let ticket = &self.tickets[slot];
        let tier = ticket.tier();
        if let Some(import) = ticket.sleep.import().filter(|_| !planted(Bug::SleepersForgotten)) {
            self.imports.note_sleeper(import, slot);
        }
        let account = &mut self.accounts[ticket.account];
        if ticket.open {
            for latch in ticket.latches.iter().filter(|latch| latch.yes) {
                if self.rules.rules[latch.rule as usize].per_account {
                    account.latch_mut(latch.rule).yes += 1;
                }
            }
            self.enlist_open(self.tickets[slot].account, slot);
        }
        self.count_tier(Track::Live, 1, tier);
        is_unheld
    }

    /// Escalations whose end waited for a rise to go out that a removed rule has taken with it end.
    fn end_unheld(&mut self, mut unheld: Vec<Slot>) {
        // The end of its keeping may have come meanwhile.
        unheld.retain(|&slot| self.tickets.contains(slot));
        unheld.sort_by(|&x, &y| self.age(x).cmp(&self.age(y)));
        for slot in unheld {
            self.clear_if_no(slot, Millis::MIN);
            self.conclude(self.tickets[slot].account, Cause::Bound(Edge::Bounds));
        }
    }

    /// When an account and each of its tickets next want attention.
    fn derive_bounds(&mut self, a: u32) {
        let rules = std::mem::take(&mut self.index.all);
        for place in 0..self.accounts[a].tickets.len() {
            let slot = self.accounts[a].tickets[place];
            if self.tickets[slot].open {
                self.judge(slot, &rules, true, Rising::Bounds);
            } else {
                self.keep_closed(slot);
                self.wake_at_end_of_snooze(slot);
            }
        }
        // Its tickets have been looked at.
        match self.accounts[a].open.first() {
            Some(&any) => rules.iter().for_each(|&rule| _ = self.look_at_account(a, any, rule)),
            None => self.accounts[a].settled.clear(),
        }
        self.index.all = rules;
        self.touch_once_per_account();
        self.judge_once_per_account(a, Rising::Bounds);
        self.schedule(a);
        self.fallen.clear();
    }

    /// One that isn't open is kept for the history from when it was solved, or was last heard of; the answer to an
    /// escalation that a rating raised on it may be due before.
    pub(crate) fn keep_closed(&mut self, slot: Slot) {
        let due = self.tickets[slot].clocks.as_ref().map_or(Millis::MAX, |clocks| clocks.due);
        self.set_bound(slot, self.kept_until(slot).min(due));
    }

    /// Which rules are new or changed; they do not rise as usual.
    fn changed_rules(&mut self, memory: &Memory) -> Vec<u16> {
        let mut changed = Vec::new();
        for &number in &self.index.all {
            let rule = &self.rules.rules[number as usize];
            let before = memory.rules.iter().position(|(id, _)| *id == rule.id);
            let is_same = before.is_some_and(|before| memory.rules[before].1 == rule.fingerprint);
            let other_hours = before.and_then(|before| memory.but_for_hours.get(before)) == Some(&rule.but_for_hours);
            let known = is_same || other_hours;
            let rising = match rule.on_deploy {
                OnDeploy::Fire if !known => Rising::Bounds,
                OnDeploy::Quiet if !known => Rising::Quietly,
                // By hours whose former edition nobody kept, what they make of it is passed over.
                _ if !is_same && memory.calendars.is_empty() => {
                    self.settling.rules.push((number, Rising::Quietly));
                    continue;
                }
                _ => continue,
            };
            self.settling.rules.push((number, rising));
            changed.push(number);
        }
        changed
    }

    /// The time up to the restart passes by the policies that were in force then, and for the rules that still are.
    fn live_up_to_the_restart(&mut self, edited: bool, changed: &[u16]) {
        self.forget_latches(changed);
        if !planted(Bug::TimerNotRederived) {
            (0..self.accounts.len()).for_each(|a| self.derive_bounds(a));
        }
        (self.settling.passing, self.settling.keeps_policies) = (true, edited);
        (0..self.accounts.len()).for_each(|a| self.pass_bounds(a, self.clock, Edge::Bounds, true));
        (self.settling.passing, self.settling.keeps_policies) = (false, false);
    }

    /// What already holds of a new or changed rule, or becomes overdue by a changed policy, latches in silence, or
    /// fires dated at the restart.
    fn settle(&mut self) {
        let of_policies = Reads::default().and(Topic::Sla);
        if !self.settling.repoliced.is_empty() {
            let is_changed = |rule: u16| self.settling.rules.iter().any(|&(other, _)| other == rule);
            let reads_clocks = |rule: u16| self.rules.rules[usize::from(rule)].reads().overlaps(of_policies);
            let of_clocks = self.index.all.iter().copied().filter(|&rule| reads_clocks(rule) && !is_changed(rule));
            self.settling.of_clocks = of_clocks.collect();
        }
        if !self.settling.is_under_way() {
            self.settling = Settling::default();
            return;
        }
        let of_rules = self.settling.rules.iter();
        let firing: Vec<u16> =
            of_rules.clone().filter(|(_, rising)| *rising == Rising::Bounds).map(|&(rule, _)| rule).collect();
        let mut settling: Vec<u16> =
            of_rules.map(|&(rule, _)| rule).chain(self.settling.of_clocks.iter().copied()).collect();
        settling.sort_unstable();
        for a in 0..self.accounts.len() {
            self.reach(a, self.clock);
            for slot in self.accounts[a].open.clone() {
                self.judge(slot, &settling, false, Rising::Collect);
            }
            self.touch_once_per_account();
            self.judge_once_per_account(a, Rising::Collect);
            // What a changed rule or policy ended, it ended at the restart.
            self.fallen.clear();
            self.conclude(a, Cause::Bound(Edge::Bounds));
            let escalated = |&slot: &Slot| self.tickets[slot].is_escalated();
            let mut open: Vec<Slot> = self.accounts[a].open.iter().copied().filter(escalated).collect();
            // By age, and not by place: that is another after a restart.
            open.sort_by(|&x, &y| self.age(x).cmp(&self.age(y)));
            for slot in open {
                self.clear_if_no(slot, self.clock);
            }
            // Rules that read an escalation which ended hear of it, though they latched a moment ago.
            self.conclude(a, Cause::Bound(Edge::Bounds));
        }
        self.settling = Settling::default();
        if !firing.is_empty() {
            (0..self.accounts.len()).for_each(|a| self.fire_at_restart(a, &firing));
        }
    }

    fn fire_at_restart(&mut self, a: u32, rules: &[u16]) {
        for slot in self.accounts[a].open.clone() {
            self.judge(slot, rules, false, Rising::Collect);
        }
        self.touch_once_per_account();
        self.judge_once_per_account(a, Rising::Collect);
        let clock = self.clock;
        self.rises.iter_mut().filter(|rise| rules.contains(&rise.rule)).for_each(|rise| rise.since = clock);
        self.conclude(a, Cause::Record);
    }

    /// Changed rules start anew; what they held back for stragglers is what a changed rule that is *yes* does not do.
    fn forget_latches(&mut self, changed: &[u16]) {
        let is_changed = |rule: u16| changed.contains(&rule);
        let slots: Vec<Slot> = self.tickets.places().collect();
        for slot in slots {
            let ticket = &mut self.tickets[slot];
            let latches = ticket.latches.len();
            ticket.latches.retain(|latch| !is_changed(latch.rule));
            let mut forgets = ticket.latches.len() < latches;
            if ticket.held().iter().any(|held| is_changed(held.rule)) {
                ticket.rare().held.retain(|held| !is_changed(held.rule));
                self.drop_clears(slot);
                self.note_held(slot);
                forgets = true;
            }
            // The next restart must not find them again, with nothing to say that the rule had changed.
            if forgets && !planted(Bug::ForgettingNotWritten) {
                self.mark_ticket(slot);
            }
        }
        for a in 0..self.accounts.len() {
            let latches = &mut self.accounts[a].latches;
            if latches.iter().any(|latch| is_changed(latch.rule)) {
                latches.retain(|latch| !is_changed(latch.rule));
                self.mark_account(a);
            }
        }
    }

    /// The account's own time comes to an instant, its bounds included: if there is a ticket to be looked at then, and
    /// so that a restart knows of it.
    pub(crate) fn reach(&mut self, a: u32, at: Millis) {
        let account = &mut self.accounts[a];
        let reached = Moment { at, edge: Edge::Bounds };
        if !account.open.is_empty() && account.now < reached {
            account.now = reached;
            self.mark_account(a);
        }
    }
}
