//! Tickets that an account has heard of and does not have: gone to another, or on their way here.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use tierline_model::Millis;

use super::Straying;
use super::record::Kind;

/// Where a ticket is that is not here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Stray {
    /// It went to another account: what is told of it here follows it, for as long as a solved ticket is kept.
    Gone {
        to: String,
        since: Millis,
        /// The escalation that went with it: people's commands may name that alone.
        escalation: Option<[u8; 16]>,
    },
    /// Another account was to hand it over and knew nothing of it: nobody waits for it. Kept until that has been said.
    Nothing { since: Millis },
    /// It is on its way here: what is told of it waits.
    Awaited { since: Millis, waiting: Vec<Waiting> },
    /// It is on its way here, and its account was forgotten meanwhile: what comes is let go, and what was told since then
    /// is of a ticket first met.
    Forgotten { since: Millis, waiting: Vec<Waiting> },
}

/// A record that waits, as Avro by our own schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub kind: Kind,
    pub appended_at: Millis,
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// How many records wait for one ticket; what comes beyond is a dead letter.
pub(super) const MOST_WAITING: usize = 1_000;

/// And how much: they stand in one entry of the changelog, which must stay below what a cluster takes.
pub(super) const MOST_WAITING_BYTES: usize = 512 * 1024;

/// How long a ticket is waited for, milliseconds. Only a task that stands still for so long keeps one from coming.
pub(super) const PATIENCE: Millis = 24 * 3_600_000;

type Name = (CompactString, CompactString);

/// The strays of a task, by account and ticket.
#[derive(Debug, Default)]
pub(crate) struct Strays {
    all: BTreeMap<Name, Stray>,
    /// Which of them the next transaction writes, or forgets.
    pub changed: BTreeSet<Name>,
    /// None of them wants attention before; some may be gone.
    next: Option<Millis>,
}

impl Strays {
    pub fn find(&self, account: &str, ticket: &str) -> Option<&Stray> {
        if self.all.is_empty() {
            return None;
        }
        self.all.get(&(account.into(), ticket.into()))
    }

