//! What comes from another account: a ticket with its state, what waited for it, and what followed it.

use tierline_model::{DecodeError, Decoder, Millis, TicketRecord};
use tierline_rules::{Edge, Moment};

use super::record::{Kind, Late, Move, TicketMove, UnreadableMove, What};
use super::strays::{Stray, Waiting};
use crate::account::Slot;
use crate::api::{Arrival, Input, Rejected};
use crate::clocks::Telling;
use crate::engine::Engine;
use crate::fire::{Cause, Saying};
use crate::judge::Rising;
use crate::state::StateError;
use crate::ticket::{Behind, Track};

impl Engine {
    /// A record of `account-moves` under this account.
    pub(crate) fn take_moved(&mut self, account_id: &str, value: &[u8]) -> Result<(), Rejected> {
        let moved = Move::decode(value)?;
        match moved.what {
            What::Ticket(ticket) => self.take_in(account_id, moved.from, ticket, moved.at),
            What::Facts(facts) => {
                self.take_facts(account_id, &facts, moved.at);
                Ok(())
            }
            What::Record(Late { kind, bytes, appended_at }) => self.take_late(kind, bytes, appended_at),
        }
    }

    /// A ticket comes with all that was kept of it.
    fn take_in(&mut self, account: &str, from: &str, ticket: TicketMove<'_>, at: Millis) -> Result<(), Rejected> {
        let a = self.account(account);
        self.before_record(a, at);
        self.arrive(a, at);
        if !ticket.entries.is_empty() && !self.knows_more(a, &ticket) {
            if let Some(slot) = self.find_ticket(a, ticket.id) {
                self.make_room(slot, from, at);
            }
            let slot = self.put_back(account, &ticket).map_err(|error| damaged(&error))?;
            self.settle_down(a, slot);
            self.counts.moved_here += 1;
        }
        let rises = if ticket.rules == self.version_of_rules() { Rising::Collect } else { Rising::Quietly };
        let waiting = match self.strays.remove(account, ticket.id) {
            Some(Stray::Awaited { waiting, .. }) => waiting,
            Some(Stray::Forgotten { waiting, .. }) => {
                if let Some(slot) = self.find_ticket(a, ticket.id) {
                    self.forget_arrived(slot, at);
                }
                waiting
            }
            // It was sent on before this came. One that went earlier has come back by this.
            Some(Stray::Gone { to, since, escalation }) if ticket.entries.is_empty() && since > at => {
                let gone = Stray::Gone { to, since, escalation };
                self.strays.put(account, ticket.id, gone, self.settings.history);
                return Ok(());
            }
            _ if ticket.entries.is_empty() => {
                self.strays.put(account, ticket.id, Stray::Nothing { since: at }, self.settings.history);
                return Ok(());
            }
            _ => Vec::new(),
        };
        self.go_on(a, ticket.id, &waiting, at, rises);
        Ok(())
    }

    /// Whether what is known of a ticket here already is the whole, and what comes is what two processes that did not know
    /// of each other have told elsewhere: then that is let go, unless somebody has been called for it.
    fn knows_more(&self, a: u32, ticket: &TicketMove<'_>) -> bool {
        let is_met = self.find_ticket(a, ticket.id).is_some_and(|slot| self.tickets[slot].met);
        is_met && !crate::state::is_met(&ticket.entries) && !crate::state::is_escalated(&ticket.entries)
    }

    /// What an account was told of a ticket before it came, unannounced, is not all: the state that comes is.
    fn make_room(&mut self, slot: Slot, from: &str, at: Millis) {
        self.release_ticket(slot);
        for track in Track::ALL {
            let reason = format!("Resolved because the ticket came from account {from} with all that is known of it.");
            let became_true_at = self.not_before(slot, at);
            self.end(slot, Saying { track, became_true_at, reason, ..Saying::default() });
        }
        self.rises.retain(|rise| rise.slot != slot);
        self.unescalated.retain(|&other| other != slot);
        self.erase_ticket(slot);
    }

    /// A ticket that was on its way when its account was forgotten is forgotten with it.
    fn forget_arrived(&mut self, slot: Slot, at: Millis) {
        self.end_forgotten(slot, None, at);
        self.unescalated.retain(|&other| other != slot);
        self.erase_ticket(slot);
    }

    /// The entries of a ticket, as if they stood in this task's changelog.
    fn put_back(&mut self, account: &str, ticket: &TicketMove<'_>) -> Result<Slot, StateError> {
        let mut taken = Ok(());
        for &(tag, place, value) in &ticket.entries {
            let name = crate::state::key_of([tag, place], account, ticket.id);
            taken = taken.and_then(|()| self.restore(&name, Some(value)));
        }
        let slot = self.find(account, ticket.id);
        self.latest = None;
        match (taken, slot) {
            (Ok(()), Some(slot)) => Ok(slot),
            (taken, slot) => {
                if let Some(slot) = slot {
                    self.contexts.remove(&slot);
                    self.last_words.remove(&slot);
                    self.drop_ticket(slot);
                }
                taken.and(Err(StateError::Key(format!("{account}/{}", ticket.id))))
            }
        }
    }

