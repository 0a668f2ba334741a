//! Freshdesk's numbers and words, and ours.

use tierline_model::{Author, Priority, Status, TicketEventKind};

/// <https://developers.freshdesk.com/api/#ticket-properties>, *status*. Numbers from 6 on are the company's own, but for
/// the two that new accounts have; automations write the words. Only 4 and 5 end a ticket: any other is open.
const STATUSES: &[(&str, &str, Status)] = &[
    ("2", "open", Status::Open),
    ("3", "pending", Status::Pending),
    ("4", "resolved", Status::Solved),
    ("5", "closed", Status::Closed),
    ("6", "waiting on customer", Status::Pending),
    ("7", "waiting on third party", Status::OnHold),
];

/// The same page, *priority*.
const PRIORITIES: &[(&str, &str, Priority)] = &[
    ("1", "low", Priority::Low),
    ("2", "medium", Priority::Normal),
    ("3", "high", Priority::High),
    ("4", "urgent", Priority::Urgent),
];

/// The same page, *source*.
const CHANNELS: &[(&str, &str, &str)] = &[
    ("1", "email", "email"),
    ("2", "portal", "portal"),
    ("3", "phone", "phone"),
    ("4", "forum", "forum"),
    ("5", "twitter", "twitter"),
    ("6", "facebook", "facebook"),
    ("7", "chat", "chat"),
    ("8", "mobihelp", "mobihelp"),
    ("9", "feedback widget", "feedback_widget"),
    ("10", "outbound email", "outbound_email"),
    ("11", "ecommerce", "ecommerce"),
    ("12", "bot", "bot"),
    ("13", "whatsapp", "whatsapp"),
];

/// <https://developers.freshdesk.com/api/#conversations>, *source*, of those that nobody wrote to the other side: the
/// feedback of a survey, a forward.
pub const SURVEY: i64 = 6;
/// See [`SURVEY`].
pub const FORWARD: i64 = 8;

/// <https://developers.freshdesk.com/api/#satisfaction-ratings>: from *extremely happy* to *extremely unhappy*; and as
/// surveys of old count, 1 for happy, 2 for neutral, 3 for unhappy.
const RATINGS: &[(i64, u8)] =
    &[(103, 5), (102, 5), (101, 4), (100, 3), (-101, 2), (-102, 1), (-103, 1), (1, 5), (2, 3), (3, 1)];

/// What merging writes on the ticket that is closed, and how that on the other begins, as long as nobody changes it:
/// <https://support.freshdesk.com/support/solutions/articles/235437>.
const MERGED_THERE: &str = "This ticket is closed and merged into ticket ";
const MERGED_HERE: &[&str] = &["Merged from ticket ", "Ticket with ID "];

/// What our template's `event` can say, what `{{triggered_event}}` begins with, and an app's names of the same: what
/// happened, and who did it where the event says so.
const EVENTS: &[(&str, TicketEventKind, Option<Author>)] = &[
    ("created", TicketEventKind::Created, None),
    ("onticketcreate", TicketEventKind::Created, None),
    ("ticket_action:created", TicketEventKind::Created, None),
    ("updated", TicketEventKind::Updated, None),
    ("onticketupdate", TicketEventKind::Updated, None),
    ("customer_replied", TicketEventKind::Message, Some(Author::Customer)),
    ("agent_replied", TicketEventKind::Message, Some(Author::Agent)),
    ("note_added", TicketEventKind::Message, Some(Author::Agent)),
    ("onconversationcreate", TicketEventKind::Message, None),
    ("rated", TicketEventKind::Rated, None),
    ("deleted", TicketEventKind::Deleted, None),
    ("onticketdelete", TicketEventKind::Deleted, None),
];

/// What a status means that the company has not explained.
pub fn status(word: &str) -> Option<Status> {
    let known = find(STATUSES, word);
    let own = || word.trim().parse::<u32>().is_ok_and(|number| number > 5).then_some(Status::Open);
    known.or_else(own)
}

/// Whether this status is one of the company's own.
pub fn is_own(word: &str) -> bool {
    find(STATUSES, word).is_none()
}

/// What a priority means.
pub fn priority(word: &str) -> Option<Priority> {
    find(PRIORITIES, word)
}

/// How the customer came: a word of ours where there is one, else Freshdesk's.
pub fn channel(word: &str) -> String {
    find(CHANNELS, word).map_or_else(|| word.trim().to_lowercase().replace(' ', "_"), str::to_owned)
}

/// What a rating means: 1 to 5.
pub fn rating(number: i64) -> Option<u8> {
    RATINGS.iter().find(|(other, _)| *other == number).map(|(_, rating)| *rating)
}

/// What an event is.
pub fn event(word: &str) -> Option<(TicketEventKind, Option<Author>)> {
    let word = word.trim().trim_matches(['{', '}']).to_lowercase();
    EVENTS.iter().find(|(other, ..)| *other == word).map(|(_, kind, author)| (*kind, *author))
}

/// Whether merging wrote this.
pub fn is_merge_note(text: &str) -> bool {
    merged_into(text).is_some()
        || MERGED_HERE.iter().any(|begin| text.starts_with(begin)) && text.to_lowercase().contains("merged")
}

/// The ticket that goes on, where merging wrote this on the one that is closed.
pub fn merged_into(text: &str) -> Option<&str> {
    let rest = text.trim_start().strip_prefix(MERGED_THERE)?.trim_start_matches('#');
    let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|id| !id.is_empty())
}

fn find<T: Copy>(table: &[(&str, &str, T)], word: &str) -> Option<T> {
    let word = word.trim();
    let is = |(number, name, _): &&(&str, &str, T)| *number == word || name.eq_ignore_ascii_case(word);
    table.iter().find(is).map(|(.., value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_mean_the_same() {
        assert_eq!(["3", "Pending"].map(status), [Some(Status::Pending); 2]);
        assert_eq!((status("12"), status("1"), status("Odd")), (Some(Status::Open), None, None));
        assert_eq!(["4", "Urgent"].map(priority), [Some(Priority::Urgent); 2]);
        assert_eq!([channel("9"), channel("Sms Gateway")], ["feedback_widget", "sms_gateway"]);
        assert_eq!([rating(103), rating(-103), rating(7)], [Some(5), Some(1), None]);
    }

    #[test]
    fn a_merge_note_tells_where_the_ticket_went() {
        assert_eq!(merged_into("This ticket is closed and merged into ticket 12"), Some("12"));
        assert!(is_merge_note("Merged from ticket 11\n\nSubject: Export"));
        assert!(!is_merge_note("Ticket with ID 11 is the same"));
    }
}