    /// Mostly there are none, and then nobody looks.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn all(&self) -> impl Iterator<Item = (&Name, &Stray)> {
        self.all.iter()
    }

    /// The stray that a record is about.
    pub fn key_of(&self, record: Straying<'_>) -> Option<Name> {
        if self.all.is_empty() {
            return None;
        }
        let (account, ticket, escalation) = match record {
            Straying::Ticket(event) => (&event.account_id, Some(&event.ticket_id), None),
            Straying::Signal(signal) => (&signal.account_id, signal.ticket_id.as_ref(), None),
            Straying::Command(command) => (&command.account_id, command.ticket_id.as_ref(), command.escalation_id),
        };
        if let Some(escalation) = escalation {
            let escalation = Some(escalation.into_bytes());
            let took = |stray: &Stray| matches!(stray, Stray::Gone { escalation: it, .. } if *it == escalation);
            let with_it = self.of_account(account).into_iter().find(|name| self.all.get(name).is_some_and(took));
            if with_it.is_some() {
                return with_it;
            }
        }
        let key = (account.as_ref().into(), ticket?.as_ref().into());
        self.all.contains_key(&key).then_some(key)
    }

    fn of_account(&self, account: &str) -> Vec<Name> {
        let from = (CompactString::from(account), CompactString::default());
        self.all.range(from..).map(|(name, _)| name).take_while(|name| name.0 == *account).cloned().collect()
    }

    pub fn put(&mut self, account: &str, ticket: &str, stray: Stray, history: Millis) {
        let name = (account.into(), ticket.into());
        self.next = self.next.into_iter().chain([stray.until(history)]).min();
        self.changed.insert(Clone::clone(&name));
        self.all.insert(name, stray);
    }

    /// The ticket is here, or nothing is to be known of it any more.
    pub fn remove(&mut self, account: &str, ticket: &str) -> Option<Stray> {
        if self.all.is_empty() {
            return None;
        }
        let name = (account.into(), ticket.into());
        let stray = self.all.remove(&name)?;
        self.changed.insert(name);
        Some(stray)
    }

    pub fn wait(&mut self, account: &str, ticket: &str, record: Waiting) {
        let name = (account.into(), ticket.into());
        if let Some(Stray::Awaited { waiting, .. } | Stray::Forgotten { waiting, .. }) = self.all.get_mut(&name) {
            waiting.push(record);
            self.changed.insert(name);
        }
    }

    /// Nothing of an account is kept but which tickets may still come, so that they are forgotten too.
    pub fn forget_account(&mut self, account: &str) {
        for name in self.of_account(account) {
            if let Some(Stray::Awaited { since, .. } | Stray::Forgotten { since, .. }) = self.all.remove(&name) {
                self.all.insert(Clone::clone(&name), Stray::Forgotten { since, waiting: Vec::new() });
            }
            self.changed.insert(name);
        }
    }

    /// Takes an entry of the changelog back; [`None`]: it is gone.
    pub fn take_back(&mut self, account: &str, ticket: &str, stray: Option<Stray>) {
        let name = (account.into(), ticket.into());
        match stray {
            Some(stray) => {
                // When it wants attention is worked out at the first look.
                self.next = Some(Millis::MIN);
                self.all.insert(name, stray);
            }
            None => drop(self.all.remove(&name)),
        }
    }

    /// When they next want attention.
    pub fn deadline(&self) -> Option<Millis> {
        self.next.filter(|_| !self.all.is_empty())
    }

    /// Those whose time is over by this clock, in order. `waits`: those that are awaited go on being so for a while,
    /// since it is not known how far the tasks are that they come from.
    pub fn over(&mut self, clock: Millis, history: Millis, waits: bool) -> Vec<Name> {
        let until = |stray: &Stray| match (stray, stray.until(history)) {
            (Stray::Awaited { .. } | Stray::Forgotten { .. }, until) if waits && until <= clock => {
                clock.saturating_add(AGAIN)
            }
            (_, until) => until,
        };
        let mut over: Vec<(Millis, Name)> = Vec::new();
        self.next = None;
        for (name, stray) in &self.all {
            match until(stray) {
                until if until <= clock => over.push((until, name.clone())),
                until => self.next = self.next.into_iter().chain([until]).min(),
            }
        }
        over.sort();
        over.into_iter().map(|(_, name)| name).collect()
    }
}

/// How soon it is looked at again whether a ticket that is awaited in a backlog may be given up.
const AGAIN: Millis = 60_000;

impl Stray {
    fn until(&self, history: Millis) -> Millis {
        match self {
            Stray::Gone { since, .. } => since.saturating_add(history),
            Stray::Nothing { since } | Stray::Awaited { since, .. } | Stray::Forgotten { since, .. } => {
                since.saturating_add(PATIENCE)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(since: Millis) -> Stray {
        Stray::Gone { to: "b".to_owned(), since, escalation: None }
    }

    #[test]
    fn only_those_whose_time_is_over_go_and_only_of_their_account() {
        let mut strays = Strays::default();
        strays.put("a", "1", gone(0), 100);
        strays.put("a", "2", gone(50), 100);
        strays.put("ab", "1", gone(0), 1_000);
        assert_eq!(strays.deadline(), Some(100));
        assert_eq!(strays.over(120, 100, false), [("a".into(), "1".into()), ("ab".into(), "1".into())]);
        strays.forget_account("a");
        assert_eq!(strays.all().count(), 1);
        assert!(strays.find("ab", "1").is_some());
    }

    #[test]
    fn one_that_is_awaited_in_a_backlog_is_not_given_up() {
        let mut strays = Strays::default();
        strays.put("a", "1", Stray::Awaited { since: 0, waiting: Vec::new() }, 100);
        let clock = PATIENCE + 5;
        assert_eq!(strays.over(clock, 100, true), []);
        assert_eq!(strays.deadline(), Some(clock + AGAIN));
        assert_eq!(strays.over(clock, 100, false), [("a".into(), "1".into())]);
    }
}
