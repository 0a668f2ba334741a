//! Objects as Zendesk's API and its exports write them: tickets with or without their comments, and whatever comes
//! beside them.
//!
//! A ticket with its comments is its whole story: its creation, each message, and how it stands. One without is told as
//! it stands, and never as created unless nothing has happened to it since, for nobody can know who answered whom.

use tierline_model::{Author, Millis, Status, TicketEventKind, TicketField};

use super::comment::{self, Place};
use super::{Reader, people, ticket, words};
use crate::directory::EntryKind;
use crate::records::TicketEvent;
use crate::sources::desk::{self, first, vendor_id};
use crate::{Json, Unreadable};

/// What an answer of the API or a line of an export holds.
pub fn read(reader: &mut Reader<'_, '_>, payload: Json<'_>, pointer: &str) -> Result<(), Unreadable> {
    for (n, item) in payload.items().enumerate() {
        reader.read(item, &format!("{pointer}/{n}"))?;
    }
    let mut any = payload.items().next().is_some();
    // Whoever is named by the tickets comes first.
    type Learn = fn(&mut Reader<'_, '_>, Json<'_>);
    let lists: [(&str, &str, Learn); 6] = [
        ("users", "user", |reader, one| people::user(reader, one, false)),
        ("organizations", "organization", |reader, one| people::organisation(reader, one, Json::absent(), None, None)),
        ("groups", "group", |reader, one| people::named(reader, EntryKind::Team, one, "name", |id| id.to_owned())),
        ("brands", "brand", |reader, one| people::named(reader, EntryKind::Item, one, "name", ticket::brand_key)),
        ("ticket_fields", "ticket_field", |reader, one| {
            people::named(reader, EntryKind::Field, one, "title", |id| id.to_owned())
        }),
        ("custom_statuses", "custom_status", |reader, one| {
            people::named(reader, EntryKind::Item, one, "agent_label", ticket::status_key);
        }),
    ];
    for (list, single, learn) in lists {
        let of_list = payload.get(list).items();
        let single = Some(payload.get(single)).filter(|one| desk::is_object(*one) && payload.get("id").id().is_none());
        for one in of_list.chain(single) {
            learn(reader, one);
            any = true;
        }
    }
    for one in payload.get("tickets").items() {
        whole(reader, one, one.get("comments"))?;
        any = true;
    }
    // What a search finds.
    for (n, one) in payload.get("results").items().enumerate() {
        reader.read(one, &format!("{pointer}/results/{n}"))?;
        any = true;
    }
    if desk::is_object(payload.get("ticket")) {
        let one = payload.get("ticket");
        return whole(reader, one, first([one.get("comments"), payload.get("comments")]));
    }
    match kind_of(payload) {
        _ if any => Ok(()),
        Some("ticket") => whole(reader, payload, payload.get("comments")),
        Some("user") => {
            people::user(reader, payload, false);
            Ok(())
        }
        Some("organization") => {
            people::organisation(reader, payload, Json::absent(), None, None);
            Ok(())
        }
        _ if payload.get("count").is_told() => Ok(()),
        _ if vendor_id(payload.get("id")).is_some() => {
            reader.reading.ignore(pointer, "an object of neither a ticket nor a user nor an organisation");
            Ok(())
        }
        _ => Err(Unreadable::undecodable("neither an event, nor the template, nor an object of Zendesk's API")),
    }
}

/// What an object without a name is, by its address or by what only such a thing has.
fn kind_of(object: Json<'_>) -> Option<&'static str> {
    vendor_id(object.get("id"))?;
    let url = object.get("url").text().unwrap_or_default();
    let by_url = ["ticket", "user", "organization"].into_iter().find(|kind| url.contains(&format!("/{kind}s/")));
    let has = |names: &[&str]| names.iter().any(|name| object.get(name).is_told());
    by_url.or(match () {
        () if has(&["requester_id", "requester", "subject", "raw_subject", "submitter_id"]) => Some("ticket"),
        () if has(&["role", "email"]) => Some("user"),
        () if has(&["organization_fields", "domain_names", "shared_tickets"]) => Some("organization"),
        () => None,
    })
}

/// A ticket, with its comments where they are told.
fn whole(reader: &mut Reader<'_, '_>, told: Json<'_>, comments: Json<'_>) -> Result<(), Unreadable> {
    let id = vendor_id(told.get("id")).ok_or_else(|| Unreadable::missing("/ticket/id"))?;
    let created_at = desk::when(told.get("created_at")).ok_or_else(|| Unreadable::missing("/ticket/created_at"))?;
    let updated_at = desk::when(told.get("updated_at")).unwrap_or(created_at).max(created_at);
    for person in ["requester", "submitter", "assignee"] {
        people::learn(reader, told.get(person));
    }
    let home = reader.home(&id, told, updated_at);
    desk::tell_name(&reader.desk.basics, told.get("organization"), reader.context, &mut reader.reading);
    let mut fields = ticket::fields(reader, &id, told);
    let is_gone = told.get("status").text().is_some_and(|status| status.eq_ignore_ascii_case("deleted"));
    let comments =
        desk::list_or_one(if comments.get("comments").is_told() { comments.get("comments") } else { comments });
    let basics = &reader.desk.basics;
    let event = |kind, event_id: String, at| TicketEvent::new(basics, kind, event_id, &id, home.clone(), at);
    let created = |fields| TicketEvent { fields, ..event(TicketEventKind::Created, desk::created_id(&id), created_at) };
    if comments.is_empty() && updated_at == created_at {
        let message = comment::description(reader, &id, told);
        reader.reading.push(TicketEvent { message, ..created(fields) });
        return Ok(());
    }
    let has_story = !comments.is_empty();
    if has_story {
        let mut first_message = None;
        let mut messages = Vec::new();
        for one in comments {
            let place = if first_message.is_none() { Place::First } else { Place::Later };
            let Some(comment) = comment::read(reader, &id, told, one, created_at, place) else { continue };
            match place {
                Place::First => first_message = Some(comment.message),
                _ => messages.push(comment),
            }
        }
        let story = TicketEvent { message: first_message, ..created(fields.only(desk::OF_CREATION)) };
        reader.reading.push(story);
        messages.sort_by_key(|comment| comment.at);
        for comment in messages {
            let name = comment.message.id.clone().unwrap_or_default();
            let message = event(TicketEventKind::Message, format!("{id}:message:{name}"), comment.at);
            comment::push(reader, message, &id, comment);
        }
        tell_solving(reader, &id, told, &event, updated_at);
    }
    let kind = if is_gone { TicketEventKind::Deleted } else { TicketEventKind::Updated };
    fields.set(TicketField::CreatedAt, created_at);
    let event_id = desk::version_id(&id, updated_at, reader.context.delivery);
    let by_kind = has_story.then_some(Author::System);
    reader.reading.push(TicketEvent { fields, by_kind, ..event(kind, event_id, updated_at) });
    let rating = told.at("/satisfaction_rating/score").id().and_then(|score| words::rating(&score));
    if let Some(rating) = rating {
        let rated = event(TicketEventKind::Rated, format!("{id}:rated:{rating}"), updated_at);
        let comment = told.at("/satisfaction_rating/comment").text().map(str::to_owned);
        reader.reading.push(TicketEvent { rating: Some(rating), rating_comment: comment, ..rated });
    }
    Ok(())
}

/// When it was solved, where its metrics come with it: it may have changed since.
fn tell_solving(
    reader: &mut Reader<'_, '_>,
    id: &str,
    told: Json<'_>,
    event: &dyn Fn(TicketEventKind, String, Millis) -> TicketEvent,
    updated_at: Millis,
) {
    let solved = told.get("status").text().and_then(words::status).filter(|status| !status.is_open());
    let solved_at = desk::when(told.at("/metric_set/solved_at")).filter(|at| *at < updated_at);
    if let (Some(_), Some(at)) = (solved, solved_at) {
        let mut event = event(TicketEventKind::Updated, format!("{id}:solved:{at}"), at);
        event.fields.set(TicketField::Status, Status::Solved.word());
        reader.reading.push(event);
    }
}
