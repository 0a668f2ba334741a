//! What people and models say of a ticket: commands and signals.
//!
//! A command takes effect, and then all rules that are *yes* at that instant are latched, in a cooldown or not, so that
//! none undoes it. SEMANTICS §6.

use tierline_model::{Command, CommandKind, EscalationKind, HandoffContext, Millis, Signal, cut};
use tierline_rules::{Reads, Topic};

use crate::account::Slot;
use crate::api::Rejected;
use crate::engine::Engine;
use crate::fire::{Cause, Saying};
use crate::judge::Rising;
use crate::moves::Straying;
use crate::texts::Symbol;
use crate::ticket::{Proof, SignalCell, Track};
use crate::tickets::kept;

/// How many values of a signal are kept, the newest.
const SIGNALS: usize = 128;

/// Of how many of them it is kept why, the newest; and of the lowest and the highest, which rules may ask for.
const WHYS: usize = 4;

impl Engine {
    pub(crate) fn take_command(&mut self, command: &Command<'_>, appended_at: Millis) -> Result<(), Rejected> {
        let at = command.occurred_at.min(appended_at);
        let a = self.account(&command.account_id);
        self.before_record(a, at);
        if command.kind == CommandKind::ForgetAccount {
            self.arrive(a, at);
            self.forget_account(a, command, at);
            return Ok(());
        }
        let slot = self.addressed(a, command);
        if slot.is_none() && self.is_elsewhere(Straying::Command(command), at, appended_at)? {
            return Ok(());
        }
        self.arrive(a, at);
        if !self.admit(a, slot, &command.command_id) {
            self.counts.repeats += 1;
            self.schedule(a);
            return Ok(());
        }
        let obeyed = slot.filter(|&slot| {
            self.release_ticket(slot);
            self.obey(slot, command, at)
        });
        match obeyed {
            Some(slot) => self.latch_all(slot),
            None => self.counts.idle_commands += 1,
        }
        if self.live {
            self.conclude(a, Cause::Record);
        }
        self.schedule(a);
        Ok(())
    }

    /// Resolves what is open of an account, without context, and keeps nothing of it but which tickets may still come: they
    /// are forgotten too. SEMANTICS 7.2.
    fn forget_account(&mut self, a: u32, command: &Command<'_>, at: Millis) {
        let account = &self.accounts[a];
        if account.tickets.is_empty() && account.account.sources.is_empty() && account.billing.sources.is_empty() {
            self.counts.idle_commands += 1;
        }
        let mut escalated: Vec<Slot> = self.accounts[a].tickets.to_vec();
        escalated.retain(|&slot| self.tickets[slot].is_escalated());
        escalated.sort_by(|&x, &y| self.tickets[x].id.cmp(&self.tickets[y].id));
        for slot in escalated {
            self.end_forgotten(slot, Some(command), at);
        }
        let account = self.accounts[a].id.clone();
        self.strays.forget_account(&account);
        self.erase_account(a);
        self.unescalated.clear();
    }

    /// Resolves what is open of a ticket whose account is forgotten, by this command, where it is known.
    pub(crate) fn end_forgotten(&mut self, slot: Slot, command: Option<&Command<'_>>, at: Millis) {
        for track in Track::ALL {
            if let Some(open) = self.tickets[slot].open_mut(track) {
                open.context = None;
            }
            let by = command.and_then(|command| command.by.as_ref());
            let saying = Saying {
                track,
                became_true_at: self.not_before(slot, at),
                reason: "Resolved because the account was forgotten.".to_owned(),
                by: by.map(|by| cut(by, kept::WORD).into_owned()),
                command_id: command.map(|command| cut(&command.command_id, kept::FIELD).into_owned()),
                ..Saying::default()
            };
            self.end(slot, saying);
        }
    }

    /// The ticket that a command is about: that of the escalation it names, else the one it names.
    fn addressed(&self, a: u32, command: &Command<'_>) -> Option<Slot> {
        if let Some(id) = command.escalation_id {
            let has = |&&slot: &&Slot| self.tickets[slot].escalation().is_some_and(|open| open.id == id);
            return self.accounts[a].tickets.iter().find(has).copied();
        }
        command.ticket_id.as_ref().and_then(|id| self.find_ticket(a, id))
    }

    /// Takes an id in, at an instant that the account has come to; `false`: a repeat.
    fn admit(&mut self, a: u32, slot: Option<Slot>, id: &str) -> bool {
        match slot {
            Some(slot) => {
                let new = self.tickets[slot].rare().seen.admit(id);
                self.mark_ticket(slot);
                new
            }
            None => {
                let new = self.accounts[a].seen.get_or_insert_default().admit(id);
                self.mark_account(a);
                new
            }
        }
    }

    /// When a command of this instant takes effect on a ticket: not before the ticket was created, nor before its
    /// escalation opened, though the clock of whoever sent it says so. No wait is negative.
    pub(crate) fn not_before(&self, slot: Slot, at: Millis) -> Millis {
        let ticket = &self.tickets[slot];
        let opened_at = ticket.escalation().map(|open| open.opened_at);
        [ticket.created_at, opened_at].into_iter().flatten().fold(at, Millis::max)
    }

