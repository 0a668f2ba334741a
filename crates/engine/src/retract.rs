//! What a late event disproves: a held rise without a trace, a firing by a `retracted` record. SEMANTICS 1.4, 1.5.

use tierline_model::{EscalationKind, Evidence, Millis};
use tierline_rules::{AbsenceOf, Edge, Moment, Reads, Rule, Topic, Truth};

use crate::account::Slot;
use crate::engine::Engine;
use crate::fire::Saying;
use crate::ticket::{Firing, FiringKind, Latch, Proof, Track};

/// What one ticket may change for the others of its account.
const WINDOWS: u32 = Topic::Tickets as u32 | Topic::AnyTicket as u32;

impl Engine {
    /// A straggler from before (or at) the bound of a held rise: what it changed is looked at anew as of that bound;
    /// if the rule did not hold then, the rise is cancelled without a trace.
    ///
    /// `of`: the ticket that it changed; `None`: the account. `ended`: the absences that it ended there.
    pub(crate) fn disprove_held(&mut self, a: u32, of: Option<Slot>, at: Millis, changed: Reads, ended: &[AbsenceOf]) {
        let of_all = Reads { topics: changed.topics & WINDOWS, ..Reads::default() };
        for slot in self.holding(a) {
            let changed = match of {
                None => changed,
                Some(of) if of == slot => changed,
                Some(_) if of_all.topics != 0 => of_all,
                Some(_) => continue,
            };
            let mut place = 0;
            while let Some(held) = self.tickets[slot].held().get(place) {
                let is_broken = || of == Some(slot) && self.breaks(slot, held.rule, at, ended);
                let is_proven = || self.still_proven(slot, held.rule, held.at, &held.proof, changed) && !is_broken();
                if held.at < at || is_proven() {
                    place += 1;
                } else {
                    self.cancel(slot, place);
                }
            }
        }
    }

    /// A straggler closed a ticket before (or at) the bounds of what is held on it: there was no rule on it any more.
    pub(crate) fn disprove_all_held(&mut self, slot: Slot, at: Millis) {
        while let Some(place) = self.tickets[slot].held().iter().position(|held| held.at >= at) {
            self.cancel(slot, place);
        }
    }

    fn cancel(&mut self, slot: Slot, place: usize) {
        let ticket = &mut self.tickets[slot];
        let rare = ticket.rare();
        let held = rare.held.remove(place);
        self.drop_clears(slot);
        self.note_held(slot);
        self.unlatch(slot, held.rule);
        self.mark_ticket(slot);
        // What waited for it to go out waits no longer.
        self.fallen.push(slot);
        self.clocked.push(slot);
    }

    /// Whether a rule that rose at a bound did hold then, now that more is known.
    fn still_proven(&self, slot: Slot, number: u16, bound: Millis, proof: &Proof, changed: Reads) -> bool {
        let view = self.view(slot, Moment { at: bound, edge: Edge::Bounds });
        let rule = &self.rules.rules[number as usize];
        let leaves =
            rule.leaves(&view).into_iter().enumerate().map(|(leaf, state)| {
                if rule.leaf_reads(leaf).overlaps(changed) { state.truth } else { proof.truth(leaf) }
            });
        rule.recombine(&leaves.collect::<Vec<Truth>>()) == Truth::Yes
    }

    /// A late event ended absences at an instant since which rules with `for` count that have not risen yet: what they
    /// are now they have been since a later one. What has risen is a matter of [retraction](Self::disprove_firings).
    fn break_holds(&mut self, slot: Slot, at: Millis, ended: &[AbsenceOf]) {
        if ended.is_empty() || !self.index.holding {
            return;
        }
        for place in 0..self.tickets[slot].latches.len() {
            let latch = self.tickets[slot].latches[place];
            let of_account = self.accounts[self.tickets[slot].account].latch(latch.rule);
            let has_risen = latch.latched || of_account.is_some_and(|latch| latch.latched);
            if latch.yes && !has_risen && self.breaks(slot, latch.rule, at, ended) {
                let now = self.accounts[self.tickets[slot].account].now;
                let since = self.truth(slot, latch.rule, now).since;
                let kept = &mut self.tickets[slot].latches[place].since;
                *kept = since.max(*kept);
            }
        }
    }

    /// Whether a rule with `for` that is *yes* was *no* at the instant of a late event, whatever else was so then:
    /// where it waits for absences of which one began no earlier.
    fn breaks(&self, slot: Slot, number: u16, at: Millis, ended: &[AbsenceOf]) -> bool {
        let rule = &self.rules.rules[usize::from(number)];
        let counts = |latch: &Latch| rule.hold.is_some() && latch.yes && latch.since <= at;
        if !self.tickets[slot].latch(number).is_some_and(counts) {
            return false;
        }
        let leaves = rule.leaves(&self.view(slot, self.accounts[self.tickets[slot].account].now));
        let then = leaves.iter().map(|leaf| match leaf.absence {
            Some(absence) if absence.from >= at && absence.due > at && ended.contains(&absence.of) => Truth::No,
            _ => Truth::Unknown,
        });
        rule.recombine(&then.collect::<Vec<Truth>>()) == Truth::No
    }

    /// Something came late on a ticket at an instant, changed this and ended these absences: what that disproves, of
    /// what is held, of what has fired, and of what rules with `for` wait for.
    pub(crate) fn disprove(
        &mut self,
        slot: Slot,
        at: Millis,
        appended_at: Millis,
        event_id: &str,
        changed: Reads,
        ended: &[AbsenceOf],
    ) {
        self.disprove_held(self.tickets[slot].account, Some(slot), at, changed, ended);
        self.disprove_firings(slot, at, appended_at, event_id, ended);
        self.break_holds(slot, at, ended);
    }

