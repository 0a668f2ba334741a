//! What the help desks have in common: how they write ids and instants, what nobody wrote, what a company calls its own
//! fields and statuses.
//!
//! The ids that this makes are the same by whatever way a thing comes. A message has the vendor's id of it; the first
//! one, which some ways bring without an id, is `first`. A ticket is created once, so its creation is `7:created`.

mod automated;
mod identity;
mod of_account;
mod options;
mod plain;
mod read;

pub use automated::{has_automatic_headers, is_automatic_subject};
pub use identity::{domain_of, tell_domains, tell_external};
pub use of_account::tell_of_account;
pub use options::{Around, Options, OwnField};
pub use plain::plain;
pub use read::{first, is_object, list_or_one, slug, texts, vendor_id, when};

use tierline_model::{AccountField, Author, Millis, TicketEventKind, TicketField};

use crate::directory::EntryKind;
use crate::records::{AccountChange, Fields, Handoff, Message, Signal, TicketEvent};
use crate::{Basics, Context, Delivery, Home, Json, Reading, content_id};

/// The id of a ticket's first message.
pub fn first_message(ticket: &str) -> String {
    format!("{ticket}:first")
}

/// The event id of a ticket's creation, where the vendor has none.
pub fn created_id(ticket: &str) -> String {
    format!("{ticket}:created")
}

/// Where a ticket is filed. One of which neither an organisation nor a requester was ever told is filed under an account
/// of its own, and that is not remembered: whoever tells more decides.
pub fn home(
    basics: &Basics,
    ticket: &str,
    organisation: Option<&str>,
    requester: Option<&str>,
    at: Millis,
    context: &Context<'_>,
    reading: &mut Reading,
) -> Home {
    let home = basics.home(ticket, organisation, requester, at, context, reading);
    home.unwrap_or_else(|| nobodys(basics, ticket, context, reading))
}

/// Where a ticket is filed of which a payload brings but a message, a rating, a deletion: where it is, else with its
/// writer's organisation. That is not remembered, for it is a guess.
pub fn guessed_home(
    basics: &Basics,
    ticket: &str,
    writer: Option<&str>,
    at: Millis,
    context: &Context<'_>,
    reading: &mut Reading,
) -> Home {
    if let Some(home) = basics.stay(ticket, at, None, context, reading) {
        return home;
    }
    let writer = writer.and_then(|writer| reading.known(context, &basics.name, EntryKind::User, writer));
    match writer.and_then(|writer| writer.group.as_deref()) {
        Some(organisation) => Home { account: basics.account_id(organisation, context), account_ref: None },
        None => nobodys(basics, ticket, context, reading),
    }
}

fn nobodys(basics: &Basics, ticket: &str, context: &Context<'_>, reading: &mut Reading) -> Home {
    reading.ignore("", "nothing tells whose ticket this is, and it was never met: it is an account of its own");
    Home { account: basics.account_id(&format!("ticket:{ticket}"), context), account_ref: None }
}

/// What an organisation is called, where a ticket tells it besides: a change of the account, once for each name.
pub fn tell_name(basics: &Basics, organisation: Json<'_>, context: &Context<'_>, reading: &mut Reading) {
    let (Some(id), Some(name)) = (vendor_id(organisation.get("id")), organisation.get("name").text()) else { return };
    let mut known = reading.known(context, &basics.name, EntryKind::Organisation, &id).cloned().unwrap_or_default();
    if known.name.as_deref() != Some(name) {
        let mut change = AccountChange::new(basics.account_id(&id, context), &basics.name);
        change.source_id = Some(id.clone().into_owned());
        change.fields.set(AccountField::Name, name);
        known.name = Some(name.to_owned());
        basics.remember_organisation(&id, known, context, reading);
        reading.push(change);
    }
}

/// A field that is a vendor's id: told, told as none (`null`, `""`, `0`, `-`), or untold.
pub fn tell_id(fields: &mut Fields<TicketField>, field: TicketField, id: Json<'_>) {
    match vendor_id(id) {
        Some(id) => fields.set(field, id.into_owned()),
        None if id.is_empty() || id.id().is_some() => fields.clear(field),
        None => {}
    }
}

/// A field that is an instant: told, told as none, or untold.
pub fn tell_when(fields: &mut Fields<TicketField>, field: TicketField, instant: Json<'_>) {
    match when(instant) {
        Some(at) => fields.set(field, at),
        None if instant.is_empty() => fields.clear(field),
        None => {}
    }
}

/// A message without an id, a name or a text.
pub fn message(author: Author, public: bool) -> Message {
    Message { id: None, author, author_name: None, public, text: None, automated: false }
}

/// Of how a ticket stands, what has been so from its beginning.
pub const OF_CREATION: &[TicketField] = &[
    TicketField::Subject,
    TicketField::Channel,
    TicketField::Requester,
    TicketField::Language,
    TicketField::Brand,
    TicketField::Url,
    TicketField::Parent,
    TicketField::OpenedBy,
    TicketField::CreatedAt,
];

/// The event id of how a ticket stood: of its instant, and of what the payload says, for vendors count in seconds.
pub fn version_id(ticket: &str, updated_at: Millis, delivery: &Delivery<'_>) -> String {
    format!("{ticket}:{updated_at}:{:.8}", content_id(delivery.body))
}

/// A message's record, and what else it means: a merge that its text tells, a bot's hand-over.
pub fn push_message(
    basics: &Basics,
    ticket: &str,
    event: TicketEvent,
    message: Message,
    merged_into: Option<String>,
    reading: &mut Reading,
) {
    // What a bot notes for its colleagues is what it hands over.
    let summary = message.text.clone().filter(|_| message.author == Author::Bot && !message.public);
    let (home, event_id, at) = (event.home.clone(), event.event_id.clone(), event.occurred_at);
    reading.push(TicketEvent { message: Some(message), ..event });
    if let Some(target) = merged_into {
        reading.push(merge(basics, ticket, home, &target, at));
    } else if let Some(summary) = summary {
        let handoff = Handoff { summary: Some(summary), ..Handoff::default() };
        reading.push(handed_over(basics, ticket, &home, &event_id, at, handoff));
    }
}

/// A ticket was merged into another: one record, whoever says so and how often.
pub fn merge(basics: &Basics, ticket: &str, home: Home, target: &str, at: Millis) -> TicketEvent {
    let mut event = TicketEvent::new(basics, TicketEventKind::Merged, format!("{ticket}:merged"), ticket, home, at);
    event.merged_into = Some(basics.ticket_id(target));
    event
}

/// A bot hands over to people.
pub fn handed_over(basics: &Basics, ticket: &str, home: &Home, event_id: &str, at: Millis, handoff: Handoff) -> Signal {
    Signal {
        signal_id: format!("{event_id}:handoff"),
        account_id: home.account.clone(),
        ticket_id: Some(basics.ticket_id(ticket)),
        occurred_at: at,
        name: "handoff".to_owned(),
        handoff: Some(handoff),
        ..Signal::default()
    }
}
