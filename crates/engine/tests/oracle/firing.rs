//! What goes out, by the letter of SEMANTICS §3 and §6: every rule on every open ticket, after every record and at every
//! tick, in no hurry.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{Record, Tick, TicketNo, What};
use super::past::Past;
use super::rules::{Policy, Rule};
use tierline_model::{CommandKind, EscalationKind};
use tierline_rules::Truth;

/// A record of `escalations`, as far as the oracle foretells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    pub at: Tick,
    pub kind: EscalationKind,
    pub ticket: TicketNo,
    pub tier: u8,
    /// Its place in the list.
    pub rule: Option<usize>,
    /// The how-manieth escalation of the account it belongs to.
    pub escalation: usize,
    /// From 0, within the escalation.
    pub sequence: u32,
}

/// The semantics do not say what happens here; such a history proves nothing.
#[derive(Debug)]
pub struct Unsaid(pub &'static str);

/// All that goes out up to `until`, its own bounds included, for a history in order of occurrence.
pub fn foretell(
    rules: &[Rule],
    policy: Option<Policy>,
    history: &[Record],
    until: Tick,
) -> Result<Vec<Expected>, Unsaid> {
    let mut firing = Firing::new(rules, policy);
    let mut read = 0;
    for now in 0..=until {
        while history.get(read).is_some_and(|record| record.at == now) {
            read += 1;
            firing.after_record(&history[..read], now)?;
        }
        firing.evaluate(&Past::of(&history[..read], now, true, policy))?;
    }
    Ok(firing.out)
}

struct Firing<'a> {
    rules: &'a [Rule],
    policy: Option<Policy>,
    /// By rule and ticket; `None`: the account's.
    latches: BTreeMap<(usize, Option<TicketNo>), Latch>,
    /// The open escalation of a ticket.
    open: BTreeMap<TicketNo, Escalation>,
    escalations: usize,
    out: Vec<Expected>,
}

#[derive(Clone, Copy, Default)]
struct Latch {
    closed: bool,
    last_rise: Option<Tick>,
    held_since: Option<Tick>,
}

struct Escalation {
    number: usize,
    sequence: u32,
    tier: u8,
    acknowledged: bool,
    snoozed_until: Option<Tick>,
    /// The rule of its last firing; `None`: a person.
    fired_by: Option<usize>,
    /// Every rule that fired or joined.
    rules: BTreeSet<usize>,
    /// A person had a hand in it.
    by_hand: bool,
}

