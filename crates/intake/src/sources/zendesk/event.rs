//! Events: subscriptions to `zen:event-type:…`, and the same as Amazon EventBridge and Zendesk's integration services
//! carry them.
//!
//! An event brings the ticket as it stands besides what happened, so each tells all of it. `meta.sequence` counts within
//! one action only; the order is that of time.

use std::borrow::Cow;

use tierline_model::{Author, Millis, TicketEventKind, TicketField};

use super::comment::{self, Place};
use super::{Reader, people, ticket, words};
use crate::records::{Handoff, TicketEvent};
use crate::sources::desk::{self, OwnField, first, vendor_id};
use crate::{Home, Json, Unreadable};

/// What an event says, whoever carried it.
struct Happened<'p> {
    event_id: Cow<'p, str>,
    at: Millis,
    /// `comment_added`, `status_changed`, …
    what: String,
    ticket: Json<'p>,
    event: Json<'p>,
    actor: Option<Cow<'p, str>>,
}

/// <https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/>: what changes nothing that rules
/// can ask for.
const OF_NO_INTEREST: &[(&str, &str)] = &[
    ("attachment_linked_to_comment", "attachments are not kept"),
    ("attachment_redacted_from_comment", "attachments are not kept"),
    ("comment_redacted", "what was written stays as it was told"),
    ("comment_made_private", "what was written stays as it was told"),
    ("email_ccs_changed", "who is in copy is not kept"),
    ("ccs_changed", "who is in copy is not kept"),
    ("followers_changed", "who follows is not kept"),
    ("csat_requested", "asking for a rating is no rating"),
    ("schedule_changed", "Tierline keeps clocks of its own"),
    ("sla_policy_changed", "Tierline keeps clocks of its own"),
    ("ola_policy_changed", "Tierline keeps clocks of its own"),
    ("next_sla_breach_changed", "Tierline keeps clocks of its own"),
    ("task_due_at_changed", "due dates of tasks are not kept"),
];

/// An event of a subscription.
pub fn subscribed(reader: &mut Reader<'_, '_>, payload: Json<'_>) -> Result<(), Unreadable> {
    let kind = payload.get("type").text().unwrap_or_default();
    let kind = kind.rsplit(':').next().unwrap_or_default();
    let (domain, what) = kind.split_once('.').unwrap_or((kind, ""));
    let event_id = vendor_id(payload.get("id"));
    match domain {
        "ticket" => {
            let detail = payload.get("detail");
            let at = desk::when(first([payload.get("time"), detail.get("updated_at")]));
            happened(
                reader,
                payload.get("subject"),
                Happened {
                    event_id: event_id.ok_or_else(|| Unreadable::missing("/id"))?,
                    at: at.ok_or_else(|| Unreadable::missing("/time"))?,
                    what: what.to_owned(),
                    ticket: detail,
                    event: payload.get("event"),
                    actor: vendor_id(detail.get("actor_id")),
                },
            )
        }
        "messaging_ticket" if what == "message_added" => messaging(reader, payload),
        "user" => {
            people::user(reader, payload.get("detail"), what == "deleted");
            if what == "name_changed" {
                people::renamed(reader, payload.at("/detail/id"), payload.at("/event/current"));
            }
            Ok(())
        }
        "organization" => {
            people::organisation_event(reader, payload, what);
            Ok(())
        }
        _ => {
            reader.reading.ignore("/type", "an event of neither a ticket nor a user nor an organisation");
            Ok(())
        }
    }
}

/// An event as EventBridge carries it: <https://developer.zendesk.com/api-reference/amazon-eventbridge/tickets/>.
pub fn bridged(reader: &mut Reader<'_, '_>, payload: Json<'_>, told: Json<'_>) -> Result<(), Unreadable> {
    let at = desk::when(first([told.at("/meta/occurred_at"), payload.get("time")]));
    let event_id = vendor_id(first([payload.get("id"), told.at("/meta/ref")]));
    let what = told.get("type").text().unwrap_or_default().to_lowercase().replace(' ', "_");
    let what = match what.strip_prefix("ticket_").unwrap_or(&what) {
        "comment_created" => "comment_added".to_owned(),
        what => what.to_owned(),
    };
    happened(
        reader,
        Json::absent(),
        Happened {
            event_id: event_id.ok_or_else(|| Unreadable::missing("/id"))?,
            at: at.ok_or_else(|| Unreadable::missing("/detail/ticket_event/meta/occurred_at"))?,
            what,
            ticket: told.get("ticket"),
            event: told,
            actor: vendor_id(told.at("/meta/actor_id")),
        },
    )
}

