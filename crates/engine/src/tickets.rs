//! What a ticket event does: fields, messages, and the ticket's life from its creation to its end.

use tierline_model::{
    Author, HandledBy, Message, Millis, Status, TicketEvent, TicketEventKind, TicketField, TicketFields, Value, cut,
};
use tierline_rules::{AbsenceOf, Reads, Topic};

use crate::account::Slot;
use crate::api::Rejected;
use crate::cells::{CellValue, Stamp, Told};
use crate::engine::Engine;
use crate::fire::{Cause, Saying};
use crate::judge::Rising;
use crate::marks::Mark;
use crate::ticket::{CustomCell, CustomList, CustomValue, StoredMessage};

/// How much of each text is kept: bytes.
pub(crate) mod kept {
    /// Of a subject, a requester, a link, a value of a custom field.
    pub const FIELD: usize = 1024;
    /// Of a word that rules compare: a category, a tag, an assignee.
    pub const WORD: usize = 256;
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
    disproves: Vec<AbsenceOf>,
    closes: Option<&'static str>,
    reopens: bool,
}

impl Engine {
    pub(crate) fn take_event(&mut self, event: &TicketEvent<'_>, appended_at: Millis) -> Result<(), Rejected> {
        if event.kind == TicketEventKind::Rehomed {
            let reason = "tickets cannot be moved between accounts yet".to_owned();
            return Err(Rejected { code: "unbuilt_kind", reason });
        }
        let at = event.occurred_at.min(appended_at);
        let a = self.account(&event.account_id);
        self.before_record(a, at);
        let slot = self.ticket(a, &event.ticket_id);
        if !self.tickets[slot as usize].bulk.events.admit(&event.event_id) {
            self.counts.repeats += 1;
            self.schedule(a);
            return Ok(());
        }
        let late = self.is_late(a, at);
        self.arrive(a, at);
        let changes = self.apply_event(a, slot, event, at);
        self.mark_ticket(slot);
        if self.live {
            if late {
                self.disprove_held(a, Some(slot), at, changes.reads);
                self.disprove_firings(slot, at, appended_at, &event.event_id, &changes.disproves);
            }
            self.follow(a, slot, event, &changes, at);
        } else {
            self.close_or_reopen(a, slot, &changes, at);
        }
        self.schedule(a);
        Ok(())
    }

    /// What follows from an applied event: closing, re-evaluation, and what goes out.
    fn follow(&mut self, a: u32, slot: Slot, event: &TicketEvent<'_>, changes: &Changes, at: Millis) {
        self.close_or_reopen(a, slot, changes, at);
        let ticket = &self.tickets[slot as usize];
        let mut rules = std::mem::take(&mut self.scratch);
        rules.clear();
        if ticket.open {
            let changed = if changes.reopens { Engine::EVERYTHING } else { changes.reads };
            self.index.reading(changed, &mut rules);
            let complete = self.index.timed.iter().all(|rule| rules.binary_search(rule).is_ok());
            self.judge(slot, &rules, complete, Rising::Collect);
        } else if event.kind == TicketEventKind::Rated && !ticket.removed {
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
        if changes.reads.topics & Topic::Tickets as u32 != 0 {
            self.judge_account(a, Reads::default().and(Topic::Tickets), Rising::Collect);
            self.touch_once_per_account();
        }
        self.conclude(a, Cause::Record);
    }

    /// Every rule with `once_per: account` is looked at once more.
    pub(crate) fn touch_once_per_account(&mut self) {
        for &rule in &self.index.all {
            if self.rules.rules[rule as usize].per_account && !self.touched_rules.contains(&rule) {
                self.touched_rules.push(rule);
            }
        }
    }

    fn apply_event(&mut self, a: u32, slot: Slot, event: &TicketEvent<'_>, at: Millis) -> Changes {
        let mut changes = Changes::default();
        let source = self.texts.intern(&cut(&event.source, kept::WORD));
        let counted = self.counted(slot);
        let ticket = &mut self.tickets[slot as usize];
        ticket.source = Some(source);
        let first = ticket.bulk.events.0.len() == 1 && ticket.created_at.is_none() && !ticket.met;
        if event.kind == TicketEventKind::Created {
            if ticket.met {
                self.counts.repeats += 1;
                return changes;
            }
            self.create(slot, event, at, &mut changes);
        } else if first && event.kind != TicketEventKind::Rated && !ticket.open && !ticket.removed {
            self.open(a, slot);
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
                self.tickets[slot as usize].removed = true;
                changes.closes = Some("deleted");
            }
            TicketEventKind::Rated => self.rate(slot, event, stamp, &mut changes),
            _ => {}
        }
        self.recount(a, slot, counted, &mut changes);
        changes
    }

