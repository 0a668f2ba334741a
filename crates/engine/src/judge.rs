//! Which rules rise and which fall: each rule's truth on a ticket, held against its latch.
//!
//! A rule rises when it becomes *yes* while unlatched; the latch opens when it is *no*, and *unknown* keeps it.
//! SEMANTICS §3.

use tierline_model::Millis;
use tierline_rules::{Dated, Edge, Moment, NEVER, Reads, Truth};

use crate::account::Slot;
use crate::engine::Engine;
use crate::index;
use crate::ticket::{Latch, Track};

/// A rule that rose on a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rise {
    pub slot: Slot,
    pub rule: u16,
    /// The instant at which it became true.
    pub since: Millis,
}

/// What a rise leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rising {
    /// It is collected, to fire or to be held.
    Collect,
    /// It latches in silence.
    Quietly,
    /// Nothing rises and no latch moves: only the bounds are worked out.
    Bounds,
}

impl Engine {
    /// Evaluates these rules on a ticket, moves their latches, and works out when the ticket next wants attention.
    /// `complete`: they include every timed rule, so the bound is theirs alone.
    pub(crate) fn judge(&mut self, slot: Slot, rules: &[u16], complete: bool, rising: Rising) {
        let a = self.tickets[slot].account;
        let moment = self.accounts[a].now;
        let of_clocks = self.tickets[slot].clocks.as_ref().map_or(NEVER, |clocks| clocks.bound());
        let mut bound = if complete { of_clocks } else { self.tickets[slot].bound };
        let mut truths = std::mem::take(&mut self.truths);
        let unheard = self.truths_of(slot, rules, rising, &mut truths);
        for &(rule, dated) in &truths {
            bound = bound.min(self.step(slot, rule, dated, moment, rising));
        }
        self.truths = truths;
        let wakes = self.tickets[slot].snoozed_until().filter(|&until| !moment.reached(until));
        bound = wakes.map_or(bound, |until| bound.min(until));
        self.set_bound(slot, bound.max(ahead_of(moment)));
        self.await_source(slot, unheard);
    }

    /// The truths of these rules on a ticket, in order. Those that its gates decide are left out; the undecided ones
    /// among them are counted. The earliest absence that waits until its source is heard of.
    fn truths_of(&mut self, slot: Slot, rules: &[u16], rising: Rising, into: &mut Vec<(u16, Dated)>) -> Millis {
        into.clear();
        let (mut asked, mut left) = (std::mem::take(&mut self.asked), std::mem::take(&mut self.left));
        let ticket = &self.tickets[slot];
        let view = self.view(slot, self.accounts[ticket.account].now);
        asked.set(rules, self.rules.rules.len());
        self.index.gates.leave(&self.rules.rules, &view, &asked, &mut left);
        // Where a rule stood is looked at whatever the gates say.
        let stood = ticket.latches.iter().map(|latch| latch.rule).chain(self.keeping_open(slot));
        left.open(stood.filter(|&rule| asked.has(rule)));
        // What settles rises otherwise than most, and is counted where that is decided.
        if self.settling.is_under_way() {
            left.open_all();
        }
        let truth = |rule: &u16| (*rule, self.rules.rules[*rule as usize].evaluate(&view));
        into.extend(left.in_order().iter().map(truth));
        let unheard = view.unheard.get();
        if rising != Rising::Bounds {
            left.undecided.iter().for_each(|&rule| self.counts.undecided[rule as usize] += 1);
        }
        (self.asked, self.left) = (asked, left);
        unheard
    }

    /// Evaluates every rule on each open ticket, so many times in a row, as when everything that they read had changed,
    /// and changes nothing: how many tickets were looked at, and how many rules are *yes* on them. For the bench of what
    /// a look costs.
    pub fn look_at_everything(&mut self, times: usize) -> (usize, usize) {
        let rules = std::mem::take(&mut self.index.all);
        let mut truths = std::mem::take(&mut self.truths);
        let (mut tickets, mut yes) = (0, 0);
        for a in 0..self.accounts.len() {
            for place in 0..self.accounts[a].open.len() {
                for _ in 0..times {
                    self.truths_of(self.accounts[a].open[place], &rules, Rising::Bounds, &mut truths);
                }
                tickets += 1;
                yes += truths.iter().filter(|(_, dated)| dated.truth == Truth::Yes).count();
            }
        }
        (self.truths, self.index.all) = (truths, rules);
        (tickets, yes)
    }

    /// A rule's truth on a ticket.
    pub(crate) fn truth(&self, slot: Slot, rule: u16, moment: Moment) -> Dated {
        self.rules.rules[rule as usize].evaluate(&self.view(slot, moment))
    }

