//! A ticket as it is written.

use serde::ser::{SerializeSeq, SerializeTuple};
use serde::{Deserialize, Serialize, Serializer};
use serde_bytes::Bytes;
use tierline_model::{Evidence, HandoffContext, Millis, TicketField};
use uuid::Uuid;

use super::{SignalState, signals};
use crate::account::Slot;
use crate::cells::{CellValue, SeenValue, Stamp};
use crate::engine::Engine;
use crate::marks::Marks;
use crate::symbols::is_symbol;
use crate::ticket::{CustomCell, CustomValue, Firing, Held, Latch, Open, Proof, Ticket};

/// A ticket as it is read back: member by member what [`Written`] writes.
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

/// A ticket as it is written, straight from where it lies.
pub(super) struct Written<'e> {
    pub engine: &'e Engine,
    pub ticket: &'e Ticket,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Written { engine, ticket } = *self;
        let (line, known, first_wait, first_reply) = ticket.marks.to_parts();
        let mut tuple = serializer.serialize_tuple(19)?;
        tuple.serialize_element(&ticket.now)?;
        tuple.serialize_element(&ticket.source.map(|source| engine.texts.text(source)))?;
        tuple.serialize_element(&ticket.created_at)?;
        tuple.serialize_element(&ticket.open_since)?;
        tuple.serialize_element(&ticket.touched_at)?;
        tuple.serialize_element(&ticket.solved_at)?;
        tuple.serialize_element(&ticket.solved_for)?;
        tuple.serialize_element(&(ticket.open, ticket.met, ticket.removed))?;
        tuple.serialize_element(ticket.cells.stamps())?;
        tuple.serialize_element(&Each(ticket.cells.len(), || {
            let fields = ticket.cells.numbered();
            fields.map(|(field, value, since, said)| (field.word(), field_value(engine, field, value), since, said))
        }))?;
        tuple.serialize_element(&Each(line.len(), || {
            let before = std::iter::once(0).chain(line.iter().copied());
            line.iter().zip(before).map(|(mark, before)| mark - before)
        }))?;
        tuple.serialize_element(&known)?;
        tuple.serialize_element(&first_wait)?;
        tuple.serialize_element(&first_reply)?;
        tuple.serialize_element(ticket.marks.adopted())?;
        tuple.serialize_element(&Each(ticket.latches.len(), || {
            ticket.latches.iter().map(|latch| latch_state(engine, latch))
        }))?;
        tuple.serialize_element(Bytes::new(&ticket.bulk.events.hashes))?;
        tuple.serialize_element(Bytes::new(&ticket.bulk.messages.hashes))?;
        tuple.serialize_element(&rare(engine, ticket))?;
        tuple.end()
    }
}

/// So many items, written as a list without being gathered first.
struct Each<F>(usize, F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0))?;
        for item in (self.1)() {
            list.serialize_element(&item)?;
        }
        list.end()
    }
}

#[derive(Serialize, Deserialize)]
enum FieldValue<'a> {
    Empty,
    Text(&'a str),
    Number(u32),
    Instant(Millis),
    #[serde(borrow)]
    Texts(Vec<&'a str>),
}

#[derive(Serialize, Deserialize)]
struct LatchState<'a> {
    rule: &'a str,
    latched: bool,
    yes: bool,
    since: Millis,
    rose_at: Option<Millis>,
}

#[derive(Serialize, Deserialize)]
struct RareState<'a> {
    #[serde(borrow)]
    custom: Vec<(&'a str, Option<CustomValue>, Millis, Stamp)>,
    #[serde(borrow)]
    signals: Vec<SignalState<'a>>,
    handoff: Option<HandoffContext>,
    #[serde(borrow)]
    escalation: Option<OpenState<'a>>,
    #[serde(borrow)]
    held: Vec<HeldState<'a>>,
    clears: Vec<Millis>,
    escalations: u32,
    seen: &'a [u8],
}

#[derive(Serialize, Deserialize)]
struct OpenState<'a> {
    id: [u8; 16],
    next: u32,
    tier: u8,
    opened_at: Millis,
    at_tier_since: Millis,
    acknowledged_at: Option<Millis>,
    #[serde(borrow)]
    acknowledged_by: Option<&'a str>,
    held_by: Vec<Option<String>>,
    firings: Vec<Firing>,
}

#[derive(Serialize, Deserialize)]
struct HeldState<'a> {
    rule: &'a str,
    at: Millis,
    proof: Proof,
    reason: &'a str,
    evidence: Vec<Evidence>,
}

fn field_value<'e>(engine: &'e Engine, field: TicketField, value: Option<SeenValue<'e>>) -> FieldValue<'e> {
    let text = |symbol: u32| engine.texts.text(symbol);
    match value {
        None => FieldValue::Empty,
        Some(SeenValue::Small(symbol)) if is_symbol(field) => FieldValue::Text(text(symbol)),
        Some(SeenValue::Small(number)) => FieldValue::Number(number),
        Some(SeenValue::Large(CellValue::Text(text))) => FieldValue::Text(text),
        Some(SeenValue::Large(CellValue::Instant(at))) => FieldValue::Instant(*at),
        Some(SeenValue::Large(CellValue::Symbols(tags))) => {
            FieldValue::Texts(tags.iter().map(|&tag| text(tag)).collect())
        }
        Some(SeenValue::Large(CellValue::Small(number))) => FieldValue::Number(*number),
    }
}

fn latch_state<'e>(engine: &'e Engine, latch: &Latch) -> LatchState<'e> {
    LatchState {
        rule: &engine.rules.rules[latch.rule as usize].id,
        latched: latch.latched,
        yes: latch.yes,
        since: latch.since,
        rose_at: latch.rose_at,
    }
}

