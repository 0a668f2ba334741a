//! Intercom's words and ours.

use tierline_model::{Author, HandledBy, Priority, Status};

/// <https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/conversation>, `state`. One
/// that is closed opens again when the customer writes. Snoozing puts aside what waits for somebody or something.
const STATES: &[(&str, Status)] = &[("open", Status::Open), ("closed", Status::Solved), ("snoozed", Status::OnHold)];

/// <https://developers.intercom.com/docs/references/rest-api/api.intercom.io/tickets/ticket>, `ticket_state.category`.
const TICKET_STATES: &[(&str, Status)] = &[
    ("submitted", Status::New),
    ("in_progress", Status::Open),
    ("waiting_on_customer", Status::Pending),
    ("resolved", Status::Solved),
];

/// The first page, `priority`.
const PRIORITIES: &[(&str, Priority)] = &[("priority", Priority::High), ("not_priority", Priority::Normal)];

/// The first page, `conversation_parts[].author.type`: bots and campaigns write for admins or teams.
const AUTHORS: &[(&str, Author)] = &[
    ("user", Author::Customer),
    ("lead", Author::Customer),
    ("contact", Author::Customer),
    ("admin", Author::Agent),
    ("bot", Author::Bot),
    ("team", Author::Bot),
    ("campaign", Author::Bot),
];

/// The first page, `source.delivered_as`: who began it, whoever it was written for.
const BEGUN: &[(&str, Author)] = &[
    ("customer_initiated", Author::Customer),
    ("admin_initiated", Author::Agent),
    ("operator_initiated", Author::Bot),
    ("campaigns_initiated", Author::Bot),
    ("automated", Author::Bot),
];

/// The first page, `ai_agent.resolution_state`: who goes on.
const RESOLUTIONS: &[(&str, HandledBy)] = &[
    ("routed_to_team", HandledBy::Team),
    ("assumed_resolution", HandledBy::Bot),
    ("confirmed_resolution", HandledBy::Bot),
    ("abandoned", HandledBy::Bot),
];

/// The first page, `conversation_parts[].part_type`: those that can carry what somebody wrote for the customer. Those
/// that begin with `note` are for colleagues; all others tell what was done.
const WRITTEN: &[&str] = &[
    "comment",
    "quick_reply",
    "open",
    "close",
    "snoozed",
    "assignment",
    "assign_and_reopen",
    "assign_and_unsnooze",
    "comment_and_reopen",
];

/// What a state means.
pub fn state(word: &str) -> Option<Status> {
    find(STATES, word)
}

/// What the category of a ticket's state means.
pub fn ticket_state(word: &str) -> Option<Status> {
    find(TICKET_STATES, word)
}

/// What a priority means.
pub fn priority(word: &str) -> Option<Priority> {
    find(PRIORITIES, word)
}

/// Who a kind of author is.
pub fn author(word: &str) -> Option<Author> {
    find(AUTHORS, word)
}

/// Who began a conversation.
pub fn begun(word: &str) -> Option<Author> {
    find(BEGUN, word)
}

/// Who goes on after the AI agent.
pub fn resolution(word: &str) -> Option<HandledBy> {
    find(RESOLUTIONS, word)
}

/// Whether a kind of part can be a message, and then whether the customer can see it.
pub fn is_written(part_type: &str) -> Option<bool> {
    if part_type.starts_with("note") {
        return Some(false);
    }
    WRITTEN.contains(&part_type).then_some(true)
}

fn find<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(other, _)| *other == word).map(|(_, value)| *value)
}
