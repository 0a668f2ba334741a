//! An automation's payload: by the template that `docs/intake/freshdesk.md` tells to paste, as Freshdesk fills it in by
//! itself, or an app's event.

use serde_json::{Map, Value};
use tierline_model::{Author, TicketEventKind};

use super::{Reader, last, message, object, ticket, words};
use crate::records::TicketEvent;
use crate::sources::desk::{self, first, vendor_id};
use crate::{Json, Unreadable, content_id};

/// The template, or an app's event: `{event, ticket, message}`, the last two in `data` of an app.
pub fn read(reader: &mut Reader<'_, '_>, payload: Json<'_>, data: Json<'_>) -> Result<(), Unreadable> {
    let word = payload.get("event").text().unwrap_or_default();
    let Some((kind, by)) = words::event(word) else {
        reader.reading.ignore("/event", "an event of neither a ticket nor a conversation");
        return Ok(());
    };
    let by = by.or_else(|| match data.at("/actor/type").text()? {
        "agent" => Some(Author::Agent),
        "contact" | "requester" | "user" => Some(Author::Customer),
        _ => Some(Author::System),
    });
    let conversation = first([data.get("conversation"), data.get("message")]);
    // What an app tells of a conversation names its ticket by the number alone.
    let told = data.get("ticket");
    if !desk::is_object(told) && kind == TicketEventKind::Message {
        return object::conversation(reader, conversation, by);
    }
    happened(reader, Told { kind, by, ticket: told, message: conversation, rating: data.get("rating") })
}

/// A template of somebody's own that does not say what happened: the ticket as it stands.
pub fn eventless(reader: &mut Reader<'_, '_>, payload: Json<'_>, ticket: Json<'_>) -> Result<(), Unreadable> {
    let message = payload.get("message");
    let kind = if desk::is_object(message) { TicketEventKind::Message } else { TicketEventKind::Updated };
    happened(reader, Told { kind, by: None, ticket, message, rating: Json::absent() })
}

/// What an automation tells.
struct Told<'p> {
    kind: TicketEventKind,
    by: Option<Author>,
    ticket: Json<'p>,
    message: Json<'p>,
    rating: Json<'p>,
}

fn happened(reader: &mut Reader<'_, '_>, told: Told<'_>) -> Result<(), Unreadable> {
    let Told { mut kind, by, ticket: of_ticket, message: of_message, rating } = told;
    let id = ticket::id(of_ticket).ok_or_else(|| Unreadable::missing("/ticket/id"))?;
    let delivery = reader.context.delivery;
    let stamps = match kind {
        TicketEventKind::Created => [of_ticket.get("created_at"), of_ticket.get("updated_at")],
        _ => [of_message.get("created_at"), of_ticket.get("updated_at")],
    };
    let told_at = desk::when(first(stamps));
    let home = reader.home(&id, of_ticket, told_at.unwrap_or(delivery.received_at));
    let fields = ticket::fields(reader, &id, of_ticket);
    let places = [rating, rating.get("value"), rating.at("/ratings/default_question")];
    let number = places.into_iter().find_map(Json::whole).and_then(words::rating);
    if kind == TicketEventKind::Rated && number.is_none() {
        reader.reading.ignore("/rating", "not a rating that Freshdesk documents");
        kind = TicketEventKind::Updated;
    }
    let requester = ticket::requester(of_ticket);
    let mut message = match kind {
        TicketEventKind::Message => message::read(reader, &id, requester.as_deref(), of_message, by),
        TicketEventKind::Created => {
            let by = ticket::opened_by(of_ticket).unwrap_or(Author::Customer);
            message::description(reader, &id, of_ticket, by)
        }
        _ => None,
    };
    if kind == TicketEventKind::Message && message.is_none() {
        reader.reading.ignore("/message", "a message that says nothing");
        kind = TicketEventKind::Updated;
    }
    if let Some(message) = message.as_mut().filter(|_| kind == TicketEventKind::Message) {
        take_name(message);
        if message.author == Author::Customer && message.author_name.is_none() {
            message.author_name = of_ticket.at("/requester/name").text().map(str::to_owned);
        }
        if vendor_id(of_message.get("id")).is_none() {
            message.id = Some(last::message_id(reader, &id, message, by.is_some()));
        }
    }
    // What says when it happened, or happens but once, is the same whenever it comes.
    let event_id = match told_at {
        None if kind != TicketEventKind::Created => last::event_id(reader, &id),
        _ => content_id(delivery.body),
    };
    let at = told_at.unwrap_or(delivery.received_at);
    let mut event = TicketEvent::new(&reader.desk.basics, kind, event_id, &id, home, at);
    event.fields = fields;
    match (kind, message) {
        (TicketEventKind::Message, Some(message)) => {
            message::push(reader, &id, event, message);
            return Ok(());
        }
        (_, message) => event.message = message,
    }
    event.by_kind = by.filter(|_| kind == TicketEventKind::Updated);
    event.rating = number.filter(|_| kind == TicketEventKind::Rated);
    event.rating_comment = rating.get("feedback").text().filter(|_| event.rating.is_some()).map(str::to_owned);
    reader.reading.push(event);
    Ok(())
}

