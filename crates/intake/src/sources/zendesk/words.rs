//! Zendesk's words and ours.

use tierline_model::{Priority, Status};

/// <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/>, `status`; triggers write `On-hold`, events
/// write in capitals. A custom status stands in one of these categories, and that is what `status` says.
const STATUSES: &[(&str, Status)] = &[
    ("new", Status::New),
    ("open", Status::Open),
    ("pending", Status::Pending),
    ("hold", Status::OnHold),
    ("on-hold", Status::OnHold),
    ("on hold", Status::OnHold),
    ("solved", Status::Solved),
    ("closed", Status::Closed),
];

/// The same page, `priority`.
const PRIORITIES: &[(&str, Priority)] =
    &[("low", Priority::Low), ("normal", Priority::Normal), ("high", Priority::High), ("urgent", Priority::Urgent)];

/// <https://developer.zendesk.com/api-reference/ticketing/ticket-management/satisfaction_ratings/>, `score`; triggers
/// write `Good, I'm satisfied` and `Bad, I'm unsatisfied`. What is offered and not answered is none.
const RATINGS: &[(&str, u8)] = &[("good", 5), ("bad", 1)];

/// <https://support.zendesk.com/hc/en-us/articles/4408882445594>: what merging writes on the ticket that goes on, and on
/// the one that is closed, as long as the agent does not change it.
const MERGED_HERE: &str = "was closed and merged into this request";
const MERGED_THERE: &str = "This request was closed and merged into request #";

/// What a status means.
pub fn status(word: &str) -> Option<Status> {
    find(STATUSES, word)
}

/// What a priority means.
pub fn priority(word: &str) -> Option<Priority> {
    find(PRIORITIES, word)
}

/// What a satisfaction rating means: 1 to 5.
pub fn rating(word: &str) -> Option<u8> {
    let word = word.trim();
    let first = word.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let number = || word.parse().ok().filter(|number| (1..=5).contains(number));
    // `goodwithcomment`, `badwithcomment`.
    find(RATINGS, first).or_else(|| find(RATINGS, first.strip_suffix("withcomment")?)).or_else(number)
}

/// Whether merging wrote this comment.
pub fn is_merge_comment(text: &str) -> bool {
    text.contains(MERGED_HERE) || text.trim_start().starts_with(MERGED_THERE)
}

/// The ticket that goes on, where merging wrote this comment on the one that is closed.
pub fn merged_into(text: &str) -> Option<&str> {
    let rest = text.trim_start().strip_prefix(MERGED_THERE)?;
    let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|id| !id.is_empty())
}

fn find<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    let word = word.trim();
    table.iter().find(|(other, _)| other.eq_ignore_ascii_case(word)).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_as_the_api_the_events_and_the_triggers_write_them() {
        assert_eq!(["hold", "HOLD", "On-hold"].map(status), [Some(Status::OnHold); 3]);
        assert_eq!((status("SOLVED"), status("deleted")), (Some(Status::Solved), None));
        assert_eq!(["good", "Good, I'm satisfied", "goodwithcomment", "5"].map(rating), [Some(5); 4]);
        assert_eq!(["bad", "offered", "6"].map(rating), [Some(1), None, None]);
    }

    #[test]
    fn a_merge_comment_tells_where_the_ticket_went() {
        let there = "This request was closed and merged into request #4711 \"Export fails\".";
        assert_eq!((merged_into(there), is_merge_comment(there)), (Some("4711"), true));
        let here = "Request #12 \"Export\" was closed and merged into this request. Last comment in request #12:\n\nHi";
        assert_eq!((merged_into(here), is_merge_comment(here)), (None, true));
        assert!(!is_merge_comment("Please merge my requests"));
    }
}
