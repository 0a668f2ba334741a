//! A conversation, or a ticket: what it tells, and the records that it becomes.

use tierline_model::{Author, Millis, Status, TicketEventKind, TicketField};

use super::{Notice, Reader, contact, fin, part, words};
use crate::directory::EntryKind;
use crate::records::{Fields, TicketEvent};
use crate::sources::desk::{self, OwnField, first, plain, tell_id, vendor_id};
use crate::{Home, Json, Unreadable};

/// The records of a conversation: its creation, where that is what is told; each message; how it stands; its rating.
pub fn read(reader: &mut Reader<'_, '_>, item: Json<'_>, notice: Notice<'_>) -> Result<(), Unreadable> {
    let id = vendor_id(first([item.get("id"), item.get("conversation_id")]));
    let id = id.ok_or_else(|| Unreadable::missing("/data/item/id"))?;
    // A conversation that becomes a ticket keeps its id: it was created before, and now changes.
    let becomes = notice.topic == "ticket.created" && reader.known(EntryKind::Ticket, &id).is_some();
    let stamps = first([item.get("updated_at"), notice.envelope.get("created_at")]);
    let created_at = desk::when(item.get("created_at"));
    let at = desk::when(stamps).or(created_at).unwrap_or(reader.context.delivery.received_at);
    let home = home(reader, &id, item, at);
    let version = desk::version_id(&id, at, reader.context.delivery);
    let event_id = vendor_id(notice.envelope.get("id")).map_or(version, |id| id.into_owned());
    let basics = &reader.desk.basics;
    let event = |kind, event_id: String, at| TicketEvent::new(basics, kind, event_id, &id, home.clone(), at);
    if notice.topic.ends_with(".deleted") || item.get("deleted").flag() == Some(true) {
        reader.reading.push(event(TicketEventKind::Deleted, event_id, at));
        return Ok(());
    }
    let list = first([item.get("conversation_parts"), item.get("ticket_parts")]);
    let parts: Vec<_> = list.get("conversation_parts").items().chain(list.get("ticket_parts").items()).collect();
    let is_whole = notice.topic.is_empty()
        && list.is_told()
        && list.get("total_count").whole().is_none_or(|total| total <= parts.len() as i64);
    let is_new =
        notice.topic.ends_with(".created") && !["part", "note"].iter().any(|of| notice.topic.contains(of)) && !becomes;
    let mut fields = fields(reader, &id, item, notice);
    if let Some(created_at) = created_at.filter(|_| is_new || is_whole) {
        let kind = TicketEventKind::Created;
        let (event_id, told) = match is_whole {
            true => (desk::created_id(&id), fields.only(desk::OF_CREATION)),
            false => (event_id.clone(), fields.clone()),
        };
        let message = part::source(reader, &id, item);
        reader.reading.push(TicketEvent { fields: told, message, ..event(kind, event_id, created_at) });
    }
    // A tag on what began a conversation brings that as a part.
    let began = vendor_id(first([item.get("source"), item.get("conversation_message")]).get("id"));
    let mut by = None;
    for one in &parts {
        by = Some(reader.author(one.get("author")).0);
        if let Some(mut written) = part::read(reader, *one, at) {
            if began.is_some() && written.message.id.as_deref() == began.as_deref() {
                written.message.id = Some(desk::first_message(&id));
            }
            let event_id = format!("{id}:message:{}", written.message.id.as_deref().unwrap_or_default());
            let record = event(TicketEventKind::Message, event_id, written.at);
            match desk::is_object(item.get("ai_agent")) {
                // Its hand-over is told whole, below.
                true => reader.reading.push(TicketEvent { message: Some(written.message), ..record }),
                false => desk::push_message(basics, &id, record, written.message, None, &mut reader.reading),
            }
        }
    }
    if !is_new {
        if !is_whole {
            tell_wait(&mut fields, item);
        }
        let by_kind = if is_whole { Some(Author::System) } else { by };
        reader.reading.push(TicketEvent { fields, by_kind, ..event(TicketEventKind::Updated, event_id, at) });
    }
    fin::hand_over(reader, &id, &home, item, &parts, at);
    tell_rating(reader, &id, item, &home, at);
    Ok(())
}

/// Where it is filed: under its own company, else under its contact's.
fn home(reader: &mut Reader<'_, '_>, id: &str, item: Json<'_>, at: Millis) -> Home {
    let contacts =
        [item.at("/contacts/contacts/0"), item.at("/contacts/0"), item.get("user"), item.at("/source/author")];
    let is_contact = |one: &Json<'_>| {
        let kind = one.get("type").text().unwrap_or("contact");
        words::author(kind) == Some(Author::Customer)
    };
    let who = contacts.into_iter().filter(is_contact).find(|one| vendor_id(one.get("id")).is_some());
    let contact = who.and_then(|one| vendor_id(one.get("id"))).map(|id| id.into_owned());
    let of_contact = who.and_then(|one| contact::company_of(reader, one.get("companies")));
    let company = first([item.at("/company/id"), item.get("company_id")]);
    // A contact's companies come in any order: they say where a ticket begins, and do not move it.
    let filed = reader.known(EntryKind::Ticket, id).and_then(|known| known.group.as_deref());
    let of_contact = of_contact.filter(|_| filed.is_none_or(|filed| filed.starts_with("user:")));
    let company = vendor_id(company).map(|id| id.into_owned()).or(of_contact);
    if (&company, &contact) == (&None, &None) {
        return desk::guessed_home(&reader.desk.basics, id, None, at, reader.context, &mut reader.reading);
    }
    let (company, contact) = (company.as_deref(), contact.as_deref());
    desk::home(&reader.desk.basics, id, company, contact, at, reader.context, &mut reader.reading)
}

