//! Tickets, and what is told of accounts, that go to another account. SEMANTICS 7.3.
//!
//! `rehomed` tells it to the account that is left: its task hands the ticket's whole state over (the very entries that
//! the changelog keeps of it) and leaves a [stray](strays) behind, so that whatever is told of the ticket here later
//! follows it. The account that the ticket comes to [takes it in](adopt): what was told of it there before it came has
//! waited, where it was announced. Nothing goes out but what the other account's rules make of it; its escalation stays
//! what it is, and only its place in the queue is written anew.
//!
//! Between two accounts everything travels on one partition of `account-moves`, in order: a state first, and then what
//! follows it.

mod adopt;
mod facts;
mod record;
mod strays;

use tierline_model::{
    Command, Encoding, Millis, Signal, TicketEvent, TicketRecord, encode_command, encode_signal, encode_ticket,
};
use tierline_rules::{Edge, Reads, Topic};

pub use record::{UnreadableMove, moved_at, moved_from};
pub(crate) use strays::{Stray, Strays};

use crate::account::Slot;
use crate::api::{Output, Rejected};
use crate::engine::Engine;
use crate::fire::Cause;
use crate::judge::Rising;
use crate::ticket::{FiringKind, Track};
use record::{Kind, Late, Move, TicketMove, What};
use strays::{MOST_WAITING, MOST_WAITING_BYTES};

/// A record of a ticket that is not where the record looks for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Straying<'a> {
    Ticket(&'a TicketEvent<'a>),
    Signal(&'a Signal<'a>),
    Command(&'a Command<'a>),
}

impl Engine {
    /// `rehomed`: the ticket goes to another account, or, where that is the record's own, is on its way here.
    pub(crate) fn take_rehomed(&mut self, event: &TicketEvent<'_>, appended_at: Millis) -> Result<(), Rejected> {
        let Some(to) = event.to_account.as_deref() else {
            return Err(Rejected { code: "missing_field", reason: "`to_account` is missing".to_owned() });
        };
        let at = event.occurred_at.min(appended_at);
        if *to == *event.account_id {
            return self.expect(event, at, appended_at);
        }
        let Some(slot) = self.find(&event.account_id, &event.ticket_id) else {
            return self.send_on(event, to, at, appended_at);
        };
        let a = self.tickets[slot].account;
        self.before_record(a, at);
        self.arrive(a, at);
        // What came before the record may have been the end of the ticket's keeping.
        if self.find(&event.account_id, &event.ticket_id) != Some(slot) {
            return self.send_on(event, to, at, appended_at);
        }
        if self.tickets[slot].bulk.events.admit(&event.event_id) {
            self.depart(a, slot, to, at);
        } else {
            self.counts.repeats += 1;
            self.mark_ticket(slot);
        }
        self.schedule(a);
        if self.accounts[a].says_nothing() {
            self.erase_account(a);
        }
        Ok(())
    }

    /// A ticket is on its way here: what is told of it waits. If it is here, or has been and has gone since, it has come.
    fn expect(&mut self, event: &TicketEvent<'_>, at: Millis, appended_at: Millis) -> Result<(), Rejected> {
        let is_here = self.find(&event.account_id, &event.ticket_id).is_some();
        match self.strays.find(&event.account_id, &event.ticket_id) {
            // It may leave and come again before it has come: in its turn.
            Some(Stray::Awaited { .. } | Stray::Forgotten { .. }) => {
                self.is_elsewhere(Straying::Ticket(event), at, appended_at)?;
            }
            Some(Stray::Gone { since, .. }) if *since > at => {}
            Some(Stray::Nothing { since }) if *since >= at => {}
            _ if is_here => {}
            _ => {
                let stray = Stray::Awaited { since: self.shows.max(at), waiting: Vec::new() };
                self.strays.put(&event.account_id, &event.ticket_id, stray, self.settings.history);
            }
        }
        Ok(())
    }

    /// A ticket that is not here goes on from where it is; of one that nobody knows, there is nothing to wait for.
    fn send_on(&mut self, event: &TicketEvent<'_>, to: &str, at: Millis, appended_at: Millis) -> Result<(), Rejected> {
        let repeat = matches!(self.strays.find(&event.account_id, &event.ticket_id),
            Some(Stray::Gone { to: there, .. }) if *there == *to);
        if repeat {
            self.counts.repeats += 1;
            return Ok(());
        }
        if self.is_elsewhere(Straying::Ticket(event), at, appended_at)? {
            return Ok(());
        }
        let nothing = TicketMove { id: &event.ticket_id, rules: self.version_of_rules(), entries: Vec::new() };
        self.let_go(Move { from: &event.account_id, at, what: What::Ticket(nothing) }, to);
        let gone = Stray::Gone { to: to.to_owned(), since: at, escalation: None };
        self.strays.put(&event.account_id, &event.ticket_id, gone, self.settings.history);
        Ok(())
    }

