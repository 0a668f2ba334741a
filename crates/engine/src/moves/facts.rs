//! What one source told of an account, and the account's own signals, on their way to another account.

use tierline_model::{AccountRehomed, Millis};
use tierline_rules::{Reads, Topic};

use super::record::{Move, What};
use crate::engine::Engine;
use crate::fire::Cause;
use crate::joined::{CHANGES, Joined, Key};
use crate::judge::Rising;
use crate::state::FactsState;
use crate::texts::Symbol;

impl Engine {
    /// What a source told of an account is told of another from now on.
    pub(crate) fn take_account_rehomed(&mut self, moved: &AccountRehomed<'_>, appended_at: Millis) {
        if moved.to_account == moved.account_id {
            return;
        }
        let at = moved.occurred_at.min(appended_at);
        let a = self.account(&moved.account_id);
        self.before_record(a, at);
        self.arrive(a, at);
        let source = self.texts.intern(&moved.source);
        let account = &self.accounts[a];
        let tells = |joined: &Joined| joined.sources.iter().any(|(other, said)| *other == source && !said.is_empty());
        if tells(&account.account) || tells(&account.billing) || !account.signals.is_empty() {
            let facts = self.facts_of(a, source);
            let leaves = Move { from: &moved.account_id, at, what: What::Facts(facts) }.encode();
            self.outputs.push(crate::api::Output::Move { to: moved.to_account.to_string(), value: leaves });
            self.accounts[a].signals.clear();
            let reads = self.change_facts(a, at, |joined| {
                joined.forget_source(source);
                Vec::new()
            });
            self.follow_facts(a, reads.and(Topic::Signals), at);
        }
        self.schedule(a);
        if self.accounts[a].says_nothing() {
            self.erase_account(a);
        }
    }

    /// They come: of each field the newer word counts.
    pub(super) fn take_facts(&mut self, account: &str, facts: &FactsState<'_>, at: Millis) {
        let a = self.account(account);
        self.before_record(a, at);
        self.arrive(a, at);
        let come = self.facts_back(facts);
        let mut sides = come.sides.into_iter();
        let reads = self.change_facts(a, at, |joined| {
            sides.next().map_or_else(Vec::new, |side| take_over(joined, come.source, side))
        });
        for cell in come.signals {
            let cells = &mut self.accounts[a].signals;
            let place = cells.partition_point(|other| other.at <= cell.at);
            cells.insert(place, cell);
        }
        self.follow_facts(a, reads.and(Topic::Signals), at);
        self.schedule(a);
    }

    /// Changes both sides of what is told of an account, the account's first; what is something else now. `change` says
    /// since when what it brings is so.
    fn change_facts(&mut self, a: u32, at: Millis, mut change: impl FnMut(&mut Joined) -> Vec<(Key, Millis)>) -> Reads {
        let mut changed = |engine: &Engine, joined: &mut Joined| {
            let since = change(joined);
            let reads = engine.resolve(joined, at);
            for resolved in joined.view.iter_mut().filter(|resolved| resolved.since == at) {
                let brought = since.iter().find(|(key, _)| *key == resolved.key);
                resolved.since = brought.map_or(at, |(_, since)| *since);
            }
            reads
        };
        let mut account = std::mem::take(&mut self.accounts[a].account);
        let of_account = changed(self, &mut account);
        self.accounts[a].account = account;
        let mut billing = std::mem::take(&mut self.accounts[a].billing);
        let of_billing = changed(self, &mut billing);
        self.accounts[a].billing = billing;
        self.work_out_zone(a);
        self.mark_account(a);
        of_account.with(of_billing)
    }

    fn follow_facts(&mut self, a: u32, reads: Reads, at: Millis) {
        self.follow_policies(a, reads, at);
        if self.live {
            self.judge_account(a, reads, Rising::Collect);
            self.conclude(a, Cause::Record);
        }
    }
}

/// Adds what a source told elsewhere to what it tells here; the newer statement of a field counts. A snapshot of its
/// topic or a tombstone there is of the account that is left: what comes is as good as single changes. Since when each
/// field has been so there.
fn take_over(joined: &mut Joined, source: Symbol, come: Joined) -> Vec<(Key, Millis)> {
    let place = match joined.sources.iter().position(|(other, _)| *other == source) {
        Some(place) => place,
        None => {
            joined.sources.push((source, Vec::new()));
            joined.sources.len() - 1
        }
    };
    let here = &mut joined.sources[place].1;
    for mut said in come.sources.into_iter().flat_map(|(_, said)| said) {
        said.topic = CHANGES;
        match here.iter_mut().find(|old| old.key == said.key) {
            Some(old) if old.as_of >= said.as_of => {}
            Some(old) => *old = said,
            None => here.push(said),
        }
    }
    if here.is_empty() {
        joined.sources.remove(place);
    }
    come.view.into_iter().map(|resolved| (resolved.key, resolved.since)).collect()
}
