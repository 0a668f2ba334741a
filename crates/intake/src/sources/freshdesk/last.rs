//! What a ticket was last told to be, by payloads that bring no id: what equals it is a repeat, all else is news.
//!
//! An id is made of what was told and of when that first came, so that a status which comes back, or an answer that is
//! given again, is another event. When it came is kept with the raw payload: a replay makes the same ids in its order.

use serde_json::json;
use tierline_model::Millis;

use super::Reader;
use crate::content_id;
use crate::directory::EntryKind;
use crate::records::Message;

/// Members of what a ticket's entry alone understands.
const EVENT: &str = "event";
const PUBLIC: &str = "public";
const PRIVATE: &str = "private";

/// Something that was told, and when it first came.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Last {
    hash: String,
    at: Millis,
}

/// The event's id of this delivery.
pub fn event_id(reader: &mut Reader<'_, '_>, ticket: &str) -> String {
    let hash = content_id(reader.context.delivery.body);
    let last = find(reader, ticket, EVENT);
    tell(reader, ticket, EVENT, hash, last)
}

/// A message's id. `is_news`: the payload says that somebody wrote, and does not just repeat the latest comment.
pub fn message_id(reader: &mut Reader<'_, '_>, ticket: &str, message: &Message, is_news: bool) -> String {
    let text = message.text.as_deref().unwrap_or_default();
    let hash = content_id(format!("{}:{text}", message.author).as_bytes());
    // The latest public comment and the latest private one are told by placeholders of their own.
    let (name, other) = if message.public { (PUBLIC, PRIVATE) } else { (PRIVATE, PUBLIC) };
    let other = find(reader, ticket, other);
    let is_last = |last: &Last| !is_news || other.as_ref().is_none_or(|other| other.at <= last.at);
    let last = find(reader, ticket, name).filter(is_last);
    format!("{ticket}:{}", tell(reader, ticket, name, hash, last))
}

/// The id of what is told now, and that it is remembered as the last.
fn tell(reader: &mut Reader<'_, '_>, ticket: &str, name: &str, hash: String, last: Option<Last>) -> String {
    let now = reader.context.delivery.received_at;
    // In a replay the entry may tell of what came later: that is no repeat.
    let repeated = last.filter(|last| last.hash == hash && last.at <= now);
    let told = repeated.unwrap_or(Last { hash, at: now });
    let id = content_id(format!("{}:{}", told.hash, told.at).as_bytes());
    let mut known = reader.known(EntryKind::Ticket, ticket).cloned().unwrap_or_default();
    let more = known.more.get_or_insert_with(Box::default);
    more.insert(name.to_owned(), json!({"hash": told.hash, "at": told.at}));
    reader.remember(EntryKind::Ticket, ticket, known);
    id
}

fn find(reader: &Reader<'_, '_>, ticket: &str, name: &str) -> Option<Last> {
    let last = reader.known(EntryKind::Ticket, ticket)?.more.as_deref()?.get(name)?;
    Some(Last { hash: last.get("hash")?.as_str()?.to_owned(), at: last.get("at")?.as_i64()? })
}
