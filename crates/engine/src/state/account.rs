//! An account as it is written.

use serde::{Deserialize, Serialize};
use tierline_model::{AccountField, BillingField, BillingState, DateOrInstant, Millis, PlanChange};

use super::{SignalState, WhysState, signals};
use crate::account::Account;
use crate::engine::Engine;
use crate::joined::{Joined, Key, Statement, Value};
use crate::texts::Symbol;
use crate::ticket::{Ring, SignalCell, pack};

#[derive(Serialize, Deserialize)]
pub(super) struct AccountState<'a> {
    now: Millis,
    #[serde(borrow)]
    account: JoinedState<'a>,
    #[serde(borrow)]
    billing: JoinedState<'a>,
    #[serde(borrow)]
    latches: Vec<(&'a str, bool, Option<Millis>)>,
    #[serde(borrow)]
    signals: Vec<SignalState<'a>>,
    seen: &'a [u8],
}

/// What each source says, and since when each field is what it is: those of the view, then those told no more.
#[derive(Serialize, Deserialize)]
pub(super) struct JoinedState<'a> {
    #[serde(borrow)]
    sources: Vec<(&'a str, Vec<StatementState<'a>>)>,
    #[serde(borrow)]
    since: Vec<(KeyState<'a>, Millis)>,
}

#[derive(Serialize, Deserialize)]
struct StatementState<'a> {
    #[serde(borrow)]
    key: KeyState<'a>,
    #[serde(borrow)]
    value: Option<ValueState<'a>>,
    as_of: Millis,
    topic: u8,
}

