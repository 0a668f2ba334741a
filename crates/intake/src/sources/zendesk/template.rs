//! A trigger's payload, by the template that `docs/intake/zendesk.md` tells to paste.

use tierline_model::TicketEventKind;

use super::comment::{self, Place};
use super::{INVOCATION, Reader, people, ticket, words};
use crate::records::TicketEvent;
use crate::sources::desk::{self, first, vendor_id};
use crate::{Json, Unreadable, content_id};

/// The template tells the ticket as it is, its newest comment, and whether this was its creation.
pub fn read(reader: &mut Reader<'_, '_>, payload: Json<'_>, told: Json<'_>) -> Result<(), Unreadable> {
    let id = vendor_id(first([told.get("id"), told.get("ticket_id")]));
    let id = id.ok_or_else(|| Unreadable::missing("/ticket/id"))?;
    let comment = first([payload.get("comment"), payload.get("latest_comment"), told.get("latest_comment")]);
    let word = payload.get("event").text().unwrap_or_default();
    let word = word.rsplit(['.', '_']).next().unwrap_or(word);
    let kind = match word {
        "created" => TicketEventKind::Created,
        "deleted" => TicketEventKind::Deleted,
        "rated" => TicketEventKind::Rated,
        _ => TicketEventKind::Updated,
    };
    for person in [told.get("requester"), told.get("assignee"), told.get("submitter")] {
        people::learn(reader, person);
    }
    desk::tell_name(&reader.desk.basics, told.get("organization"), reader.context, &mut reader.reading);
    let delivery = reader.context.delivery;
    let happened = match kind {
        TicketEventKind::Created => [told.get("created_at"), told.get("updated_at")],
        _ => [told.get("updated_at"), comment.get("created_at")],
    };
    let at = desk::when(first(happened)).unwrap_or(delivery.received_at);
    let home = reader.home(&id, told, at);
    let event_id = delivery.header(INVOCATION).map_or_else(|| content_id(delivery.body), str::to_owned);
    let mut event = TicketEvent::new(&reader.desk.basics, kind, event_id, &id, home.clone(), at);
    event.fields = ticket::fields(reader, &id, told);
    let actor = vendor_id(first([payload.at("/actor/id"), payload.get("actor_id")]));
    if kind == TicketEventKind::Updated {
        event.by_kind = actor.map(|actor| reader.who(&actor, told));
    }
    let satisfaction = payload.get("satisfaction");
    let rating = first([satisfaction.get("rating"), satisfaction.get("score")]).id();
    let rating = rating.and_then(|rating| words::rating(&rating));
    if kind == TicketEventKind::Created {
        event.message = comment::description(reader, &id, told);
    } else if kind == TicketEventKind::Rated && rating.is_none() {
        reader.reading.ignore("/satisfaction", "no rating of good or bad, or of 1 to 5");
        event.kind = TicketEventKind::Updated;
    }
    if let Some(rating) = rating.filter(|_| kind != TicketEventKind::Rated) {
        let event_id = format!("{id}:rated:{rating}");
        let rated = TicketEvent::new(&reader.desk.basics, TicketEventKind::Rated, event_id, &id, home.clone(), at);
        let comment = satisfaction.get("comment").text().map(str::to_owned);
        reader.reading.push(TicketEvent { rating: Some(rating), rating_comment: comment, ..rated });
    } else {
        event.rating = rating;
        event.rating_comment = satisfaction.get("comment").text().filter(|_| rating.is_some()).map(str::to_owned);
    }
    reader.reading.push(event);
    if kind != TicketEventKind::Updated {
        return Ok(());
    }
    // The newest comment comes with every update, new or not: its id says which.
    if let Some(comment) = comment::read(reader, &id, told, comment, at, Place::Untold) {
        let name = comment.message.id.clone().unwrap_or_default();
        let (basics, kind, id_of_event) =
            (&reader.desk.basics, TicketEventKind::Message, format!("{id}:message:{name}"));
        let event = TicketEvent::new(basics, kind, id_of_event, &id, home, comment.at);
        comment::push(reader, event, &id, comment);
    }
    Ok(())
}
