//! How far each source has been heard that sends heartbeats. Past that, and some patience, no absence on its tickets is
//! believed: what is due then waits for the next heartbeat. SEMANTICS 1.6.
//!
//! What must never be in here: a clock. That a source is silent follows from what it has said last.

use std::collections::BTreeSet;

use tierline_model::Millis;
use tierline_rules::Edge;

use crate::account::Slot;
use crate::engine::Engine;
use crate::fire::Cause;
use crate::texts::Symbol;

/// The sources that send heartbeats; mostly there are none, and then everything is believed.
#[derive(Debug, Default)]
pub(crate) struct Heard(Vec<Source>);

#[derive(Debug)]
struct Source {
    name: Symbol,
    /// Everything up to here has arrived.
    until: Millis,
    /// No absence after this is believed.
    believed: Millis,
    /// What is due later and has been asked for. Derived.
    waiting: BTreeSet<(Millis, Slot)>,
}

impl Heard {
    /// Up to when absences on the tickets of a source are believed.
    pub fn believed(&self, source: Option<Symbol>) -> Millis {
        if self.0.is_empty() {
            return Millis::MAX;
        }
        let known = source.and_then(|source| self.0.iter().find(|known| known.name == source));
        known.map_or(Millis::MAX, |known| known.believed)
    }

    /// When a source was last heard, if absences on its tickets are not believed up to this instant.
    pub fn unheard_since(&self, source: Option<Symbol>, at: Millis) -> Option<Millis> {
        let known = self.0.iter().find(|known| Some(known.name) == source)?;
        (known.believed < at).then_some(known.until)
    }

    pub fn names(&self) -> impl Iterator<Item = Symbol> {
        self.0.iter().map(|source| source.name)
    }
}

impl Engine {
    /// A source says up to when everything of it has arrived; not later than the log took that.
    ///
    /// What was due before its first heartbeat came, or what the clock has let pass, has been believed, and stays so: a
    /// restart would not find that it had.
    pub(crate) fn take_heartbeat(&mut self, source: &str, heard_until: Millis, appended_at: Millis) {
        let name = self.texts.intern(source);
        let is_first = !self.heard.names().any(|known| known == name);
        // The log's clock may be behind the one that fires.
        let believed = appended_at.max(self.clock.saturating_sub(self.settings.grace));
        let least = if is_first { believed.saturating_sub(self.settings.stale_after) } else { Millis::MIN };
        self.hear(source, heard_until.min(appended_at).max(least));
    }

    /// The sources that send heartbeats, and up to when each has been heard, UTC milliseconds.
    pub fn heard(&self) -> impl Iterator<Item = (&str, Millis)> {
        self.heard.0.iter().map(|source| (self.texts.text(source.name), source.until))
    }

    /// Up to when absences on a ticket are believed.
    pub(crate) fn believed(&self, slot: Slot) -> Millis {
        self.heard.believed(self.tickets[slot].source)
    }

    pub(crate) fn hear(&mut self, source: &str, until: Millis) {
        let name = self.texts.intern(source);
        let believed = until.saturating_add(self.settings.stale_after);
        let place = self.heard.0.iter().position(|known| known.name == name).unwrap_or_else(|| {
            self.heard.0.push(Source { name, until, believed, waiting: BTreeSet::new() });
            self.heard.0.len() - 1
        });
        let known = &mut self.heard.0[place];
        if until < known.until {
            return;
        }
        (known.until, known.believed) = (until, believed);
        let later = match believed.checked_add(1) {
            Some(after) => known.waiting.split_off(&(after, Slot::default())),
            None => BTreeSet::new(),
        };
        let believed = std::mem::replace(&mut known.waiting, later);
        self.wake(believed.into_iter().filter(|&(_, slot)| self.tickets.contains(slot)).collect());
    }

    /// This is due on a ticket, and its source has not been heard for so long; `MAX`: nothing is.
    pub(crate) fn await_source(&mut self, slot: Slot, due: Millis) {
        if due == Millis::MAX {
            return;
        }
        let source = self.tickets[slot].source;
        if let Some(known) = self.heard.0.iter_mut().find(|known| Some(known.name) == source) {
            known.waiting.insert((due, slot));
        }
    }

    /// What was due on tickets is looked at, account by account.
    fn wake(&mut self, mut believed: Vec<(Millis, Slot)>) {
        // What is so when a task first catches up is looked at then.
        if !self.live {
            return;
        }
        // By names and age, and not by place: that is another after a restart.
        let account = |slot: Slot| &self.accounts[self.tickets[slot].account].id;
        believed.sort_by(|&(one, x), &(other, y)| {
            let of_account = account(x).cmp(account(y)).then_with(|| self.age(x).cmp(&self.age(y)));
            of_account.then(one.cmp(&other))
        });
        let account = |slot: Slot| self.tickets[slot].account;
        let by_account = believed.chunk_by(|&(_, x), &(_, y)| account(x) == account(y));
        for of_account in by_account.map(<[_]>::to_vec).collect::<Vec<_>>() {
            let a = self.tickets[of_account[0].1].account;
            self.wake_waiting(a, &of_account);
        }
    }

    /// What was due on tickets of an account, by age, is looked at as of then: all at once, if the account has come past
    /// it, for no restart would find that it is still to be looked at; else at its bound. On one that was solved
    /// meanwhile no rule is, but a target may have been missed before.
    fn wake_waiting(&mut self, a: u32, believed: &[(Millis, Slot)]) {
        let now = self.accounts[a].now;
        let mut passed = Vec::new();
        for &(due, slot) in believed {
            let ticket = &self.tickets[slot];
            if !ticket.open {
                self.tell_clocks(slot, self.telling(Edge::Records));
            } else if now.reached(due) {
                passed.push(slot);
            } else if ticket.bound > due {
                self.set_bound(slot, due);
            }
        }
        passed.dedup();
        passed.into_iter().for_each(|slot| self.look_at(slot, now.at));
        self.conclude(a, Cause::Bound(Edge::Records));
        self.schedule(a);
    }
}
