//! A comment: who wrote it, whether anybody did, and what of it is no message at all.

use tierline_model::{Author, Millis};

use super::{Reader, ticket, words};
use crate::Json;
use crate::directory::{EntryKind, Known};
use crate::records::{Message, TicketEvent};
use crate::sources::desk::{self, first, plain, vendor_id};

/// <https://developer.zendesk.com/documentation/ticketing/reference-guides/comment-flags/>: *the comment was
/// automatically generated*, as its mail's headers said.
const FLAG_AUTOMATIC: i64 = 4;

/// The first comment is written with the ticket; its own instant may be a little later.
const WITH_CREATION: u64 = 60_000;
const AT_ONCE: u64 = 2_000;

/// A comment as a message, and when it was written.
pub struct Comment {
    /// The message.
    pub message: Message,
    /// When.
    pub at: Millis,
}

/// Which of a ticket's comments it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its first.
    First,
    /// A later one.
    Later,
    /// That is not told.
    Untold,
}

/// Reads a comment on a ticket, written at `at` unless it says otherwise. None: there is none.
pub fn read(
    reader: &mut Reader<'_, '_>,
    id: &str,
    ticket: Json<'_>,
    comment: Json<'_>,
    at: Millis,
    place: Place,
) -> Option<Comment> {
    let text = first([comment.get("plain_body"), comment.get("body"), comment.get("html_body"), comment.get("value")]);
    let comment_id = vendor_id(comment.get("id"));
    let writer = vendor_id(first([comment.get("author_id"), comment.at("/author/id")]));
    // Placeholders of no comment are blank.
    if text.text().is_none() && comment_id.is_none() && writer.is_none() {
        return None;
    }
    let text = text.text().map(plain);
    let at = desk::when(comment.get("created_at")).unwrap_or(at);
    let public = first([comment.get("public"), comment.get("is_public")]).flag().unwrap_or(true);
    let (author, author_name) = author(reader, ticket, comment);
    let mut message = desk::message(author, public);
    message.author_name = author_name;
    let is_first = match place {
        Place::First => true,
        Place::Later => false,
        Place::Untold => is_description(ticket, comment, text.as_deref(), at),
    };
    message.id = Some(match is_first {
        true => desk::first_message(id),
        false => comment_id.map_or_else(|| nameless(id, at, text.as_deref()), |id| id.into_owned()),
    });
    message.automated = is_automated(comment, text.as_deref());
    message.text = text.map(|text| text.into_owned());
    Some(Comment { message, at })
}

/// The record of a comment, and what else it means.
pub fn push(reader: &mut Reader<'_, '_>, event: TicketEvent, id: &str, comment: Comment) {
    let Comment { message, .. } = comment;
    let merged = message.text.as_deref().filter(|_| message.automated).and_then(words::merged_into).map(str::to_owned);
    desk::push_message(&reader.desk.basics, id, event, message, merged, &mut reader.reading);
}

/// Who wrote it, and their name. What is learnt of them on the way is remembered.
fn author(reader: &mut Reader<'_, '_>, ticket: Json<'_>, comment: Json<'_>) -> (Author, Option<String>) {
    let author = comment.get("author");
    let Some(id) = vendor_id(first([comment.get("author_id"), author.get("id")])) else {
        return (Author::System, None);
    };
    let told = match author.get("is_staff").flag() {
        Some(true) => Some(Author::Agent),
        Some(false) => Some(Author::Customer),
        None => author.get("role").text().and_then(role),
    };
    let name = author.get("name").text().map(str::to_owned);
    if told.is_some() || name.is_some() {
        let mut known: Known = reader.user(&id).cloned().unwrap_or_default();
        known.role = told.or(known.role);
        known.name = name.clone().or(known.name);
        reader.remember(EntryKind::User, &id, known);
    }
    let name = name.or_else(|| reader.user(&id)?.name.clone());
    (reader.who(&id, ticket), name)
}

/// <https://developer.zendesk.com/api-reference/ticketing/users/users/>, `role`; triggers write `End-user`.
pub fn role(word: &str) -> Option<Author> {
    match word.trim().to_ascii_lowercase().as_str() {
        "agent" | "admin" | "administrator" | "owner" => Some(Author::Agent),
        "end-user" | "end user" | "enduser" => Some(Author::Customer),
        _ => None,
    }
}

/// Whether it is the ticket's description, which some ways bring without an id: the same words, or at the same moment by
/// whoever opened the ticket, for a mail's words are told in more than one dress.
fn is_description(ticket: Json<'_>, comment: Json<'_>, text: Option<&str>, at: Millis) -> bool {
    let Some(created_at) = desk::when(ticket.get("created_at")) else { return false };
    let Some(description) = ticket.get("description").text().map(plain) else { return false };
    let author = vendor_id(first([comment.get("author_id"), comment.at("/author/id")]));
    let submitter = vendor_id(first([ticket.get("submitter_id"), ticket.at("/submitter/id")]));
    let is_at_once = at.abs_diff(created_at) <= AT_ONCE && submitter.is_some() && author == submitter;
    is_at_once || at.abs_diff(created_at) <= WITH_CREATION && Some(description.as_ref()) == text
}

/// A trigger's comment may come without an id: what it says, and when, is its identity.
fn nameless(id: &str, at: Millis, text: Option<&str>) -> String {
    let hash = crate::content_id(format!("{at}:{}", text.unwrap_or_default()).as_bytes());
    format!("{id}:{hash}")
}

fn is_automated(comment: Json<'_>, text: Option<&str>) -> bool {
    let flags = first([comment.at("/metadata/flags"), comment.get("flags")]);
    let rel = comment.at("/via/source/rel").text();
    let channel = comment.at("/via/channel").text();
    flags.items().any(|flag| flag.whole() == Some(FLAG_AUTOMATIC))
        || desk::has_automatic_headers(comment.get("headers"))
        || rel == Some("merge")
        || matches!(channel, Some("rule" | "trigger" | "automation"))
        || text.is_some_and(words::is_merge_comment)
}

/// The first comment, where a payload brings it as the ticket's description.
pub fn description(reader: &mut Reader<'_, '_>, id: &str, payload: Json<'_>) -> Option<Message> {
    let text = payload.get("description").text().map(plain)?;
    let by = ticket::opened_by(reader, payload).unwrap_or(Author::Customer);
    let public = payload.get("is_public").flag().unwrap_or(true);
    let mut message = desk::message(by, public);
    message.id = Some(desk::first_message(id));
    message.automated = by == Author::System;
    let submitter = vendor_id(first([payload.get("submitter_id"), payload.at("/submitter/id")]));
    let submitter = submitter.or_else(|| ticket::requester(payload));
    message.author_name = submitter.and_then(|id| reader.user(&id)?.name.clone());
    message.text = Some(text.into_owned());
    Some(message)
}
