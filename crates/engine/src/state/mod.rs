//! The changelog: what the engine writes of its state, and how it reads it back.
//!
//! One key an entity, its last state once a transaction. An account has one; a ticket has one for its [life], which
//! every event changes, and others for what few events do: its [fields], its SLA [clocks], what [few](rare) tickets
//! have, the context and the last words of its open escalation, and each of its last messages in a ring of slots; one
//! that is elsewhere, or on its way here, has one as a [stray](crate::moves). What can be derived (windows, timers, who
//! is open) is not written. Values stand behind a version byte, with texts for symbols and rules' ids for their places,
//! since both numbers are another process's; they are postcard but for life and fields, which are written by hand.

mod account;
mod bytes;
mod clocks;
mod facts;
mod fields;
mod life;
mod rare;
mod read;
mod v1;

pub(crate) use facts::FactsState;

use tierline_model::Millis;

use crate::account::Slot;
use crate::engine::Engine;
use crate::planted::{Bug, planted};
use crate::ticket::{Behind, SignalCell, Ticket};

/// The first byte of every value.
const VERSION: u8 = 6;

/// Why a changelog cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// No key of this stage.
    #[error("the changelog has a key that is none of this stage's: {0}")]
    Key(String),
    /// Written by a newer version.
    #[error(
        "the changelog holds state of format {0}; this version reads format {VERSION}: run the version that wrote it"
    )]
    Version(u8),
    /// The bytes make no sense.
    #[error("the changelog's entry for {key} cannot be read: {reason}")]
    Value {
        /// Of which entity.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The kinds of entities: the first byte of a key.
mod tag {
    pub const ACCOUNT: u8 = b'a';
    pub const LIFE: u8 = b't';
    pub const FIELDS: u8 = b'f';
    pub const RARE: u8 = b'r';
    pub const CONTEXT: u8 = b'c';
    pub const MESSAGE: u8 = b'm';
    pub const CLOCKS: u8 = b's';
    pub const SAID: u8 = b'q';
    pub const STRAY: u8 = b'g';
}

/// A key, taken apart.
#[derive(Debug, PartialEq, Eq)]
enum Key<'a> {
    Account(&'a str),
    Life(&'a str, &'a str),
    Fields(&'a str, &'a str),
    Rare(&'a str, &'a str),
    Context(&'a str, &'a str),
    Message(&'a str, &'a str, u8),
    Clocks(&'a str, &'a str),
    Said(&'a str, &'a str),
    Stray(&'a str, &'a str),
}

/// tag · slot · length of the account's id (u32, big-endian) · the account's id · the ticket's id
fn key(into: &mut Vec<u8>, tag: u8, slot: u8, account: &str, ticket: &str) {
    into.clear();
    into.extend([tag, slot]);
    // An id is shorter than a record, and that is far below 4 GiB.
    into.extend((account.len() as u32).to_be_bytes());
    into.extend(account.as_bytes());
    into.extend(ticket.as_bytes());
}

/// The key that begins with these two bytes, of an account and one of its tickets.
pub(crate) fn key_of([tag, slot]: [u8; 2], account: &str, ticket: &str) -> Vec<u8> {
    let mut name = Vec::new();
    key(&mut name, tag, slot, account, ticket);
    name
}

/// Whether one of these entries, each by the first bytes of its key, is the life of a ticket whose `created` was seen.
pub(crate) fn is_met(entries: &[(u8, u8, &[u8])]) -> bool {
    let life = entries.iter().find(|(tag, ..)| *tag == tag::LIFE);
    life.and_then(|(_, _, value)| value.get(1..)).is_some_and(life::is_met)
}

/// Whether one of these entries is that of an open escalation.
pub(crate) fn is_escalated(entries: &[(u8, u8, &[u8])]) -> bool {
    entries.iter().any(|(tag, ..)| *tag == tag::CONTEXT)
}

fn take_apart(key: &[u8]) -> Option<Key<'_>> {
    let (&[tag, slot], rest) = key.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (account, ticket) = str::from_utf8(rest).ok()?.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    Some(match tag {
        tag::ACCOUNT if ticket.is_empty() => Key::Account(account),
        tag::LIFE => Key::Life(account, ticket),
        tag::FIELDS => Key::Fields(account, ticket),
        tag::RARE => Key::Rare(account, ticket),
        tag::CONTEXT => Key::Context(account, ticket),
        tag::MESSAGE => Key::Message(account, ticket, slot),
        tag::CLOCKS => Key::Clocks(account, ticket),
        tag::SAID => Key::Said(account, ticket),
        tag::STRAY => Key::Stray(account, ticket),
        _ => return None,
    })
}

