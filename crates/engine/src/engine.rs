//! One task's engine: what it holds, and the way of a record through it.
//!
//! A record's way: what became true before it ([`crate::bounds`]) → apply it ([`crate::tickets`],
//! [`crate::snapshots`], [`crate::commands`]) → what it disproves ([`crate::retract`]) → which rules rise or fall
//! ([`crate::judge`]) → what goes out ([`crate::fire`]).

use std::cell::OnceCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tierline_model::Millis;
use tierline_rules::{ALWAYS, Dated, Edge, Moment, Reads, RuleSet};

use crate::account::{Account, Slot};
use crate::api::{Arrival, Counts, Input, Output, Rejected, Settings};
use crate::arena::{Arena, Pages};
use crate::clocks::Policies;
use crate::deadlines::Deadlines;
use crate::gates::{Asked, Left};
use crate::heard::Heard;
use crate::imports::Imports;
use crate::index::RuleIndex;
use crate::judge::Rise;
use crate::memory::WrittenDown;
use crate::moves::Strays;
use crate::places::Places;
use crate::settle::Settling;
use crate::texts::Texts;
use crate::ticket::{Said, Ticket};
use crate::view::{Around, View};

/// The detect stage of one task. Sans-IO: time comes in with each call, outputs and changes are drained.
#[derive(Debug)]
pub struct Engine {
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) index: RuleIndex,
    /// What the SLA policies want to know.
    pub(crate) policies: Policies,
    pub(crate) settings: Arc<Settings>,
    /// What of the memory follows from the two; void when the rules are replaced.
    pub(crate) written: OnceCell<WrittenDown>,
    pub(crate) texts: Texts,
    /// The sources that send heartbeats.
    pub(crate) heard: Heard,
    pub(crate) imports: Imports,
    pub(crate) strays: Strays,
    pub(crate) accounts: Pages<Account>,
    pub(crate) by_account: Places,
    pub(crate) tickets: Arena<Ticket>,
    pub(crate) by_ticket: Places,
    pub(crate) deadlines: Deadlines,
    /// The newest clock that was handed in.
    pub(crate) shows: Millis,
    /// The same; but while it passes the end of an import, that.
    pub(crate) clock: Millis,
    /// Whether rules are evaluated: always, but before the first catch-up of a quiet start.
    pub(crate) live: bool,
    pub(crate) outputs: Vec<Output>,
    pub(crate) counts: Counts,
    pub(crate) dirty_tickets: Vec<Slot>,
    pub(crate) dirty_accounts: Vec<u32>,
    /// Something has been marked since the last bound was begun: how far its account's time has come is written with it.
    pub(crate) marked: bool,
    /// Changelog keys of what is gone.
    pub(crate) tombstones: Vec<Vec<u8>>,
    pub(crate) open_tickets: usize,
    pub(crate) open_escalations: [usize; 2],
    /// Places of accounts that were forgotten, to be taken again.
    pub(crate) vacant: Vec<u32>,
    /// While a restore runs: contexts whose tickets may not have come yet.
    pub(crate) contexts: FxHashMap<Slot, Box<tierline_model::Context>>,
    /// While a restore runs: the last words of escalations whose tickets may not have come yet.
    pub(crate) last_words: FxHashMap<Slot, Box<Said>>,
    /// While a restore runs: the ticket that the last entry was of.
    pub(crate) latest: Option<Slot>,
    /// While changed rules are settled: which ones do not rise as usual.
    pub(crate) settling: Settling,
    /// While a restore runs: what policies are called in the entries of tickets, which name them by their places here.
    pub(crate) named_policies: Vec<String>,
    /// While a record is followed that is neither late nor tells what was so before it: its instant. Nothing that it
    /// makes true was true earlier.
    pub(crate) follows: Millis,
    /// Since when all tickets are known: before that, a shorter `time.history` has forgotten some.
    pub(crate) covered_since: Millis,
    /// While a ticket that has come from another account lives through what its new one has gone through already: nobody
    /// else is looked at.
    pub(crate) alone: bool,
    /// Scratch of one record: what rose and what fell.
    pub(crate) rises: Vec<Rise>,
    pub(crate) fallen: Vec<Slot>,
    /// Tickets whose clocks are looked at when the moment is concluded.
    pub(crate) clocked: Vec<Slot>,
    /// Tickets whose escalation is gone or fell back: rules that read it are looked at when the moment is concluded.
    pub(crate) unescalated: Vec<Slot>,
    pub(crate) touched_rules: Vec<u16>,
    pub(crate) scratch: Vec<u16>,
    pub(crate) asked: Asked,
    pub(crate) left: Left,
    pub(crate) truths: Vec<(u16, Dated)>,
}

