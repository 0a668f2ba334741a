//! What a message does: who waits now, and what the context package shows.

use tierline_model::{Author, Message, Millis, TicketEvent, TicketEventKind, cut};
use tierline_rules::{AbsenceOf, Topic};

use super::{Changes, is_person, kept};
use crate::account::Slot;
use crate::engine::Engine;
use crate::imports::Sleep;
use crate::marks::Mark;
use crate::ticket::{PhraseCell, StoredMessage, Ticket, add_instant};

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
        let is_repeat = event.import_id.is_some() && ticket.was_live_at(at)
            || message.id.as_ref().is_some_and(|id| !ticket.bulk.messages.admit(id));
        if is_repeat {
            self.counts.repeats += 1;
            return;
        }
        ticket.keep_message(message, at);
        if is_person(message.author) && !message.automated {
            self.touch(slot, at, changes);
        }
        if message.automated {
            return;
        }
        if message.author == Author::Customer && self.note_phrases(slot, message, at) {
            changes.reads = changes.reads.and(Topic::Phrases);
        }
        let ticket = &mut self.tickets[slot];
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

    /// Whether a customer's message says anything that a rule asks for.
    fn note_phrases(&mut self, slot: Slot, message: &Message<'_>, at: Millis) -> bool {
        let Some(text) = &message.text else { return false };
        let rules = self.rules.clone();
        let mut said = false;
        for (phrase, _) in rules.phrases.iter().enumerate().filter(|(_, phrase)| phrase.is_in(text)) {
            let (phrase, cells) = (phrase as u16, &mut self.tickets[slot].rare().phrases);
            let place = cells.iter().position(|cell| cell.phrase == phrase).unwrap_or_else(|| {
                cells.push(PhraseCell { phrase, at: Vec::new() });
                cells.len() - 1
            });
            add_instant(&mut cells[place].at, at);
            said = true;
        }
        said
    }

    pub(super) fn touch(&mut self, slot: Slot, at: Millis, changes: &mut Changes) {
        let touched = &mut self.tickets[slot].touched_at;
        *touched = Some(touched.map_or(at, |touched| touched.max(at)));
        changes.reads = changes.reads.and(Topic::Touched);
        changes.disproves.push(AbsenceOf::Change);
    }
}

impl Ticket {
    /// Whether an imported message of that instant must have been met already, though its id is not among the last ones
    /// any more.
    fn was_live_at(&self, at: Millis) -> bool {
        self.sleep == Sleep::Awake
            && self.bulk.messages.is_full()
            && self.created_at.is_some_and(|created_at| created_at <= at)
            && self.bulk.texts.first().is_some_and(|oldest| at < oldest.at)
    }

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
