//! A reply or a note: who wrote it, whether anybody did, and what of it is no message at all.

use tierline_model::Author;

use super::{Reader, words};
use crate::records::{Message, TicketEvent};
use crate::sources::desk::{self, first, plain, vendor_id};
use crate::{Json, content_id};

/// Reads a conversation of the API, or what the template tells of one. None: it says nothing.
pub fn read(
    reader: &Reader<'_, '_>,
    id: &str,
    requester: Option<&str>,
    told: Json<'_>,
    by: Option<Author>,
) -> Option<Message> {
    let text = first([told.get("body_text"), told.get("body"), told.get("body_html"), told.get("text")]).text();
    let message_id = vendor_id(told.get("id"));
    if text.is_none() && message_id.is_none() {
        return None;
    }
    let text = text.map(plain);
    let source = told.get("source").whole();
    let public = first([told.get("public")]).flag().or_else(|| told.get("private").flag().map(|private| !private));
    let user = vendor_id(first([told.get("user_id"), told.at("/user/id"), told.at("/author/id")]));
    let incoming = told.get("incoming").flag().map(|incoming| if incoming { Author::Customer } else { Author::Agent });
    let is_bot = user.as_deref().is_some_and(|user| reader.desk.options.is_bot(user));
    // Staff who are the requester count as the customer; their notes are still for colleagues.
    let is_requester = user.is_some() && user.as_deref() == requester && public != Some(false);
    let known = || reader.user(user.as_deref()?)?.role;
    let author = match () {
        () if is_bot => Author::Bot,
        () if is_requester => Author::Customer,
        () => by.or(incoming).or_else(known).unwrap_or(Author::Agent),
    };
    let name = first([told.get("author_name"), told.at("/author/name"), told.at("/user/name")]).text();
    let name = name.map(str::to_owned).or_else(|| reader.user(user.as_deref()?)?.name.clone());
    let mut message = desk::message(author, public.unwrap_or(true));
    let nameless =
        || format!("{id}:{}", content_id(format!("{author}:{}", text.as_deref().unwrap_or_default()).as_bytes()));
    message.id = Some(message_id.map_or_else(nameless, |id| id.into_owned()));
    message.author_name = name;
    message.automated = matches!(source, Some(words::SURVEY | words::FORWARD))
        || told.get("subject").text().is_some_and(desk::is_automatic_subject)
        || desk::has_automatic_headers(told.get("headers"))
        || text.as_deref().is_some_and(words::is_merge_note);
    message.text = text.map(|text| text.into_owned());
    Some(message)
}

/// The first message: the ticket's description.
pub fn description(reader: &Reader<'_, '_>, id: &str, ticket: Json<'_>, by: Author) -> Option<Message> {
    let text = first([ticket.get("description_text"), ticket.get("description")]).text()?;
    let mut message = desk::message(by, true);
    message.id = Some(desk::first_message(id));
    let name = first([ticket.at("/requester/name"), ticket.get("requester_name")]).text().map(str::to_owned);
    let name = name.or_else(|| reader.user(&super::ticket::requester(ticket)?)?.name.clone());
    message.author_name = name.filter(|_| by == Author::Customer);
    message.automated = by == Author::System;
    message.text = Some(plain(text).into_owned());
    Some(message)
}

/// The record of a message, and what else it means.
pub fn push(reader: &mut Reader<'_, '_>, id: &str, event: TicketEvent, message: Message) {
    let merged = message.text.as_deref().filter(|_| message.automated).and_then(words::merged_into).map(str::to_owned);
    desk::push_message(&reader.desk.basics, id, event, message, merged, &mut reader.reading);
}