impl Engine {
    /// The changelog entries of everything that changed since the last call, each with its last state; what is gone
    /// first.
    #[allow(clippy::type_complexity, reason = "a key and its value, none for a tombstone")]
    pub fn changes(&mut self, each: &mut dyn FnMut(&[u8], Option<&[u8]>)) {
        for gone in self.tombstones.drain(..) {
            if !planted(Bug::TombstoneLost) {
                each(&gone, None);
            }
        }
        let (mut name, mut value) = (Vec::new(), Vec::new());
        let mut write = |key: &[u8], value: &[u8]| each(key, Some(value));
        for a in std::mem::take(&mut self.dirty_accounts) {
            self.write_account(a, &mut name, &mut value, &mut write);
            self.accounts[a].dirty = false;
        }
        let mut tickets = std::mem::take(&mut self.dirty_tickets);
        if planted(Bug::ChangeLeftOut) && tickets.len() > 1 {
            tickets.pop();
        }
        for &slot in &tickets {
            self.write_ticket(slot, false, &mut name, &mut value, &mut write);
            let ticket = &mut self.tickets[slot];
            (ticket.dirty, ticket.behind) = (false, Behind::default());
            ticket.bulk.texts.iter_mut().for_each(|message| message.dirty = false);
        }
        tickets.clear();
        self.dirty_tickets = tickets;
        for (account, ticket) in std::mem::take(&mut self.strays.changed) {
            key(&mut name, tag::STRAY, 0, &account, &ticket);
            match self.strays.find(&account, &ticket) {
                Some(stray) => each(&name, Some(put(&mut value, stray))),
                None => each(&name, None),
            }
        }
    }

    /// Every entity as a changelog entry: for a checkpoint.
    pub fn snapshot(&self, each: &mut dyn FnMut(&[u8], &[u8])) {
        self.snapshot_part(u32::MAX, usize::MAX, each);
    }

    /// The same of the places before one, `MAX` being behind the last, until it was so many entries or a few more: an
    /// account and its tickets come together. Before which place to go on; none: that was all.
    ///
    /// Records may be applied between two parts. What changes meanwhile is handed over as it was or as it has become, or
    /// not at all where it comes or goes; everything else is handed over once. Accounts that come do not make it longer.
    pub fn snapshot_part(&self, before: u32, entries: usize, each: &mut dyn FnMut(&[u8], &[u8])) -> Option<u32> {
        let (mut scratch, mut handed_over) = (Default::default(), 0);
        for a in (0..before.min(self.accounts.len())).rev() {
            if handed_over >= entries {
                return Some(if planted(Bug::CheckpointWithAGap) { a } else { a + 1 });
            }
            // A place that was given up has no name.
            if !self.accounts[a].id.is_empty() {
                self.snapshot_of(a, &mut scratch, &mut |key, value| {
                    handed_over += 1;
                    each(key, value);
                });
            }
        }
        let (name, value) = &mut scratch;
        for ((account, ticket), stray) in self.strays.all() {
            key(name, tag::STRAY, 0, account, ticket);
            each(name, put(value, stray));
        }
        None
    }

    /// An account and its tickets as changelog entries; `scratch` is for keys and values.
    pub(crate) fn snapshot_of(
        &self,
        a: u32,
        (name, value): &mut (Vec<u8>, Vec<u8>),
        each: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        self.write_account(a, name, value, each);
        for &slot in &self.accounts[a].tickets {
            self.write_ticket(slot, true, name, value, each);
        }
    }

    /// Every entity as [`snapshot`](Self::snapshot) writes it, but for how far the time of its account has come, in
    /// which order its latches were made, and what says nothing: what
    /// two engines agree on that mean the same, one of them brought back and the other never interrupted.
    ///
    /// How far an account's time has come is written only with what else changes; a bound from which nothing follows
    /// does not move it.
    pub fn meaning(mut self, each: &mut dyn FnMut(&[u8], &[u8])) {
        let places: Vec<Slot> = self.tickets.places().collect();
        for slot in places {
            let ticket = &mut self.tickets[slot];
            ticket.now = 0;
            ticket.latches.sort_by_key(|latch| latch.rule);
        }
        for a in 0..self.accounts.len() {
            let account = &mut self.accounts[a];
            account.now = crate::ticket::unpack(0);
            // One that is open is as good as none.
            account.latches.retain(|latch| latch.latched || latch.rose_at.is_some());
            account.latches.sort_by_key(|latch| latch.rule);
            if account.says_nothing() && !self.vacant.contains(&a) {
                self.vacate(a);
            }
        }
        self.snapshot(each);
    }

