//! A ticket's life and conversation, as nearly every event writes them: where it stands, who waits, which rules have
//! risen on it, and what recognises repeats.
//!
//! Instants are written as differences from the account's own time, which is near; see [`super::bytes`].

use smallvec::SmallVec;
use tierline_model::Millis;

use super::bytes::{Cursor, Damaged, put_bytes, put_instant, put_number, put_signed};
use crate::account::Slot;
use crate::engine::Engine;
use crate::imports::Sleep;
use crate::marks::Marks;
use crate::planted::{Bug, planted};
use crate::ticket::{Latch, Ticket, unpack};

/// Bits of the entry's first number, in the order of what follows it.
mod bit {
    pub const OPEN: u64 = 1;
    pub const MET: u64 = 1 << 1;
    pub const REMOVED: u64 = 1 << 2;
    pub const KNOWN: u64 = 1 << 3;
    pub const CREATED_AT: u64 = 1 << 4;
    pub const TOUCHED_AT: u64 = 1 << 5;
    pub const SOLVED_AT: u64 = 1 << 6;
    pub const FIRST_WAIT: u64 = 1 << 7;
    pub const FIRST_REPLY: u64 = 1 << 8;
    pub const ASLEEP: u64 = 1 << 9;
}

pub(super) fn write(engine: &Engine, ticket: &Ticket, into: &mut Vec<u8>) {
    let (line, known, first_wait, first_reply) = ticket.marks.to_parts();
    let mut is = 0;
    for (bit, yes) in [
        (bit::OPEN, ticket.is_open()),
        (bit::MET, ticket.met),
        (bit::REMOVED, ticket.removed),
        (bit::KNOWN, known),
        (bit::CREATED_AT, ticket.created_at.is_some()),
        (bit::TOUCHED_AT, ticket.touched_at.is_some()),
        (bit::SOLVED_AT, ticket.solved_at.is_some()),
        (bit::FIRST_WAIT, first_wait.is_some()),
        (bit::FIRST_REPLY, first_reply.is_some()),
        (bit::ASLEEP, ticket.sleep != Sleep::Awake),
    ] {
        is |= if yes { bit } else { 0 };
    }
    put_number(into, is);
    put_signed(into, ticket.now);
    let near = unpack(ticket.now).at;
    put_signed(into, ticket.open_since.wrapping_sub(near));
    put_signed(into, ticket.solved_for);
    for at in [ticket.created_at, ticket.touched_at, ticket.solved_at, first_wait, first_reply] {
        put_instant(into, at, near);
    }
    put_number(into, line.len() as u64);
    let mut before = near.wrapping_mul(8);
    for &mark in line {
        put_signed(into, mark.wrapping_sub(before));
        before = mark;
    }
    put_number(into, ticket.marks.adopted().len() as u64);
    for &(at, since) in ticket.marks.adopted() {
        put_signed(into, at.wrapping_sub(near));
        put_signed(into, since.wrapping_sub(near));
    }
    put_number(into, ticket.latches.len() as u64);
    for latch in &ticket.latches {
        put_bytes(into, engine.rules.rules[latch.rule as usize].id.as_bytes());
        let rose = latch.rose_at.is_some();
        put_number(into, u64::from(latch.latched) | u64::from(latch.yes) << 1 | u64::from(rose) << 2);
        put_signed(into, latch.since.wrapping_sub(near));
        put_instant(into, latch.rose_at, near);
    }
    put_bytes(into, &ticket.bulk.events.hashes);
    put_bytes(into, &ticket.bulk.messages.hashes);
    if let Some(import) = ticket.sleep.import() {
        put_bytes(into, engine.imports.id_of(import).as_bytes());
    }
}

/// Whether an entry is of a ticket whose `created` was seen.
pub(super) fn is_met(entry: &[u8]) -> bool {
    Cursor(entry).number().is_ok_and(|is| is & bit::MET != 0)
}

impl Engine {
    /// Puts a ticket's life back as it was written.
    pub(super) fn take_back_life(&mut self, slot: Slot, entry: &[u8]) -> Result<(), Damaged> {
        let mut entry = Cursor(entry);
        let is = entry.number()?;
        let has = |bit: u64| is & bit != 0;
        let now: Millis = entry.signed()?;
        let near = unpack(now).at;
        let open_since = entry.signed()?.wrapping_add(near);
        let solved_for = entry.signed()?;
        let created_at = entry.instant(has(bit::CREATED_AT), near)?;
        let touched_at = entry.instant(has(bit::TOUCHED_AT), near)?;
        let solved_at = entry.instant(has(bit::SOLVED_AT), near)?;
        let first_wait = entry.instant(has(bit::FIRST_WAIT), near)?;
        let first_reply = entry.instant(has(bit::FIRST_REPLY), near)?;
        let mut line = SmallVec::new();
        let mut mark = near.wrapping_mul(8);
        for _ in 0..entry.count()? {
            mark = entry.signed()?.wrapping_add(mark);
            line.push(mark);
        }
        let mut adopted = Vec::new();
        for _ in 0..entry.count()? {
            adopted.push((entry.signed()?.wrapping_add(near), entry.signed()?.wrapping_add(near)));
        }
        let mut latches = SmallVec::new();
        for _ in 0..entry.count()? {
            let rule = self.rule_by_id(entry.text()?);
            let state = entry.number()?;
            let since = entry.signed()?.wrapping_add(near);
            let rose_at = entry.instant(state & 4 != 0, near)?;
            // A rule that is in force no more has no latch.
            let latch = |rule| Latch { rule, latched: state & 1 != 0, yes: state & 2 != 0, since, rose_at };
            latches.extend(rule.map(latch));
        }
        let (events, messages) = (entry.bytes()?, entry.bytes()?);
        // What runs of it is in the task record, which comes after all entries.
        let import = if has(bit::ASLEEP) { Some(self.imports.number_of(entry.text()?, near)) } else { None };
        entry.end()?;
        let ticket = &mut self.tickets[slot];
        (ticket.now, ticket.open_since, ticket.solved_for) = (now, open_since, solved_for);
        (ticket.created_at, ticket.touched_at, ticket.solved_at) = (created_at, touched_at, solved_at);
        (ticket.met, ticket.removed) = (has(bit::MET), has(bit::REMOVED));
        (ticket.open, ticket.sleep) = match import {
            None => (has(bit::OPEN), Sleep::Awake),
            Some(import) => (false, if has(bit::OPEN) { Sleep::Open(import) } else { Sleep::Closed(import) }),
        };
        ticket.marks = Marks::from_parts(line, has(bit::KNOWN), first_wait, first_reply, adopted);
        ticket.latches = if planted(Bug::LatchLost) { SmallVec::new() } else { latches };
        (ticket.bulk.events.hashes, ticket.bulk.messages.hashes) = (events.into(), messages.into());
        Ok(())
    }
}
