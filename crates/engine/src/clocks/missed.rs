//! The response clock of an escalation, on its tier's own target: it starts when the escalation comes to its tier and
//! ends at the next public message of an agent; acknowledging does not end it. SEMANTICS 5.9.
//!
//! When it starts is told, not found: two may start at one instant. It goes with its escalation to another ticket, and
//! a raise that is taken back leaves the one that ran before.

use tierline_model::{EscalationKind, Evidence, Millis, SlaContext, SlaEvent, SlaEventKind, SlaMetric, instant_text};
use tierline_rules::{Edge, Moment, Target};
use tierline_sla::Pauses;

use super::tell::Telling;
use super::{Course, OfEscalation};
use crate::account::Slot;
use crate::api::Output;
use crate::engine::Engine;
use crate::fire::Saying;
use crate::ticket::Track;

impl Engine {
    /// When an agent is to have answered a ticket's escalation; [`None`]: nobody has said, or one has.
    pub(crate) fn escalation_due(&self, slot: Slot) -> Option<Millis> {
        let (since, target) = self.escalation_target(slot)?;
        let due = target.calendar.due_in(since, target.length, &Pauses::default());
        let clock = self.tickets[slot].clocks.as_ref().and_then(|clocks| clocks.escalation);
        let was_answered = clock.is_some_and(|clock| clock.since == since && clock.course == Course::Answered);
        let in_time = || self.tickets[slot].marks.answer_after(since).is_some_and(|answer| answer <= due);
        Some(due).filter(|_| !was_answered && !in_time())
    }

    /// The escalation has come to a tier: its clock starts.
    pub(crate) fn start_escalation_clock(&mut self, slot: Slot) {
        let Some((since, _)) = self.escalation_target(slot) else { return };
        let last = self.tickets[slot].clocks.as_ref().and_then(|clocks| clocks.escalation);
        self.clocks_mut(slot).escalation = Some(OfEscalation::after(last, since));
    }

    /// A raise is taken back, and the escalation falls to the tier that it had since an earlier instant: what had
    /// become of that clock by then has become of it, and else it has gone on.
    pub(crate) fn fall_back(&mut self, slot: Slot, tier: u8, since: Millis) {
        let raise_had_a_clock = self.escalation_target(slot).is_some();
        if let Some(open) = self.tickets[slot].escalation_mut() {
            (open.tier, open.at_tier_since) = (tier, since);
        }
        if !raise_had_a_clock || self.escalation_target(slot).is_none() {
            return;
        }
        let last = self.tickets[slot].clocks.as_ref().and_then(|clocks| clocks.escalation);
        let course = last.map_or(Course::Runs, |last| last.before);
        self.clocks_mut(slot).escalation = Some(OfEscalation { course, ..OfEscalation::after(last, since) });
    }

    /// The escalation has moved from another ticket, and its clock with it.
    pub(crate) fn bring_escalation_clock(&mut self, slot: Slot, course: Course) {
        let Some((since, _)) = self.escalation_target(slot) else { return };
        let last = self.tickets[slot].clocks.as_ref().and_then(|clocks| clocks.escalation);
        self.clocks_mut(slot).escalation = Some(OfEscalation { course, ..OfEscalation::after(last, since) });
    }

    /// What has become of the clock of a ticket's escalation, wherever that goes.
    pub(crate) fn escalation_course(&self, slot: Slot) -> Course {
        let Some((since, _)) = self.escalation_target(slot) else { return Course::Runs };
        let known = self.tickets[slot].clocks.as_ref().and_then(|clocks| clocks.escalation);
        match known.filter(|known| known.since == since).map_or(Course::Runs, |known| known.course) {
            Course::Runs if self.escalation_due(slot).is_none() => Course::Answered,
            course => course,
        }
    }

