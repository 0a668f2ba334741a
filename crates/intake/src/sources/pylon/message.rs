//! A message of an issue: its body, a reply, a note.

use std::borrow::Cow;

use tierline_model::{Author, TicketEventKind};

use super::Reader;
use super::issue::{opened_by, requester};
use crate::directory::EntryKind;
use crate::records::{Message, TicketEvent};
use crate::sources::desk::{self, first, plain, vendor_id};
use crate::{Json, Unreadable, content_id};

/// A message by itself, which must say of which issue it is.
pub fn by_itself(reader: &mut Reader<'_, '_>, told: Json<'_>) -> Result<(), Unreadable> {
    let id = vendor_id(told.get("issue_id")).ok_or_else(|| Unreadable::missing("/issue_id"))?;
    let at = desk::when(first([told.get("timestamp"), told.get("created_at")]));
    let at = at.unwrap_or(reader.context.delivery.received_at);
    let contact = vendor_id(told.at("/author/contact/id"));
    let basics = &reader.desk.basics;
    let home = desk::guessed_home(basics, &id, contact.as_deref(), at, reader.context, &mut reader.reading);
    let Some(message) = written(reader, &id, Json::absent(), told, None) else {
        reader.reading.ignore("/message_html", "a message that says nothing");
        return Ok(());
    };
    let event_id = format!("{id}:message:{}", message.id.as_deref().unwrap_or_default());
    let event = TicketEvent::new(basics, TicketEventKind::Message, event_id, &id, home, at);
    desk::push_message(basics, &id, event, message, None, &mut reader.reading);
    Ok(())
}

/// The first message: the issue's body.
pub fn body(reader: &Reader<'_, '_>, id: &str, told: Json<'_>) -> Option<Message> {
    let text = first([told.get("body_html"), told.get("body")]).text()?;
    let author = opened_by(told).unwrap_or(Author::Customer);
    let mut message = desk::message(author, true);
    message.id = Some(desk::first_message(id));
    let name = told.at("/requester/name").text().map(str::to_owned);
    message.author_name = name.or_else(|| reader.known(EntryKind::User, &requester(told)?)?.name.clone());
    message.automated = author == Author::System;
    message.text = Some(plain(text).into_owned());
    Some(message)
}

/// A message of a contact, who is a customer, or of a user, who is an agent.
pub fn written(
    reader: &Reader<'_, '_>,
    id: &str,
    issue: Json<'_>,
    told: Json<'_>,
    by: Option<Author>,
) -> Option<Message> {
    let text = first([told.get("message_html"), told.get("body_html"), told.get("body"), told.get("text")]).text();
    let message_id = vendor_id(told.get("id"));
    if text.is_none() && message_id.is_none() {
        return None;
    }
    let text = text.map(plain);
    let writer = told.get("author");
    let contact = vendor_id(writer.at("/contact/id"));
    let user = vendor_id(writer.at("/user/id"));
    let bare = vendor_id(writer.get("id"));
    let is_bot = |id: &Option<Cow<'_, str>>| id.as_deref().is_some_and(|id| reader.desk.options.is_bot(id));
    let known = || reader.known(EntryKind::User, bare.as_deref()?)?.role;
    let is_requester = bare.is_some() && bare == requester(issue);
    let author = match () {
        () if is_bot(&user) || is_bot(&bare) => Author::Bot,
        () if contact.is_some() || is_requester => Author::Customer,
        () if user.is_some() => Author::Agent,
        () => known().or(by).unwrap_or(Author::Agent),
    };
    let is_private = first([told.get("is_private"), told.get("private")]).flag();
    let public = is_private.map(|private| !private).or_else(|| told.get("public").flag()).unwrap_or(true);
    let mut message = desk::message(author, public);
    let hash = || content_id(format!("{author}:{}", text.as_deref().unwrap_or_default()).as_bytes());
    message.id = Some(message_id.map_or_else(|| format!("{id}:{}", hash()), |id| id.into_owned()));
    message.author_name = writer.get("name").text().map(str::to_owned);
    let subject = told.at("/email_info/subject").text();
    message.automated = desk::has_automatic_headers(told.at("/email_info/headers"))
        || author == Author::Customer && subject.is_some_and(desk::is_automatic_subject);
    message.text = text.map(|text| text.into_owned());
    Some(message)
}