impl Engine {
    /// An engine without any state: for a cold start, or to be restored.
    pub fn new(rules: Arc<RuleSet>, settings: Arc<Settings>) -> Engine {
        Engine {
            index: RuleIndex::new(&rules),
            policies: Policies::of(&rules),
            texts: Texts::new(&rules.texts),
            heard: Heard::default(),
            imports: Imports::default(),
            counts: Counts { undecided: vec![0; rules.rules.len()], ..Counts::default() },
            live: !settings.start_quietly,
            rules,
            settings,
            written: OnceCell::new(),
            accounts: Pages::new(),
            by_account: Places::default(),
            tickets: Arena::new(),
            by_ticket: Places::default(),
            deadlines: Deadlines::default(),
            shows: Millis::MIN,
            clock: Millis::MIN,
            outputs: Vec::new(),
            dirty_tickets: Vec::new(),
            dirty_accounts: Vec::new(),
            marked: false,
            tombstones: Vec::new(),
            open_tickets: 0,
            open_escalations: [0; 2],
            vacant: Vec::new(),
            latest: None,
            contexts: FxHashMap::default(),
            last_words: FxHashMap::default(),
            strays: Strays::default(),
            settling: Settling::default(),
            named_policies: Vec::new(),
            follows: Millis::MIN,
            covered_since: ALWAYS,
            alone: false,
            rises: Vec::new(),
            fallen: Vec::new(),
            clocked: Vec::new(),
            unescalated: Vec::new(),
            touched_rules: Vec::new(),
            scratch: Vec::new(),
            asked: Asked::default(),
            left: Left::default(),
            truths: Vec::new(),
        }
    }

    /// Takes a record; `clock` is the task's clock, which never runs backwards.
    ///
    /// Before the record, every earlier bound of its account is evaluated on the state before it. What it causes goes
    /// out at once; outputs keep their order.
    ///
    /// # Errors
    /// The record asks for what this version cannot do; nothing has changed, and it becomes a dead letter.
    pub fn apply(&mut self, clock: Millis, arrival: Arrival<'_>) -> Result<(), Rejected> {
        self.come_to(clock, Edge::Records);
        let taken = self.take(arrival);
        self.follows = Millis::MIN;
        taken
    }

    pub(crate) fn take(&mut self, arrival: Arrival<'_>) -> Result<(), Rejected> {
        let appended_at = arrival.appended_at;
        match arrival.input {
            Input::Ticket(event) => self.take_event(event, appended_at.unwrap_or(event.occurred_at)),
            Input::Heartbeat { source, heard_until } => {
                self.take_heartbeat(source, heard_until, appended_at.unwrap_or(heard_until));
                Ok(())
            }
            Input::ImportFinished { import_id, began_at } => {
                self.take_import_finished(import_id, began_at, appended_at.unwrap_or(began_at));
                Ok(())
            }
            Input::Account { topic, snapshot } => {
                self.take_account(topic, snapshot, appended_at);
                Ok(())
            }
            Input::AccountGone { topic, account_id } => {
                self.take_account_gone(topic, account_id, appended_at);
                Ok(())
            }
            Input::Billing { topic, snapshot } => {
                self.take_billing(topic, snapshot, appended_at);
                Ok(())
            }
            Input::BillingGone { topic, account_id } => {
                self.take_billing_gone(topic, account_id, appended_at);
                Ok(())
            }
            Input::AccountChange(change) => {
                self.take_account_change(change, appended_at);
                Ok(())
            }
            Input::BillingChange(change) => {
                self.take_billing_change(change, appended_at);
                Ok(())
            }
            Input::AccountRehomed(moved) => {
                self.take_account_rehomed(moved, appended_at.unwrap_or(moved.occurred_at));
                Ok(())
            }
            Input::Moved { account_id, value } => self.take_moved(account_id, value),
            Input::Signal(signal) => self.take_signal(signal, appended_at.unwrap_or(signal.occurred_at)),
            Input::Command(command) => self.take_command(command, appended_at.unwrap_or(command.occurred_at)),
        }
    }

