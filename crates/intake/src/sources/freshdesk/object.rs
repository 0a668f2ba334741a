//! Objects as Freshdesk's API and its exports write them: tickets with or without their conversations, single
//! conversations, ratings, companies, contacts, agents, groups.

use tierline_model::{Author, TicketEventKind, TicketField};

use super::{Reader, message, people, ticket, words};
use crate::directory::{EntryKind, Known};
use crate::records::TicketEvent;
use crate::sources::desk::{self, first, vendor_id};
use crate::{Json, Unreadable};

/// What an answer of the API or an item of an export holds.
pub fn read(reader: &mut Reader<'_, '_>, payload: Json<'_>) -> Result<(), Unreadable> {
    if payload.is_list() {
        return payload.items().try_for_each(|item| reader.read(item));
    }
    // Those of old stand in an object that says what they are; exports write all of them as lists.
    const NAMED: [&str; 8] =
        ["ticket", "helpdesk_ticket", "note", "conversation", "company", "contact", "user", "agent"];
    if payload.get("id").id().is_none() {
        for name in NAMED {
            let inner = payload.get(name);
            if desk::is_object(inner) {
                return named(reader, name, inner);
            }
        }
        let lists = ["agents", "contacts", "companies", "groups", "tickets", "results", "conversations"];
        let mut any = false;
        for list in lists {
            for item in payload.get(list).items() {
                any = true;
                reader.read(item)?;
            }
        }
        if any {
            return Ok(());
        }
    }
    match kind_of(payload) {
        Some(name) => named(reader, name, payload),
        None if vendor_id(payload.get("id")).is_some() => {
            reader.reading.ignore("", "an object of neither a ticket nor a conversation nor a company nor a person");
            Ok(())
        }
        None => Err(Unreadable::undecodable("neither the template, nor an event, nor an object of Freshdesk's API")),
    }
}