/// Fields by their words: their numbers may move between versions.
#[derive(Serialize, Deserialize)]
enum KeyState<'a> {
    Account(&'a str),
    Billing(&'a str),
    Custom(&'a str),
}

#[derive(Serialize, Deserialize)]
enum ValueState<'a> {
    Text(&'a str),
    /// A word of the contract, by its number.
    Word(u32),
    Number(f64),
    Bool(bool),
    Date(i32),
    Instant(Millis),
    #[serde(borrow)]
    Texts(Vec<&'a str>),
}

pub(super) fn state<'e>(engine: &'e Engine, account: &'e Account) -> AccountState<'e> {
    AccountState {
        now: pack(account.now),
        account: joined(engine, &account.account),
        billing: joined(engine, &account.billing),
        latches: account
            .latches
            .iter()
            .map(|latch| (&*engine.rules.rules[latch.rule as usize].id, latch.latched, latch.rose_at))
            .collect(),
        signals: signals(engine, &account.signals),
        seen: account.seen.as_ref().map_or(&[], |seen| &seen.hashes),
    }
}

fn joined<'e>(engine: &'e Engine, joined: &'e Joined) -> JoinedState<'e> {
    joined_of(engine, joined, None)
}

/// What all sources say, or one of them.
pub(super) fn joined_of<'e>(engine: &'e Engine, joined: &'e Joined, of: Option<Symbol>) -> JoinedState<'e> {
    let key = |key: Key| match key {
        Key::Account(field) => KeyState::Account(field.word()),
        Key::Billing(field) => KeyState::Billing(field.word()),
        Key::Custom(name) => KeyState::Custom(engine.texts.text(name)),
    };
    let value = |said: &'e Statement| {
        Some(match said.value.as_ref()? {
            Value::Symbol(word) if is_word(said.key) => ValueState::Word(*word),
            Value::Symbol(symbol) => ValueState::Text(engine.texts.text(*symbol)),
            Value::Number(number) => ValueState::Number(*number),
            Value::Bool(yes) => ValueState::Bool(*yes),
            Value::Date(DateOrInstant::Date(days)) => ValueState::Date(*days),
            Value::Date(DateOrInstant::Instant(at)) => ValueState::Instant(*at),
            Value::Symbols(texts) => ValueState::Texts(texts.iter().map(|&text| engine.texts.text(text)).collect()),
        })
    };
    let statement = |said: &'e Statement| StatementState {
        key: key(said.key),
        value: value(said),
        as_of: said.as_of,
        topic: said.topic,
    };
    let source =
        |(source, said): &'e (u32, Vec<Statement>)| (engine.texts.text(*source), said.iter().map(statement).collect());
    let is_of = |source: Symbol| of.is_none_or(|of| of == source);
    let told = joined.view.iter().filter(|resolved| is_of(resolved.source));
    let told = told.map(|resolved| (key(resolved.key), resolved.since));
    let untold = joined.untold.iter().filter(|_| of.is_none()).map(|&(gone, since)| (key(gone), since));
    let sources = joined.sources.iter().filter(|(other, _)| is_of(*other));
    JoinedState { sources: sources.map(source).collect(), since: told.chain(untold).collect() }
}

fn is_word(key: Key) -> bool {
    matches!(key, Key::Billing(field) if crate::symbols::is_word(field))
}

/// Whether a word of the contract stands where one belongs, and exists.
fn fits(key: Key, value: &ValueState<'_>) -> bool {
    let words = match key {
        Key::Billing(BillingField::State) => BillingState::ALL.len(),
        Key::Billing(BillingField::PlanChange) => PlanChange::ALL.len(),
        _ => 0,
    };
    match value {
        ValueState::Word(word) => (*word as usize) < words,
        ValueState::Text(_) => words == 0,
        _ => true,
    }
}

impl Engine {
    /// Puts an account back as it was written.
    pub(super) fn take_back_account(&mut self, id: &str, state: AccountState<'_>, whys: WhysState<'_>) {
        let a = self.account(id);
        self.remember_now(a, state.now);
        let (account, billing) = (self.take_back_joined(&state.account), self.take_back_joined(&state.billing));
        let signals = self.take_back_signals(&state.signals, whys);
        let latches = state.latches.iter().filter_map(|&(rule, latched, rose_at)| {
            let rule = self.rule_by_id(rule)?;
            Some(crate::account::AccountLatch { rule, latched, rose_at, yes: 0 })
        });
        let latches = latches.collect();
        let there = &mut self.accounts[a];
        (there.account, there.billing) = (account, billing);
        (there.signals, there.latches) = (signals, latches);
        there.seen = (!state.seen.is_empty()).then(|| Box::new(Ring { hashes: state.seen.into() }));
        self.work_out_zone(a);
    }

    pub(super) fn take_back_joined(&mut self, state: &JoinedState<'_>) -> Joined {
        let mut joined = Joined::default();
        for (source, said) in &state.sources {
            let source = self.texts.intern(source);
            let said = said.iter().filter_map(|said| self.take_back_statement(said)).collect();
            joined.replace(source, said);
        }
        self.resolve(&mut joined, tierline_rules::ALWAYS);
        for (key, since) in &state.since {
            let Some(key) = self.take_back_key(key) else { continue };
            match joined.view.binary_search_by_key(&key, |resolved| resolved.key) {
                Ok(place) => joined.view[place].since = *since,
                Err(_) => joined.untold.push((key, *since)),
            }
        }
        joined
    }

    fn take_back_statement(&mut self, said: &StatementState<'_>) -> Option<Statement> {
        let value = said.value.as_ref().map(|value| match value {
            ValueState::Text(text) => Value::Symbol(self.texts.intern(text)),
            ValueState::Word(word) => Value::Symbol(*word),
            ValueState::Number(number) => Value::Number(*number),
            ValueState::Bool(yes) => Value::Bool(*yes),
            ValueState::Date(days) => Value::Date(DateOrInstant::Date(*days)),
            ValueState::Instant(at) => Value::Date(DateOrInstant::Instant(*at)),
            ValueState::Texts(texts) => Value::Symbols(texts.iter().map(|text| self.texts.intern(text)).collect()),
        });
        let key = self.take_back_key(&said.key)?;
        // What is no value of its field was not written by any version: the field is left out.
        said.value.as_ref().is_none_or(|value| fits(key, value)).then_some(())?;
        Some(Statement { key, value, as_of: said.as_of, topic: said.topic })
    }

    /// [`None`]: a field that this version has not.
    fn take_back_key(&mut self, key: &KeyState<'_>) -> Option<Key> {
        Some(match key {
            KeyState::Account(word) => Key::Account(AccountField::from_word(word)?),
            KeyState::Billing(word) => Key::Billing(BillingField::from_word(word)?),
            KeyState::Custom(name) => Key::Custom(self.texts.intern(name)),
        })
    }

    pub(super) fn take_back_signals(
        &mut self,
        signals: &[SignalState<'_>],
        WhysState(whys): WhysState<'_>,
    ) -> Vec<SignalCell> {
        let mut cells: Vec<_> = signals.iter().map(|signal| self.take_back_signal(signal)).collect();
        for (place, why) in whys {
            if let Some(cell) = cells.get_mut(place as usize) {
                cell.why = Some(why.into());
            }
        }
        cells
    }

    fn take_back_signal(&mut self, signal: &SignalState<'_>) -> SignalCell {
        SignalCell {
            name: self.texts.intern(signal.name),
            at: signal.at,
            value: signal.value,
            label: signal.label.map(|label| self.texts.intern(label)),
            model: signal.model.map(|model| self.texts.intern(model)),
            why: None,
        }
    }
}