    /// Moves one latch; returns when the rule next wants attention on this ticket.
    fn step(&mut self, slot: Slot, number: u16, inner: Dated, moment: Moment, rising: Rising) -> Millis {
        let rising = self.settling.instead_of(rising, Some(slot), number);
        let ticket = &mut self.tickets[slot];
        if inner.truth == Truth::Unknown && rising != Rising::Bounds {
            self.counts.undecided[number as usize] += 1;
        }
        if inner.truth != Truth::Yes && ticket.latch(number).is_none() {
            // It was unknown, and may have kept an escalation open by that.
            if inner.truth == Truth::No && rising != Rising::Bounds && self.keeps_open(slot, number) {
                self.fallen.push(slot);
            }
            return inner.until;
        }
        // What its account is was so before the ticket was there.
        let inner = Dated { since: inner.since.max(ticket.open_since).max(self.follows), ..inner };
        let rule = &self.rules.rules[number as usize];
        let before = ticket.latch(number).copied().unwrap_or_else(|| Latch::open(number));
        let mut latch = before;
        if inner.truth != Truth::Yes {
            latch.yes = false;
        } else if !latch.yes {
            (latch.yes, latch.since) = (true, inner.since);
        }
        let effective = held_long_enough(inner, latch.since, rule.hold, moment);
        let mut until = effective.until;
        let mut rise = None;
        match effective.truth {
            Truth::No => latch.latched = false,
            Truth::Yes if !latch.latched && !rule.per_account => {
                match cooled_down(rule.cooldown, latch.rose_at, effective.since, moment) {
                    Ok(since) => rise = Some(since),
                    Err(end) => until = until.min(end),
                }
            }
            Truth::Yes | Truth::Unknown => {}
        }
        match (rising, rise) {
            (Rising::Collect, Some(since)) => {
                (latch.latched, latch.rose_at) = (true, rule.cooldown.map(|_| since));
                self.rises.push(Rise { slot, rule: number, since });
            }
            (Rising::Quietly, Some(_)) => {
                latch.latched = true;
                self.counts.latched_quietly += 1;
            }
            (Rising::Collect | Rising::Quietly, None) => {}
            // What has changed by itself at this very instant is seen when the instant is over.
            (Rising::Bounds, rise) => {
                let pending = moment.edge == Edge::Records && (latch != before || rise.is_some());
                return if pending { until.min(moment.at) } else { until };
            }
        }
        *ticket.latch_mut(number) = latch;
        let after = latch;
        if rule.per_account && ticket.open && before.yes != after.yes {
            let yes = &mut self.accounts[ticket.account].latch_mut(number).yes;
            *yes = if after.yes { *yes + 1 } else { yes.saturating_sub(1) };
        }
        if rule.per_account && !self.touched_rules.contains(&number) {
            self.touched_rules.push(number);
        }
        let has_fallen = before.latched && !after.latched || before.yes && !after.yes;
        if has_fallen || inner.truth == Truth::No && self.keeps_open(slot, number) {
            self.fallen.push(slot);
        }
        let ticket = &mut self.tickets[slot];
        if !after.latched && !after.yes && after.rose_at.is_none() {
            let place = ticket.latches.iter().position(|latch| latch.rule == number);
            place.map(|place| ticket.latches.swap_remove(place));
        }
        if before != after {
            self.mark_ticket(slot);
        }
        until
    }

    /// The rules with `clear: when_no` that have fired or joined on a ticket's open escalation, or are about to.
    fn keeping_open(&self, slot: Slot) -> impl Iterator<Item = u16> {
        self.index.when_no.iter().copied().filter(move |&rule| self.keeps_open(slot, rule))
    }

    /// Whether a rule is one of those.
    fn keeps_open(&self, slot: Slot, rule: u16) -> bool {
        let ticket = &self.tickets[slot];
        let has_fired = || {
            let id = &self.rules.rules[rule as usize].id;
            let fired =
                |track| ticket.open_on(track).is_some_and(|open| open.held_by.iter().flatten().any(|by| by == id));
            Track::ALL.into_iter().any(fired)
        };
        ticket.rare.is_some()
            && self.index.when_no.binary_search(&rule).is_ok()
            && (has_fired() || ticket.held().iter().any(|held| held.rule == rule))
    }

    /// Re-evaluates the rules that read what changed of an account, on all its open tickets.
    ///
    /// A rule that its account's own conditions make *no* is *no* on every ticket until one of them changes: then only
    /// the tickets on which it stood otherwise are looked at, and the account wants attention at that instant.
    pub(crate) fn judge_account(&mut self, a: u32, changed: Reads, rising: Rising) {
        let mut rules = Vec::new();
        self.index.reading(changed, &mut rules);
        rules.retain(|&rule| index::of_account(self.index.reads(rule)));
        self.judge_everywhere(a, &rules, rising);
    }

