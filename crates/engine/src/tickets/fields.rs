//! What an event tells of its ticket's fields.

use tierline_model::{HandledBy, Status, TicketEvent, TicketField, TicketFields, Value, cut};
use tierline_rules::{AbsenceOf, Topic};

use super::{Changes, kept};
use crate::account::Slot;
use crate::cells::{CellValue, Stamp, Told};
use crate::engine::Engine;
use crate::marks::Mark;
use crate::ticket::{CustomCell, CustomList, CustomValue, add_instant};

impl Engine {
    pub(super) fn tell_fields(&mut self, slot: Slot, event: &TicketEvent<'_>, stamp: Stamp, changes: &mut Changes) {
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
        if let (Some(created_at), None) = (told.created_at, self.tickets[slot].created_at) {
            let created_at = created_at.min(stamp.at);
            self.tickets[slot].created_at = Some(created_at);
            self.tickets[slot].was_open_at(created_at);
            changes.reads = changes.reads.and(Topic::Life).and_field(&tierline_rules::FieldRef::Ticket(CreatedAt));
        }
        for &field in &event.cleared.fields {
            // Nobody has been assigned since the ticket was created, whenever that is told.
            let from_creation = field == Assignee && event.kind == tierline_model::TicketEventKind::Created;
            let created_at = self.tickets[slot].created_at.filter(|_| from_creation);
            let stamp = Stamp { at: created_at.map_or(stamp.at, |at| at.min(stamp.at)), ..stamp };
            self.tell(slot, field, None, stamp, changes);
        }
        self.tell_custom(slot, event, stamp, changes);
        if let Some(before) = changes.priority_was {
            self.change_priority(slot, stamp.at, before);
        }
    }

    pub(super) fn tell_custom(&mut self, slot: Slot, event: &TicketEvent<'_>, stamp: Stamp, changes: &mut Changes) {
        let set = event.ticket.custom.iter().map(|(name, value)| (name, Some(custom(value))));
        for (name, value) in set.chain(event.cleared.custom.iter().map(|name| (name, None))) {
            let name = self.texts.intern(&cut(name, kept::WORD));
            let cells = &mut self.tickets[slot].rare().custom;
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
    pub(super) fn tell(
        &mut self,
        slot: Slot,
        field: TicketField,
        value: Option<CellValue>,
        stamp: Stamp,
        changes: &mut Changes,
    ) {
        let ticket = &mut self.tickets[slot];
        let was = ticket.cells.small(field);
        let told = ticket.cells.tell(field, value.clone(), stamp);
        ticket.behind.fields |= told != Told::Stale;
        match told {
            Told::Stale => {
                self.counts.stale += 1;
                return;
            }
            Told::Same => return,
            Told::Changed => {}
        }
        changes.reads = changes.reads.and_field(&tierline_rules::FieldRef::Ticket(field));
        match (field, &value) {
            (TicketField::Status, Some(CellValue::Small(status))) => {
                self.note_status(slot, stamp.at, Status::ALL[*status as usize]);
            }
            (TicketField::Priority, _) => {
                changes.priority_was = Some(was.map(|word| tierline_model::Priority::ALL[word as usize]));
            }
            _ => {}
        }
        let ticket = &mut self.tickets[slot];
        match (field, value) {
            (TicketField::Status, Some(CellValue::Small(status))) => {
                let was_open = was.is_none_or(|status| Status::ALL[status as usize].is_open());
                match (was_open, Status::ALL[status as usize].is_open()) {
                    (true, false) => {
                        ticket.marks.add(stamp.at, Mark::Solved);
                        changes.closes = Some(Status::ALL[status as usize].word());
                        changes.disproves.extend([AbsenceOf::AgentReply, AbsenceOf::Closing]);
                    }
                    (false, true) => {
                        changes.reopens = true;
                        add_instant(&mut ticket.rare().reopened, stamp.at);
                    }
                    _ => {}
                }
                changes.disproves.push(AbsenceOf::Status);
                changes.reads = changes.reads.and(Topic::Life).and(Topic::Conversation).and(Topic::Sla);
            }
            (TicketField::HandledBy, by) => {
                let is_bot = matches!(by, Some(CellValue::Small(by)) if by == HandledBy::Bot as u32);
                let mark = if is_bot { Mark::Bot } else { Mark::HandedOver };
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
                    if was.is_some() {
                        add_instant(&mut ticket.rare().reassigned, stamp.at);
                    }
                }
            }
            (TicketField::WaitingSince, value) if !ticket.met => {
                ticket.marks.set_known();
                if let Some(CellValue::Instant(since)) = value {
                    ticket.marks.add(since, Mark::Contact);
                    ticket.was_open_at(since);
                }
                changes.reads = changes.reads.and(Topic::Conversation).and(Topic::Sla);
            }
            (TicketField::FirstRepliedAt, _) => changes.reads = changes.reads.and(Topic::Sla),
            (TicketField::Spam, _) => changes.reads = changes.reads.and(Topic::Tickets),
            _ => {}
        }
    }

    pub(super) fn rate(&mut self, slot: Slot, event: &TicketEvent<'_>, stamp: Stamp, changes: &mut Changes) {
        if let Some(rating) = event.rating {
            self.tell(slot, TicketField::Rating, Some(CellValue::Small(rating.into())), stamp, changes);
        }
        if let Some(comment) = &event.rating_comment {
            let comment = cut(comment, kept::FIELD).into_owned().into_boxed_str();
            self.tell(slot, TicketField::RatingComment, Some(CellValue::Text(comment)), stamp, changes);
        }
    }
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