    /// Does what a command wants; `false`: it changes nothing.
    fn obey(&mut self, slot: Slot, command: &Command<'_>, at: Millis) -> bool {
        let at = self.not_before(slot, at);
        let ticket = &self.tickets[slot];
        let by = command.by.as_ref().map(|by| cut(by, kept::WORD).into_owned());
        let who = by.clone().unwrap_or_else(|| "somebody".to_owned());
        let why = command.reason.as_ref().map_or_else(String::new, |why| format!(": {}", cut(why, kept::FIELD)));
        let mut saying = Saying {
            became_true_at: at,
            by,
            command_id: Some(cut(&command.command_id, kept::FIELD).into_owned()),
            ..Saying::default()
        };
        let tier = ticket.tier();
        let is_escalated = ticket.escalation().is_some();
        match command.kind {
            CommandKind::Escalate if ticket.open || is_escalated => {
                let wanted = command.tier.unwrap_or(3);
                if wanted < 2 {
                    return false;
                }
                saying.reason = format!("Escalated to tier {wanted} by {who}{why}.");
                if wanted > tier {
                    self.raise(slot, wanted, saying, Proof::default());
                } else {
                    self.join(slot, saying, Proof::default());
                }
                true
            }
            CommandKind::Acknowledge if is_escalated => {
                saying.kind = Some(EscalationKind::Acknowledged);
                saying.reason = format!("Acknowledged by {who}{why}.");
                let Some(open) = self.tickets[slot].escalation_mut() else { return false };
                if open.acknowledged_at.is_some() {
                    return false;
                }
                (open.acknowledged_at, open.acknowledged_by) = (Some(at), Some(who));
                self.say(slot, saying);
                true
            }
            CommandKind::Snooze if is_escalated => {
                let Some(until) = command.until.filter(|&until| until > at) else { return false };
                let Some(open) = self.tickets[slot].escalation_mut() else { return false };
                open.snoozed_until = Some(until);
                saying.kind = Some(EscalationKind::Snoozed);
                saying.until = Some(until);
                saying.reason = format!("Snoozed until {} by {who}{why}.", tierline_model::instant_text(until));
                self.say(slot, saying);
                self.wake_at_end_of_snooze(slot);
                true
            }
            CommandKind::DeEscalate if is_escalated => {
                let wanted = command.tier.unwrap_or(tier - 1);
                if wanted >= tier {
                    return false;
                }
                if wanted < 2 {
                    saying.reason = format!("Resolved by {who}{why}.");
                    self.end(slot, saying);
                    return true;
                }
                self.tell_missed_before(slot, at);
                saying.kind = Some(EscalationKind::DeEscalated);
                saying.previous_tier = Some(tier);
                saying.reason = format!("De-escalated to tier {wanted} by {who}{why}.");
                self.count_tier(Track::Live, tier, wanted);
                if let Some(open) = self.tickets[slot].escalation_mut() {
                    (open.tier, open.at_tier_since) = (wanted, at);
                }
                self.start_escalation_clock(slot);
                self.say(slot, saying);
                true
            }
            CommandKind::Resolve if is_escalated => {
                saying.reason = format!("Resolved by {who}{why}.");
                self.end(slot, saying);
                true
            }
            _ => false,
        }
    }

    /// A ticket wants attention at the end of its snooze, if not before.
    pub(crate) fn wake_at_end_of_snooze(&mut self, slot: Slot) {
        if let Some(until) = self.tickets[slot].snoozed_until() {
            self.set_bound(slot, self.tickets[slot].bound.min(until));
        }
    }

    /// Ends a snooze whose time has come, unless what is held on the ticket became true before: that goes out first.
    pub(crate) fn end_snooze(&mut self, slot: Slot) {
        let Some(ticket) = self.tickets.get(slot) else { return };
        let Some(until) = ticket.snoozed_until() else { return };
        let now = self.accounts[ticket.account].now;
        let held = self.first_held_on(slot, Track::Live);
        if now.reached(until) && held.is_none_or(|at| at > until) {
            self.unsnooze(slot, until, "No longer snoozed because its time is over.".to_owned());
        }
    }

    pub(crate) fn unsnooze(&mut self, slot: Slot, at: Millis, reason: String) {
        if let Some(open) = self.tickets[slot].escalation_mut() {
            open.snoozed_until = None;
        }
        let kind = Some(EscalationKind::Unsnoozed);
        self.say(slot, Saying { kind, became_true_at: at, reason, ..Saying::default() });
    }

    /// All rules that are *yes* on a ticket are latched in silence, in a cooldown or not.
    fn latch_all(&mut self, slot: Slot) {
        if !self.live || !self.tickets[slot].open {
            return;
        }
        let a = self.tickets[slot].account;
        let counted = self.counts.latched_quietly;
        let rules = std::mem::take(&mut self.index.all);
        self.judge(slot, &rules, true, Rising::Quietly);
        self.judge_once_per_account(a, Rising::Quietly);
        let moment = self.accounts[a].now;
        for &rule in &rules {
            if self.holds_on(slot, rule, moment).is_none() {
                continue;
            }
            if self.rules.rules[rule as usize].per_account {
                self.accounts[a].latch_mut(rule).latched = true;
                self.mark_account(a);
            } else {
                self.tickets[slot].latch_mut(rule).latched = true;
                self.mark_ticket(slot);
            }
        }
        self.index.all = rules;
        self.counts.latched_quietly = counted;
    }