    /// The account has a ticket more or less, or one of them is something else now: where that changes what a window
    /// says, all its tickets are looked at.
    pub(crate) fn judge_windows(&mut self, a: u32, changed: Reads, rising: Rising) {
        let Some(&any) = self.accounts[a].open.first() else {
            self.accounts[a].settled.clear();
            return;
        };
        for place in 0..self.index.of_windows.len() {
            let number = self.index.of_windows[place];
            if !self.index.reads(number).overlaps(changed) {
                continue;
            }
            let view = self.view(any, self.accounts[a].now);
            let (truths, until) = self.rules.rules[number as usize].account_truths(&view);
            let account = &mut self.accounts[a];
            account.bound = account.bound.min(until);
            let settled = account.settled.iter().find(|(rule, _)| *rule == number).map(|&(_, truths)| truths);
            if truths.is_none() || truths != settled {
                self.judge_everywhere(a, &[number], rising);
            }
        }
    }

    /// Evaluates these rules on all open tickets of an account.
    pub(crate) fn judge_everywhere(&mut self, a: u32, rules: &[u16], rising: Rising) {
        let Some(&any) = self.accounts[a].open.first() else {
            self.accounts[a].settled.clear();
            return;
        };
        for &number in rules {
            let all_no = self.look_at_account(a, any, number);
            let open = self.accounts[a].open.iter().copied();
            let touched =
                |&slot: &Slot| !all_no || self.tickets[slot].latch(number).is_some() || self.keeps_open(slot, number);
            let touched: Vec<Slot> = open.filter(touched).collect();
            let view = self.view(any, self.accounts[a].now);
            let of_account = self.rules.rules[number as usize].of_account(&view);
            for slot in touched {
                let (moment, bound) = (self.accounts[a].now, self.tickets[slot].bound);
                let view = self.view(slot, moment);
                let dated = self.rules.rules[number as usize].evaluate_given(&view, &of_account);
                let unheard = view.unheard.get();
                let until = self.step(slot, number, dated, moment, rising);
                self.set_bound(slot, bound.min(until).max(ahead_of(moment)));
                self.await_source(slot, unheard);
            }
        }
    }

    /// What an account's own conditions say of a rule by now, `any` being one of its open tickets: the account wants
    /// attention when that may change by itself, and what windows say is noted. Whether they make the rule *no* on all
    /// of its tickets.
    pub(crate) fn look_at_account(&mut self, a: u32, any: Slot, number: u16) -> bool {
        let rule = &self.rules.rules[number as usize];
        let view = self.view(any, self.accounts[a].now);
        let of_account = rule.evaluate_account(&view);
        let truths = if self.index.of_windows.contains(&number) { rule.account_truths(&view) } else { (None, NEVER) };
        let all_no = of_account.truth == Truth::No;
        let account = &mut self.accounts[a];
        if all_no {
            account.bound = account.bound.min(of_account.until);
        }
        if let (Some(truths), until) = truths {
            account.bound = account.bound.min(until);
            account.settled.retain(|(rule, _)| *rule != number);
            account.settled.push((number, truths));
        }
        all_no
    }

    /// Where the rules with `once_per: account` stand that were touched: one latch for the account. It rises when the
    /// rule becomes *yes* on any open ticket, on the newest of those; it opens when it is *yes* on none. SEMANTICS 3.6.
    pub(crate) fn judge_once_per_account(&mut self, a: u32, rising: Rising) {
        if self.alone {
            return;
        }
        let touched = std::mem::take(&mut self.touched_rules);
        for &number in &touched {
            let rules = self.rules.clone();
            let rule = &rules.rules[number as usize];
            let moment = self.accounts[a].now;
            let account = &self.accounts[a];
            debug_assert_eq!(account.latch(number).map_or(0, |latch| latch.yes), self.yes_on(a, number));
            match account.latch(number) {
                None => continue,
                // Nothing rises, and nothing falls.
                Some(latch) if !latch.latched && latch.yes == 0 => continue,
                Some(latch) if latch.latched && latch.yes > 0 && rule.hold.is_none() => continue,
                Some(_) => {}
            }
            let mut first = None;
            for &slot in &self.accounts[a].open {
                if let Some(since) = self.holds_on(slot, number, moment) {
                    first = Some(first.map_or(since, |first: Millis| first.min(since)));
                }
            }
            // On some ticket it holds whatever a restart made of clocks.
            let by_others = self.settling.is_under_way()
                && self.accounts[a].open.iter().any(|&slot| {
                    let settles = || self.settling.instead_of(rising, Some(slot), number);
                    self.holds_on(slot, number, moment).is_some() && settles() == rising
                });
            let latch = self.accounts[a].latch_mut(number);
            let before = *latch;
            let mut rise = None;
            let rising = if by_others { rising } else { self.settling.instead_of(rising, None, number) };
            match first {
                None if rising == Rising::Bounds => {}
                None => {
                    latch.latched = false;
                    if before.latched {
                        let account = &self.accounts[a];
                        let escalated = |slot: &Slot| self.tickets[*slot].is_escalated();
                        self.fallen.extend(account.open.iter().copied().filter(escalated));
                    }
                }
                Some(since) if !latch.latched => match cooled_down(rule.cooldown, latch.rose_at, since, moment) {
                    Ok(since) => {
                        latch.latched = rising != Rising::Bounds;
                        if rising == Rising::Collect {
                            latch.rose_at = rule.cooldown.map(|_| since);
                        }
                        rise = Some(since);
                    }
                    Err(end) => {
                        let account = &mut self.accounts[a];
                        account.bound = account.bound.min(end);
                    }
                },
                Some(_) => {}
            }
            if self.accounts[a].latch_mut(number) != &before {
                self.mark_account(a);
            }
            match (rise, rising) {
                (Some(since), Rising::Collect) => {
                    if let Some(slot) = self.newest_with(a, number, since, moment) {
                        self.rises.push(Rise { slot, rule: number, since });
                    }
                }
                (Some(_), Rising::Quietly) => self.counts.latched_quietly += 1,
                _ => {}
            }
        }
        self.touched_rules = touched;
        self.touched_rules.clear();
    }