fn fields(reader: &mut Reader<'_, '_>, id: &str, item: Json<'_>, notice: Notice<'_>) -> Fields<TicketField> {
    let mut fields = Fields::default();
    let source = first([item.get("source"), item.get("conversation_message")]);
    let title = [item.get("title"), item.at("/ticket_attributes/_default_title_"), source.get("subject")];
    fields.set_told(TicketField::Subject, first(title).text().map(|title| plain(title).into_owned()));
    tell_status(reader, &mut fields, item);
    let priority = item.get("priority").text().and_then(words::priority);
    fields.set_told(TicketField::Priority, priority.map(|priority| priority.word()));
    fields.set_told(TicketField::Type, item.at("/ticket_type/name").text());
    if item.get("tags").is_told() {
        let tags = item.at("/tags/tags").items().filter_map(|tag| tag.get("name").text().map(str::to_owned));
        fields.set(TicketField::Tags, tags.collect::<Vec<_>>());
    }
    // An Intercom conversation that is nothing else is a chat.
    let channel = source.get("type").text().filter(|kind| *kind != "conversation_message");
    fields.set_told(TicketField::Channel, channel.map(|kind| if kind == "conversation" { "chat" } else { kind }));
    let contact = first([item.at("/contacts/contacts/0/id"), item.at("/user/id")]);
    fields.set_told(TicketField::Requester, vendor_id(contact).map(|id| id.into_owned()));
    if item.at("/assignee/type").text() == Some("nobody_admin") {
        fields.clear(TicketField::Assignee);
    }
    tell_id(&mut fields, TicketField::Assignee, first([item.get("admin_assignee_id"), admin(item.get("assignee"))]));
    let team = item.get("team_assignee_id");
    match vendor_id(team) {
        Some(team) => {
            let name = reader.known(EntryKind::Team, &team).and_then(|team| team.name.clone());
            fields.set(TicketField::Team, name.unwrap_or_else(|| team.into_owned()));
        }
        None if team.is_told() => fields.clear(TicketField::Team),
        None => {}
    }
    let app = notice.envelope.get("app_id").text();
    let url = app.map(|app| format!("https://app.intercom.com/a/inbox/{app}/inbox/conversation/{id}"));
    fields.set_told(TicketField::Url, reader.desk.options.url(&format!("conversation/{id}")).or(url));
    fields.set_told(TicketField::CreatedAt, desk::when(item.get("created_at")));
    fields.set_told(TicketField::OpenedBy, part::opened_by(reader, item).map(Author::word));
    fields.set_told(TicketField::HandledBy, fin::handled_by(reader, item).map(|by| by.word()));
    desk::tell_when(&mut fields, TicketField::SnoozedUntil, item.get("snoozed_until"));
    for place in ["custom_attributes", "ticket_attributes"] {
        for (name, value) in item.get(place).members().filter(|(name, _)| !name.starts_with("_default_")) {
            let own = OwnField { id: name, name: Some(name), pointer: "/data/item/custom_attributes" };
            let desk = reader.desk;
            desk.options.tell_custom(&mut fields, own, value, &mut reader.around());
        }
    }
    fields
}

/// Of old, an assignee is an admin, a team, or `nobody_admin` without an id.
fn admin(assignee: Json<'_>) -> Json<'_> {
    match assignee.get("type").text() {
        Some("team") => Json::absent(),
        _ => assignee.get("id"),
    }
}

fn tell_status(reader: &Reader<'_, '_>, fields: &mut Fields<TicketField>, item: Json<'_>) {
    let state = item.get("ticket_state");
    let category = first([state.get("category"), state]).text();
    let label = state.get("internal_label").text();
    let state = item.get("state").text();
    let open = item.get("open").flag().map(|open| if open { Status::Open } else { Status::Solved });
    let explained = reader.desk.options.status([label, category, state]);
    let status = explained.or_else(|| words::ticket_state(category?)).or_else(|| words::state(state?)).or(open);
    fields.set_told(TicketField::Status, status.map(Status::word));
}

/// Since when the customer waits, for a conversation whose beginning was not told.
fn tell_wait(fields: &mut Fields<TicketField>, item: Json<'_>) {
    desk::tell_when(fields, TicketField::WaitingSince, item.get("waiting_since"));
    let replied = desk::when(item.at("/statistics/first_admin_reply_at"));
    fields.set_told(TicketField::FirstRepliedAt, replied);
}

fn tell_rating(reader: &mut Reader<'_, '_>, id: &str, item: Json<'_>, home: &Home, at: Millis) {
    let told = item.get("conversation_rating");
    let Some(rating) = told.get("rating").whole().filter(|rating| (1..=5).contains(rating)) else { return };
    let given_at = desk::when(first([told.get("updated_at"), told.get("created_at")])).unwrap_or(at);
    let event_id = format!("{id}:rated:{given_at}:{rating}");
    let kind = TicketEventKind::Rated;
    let mut event = TicketEvent::new(&reader.desk.basics, kind, event_id, id, home.clone(), given_at);
    event.rating = u8::try_from(rating).ok();
    event.rating_comment = told.get("remark").text().map(str::to_owned);
    reader.reading.push(event);
}