    /// A signal stands on its ticket, else on its account.
    pub(crate) fn take_signal(&mut self, signal: &Signal<'_>, appended_at: Millis) -> Result<(), Rejected> {
        let at = signal.occurred_at.min(appended_at);
        let unknown = |id| self.find(&signal.account_id, id).is_none();
        if !self.strays.is_empty()
            && signal.ticket_id.as_deref().is_some_and(unknown)
            && self.is_elsewhere(Straying::Signal(signal), at, appended_at)?
        {
            return Ok(());
        }
        let a = self.account(&signal.account_id);
        self.before_record(a, at);
        let slot = signal.ticket_id.as_ref().map(|id| self.ticket(a, id));
        let late = self.is_late(a, at);
        self.arrive(a, at);
        if !self.admit(a, slot, &signal.signal_id) {
            self.counts.repeats += 1;
            self.schedule(a);
            return Ok(());
        }
        self.follows = if late { Millis::MIN } else { at };
        let cell = SignalCell {
            name: self.texts.intern(&cut(&signal.name, kept::WORD)),
            at,
            value: signal.value,
            label: signal.label.as_ref().map(|label| self.texts.intern(&cut(label, kept::WORD))),
            model: signal.model.as_ref().map(|model| self.texts.intern(&cut(model, kept::WORD))),
            why: signal.explanation.as_ref().filter(|why| !why.is_empty()).map(|why| cut(why, kept::WHY).into()),
        };
        let name = cell.name;
        let cells = match slot {
            Some(slot) => &mut self.tickets[slot].rare().signals,
            None => &mut self.accounts[a].signals,
        };
        let place = cells.partition_point(|other| other.at <= at);
        cells.insert(place, cell);
        if cells.iter().filter(|other| other.name == name).count() > SIGNALS
            && let Some(oldest) = cells.iter().position(|other| other.name == name)
        {
            cells.remove(oldest);
        }
        forget_whys(cells, name);
        if let (Some(slot), Some(handoff)) = (slot, &signal.handoff)
            && self.tickets[slot].rare().handoff.as_ref().is_none_or(|last| last.at <= at)
        {
            self.tickets[slot].rare().handoff = Some(HandoffContext {
                summary: handoff.summary.as_ref().map(|text| cut(text, kept::FIELD).into_owned()),
                attempted: handoff.attempted.iter().take(16).map(|text| cut(text, kept::WORD).into_owned()).collect(),
                broke_down: handoff.broke_down.as_ref().map(|text| cut(text, kept::FIELD).into_owned()),
                wants_human: handoff.wants_human,
                at,
            });
        }
        if late && self.live {
            self.disprove_held(a, slot, at, Reads::default().and(Topic::Signals), &[]);
        }
        self.follow_signal(a, slot);
        self.schedule(a);
        Ok(())
    }

    fn follow_signal(&mut self, a: u32, slot: Option<Slot>) {
        if !self.live {
            return;
        }
        let changed = Reads::default().and(Topic::Signals);
        match slot {
            Some(slot) if self.tickets[slot].open => {
                let at = self.accounts[a].now.at;
                let clocked = self.apply_policies_of(a, slot, changed, at);
                let changed = if clocked.is_empty() { changed } else { changed.with(Engine::CLOCKS) };
                self.clocked.extend(clocked);
                let mut rules = Vec::new();
                self.index.reading(changed, &mut rules);
                self.judge(slot, &rules, false, Rising::Collect);
            }
            // Where nothing is known of the ticket but this, it is kept for as long as a solved one would be.
            Some(_) => {}
            None => {
                self.follow_policies(a, changed, self.accounts[a].now.at);
                self.judge_account(a, changed, Rising::Collect);
            }
        }
        self.conclude(a, Cause::Record);
    }
}

/// Lets go of why the values of a signal are what they are, where no rule asks any more: a ticket's entry in the
/// changelog is written whole with every signal.
fn forget_whys(cells: &mut [SignalCell], name: Symbol) {
    let of_name: Vec<usize> = (0..cells.len()).filter(|&place| cells[place].name == name).collect();
    let Some(older) = of_name.len().checked_sub(WHYS) else { return };
    let value = |place: &&usize| cells[**place].value.unwrap_or(0.0);
    // Of equals the newer, as a rule takes it.
    let lowest = of_name.iter().rev().min_by(|a, b| value(a).total_cmp(&value(b))).copied();
    let highest = of_name.iter().max_by(|a, b| value(a).total_cmp(&value(b))).copied();
    for &place in of_name[..older].iter().filter(|&&place| Some(place) != lowest && Some(place) != highest) {
        cells[place].why = None;
    }
}