    /// The ticket counts, does not, or counts from another instant now.
    fn recount(&mut self, a: u32, slot: Slot, before: Option<Millis>, changes: &mut Changes) {
        let now = self.counted(slot);
        if before != now {
            let account = &mut self.accounts[a as usize];
            if let Some(at) = before {
                account.uncount(at);
            }
            if let Some(at) = now {
                account.count(at);
            }
            changes.reads = changes.reads.and(Topic::Tickets);
        }
    }

    fn counted(&self, slot: Slot) -> Option<Millis> {
        let ticket = &self.tickets[slot as usize];
        ticket.created_at.filter(|_| ticket.counts())
    }

    fn create(&mut self, slot: Slot, event: &TicketEvent<'_>, at: Millis, changes: &mut Changes) {
        let a = self.tickets[slot as usize].account;
        let ticket = &mut self.tickets[slot as usize];
        let created_at = event.ticket.created_at.unwrap_or(at).min(at);
        ticket.met = true;
        ticket.created_at = Some(created_at);
        ticket.touched_at = Some(ticket.touched_at.map_or(created_at, |touched| touched.max(created_at)));
        ticket.marks.set_known();
        let first_author = event.message.as_ref().map(|message| message.author);
        if event.ticket.handled_by == Some(HandledBy::Bot) {
            ticket.marks.add(created_at, Mark::Bot);
        }
        if event.ticket.opened_by.or(first_author).unwrap_or(Author::Customer) == Author::Customer {
            ticket.marks.add(created_at, Mark::Contact);
            changes.disproves.push(AbsenceOf::CustomerReply);
        }
        if !ticket.open && !ticket.removed && ticket.solved_at.is_none() {
            self.open(a, slot);
        }
        changes.reads = Engine::EVERYTHING;
    }

    fn open(&mut self, a: u32, slot: Slot) {
        self.tickets[slot as usize].open = true;
        self.open_tickets += 1;
        self.accounts[a as usize].open.push(slot);
    }

    fn tell_fields(&mut self, slot: Slot, event: &TicketEvent<'_>, stamp: Stamp, changes: &mut Changes) {
        let told = &event.ticket;
        use TicketField::*;
        for (field, text) in words(told) {
            if let Some(text) = text {
                let symbol = self.texts.intern(&cut(text, kept::WORD));
                self.tell(slot, field, Some(CellValue::Small(symbol)), stamp, changes);
            }
        }
        for (field, text) in
            [(Subject, &told.subject), (Requester, &told.requester), (Url, &told.url), (Parent, &told.parent)]
        {
            if let Some(text) = text {
                let text = cut(text, kept::FIELD).into_owned().into_boxed_str();
                self.tell(slot, field, Some(CellValue::Text(text)), stamp, changes);
            }
        }
        let small = [
            (Status, told.status.map(|word| word as u32)),
            (Priority, told.priority.map(|word| word as u32)),
            (OpenedBy, told.opened_by.map(|word| word as u32)),
            (HandledBy, told.handled_by.map(|word| word as u32)),
            (Spam, told.spam.map(u32::from)),
        ];
        for (field, value) in small {
            if let Some(value) = value {
                self.tell(slot, field, Some(CellValue::Small(value)), stamp, changes);
            }
        }
        let instants = [
            (FirstRepliedAt, told.first_replied_at),
            (WaitingSince, told.waiting_since),
            (SnoozedUntil, told.snoozed_until),
        ];
        for (field, value) in instants {
            if let Some(value) = value {
                self.tell(slot, field, Some(CellValue::Instant(value)), stamp, changes);
            }
        }
        if let Some(tags) = &told.tags {
            let tags = tags.iter().take(kept::LIST).map(|tag| self.texts.intern(&cut(tag, kept::WORD)));
            let tags = CellValue::Symbols(tags.collect());
            self.tell(slot, Tags, Some(tags), stamp, changes);
        }
        if let (Some(created_at), None) = (told.created_at, self.tickets[slot as usize].created_at) {
            self.tickets[slot as usize].created_at = Some(created_at);
            changes.reads = changes.reads.and(Topic::Life).and_field(&tierline_rules::FieldRef::Ticket(CreatedAt));
        }
        for &field in &event.cleared.fields {
            self.tell(slot, field, None, stamp, changes);
        }
        self.tell_custom(slot, event, stamp, changes);
    }