    /// The keys under which the context and the last words of a ticket's escalation stand.
    pub(crate) fn keys_of_escalation(&self, slot: Slot) -> [Vec<u8>; 2] {
        let ticket = &self.tickets[slot];
        [tag::CONTEXT, tag::SAID].map(|tag| key_of([tag, 0], &self.accounts[ticket.account].id, &ticket.id))
    }

    /// Forgets the conversation of a ticket that is closed.
    pub(crate) fn drop_conversation(&mut self, slot: Slot) {
        let texts = std::mem::take(&mut self.tickets[slot].bulk.texts);
        let ticket = &self.tickets[slot];
        for message in texts {
            let mut name = Vec::new();
            key(&mut name, tag::MESSAGE, message.slot, &self.accounts[ticket.account].id, &ticket.id);
            self.tombstones.push(name);
        }
    }

    /// Forgets a ticket with everything that is kept of it; the caller has resolved its escalation.
    pub(crate) fn erase_ticket(&mut self, slot: Slot) {
        self.drop_conversation(slot);
        let ticket = &self.tickets[slot];
        let a = ticket.account;
        let kept = [
            (tag::LIFE, true),
            (tag::FIELDS, true),
            (tag::RARE, ticket.rare.is_some()),
            (tag::CLOCKS, ticket.clocks.is_some()),
        ];
        for (tag, _) in kept.into_iter().filter(|(_, is_kept)| *is_kept) {
            let mut name = Vec::new();
            key(&mut name, tag, 0, &self.accounts[a].id, &ticket.id);
            self.tombstones.push(name);
        }
        if let Some(at) = ticket.created_at.filter(|_| ticket.counts()) {
            self.accounts[a].uncount(at);
            if planted(Bug::WindowEvictsOneTooMany) {
                self.accounts[a].created.pop();
            }
        }
        if ticket.open {
            self.strike_open(slot);
            self.holds_no_more(slot);
        }
        self.drop_ticket(slot);
    }

    /// Forgets an account with all its tickets; the caller has resolved their escalations.
    pub(crate) fn erase_account(&mut self, a: u32) {
        for slot in self.accounts[a].tickets.clone() {
            self.erase_ticket(slot);
        }
        let mut name = Vec::new();
        key(&mut name, tag::ACCOUNT, 0, &self.accounts[a].id, "");
        self.tombstones.push(name);
        self.dirty_accounts.retain(|&other| other != a);
        self.vacate(a);
    }

    fn write_account(&self, a: u32, name: &mut Vec<u8>, value: &mut Vec<u8>, each: &mut dyn FnMut(&[u8], &[u8])) {
        let account = &self.accounts[a];
        key(name, tag::ACCOUNT, 0, &account.id, "");
        each(name, put(value, &(account::state(self, account), whys(&account.signals))));
    }

    /// `all`: what has not changed too.
    pub(crate) fn write_ticket(
        &self,
        slot: Slot,
        all: bool,
        name: &mut Vec<u8>,
        value: &mut Vec<u8>,
        each: &mut dyn FnMut(&[u8], &[u8]),
    ) {
        let ticket = &self.tickets[slot];
        let account = &self.accounts[ticket.account].id;
        let mut by_hand = |tag: u8, write: fn(&Engine, &Ticket, &mut Vec<u8>)| {
            key(name, tag, 0, account, &ticket.id);
            value.clear();
            value.push(VERSION);
            write(self, ticket, value);
            each(name, value);
        };
        by_hand(tag::LIFE, life::write);
        if all || ticket.behind.fields {
            by_hand(tag::FIELDS, fields::write);
        }
        if ticket.clocks.as_ref().is_some_and(|clocks| !clocks.is_idle()) && (all || ticket.behind.clocks) {
            by_hand(tag::CLOCKS, clocks::write);
        }
        if let Some(rare) = ticket.rare.as_ref().filter(|_| all || ticket.behind.rare) {
            key(name, tag::RARE, 0, account, &ticket.id);
            let state = (rare::state(self, rare), whys(&rare.signals));
            let written = match rare.merged.as_deref() {
                Some(merged) => put(value, &(&state, merged)),
                None => put(value, &state),
            };
            each(name, written);
        }
        for message in ticket.bulk.texts.iter().filter(|message| all || message.dirty) {
            key(name, tag::MESSAGE, message.slot, account, &ticket.id);
            each(name, put(value, message));
        }
        if let Some(context) = ticket.escalation().and_then(|open| open.context.as_ref())
            && (all || ticket.behind.context)
        {
            key(name, tag::CONTEXT, 0, account, &ticket.id);
            each(name, put(value, &**context));
        }
        if let Some(said) = ticket.escalation().and_then(|open| open.said.as_ref())
            && (all || ticket.behind.said)
        {
            key(name, tag::SAID, 0, account, &ticket.id);
            each(name, put(value, &**said));
        }
    }
}

