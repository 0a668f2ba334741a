//! Rises at a bound that wait for stragglers, until their grace is over or something lets them go. SEMANTICS 1.4.

use tierline_model::Millis;
use tierline_rules::Edge;

use crate::account::Slot;
use crate::clocks::Telling;
use crate::engine::Engine;
use crate::fire::Cause;
use crate::judge::Rise;
use crate::ticket::{Held, Track};

impl Engine {
    /// Rises that wait for stragglers, with what they saw.
    pub(crate) fn hold(&mut self, together: &[Rise]) {
        for rise in together {
            let (because, evidence, proof) = self.explain(rise.slot, rise.rule, rise.since);
            let held = Held { rule: rise.rule, at: rise.since, proof, because, evidence };
            let rare = self.tickets[rise.slot].rare();
            let place = rare.held.partition_point(|other| other.at <= held.at);
            rare.held.insert(place, held);
            self.note_held(rise.slot);
            self.mark_ticket(rise.slot);
        }
    }

    /// What a ticket holds may begin at another bound, or nowhere: its account knows where to look.
    pub(crate) fn note_held(&mut self, slot: Slot) {
        let ticket = &mut self.tickets[slot];
        let waits = ticket.waits();
        if waits == ticket.listed {
            return;
        }
        ticket.listed = waits;
        if waits < Millis::MAX {
            let a = ticket.account;
            // As in `set_bound`.
            if self.accounts[a].holding.len() > 8 + 4 * self.accounts[a].tickets.len() {
                let tickets = &self.tickets;
                let is_listed = |at, slot| tickets.get(slot).is_some_and(|it| it.account == a && it.listed == at);
                self.accounts[a].holding.sweep(is_listed);
            }
            self.accounts[a].holding.push(waits, slot);
        }
    }

    /// The earliest bound at which a rise of an account is held, or a missed target.
    pub(crate) fn first_held(&mut self, a: u32) -> Millis {
        while let Some((at, slot)) = self.accounts[a].holding.first() {
            if self.is_listed(a, at, slot) {
                return at;
            }
            self.accounts[a].holding.pop();
        }
        Millis::MAX
    }

    fn is_listed(&self, a: u32, at: Millis, slot: Slot) -> bool {
        self.tickets.get(slot).is_some_and(|ticket| ticket.account == a && ticket.listed == at)
    }

    /// The tickets on which an account holds something, the oldest first.
    pub(crate) fn holding(&self, a: u32) -> Vec<Slot> {
        let listed = self.accounts[a].holding.iter().filter(|&(at, slot)| self.is_listed(a, at, slot));
        let mut slots: Vec<Slot> = listed.map(|(_, slot)| slot).collect();
        slots.sort_by(|&x, &y| self.age(x).cmp(&self.age(y)).then(x.cmp(&y)));
        slots.dedup();
        slots
    }

    /// Takes the tickets from an account's list on which something is held that is over.
    fn take_held(&mut self, a: u32, over: &impl Fn(Millis) -> bool) -> Vec<Slot> {
        let mut taken = Vec::new();
        while let Some((at, slot)) = self.accounts[a].holding.first().filter(|&(at, _)| over(at)) {
            self.accounts[a].holding.pop();
            if self.is_listed(a, at, slot) {
                self.tickets[slot].listed = Millis::MAX;
                taken.push(slot);
            }
        }
        taken
    }

    /// Lets go what an account holds from before `limit` (or at it, with [`Edge::Bounds`]): its grace is over.
    pub(crate) fn release(&mut self, a: u32, limit: Millis, edge: Edge) {
        let over = |at: Millis| at < limit || (at == limit && edge == Edge::Bounds);
        // Mostly nothing is, and that is seen at once.
        if !over(self.accounts[a].holding.earliest()) {
            return;
        }
        let mut slots = self.take_held(a, &over);
        let waits = |slot: Slot| self.tickets[slot].clocks.as_ref().map(|clocks| clocks.waits);
        let missed = slots.iter().filter_map(|&slot| Some((waits(slot)?, slot)));
        let mut missed: Vec<(Millis, Slot)> = missed.filter(|&(at, _)| over(at)).collect();
        missed.sort_by(|x, y| (x.0, self.age(x.1)).cmp(&(y.0, self.age(y.1))));
        for (_, slot) in missed {
            self.tell_clocks(slot, Telling::UpTo(limit, edge));
        }
        slots.extend(self.take_held(a, &over));
        let mut due: Vec<(Millis, Slot)> = Vec::new();
        for &slot in &slots {
            due.extend(self.tickets[slot].held().iter().filter(|held| over(held.at)).map(|held| (held.at, slot)));
        }
        due.sort_by(|x, y| (x.0, self.age(x.1)).cmp(&(y.0, self.age(y.1))));
        due.dedup();
        for (at, slot) in due {
            self.release_upto(slot, at, None);
            self.judge_escalation_readers(&[slot]);
            self.conclude(a, Cause::Record);
        }
        // Whatever is held there still, or anew, is found again.
        for slot in slots {
            if self.tickets.get(slot).is_some_and(|ticket| ticket.account == a) {
                self.note_held(slot);
            }
        }
    }

    /// Lets go all that a ticket holds, because it ends or a person acts on it.
    pub(crate) fn release_ticket(&mut self, slot: Slot) {
        self.release_upto(slot, Millis::MAX, None);
    }

    /// Lets go what a ticket holds up to an instant: of one track, or of both.
    pub(crate) fn release_upto(&mut self, slot: Slot, limit: Millis, of: Option<Track>) {
        let rules = self.rules.clone();
        let track = |held: &Held| Track::of(&rules.rules[held.rule as usize]);
        let goes = |held: &Held| held.at <= limit && of.is_none_or(|of| of == track(held));
        while let Some(first) = self.tickets[slot].held().iter().find(|held| goes(held)) {
            let at = first.at;
            let rare = self.tickets[slot].rare();
            let held = std::mem::take(&mut rare.held).into_iter();
            let (together, kept): (Vec<Held>, Vec<Held>) = held.partition(|held| held.at == at && goes(held));
            rare.held = kept;
            self.note_held(slot);
            self.fire_held(slot, together);
            let next = Track::ALL.map(|track| self.first_held_on(slot, track).unwrap_or(Millis::MAX));
            let clears = std::mem::take(&mut self.tickets[slot].rare().clears).into_iter();
            let (passed, kept): (Vec<_>, Vec<_>) = clears.partition(|&(at, track)| at <= next[track as usize]);
            self.tickets[slot].rare().clears = kept;
            for (at, track) in passed {
                self.clear(slot, track, at);
            }
            self.end_snooze(slot);
        }
    }

    /// Nothing of a track is held on a ticket any more: when its escalation was to end after that went out is void.
    /// Whether anything was.
    pub(crate) fn drop_clears(&mut self, slot: Slot) -> bool {
        let waits = |&(_, track): &(Millis, Track)| self.first_held_on(slot, track).is_some();
        let clears = self.tickets[slot].rare.as_ref().map_or(&[][..], |rare| &rare.clears);
        if clears.iter().all(waits) {
            return false;
        }
        let kept = clears.iter().copied().filter(waits).collect();
        self.tickets[slot].rare().clears = kept;
        true
    }

    /// The bound of the first rise of a track that is held on a ticket.
    pub(crate) fn first_held_on(&self, slot: Slot, track: Track) -> Option<Millis> {
        let is_on = |held: &&Held| Track::of(&self.rules.rules[held.rule as usize]) == track;
        self.tickets[slot].held().iter().find(is_on).map(|held| held.at)
    }
}
