//! Asking Pylon for what has changed: its search of issues by `updated_at`, and each changed issue's messages.
//!
//! <https://docs.usepylon.com/pylon-docs/developer/api/api-reference/issues>: 20 searches a minute, and as many lists of
//! messages. The order of what is found is not documented: what changes while pages are read may be passed by, so the
//! search is made again for what has changed since it began.

use std::time::Duration;

use serde_json::{Value, json};
use tierline_model::{Millis, instant_text};

use super::Pylon;
use crate::reconcile::page::{id, if_allowed, items, odd, take_each, text, without};
use crate::reconcile::{Api, Halt, Round, Terms};

/// A page; the most there is is 999.
const PAGE: u32 = 500;
/// Pages of anything.
const MOST_PAGES: usize = 200;
/// How often a search is made that one page does not hold: who slips through all of them is found in the next round.
const MOST_SEARCHES: usize = 3;
/// Nothing is documented of when a change is found.
const LAG: Duration = Duration::from_secs(60);

/// What the company's own fields are called.
const FIELDS: &str = "/custom-fields";
/// What changes from answer to answer: addresses of files, and how long an issue has been what it is.
const FLEETING: [&str; 6] = [
    "attachment_urls",
    "file_urls",
    "business_hours_first_response_seconds",
    "business_hours_resolution_seconds",
    "business_hours_time_in_status_seconds",
    "time_in_status_seconds",
];

impl Api for Pylon {
    fn terms(&self) -> Terms {
        Terms {
            url: Some("https://api.usepylon.com".to_owned()),
            requests_per_minute: 20,
            lag: LAG,
            every: Duration::from_secs(45),
            has_tickets: true,
            user: None,
        }
    }

    fn changes(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        let mut since = round.since();
        for _ in 0..MOST_SEARCHES {
            let began = round.there_and_now();
            let pages = search(round, since)?;
            round.flush()?;
            if pages <= 1 {
                break;
            }
            since = began - LAG.as_millis() as Millis;
        }
        Ok(())
    }

    fn names(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        for (list, path) in [("users", "/users"), ("teams", "/teams"), ("data", FIELDS), ("accounts", "/accounts")] {
            let query = if path == FIELDS { &[("object_type", "issue")][..] } else { &[] };
            if let Some(items) = if_allowed(all_of(round, path, query))? {
                take_each(round, list, items)?;
            }
        }
        Ok(())
    }
}

/// One search, and every issue that it finds; how many pages it had.
fn search(round: &mut Round<'_>, since: Millis) -> Result<usize, Halt> {
    let mut cursor: Option<String> = None;
    for number in 1..=MOST_PAGES {
        let mut query = json!({"limit": PAGE,
            "filter": {"field": "updated_at", "operator": "time_is_after", "value": instant_text(since)}});
        if let Some(cursor) = &cursor {
            query["cursor"] = cursor.as_str().into();
        }
        let mut page = round.post("/issues/search", &query)?;
        let issues = items(&mut page, "data").unwrap_or_default();
        for issue in issues {
            let issue = without(issue, &FLEETING);
            if !round.is_taken(&issue) {
                let story = story(round, &issue)?;
                round.take_for(&issue, &story)?;
            }
        }
        match next(&page) {
            None => return Ok(number),
            Some(next) if cursor.as_deref() == Some(next) => return Err(odd("a page names itself as the next")),
            Some(next) => cursor = Some(next.to_owned()),
        }
    }
    Err(odd("more issues changed than could be asked for: look back less far"))
}

/// An issue with its messages.
fn story(round: &mut Round<'_>, issue: &Value) -> Result<Value, Halt> {
    let mut story = issue.clone();
    let Some(id) = id(issue) else { return Ok(story) };
    let messages = match all_of(round, &format!("/issues/{id}/messages"), &[]) {
        Ok(messages) => messages,
        // It was deleted meanwhile.
        Err(Halt::Missing(_)) => return Ok(story),
        Err(halt) => return Err(halt),
    };
    let messages = messages.into_iter().map(|message| without(message, &FLEETING));
    story["messages"] = messages.collect::<Vec<_>>().into();
    Ok(story)
}

/// All pages of a list.
fn all_of(round: &mut Round<'_>, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Halt> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let mut query = query.to_vec();
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let mut page = round.get(path, &query)?;
        all.extend(items(&mut page, "data").unwrap_or_default());
        match next(&page).filter(|next| cursor.as_deref() != Some(*next)) {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    Ok(all)
}

/// Where the next page begins.
fn next(page: &Value) -> Option<&str> {
    let pagination = page.get("pagination")?;
    let has_more = pagination.get("has_next_page").and_then(Value::as_bool) == Some(true);
    text(pagination, "cursor").filter(|_| has_more)
}