    /// A late event ended absences inside the interval in which a firing relied on them: each firing that does not
    /// hold without them is undone, newest first.
    fn disprove_firings(&mut self, slot: Slot, at: Millis, appended_at: Millis, event_id: &str, ended: &[AbsenceOf]) {
        for track in Track::ALL {
            self.disprove_firings_on(slot, track, at, appended_at, event_id, ended);
        }
    }

    fn disprove_firings_on(
        &mut self,
        slot: Slot,
        track: Track,
        at: Millis,
        appended_at: Millis,
        event_id: &str,
        ended: &[AbsenceOf],
    ) {
        let Some(open) = self.tickets[slot].open_on(track) else { return };
        let disproved: Vec<usize> =
            (0..open.firings.len()).rev().filter(|&place| self.is_disproved(&open.firings[place], at, ended)).collect();
        // Their latches open even where the escalation is gone before the oldest joins are undone.
        for rule in disproved.iter().filter_map(|&place| self.number_of(&open.firings[place])).collect::<Vec<u16>>() {
            self.unlatch(slot, rule);
        }
        // What is known to be false stays so for the next late event.
        if let Some(open) = self.tickets[slot].open_mut(track) {
            for firing in &mut open.firings {
                firing.proof.weaken(at, ended);
            }
        }
        for place in disproved {
            self.undo(slot, track, place, at, appended_at, event_id);
        }
    }

    fn number_of(&self, firing: &Firing) -> Option<u16> {
        self.index.by_id.get(firing.rule.as_ref()?).copied()
    }

    fn is_disproved(&self, firing: &Firing, at: Millis, ended: &[AbsenceOf]) -> bool {
        let rule = self.number_of(firing).map(|number| &self.rules.rules[number as usize]);
        // By other hours it is the same rule; former versions kept the whole fingerprint.
        let is_same = |rule: &&Rule| [&rule.but_for_hours, &rule.fingerprint].contains(&&firing.version);
        let Some(rule) = rule.filter(is_same) else { return false };
        let mut truths: Vec<Truth> = (0..firing.proof.truths.len()).map(|leaf| firing.proof.truth(leaf)).collect();
        let mut touched = false;
        for absence in &firing.proof.absences {
            let ends = ended.iter().any(|&of| of as u8 == absence.of);
            if ends && absence.from <= at && at <= absence.due {
                truths[absence.leaf as usize] = Truth::No;
                touched = true;
            }
        }
        touched && rule.recombine(&truths) != Truth::Yes
    }

    /// Takes one firing back. What stands above it keeps the tier; where nothing that opened or raised is left, the
    /// escalation closes, whichever of them is undone last.
    fn undo(&mut self, slot: Slot, track: Track, place: usize, at: Millis, appended_at: Millis, event_id: &str) {
        let Some(open) = self.tickets[slot].open_mut(track) else { return };
        let firing = open.firings.remove(place);
        let stands_above = open.firings[place..].iter().any(|above| above.what != FiringKind::Joined);
        let again = open.firings.iter().any(|other| other.rule == firing.rule);
        if firing.what != FiringKind::Joined && !again {
            open.held_by.retain(|rule| *rule != firing.rule);
        }
        let stands = open.firings.iter().any(|other| other.what != FiringKind::Joined);
        let tier = open.tier;
        if firing.what == FiringKind::Joined {
            self.mark_ticket(slot);
            return;
        }
        let mut saying = Saying {
            track,
            kind: Some(EscalationKind::Retracted),
            rule: self.number_of(&firing),
            rule_id: firing.rule.clone(),
            became_true_at: appended_at,
            reason: "Retracted because a late event shows that it was not so.".to_owned(),
            evidence: vec![Evidence {
                condition: "an event that arrived late".to_owned(),
                value: event_id.to_owned(),
                source: self.tickets[slot].source.map(|source| self.texts.text(source).to_owned()),
                as_of: Some(at),
            }],
            ..Saying::default()
        };
        if !stands {
            self.end(slot, saying);
            return;
        }
        // Where somebody has lowered it since, there is nothing to fall back from.
        if firing.what == FiringKind::Raised && !stands_above && firing.previous_tier < tier {
            saying.previous_tier = Some(tier);
            self.count_tier(track, tier, firing.previous_tier);
            match track {
                Track::Live => self.fall_back(slot, firing.previous_tier, firing.previous_since),
                Track::Shadow => {
                    if let Some(open) = self.tickets[slot].open_mut(track) {
                        (open.tier, open.at_tier_since) = (firing.previous_tier, firing.previous_since);
                    }
                }
            }
            self.unescalated.push(slot);
        }
        self.say(slot, saying);
    }

    /// The latch of a rule opens: on the ticket, and on its account if it is the account's.
    fn unlatch(&mut self, slot: Slot, rule: u16) {
        let ticket = &mut self.tickets[slot];
        let a = ticket.account;
        if ticket.latch(rule).is_some() {
            let latch = ticket.latch_mut(rule);
            (latch.latched, latch.rose_at) = (false, None);
        }
        if self.rules.rules[rule as usize].per_account {
            let latch = self.accounts[a].latch_mut(rule);
            (latch.latched, latch.rose_at) = (false, None);
            self.mark_account(a);
        }
    }
}
