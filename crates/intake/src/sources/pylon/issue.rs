//! An issue and its messages: in an object of the API, in the template.

use std::borrow::Cow;

use tierline_model::{Author, HandledBy, Millis, Status, TicketEventKind, TicketField};

use super::{Reader, account, message, words};
use crate::directory::EntryKind;
use crate::records::{Fields, TicketEvent};
use crate::sources::desk::{self, OwnField, first, tell_id, vendor_id};
use crate::{Home, Json, Unreadable, content_id};

/// What a trigger tells: by the template, or `data` with an event's name beside it.
pub fn event(reader: &mut Reader<'_, '_>, word: &str, told: Json<'_>, of_message: Json<'_>) -> Result<(), Unreadable> {
    // The words are whoever's wrote the trigger. Of one that is not known, what it brings says what happened.
    let of_issue = (word.starts_with("issue") || !word.contains('.'))
        && ["title", "state", "body_html"].iter().any(|name| told.get(name).is_told());
    let brings = if desk::is_object(of_message) { TicketEventKind::Message } else { TicketEventKind::Updated };
    let Some((mut kind, by)) = words::event(word).or(of_issue.then_some((brings, None))) else {
        reader.reading.ignore("/event", "an event of neither an issue nor a message nor an account");
        return Ok(());
    };
    let of_message = first([of_message, told.get("last_message"), told.get("latest_message")]);
    let id = vendor_id(first([told.get("id"), of_message.get("issue_id")]));
    let id = id.ok_or_else(|| Unreadable::missing("/issue/id"))?;
    let delivery = reader.context.delivery;
    let stamps = match kind {
        TicketEventKind::Created => [told.get("created_at"), told.get("updated_at")],
        TicketEventKind::Message => {
            [first([of_message.get("timestamp"), of_message.get("created_at")]), told.get("updated_at")]
        }
        _ => [told.get("updated_at"), told.get("latest_message_time")],
    };
    let at = desk::when(first(stamps)).unwrap_or(delivery.received_at);
    let home = home(reader, &id, told, at);
    let fields = fields(reader, &id, told);
    let rating = rating(told);
    let message = match kind {
        TicketEventKind::Created => message::body(reader, &id, told),
        TicketEventKind::Message => message::written(reader, &id, told, of_message, by),
        _ => None,
    };
    if matches!((kind, &message), (TicketEventKind::Message, None)) {
        reader.reading.ignore("/message", "a message that says nothing");
    }
    if matches!((kind, &message, &rating), (TicketEventKind::Message, None, _) | (TicketEventKind::Rated, _, None)) {
        kind = TicketEventKind::Updated;
    }
    let mut event = TicketEvent::new(&reader.desk.basics, kind, content_id(delivery.body), &id, home, at);
    event.fields = fields;
    match (kind, message) {
        (TicketEventKind::Message, Some(message)) => {
            desk::push_message(&reader.desk.basics, &id, event, message, None, &mut reader.reading);
        }
        (TicketEventKind::Rated, _) => {
            (event.rating, event.rating_comment) = rating.map_or((None, None), |(rating, said)| (Some(rating), said));
            reader.reading.push(event);
        }
        (_, message) => reader.reading.push(TicketEvent { message, ..event }),
    }
    Ok(())
}

/// An issue of the API: with its messages its whole story, else as it stands.
pub fn whole(reader: &mut Reader<'_, '_>, told: Json<'_>) -> Result<(), Unreadable> {
    let id = vendor_id(told.get("id")).ok_or_else(|| Unreadable::missing("/id"))?;
    let created_at = desk::when(told.get("created_at")).ok_or_else(|| Unreadable::missing("/created_at"))?;
    let changes = ["updated_at", "latest_message_time", "resolution_time", "first_response_time"];
    let updated_at = changes.iter().filter_map(|name| desk::when(told.get(name))).fold(created_at, Millis::max);
    let home = home(reader, &id, told, updated_at);
    let mut fields = fields(reader, &id, told);
    let basics = &reader.desk.basics;
    let event = |kind, event_id: String, at| TicketEvent::new(basics, kind, event_id, &id, home.clone(), at);
    let created = |fields, message| TicketEvent {
        fields,
        message,
        ..event(TicketEventKind::Created, desk::created_id(&id), created_at)
    };
    let messages = told.get("messages");
    let messages = if messages.is_list() { messages } else { messages.get("data") };
    if !messages.is_told() && updated_at == created_at {
        let message = message::body(reader, &id, told);
        reader.reading.push(created(fields, message));
        return Ok(());
    }
    let has_story = messages.is_told();
    if has_story {
        let mut written: Vec<_> = messages
            .items()
            .filter_map(|one| {
                let at = desk::when(first([one.get("timestamp"), one.get("created_at")])).unwrap_or(created_at);
                Some((at, message::written(reader, &id, told, one, None)?))
            })
            .collect();
        written.sort_by_key(|(at, _)| *at);
        // The first of the messages is the issue's body.
        let body = message::body(reader, &id, told);
        if written.first().is_some_and(|(_, first)| body.as_ref().is_some_and(|body| body.text == first.text)) {
            written.remove(0);
        }
        reader.reading.push(created(fields.only(desk::OF_CREATION), body));
        for (at, message) in written {
            let event_id = format!("{id}:message:{}", message.id.as_deref().unwrap_or_default());
            let record = event(TicketEventKind::Message, event_id, at);
            desk::push_message(basics, &id, record, message, None, &mut reader.reading);
        }
    } else {
        fields.set_told(TicketField::FirstRepliedAt, desk::when(told.get("first_response_time")));
    }
    let event_id = desk::version_id(&id, updated_at, reader.context.delivery);
    let by_kind = has_story.then_some(Author::System);
    reader.reading.push(TicketEvent { fields, by_kind, ..event(TicketEventKind::Updated, event_id, updated_at) });
    if let Some((rating, comment)) = rating(told) {
        let rated = event(TicketEventKind::Rated, format!("{id}:rated:{rating}"), updated_at);
        reader.reading.push(TicketEvent { rating: Some(rating), rating_comment: comment, ..rated });
    }
    Ok(())
}

