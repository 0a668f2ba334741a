//! A ticket's life: it is met, merged, closed, reopened, and forgotten.

use tierline_model::{Author, HandledBy, Millis, TicketEvent, TicketField};
use tierline_rules::{AbsenceOf, Reads, Topic, Wait};

use super::Changes;
use crate::account::Slot;
use crate::engine::Engine;
use crate::fire::Saying;
use crate::imports::Sleep;
use crate::judge::Rising;
use crate::marks::Mark;
use crate::ticket::{Held, Merged, Track};

impl Engine {
    pub(super) fn create(&mut self, slot: Slot, event: &TicketEvent<'_>, at: Millis, changes: &mut Changes) {
        let a = self.tickets[slot].account;
        let ticket = &mut self.tickets[slot];
        let created_at = event.ticket.created_at.unwrap_or(at).min(at);
        ticket.met = true;
        ticket.created_at = Some(created_at);
        ticket.touched_at = Some(ticket.touched_at.map_or(created_at, |touched| touched.max(created_at)));
        ticket.marks.set_known();
        let first_author = event.message.as_ref().map(|message| message.author);
        if event.ticket.handled_by == Some(HandledBy::Bot) {
            ticket.marks.add(created_at, Mark::Bot);
            // Who took over from the bot may have been told already.
            let handled = ticket.cells.field(TicketField::HandledBy).filter(|seen| seen.since > created_at);
            let is_bot = ticket.cells.small(TicketField::HandledBy) == Some(HandledBy::Bot as u32);
            if let Some(since) = handled.map(|seen| seen.since).filter(|_| !is_bot) {
                ticket.marks.add(since, Mark::HandedOver);
            }
        }
        if event.ticket.opened_by.or(first_author).unwrap_or(Author::Customer) == Author::Customer {
            ticket.marks.add(created_at, Mark::Contact);
            changes.disproves.push(AbsenceOf::CustomerReply);
        }
        ticket.was_open_at(created_at);
        if !ticket.is_open() && !ticket.removed && ticket.solved_at.is_none() {
            self.open(a, slot, created_at);
        }
        changes.reads = Engine::EVERYTHING;
    }

    pub(crate) fn open(&mut self, a: u32, slot: Slot, since: Millis) {
        let ticket = &mut self.tickets[slot];
        ticket.open_since = since;
        if let Some(import) = ticket.sleep.import() {
            ticket.sleep = Sleep::Open(import);
            // Until when it would have been kept, had it stayed closed.
            self.set_bound(slot, Millis::MAX);
            return;
        }
        ticket.open = true;
        self.enlist_open(a, slot);
    }

    /// An open ticket joins its account's open ones, in no order.
    pub(crate) fn enlist_open(&mut self, a: u32, slot: Slot) {
        let open = &mut self.accounts[a].open;
        // An account has fewer tickets than there are slots.
        self.tickets[slot].open_at = open.len() as u32;
        open.push(slot);
        self.open_tickets += 1;
    }

    /// A ticket that was open leaves its account's open ones: no look at any but the last, however many there are.
    pub(crate) fn strike_open(&mut self, slot: Slot) {
        let ticket = &self.tickets[slot];
        let (open, place) = (&mut self.accounts[ticket.account].open, ticket.open_at);
        open.swap_remove(place as usize);
        if let Some(&other) = open.get(place as usize) {
            self.tickets[other].open_at = place;
        }
        self.open_tickets -= 1;
    }

    /// The source closes; its waiting customer waits on the target, since when they wrote. A target in another account
    /// is none of this task's business: the source only closes.
    pub(super) fn merge(&mut self, a: u32, slot: Slot, event: &TicketEvent<'_>, at: Millis, changes: &mut Changes) {
        self.tickets[slot].removed = true;
        changes.closes = Some("merged");
        // Said again, it has gone where it went first.
        if self.tickets[slot].rare.as_ref().is_some_and(|rare| rare.merged.is_some()) {
            return;
        }
        let target = event.merged_into.as_ref().and_then(|id| self.find_ticket(a, id));
        let Some(target) = target.filter(|&target| target != slot && !self.tickets[target].removed) else { return };
        let into = self.tickets[target].id.to_string();
        // Who waits there is found out when all of the record is known.
        self.tickets[slot].rare().merged = Some(Box::new(Merged { into, at, waited: None }));
    }