    fn tell_custom(&mut self, slot: Slot, event: &TicketEvent<'_>, stamp: Stamp, changes: &mut Changes) {
        let set = event.ticket.custom.iter().map(|(name, value)| (name, Some(custom(value))));
        for (name, value) in set.chain(event.cleared.custom.iter().map(|name| (name, None))) {
            let name = self.texts.intern(&cut(name, kept::WORD));
            let cells = &mut self.tickets[slot as usize].rare().custom;
            changes.reads = changes.reads.and(Topic::TicketCustom);
            let is_full = cells.len() >= kept::LIST;
            match cells.iter_mut().find(|cell| cell.name == name) {
                Some(cell) if stamp.is_older_than(cell.said) => self.counts.stale += 1,
                Some(cell) if cell.value == value => cell.said = stamp,
                Some(cell) => *cell = CustomCell { name, value, since: stamp.at, said: stamp },
                None if is_full => {}
                None => cells.push(CustomCell { name, value, since: stamp.at, said: stamp }),
            }
        }
    }

    /// Takes a statement about one field, and what follows from it for the ticket's life and conversation.
    fn tell(&mut self, slot: Slot, field: TicketField, value: Option<CellValue>, stamp: Stamp, changes: &mut Changes) {
        let ticket = &mut self.tickets[slot as usize];
        let was = ticket.cells.small(field);
        match ticket.cells.tell(field, value.clone(), stamp) {
            Told::Stale => {
                self.counts.stale += 1;
                return;
            }
            Told::Same => return,
            Told::Changed => {}
        }
        changes.reads = changes.reads.and_field(&tierline_rules::FieldRef::Ticket(field));
        match (field, value) {
            (TicketField::Status, Some(CellValue::Small(status))) => {
                let was_open = was.is_none_or(|status| Status::ALL[status as usize].is_open());
                match (was_open, Status::ALL[status as usize].is_open()) {
                    (true, false) => {
                        ticket.marks.add(stamp.at, Mark::Solved);
                        changes.closes = Some(Status::ALL[status as usize].word());
                        changes.disproves.extend([AbsenceOf::AgentReply, AbsenceOf::Closing]);
                    }
                    (false, true) => changes.reopens = true,
                    _ => {}
                }
                changes.reads = changes.reads.and(Topic::Life).and(Topic::Conversation).and(Topic::Sla);
            }
            (TicketField::HandledBy, Some(CellValue::Small(by))) => {
                let mark = if by == HandledBy::Bot as u32 { Mark::Bot } else { Mark::HandedOver };
                if mark == Mark::Bot || was == Some(HandledBy::Bot as u32) {
                    ticket.marks.add(stamp.at, mark);
                }
                if mark == Mark::Bot {
                    changes.disproves.push(AbsenceOf::AgentReply);
                }
                changes.reads = changes.reads.and(Topic::Conversation).and(Topic::Sla);
            }
            (TicketField::Priority, _) => changes.reads = changes.reads.and(Topic::Sla),
            (TicketField::Assignee, value) => {
                changes.reads = changes.reads.and(Topic::Assignment);
                if value.is_some() {
                    changes.disproves.push(AbsenceOf::Assignment);
                }
            }
            (TicketField::WaitingSince, value) if !ticket.met => {
                ticket.marks.set_known();
                if let Some(CellValue::Instant(since)) = value {
                    ticket.marks.add(since, Mark::Contact);
                }
                changes.reads = changes.reads.and(Topic::Conversation).and(Topic::Sla);
            }
            (TicketField::FirstRepliedAt, _) => changes.reads = changes.reads.and(Topic::Sla),
            (TicketField::Spam, _) => changes.reads = changes.reads.and(Topic::Tickets),
            _ => {}
        }
    }

    fn take_message(
        &mut self,
        slot: Slot,
        event: &TicketEvent<'_>,
        message: &Message<'_>,
        at: Millis,
        changes: &mut Changes,
    ) {
        let ticket = &mut self.tickets[slot as usize];
        if message.id.as_ref().is_some_and(|id| !ticket.bulk.messages.admit(id)) {
            self.counts.repeats += 1;
            return;
        }
        ticket.keep_message(message, at);
        if is_person(message.author) && !message.automated {
            self.touch(slot, at, changes);
        }
        let ticket = &mut self.tickets[slot as usize];
        if message.automated {
            return;
        }
        match message.author {
            // The message that opened the ticket is the contact that `created` has marked already.
            Author::Customer if event.kind == TicketEventKind::Created && opened_by_customer(event) => {}
            Author::Customer => {
                ticket.marks.add(at, Mark::Contact);
                changes.disproves.push(AbsenceOf::CustomerReply);
            }
            Author::Agent if message.public => {
                ticket.marks.add(at, Mark::Answer);
                changes.disproves.push(AbsenceOf::AgentReply);
            }
            _ => return,
        }
        changes.reads = changes.reads.and(Topic::Conversation).and(Topic::Sla);
    }

