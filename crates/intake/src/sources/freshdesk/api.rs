//! Asking Freshdesk for what has changed: its lists of tickets by `updated_since`, and each changed ticket's
//! conversations.
//!
//! <https://developers.freshdesk.com/api/#list_all_tickets>. Oldest changes first, and each page begins at the instant
//! with which the one before ended: by numbers, a ticket that changes meanwhile would have another fall between two pages.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;
use tierline_model::{instant_text, parse_instant};

use super::Freshdesk;
use crate::reconcile::page::{id, if_allowed, listed, odd, text, without};
use crate::reconcile::{Api, Halt, Http, Key, Round, Terms};

/// A page of anything; the most there is.
const PAGE: usize = 100;
const PAGE_TEXT: &str = "100";
/// Freshdesk has no page behind this one.
const MOST_PAGES: usize = 300;
/// The lists read what is written; this is for what is being written.
const LAG: Duration = Duration::from_secs(10);

/// What changes from answer to answer: addresses of attachments.
const FLEETING: [&str; 2] = ["attachments", "cloud_files"];

impl Api for Freshdesk {
    fn terms(&self) -> Terms {
        Terms {
            url: self.options.url("").map(|site| site.trim_end_matches('/').to_owned()),
            requests_per_minute: 50,
            lag: LAG,
            every: Duration::from_secs(30),
            has_tickets: true,
            user: None,
        }
    }

    fn authorization(&self, key: &Key, _: &mut Http) -> Result<String, Halt> {
        // Of user and password, the key is the user: https://developers.freshdesk.com/api/#authentication
        Ok(format!("Basic {}", BASE64_STANDARD.encode(format!("{}:X", key.token))))
    }

    fn changes(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        ratings(round)?;
        // A list leaves out what is deleted or spam, unless it is asked for. The long one comes last: an interrupted round
        // goes on within it.
        for filter in [Some("deleted"), Some("spam"), None] {
            tickets(round, filter)?;
        }
        Ok(())
    }

    fn names(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        for path in ["/api/v2/groups", "/api/v2/agents", "/api/v2/companies"] {
            if let Some(items) = if_allowed(all_of(round, path, &[]))? {
                items.into_iter().try_for_each(|item| round.take(item))?;
            }
        }
        Ok(())
    }
}

/// Every ticket of a list that changed, with its conversations.
fn tickets(round: &mut Round<'_>, filter: Option<&str>) -> Result<(), Halt> {
    let mut since = round.since();
    let mut page = 1;
    loop {
        let (from, number) = (instant_text(since / 1_000 * 1_000), page.to_string());
        let mut query = vec![
            ("updated_since", from.as_str()),
            ("order_by", "updated_at"),
            ("order_type", "asc"),
            ("include", "requester,description"),
            ("per_page", PAGE_TEXT),
            ("page", number.as_str()),
        ];
        query.extend(filter.map(|filter| ("filter", filter)));
        let tickets = listed(round.get("/api/v2/tickets", &query)?)?;
        let changed_at = |ticket: &Value| parse_instant(text(ticket, "updated_at")?);
        let (is_last, last) = (tickets.len() < PAGE, tickets.iter().filter_map(changed_at).max());
        for ticket in tickets {
            let ticket = without(ticket, &FLEETING);
            if !round.is_taken(&ticket) {
                let story = story(round, &ticket, filter)?;
                round.take_for(&ticket, &story)?;
            }
        }
        if is_last {
            return round.flush();
        }
        match last {
            Some(last) if last / 1_000 > since / 1_000 => {
                (since, page) = (last, 1);
                if filter.is_none() {
                    round.reached(last)?;
                }
            }
            // More tickets changed within one second than a page holds.
            Some(_) if page < MOST_PAGES => page += 1,
            _ => return Err(odd("more tickets that changed within a second than Freshdesk has pages for")),
        }
    }
}

/// A ticket with its conversations; one that is gone has none any more.
fn story(round: &mut Round<'_>, ticket: &Value, filter: Option<&str>) -> Result<Value, Halt> {
    let mut story = ticket.clone();
    if filter == Some("deleted") {
        story["deleted"] = true.into();
        return Ok(story);
    }
    let Some(id) = id(ticket) else { return Ok(story) };
    let conversations = match all_of(round, &format!("/api/v2/tickets/{id}/conversations"), &[]) {
        Ok(conversations) => conversations,
        // It was deleted meanwhile: the list of those says so.
        Err(Halt::Missing(_)) => return Ok(story),
        Err(halt) => return Err(halt),
    };
    let conversations = conversations.into_iter().map(|one| without(one, &FLEETING));
    story["conversations"] = conversations.collect::<Vec<_>>().into();
    Ok(story)
}

/// Ratings since; not every plan has them.
fn ratings(round: &mut Round<'_>) -> Result<(), Halt> {
    let since = instant_text(round.since() / 1_000 * 1_000);
    let ratings = all_of(round, "/api/v2/surveys/satisfaction_ratings", &[("created_since", since.as_str())]);
    let ratings = if_allowed(ratings)?.unwrap_or_default();
    ratings.into_iter().try_for_each(|rating| round.take(rating))
}

/// All pages of a list.
fn all_of(round: &mut Round<'_>, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Halt> {
    let mut all = Vec::new();
    for page in 1..=MOST_PAGES {
        let number = page.to_string();
        let query = [query, &[("per_page", PAGE_TEXT), ("page", number.as_str())]].concat();
        let items = listed(round.get(path, &query)?)?;
        let is_last = items.len() < PAGE;
        all.extend(items);
        if is_last {
            break;
        }
    }
    Ok(all)
}
