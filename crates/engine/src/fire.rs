//! What goes out: rises become escalations at once, or are [held](crate::held); falls may [end](crate::ending) them.
//! SEMANTICS §3.

use tierline_model::{Escalation, EscalationKind, Evidence, Millis, QueueEntry};
use tierline_rules::Edge;
use uuid::Uuid;

use crate::account::Slot;
use crate::api::Output;
use crate::engine::Engine;
use crate::judge::{Rise, Rising};
use crate::planted::{Bug, planted};
use crate::ticket::{Absence, FIRINGS, Firing, FiringKind, Held, Open, Proof, Said, Track};

/// What caused the rises of the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A record: they go out at once, after what is held on the same ticket.
    Record,
    /// Nothing but time: they are held until their grace is over, its last instant included only with
    /// [`Edge::Bounds`].
    Bound(Edge),
}

/// What a record of `escalations` says besides the state of its escalation.
#[derive(Debug, Default)]
pub(crate) struct Saying {
    pub track: Track,
    pub kind: Option<EscalationKind>,
    pub previous_tier: Option<u8>,
    pub rule: Option<u16>,
    /// Where the rule is told by name alone.
    pub rule_id: Option<String>,
    pub became_true_at: Millis,
    pub reason: String,
    pub evidence: Vec<Evidence>,
    pub by: Option<String>,
    pub command_id: Option<String>,
    pub until: Option<Millis>,
}

/// Ids of escalations are UUIDv5 in this namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0x7469_6572_6c69_6e65_8e5c_616c_6174_6531);

impl Engine {
    /// Works off what rose and fell at this moment on one account, until nothing more follows from it, and tells what
    /// became of SLA targets.
    pub(crate) fn conclude(&mut self, a: u32, cause: Cause) {
        self.work_off(a, cause);
        let edge = match cause {
            Cause::Bound(edge) => edge,
            Cause::Record => Edge::Records,
        };
        let mut clocked = std::mem::take(&mut self.clocked);
        clocked.retain(|&slot| self.tickets.contains(slot));
        // By age, and not by place: that is another after a restart.
        clocked.sort_by(|&x, &y| self.age(x).cmp(&self.age(y)));
        clocked.dedup();
        for &slot in &clocked {
            self.tell_clocks(slot, self.telling(edge));
        }
        clocked.clear();
        self.clocked = clocked;
    }

    fn work_off(&mut self, a: u32, cause: Cause) {
        let mut risen: Vec<(Slot, u16)> = Vec::new();
        loop {
            self.judge_once_per_account(a, Rising::Collect);
            let mut rises = std::mem::take(&mut self.rises);
            let mut fallen = std::mem::take(&mut self.fallen);
            // A rule rises once on a ticket at one instant, whatever its own escalation makes of it.
            rises.retain(|rise| !risen.contains(&(rise.slot, rise.rule)));
            risen.extend(rises.iter().map(|rise| (rise.slot, rise.rule)));
            if rises.is_empty() && fallen.is_empty() && self.unescalated.is_empty() {
                return;
            }
            self.sort_rises(&mut rises);
            let mut fired = Vec::new();
            let track = |rise: &Rise| Track::of(&self.rules.rules[rise.rule as usize]);
            let key = |rise: &Rise| (rise.slot, rise.since, track(rise));
            let chunks: Vec<Vec<Rise>> = rises.chunk_by(|x, y| key(x) == key(y)).map(<[Rise]>::to_vec).collect();
            for together in &chunks {
                if self.must_wait(cause, together[0].since) {
                    self.hold(together);
                } else {
                    let of = Some(Track::of(&self.rules.rules[together[0].rule as usize]));
                    self.release_upto(together[0].slot, Millis::MAX, of);
                    self.fire(together);
                    fired.push(together[0].slot);
                }
            }
            fallen.retain(|&slot| self.tickets.contains(slot));
            fallen.sort_by(|&x, &y| self.age(x).cmp(&self.age(y)));
            fallen.dedup();
            for slot in fallen {
                if self.tickets.contains(slot) {
                    self.clear_if_no(slot, Millis::MIN);
                }
                self.end_snooze(slot);
            }
            fired.append(&mut self.unescalated);
            self.judge_escalation_readers(&fired);
        }
    }