    /// The clock has come to this instant: every bound whose grace is over fires, in order within an account.
    /// [`Edge::Records`] leaves out what is over at the very instant, because more records of it may come: in a
    /// backlog, and wherever the clock is that of the records.
    pub fn advance(&mut self, clock: Millis, edge: Edge) {
        self.come_to(clock, edge);
        if !self.live {
            return;
        }
        self.pass_deadlines(clock, edge);
        self.let_strays_go(clock, edge == Edge::Records);
        if self.texts.wants_sweep() {
            self.sweep_texts();
        }
    }

    /// Whatever wants attention by then gets it, in order.
    pub(crate) fn pass_deadlines(&mut self, clock: Millis, edge: Edge) {
        while let Some((deadline, a)) = self.deadlines.first() {
            if deadline > clock || (deadline == clock && edge == Edge::Records) {
                break;
            }
            self.deadlines.pop();
            if self.accounts[a].scheduled != deadline {
                continue;
            }
            self.accounts[a].scheduled = Millis::MAX;
            self.catch_up(a, edge);
            self.schedule(a);
            // With its last ticket an account goes as well, and how far its time had come: a restart must not know less
            // than what was never interrupted, and it finds nothing of it.
            if self.accounts[a].says_nothing() && !self.vacant.contains(&a) {
                self.erase_account(a);
            }
        }
    }

    /// The first time on the task's clock, grace included, that is worth an [`advance`](Self::advance).
    pub fn next_deadline(&self) -> Option<Millis> {
        if !self.live {
            return None;
        }
        let of_accounts = self.deadlines.first().map(|(deadline, _)| deadline);
        let of_imports = self.imports.deadline(self.settings.import_timeout);
        of_accounts.into_iter().chain(of_imports).chain(self.strays.deadline()).min()
    }

