//! The response clock of an escalation, on its tier's own target: it starts when the escalation comes to its tier and
//! ends at the next public message of an agent; acknowledging does not end it. SEMANTICS 5.9.

use tierline_model::{EscalationKind, Evidence, Millis, SlaContext, SlaEvent, SlaEventKind, SlaMetric, instant_text};
use tierline_rules::{Edge, Moment, Target};
use tierline_sla::Pauses;

use super::OfEscalation;
use super::tell::Telling;
use crate::account::Slot;
use crate::api::Output;
use crate::engine::Engine;
use crate::fire::Saying;

impl Engine {
    /// When an agent is to have answered a ticket's escalation; [`None`]: nobody has said, or one has.
    pub(crate) fn escalation_due(&self, slot: Slot) -> Option<Millis> {
        let (since, target) = self.escalation_target(slot)?;
        let due = target.calendar.due_in(since, target.length, &Pauses::default());
        let in_time = self.tickets[slot].marks.answer_after(since).is_some_and(|answer| answer <= due);
        Some(due).filter(|_| !in_time)
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
            other => OfEscalation { since, cycle: other.map_or(0, |other| other.cycle + 1), missed: false },
        };
        if known != Some(clock) {
            self.clocks_mut(slot).escalation = Some(clock);
        }
        let Some(due) = self.escalation_due(slot).filter(|_| !clock.missed) else { return NOTHING };
        if !moment.reached(due) {
            return (due, Millis::MAX);
        }
        if due > self.believed(slot) && telling != Telling::Quietly {
            self.await_source(slot, due);
            return NOTHING;
        }
        if !telling.is_over(due) {
            return (Millis::MAX, due);
        }
        self.clocks_mut(slot).escalation = Some(OfEscalation { missed: true, ..clock });
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