/// The placeholder of the latest comment writes `Jo Doe : ` before what was said.
fn take_name(message: &mut crate::records::Message) {
    let Some((name, said)) = message.text.as_deref().and_then(|text| text.split_once(" : ")) else { return };
    if name.len() <= 80 && !name.contains(['\n', '.', '?', '!']) {
        let (name, said) = (name.trim().to_owned(), said.trim().to_owned());
        message.author_name.get_or_insert(name);
        message.text = Some(said);
    }
}

/// What Freshdesk sends of itself where nobody has pasted a template: `freshdesk_webhook` with `ticket_subject`, ….
pub fn unchanged(reader: &mut Reader<'_, '_>, told: Json<'_>) -> Result<(), Unreadable> {
    let mut ticket = Map::new();
    let mut put = |to: &str, from: &[&str]| {
        let found = from.iter().find_map(|name| told.get(name).raw());
        let within = to.split_once('/');
        match (found.cloned(), within) {
            (Some(value), Some((object, member))) => {
                let object = ticket.entry(object).or_insert_with(|| Value::Object(Map::new()));
                if let Some(object) = object.as_object_mut() {
                    object.insert(member.to_owned(), value);
                }
            }
            (Some(value), None) => {
                ticket.insert(to.to_owned(), value);
            }
            (None, _) => {}
        }
    };
    for same in ["id", "subject", "description", "url", "tags", "status", "priority", "source"] {
        put(same, &[&format!("ticket_{same}")]);
    }
    put("type", &["ticket_type", "ticket_ticket_type"]);
    put("group/name", &["ticket_group_name"]);
    put("agent/email", &["ticket_agent_email"]);
    put("requester/email", &["ticket_contact_email", "ticket_requester_email", "requester_email"]);
    put("requester/name", &["ticket_contact_name", "requester_name", "ticket_requester_name"]);
    put("company/id", &["ticket_company_id"]);
    put("company/name", &["ticket_company_name"]);
    for (name, _) in told.members().filter(|(name, _)| name.starts_with("ticket_cf_")) {
        put(&format!("custom_fields/{}", &name["ticket_".len()..]), &[name]);
    }
    let trigger = told.get("triggered_event").text().unwrap_or_default().to_lowercase();
    let (kind, by, comment, public) = match () {
        () if trigger.contains("ticket_action:created") => (TicketEventKind::Created, None, None, true),
        () if trigger.contains("note_type:private") => {
            (TicketEventKind::Message, Some(Author::Agent), Some("ticket_latest_private_comment"), false)
        }
        // A trigger says nothing of who replied, so whose comment it is tells its name alone.
        () if ["reply_sent", "note_type"].iter().any(|what| trigger.contains(what))
            || (trigger.is_empty() && vendor_id(told.get("ticket_status")).is_none()) =>
        {
            let comment = told.get("ticket_latest_public_comment").text().unwrap_or_default();
            let requester = first([told.get("ticket_contact_name"), told.get("requester_name")]).text();
            let is_theirs = requester.is_some_and(|name| comment.starts_with(name));
            let by = if is_theirs { Author::Customer } else { Author::Agent };
            (TicketEventKind::Message, Some(by), Some("ticket_latest_public_comment"), true)
        }
        () => (TicketEventKind::Updated, None, None, true),
    };
    let text = comment.and_then(|name| told.get(name).text());
    let message = text.map_or(Value::Null, |text| serde_json::json!({"body": text, "public": public}));
    let ticket = Value::Object(ticket);
    let rating = Json::absent();
    happened(reader, Told { kind, by, ticket: Json::new(&ticket), message: Json::new(&message), rating })
}