    fn must_wait(&self, cause: Cause, since: Millis) -> bool {
        let end = since.saturating_add(self.settings.grace);
        match cause {
            _ if planted(Bug::NoGrace) => false,
            Cause::Record => false,
            Cause::Bound(Edge::Bounds) => self.clock < end,
            Cause::Bound(Edge::Records) => self.clock <= end,
        }
    }

    /// Rules that read the escalation are evaluated once more after it changed, at the same instant.
    pub(crate) fn judge_escalation_readers(&mut self, slots: &[Slot]) {
        let rules = std::mem::take(&mut self.index.of_escalation);
        for &slot in slots {
            if self.tickets.get(slot).is_some_and(|ticket| ticket.open) {
                self.judge(slot, &rules, false, Rising::Collect);
            }
        }
        self.index.of_escalation = rules;
    }

    /// In order of becoming true; at one instant the older ticket first.
    fn sort_rises(&self, rises: &mut [Rise]) {
        rises.sort_by(|x, y| {
            let track = |rise: &Rise| Track::of(&self.rules.rules[rise.rule as usize]);
            let key = |rise: &Rise| (rise.since, self.age(rise.slot), track(rise), rise.rule);
            key(x).cmp(&key(y))
        });
    }

    /// What orders tickets where nothing else does: an order that no restart changes.
    pub(crate) fn age(&self, slot: Slot) -> (Option<Millis>, &str) {
        let ticket = &self.tickets[slot];
        (ticket.created_at, &ticket.id)
    }

    fn fire(&mut self, together: &[Rise]) {
        let held = together.iter().map(|rise| {
            let (because, evidence, proof) = self.explain(rise.slot, rise.rule, rise.since);
            Held { rule: rise.rule, at: rise.since, proof, because, evidence }
        });
        let held = held.collect();
        self.fire_held(together[0].slot, held);
    }

    /// Of the rules that rose at one instant the highest tier fires, the first in order among equals, if it is above
    /// the ticket's tier; the others join. Shadow rules do so among themselves.
    pub(crate) fn fire_held(&mut self, slot: Slot, mut together: Vec<Held>) {
        together.sort_by_key(|held| held.rule);
        let is_live = |held: &Held| Track::of(&self.rules.rules[held.rule as usize]) == Track::Live;
        let (live, shadow): (Vec<Held>, Vec<Held>) = together.into_iter().partition(is_live);
        self.fire_on(slot, Track::Live, live);
        self.fire_on(slot, Track::Shadow, shadow);
    }

    fn fire_on(&mut self, slot: Slot, track: Track, mut together: Vec<Held>) {
        let rules = self.rules.clone();
        let tier = |held: &Held| rules.rules[held.rule as usize].tier;
        let highest = together.iter().map(tier).max().unwrap_or(1);
        if highest > self.tickets[slot].tier_on(track)
            && let Some(place) = together.iter().position(|held| tier(held) == highest)
        {
            let winner = together.remove(place);
            let saying = Saying {
                track,
                rule: Some(winner.rule),
                became_true_at: winner.at,
                reason: format!("Escalated to tier {highest} because {}.", winner.because),
                evidence: winner.evidence,
                ..Saying::default()
            };
            self.raise(slot, highest, saying, winner.proof);
        }
        for held in together {
            let saying = Saying {
                track,
                rule: Some(held.rule),
                became_true_at: held.at,
                reason: format!("Joined because {}.", held.because),
                evidence: held.evidence,
                ..Saying::default()
            };
            self.join(slot, saying, held.proof);
        }
    }