    /// A ticket leaves with all that is kept of it.
    fn depart(&mut self, a: u32, slot: Slot, to: &str, at: Millis) {
        // Its state is that of its account's time: nowhere may it be younger than the record that brings it.
        let (told_at, now) = (at, self.accounts[a].now);
        let at = at.max(now.at.saturating_add(Millis::from(now.edge == Edge::Bounds)));
        let mut entries = Vec::new();
        let (mut name, mut value) = (Vec::new(), Vec::new());
        self.write_ticket(slot, true, &mut name, &mut value, &mut |key, value| {
            entries.push((key[0], key[1], value.to_vec()));
        });
        let (from, id) = (self.accounts[a].id.clone(), self.tickets[slot].id.clone());
        let entries = entries.iter().map(|(tag, place, value)| (*tag, *place, value.as_slice())).collect();
        let leaves = TicketMove { id: &id, rules: self.version_of_rules(), entries };
        self.let_go(Move { from: &from, at, what: What::Ticket(leaves) }, to);
        self.counts.moved_away += 1;
        for rule in self.once_per_account_by(slot) {
            self.accounts[a].latch_mut(rule).latched = false;
        }
        let escalation = self.tickets[slot].escalation().map(|open| (open.id, open.tier));
        if let Some((open, tier)) = escalation {
            self.outputs.push(Output::Queue(open, None));
            self.count_tier(Track::Live, tier, 1);
            let beside = self.keys_of_escalation(slot);
            self.tombstones.extend(beside);
        }
        self.erase_ticket(slot);
        self.mark_account(a);
        let escalation = escalation.map(|(id, _)| id.into_bytes());
        let gone = Stray::Gone { to: to.to_owned(), since: told_at, escalation };
        self.strays.put(&from, &id, gone, self.settings.history);
        // What its going makes of the others was not so before it went.
        self.follows = at;
        // While one that came lives through what was so before, the others have been there.
        if !self.alone {
            self.follow_policies_of_windows(a, at);
        }
        if self.live {
            self.judge_windows(a, Engine::OF_TICKETS, Rising::Collect);
            self.touch_once_per_account();
            self.conclude(a, Cause::Record);
        }
    }

    /// Whether the ticket that a record is about is not here, though it is known of: then the record follows it, or
    /// waits for it.
    pub(crate) fn is_elsewhere(
        &mut self,
        record: Straying<'_>,
        at: Millis,
        appended_at: Millis,
    ) -> Result<bool, Rejected> {
        let Some((account, ticket)) = self.strays.key_of(record) else { return Ok(false) };
        let bytes = |account: &str| record.under(account);
        match self.strays.find(&account, &ticket) {
            Some(Stray::Gone { to, .. }) => {
                let to = to.clone();
                let (kind, bytes) = bytes(&to);
                let late = Late { kind, bytes: &bytes, appended_at };
                self.let_go(Move { from: &account, at, what: What::Record(late) }, &to);
                Ok(true)
            }
            Some(Stray::Awaited { waiting, .. } | Stray::Forgotten { waiting, .. }) => {
                let (kind, bytes) = bytes(&account);
                let weight = waiting.iter().map(|other| other.bytes.len()).sum::<usize>() + bytes.len();
                if waiting.len() >= MOST_WAITING || weight > MOST_WAITING_BYTES {
                    let reason =
                        format!("as much as may wait for ticket {ticket} to come waits already; replay it then");
                    return Err(Rejected { code: "too_many_waiting", reason });
                }
                self.strays.wait(&account, &ticket, strays::Waiting { kind, appended_at, bytes });
                // Its account comes to the record's instant, as if it had been taken.
                let a = self.account(&account);
                self.before_record(a, at);
                self.arrive(a, at);
                self.mark_account(a);
                self.schedule(a);
                Ok(true)
            }
            Some(Stray::Nothing { .. }) | None => Ok(false),
        }
    }

    fn let_go(&mut self, moved: Move<'_>, to: &str) {
        self.outputs.push(Output::Move { to: to.to_owned(), value: moved.encode() });
    }

    /// The rules with `once_per: account` whose firing is what an open escalation of this ticket stands on.
    fn once_per_account_by(&self, slot: Slot) -> Vec<u16> {
        let ticket = &self.tickets[slot];
        let rule = |track: Track| {
            let firings = &ticket.open_on(track)?.firings;
            let last = firings.iter().rev().find(|firing| firing.what != FiringKind::Joined)?;
            let rule = self.rule_by_id(last.rule.as_deref()?)?;
            self.rules.rules[usize::from(rule)].per_account.then_some(rule)
        };
        Track::ALL.into_iter().filter_map(rule).collect()
    }

    /// Which rules and policies are in force: another task may have others while a deployment goes on.
    fn version_of_rules(&self) -> u64 {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        let rules = self.index.all.iter().map(|&rule| &self.rules.rules[usize::from(rule)].fingerprint);
        for fingerprint in rules.chain(self.rules.policies.iter().map(|policy| &policy.fingerprint)) {
            hash.update(fingerprint.as_bytes());
            hash.update(&[0]);
        }
        hash.digest()
    }

    /// What the windows of an account read of its tickets.
    const OF_TICKETS: Reads =
        Reads { ticket: 0, account: 0, billing: 0, topics: Topic::Tickets as u32 | Topic::AnyTicket as u32 };
}

impl Straying<'_> {
    /// The same record of another account, as Avro by our own schema.
    fn under(self, account: &str) -> (Kind, Vec<u8>) {
        let mut bytes = Vec::new();
        let account_id = account.into();
        let kind = match self {
            Straying::Ticket(event) => {
                let event = TicketEvent { account_id, ..event.clone() };
                encode_ticket(&TicketRecord::Event(event), Encoding::SingleObject, &mut bytes);
                Kind::Ticket
            }
            Straying::Signal(signal) => {
                encode_signal(&Signal { account_id, ..signal.clone() }, Encoding::SingleObject, &mut bytes);
                Kind::Signal
            }
            Straying::Command(command) => {
                encode_command(&Command { account_id, ..command.clone() }, Encoding::SingleObject, &mut bytes);
                Kind::Command
            }
        };
        (kind, bytes)
    }
}