    fn touch(&mut self, slot: Slot, at: Millis, changes: &mut Changes) {
        let touched = &mut self.tickets[slot as usize].touched_at;
        *touched = Some(touched.map_or(at, |touched| touched.max(at)));
        changes.reads = changes.reads.and(Topic::Conversation);
        changes.disproves.push(AbsenceOf::Change);
    }

    fn rate(&mut self, slot: Slot, event: &TicketEvent<'_>, stamp: Stamp, changes: &mut Changes) {
        if let Some(rating) = event.rating {
            self.tell(slot, TicketField::Rating, Some(CellValue::Small(rating.into())), stamp, changes);
        }
        if let Some(comment) = &event.rating_comment {
            let comment = cut(comment, kept::FIELD).into_owned().into_boxed_str();
            self.tell(slot, TicketField::RatingComment, Some(CellValue::Text(comment)), stamp, changes);
        }
    }

    /// The source closes; its waiting customer waits on the target, since when they wrote. A target in another account
    /// is none of this task's business: the source only closes.
    fn merge(&mut self, a: u32, slot: Slot, event: &TicketEvent<'_>, at: Millis, changes: &mut Changes) {
        let waiting = self.tickets[slot as usize].marks.as_of(at).wait;
        self.tickets[slot as usize].removed = true;
        changes.closes = Some("merged");
        let target = event.merged_into.as_ref().and_then(|id| self.find_ticket(a, id));
        if let (Some(target), tierline_rules::Wait::Since(since)) = (target, waiting)
            && target != slot
            && self.tickets[target as usize].open
        {
            self.tickets[target as usize].marks.add(since, Mark::Contact);
            self.mark_ticket(target);
            if self.live {
                let mut rules = Vec::new();
                self.index.reading(Reads::default().and(Topic::Conversation).and(Topic::Sla), &mut rules);
                self.judge(target, &rules, false, Rising::Collect);
            }
        }
    }

    fn close_or_reopen(&mut self, a: u32, slot: Slot, changes: &Changes, at: Millis) {
        if let Some(how) = changes.closes {
            self.close(a, slot, how, at);
        } else if changes.reopens && !self.tickets[slot as usize].removed {
            self.reopen(a, slot, at);
        }
    }

    fn reopen(&mut self, a: u32, slot: Slot, at: Millis) {
        let ticket = &mut self.tickets[slot as usize];
        if ticket.open {
            return;
        }
        if let Some(solved_at) = ticket.solved_at.take() {
            ticket.solved_for += (at - solved_at).max(0);
        }
        self.open(a, slot);
    }

    /// Solving, closing, merging or deleting resolves the escalation (or moves it, if it is the account's) and clears
    /// the latches; cooldowns outlive it.
    fn close(&mut self, a: u32, slot: Slot, how: &'static str, at: Millis) {
        let ticket = &mut self.tickets[slot as usize];
        let was_open = std::mem::replace(&mut ticket.open, false);
        ticket.solved_at = ticket.solved_at.or(Some(at));
        if was_open {
            self.open_tickets -= 1;
            self.accounts[a as usize].open.retain(|&other| other != slot);
        }
        self.release_ticket(slot);
        // Whatever rose on it in this very record is over as well.
        self.rises.retain(|rise| rise.slot != slot);
        let ticket = &mut self.tickets[slot as usize];
        for latch in &mut ticket.latches {
            (latch.latched, latch.yes) = (false, false);
        }
        ticket.latches.retain(|latch| latch.rose_at.is_some());
        self.drop_conversation(slot);
        self.touch_once_per_account();
        if !self.move_on(a, slot, at) {
            let reason = format!("Resolved because the ticket was {how}.");
            self.end(slot, Saying { became_true_at: at, reason, ..Saying::default() });
        }
        let solved_at = self.tickets[slot as usize].solved_at.unwrap_or(at);
        self.set_bound(slot, solved_at.saturating_add(self.settings.history));
    }

    /// A ticket has left `history`: whatever still stands on it ends, and nothing of it is kept.
    pub(crate) fn forget_ticket(&mut self, slot: Slot) {
        let a = self.tickets[slot as usize].account;
        self.release_ticket(slot);
        let at = self.accounts[a as usize].now.at;
        let reason = "Resolved because the ticket was solved too long ago to be kept.".to_owned();
        self.end(slot, Saying { became_true_at: at, reason, ..Saying::default() });
        self.erase_ticket(slot);
    }

