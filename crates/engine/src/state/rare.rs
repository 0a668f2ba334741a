//! What few tickets have, as it is written: custom fields, signals, the open escalation, what is held.

use serde::{Deserialize, Serialize};
use tierline_model::{Evidence, HandoffContext, Millis};
use uuid::Uuid;

use super::{SignalState, signals};
use crate::account::Slot;
use crate::cells::Stamp;
use crate::engine::Engine;
use crate::planted::{Bug, planted};
use crate::ticket::{CustomCell, CustomValue, Firing, Held, Open, Proof, Rare};

#[derive(Serialize, Deserialize)]
pub(super) struct RareState<'a> {
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

pub(super) fn state<'e>(engine: &'e Engine, rare: &'e Rare) -> RareState<'e> {
    let custom = |cell: &CustomCell| (engine.texts.text(cell.name), cell.value.clone(), cell.since, cell.said);
    let held = |held: &'e Held| HeldState {
        rule: &engine.rules.rules[held.rule as usize].id,
        at: held.at,
        proof: held.proof.clone(),
        reason: &held.reason,
        evidence: held.evidence.clone(),
    };
    RareState {
        custom: rare.custom.iter().map(custom).collect(),
        signals: signals(engine, &rare.signals),
        handoff: rare.handoff.clone(),
        escalation: rare.escalation.as_deref().map(open_state),
        held: rare.held.iter().map(held).collect(),
        clears: rare.clears.clone(),
        escalations: rare.escalations,
        seen: &rare.seen.hashes,
    }
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
    /// Puts back what few tickets have; the context comes under a key of its own.
    pub(super) fn take_back_rare(&mut self, slot: Slot, state: RareState<'_>) {
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
        let held = if planted(Bug::HeldRiseLost) { Vec::new() } else { held.collect() };
        let rare = self.tickets[slot].rare.get_or_insert_default();
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
            })
        });
    }
}
