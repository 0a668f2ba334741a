//! A part of a conversation: a message, or something that was done.

use tierline_model::{Author, Millis};

use super::{Reader, words};
use crate::Json;
use crate::records::Message;
use crate::sources::desk::{self, first, plain, vendor_id};

/// A message, and when it was written.
pub struct Written {
    /// The message.
    pub message: Message,
    /// When.
    pub at: Millis,
}

/// A part that somebody wrote; none: it tells what was done.
pub fn read(reader: &Reader<'_, '_>, part: Json<'_>, at: Millis) -> Option<Written> {
    let part_type = part.get("part_type").text().unwrap_or("comment");
    let public = words::is_written(part_type)?;
    let text = part.get("body").text().map(plain).filter(|text| !text.is_empty());
    // A picture alone is a message as well.
    let is_message =
        text.is_some() || matches!(part_type, "comment" | "note") && part.get("attachments").items().next().is_some();
    if !is_message {
        return None;
    }
    let (author, author_name) = reader.author(part.get("author"));
    let mut message = desk::message(author, public);
    message.author_name = author_name;
    message.id = vendor_id(part.get("id")).map(|id| id.into_owned());
    let subject = part.at("/email_message_metadata/subject").text();
    message.automated = subject.is_some_and(desk::is_automatic_subject) && author == Author::Customer;
    message.text = text.map(|text| text.into_owned());
    Some(Written { message, at: desk::when(part.get("created_at")).unwrap_or(at) })
}

/// What began a conversation, and who; none: nothing is told of it.
pub fn source(reader: &Reader<'_, '_>, id: &str, item: Json<'_>) -> Option<Message> {
    let source = first([item.get("source"), item.get("conversation_message")]);
    let described = item.at("/ticket_attributes/_default_description_").text();
    if let Some(text) = described.filter(|_| !desk::is_object(source)) {
        let author = opened_by(reader, item).unwrap_or(Author::Customer);
        let mut message = desk::message(author, author == Author::Customer);
        message.id = Some(desk::first_message(id));
        message.text = Some(plain(text).into_owned());
        return Some(message);
    }
    let (written_by, author_name) = reader.author(source.get("author"));
    let author = opened_by(reader, item)?;
    let text = source.get("body").text().map(plain).filter(|text| !text.is_empty());
    let mut message = desk::message(author, true);
    message.author_name = author_name.filter(|_| written_by == author);
    message.id = Some(desk::first_message(id));
    message.automated =
        author == Author::Customer && source.get("subject").text().is_some_and(desk::is_automatic_subject);
    message.text = text.map(|text| text.into_owned());
    message.text.is_some().then_some(message)
}

/// Who began a conversation: what Intercom says of its delivery, else who wrote its first message.
pub fn opened_by(reader: &Reader<'_, '_>, item: Json<'_>) -> Option<Author> {
    // https://developers.intercom.com/docs/references/rest-api/api.intercom.io/tickets/ticket: those are among colleagues.
    let category = first([item.get("category"), item.at("/ticket_type/category")]).text();
    if matches!(category, Some("Back-office" | "Tracker")) {
        return Some(Author::Agent);
    }
    let source = first([item.get("source"), item.get("conversation_message")]);
    let delivered = source.get("delivered_as").text().and_then(words::begun);
    let wrote = desk::is_object(source.get("author")).then(|| reader.author(source.get("author")).0);
    match (delivered, wrote) {
        // A program that writes in an agent's name.
        (Some(Author::Agent), Some(Author::Bot)) => Some(Author::Bot),
        (Some(delivered), _) => Some(delivered),
        (None, wrote) => wrote,
    }
}