    /// An account's escalation whose ticket ended moves to the newest open ticket on which its rule holds and which
    /// has none; `false`: there is no such ticket, or it is not an account's. SEMANTICS 3.6.
    fn move_on(&mut self, a: u32, slot: Slot, at: Millis) -> bool {
        let Some(open) = self.tickets[slot as usize].escalation() else { return false };
        let last = open.firings.iter().rev().find(|firing| firing.what != crate::ticket::FiringKind::Joined);
        let rule = last.and_then(|firing| firing.rule.as_ref());
        let number = rule.and_then(|id| self.rules.rules.iter().position(|rule| rule.id == *id && rule.per_account));
        let Some(number) = number else { return false };
        let moment = self.accounts[a as usize].now;
        let needs_hold = self.rules.rules[number].hold.is_some();
        let free = |&slot: &Slot| {
            self.tickets[slot as usize].escalation().is_none()
                && self.truth(slot, number as u16, moment).truth == tierline_rules::Truth::Yes
                && (!needs_hold || self.holds_on(slot, number as u16, moment).is_some())
        };
        let open = self.accounts[a as usize].open.iter().copied();
        let to = open.filter(free).max_by(|&x, &y| self.age(x).cmp(&self.age(y)));
        let Some(to) = to else { return false };
        let context = self.key_of_context(slot);
        self.tombstones.push(context);
        let mut open = self.tickets[slot as usize].rare().escalation.take();
        if let Some(open) = &mut open {
            // What another ticket's silence proved, no event of this one disproves.
            open.firings.iter_mut().for_each(|firing| firing.proof = crate::ticket::Proof::default());
            open.context_dirty = true;
        }
        let from = self.tickets[slot as usize].id.clone();
        self.tickets[to as usize].rare().escalation = open;
        self.mark_ticket(slot);
        self.refresh_context(to);
        self.say(
            to,
            Saying {
                kind: Some(tierline_model::EscalationKind::Moved),
                rule: Some(number as u16),
                became_true_at: at,
                reason: format!("Moved here because ticket {from} ended and the account's trouble goes on."),
                ..Saying::default()
            },
        );
        true
    }
}

impl crate::ticket::Ticket {
    /// Keeps the end of the conversation; a message takes the slot of the oldest.
    fn keep_message(&mut self, message: &Message<'_>, at: Millis) {
        let Some(text) = &message.text else { return };
        let texts = &mut self.bulk.texts;
        let slot = if texts.len() < kept::MESSAGES {
            texts.len() as u8
        } else if texts[0].at > at {
            return;
        } else {
            texts.remove(0).slot
        };
        let place = texts.partition_point(|other| other.at <= at);
        texts.insert(
            place,
            StoredMessage {
                slot,
                at,
                author: message.author as u8,
                public: message.public,
                name: message.author_name.as_ref().map(|name| cut(name, kept::WORD).into_owned()),
                text: cut(text, kept::MESSAGE).into_owned(),
                dirty: true,
            },
        );
    }
}

fn opened_by_customer(event: &TicketEvent<'_>) -> bool {
    event.ticket.opened_by.is_none_or(|author| author == Author::Customer)
}

fn is_person(author: Author) -> bool {
    matches!(author, Author::Customer | Author::Agent)
}

/// The fields that are kept as numbers of their texts.
fn words<'e, 'a>(told: &'e TicketFields<'a>) -> [(TicketField, &'e Option<tierline_model::Text<'a>>); 10] {
    use TicketField::*;
    [
        (Severity, &told.severity),
        (Type, &told.r#type),
        (Category, &told.category),
        (ProductArea, &told.product_area),
        (Channel, &told.channel),
        (RequesterRole, &told.requester_role),
        (Assignee, &told.assignee),
        (Team, &told.team),
        (Language, &told.language),
        (Brand, &told.brand),
    ]
}

fn custom(value: &Value<'_>) -> CustomValue {
    let boxed = |text: &str| cut(text, kept::FIELD).into_owned().into_boxed_str();
    match value {
        Value::Text(text) => CustomValue::Text(boxed(text)),
        Value::Number(number) => CustomValue::Number(*number),
        Value::Bool(yes) => CustomValue::Bool(*yes),
        Value::List(texts) => {
            CustomValue::List(CustomList(texts.iter().take(kept::LIST).map(|text| boxed(text)).collect()))
        }
    }
}