    fn escalation_target(&self, slot: Slot) -> Option<(Millis, &Target)> {
        let open = self.tickets[slot].escalation()?;
        let target = self.rules.escalation_sla.get(usize::from(open.tier).checked_sub(2)?)?.as_ref()?;
        Some((open.at_tier_since, target))
    }

    /// The clock as an escalation's context shows it.
    pub(crate) fn escalation_clock(&self, slot: Slot, moment: Moment) -> Option<SlaContext> {
        let due_at = self.escalation_due(slot)?;
        let open = self.tickets[slot].escalation()?;
        Some(SlaContext {
            metric: SlaMetric::EscalationSla.word().to_owned(),
            policy: format!("tier {}", open.tier),
            started_at: open.at_tier_since,
            due_at,
            breached: moment.reached(due_at),
        })
    }

    /// Tells that it was missed; when it is next due, and what waits for stragglers.
    pub(super) fn tell_escalation(&mut self, slot: Slot, telling: Telling, moment: Moment) -> (Millis, Millis) {
        const NOTHING: (Millis, Millis) = (Millis::MAX, Millis::MAX);
        let Some((since, _)) = self.escalation_target(slot) else { return NOTHING };
        let known = self.tickets[slot].clocks.as_ref().and_then(|clocks| clocks.escalation);
        let clock = match known {
            Some(known) if known.since == since => known,
            last => OfEscalation::after(last, since),
        };
        if known != Some(clock) {
            self.clocks_mut(slot).escalation = Some(clock);
        }
        let Some(due) = self.escalation_due(slot).filter(|_| clock.course == Course::Runs) else { return NOTHING };
        if !moment.reached(due) {
            return (due, Millis::MAX);
        }
        // What is held may raise the escalation, or end it, before that: it goes out first, or is disproved.
        let is_first = self.first_held_on(slot, Track::Live).is_none_or(|held| due < held);
        if !is_first && telling != Telling::Quietly {
            return (Millis::MAX, due);
        }
        if due > self.believed(slot) && telling != Telling::Quietly {
            self.await_source(slot, due);
            return NOTHING;
        }
        if !telling.is_over(due) {
            return (Millis::MAX, due);
        }
        self.clocks_mut(slot).escalation = Some(OfEscalation { course: Course::Missed, ..clock });
        if telling != Telling::Quietly {
            self.say_missed(slot, clock, due);
        }
        NOTHING
    }

    /// What was missed before an instant goes out before the escalation ends, or comes to another tier, then.
    pub(crate) fn tell_missed_before(&mut self, slot: Slot, at: Millis) {
        if self.escalation_due(slot).is_some_and(|due| due < at) {
            self.tell_escalation(slot, Telling::UpTo(at, Edge::Records), Moment { at, edge: Edge::Records });
        }
    }

    fn say_missed(&mut self, slot: Slot, clock: OfEscalation, due: Millis) {
        let ticket = &self.tickets[slot];
        let Some(open) = ticket.escalation() else { return };
        let (id, tier) = (open.id, open.tier);
        let event = SlaEvent {
            account_id: self.accounts[ticket.account].id.to_string(),
            ticket_id: ticket.id.to_string(),
            escalation_id: Some(id),
            metric: SlaMetric::EscalationSla,
            policy: None,
            cycle: clock.cycle,
            kind: SlaEventKind::Breached,
            due_at: due,
            breached_at: Some(due),
            detected_at: self.shows.max(due),
            policy_applied_at: None,
            provisional: false,
            ended_at: None,
        };
        let since = instant_text(clock.since);
        self.say(
            slot,
            Saying {
                kind: Some(EscalationKind::TargetMissed),
                became_true_at: due,
                reason: format!("No agent has answered since the escalation came to tier {tier} at {since}."),
                evidence: vec![Evidence {
                    condition: format!("an agent answers an escalation to tier {tier} in time"),
                    value: format!("none since {since}"),
                    source: None,
                    as_of: None,
                }],
                ..Saying::default()
            },
        );
        self.outputs.push(Output::Sla(Box::new(event)));
    }
}