fn happened(reader: &mut Reader<'_, '_>, subject: Json<'_>, told: Happened<'_>) -> Result<(), Unreadable> {
    let of_subject = || subject.text()?.strip_prefix("zen:ticket:").map(Cow::Borrowed);
    let id = vendor_id(told.ticket.get("id")).or_else(of_subject);
    let id = id.ok_or_else(|| Unreadable::missing("/detail/id"))?;
    if let Some((_, why)) = OF_NO_INTEREST.iter().find(|(what, _)| *what == told.what) {
        reader.reading.ignore("/type", *why);
        return Ok(());
    }
    let home = reader.home(&id, told.ticket, told.at);
    let kind = match told.what.as_str() {
        "created" => TicketEventKind::Created,
        "comment_added" => TicketEventKind::Message,
        "soft_deleted" | "permanently_deleted" | "deleted" => TicketEventKind::Deleted,
        "csat_received" => TicketEventKind::Rated,
        "merged" => return merged(reader, &id, home, &told),
        _ => TicketEventKind::Updated,
    };
    let basics = &reader.desk.basics;
    let mut event = TicketEvent::new(basics, kind, told.event_id.as_ref(), &id, home, told.at);
    event.fields = ticket::fields(reader, &id, told.ticket);
    match kind {
        TicketEventKind::Created => event.message = comment::description(reader, &id, told.ticket),
        TicketEventKind::Message => {
            let comment = comment::read(reader, &id, told.ticket, told.event.get("comment"), told.at, Place::Untold);
            let comment = comment.ok_or_else(|| Unreadable::missing("/event/comment"))?;
            comment::push(reader, event, &id, comment);
            return Ok(());
        }
        TicketEventKind::Rated => match rating(told.event) {
            Some((rating, comment)) => (event.rating, event.rating_comment) = (Some(rating), comment),
            None => {
                reader.reading.ignore("/event", "no rating of good or bad, or of 1 to 5");
                return Ok(());
            }
        },
        TicketEventKind::Updated => {
            event.by_kind = told.actor.as_deref().map(|actor| reader.who(actor, told.ticket));
            changed(reader, &id, &mut event, &told);
        }
        _ => {}
    }
    reader.reading.push(event);
    Ok(())
}

/// What a change tells beside the ticket.
fn changed(reader: &mut Reader<'_, '_>, id: &str, event: &mut TicketEvent, told: &Happened<'_>) {
    match told.what.as_str() {
        "marked_as_spam" => event.fields.set(TicketField::Spam, true),
        "custom_field_changed" => {
            // `custom_field` where EventBridge or the integration services carry it.
            let field = first([told.event.get("field"), told.event.get("custom_field")]);
            if let Some(id) = vendor_id(field.get("id")) {
                let name = first([field.get("title"), field.get("raw_title")]).text();
                let own = OwnField { id: &id, name, pointer: "/event/current" };
                let desk = reader.desk;
                desk.options.tell_custom(&mut event.fields, own, told.event.get("current"), &mut reader.around());
            }
        }
        "agent_assignment_changed" => {
            let is_bot = |id: Json<'_>| vendor_id(id).is_some_and(|id| reader.desk.options.is_bot(&id));
            if is_bot(told.event.get("previous")) && !is_bot(told.event.get("current")) {
                let (basics, handoff) = (&reader.desk.basics, Handoff::default());
                let signal = desk::handed_over(basics, id, &event.home, &told.event_id, told.at, handoff);
                reader.reading.push(signal);
            }
        }
        _ => {}
    }
}

/// The page does not say how an event names the other ticket; those who watched it saw these.
fn merged(reader: &mut Reader<'_, '_>, id: &str, home: Home, told: &Happened<'_>) -> Result<(), Unreadable> {
    let places = ["target_ticket_id", "merged_into", "merged_into_id", "into_ticket_id", "current"];
    let target = places.into_iter().find_map(|place| vendor_id(told.event.get(place)));
    let target = target.or_else(|| vendor_id(told.event.at("/target_ticket/id")));
    match target {
        Some(target) if target != id => {
            let merge = desk::merge(&reader.desk.basics, id, home, &target, told.at);
            reader.reading.push(merge);
        }
        _ => reader.reading.ignore("/event", "which ticket goes on is told by the comment of the merge"),
    }
    Ok(())
}

fn rating(event: Json<'_>) -> Option<(u8, Option<String>)> {
    let places = [
        event.get("rating"),
        event.get("score"),
        event.at("/satisfaction_rating/score"),
        event.at("/csat/rating"),
        event.at("/rating/score"),
        event.at("/satisfaction_score/score"),
        event.get("current"),
    ];
    let rating = places.into_iter().find_map(|place| words::rating(&place.id()?))?;
    let comment = first([event.get("comment"), event.at("/satisfaction_rating/comment"), event.at("/csat/comment")]);
    Some((rating, comment.text().map(str::to_owned)))
}

/// <https://developer.zendesk.com/api-reference/webhooks/event-types/messaging-events/>
fn messaging(reader: &mut Reader<'_, '_>, payload: Json<'_>) -> Result<(), Unreadable> {
    let (detail, event) = (payload.get("detail"), payload.get("event"));
    let id = vendor_id(detail.get("id")).ok_or_else(|| Unreadable::missing("/detail/id"))?;
    let event_id = vendor_id(payload.get("id")).ok_or_else(|| Unreadable::missing("/id"))?;
    let at = desk::when(payload.get("time")).ok_or_else(|| Unreadable::missing("/time"))?;
    let actor = event.get("actor");
    let author = match (actor.get("type").text(), vendor_id(actor.get("id"))) {
        (_, Some(id)) if reader.desk.options.is_bot(&id) || id.starts_with("zd:") => Author::Bot,
        (Some("end_user"), _) => Author::Customer,
        (Some("agent"), _) => Author::Agent,
        (Some("trigger"), _) => Author::System,
        _ => Author::Bot,
    };
    let mut message = desk::message(author, true);
    message.id = vendor_id(event.at("/message/id")).map(Cow::into_owned);
    message.author_name = actor.get("name").text().map(str::to_owned);
    message.text = event.at("/message/body").text().map(|text| desk::plain(text).into_owned());
    message.automated = author == Author::System;
    let writer = vendor_id(actor.get("id")).filter(|_| author == Author::Customer);
    let basics = &reader.desk.basics;
    let home = desk::guessed_home(basics, &id, writer.as_deref(), at, reader.context, &mut reader.reading);
    let kind = TicketEventKind::Message;
    let mut record = TicketEvent::new(basics, kind, event_id.as_ref(), &id, home, at);
    record.message = Some(message);
    reader.reading.push(record);
    Ok(())
}
