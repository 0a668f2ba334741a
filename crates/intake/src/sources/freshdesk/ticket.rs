//! What Freshdesk tells of a ticket: in an object of its API (of today and of old), in the template, in an app's event.

use std::borrow::Cow;

use tierline_model::{Author, HandledBy, Status, TicketField};

use super::{Reader, words};
use crate::Json;
use crate::directory::EntryKind;
use crate::records::Fields;
use crate::sources::desk::{self, OwnField, first, tell_id, vendor_id};

/// Who asked.
pub fn requester(ticket: Json<'_>) -> Option<Cow<'_, str>> {
    vendor_id(first([ticket.get("requester_id"), ticket.at("/requester/id"), ticket.at("/requester/email")]))
}

/// The ticket's number: exports of old count it as `display_id`.
pub fn id(ticket: Json<'_>) -> Option<Cow<'_, str>> {
    vendor_id(first([ticket.get("display_id"), ticket.get("id"), ticket.get("ticket_id")]))
}

/// All that is told of a ticket.
pub fn fields(reader: &mut Reader<'_, '_>, id: &str, ticket: Json<'_>) -> Fields<TicketField> {
    let mut fields = Fields::default();
    fields.tell(TicketField::Subject, ticket.get("subject"));
    tell_status(reader, &mut fields, ticket);
    let priority = ticket.get("priority");
    match priority.id().map(|word| words::priority(&word)) {
        Some(Some(priority)) => fields.set(TicketField::Priority, priority.word()),
        Some(None) => reader.reading.ignore("/priority", "a priority that Freshdesk does not document"),
        None => {}
    }
    fields.tell(TicketField::Type, first([ticket.get("type"), ticket.get("ticket_type")]));
    fields.set_told(TicketField::Tags, desk::texts(ticket.get("tags")));
    let channel = first([ticket.get("source"), ticket.get("source_name")]);
    fields.set_told(TicketField::Channel, channel.id().map(|word| words::channel(&word)));
    fields.set_told(TicketField::Requester, requester(ticket).map(Cow::into_owned));
    fields.set_told(TicketField::Language, ticket.at("/requester/language").text());
    tell_people(reader, &mut fields, ticket);
    let product = first([ticket.get("product_id"), ticket.get("product")]);
    fields.tell(TicketField::Brand, product);
    let url = ticket.get("url").text().map(str::to_owned);
    fields.set_told(TicketField::Url, url.or_else(|| reader.desk.options.url(&format!("a/tickets/{id}"))));
    let parent = first([ticket.get("parent_id"), ticket.at("/custom_fields/parent_ticket_id")]);
    fields.set_told(TicketField::Parent, vendor_id(parent).map(|parent| reader.desk.basics.ticket_id(&parent)));
    fields.set_told(TicketField::CreatedAt, desk::when(ticket.get("created_at")));
    fields.set_told(TicketField::OpenedBy, opened_by(ticket).map(Author::word));
    fields.set_told(TicketField::Spam, ticket.get("spam").flag());
    for own in ["custom_fields", "custom_field"] {
        for (name, value) in ticket.get(own).members() {
            let field = OwnField { id: name, name: Some(name), pointer: "/custom_fields" };
            let desk = reader.desk;
            desk.options.tell_custom(&mut fields, field, value, &mut reader.around());
        }
    }
    fields
}

/// Who opened it. An agent's mail out of the help desk is theirs; what a mail program sent by itself is nobody's.
pub fn opened_by(ticket: Json<'_>) -> Option<Author> {
    if ticket.get("subject").text().is_some_and(desk::is_automatic_subject) {
        return Some(Author::System);
    }
    let channel = first([ticket.get("source"), ticket.get("source_name")]).id()?;
    let is_outbound = words::channel(&channel) == "outbound_email";
    Some(if is_outbound { Author::Agent } else { Author::Customer })
}

/// Since when the customer waits, and when an agent first answered, for a ticket whose messages are not told.
pub fn tell_stats(fields: &mut Fields<TicketField>, ticket: Json<'_>) {
    let stats = ticket.get("stats");
    if !desk::is_object(stats) {
        return;
    }
    let [first, answered, asked] =
        ["first_responded_at", "agent_responded_at", "requester_responded_at"].map(|name| desk::when(stats.get(name)));
    fields.set_told(TicketField::FirstRepliedAt, first);
    let asked = asked.or_else(|| desk::when(ticket.get("created_at")).filter(|_| answered.is_none()));
    match asked {
        Some(asked) if answered.is_none_or(|answered| asked > answered) => fields.set(TicketField::WaitingSince, asked),
        _ => fields.clear(TicketField::WaitingSince),
    }
}

/// A number or a word, as the company has explained it, else as Freshdesk documents it.
fn tell_status(reader: &mut Reader<'_, '_>, fields: &mut Fields<TicketField>, ticket: Json<'_>) {
    let (word, name) = (ticket.get("status").id(), ticket.get("status_name").text());
    let Some(told) = word.as_deref().or(name) else { return };
    let explained = reader.desk.options.status([word.as_deref(), name]);
    let status = explained.or_else(|| words::status(told)).or_else(|| words::status(name?));
    fields.set_told(TicketField::Status, status.map(Status::word));
    if explained.is_none() && words::is_own(told) {
        let why = "a status of the company's own: name it under `statuses`, until then it counts as open";
        reader.reading.ignore("/status", why);
        if status.is_none() {
            fields.set(TicketField::Status, Status::Open.word());
        }
    }
}

fn tell_people(reader: &Reader<'_, '_>, fields: &mut Fields<TicketField>, ticket: Json<'_>) {
    let agent = first([ticket.get("responder_id"), ticket.at("/agent/id"), ticket.at("/agent/email")]);
    tell_id(fields, TicketField::Assignee, agent);
    if let Some(agent) = vendor_id(agent) {
        let by = if reader.desk.options.is_bot(&agent) { HandledBy::Bot } else { HandledBy::Team };
        fields.set(TicketField::HandledBy, by.word());
    }
    let group = first([ticket.get("group_id"), ticket.at("/group/id")]);
    let told = ticket.at("/group/name");
    match vendor_id(group) {
        Some(group) => {
            let name = told.text().map(str::to_owned).or_else(|| reader.name(EntryKind::Team, &group));
            fields.set(TicketField::Team, name.unwrap_or_else(|| group.into_owned()));
        }
        None if told.is_told() => fields.tell(TicketField::Team, told),
        None if group.is_told() => fields.clear(TicketField::Team),
        None => {}
    }
}
