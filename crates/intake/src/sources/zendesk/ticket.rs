//! What Zendesk tells of a ticket: in an event's `detail`, in the template, in an object of the API. They differ in
//! letters and in what they leave out, not in meaning.

use std::borrow::Cow;

use tierline_model::{Author, HandledBy, Status, TicketField};

use super::{Reader, words};
use crate::Json;
use crate::directory::EntryKind;
use crate::records::Fields;
use crate::sources::desk::{self, OwnField, first, tell_id, vendor_id};

/// Who asked.
pub fn requester(ticket: Json<'_>) -> Option<Cow<'_, str>> {
    vendor_id(first([ticket.get("requester_id"), ticket.at("/requester/id")]))
}

/// All that is told of a ticket.
pub fn fields(reader: &mut Reader<'_, '_>, id: &str, ticket: Json<'_>) -> Fields<TicketField> {
    let mut fields = Fields::default();
    fields.tell(TicketField::Subject, first([ticket.get("subject"), ticket.get("raw_subject"), ticket.get("title")]));
    tell_status(reader, &mut fields, ticket);
    tell_priority(reader, &mut fields, ticket.get("priority"));
    let kind = first([ticket.get("type"), ticket.get("ticket_type")]);
    match kind.text().filter(|kind| *kind != "-") {
        Some(kind) => fields.set(TicketField::Type, kind.to_lowercase()),
        None if kind.is_told() => fields.clear(TicketField::Type),
        None => {}
    }
    fields.set_told(TicketField::Tags, desk::texts(ticket.get("tags")));
    let channel = first([ticket.at("/via/channel"), ticket.get("channel"), ticket.get("via")]);
    fields.set_told(TicketField::Channel, channel.text().map(str::to_lowercase));
    fields.set_told(TicketField::Requester, requester(ticket).map(Cow::into_owned));
    // A placeholder writes `English`, which no rule could ask for.
    let language = first([ticket.at("/requester/locale"), ticket.at("/requester/language")]).text();
    let language = language.filter(|language| language.len() <= 3 || language.contains('-'));
    fields.set_told(TicketField::Language, language);
    tell_people(reader, &mut fields, ticket);
    let brand = first([ticket.get("brand_id"), ticket.at("/brand/id")]);
    if let Some(brand) = vendor_id(brand) {
        let told = ticket.at("/brand/name").text().map(str::to_owned);
        let name = told.or_else(|| reader.name(EntryKind::Item, &brand_key(&brand)));
        fields.set(TicketField::Brand, name.unwrap_or_else(|| brand.into_owned()));
    } else {
        fields.set_told(TicketField::Brand, first([ticket.at("/brand/name"), ticket.get("brand")]).text());
    }
    fields.set_told(TicketField::Url, url(reader, id, ticket));
    let parent =
        [ticket.get("problem_id"), ticket.at("/via/source/from/ticket_id"), ticket.get("via_followup_source_id")];
    let parent = parent.into_iter().find_map(vendor_id).map(|parent| reader.desk.basics.ticket_id(&parent));
    fields.set_told(TicketField::Parent, parent);
    fields.set_told(TicketField::CreatedAt, desk::when(ticket.get("created_at")));
    fields.set_told(TicketField::OpenedBy, opened_by(reader, ticket).map(Author::word));
    tell_own(reader, &mut fields, ticket);
    fields
}

/// Who opened it: the requester, or somebody for them. What a mail program opened by itself, nobody did.
pub fn opened_by(reader: &Reader<'_, '_>, ticket: Json<'_>) -> Option<Author> {
    if ticket.get("subject").text().is_some_and(desk::is_automatic_subject) {
        return Some(Author::System);
    }
    let submitter = vendor_id(first([ticket.get("submitter_id"), ticket.at("/submitter/id")]))?;
    Some(reader.who(&submitter, ticket))
}

/// The key under which a brand is remembered.
pub fn brand_key(id: &str) -> String {
    format!("brand:{id}")
}

/// A custom status that the company has explained, else its category.
fn tell_status(reader: &mut Reader<'_, '_>, fields: &mut Fields<TicketField>, ticket: Json<'_>) {
    let own = first([ticket.get("custom_status_id"), ticket.get("custom_status")]);
    let own = vendor_id(own);
    let known = own.as_deref().and_then(|id| reader.name(EntryKind::Item, &status_key(id)));
    let word = ticket.get("status").text();
    let explained = reader.desk.options.status([own.as_deref(), known.as_deref(), word]);
    let status = explained.or_else(|| words::status(word?));
    fields.set_told(TicketField::Status, status.map(Status::word));
    if let (Some(_), None) = (word, status) {
        reader.reading.ignore("/status", "a status that Zendesk does not document: name it under `statuses`");
    }
    if let Some(name) = known.or_else(|| own.map(Cow::into_owned)) {
        fields.set_custom("custom_status", Some(name.into()));
    }
}

/// The key under which a custom status is remembered.
pub fn status_key(id: &str) -> String {
    format!("status:{id}")
}

fn tell_priority(reader: &mut Reader<'_, '_>, fields: &mut Fields<TicketField>, told: Json<'_>) {
    match told.text().filter(|word| *word != "-").map(words::priority) {
        Some(Some(priority)) => fields.set(TicketField::Priority, priority.word()),
        Some(None) => reader.reading.ignore("/priority", "a priority that Zendesk does not document"),
        None if told.is_told() => fields.clear(TicketField::Priority),
        None => {}
    }
}

fn tell_people(reader: &Reader<'_, '_>, fields: &mut Fields<TicketField>, ticket: Json<'_>) {
    let assignee = first([ticket.get("assignee_id"), ticket.at("/assignee/id")]);
    tell_id(fields, TicketField::Assignee, assignee);
    if let Some(assignee) = vendor_id(assignee) {
        let by = if reader.desk.options.is_bot(&assignee) { HandledBy::Bot } else { HandledBy::Team };
        fields.set(TicketField::HandledBy, by.word());
    }
    let group = first([ticket.get("group_id"), ticket.at("/group/id")]);
    match vendor_id(group) {
        Some(group) => {
            let told = ticket.at("/group/name").text().map(str::to_owned);
            let name = told.or_else(|| reader.name(EntryKind::Team, &group));
            fields.set(TicketField::Team, name.unwrap_or_else(|| group.into_owned()));
        }
        None if group.is_told() => fields.clear(TicketField::Team),
        None => {}
    }
}

/// Where an agent opens it. The API's own address is not for people.
fn url(reader: &Reader<'_, '_>, id: &str, ticket: Json<'_>) -> Option<String> {
    let told = first([ticket.get("link"), ticket.get("url")]).text();
    let (site, _) = match told {
        Some(url) if url.contains("/api/v2/") => url.split_once("/api/v2/")?,
        Some(url) => {
            let scheme = if url.starts_with("http") { "" } else { "https://" };
            return Some(format!("{scheme}{url}"));
        }
        None => return reader.desk.options.url(&format!("agent/tickets/{id}")),
    };
    Some(format!("{site}/agent/tickets/{id}"))
}

/// The company's own fields: a list of ids and values in the API, by name in the template.
fn tell_own(reader: &mut Reader<'_, '_>, fields: &mut Fields<TicketField>, ticket: Json<'_>) {
    let desk = reader.desk;
    for (place, field) in ticket.get("custom_fields").items().enumerate() {
        if let Some(id) = vendor_id(field.get("id")) {
            let pointer = format!("/custom_fields/{place}/value");
            let name = first([field.get("title"), field.get("raw_title")]).text();
            let own = OwnField { id: &id, name, pointer: &pointer };
            desk.options.tell_custom(fields, own, field.get("value"), &mut reader.around());
        }
    }
    for (name, value) in ticket.get("custom").members() {
        let own = OwnField { id: name, name: Some(name), pointer: "/ticket/custom" };
        desk.options.tell_custom(fields, own, value, &mut reader.around());
    }
}
