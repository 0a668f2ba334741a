//! Why a ticket is escalated or isn't: each rule with what it says of the ticket, when it will fire if nothing happens,
//! and the smallest change that would make it say otherwise. Looks, and changes nothing.

use std::sync::Arc;

use tierline_model::Millis;
use tierline_rules::{Answer, Edge, Mode, Moment, Truth};

use crate::account::Slot;
use crate::engine::Engine;
use crate::escalated::Escalated;
use crate::imports::Sleep;
use crate::moves::Stray;
use crate::state::StateError;
use crate::ticket::Track;

/// Why a ticket is escalated or isn't, as of one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// The ticket.
    pub ticket_id: String,
    /// Its account.
    pub account_id: String,
    /// As of when: never before what the account has come to.
    pub at: Millis,
    /// Whether rules look at it: it is open.
    pub open: bool,
    /// It was met in an import that has not ended: no rule looks at it yet.
    pub waits_for_import: bool,
    /// When its source was last heard, if that is so long ago that no later absence is believed.
    pub unheard_since: Option<Millis>,
    /// 1 without an open escalation.
    pub tier: u8,
    /// What is open on it.
    pub escalation: Option<Escalated>,
    /// Each rule, in order.
    pub rules: Vec<RuleWhy>,
}

/// One rule on one ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleWhy {
    /// Its place in the rule set.
    pub rule: usize,
    /// Where it stands.
    pub stands: Stands,
    /// What it says of the ticket, and why.
    pub answer: Answer,
    /// When it fires if nothing happens; `None`: it does not, or has. Past where it has become true and stragglers are
    /// waited for.
    pub fires_at: Option<Millis>,
    /// When that goes out: once stragglers have had their time (`time.grace`).
    pub goes_out_at: Option<Millis>,
}

/// Where a rule stands on a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It fired or joined on the open escalation.
    Fired,
    /// It holds, and its latch is closed: it rose in silence, or on another ticket of the account, or what it raised has
    /// been ended by a person.
    Latched,
    /// It holds, but has not held for long enough (`for`), or its cooldown runs, or stragglers are waited for.
    Waits,
    /// It does not hold.
    No,
    /// It cannot be decided.
    Undecided,
    /// It is disabled, or the ticket is not open: it is not looked at.
    Idle,
}

/// Why an instant to come is not foreseen.
#[derive(Debug, thiserror::Error)]
pub enum Unforeseen {
    /// It would be a long way to live.
    #[error("no more than a year ahead is foreseen")]
    TooFar,
    /// The copy would be large.
    #[error("its account has more than {MOST_TICKETS} tickets, too many to live through; ask without `at`")]
    TooMany,
    /// It is solved, and counts no longer then.
    #[error("the ticket will have been forgotten by then: solved for longer than time.history")]
    Forgotten,
    /// What is held cannot be read back.
    #[error(transparent)]
    State(#[from] StateError),
}

/// How far ahead is foreseen. The thread that lives through it has other things to do.
const FARTHEST: Millis = 366 * 24 * 60 * 60 * 1_000;

/// So many tickets of an account are copied at most.
const MOST_TICKETS: usize = 2_000;

impl Engine {
    /// Why a ticket is escalated or isn't, as of an instant, or of what its account has come to, if that is later.
    /// Without an account the first ticket by that id is meant. `None`: there is no such ticket.
    pub fn why(&self, account: Option<&str>, ticket: &str, at: Millis) -> Option<Why> {
        let slot = self.meant(account, ticket)?;
        let known = &self.tickets[slot];
        let account = &self.accounts[known.account];
        let moment = account.now.max(Moment { at, edge: Edge::Bounds });
        Some(Why {
            ticket_id: known.id.to_string(),
            account_id: account.id.to_string(),
            at: moment.at,
            open: known.open,
            waits_for_import: known.sleep != Sleep::Awake,
            unheard_since: self.heard.unheard_since(known.source, moment.at),
            tier: known.tier(),
            escalation: known.escalation().map(Escalated::of),
            rules: (0..self.rules.rules.len()).map(|rule| self.rule_why(slot, rule, moment)).collect(),
        })
    }

    /// The account that a ticket went to from this one, if it went and that is remembered still (`time.history`).
    pub fn went_to(&self, account: &str, ticket: &str) -> Option<&str> {
        match self.strays.find(account, ticket)? {
            Stray::Gone { to, .. } => Some(to),
            Stray::Nothing { .. } | Stray::Awaited { .. } | Stray::Forgotten { .. } => None,
        }
    }

