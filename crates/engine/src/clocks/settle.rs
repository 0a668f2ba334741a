//! What a restart makes of clocks: policies and calendars that were edited apply from then on, what had elapsed by the
//! old ones is kept, and what they make overdue is passed over in silence. SEMANTICS 3.7.

use tierline_model::{Millis, Status, TicketField};
use tierline_rules::{Edge, Moment, Target};

use super::policies::written;
use super::{Clocks, Telling};
use crate::account::Slot;
use crate::engine::Engine;
use crate::ticket::Ticket;

impl Engine {
    /// All of an account has been read back, and every policy is as it was: when each clock of its tickets is next due.
    ///
    /// `edited`: other policies are in force now; `answers_otherwise`: `escalation_sla` says something else.
    pub(crate) fn restore_clocks(&mut self, a: u32, edited: bool, answers_otherwise: bool) {
        let moment = Moment { at: self.clock, edge: Edge::Bounds };
        for place in 0..self.accounts[a].tickets.len() {
            let slot = self.accounts[a].tickets[place];
            if edited {
                self.make_up_statuses(slot);
            } else if self.policies.timed {
                let now = self.accounts[a].now.at;
                self.apply_policy(slot, now);
            }
            if self.live {
                if answers_otherwise {
                    self.tell_escalation(slot, Telling::Quietly, moment);
                }
                self.find_due(slot);
            }
        }
    }

    /// From the restart on the policies in force apply. What had elapsed is kept; what they make overdue is passed over,
    /// and what was overdue before and waits for stragglers goes on to wait.
    ///
    /// `known`: what was in force before is; else whatever is overdue is passed over.
    pub(crate) fn settle_policies(&mut self, known: bool) {
        let at = self.clock;
        let moment = Moment { at, edge: Edge::Bounds };
        let slots: Vec<Slot> = self.tickets.places().collect();
        for slot in slots {
            let place = |ticket: &Ticket| ticket.clocks.as_ref().and_then(|clocks| clocks.policy?.policy);
            let before = place(&self.tickets[slot]);
            if self.tickets[slot].open {
                self.apply_policy(slot, at);
            } else {
                self.follow_edit(slot, at);
            }
            // On a ticket whose policy counts as it did nothing has changed, and what is due on it is told.
            if !known || before != place(&self.tickets[slot]) {
                self.settling.repoliced.insert(slot);
                // What counts from now on is not asked for as of an instant before.
                self.reach(self.tickets[slot].account, at);
                if self.live {
                    // No policy says how soon an escalation is answered.
                    self.tell_metrics(slot, Telling::Quietly, moment, (Millis::MAX, Millis::MAX));
                }
            }
            if self.live {
                self.find_due(slot);
            }
        }
    }

    /// When a ticket's clocks are next due; nothing is told.
    fn find_due(&mut self, slot: Slot) {
        self.tell_clocks(slot, Telling::UpTo(Millis::MIN, Edge::Records));
    }

    /// What `escalation_sla` says, in one number.
    pub(crate) fn version_of_escalation_sla(&self) -> u64 {
        let targets = self.rules.escalation_sla.each_ref().map(|target| {
            let Target { length, calendar } = target.as_ref()?;
            Some((written(*length), calendar.written()))
        });
        // Plain data has no way to fail.
        xxhash_rust::xxh3::xxh3_64(&postcard::to_extend(&targets, Vec::new()).unwrap_or_default())
    }

    /// What a ticket's other fields tell of its statuses, where no line of them was kept.
    fn make_up_statuses(&mut self, slot: Slot) {
        let ticket = &self.tickets[slot];
        if ticket.clocks.is_some() {
            return;
        }
        let mut clocks = Clocks::new();
        if ticket.open && ticket.solved_for > 0 {
            clocks.statuses.add(ticket.open_since.saturating_sub(ticket.solved_for), Status::Solved);
            clocks.statuses.add(ticket.open_since, Status::Open);
        }
        if let Some(seen) = ticket.cells.field(TicketField::Status)
            && let Some(status) = ticket.cells.small(TicketField::Status)
        {
            clocks.statuses.add(seen.since, Status::ALL[status as usize]);
        }
        if !clocks.statuses.is_empty() {
            *self.clocks_mut(slot) = clocks;
        }
    }
}
