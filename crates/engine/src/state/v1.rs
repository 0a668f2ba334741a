//! A ticket as the first format wrote it: all of it under one key, its fields by their words. Read only; what is read
//! so is written in the present format, whole, when the ticket next changes.

use std::collections::BTreeMap;

use serde::Deserialize;
use tierline_model::{Millis, TicketField};

use super::WhysState;
use super::fields::legal;
use super::rare::RareState;
use crate::account::Slot;
use crate::cells::{CellValue, Returning, Stamp};
use crate::engine::Engine;
use crate::marks::Marks;
use crate::symbols::is_symbol;
use crate::ticket::Latch;

/// The version byte of that format.
pub(super) const VERSION: u8 = 1;

#[derive(Deserialize)]
pub(super) struct TicketState<'a> {
    now: Millis,
    #[serde(borrow)]
    source: Option<&'a str>,
    created_at: Option<Millis>,
    open_since: Millis,
    touched_at: Option<Millis>,
    solved_at: Option<Millis>,
    solved_for: Millis,
    /// open, met, removed
    is: (bool, bool, bool),
    stamps: Vec<Stamp>,
    /// By their words, since their numbers may move between versions; each with the numbers of its stamps.
    #[serde(borrow)]
    fields: Vec<(&'a str, FieldValue<'a>, u8, u8)>,
    /// The line of marks as differences.
    line: Vec<i64>,
    known: bool,
    first_wait: Option<Millis>,
    first_reply: Option<Millis>,
    adopted: Vec<(Millis, Millis)>,
    #[serde(borrow)]
    latches: Vec<LatchState<'a>>,
    events: &'a [u8],
    messages: &'a [u8],
    #[serde(borrow)]
    rare: Option<RareState<'a>>,
}

#[derive(Deserialize)]
enum FieldValue<'a> {
    Empty,
    Text(&'a str),
    Number(u32),
    Instant(Millis),
    #[serde(borrow)]
    Texts(Vec<&'a str>),
}

#[derive(Deserialize)]
struct LatchState<'a> {
    rule: &'a str,
    latched: bool,
    yes: bool,
    since: Millis,
    rose_at: Option<Millis>,
}

impl Engine {
    /// Puts a ticket back as the first format has it.
    pub(super) fn take_back_first_format(&mut self, slot: Slot, state: TicketState<'_>) {
        let source = state.source.map(|source| self.texts.intern(source));
        let latches = state.latches.iter().filter_map(|latch| {
            let LatchState { latched, yes, since, rose_at, .. } = *latch;
            Some(Latch { rule: self.rule_by_id(latch.rule)?, latched, yes, since, rose_at })
        });
        let latches = latches.collect();
        let mut last = 0;
        let line = state.line.iter().map(|&step| {
            last = step.wrapping_add(last);
            last
        });
        let line = line.collect();
        let ticket = &mut self.tickets[slot];
        ticket.source = source;
        ticket.now = state.now;
        (ticket.created_at, ticket.open_since, ticket.touched_at) =
            (state.created_at, state.open_since, state.touched_at);
        (ticket.solved_at, ticket.solved_for) = (state.solved_at, state.solved_for);
        (ticket.open, ticket.met, ticket.removed) = state.is;
        ticket.latches = latches;
        ticket.marks = Marks::from_parts(line, state.known, state.first_wait, state.first_reply, state.adopted);
        (ticket.bulk.events.hashes, ticket.bulk.messages.hashes) = (state.events.into(), state.messages.into());
        // In the order of their numbers here, and the last where one stands twice.
        let mut told = BTreeMap::new();
        for (word, value, since, said) in &state.fields {
            if let Some((field, value)) = self.worded(word, value) {
                told.insert(field as u32, (field, value, *since, *said));
            }
        }
        let mut cells = Returning::new(state.stamps.into_iter().collect());
        for (field, value, since, said) in told.into_values() {
            // One of a statement that is not there is left out.
            let _ = cells.next(field, value, since, said);
        }
        self.tickets[slot].cells = cells.end();
        if let Some(state) = state.rare {
            self.take_back_rare(slot, state.with_nothing_more(), WhysState::default());
        }
        let ticket = &mut self.tickets[slot];
        (ticket.behind.fields, ticket.behind.rare) = (true, ticket.rare.is_some());
    }

    /// A field of this version and its value. What it has no field or no word for is left out.
    fn worded(&mut self, word: &str, value: &FieldValue<'_>) -> Option<(TicketField, Option<CellValue>)> {
        let field = TicketField::from_word(word)?;
        let value = match value {
            FieldValue::Empty => None,
            FieldValue::Text(text) if is_symbol(field) => Some(CellValue::Small(self.texts.intern(text))),
            FieldValue::Text(text) => Some(CellValue::Text((*text).into())),
            FieldValue::Number(number) => Some(CellValue::Small(legal(field, *number).ok()?)),
            FieldValue::Instant(at) => Some(CellValue::Instant(*at)),
            FieldValue::Texts(tags) => {
                Some(CellValue::Symbols(tags.iter().map(|tag| self.texts.intern(tag)).collect()))
            }
        };
        Some((field, value))
    }
}
