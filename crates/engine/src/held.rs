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

    /// Something is held on a ticket, or no more: its account knows where to look.
    pub(crate) fn note_held(&mut self, slot: Slot) {
        let ticket = &self.tickets[slot];
        let holding = &mut self.accounts[ticket.account].holding;
        match (ticket.waits() == Millis::MAX, holding.iter().position(|&other| other == slot)) {
            (false, None) => holding.push(slot),
            (true, Some(place)) => {
                holding.swap_remove(place);
            }
            _ => {}
        }
    }

    /// Lets go what an account holds from before `limit` (or at it, with [`Edge::Bounds`]): its grace is over.
    pub(crate) fn release(&mut self, a: u32, limit: Millis, edge: Edge) {
        if self.accounts[a].holding.is_empty() {
            return;
        }
        let over = |at: Millis| at < limit || (at == limit && edge == Edge::Bounds);
        let waits = |slot: Slot| self.tickets[slot].clocks.as_ref().map(|clocks| clocks.waits);
        let missed = self.accounts[a].holding.iter().filter_map(|&slot| Some((waits(slot)?, slot)));
        let mut missed: Vec<(Millis, Slot)> = missed.filter(|&(at, _)| over(at)).collect();
        missed.sort_by(|x, y| (x.0, self.age(x.1)).cmp(&(y.0, self.age(y.1))));
        for (_, slot) in missed {
            self.tell_clocks(slot, Telling::UpTo(limit, edge));
        }
        let mut due: Vec<(Millis, Slot)> = Vec::new();
        for &slot in &self.accounts[a].holding {
            due.extend(self.tickets[slot].held().iter().filter(|held| over(held.at)).map(|held| (held.at, slot)));
        }
        due.sort_by(|x, y| (x.0, self.age(x.1)).cmp(&(y.0, self.age(y.1))));
        due.dedup();
        for (at, slot) in due {
            self.release_upto(slot, at, None);
            self.judge_escalation_readers(&[slot]);
            self.conclude(a, Cause::Record);
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

    /// The bound of the first rise of a track that is held on a ticket.
    pub(crate) fn first_held_on(&self, slot: Slot, track: Track) -> Option<Millis> {
        let is_on = |held: &&Held| Track::of(&self.rules.rules[held.rule as usize]) == track;
        self.tickets[slot].held().iter().find(is_on).map(|held| held.at)
    }
}