    /// A ticket was merged, or something came late on one that was before it came: who waited there then, and since when,
    /// may be otherwise where it went, and where that went. `of`: the instant of what came, when it was appended, and its
    /// id; `late`: it may disprove something there.
    pub(super) fn follow_merge(&mut self, slot: Slot, of: (Millis, Millis, &str), late: bool) {
        let (said_at, appended_at, event_id) = of;
        let mut from = slot;
        // No merged ticket is ever merged into, so the way has an end.
        while let Some(merged) = self.tickets[from].rare.as_ref().and_then(|rare| rare.merged.as_deref()) {
            let (at, was) = (merged.at, merged.waited);
            let a = self.tickets[from].account;
            let is = since_of(self.tickets[from].marks.as_of(at).wait);
            let Some(target) = self.find_ticket(a, &merged.into).filter(|_| was != is) else { return };
            self.tickets[from].rare().merged.iter_mut().for_each(|merged| merged.waited = is);
            self.mark_ticket(from);
            self.tickets[target].marks.adopt_anew(at, was, is);
            self.mark_ticket(target);
            self.clocked.push(target);
            if late {
                self.recount_if_before(target, at);
            }
            if late && self.live && self.tickets[target].open {
                // Who waits though nobody seemed to came at the merge; who does not was answered before.
                let asked = is.is_some_and(|is| was.is_none_or(|was| is < was));
                let (at, ended) = if asked { (at, AbsenceOf::CustomerReply) } else { (said_at, AbsenceOf::AgentReply) };
                self.disprove(target, at, appended_at, event_id, Engine::OF_WAITS, &[ended]);
            }
            let is_repoliced = self.policies.reads.overlaps(Engine::OF_WAITS) && self.apply_policy(target, said_at);
            if self.live {
                if is_repoliced {
                    self.rejudge_clocks(target);
                }
                self.judge_wait(target);
            }
            from = target;
        }
    }

    /// Rules that ask who waits are looked at anew on an open ticket.
    fn judge_wait(&mut self, slot: Slot) {
        if self.tickets[slot].open {
            let mut rules = Vec::new();
            self.index.reading(Engine::OF_WAITS, &mut rules);
            self.judge(slot, &rules, false, Rising::Collect);
        }
    }

    /// What rules read that ask who waits.
    const OF_WAITS: Reads =
        Reads { ticket: 0, account: 0, billing: 0, topics: Topic::Conversation as u32 | Topic::Sla as u32 };

    pub(super) fn close_or_reopen(&mut self, a: u32, slot: Slot, changes: &Changes, at: Millis) {
        if let Some(how) = changes.closes {
            self.close(a, slot, how, at);
        } else if changes.reopens && !self.tickets[slot].removed {
            self.reopen(a, slot, at);
        }
    }

    pub(super) fn reopen(&mut self, a: u32, slot: Slot, at: Millis) {
        let ticket = &mut self.tickets[slot];
        if ticket.is_open() {
            return;
        }
        if let Some(solved_at) = ticket.solved_at.take() {
            ticket.solved_for += (at - solved_at).max(0);
        }
        // What a rating made true on the closed ticket is looked at anew.
        ticket.latches.iter_mut().for_each(|latch| latch.yes = false);
        self.open(a, slot, at);
    }

    /// Solving, closing, merging or deleting resolves the escalation (or moves it, if it is the account's) and clears
    /// the latches; cooldowns outlive it.
    pub(super) fn close(&mut self, a: u32, slot: Slot, how: &'static str, at: Millis) {
        let ticket = &mut self.tickets[slot];
        let was_open = std::mem::replace(&mut ticket.open, false);
        if let Some(import) = ticket.sleep.import() {
            ticket.sleep = Sleep::Closed(import);
        }
        ticket.solved_at = ticket.solved_at.or(Some(at));
        if was_open {
            self.strike_open(slot);
        }
        self.release_ticket(slot);
        // Whatever rose on it in this very record is over as well.
        self.rises.retain(|rise| rise.slot != slot);
        if was_open {
            self.holds_no_more(slot);
        }
        let ticket = &mut self.tickets[slot];
        for latch in &mut ticket.latches {
            (latch.latched, latch.yes) = (false, false);
        }
        ticket.latches.retain(|latch| latch.rose_at.is_some());
        self.drop_conversation(slot);
        self.tickets[slot].shrink();
        self.touch_once_per_account();
        for track in Track::ALL {
            if !self.move_on(a, slot, track, at) {
                let reason = format!("Resolved because the ticket was {how}.");
                self.end(slot, Saying { track, became_true_at: at, reason, ..Saying::default() });
            }
        }
        let solved_at = self.tickets[slot].solved_at.unwrap_or(at);
        self.set_bound(slot, solved_at.saturating_add(self.settings.history));
    }