    /// What follows from a ticket that was put back, here where it has not been before.
    fn settle_down(&mut self, a: u32, slot: Slot) {
        self.place_policies_of(slot);
        self.wake_if_over(slot);
        self.derive_ticket(slot);
        if let Some(created_at) = self.counted(slot) {
            self.accounts[a].count(created_at);
        }
        let ticket = &mut self.tickets[slot];
        ticket.behind = Behind { fields: true, rare: true, context: true, said: true, clocks: true };
        ticket.bulk.texts.iter_mut().for_each(|message| message.dirty = true);
        self.mark_ticket(slot);
        for rule in self.once_per_account_by(slot) {
            let since = self.tickets[slot].escalation().map(|open| open.at_tier_since);
            let cools = self.rules.rules[usize::from(rule)].cooldown.is_some();
            let latch = self.accounts[a].latch_mut(rule);
            if !latch.latched {
                (latch.latched, latch.rose_at) = (true, since.filter(|_| cools));
            }
        }
        self.queue(slot);
    }

    /// A ticket that has come lives through what its account has gone through already, and what waited for it, as if it
    /// had been here: each instant of its own is looked at in its turn. Then the account is looked at with it.
    fn go_on(&mut self, a: u32, ticket: &str, waiting: &[Waiting], at: Millis, rises: Rising) {
        let reached = self.accounts[a].now;
        self.accounts[a].now = reached.min(Moment { at, edge: Edge::Records });
        self.alone = true;
        if let Some(slot) = self.find_ticket(a, ticket) {
            self.look_at_all(slot, at, rises);
        }
        for Waiting { kind, appended_at, bytes } in waiting {
            let taken = self.take_late(*kind, bytes, *appended_at);
            debug_assert!(taken.is_ok(), "each was read before it waited: {taken:?}");
            self.follows = Millis::MIN;
        }
        if self.live {
            self.pass_bounds(a, reached.at, reached.edge, true);
        }
        self.alone = false;
        let now = &mut self.accounts[a].now;
        *now = (*now).max(reached);
        if let Some(slot) = self.find_ticket(a, ticket) {
            self.mark_ticket(slot);
        }
        self.follow_policies_of_windows(a, self.accounts[a].now.at);
        if self.live {
            self.judge_windows(a, Engine::OF_TICKETS, Rising::Collect);
            self.touch_once_per_account();
            self.conclude(a, Cause::Record);
        }
        self.mark_account(a);
        self.schedule(a);
    }

    fn look_at_all(&mut self, slot: Slot, at: Millis, rises: Rising) {
        if !self.tickets[slot].open {
            self.keep_closed(slot);
            self.wake_at_end_of_snooze(slot);
            if self.live {
                // What was missed before it was solved may wait still.
                let telling = if rises == Rising::Quietly { Telling::Quietly } else { self.telling(Edge::Records) };
                self.tell_clocks(slot, telling);
            }
            return;
        }
        self.apply_policy(slot, at);
        if !self.live {
            return;
        }
        if rises == Rising::Quietly {
            self.tell_clocks(slot, Telling::Quietly);
        }
        let rules = std::mem::take(&mut self.index.all);
        self.judge(slot, &rules, true, rises);
        self.index.all = rules;
        self.clocked.push(slot);
        // What its new account ends, it ends from here on.
        self.follows = at;
        self.conclude(self.tickets[slot].account, Cause::Record);
        self.follows = Millis::MIN;
    }

    /// A record that came to another account, or waited here.
    fn take_late(&mut self, kind: Kind, bytes: &[u8], appended_at: Millis) -> Result<(), Rejected> {
        let mut decoder = Decoder::new();
        let appended_at = Some(appended_at);
        match kind {
            Kind::Ticket => match decoder.ticket(bytes)?.0 {
                TicketRecord::Event(event) => self.take(Arrival { appended_at, input: Input::Ticket(&event) }),
                _ => Err(UnreadableMove::Damaged.into()),
            },
            Kind::Signal => {
                let (signal, _) = decoder.signal(bytes)?;
                self.take(Arrival { appended_at, input: Input::Signal(&signal) })
            }
            Kind::Command => {
                let (command, _) = decoder.command(bytes)?;
                self.take(Arrival { appended_at, input: Input::Command(&command) })
            }
        }
    }

    /// Strays whose time is over: one that went is forgotten, one that did not come is waited for no longer, and what
    /// waited for it is taken as what is told of a ticket first met now.
    pub(crate) fn let_strays_go(&mut self, clock: Millis, in_backlog: bool) {
        if self.strays.deadline().is_none_or(|deadline| deadline > clock) {
            return;
        }
        for (account, ticket) in self.strays.over(clock, self.settings.history, in_backlog) {
            let stray = self.strays.remove(&account, &ticket);
            let Some(Stray::Awaited { since, waiting } | Stray::Forgotten { since, waiting }) = stray else { continue };
            self.counts.moves_given_up += 1;
            let a = self.account(&account);
            self.before_record(a, clock);
            self.arrive(a, clock);
            self.go_on(a, &ticket, &waiting, since, Rising::Collect);
        }
    }
}

fn damaged(error: &StateError) -> Rejected {
    Rejected { code: "undecodable", reason: format!("the state of a ticket that comes from another account: {error}") }
}

impl From<UnreadableMove> for Rejected {
    fn from(error: UnreadableMove) -> Rejected {
        Rejected { code: "undecodable", reason: error.to_string() }
    }
}

impl From<DecodeError> for Rejected {
    fn from(error: DecodeError) -> Rejected {
        Rejected { code: "undecodable", reason: error.to_string() }
    }
}