    /// What is to be written, in order.
    pub fn outputs(&mut self) -> std::vec::Drain<'_, Output> {
        self.outputs.drain(..)
    }

    /// What happened since the last call that a dashboard wants to know.
    pub fn counts(&mut self) -> Counts {
        let fresh = Counts { undecided: vec![0; self.rules.rules.len()], ..Counts::default() };
        std::mem::replace(&mut self.counts, fresh)
    }

    /// How many tickets are open.
    pub fn open_tickets(&self) -> usize {
        self.open_tickets
    }

    /// How many escalations are open, of tier 2 and of tier 3.
    pub fn open_escalations(&self) -> [usize; 2] {
        self.open_escalations
    }

    /// A ticket as conditions see it at a moment.
    pub(crate) fn view(&self, slot: Slot, moment: Moment) -> View<'_> {
        let ticket = &self.tickets[slot];
        let account = &self.accounts[ticket.account];
        View::new(self.around(), account, ticket, Some(&self.rules), moment)
    }

    /// What the views of tickets have in common.
    pub(crate) fn around(&self) -> Around<'_> {
        Around {
            texts: &self.texts,
            tickets: &self.tickets,
            mappings: &self.rules.mappings,
            heard: &self.heard,
            covered_since: self.covered_since,
            calendars: &self.rules.calendars,
        }
    }

    /// The place of an account, made where there is none.
    pub(crate) fn account(&mut self, id: &str) -> u32 {
        if let Some(place) = self.by_account.find(id, |a| *self.accounts[a].id == *id) {
            return place;
        }
        let place = match self.vacant.pop() {
            Some(place) => {
                self.accounts[place] = Account::new(id);
                place
            }
            None => self.accounts.push(Account::new(id)),
        };
        self.by_account.insert(id, place);
        place
    }

    /// Forgets an account that has no tickets; its place is taken again.
    pub(crate) fn vacate(&mut self, a: u32) {
        self.by_account.remove(&*self.accounts[a].id, a);
        self.accounts[a] = Account::new("");
        self.vacant.push(a);
    }

    /// The place of a ticket, by the ids that an event names: one look, whatever account it belongs to.
    pub(crate) fn find(&self, account: &str, id: &str) -> Option<Slot> {
        self.by_ticket.find((account, id), |slot| {
            let ticket = &self.tickets[slot];
            *ticket.id == *id && *self.accounts[ticket.account].id == *account
        })
    }

    /// The place of a ticket of an account.
    pub(crate) fn find_ticket(&self, account: u32, id: &str) -> Option<Slot> {
        self.find(&self.accounts[account].id, id)
    }

    /// The place of a ticket of an account, made where there is none.
    pub(crate) fn ticket(&mut self, account: u32, id: &str) -> Slot {
        if let Some(slot) = self.find_ticket(account, id) {
            return slot;
        }
        let slot = self.tickets.insert(Ticket::new(id, account));
        self.by_ticket.insert((&*self.accounts[account].id, id), slot);
        self.accounts[account].tickets.push(slot);
        slot
    }

    /// Forgets a ticket; the caller has written its tombstones.
    pub(crate) fn drop_ticket(&mut self, slot: Slot) {
        let ticket = &self.tickets[slot];
        let a = ticket.account;
        self.latest = None;
        self.by_ticket.remove((&*self.accounts[a].id, &*ticket.id), slot);
        let is_dirty = ticket.dirty;
        // Mostly it is one of the oldest, which stand first.
        let tickets = &mut self.accounts[a].tickets;
        tickets.iter().position(|&other| other == slot).map(|place| tickets.remove(place));
        if is_dirty {
            self.dirty_tickets.retain(|&other| other != slot);
        }
        self.tickets.remove(slot);
    }

    /// This ticket goes into the next transaction.
    pub(crate) fn mark_ticket(&mut self, slot: Slot) {
        self.marked = true;
        let ticket = &mut self.tickets[slot];
        ticket.now = crate::ticket::pack(self.accounts[ticket.account].now);
        let is_stub = !ticket.is_open() && ticket.solved_at.is_none();
        if !ticket.dirty {
            ticket.dirty = true;
            self.dirty_tickets.push(slot);
        }
        if is_stub {
            // One that never was open is kept from when it was last heard of: a restart knows no other instant. A snooze of
            // its escalation may end before, or the answer to it be due.
            let ticket = &self.tickets[slot];
            let now = self.accounts[ticket.account].now;
            let due = ticket.clocks.as_ref().map(|clocks| clocks.due);
            let wakes = ticket.snoozed_until().into_iter().chain(due).filter(|&at| !now.reached(at)).min();
            let kept = now.at.saturating_add(self.settings.history);
            self.set_bound(slot, wakes.map_or(kept, |at| at.min(kept)));
        }
    }

    /// This account goes into the next transaction.
    pub(crate) fn mark_account(&mut self, a: u32) {
        self.marked = true;
        let account = &mut self.accounts[a];
        if !account.dirty {
            account.dirty = true;
            self.dirty_accounts.push(a);
        }
    }

    /// Everything that a rule may read has changed.
    pub(crate) const EVERYTHING: Reads =
        Reads { ticket: u32::MAX, account: u32::MAX, billing: u32::MAX, topics: u32::MAX };

    fn sweep_texts(&mut self) {
        let (tickets, accounts, heard) = (&self.tickets, &self.accounts, &self.heard);
        self.texts.sweep(|mark| {
            tickets.iter().for_each(|ticket| crate::symbols::of_ticket(ticket, mark));
            accounts.iter().for_each(|account| crate::symbols::of_account(account, mark));
            heard.names().for_each(mark);
        });
    }
}