fn home(reader: &mut Reader<'_, '_>, id: &str, told: Json<'_>, at: Millis) -> Home {
    let account = vendor_id(first([told.at("/account/id"), told.get("account_id")]));
    desk::tell_name(&reader.desk.basics, told.get("account"), reader.context, &mut reader.reading);
    let (account, requester) = (account.as_deref(), requester(told));
    desk::home(&reader.desk.basics, id, account, requester.as_deref(), at, reader.context, &mut reader.reading)
}

/// Who asked.
pub fn requester(told: Json<'_>) -> Option<Cow<'_, str>> {
    vendor_id(first([told.at("/requester/id"), told.get("requester_id"), told.at("/requester/email")]))
}

fn fields(reader: &mut Reader<'_, '_>, id: &str, told: Json<'_>) -> Fields<TicketField> {
    let mut fields = Fields::default();
    fields.tell(TicketField::Subject, told.get("title"));
    let state = told.get("state").text();
    let explained = reader.desk.options.status([state]);
    match (state, explained.or_else(|| words::state(state?))) {
        (_, Some(status)) => fields.set(TicketField::Status, status.word()),
        (Some(_), None) => {
            let why = "a status of the company's own: name it under `statuses`, until then it counts as open";
            reader.reading.ignore("/issue/state", why);
            fields.set(TicketField::Status, Status::Open.word());
        }
        (None, None) => {}
    }
    let own = told.get("custom_fields");
    let priority = first([told.get("priority"), account::value(own.get("priority"))]);
    fields.set_told(TicketField::Priority, priority.text().and_then(words::priority).map(|word| word.word()));
    fields.set_told(TicketField::Type, told.get("type").text().map(str::to_lowercase));
    fields.set_told(TicketField::Tags, desk::texts(told.get("tags")));
    fields.set_told(TicketField::Channel, told.get("source").text());
    fields.set_told(TicketField::Requester, requester(told).map(Cow::into_owned));
    let assignee = first([told.at("/assignee/id"), told.get("assignee_id"), bare(told.get("assignee"))]);
    tell_id(&mut fields, TicketField::Assignee, assignee);
    if let Some(assignee) = vendor_id(assignee) {
        let by = if reader.desk.options.is_bot(&assignee) { HandledBy::Bot } else { HandledBy::Team };
        fields.set(TicketField::HandledBy, by.word());
    }
    let team = first([told.at("/team/id"), told.get("team_id"), bare(told.get("team"))]);
    match vendor_id(team) {
        Some(team) => {
            let name = told.at("/team/name").text().map(str::to_owned);
            let name = name.or_else(|| reader.known(EntryKind::Team, &team)?.name.clone());
            fields.set(TicketField::Team, name.unwrap_or_else(|| team.into_owned()));
        }
        None if team.is_empty() => fields.clear(TicketField::Team),
        None => {}
    }
    let url = told.get("link").text().map(str::to_owned);
    fields.set_told(TicketField::Url, url.or_else(|| reader.desk.options.url(&format!("issues?issueNumber={id}"))));
    fields.set_told(TicketField::CreatedAt, desk::when(told.get("created_at")));
    fields.set_told(TicketField::OpenedBy, opened_by(told).map(Author::word));
    desk::tell_when(&mut fields, TicketField::SnoozedUntil, told.get("snoozed_until_time"));
    for (name, field) in own.members().filter(|(name, _)| *name != "priority") {
        let own = OwnField { id: name, name: Some(name), pointer: "/issue/custom_fields" };
        let desk = reader.desk;
        desk.options.tell_custom(&mut fields, own, account::value(field), &mut reader.around());
    }
    fields
}

/// What stands for a thing by itself; an object is looked into elsewhere.
fn bare(json: Json<'_>) -> Json<'_> {
    if desk::is_object(json) { Json::absent() } else { json }
}

/// Who opened it: a requester is a customer's, unless a mail program sent it by itself.
pub fn opened_by(told: Json<'_>) -> Option<Author> {
    let is_automatic = told.get("title").text().is_some_and(desk::is_automatic_subject);
    if is_automatic { Some(Author::System) } else { requester(told).map(|_| Author::Customer) }
}

/// The newest answer to a survey: <https://docs.usepylon.com/pylon-docs/developer/api/api-reference/issues>,
/// `csat_responses`.
fn rating(told: Json<'_>) -> Option<(u8, Option<String>)> {
    let newest = told.get("csat_responses").items().last();
    let answer = newest.unwrap_or_else(|| told.get("csat"));
    let score = answer.get("score").whole().filter(|score| (1..=5).contains(score))?;
    Some((u8::try_from(score).ok()?, answer.get("comment").text().map(str::to_owned)))
}