    /// Until when a ticket is kept that is closed; one that sleeps and will be open, however long.
    pub(crate) fn kept_until(&self, slot: Slot) -> Millis {
        let ticket = &self.tickets[slot];
        if ticket.is_open() {
            return Millis::MAX;
        }
        let since = ticket.solved_at.unwrap_or(crate::ticket::unpack(ticket.now).at);
        since.saturating_add(self.settings.history)
    }

    /// An open ticket that goes takes its share of its account's latches with it.
    pub(crate) fn holds_no_more(&mut self, slot: Slot) {
        let ticket = &self.tickets[slot];
        let account = &mut self.accounts[ticket.account];
        for latch in ticket.latches.iter().filter(|latch| latch.yes) {
            if let Some(of_account) = account.latches.iter_mut().find(|other| other.rule == latch.rule) {
                of_account.yes = of_account.yes.saturating_sub(1);
            }
        }
    }

    /// A ticket has left `history`: whatever still stands on it ends, and nothing of it is kept.
    pub(crate) fn forget_ticket(&mut self, slot: Slot) {
        let a = self.tickets[slot].account;
        self.release_ticket(slot);
        let at = self.accounts[a].now.at;
        for track in Track::ALL {
            let reason = "Resolved because the ticket was solved too long ago to be kept.".to_owned();
            self.end(slot, Saying { track, became_true_at: at, reason, ..Saying::default() });
        }
        self.erase_ticket(slot);
        // How far the account's time has come is written with its tickets, and this may have been the last of them.
        self.mark_account(a);
    }

    /// An account's escalation whose ticket ended moves to the newest open ticket on which its rule holds and which
    /// has none; `false`: there is no such ticket, or it is not an account's. SEMANTICS 3.6.
    pub(super) fn move_on(&mut self, a: u32, slot: Slot, track: Track, at: Millis) -> bool {
        let Some(open) = self.tickets[slot].open_on(track) else { return false };
        let last = open.firings.iter().rev().find(|firing| firing.what != crate::ticket::FiringKind::Joined);
        let rule = last.and_then(|firing| firing.rule.as_ref());
        let number = rule.and_then(|id| self.rules.rules.iter().position(|rule| rule.id == *id && rule.per_account));
        let Some(number) = number else { return false };
        let moment = self.accounts[a].now;
        let needs_hold = self.rules.rules[number].hold.is_some();
        let free = |&slot: &Slot| {
            let ticket = &self.tickets[slot];
            // What is held has begun, though nobody has heard of it.
            let is_held = |held: &Held| Track::of(&self.rules.rules[held.rule as usize]) == track;
            ticket.open_on(track).is_none()
                && !ticket.held().iter().any(is_held)
                && self.truth(slot, number as u16, moment).truth == tierline_rules::Truth::Yes
                && (!needs_hold || self.holds_on(slot, number as u16, moment).is_some())
        };
        let open = self.accounts[a].open.iter().copied();
        let to = open.filter(free).max_by(|&x, &y| self.age(x).cmp(&self.age(y)));
        let Some(to) = to else { return false };
        let mut course = None;
        if track == Track::Live {
            self.tell_missed_before(slot, at);
            course = Some(self.escalation_course(slot));
            let beside = self.keys_of_escalation(slot);
            self.tombstones.extend(beside);
        }
        let mut open = self.tickets[slot].rare().open(track).take();
        if let Some(open) = &mut open {
            // What another ticket's silence proved, no event of this one disproves.
            open.firings.iter_mut().for_each(|firing| firing.proof = crate::ticket::Proof::default());
        }
        let from = self.tickets[slot].id.clone();
        *self.tickets[to].rare().open(track) = open;
        if let Some(course) = course {
            self.bring_escalation_clock(to, course);
        }
        self.mark_ticket(slot);
        self.wake_at_end_of_snooze(to);
        self.refresh_context(to, track);
        self.say(
            to,
            Saying {
                track,
                kind: Some(tierline_model::EscalationKind::Moved),
                rule: Some(number as u16),
                became_true_at: at,
                reason: format!("Moved here because ticket {from} ended and the account's trouble goes on."),
                ..Saying::default()
            },
        );
        self.judge_escalation_readers(&[to]);
        true
    }
}

/// Since when the customer waits, if one does.
fn since_of(wait: Wait) -> Option<Millis> {
    match wait {
        Wait::Since(since) => Some(since),
        Wait::Nobody(_) | Wait::Unknown => None,
    }
}