fn kind_of(object: Json<'_>) -> Option<&'static str> {
    let has = |names: &[&str]| names.iter().any(|name| object.get(name).is_told());
    match () {
        () if has(&["ratings", "default_question"]) => Some("rating"),
        () if has(&["ticket_id"]) && has(&["body", "body_text", "incoming"]) => Some("conversation"),
        () if has(&["requester_id", "subject"]) => Some("ticket"),
        () if has(&["ticket_scope", "occasional"]) => Some("agent"),
        () if has(&["domains", "health_score", "account_tier"]) => Some("company"),
        () if has(&["email", "mobile"]) => Some("contact"),
        () if has(&["agent_ids", "escalate_to"]) => Some("group"),
        () => None,
    }
}

fn named(reader: &mut Reader<'_, '_>, name: &str, told: Json<'_>) -> Result<(), Unreadable> {
    match name {
        "ticket" | "helpdesk_ticket" => whole(reader, told),
        "note" | "conversation" => conversation(reader, told, None),
        "rating" => rated(reader, told),
        "company" => {
            people::company(reader, told);
            Ok(())
        }
        "group" => {
            if let (Some(id), Some(name)) = (vendor_id(told.get("id")), told.get("name").text()) {
                reader.remember(EntryKind::Team, &id, Known { name: Some(name.to_owned()), ..Known::default() });
            }
            Ok(())
        }
        _ => {
            people::person(reader, told, name == "agent");
            Ok(())
        }
    }
}

/// A ticket: with its conversations its whole story, else as it stands.
fn whole(reader: &mut Reader<'_, '_>, told: Json<'_>) -> Result<(), Unreadable> {
    let id = ticket::id(told).ok_or_else(|| Unreadable::missing("/ticket/id"))?;
    let created_at = desk::when(told.get("created_at")).ok_or_else(|| Unreadable::missing("/ticket/created_at"))?;
    let updated_at = desk::when(told.get("updated_at")).unwrap_or(created_at).max(created_at);
    let is_gone = told.get("deleted").flag() == Some(true);
    people::learn(reader, told);
    let home = reader.home(&id, told, updated_at);
    let mut fields = ticket::fields(reader, &id, told);
    let by = ticket::opened_by(told).unwrap_or(Author::Customer);
    let requester = ticket::requester(told);
    let basics = &reader.desk.basics;
    let event = |kind, event_id: String, at| TicketEvent::new(basics, kind, event_id, &id, home.clone(), at);
    let created = |fields| TicketEvent { fields, ..event(TicketEventKind::Created, desk::created_id(&id), created_at) };
    let has_story = told.get("conversations").is_told() || told.get("notes").is_told();
    if !has_story && updated_at == created_at && !is_gone {
        let message = message::description(reader, &id, told, by);
        reader.reading.push(TicketEvent { message, ..created(fields) });
        return Ok(());
    }
    if has_story {
        let message = message::description(reader, &id, told, by);
        reader.reading.push(TicketEvent { message, ..created(fields.only(desk::OF_CREATION)) });
        let conversations = told.get("conversations").items().chain(told.get("notes").items());
        let mut messages = Vec::new();
        for one in conversations {
            let named = first([one.get("note"), one.get("helpdesk_note")]);
            let one = if desk::is_object(named) { named } else { one };
            let at = desk::when(one.get("created_at")).unwrap_or(created_at);
            messages.extend(message::read(reader, &id, requester.as_deref(), one, None).map(|message| (at, message)));
        }
        messages.sort_by_key(|(at, _)| *at);
        for (at, message) in messages {
            let event_id = format!("{id}:message:{}", message.id.as_deref().unwrap_or_default());
            message::push(reader, &id, event(TicketEventKind::Message, event_id, at), message);
        }
    } else {
        ticket::tell_stats(&mut fields, told);
    }
    fields.set(TicketField::CreatedAt, created_at);
    let kind = if is_gone { TicketEventKind::Deleted } else { TicketEventKind::Updated };
    let event_id = desk::version_id(&id, updated_at, reader.context.delivery);
    let by_kind = has_story.then_some(Author::System);
    reader.reading.push(TicketEvent { fields, by_kind, ..event(kind, event_id, updated_at) });
    Ok(())
}

/// A reply or a note by itself.
pub fn conversation(reader: &mut Reader<'_, '_>, told: Json<'_>, by: Option<Author>) -> Result<(), Unreadable> {
    let id = vendor_id(told.get("ticket_id")).ok_or_else(|| Unreadable::missing("/ticket_id"))?;
    let at = desk::when(told.get("created_at")).unwrap_or(reader.context.delivery.received_at);
    // Whoever writes in is the requester, or asks with them.
    let writer = vendor_id(told.get("user_id")).filter(|_| told.get("incoming").flag() == Some(true));
    let basics = &reader.desk.basics;
    let home = desk::guessed_home(basics, &id, writer.as_deref(), at, reader.context, &mut reader.reading);
    let Some(message) = message::read(reader, &id, None, told, by) else {
        reader.reading.ignore("/body", "a message that says nothing");
        return Ok(());
    };
    let event_id = format!("{id}:message:{}", message.id.as_deref().unwrap_or_default());
    let event = TicketEvent::new(&reader.desk.basics, TicketEventKind::Message, event_id, &id, home, at);
    message::push(reader, &id, event, message);
    Ok(())
}

/// A rating: <https://developers.freshdesk.com/api/#satisfaction-ratings>.
fn rated(reader: &mut Reader<'_, '_>, told: Json<'_>) -> Result<(), Unreadable> {
    let id = vendor_id(told.get("ticket_id")).ok_or_else(|| Unreadable::missing("/ticket_id"))?;
    let at = desk::when(told.get("created_at")).unwrap_or(reader.context.delivery.received_at);
    let number = first([told.at("/ratings/default_question"), told.get("rating")]).whole();
    let Some(rating) = number.and_then(words::rating) else {
        reader.reading.ignore("/ratings/default_question", "not a rating that Freshdesk documents");
        return Ok(());
    };
    let requester = vendor_id(told.get("user_id"));
    let basics = &reader.desk.basics;
    let home = desk::guessed_home(basics, &id, requester.as_deref(), at, reader.context, &mut reader.reading);
    let event_id = vendor_id(told.get("id")).map_or_else(|| format!("{id}:{at}"), |rating| rating.into_owned());
    let event = TicketEvent::new(basics, TicketEventKind::Rated, format!("rating:{event_id}"), &id, home, at);
    let comment = told.get("feedback").text().map(str::to_owned);
    reader.reading.push(TicketEvent { rating: Some(rating), rating_comment: comment, ..event });
    Ok(())
}
