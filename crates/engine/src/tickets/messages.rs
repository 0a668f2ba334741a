//! What a message does: who waits now, and what the context package shows.

use tierline_model::{Author, Message, Millis, TicketEvent, TicketEventKind, cut};
use tierline_rules::{AbsenceOf, Topic};

use super::{Changes, is_person, kept};
use crate::account::Slot;
use crate::engine::Engine;
use crate::marks::Mark;
use crate::ticket::{StoredMessage, Ticket};

impl Engine {
    pub(super) fn take_message(
        &mut self,
        slot: Slot,
        event: &TicketEvent<'_>,
        message: &Message<'_>,
        at: Millis,
        changes: &mut Changes,
    ) {
        let ticket = &mut self.tickets[slot];
        if message.id.as_ref().is_some_and(|id| !ticket.bulk.messages.admit(id)) {
            self.counts.repeats += 1;
            return;
        }
        ticket.keep_message(message, at);
        if is_person(message.author) && !message.automated {
            self.touch(slot, at, changes);
        }
        let ticket = &mut self.tickets[slot];
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

    pub(super) fn touch(&mut self, slot: Slot, at: Millis, changes: &mut Changes) {
        let touched = &mut self.tickets[slot].touched_at;
        *touched = Some(touched.map_or(at, |touched| touched.max(at)));
        changes.reads = changes.reads.and(Topic::Touched);
        changes.disproves.push(AbsenceOf::Change);
    }
}

impl Ticket {
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
