//! What a ticket event does: [fields](fields), [messages](messages), and the ticket's [life](life) from its creation to
//! its end.

mod fields;
mod life;
mod messages;

use smallvec::SmallVec;
use tierline_model::{Author, Millis, Priority, TicketEvent, TicketEventKind, cut};
use tierline_rules::{AbsenceOf, Reads, Topic};

use crate::account::Slot;
use crate::api::Rejected;
use crate::cells::Stamp;
use crate::engine::Engine;
use crate::fire::Cause;
use crate::imports::Sleep;
use crate::judge::Rising;
use crate::moves::Straying;
use crate::planted::{Bug, planted};

/// How much of each text is kept: bytes.
pub(crate) mod kept {
    /// Of a subject, a requester, a link, a value of a custom field.
    pub const FIELD: usize = 1024;
    /// Of a word that rules compare: a category, a tag, an assignee.
    pub const WORD: usize = 256;
    /// Of why a model says what it says.
    pub const WHY: usize = 256;
    /// Of a message in the context package.
    pub const MESSAGE: usize = 600;
    /// How many messages of a ticket, tags of a ticket, custom fields of a ticket or an account.
    pub const MESSAGES: usize = 4;
    pub const LIST: usize = 128;
}

/// What one event changed.
#[derive(Debug, Default)]
struct Changes {
    reads: Reads,
    /// What it ended, if it is late: what it may disprove.
    disproves: SmallVec<[AbsenceOf; 8]>,
    closes: Option<&'static str>,
    reopens: bool,
    /// What it was before, if it is another now.
    priority_was: Option<Option<Priority>>,
}

impl Engine {
    pub(crate) fn take_event(&mut self, event: &TicketEvent<'_>, appended_at: Millis) -> Result<(), Rejected> {
        if event.kind == TicketEventKind::Rehomed {
            return self.take_rehomed(event, appended_at);
        }
        let at = event.occurred_at.min(appended_at);
        let known = self.find(&event.account_id, &event.ticket_id);
        if known.is_none() && self.is_elsewhere(Straying::Ticket(event), at, appended_at)? {
            return Ok(());
        }
        let a = match known {
            Some(slot) => self.tickets[slot].account,
            None => self.account(&event.account_id),
        };
        self.before_record(a, at);
        // What came before the record may have been the end of the ticket's keeping.
        let is_kept = |&slot: &Slot| self.tickets.get(slot).is_some_and(|ticket| ticket.id == *event.ticket_id);
        let slot = known.filter(is_kept).unwrap_or_else(|| self.ticket(a, &event.ticket_id));
        if let Some(import) = &event.import_id {
            self.hear_import(import, slot, appended_at);
        }
        if !self.tickets[slot].bulk.events.admit(&event.event_id) && !planted(Bug::RepeatNotRecognised) {
            self.counts.repeats += 1;
            self.schedule(a);
            return Ok(());
        }
        let late = self.is_late(a, at);
        self.arrive(a, at);
        let told = &event.ticket;
        let tells_of_before =
            told.created_at.is_some() || told.waiting_since.is_some() || told.first_replied_at.is_some();
        self.follows = if late || tells_of_before { Millis::MIN } else { at };
        let changes = self.apply_event(a, slot, event, at);
        self.recount_if_before(slot, at);
        self.mark_ticket(slot);
        if self.tickets[slot].removed && (late || event.kind == TicketEventKind::Merged) {
            self.follow_merge(slot, (at, appended_at, &event.event_id), late);
        }
        if self.live {
            if late {
                if changes.closes.is_some() {
                    self.disprove_all_held(slot, at);
                }
                self.disprove(slot, at, appended_at, &event.event_id, changes.reads, &changes.disproves);
            }
            self.follow(a, slot, event, &changes, at);
        } else {
            self.close_or_reopen(a, slot, &changes, at);
            let changed = if changes.reopens { Engine::EVERYTHING } else { changes.reads };
            self.apply_policies_of(a, slot, changed, at);
        }
        self.schedule(a);
        Ok(())
    }