/// The version byte and the value, in a buffer that grows to what the largest needs.
fn put<'b>(buffer: &'b mut Vec<u8>, value: &impl serde::Serialize) -> &'b [u8] {
    loop {
        match postcard::to_slice(value, buffer.get_mut(1..).unwrap_or_default()).map(|written| written.len()) {
            Ok(length) => {
                buffer[0] = VERSION;
                return &buffer[..=length];
            }
            Err(postcard::Error::SerializeBufferFull) => buffer.resize(2 * buffer.len().max(512), 0),
            Err(other) => unreachable!("plain data with lists of known lengths is always written: {other}"),
        }
    }
}

/// What stands behind the version byte, and the version.
fn versioned<'a>(key: &[u8], value: &'a [u8]) -> Result<(u8, &'a [u8]), StateError> {
    match value.split_first() {
        Some((&version @ v1::VERSION..=VERSION, value)) => Ok((version, value)),
        Some((&other, _)) => Err(StateError::Version(other)),
        None => Err(damaged(key, "it is empty")),
    }
}

/// A value that is the same in all formats.
fn take<'a, T: serde::Deserialize<'a>>(key: &[u8], value: &'a [u8]) -> Result<T, StateError> {
    postcard::from_bytes(versioned(key, value)?.1).map_err(|error| damaged(key, error))
}

/// The same, and what may stand behind it: versions that do not know of that pass over it.
fn take_two<'a, T, U>(key: &[u8], value: &'a [u8]) -> Result<(T, Option<U>), StateError>
where
    T: serde::Deserialize<'a>,
    U: serde::Deserialize<'a>,
{
    let (taken, rest) = postcard::take_from_bytes(versioned(key, value)?.1).map_err(|error| damaged(key, error))?;
    let more = (!rest.is_empty()).then(|| postcard::from_bytes(rest)).transpose();
    Ok((taken, more.map_err(|error| damaged(key, error))?))
}

fn damaged(key: &[u8], reason: impl ToString) -> StateError {
    StateError::Value { key: key.escape_ascii().to_string(), reason: reason.to_string() }
}

/// A signal's value, on a ticket or an account.
#[derive(serde::Serialize, serde::Deserialize)]
struct SignalState<'a> {
    name: &'a str,
    at: Millis,
    value: Option<f64>,
    #[serde(borrow)]
    label: Option<&'a str>,
    #[serde(borrow)]
    model: Option<&'a str>,
}

/// Why signals are what they are, by their places: what the formats before the fourth did not know.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct WhysState<'a>(#[serde(borrow)] Vec<(u32, &'a str)>);

fn whys(cells: &[SignalCell]) -> WhysState<'_> {
    let placed = (0..).zip(cells);
    WhysState(placed.filter_map(|(place, cell)| Some((place, cell.why.as_deref()?))).collect())
}

fn signals<'e>(engine: &'e Engine, cells: &[SignalCell]) -> Vec<SignalState<'e>> {
    let text = |symbol| engine.texts.text(symbol);
    let state = |cell: &SignalCell| SignalState {
        name: text(cell.name),
        at: cell.at,
        value: cell.value,
        label: cell.label.map(text),
        model: cell.model.map(text),
    };
    cells.iter().map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_ids_are_told_apart() {
        let mut name = Vec::new();
        for (account, ticket) in [("a", "bc"), ("ab", "c"), ("", "x"), ("nul\0", "\0")] {
            key(&mut name, tag::MESSAGE, 3, account, ticket);
            assert_eq!(take_apart(&name), Some(Key::Message(account, ticket, 3)));
        }
        assert_eq!(take_apart(b"t"), None);
        assert_eq!(take_apart(b"t\0\xff\xff\xff\xffab"), None);
    }

    #[test]
    fn another_format_is_named() {
        assert_eq!(take::<u8>(b"k", &[250, 0]).unwrap_err().to_string(), StateError::Version(250).to_string());
    }
}