fn rare<'e>(engine: &'e Engine, ticket: &'e Ticket) -> Option<RareState<'e>> {
    let rare = ticket.rare.as_ref()?;
    let custom = |cell: &CustomCell| (engine.texts.text(cell.name), cell.value.clone(), cell.since, cell.said);
    let held = |held: &'e Held| HeldState {
        rule: &engine.rules.rules[held.rule as usize].id,
        at: held.at,
        proof: held.proof.clone(),
        reason: &held.reason,
        evidence: held.evidence.clone(),
    };
    Some(RareState {
        custom: rare.custom.iter().map(custom).collect(),
        signals: signals(engine, &rare.signals),
        handoff: rare.handoff.clone(),
        escalation: rare.escalation.as_deref().map(open_state),
        held: rare.held.iter().map(held).collect(),
        clears: rare.clears.clone(),
        escalations: rare.escalations,
        seen: &rare.seen.hashes,
    })
}

fn open_state(open: &Open) -> OpenState<'_> {
    OpenState {
        id: open.id.into_bytes(),
        next: open.next,
        tier: open.tier,
        opened_at: open.opened_at,
        at_tier_since: open.at_tier_since,
        acknowledged_at: open.acknowledged_at,
        acknowledged_by: open.acknowledged_by.as_deref(),
        held_by: open.held_by.clone(),
        firings: open.firings.clone(),
    }
}

impl Engine {
    /// Puts a ticket back as it was written. Its messages and its context come under keys of their own, before or
    /// after.
    pub(super) fn take_back_ticket(&mut self, slot: Slot, state: TicketState<'_>) {
        let source = state.source.map(|source| self.texts.intern(source));
        let ticket = &mut self.tickets[slot as usize];
        let texts = std::mem::take(&mut ticket.bulk.texts);
        let mut back = Ticket {
            id: std::mem::take(&mut ticket.id),
            account: ticket.account,
            source,
            created_at: state.created_at,
            now: state.now,
            bound: Millis::MAX,
            open_since: state.open_since,
            touched_at: state.touched_at,
            solved_at: state.solved_at,
            solved_for: state.solved_for,
            open: state.is.0,
            met: state.is.1,
            removed: state.is.2,
            ..Ticket::default()
        };
        back.bulk.texts = texts;
        (back.bulk.events.hashes, back.bulk.messages.hashes) = (state.events.into(), state.messages.into());
        let mut last = 0;
        let line = state.line.iter().map(|&step| {
            last += step;
            last
        });
        back.marks = Marks::from_parts(line.collect(), state.known, state.first_wait, state.first_reply, state.adopted);
        for (field, value, since, said) in &state.fields {
            let stamp = |number: u8| state.stamps.get(usize::from(number)).copied();
            if let (Some(since), Some(said)) = (stamp(*since), stamp(*said)) {
                self.take_back_field(&mut back, field, value, since, said);
            }
        }
        for latch in &state.latches {
            if let Some(rule) = self.rule_by_id(latch.rule) {
                let LatchState { latched, yes, since, rose_at, .. } = *latch;
                back.latches.push(Latch { rule, latched, yes, since, rose_at });
            }
        }
        if let Some(state) = state.rare {
            self.take_back_rare(&mut back, state);
        }
        self.tickets[slot as usize] = back;
    }

    fn take_back_field(&mut self, ticket: &mut Ticket, field: &str, value: &FieldValue<'_>, since: Stamp, said: Stamp) {
        // A field that this version has not is left out.
        let Some(field) = TicketField::from_word(field) else { return };
        let value = match value {
            FieldValue::Empty => None,
            FieldValue::Text(text) if is_symbol(field) => Some(CellValue::Small(self.texts.intern(text))),
            FieldValue::Text(text) => Some(CellValue::Text((*text).into())),
            FieldValue::Number(number) => Some(CellValue::Small(*number)),
            FieldValue::Instant(at) => Some(CellValue::Instant(*at)),
            FieldValue::Texts(tags) => {
                Some(CellValue::Symbols(tags.iter().map(|tag| self.texts.intern(tag)).collect()))
            }
        };
        ticket.cells.put_back(field, value, since, said);
    }

    fn take_back_rare(&mut self, ticket: &mut Ticket, state: RareState<'_>) {
        let custom = state.custom.into_iter().map(|(name, value, since, said)| {
            let name = self.texts.intern(name);
            CustomCell { name, value, since, said }
        });
        let custom = custom.collect();
        let signals = state.signals.iter().map(|signal| self.take_back_signal(signal)).collect();
        let held = state.held.into_iter().filter_map(|held| {
            let rule = self.rule_by_id(held.rule)?;
            Some(Held { rule, at: held.at, proof: held.proof, reason: held.reason.to_owned(), evidence: held.evidence })
        });
        let held = held.collect();
        let rare = ticket.rare();
        (rare.custom, rare.signals) = (custom, signals);
        (rare.held, rare.clears) = (held, state.clears);
        (rare.handoff, rare.escalations, rare.seen.hashes) = (state.handoff, state.escalations, state.seen.into());
        rare.escalation = state.escalation.map(|open| {
            Box::new(Open {
                id: Uuid::from_bytes(open.id),
                next: open.next,
                tier: open.tier,
                opened_at: open.opened_at,
                at_tier_since: open.at_tier_since,
                acknowledged_at: open.acknowledged_at,
                acknowledged_by: open.acknowledged_by.map(str::to_owned),
                held_by: open.held_by,
                firings: open.firings,
                context: None,
                context_dirty: false,
            })
        });
    }
}
