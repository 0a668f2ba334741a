//! Pylon's words and ours.

use tierline_model::{Author, Priority, Status, TicketEventKind};

/// <https://docs.usepylon.com/pylon-docs/developer/api/api-reference/issues>, `state`: these, and the slugs of the
/// company's own statuses. One that is closed opens again when the customer writes.
const STATES: &[(&str, Status)] = &[
    ("new", Status::New),
    ("waiting_on_you", Status::Open),
    ("waiting_on_customer", Status::Pending),
    ("on_hold", Status::OnHold),
    ("closed", Status::Solved),
];

/// The same page, `priority`.
const PRIORITIES: &[(&str, Priority)] =
    &[("low", Priority::Low), ("medium", Priority::Normal), ("high", Priority::High), ("urgent", Priority::Urgent)];

/// What our template's `event` can say, with or without `issue.` before it: what happened, and who did it where the
/// event says so.
const EVENTS: &[(&str, TicketEventKind, Option<Author>)] = &[
    ("created", TicketEventKind::Created, None),
    ("updated", TicketEventKind::Updated, None),
    ("customer_replied", TicketEventKind::Message, Some(Author::Customer)),
    ("agent_replied", TicketEventKind::Message, Some(Author::Agent)),
    ("note_added", TicketEventKind::Message, Some(Author::Agent)),
    ("message", TicketEventKind::Message, None),
    ("new_message", TicketEventKind::Message, None),
    ("rated", TicketEventKind::Rated, None),
    ("deleted", TicketEventKind::Deleted, None),
];

/// What a state means that the company has not explained.
pub fn state(word: &str) -> Option<Status> {
    let word = word.trim().to_lowercase().replace(' ', "_");
    STATES.iter().find(|(other, _)| *other == word).map(|(_, status)| *status)
}

/// What a priority means.
pub fn priority(word: &str) -> Option<Priority> {
    PRIORITIES.iter().find(|(other, _)| other.eq_ignore_ascii_case(word.trim())).map(|(_, priority)| *priority)
}

/// What an event is; `message.created` is one of a message, whatever its last word says.
pub fn event(word: &str) -> Option<(TicketEventKind, Option<Author>)> {
    let word = word.trim().to_lowercase();
    let of_message = word.contains("message.") || word.contains("message_created");
    let last = if of_message { "message" } else { word.rsplit('.').next().unwrap_or_default() };
    EVENTS.iter().find(|(other, ..)| *other == last).map(|(_, kind, by)| (*kind, *by))
}