    /// Opens an escalation on a ticket, or raises the one that is open.
    pub(crate) fn raise(&mut self, slot: Slot, tier: u8, mut saying: Saying, proof: Proof) {
        let (at, track) = (saying.became_true_at, saying.track);
        if track == Track::Live {
            self.tell_missed_before(slot, at);
        }
        let (rule_id, version) = self.named(saying.rule).unzip();
        let ticket = &mut self.tickets[slot];
        let previous = ticket.tier_on(track);
        let id = ticket.id.clone();
        let rare = ticket.rare();
        let what = if rare.open(track).is_some() { FiringKind::Raised } else { FiringKind::Opened };
        let name = match track {
            _ if planted(Bug::SameIdAgain) => id.to_string(),
            Track::Live => format!("{id}\n{at}\n{}", rare.escalations),
            Track::Shadow => format!("{id}\n{at}\n{}\nshadow", rare.shadows),
        };
        if what == FiringKind::Opened {
            *(if track == Track::Live { &mut rare.escalations } else { &mut rare.shadows }) += 1;
        }
        let open = rare.open(track).get_or_insert_with(|| {
            Box::new(Open {
                id: Uuid::new_v5(&NAMESPACE, name.as_bytes()),
                next: 0,
                tier: 1,
                opened_at: at,
                at_tier_since: at,
                acknowledged_at: None,
                acknowledged_by: None,
                snoozed_until: None,
                held_by: Vec::new(),
                firings: Vec::new(),
                context: None,
                said: None,
            })
        });
        let firing = Firing {
            rule: rule_id.clone(),
            version: version.unwrap_or_default(),
            what,
            previous_tier: previous,
            previous_since: open.at_tier_since,
            proof,
        };
        open.tier = tier;
        open.at_tier_since = at;
        open.remember(rule_id, firing);
        let snoozed = open.snoozed_until.take();
        self.count_tier(track, previous, tier);
        if track == Track::Live {
            self.start_escalation_clock(slot);
        }
        self.refresh_context(slot, track);
        saying.kind = Some(if what == FiringKind::Opened { EscalationKind::Opened } else { EscalationKind::Raised });
        saying.previous_tier = Some(previous);
        self.say(slot, saying);
        if snoozed.is_some() {
            let reason = "No longer snoozed because it was raised.".to_owned();
            self.unsnooze(slot, at, reason);
        }
    }

    /// A rule's id and version, as an escalation keeps them: an edited calendar makes it no other.
    fn named(&self, rule: Option<u16>) -> Option<(String, String)> {
        let rule = &self.rules.rules[usize::from(rule?)];
        Some((rule.id.clone(), rule.but_for_hours.clone()))
    }

    /// A rule, or a person, agrees with the open escalation.
    pub(crate) fn join(&mut self, slot: Slot, mut saying: Saying, proof: Proof) {
        let (rule_id, version) = self.named(saying.rule).unzip();
        let Some(open) = self.tickets[slot].open_mut(saying.track) else { return };
        let firing = Firing {
            rule: rule_id.clone(),
            version: version.unwrap_or_default(),
            what: FiringKind::Joined,
            previous_tier: open.tier,
            previous_since: open.at_tier_since,
            proof,
        };
        open.remember(rule_id, firing);
        saying.kind = Some(EscalationKind::Joined);
        self.say(slot, saying);
    }

    /// Writes one record of a ticket's escalation, and its present state to the queue.
    pub(crate) fn say(&mut self, slot: Slot, saying: Saying) {
        let rules = self.rules.clone();
        let rule = saying.rule.map(|rule| &rules.rules[rule as usize]);
        // Snapshots carry instants but move no clock.
        let detected_at = self.shows.max(saying.became_true_at);
        let due_at = self.escalation_due(slot);
        // Its own clock may have started anew.
        self.clocked.push(slot);
        let track = saying.track;
        let Some(open) = self.tickets[slot].open_mut(track) else { return };
        open.next += 1;
        let (rule_id, version, suggest, route) = match rule {
            Some(rule) => {
                (Some(rule.id.clone()), Some(rule.fingerprint.clone()), rule.suggest.clone(), rule.route.clone())
            }
            None => (saying.rule_id, None, None, None),
        };
        open.said = Some(Box::new(Said {
            kind: saying.kind.unwrap_or(EscalationKind::Resolved) as u8,
            previous_tier: saying.previous_tier,
            rule: rule_id,
            rule_version: version,
            became_true_at: saying.became_true_at,
            detected_at,
            reason: saying.reason,
            evidence: saying.evidence,
            by: saying.by,
            command_id: saying.command_id,
            until: saying.until,
            due_at,
            suggest,
            route,
        }));
        self.tickets[slot].behind.said |= track == Track::Live;
        self.mark_ticket(slot);
        let Some(record) = self.last_record(slot, track) else { return };
        if track == Track::Shadow {
            self.outputs.push(Output::Shadow(Box::new(record)));
            return;
        }
        self.outputs.push(Output::Escalation(Box::new(record)));
        self.queue(slot);
    }

