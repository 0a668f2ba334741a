//! How escalations end: because no rule that raised them holds any longer, or with their ticket. SEMANTICS 3.4, 3.5.

use tierline_model::{EscalationKind, Millis};
use tierline_rules::{Clear, Truth};

use crate::account::Slot;
use crate::api::Output;
use crate::engine::Engine;
use crate::fire::Saying;
use crate::ticket::Track;

impl Engine {
    /// With `clear: when_no` on every rule that fired or joined, an escalation resolves when all of them are *no*; where
    /// something is held on the ticket, after that has gone out.
    pub(crate) fn clear_if_no(&mut self, slot: Slot, since: Millis) {
        Track::ALL.into_iter().for_each(|track| self.clear_track_if_no(slot, track, since));
    }

    fn clear_track_if_no(&mut self, slot: Slot, track: Track, since: Millis) {
        let ticket = &self.tickets[slot];
        let fired = ticket.open_on(track).map_or(&[][..], |open| &open.held_by);
        let number = |id: &Option<String>| self.index.by_id.get(id.as_ref()?).copied();
        let is_on = |rule: u16| Track::of(&self.rules.rules[rule as usize]) == track;
        let held = || ticket.held().iter().filter(|held| is_on(held.rule));
        let rules = fired.iter().map(number).chain(held().map(|held| Some(held.rule)));
        let last = held().next_back().map(|held| held.at);
        let Some(since) = self.all_no_since(slot, track, last, rules).map(|no| no.max(since)) else { return };
        if last.is_none() {
            return self.clear(slot, track, since);
        }
        let clears = &mut self.tickets[slot].rare().clears;
        clears.push((since, track));
        clears.sort_unstable();
        self.mark_ticket(slot);
    }

    /// Since when none of these rules holds on a ticket, if there are any and each says `clear: when_no`. `held`: when
    /// the last of what is held became true.
    fn all_no_since(
        &self,
        slot: Slot,
        track: Track,
        held: Option<Millis>,
        rules: impl Iterator<Item = Option<u16>>,
    ) -> Option<Millis> {
        let ticket = &self.tickets[slot];
        let moment = self.accounts[ticket.account].now;
        let began = ticket.open_on(track).map(|open| open.at_tier_since);
        let mut since = began.into_iter().chain(held).max()?.max(self.follows);
        let mut rules = rules.peekable();
        rules.peek()?;
        for number in rules {
            if self.settling.is_passing(slot, number?) {
                return None;
            }
            let rule = &self.rules.rules[number? as usize];
            if rule.clear != Clear::WhenNo || self.holds_on(slot, number?, moment).is_some() {
                return None;
            }
            let dated = self.truth(slot, number?, moment);
            if dated.truth == Truth::Unknown || rule.per_account && self.holds_anywhere(ticket.account, number?) {
                return None;
            }
            since = since.max(dated.since);
        }
        Some(since.min(moment.at))
    }

    pub(crate) fn clear(&mut self, slot: Slot, track: Track, at: Millis) {
        let reason = "Resolved because none of the rules that raised it holds any longer.".to_owned();
        self.end(slot, Saying { track, became_true_at: at, reason, ..Saying::default() });
    }

    /// Ends the escalation of a ticket: `resolved`, unless `saying` has another kind.
    pub(crate) fn end(&mut self, slot: Slot, mut saying: Saying) {
        let track = saying.track;
        if self.tickets[slot].open_on(track).is_none() {
            return;
        }
        // What waits for stragglers of one that a straggler takes back was not missed.
        if track == Track::Live && saying.kind != Some(EscalationKind::Retracted) {
            self.tell_missed_before(slot, saying.became_true_at);
        }
        saying.kind = saying.kind.or(Some(EscalationKind::Resolved));
        self.say(slot, saying);
        // Its last state in the queue is that it is gone.
        self.outputs.pop_if(|output| matches!(output, Output::Queue(..)));
        let beside = self.keys_of_escalation(slot);
        if let Some(open) = self.tickets[slot].rare().open(track).take()
            && track == Track::Live
        {
            self.outputs.push(Output::Queue(open.id, None));
            self.count_tier(track, open.tier, 1);
            self.tombstones.extend(beside);
        }
        self.unescalated.push(slot);
        self.mark_ticket(slot);
    }
}