    /// On how many open tickets of an account a rule is *yes*, counted one by one.
    fn yes_on(&self, a: u32, rule: u16) -> u32 {
        let is_yes = |&&slot: &&Slot| self.tickets[slot].latch(rule).is_some_and(|latch| latch.yes);
        self.accounts[a].open.iter().filter(is_yes).count() as u32
    }

    /// Since when a rule with `once_per: account` is *yes* on a ticket, its `for` included; `None`: it is not.
    pub(crate) fn holds_on(&self, slot: Slot, rule: u16, moment: Moment) -> Option<Millis> {
        let latch = self.tickets[slot].latch(rule).filter(|latch| latch.yes)?;
        let yes = Dated::fixed(Truth::Yes, latch.since);
        let effective = held_long_enough(yes, latch.since, self.rules.rules[rule as usize].hold, moment);
        (effective.truth == Truth::Yes).then_some(effective.since)
    }

    /// Whether a rule with `once_per: account` holds on any open ticket of an account. Mostly no ticket is looked at.
    pub(crate) fn holds_anywhere(&self, a: u32, rule: u16) -> bool {
        let account = &self.accounts[a];
        let is_yes = account.latch(rule).is_some_and(|latch| latch.yes > 0);
        let holds = |&slot: &Slot| self.holds_on(slot, rule, account.now).is_some();
        is_yes && (self.rules.rules[rule as usize].hold.is_none() || account.open.iter().any(holds))
    }

    /// The newest open ticket on which a rule holds since `since` or before: the latest created, then the greatest id.
    pub(crate) fn newest_with(&self, a: u32, rule: u16, since: Millis, moment: Moment) -> Option<Slot> {
        let holds = |&&slot: &&Slot| self.holds_on(slot, rule, moment).is_some_and(|at| at <= since);
        let open = self.accounts[a].open.iter();
        open.filter(holds).copied().max_by(|&x, &y| self.age(x).cmp(&self.age(y)))
    }
}

/// A bound always lies ahead, whatever a condition says: the account's time never stands still.
pub(crate) fn ahead_of(moment: Moment) -> Millis {
    moment.at.saturating_add(Millis::from(moment.edge == Edge::Bounds))
}

/// `for:` — a rule that is *yes* counts as *no* until it has been that long without a break.
fn held_long_enough(inner: Dated, since: Millis, hold: Option<Millis>, moment: Moment) -> Dated {
    let Some(hold) = hold.filter(|_| inner.truth == Truth::Yes) else { return inner };
    let due = since.saturating_add(hold);
    if moment.reached(due) {
        Dated { truth: Truth::Yes, since: due, until: inner.until }
    } else {
        Dated { truth: Truth::No, since, until: inner.until.min(due) }
    }
}

/// The instant of a rise, unless a cooldown still runs: then its end.
fn cooled_down(
    cooldown: Option<Millis>,
    rose_at: Option<Millis>,
    since: Millis,
    moment: Moment,
) -> Result<Millis, Millis> {
    let Some((cooldown, rose_at)) = cooldown.zip(rose_at) else { return Ok(since) };
    let end = rose_at.saturating_add(cooldown);
    if moment.reached(end) { Ok(since.max(end)) } else { Err(end) }
}