    /// The same as of an instant that the task's clock has not come to: what will be so then if nothing happens until
    /// there. A copy of the ticket's account lives on to it; this engine stays where it is.
    ///
    /// # Errors
    /// It is too far, or too much, or the ticket is forgotten by then; or the copy cannot be made.
    pub fn foresee(&self, account: Option<&str>, ticket: &str, at: Millis) -> Result<Option<Why>, Unforeseen> {
        let Some(slot) = self.meant(account, ticket) else { return Ok(None) };
        let a = self.tickets[slot].account;
        if at > self.clock.saturating_add(FARTHEST) {
            return Err(Unforeseen::TooFar);
        }
        if self.accounts[a].tickets.len() > MOST_TICKETS {
            return Err(Unforeseen::TooMany);
        }
        let mut copy = Engine::new(Arc::clone(&self.rules), Arc::clone(&self.settings));
        let mut copied = Ok(());
        self.snapshot_of(a, &mut Default::default(), &mut |key, value| {
            if copied.is_ok() {
                copied = copy.restore(key, Some(value));
            }
        });
        copied?;
        copy.restored(self.clock, Edge::Bounds, Some(&self.memory()))?;
        copy.advance(at, Edge::Bounds);
        copy.why(Some(&self.accounts[a].id), ticket, at).map(Some).ok_or(Unforeseen::Forgotten)
    }

    fn meant(&self, account: Option<&str>, ticket: &str) -> Option<Slot> {
        match account {
            Some(account) => self.find(account, ticket),
            None => self.tickets.places().find(|&slot| *self.tickets[slot].id == *ticket),
        }
    }

    fn rule_why(&self, slot: Slot, number: usize, moment: Moment) -> RuleWhy {
        let rule = &self.rules.rules[number];
        let answer = rule.answer(&self.view(slot, moment));
        let stands = self.stands(slot, number, &answer);
        let fires_at = match stands {
            Stands::Waits | Stands::No | Stands::Undecided => self.fires_at(slot, number, moment),
            Stands::Fired | Stands::Latched | Stands::Idle => None,
        };
        let goes_out_at = fires_at.map(|at| at.saturating_add(self.settings.grace));
        RuleWhy { rule: number, stands, answer, fires_at, goes_out_at }
    }

    fn stands(&self, slot: Slot, number: usize, answer: &Answer) -> Stands {
        let (ticket, rule) = (&self.tickets[slot], &self.rules.rules[number]);
        if rule.mode == Mode::Disabled || !(ticket.open || rule.reads_rating() && ticket.sleep == Sleep::Awake) {
            return Stands::Idle;
        }
        let has_fired = ticket
            .open_on(Track::of(rule))
            .is_some_and(|open| open.held_by.iter().flatten().any(|held| *held == rule.id));
        let number = number as u16;
        let latched = match rule.per_account {
            true => self.accounts[ticket.account].latch(number).is_some_and(|latch| latch.latched),
            false => ticket.latch(number).is_some_and(|latch| latch.latched),
        };
        match answer.dated.truth {
            _ if has_fired => Stands::Fired,
            Truth::Yes if latched && ticket.held().iter().all(|held| held.rule != number) => Stands::Latched,
            Truth::Yes => Stands::Waits,
            Truth::No => Stands::No,
            Truth::Unknown => Stands::Undecided,
        }
    }

    /// When a rule that has not fired does so if nothing happens: once it holds, has held for long enough, and its
    /// cooldown is over. One that waits for stragglers has done so at its bound.
    fn fires_at(&self, slot: Slot, number: usize, moment: Moment) -> Option<Millis> {
        let (ticket, rule) = (&self.tickets[slot], &self.rules.rules[number]);
        if let Some(held) = ticket.held().iter().find(|held| usize::from(held.rule) == number) {
            return Some(held.at);
        }
        let at = |at| self.view(slot, Moment { at, edge: Edge::Bounds });
        let holds_at = rule.holds_at(self.view(slot, moment), &at)?;
        let latch = ticket.latch(number as u16);
        let since = match latch.filter(|latch| latch.yes) {
            _ if holds_at > moment.at => holds_at,
            Some(latch) => latch.since,
            // The engine has not come to its bound: that waits for stragglers too.
            None => rule.evaluate(&self.view(slot, moment)).since.max(ticket.open_since),
        };
        let held = since.saturating_add(rule.hold.unwrap_or(0));
        let rose_at = match rule.per_account {
            true => self.accounts[ticket.account].latch(number as u16).and_then(|latch| latch.rose_at),
            false => latch.and_then(|latch| latch.rose_at),
        };
        let cooled = rose_at.zip(rule.cooldown).map_or(held, |(rose_at, cooldown)| rose_at.saturating_add(cooldown));
        let fires_at = held.max(cooled);
        // It must still hold then, and now.
        let still = rule.evaluate(&at(fires_at.max(moment.at)));
        (still.truth == Truth::Yes).then_some(fires_at)
    }
}