    /// The last record of a ticket's open escalation, as it stands now.
    fn last_record(&self, slot: Slot, track: Track) -> Option<Escalation> {
        let ticket = &self.tickets[slot];
        let open = ticket.open_on(track)?;
        let said = open.said.as_deref()?.clone();
        Some(Escalation {
            escalation_id: open.id,
            sequence: open.next.saturating_sub(1),
            kind: EscalationKind::ALL.get(usize::from(said.kind)).copied()?,
            ticket_id: ticket.id.to_string(),
            account_id: self.accounts[ticket.account].id.to_string(),
            tier: open.tier,
            previous_tier: said.previous_tier,
            rule: said.rule,
            rule_version: said.rule_version,
            became_true_at: said.became_true_at,
            detected_at: said.detected_at,
            reason: said.reason,
            evidence: said.evidence,
            by: said.by,
            command_id: said.command_id,
            until: said.until,
            due_at: said.due_at,
            suggest: said.suggest,
            route: said.route,
            url: ticket.cells.text(tierline_model::TicketField::Url).map(str::to_owned),
            context: open.context.as_deref().cloned(),
        })
    }

    /// Writes the present state of a ticket's escalation to the queue.
    pub(crate) fn queue(&mut self, slot: Slot) {
        let Some(escalation) = self.last_record(slot, Track::Live) else { return };
        let Some(open) = self.tickets[slot].escalation() else { return };
        let (opened_at, acknowledged_by) = (open.opened_at, open.acknowledged_by.clone());
        let entry = QueueEntry { escalation, opened_at, acknowledged_by };
        self.outputs.push(Output::Queue(open.id, Some(Box::new(entry))));
    }

    /// Why a rule holds on a ticket now, for people and for stragglers.
    pub(crate) fn explain(&self, slot: Slot, number: u16, since: Millis) -> (String, Vec<Evidence>, Proof) {
        let view = self.view(slot, self.accounts[self.tickets[slot].account].now);
        let rule = &self.rules.rules[number as usize];
        let explanation = rule.explain(&view);
        let leaves = rule.leaves(&view);
        let absences = leaves.iter().enumerate().filter_map(|(place, leaf)| {
            let absence = leaf.absence?;
            Some(Absence { leaf: place as u8, of: absence.of as u8, from: absence.from, due: absence.due.max(since) })
        });
        let proof =
            Proof { absences: absences.collect(), truths: leaves.iter().map(|leaf| leaf.truth as u8).collect() };
        (explanation.because, explanation.evidence, proof)
    }

    pub(crate) fn count_tier(&mut self, track: Track, from: u8, to: u8) {
        if track == Track::Shadow {
            return;
        }
        if from > 1 {
            self.open_escalations[usize::from(from) - 2] -= 1;
        }
        if to > 1 {
            self.open_escalations[usize::from(to) - 2] += 1;
        }
    }
}

impl Open {
    fn remember(&mut self, rule: Option<String>, firing: Firing) {
        if !self.held_by.contains(&rule) {
            self.held_by.push(rule);
        }
        self.firings.push(firing);
        // Of those before the last eight only the newest that opened or raised is kept, without its proof: it stands.
        let old = self.firings.len().saturating_sub(FIRINGS);
        let kept = self.firings[..old].iter().rposition(|firing| firing.what != FiringKind::Joined);
        if let Some(kept) = kept {
            self.firings[kept].proof = Proof::default();
        }
        let mut place = 0;
        self.firings.retain(|_| {
            place += 1;
            place > old || Some(place - 1) == kept
        });
    }
}