    /// What follows from an applied event: closing, re-evaluation, and what goes out.
    fn follow(&mut self, a: u32, slot: Slot, event: &TicketEvent<'_>, changes: &Changes, at: Millis) {
        self.close_or_reopen(a, slot, changes, at);
        let mut changed = if changes.reopens { Engine::EVERYTHING } else { changes.reads };
        for moved in self.apply_policies_of(a, slot, changed, at) {
            if moved == slot {
                changed = changed.with(Engine::CLOCKS);
            } else {
                self.rejudge_clocks(moved);
            }
        }
        self.clocked.push(slot);
        let ticket = &self.tickets[slot];
        let mut rules = std::mem::take(&mut self.scratch);
        rules.clear();
        if ticket.open {
            // Windows over the account's tickets are looked at below, once for all of them.
            let changed = if changes.reopens { changed } else { changed.without(Topic::AnyTicket) };
            let complete = self.index.reading(changed, &mut rules);
            self.judge(slot, &rules, complete, Rising::Collect);
        } else if event.kind == TicketEventKind::Rated && !ticket.removed && ticket.sleep == Sleep::Awake {
            rules.extend_from_slice(&self.index.of_rating);
            // Nothing but the end of its keeping wakes a closed ticket; one that was never met is kept as long.
            let bound = match ticket.bound {
                Millis::MAX => at.saturating_add(self.settings.history),
                bound => bound,
            };
            self.judge(slot, &rules, false, Rising::Collect);
            self.set_bound(slot, bound);
        }
        self.scratch = rules;
        if self.alone {
            // The others have been where this one is.
        } else if changes.reads.reads(Topic::Tickets) {
            self.judge_windows(a, changes.reads, Rising::Collect);
            self.touch_once_per_account();
        } else if changes.reads.reads(Topic::AnyTicket) {
            self.judge_windows(a, Reads::default().and(Topic::AnyTicket), Rising::Collect);
        }
        self.conclude(a, Cause::Record);
    }

    /// Every rule with `once_per: account` is looked at once more.
    pub(crate) fn touch_once_per_account(&mut self) {
        for &rule in &self.index.per_account {
            if !self.touched_rules.contains(&rule) {
                self.touched_rules.push(rule);
            }
        }
    }

    fn apply_event(&mut self, a: u32, slot: Slot, event: &TicketEvent<'_>, at: Millis) -> Changes {
        let mut changes = Changes::default();
        let source = self.texts.intern(&cut(&event.source, kept::WORD));
        let counted = self.counted(slot);
        let ticket = &mut self.tickets[slot];
        // Another system's word on a ticket does not make it that system's.
        if ticket.source != Some(source) && (ticket.source.is_none() || event.kind == TicketEventKind::Created) {
            ticket.behind.fields = true;
            ticket.source = Some(source);
            changes.reads = Engine::EVERYTHING;
        }
        let first = !ticket.met && ticket.solved_at.is_none();
        if event.kind == TicketEventKind::Created {
            if ticket.met {
                self.counts.repeats += 1;
                return changes;
            }
            self.create(slot, event, at, &mut changes);
        } else if first && event.kind != TicketEventKind::Rated && !ticket.is_open() && !ticket.removed {
            self.open(a, slot, at);
            changes.reads = Engine::EVERYTHING;
        }
        let stamp = Stamp { at, sequence: event.sequence };
        self.tell_fields(slot, event, stamp, &mut changes);
        if let Some(message) = &event.message {
            self.take_message(slot, event, message, at, &mut changes);
        }
        match event.kind {
            TicketEventKind::Updated if event.by_kind.is_none_or(is_person) => self.touch(slot, at, &mut changes),
            TicketEventKind::Merged => self.merge(a, slot, event, at, &mut changes),
            TicketEventKind::Deleted => {
                self.tickets[slot].removed = true;
                changes.closes = Some("deleted");
            }
            TicketEventKind::Rated => self.rate(slot, event, stamp, &mut changes),
            _ => {}
        }
        self.recount(a, slot, counted, &mut changes);
        let of_ticket = Topic::TicketCustom as u32 | Topic::Conversation as u32 | Topic::Life as u32;
        if changes.reads.ticket != 0 || changes.reads.topics & of_ticket != 0 || changes.closes.is_some() {
            changes.reads = changes.reads.and(Topic::AnyTicket);
        }
        changes
    }

    /// The ticket counts, does not, or counts from another instant now.
    fn recount(&mut self, a: u32, slot: Slot, before: Option<Millis>, changes: &mut Changes) {
        let now = self.counted(slot);
        if before != now {
            let account = &mut self.accounts[a];
            if let Some(at) = before {
                account.uncount(at);
            }
            if let Some(at) = now {
                account.count(at);
            }
            changes.reads = changes.reads.and(Topic::Tickets);
        }
    }

    pub(crate) fn counted(&self, slot: Slot) -> Option<Millis> {
        let ticket = &self.tickets[slot];
        ticket.created_at.filter(|_| ticket.counts())
    }
}

fn is_person(author: Author) -> bool {
    matches!(author, Author::Customer | Author::Agent)
}