impl<'a> Firing<'a> {
    fn new(rules: &'a [Rule], policy: Option<Policy>) -> Firing<'a> {
        Firing { rules, policy, latches: BTreeMap::new(), open: BTreeMap::new(), escalations: 0, out: Vec::new() }
    }

    fn after_record(&mut self, read: &[Record], now: Tick) -> Result<(), Unsaid> {
        let past = Past::of(read, now, false, self.policy);
        if let Some(Record { what: What::Command(ticket, kind, tier), .. }) = read.last() {
            self.command(*ticket, *kind, *tier, now)?;
            for index in 0..self.rules.len() {
                if self.truths(&past, index)?.get(ticket) == Some(&Truth::Yes) {
                    let key = self.key(index, *ticket);
                    self.latches.entry(key).or_default().closed = true;
                }
            }
        }
        self.evaluate(&past)
    }

    fn command(&mut self, ticket: TicketNo, kind: CommandKind, tier: Option<u8>, now: Tick) -> Result<(), Unsaid> {
        let present = self.open.get(&ticket).map_or(1, |escalation| escalation.tier);
        match kind {
            CommandKind::Escalate => {
                let wanted = tier.unwrap_or(3);
                self.go_to(ticket, wanted, None, now);
                self.open.get_mut(&ticket).expect("just escalated").by_hand = true;
            }
            CommandKind::Acknowledge => {
                if let Some(escalation) = self.open.get_mut(&ticket).filter(|escalation| !escalation.acknowledged) {
                    escalation.acknowledged = true;
                    self.tell(ticket, EscalationKind::Acknowledged, None, now);
                }
            }
            CommandKind::DeEscalate if present > 1 => match tier.unwrap_or(present - 1) {
                1 => self.resolve(ticket, now),
                wanted if wanted < present => {
                    self.open.get_mut(&ticket).expect("it has a tier above 1").tier = wanted;
                    self.tell(ticket, EscalationKind::DeEscalated, None, now);
                }
                _ => {}
            },
            CommandKind::Resolve if present > 1 => self.resolve(ticket, now),
            CommandKind::DeEscalate | CommandKind::Resolve => {}
            CommandKind::Snooze => {
                if let Some(escalation) = self.open.get_mut(&ticket) {
                    escalation.snoozed_until = tier.map(|ticks| now + Tick::from(ticks));
                    self.tell(ticket, EscalationKind::Snoozed, None, now);
                }
            }
            CommandKind::ForgetAccount => return Err(Unsaid("not built")),
        }
        Ok(())
    }

    /// Every rule on every open ticket.
    fn evaluate(&mut self, past: &Past<'_>) -> Result<(), Unsaid> {
        self.end_what_is_solved(past)?;
        let mut rising: BTreeMap<TicketNo, Vec<usize>> = BTreeMap::new();
        for index in 0..self.rules.len() {
            let truths = self.truths(past, index)?;
            if self.rules[index].per_account {
                let holding = truths.iter().filter(|(_, truth)| **truth == Truth::Yes).map(|(no, _)| *no);
                let newest = holding.max_by_key(|no| (past.tickets[no].created_at, *no));
                let latch = self.latches.entry((index, None)).or_default();
                match newest {
                    Some(no) if latch.rises(&self.rules[index], past) => rising.entry(no).or_default().push(index),
                    Some(_) => {}
                    None => latch.closed = false,
                }
            } else {
                for (no, truth) in truths {
                    let latch = self.latches.entry((index, Some(no))).or_default();
                    match truth {
                        Truth::Yes if latch.rises(&self.rules[index], past) => {
                            rising.entry(no).or_default().push(index);
                        }
                        Truth::Yes | Truth::Unknown => {}
                        Truth::No => latch.closed = false,
                    }
                }
            }
        }
        for (no, rules) in rising {
            let first = *rules.iter().max_by_key(|&&rule| (self.rules[rule].tier, -(rule as i64))).expect("not empty");
            let fires = self.rules[first].tier > self.open.get(&no).map_or(1, |escalation| escalation.tier);
            if fires {
                self.go_to(no, self.rules[first].tier, Some(first), past.now);
            }
            for rule in rules.into_iter().filter(|&rule| !(fires && rule == first)) {
                self.go_to(no, self.rules[rule].tier, Some(rule), past.now);
            }
        }
        self.clear_what_no_rule_holds(past)?;
        let is_over = |until: Tick| until < past.now || (until == past.now && past.bounds);
        let over = self.open.iter().filter(|(_, escalation)| escalation.snoozed_until.is_some_and(is_over));
        for no in over.map(|(no, _)| *no).collect::<Vec<_>>() {
            self.open.get_mut(&no).expect("looked up above").snoozed_until = None;
            self.tell(no, EscalationKind::Unsnoozed, None, past.now);
        }
        Ok(())
    }

    /// What a rule is on each open ticket, `unless` and `for` included.
    fn truths(&mut self, past: &Past<'_>, index: usize) -> Result<BTreeMap<TicketNo, Truth>, Unsaid> {
        let rule = &self.rules[index];
        let mut truths = BTreeMap::new();
        for no in past.tickets.iter().filter(|(_, ticket)| ticket.is_open()).map(|(no, _)| *no) {
            if past.is_unsaid(&rule.when, no) || rule.unless.as_ref().is_some_and(|unless| past.is_unsaid(unless, no)) {
                return Err(Unsaid("what the condition reads is not defined for this ticket"));
            }
            let held_back = rule.unless.as_ref().is_some_and(|unless| past.truth(unless, no) == Truth::Yes);
            let mut truth = if held_back { Truth::No } else { past.truth(&rule.when, no) };
            if let Some(hold) = rule.hold {
                let latch = self.latches.entry((index, Some(no))).or_default();
                latch.held_since = (truth == Truth::Yes).then(|| latch.held_since.unwrap_or(past.now));
                if let Some(since) = latch.held_since {
                    let due = since + hold;
                    truth = Truth::from(due < past.now || (due == past.now && past.bounds));
                }
            }
            truths.insert(no, truth);
        }
        Ok(truths)
    }

    /// Opens, raises or joins.
    fn go_to(&mut self, ticket: TicketNo, tier: u8, rule: Option<usize>, now: Tick) {
        let number = self.escalations;
        let kind = match self.open.get(&ticket) {
            None => {
                self.escalations += 1;
                let fresh = Escalation {
                    number,
                    sequence: 0,
                    tier,
                    acknowledged: false,
                    snoozed_until: None,
                    fired_by: rule,
                    rules: BTreeSet::new(),
                    by_hand: false,
                };
                self.open.insert(ticket, fresh);
                EscalationKind::Opened
            }
            Some(escalation) if tier > escalation.tier => EscalationKind::Raised,
            Some(_) => EscalationKind::Joined,
        };
        let escalation = self.open.get_mut(&ticket).expect("opened above");
        if kind == EscalationKind::Raised {
            escalation.tier = tier;
            escalation.fired_by = rule;
        }
        escalation.rules.extend(rule);
        let snoozed = kind == EscalationKind::Raised && escalation.snoozed_until.take().is_some();
        self.tell(ticket, kind, rule, now);
        if snoozed {
            self.tell(ticket, EscalationKind::Unsnoozed, None, now);
        }
    }

    fn end_what_is_solved(&mut self, past: &Past<'_>) -> Result<(), Unsaid> {
        for (no, ticket) in past.tickets.iter().filter(|(_, ticket)| !ticket.is_open()) {
            for ((_, of), latch) in &mut self.latches {
                if *of == Some(*no) {
                    (latch.closed, latch.held_since) = (false, None);
                }
            }
            let _ = ticket;
            let Some(escalation) = self.open.get(no) else { continue };
            let mover = escalation.fired_by.filter(|&rule| self.rules[rule].per_account);
            let mut target = None;
            if let Some(rule) = mover {
                let free = self
                    .truths(past, rule)?
                    .into_iter()
                    .filter(|(no, truth)| *truth == Truth::Yes && !self.open.contains_key(no));
                target = free.map(|(no, _)| no).max_by_key(|no| (past.tickets[no].created_at, *no));
            }
            match target {
                Some(target) => {
                    let escalation = self.open.remove(no).expect("looked up above");
                    self.open.insert(target, escalation);
                    self.tell(target, EscalationKind::Moved, mover, past.now);
                }
                None => self.resolve(*no, past.now),
            }
        }
        Ok(())
    }

    fn clear_what_no_rule_holds(&mut self, past: &Past<'_>) -> Result<(), Unsaid> {
        let clearable: Vec<_> = self
            .open
            .iter()
            .filter(|(_, escalation)| escalation.rules.iter().all(|&rule| self.rules[rule].when_no))
            .filter(|(_, escalation)| !escalation.rules.is_empty())
            .map(|(no, escalation)| (*no, escalation.rules.clone(), escalation.by_hand))
            .collect();
        for (no, rules, by_hand) in clearable {
            let mut all_no = true;
            for rule in rules {
                all_no &= self.truths(past, rule)?.get(&no) == Some(&Truth::No);
            }
            if all_no && by_hand {
                return Err(Unsaid("whether what a person escalated clears by itself"));
            }
            if all_no {
                self.resolve(no, past.now);
            }
        }
        Ok(())
    }

    fn resolve(&mut self, ticket: TicketNo, now: Tick) {
        self.tell(ticket, EscalationKind::Resolved, None, now);
        self.open.remove(&ticket);
    }

    fn tell(&mut self, ticket: TicketNo, kind: EscalationKind, rule: Option<usize>, now: Tick) {
        let escalation = self.open.get_mut(&ticket).expect("only open escalations are told of");
        let (tier, number, sequence) = (escalation.tier, escalation.number, escalation.sequence);
        escalation.sequence += 1;
        self.out.push(Expected { at: now, kind, ticket, tier, rule, escalation: number, sequence });
    }

    fn key(&self, rule: usize, ticket: TicketNo) -> (usize, Option<TicketNo>) {
        (rule, (!self.rules[rule].per_account).then_some(ticket))
    }
}

impl Latch {
    /// Closes it, if the rule, which holds, rises now.
    fn rises(&mut self, rule: &Rule, past: &Past<'_>) -> bool {
        let cooling = rule.cooldown.zip(self.last_rise).is_some_and(|(cooldown, last)| {
            let over = last + cooldown;
            !(over < past.now || (over == past.now && past.bounds))
        });
        if self.closed || cooling {
            return false;
        }
        *self = Latch { closed: true, last_rise: Some(past.now), ..*self };
        true
    }
}
