//! What goes from one account to another of what is told of accounts, as it is written.

use serde::{Deserialize, Serialize};

use super::account::{JoinedState, joined_of};
use super::{SignalState, WhysState, signals, whys};
use crate::engine::Engine;
use crate::joined::Joined;
use crate::texts::Symbol;
use crate::ticket::SignalCell;

/// What one source tells of an account and of its bills, and the account's own signals.
#[derive(Serialize, Deserialize)]
pub(crate) struct FactsState<'a> {
    source: &'a str,
    #[serde(borrow)]
    account: JoinedState<'a>,
    #[serde(borrow)]
    billing: JoinedState<'a>,
    #[serde(borrow)]
    signals: Vec<SignalState<'a>>,
    #[serde(borrow)]
    whys: WhysState<'a>,
}

/// The same, read back.
pub(crate) struct Facts {
    pub source: Symbol,
    /// Of the account, of its bills.
    pub sides: [Joined; 2],
    pub signals: Vec<SignalCell>,
}

impl Engine {
    pub(crate) fn facts_of(&self, a: u32, source: Symbol) -> FactsState<'_> {
        let account = &self.accounts[a];
        FactsState {
            source: self.texts.text(source),
            account: joined_of(self, &account.account, Some(source)),
            billing: joined_of(self, &account.billing, Some(source)),
            signals: signals(self, &account.signals),
            whys: whys(&account.signals),
        }
    }

    pub(crate) fn facts_back(&mut self, facts: &FactsState<'_>) -> Facts {
        let sides = [self.take_back_joined(&facts.account), self.take_back_joined(&facts.billing)];
        let signals = self.take_back_signals(&facts.signals, facts.whys.clone());
        Facts { source: self.texts.intern(facts.source), sides, signals }
    }
}
