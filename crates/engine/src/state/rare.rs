//! What few tickets have, as it is written: custom fields, signals, the open escalation, what is held.

use serde::{Deserialize, Serialize};
use tierline_model::{Context, Evidence, HandoffContext, Millis};
use uuid::Uuid;

use super::{SignalState, WhysState, signals};
use crate::account::Slot;
use crate::cells::Stamp;
use crate::engine::Engine;
use crate::planted::{Bug, planted};
use crate::ticket::{CustomCell, CustomValue, Firing, Held, Open, PhraseCell, Proof, Rare, Track};

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

/// What the third format writes: what the formats before it wrote, and what they did not know.
#[derive(Serialize, Deserialize)]
pub(super) struct RareAndMoreState<'a> {
    #[serde(borrow)]
    rare: RareState<'a>,
    #[serde(borrow)]
    more: MoreState<'a>,
}

#[derive(Default, Serialize, Deserialize)]
struct MoreState<'a> {
    snoozed_until: Option<Millis>,
    #[serde(borrow)]
    shadow: Option<OpenState<'a>>,
    /// Of the escalation in the shadow.
    context: Option<Context>,
    shadow_clears: Vec<Millis>,
    shadows: u32,
    reopened: Vec<Millis>,
    reassigned: Vec<Millis>,
    /// By the phrases' keys: their places are the rule set's.
    phrases: Vec<(String, Vec<Millis>)>,
}

impl<'a> RareState<'a> {
    /// As the formats before the third left it.
    pub(super) fn with_nothing_more(mut self) -> RareAndMoreState<'a> {
        for held in &mut self.held {
            // A sentence of the form *The ticket's …* told why.
            held.because = held.because.strip_suffix('.').unwrap_or(held.because);
        }
        RareAndMoreState { rare: self, more: MoreState::default() }
    }
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
    /// Before the third format a whole sentence.
    because: &'a str,
    evidence: Vec<Evidence>,
}

pub(super) fn state<'e>(engine: &'e Engine, rare: &'e Rare) -> RareAndMoreState<'e> {
    let custom = |cell: &CustomCell| (engine.texts.text(cell.name), cell.value.clone(), cell.since, cell.said);
    let held = |held: &'e Held| HeldState {
        rule: &engine.rules.rules[held.rule as usize].id,
        at: held.at,
        proof: held.proof.clone(),
        because: &held.because,
        evidence: held.evidence.clone(),
    };
    let clears = |track: Track| {
        let of_track = rare.clears.iter().filter(move |(_, of)| *of == track);
        of_track.map(|&(at, _)| at).collect()
    };
    let phrase =
        |cell: &PhraseCell| Some((engine.rules.phrases.get(cell.phrase as usize)?.key.clone(), cell.at.clone()));
    let more = MoreState {
        snoozed_until: rare.escalation.as_ref().and_then(|open| open.snoozed_until),
        shadow: rare.shadow.as_deref().map(open_state),
        context: rare.shadow.as_ref().and_then(|open| open.context.as_deref().cloned()),
        shadow_clears: clears(Track::Shadow),
        shadows: rare.shadows,
        reopened: rare.reopened.clone(),
        reassigned: rare.reassigned.clone(),
        phrases: rare.phrases.iter().filter_map(phrase).collect(),
    };
    let rare = RareState {
        custom: rare.custom.iter().map(custom).collect(),
        signals: signals(engine, &rare.signals),
        handoff: rare.handoff.clone(),
        escalation: rare.escalation.as_deref().map(open_state),
        held: rare.held.iter().map(held).collect(),
        clears: clears(Track::Live),
        escalations: rare.escalations,
        seen: &rare.seen.hashes,
    };
    RareAndMoreState { rare, more }
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
    pub(super) fn take_back_rare(&mut self, slot: Slot, state: RareAndMoreState<'_>, whys: WhysState<'_>) {
        let RareAndMoreState { rare: state, more } = state;
        let custom = state.custom.into_iter().map(|(name, value, since, said)| {
            let name = self.texts.intern(name);
            CustomCell { name, value, since, said }
        });
        let custom = custom.collect();
        let signals = self.take_back_signals(&state.signals, whys);
        let held = state.held.into_iter().filter_map(|held| {
            let rule = self.rule_by_id(held.rule)?;
            let because = held.because.to_owned();
            Some(Held { rule, at: held.at, proof: held.proof, because, evidence: held.evidence })
        });
        let held = if planted(Bug::HeldRiseLost) { Vec::new() } else { held.collect() };
        let phrases = more.phrases.into_iter().filter_map(|(key, at)| {
            let place = self.rules.phrases.iter().position(|phrase| phrase.key == key)?;
            Some(PhraseCell { phrase: place as u16, at })
        });
        let phrases = phrases.collect();
        let rare = self.tickets[slot].rare.get_or_insert_default();
        rare.phrases = phrases;
        (rare.custom, rare.signals) = (custom, signals);
        rare.held = held;
        rare.clears = state.clears.into_iter().map(|at| (at, Track::Live)).collect();
        rare.clears.extend(more.shadow_clears.into_iter().map(|at| (at, Track::Shadow)));
        rare.clears.sort_unstable();
        (rare.shadows, rare.reopened, rare.reassigned) = (more.shadows, more.reopened, more.reassigned);
        (rare.handoff, rare.escalations, rare.seen.hashes) = (state.handoff, state.escalations, state.seen.into());
        let open = |open: OpenState<'_>, snoozed_until: Option<Millis>, context: Option<Context>| {
            Box::new(Open {
                id: Uuid::from_bytes(open.id),
                next: open.next,
                tier: open.tier,
                opened_at: open.opened_at,
                at_tier_since: open.at_tier_since,
                acknowledged_at: open.acknowledged_at,
                acknowledged_by: open.acknowledged_by.map(str::to_owned),
                snoozed_until,
                held_by: open.held_by,
                firings: open.firings,
                context: context.map(Box::new),
                said: None,
            })
        };
        rare.escalation = state.escalation.map(|state| open(state, more.snoozed_until, None));
        rare.shadow = more.shadow.map(|state| open(state, None, more.context));
    }
}
