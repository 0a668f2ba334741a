//! Asking Zendesk for what has changed: the incremental exports, and each changed ticket's comments.
//!
//! <https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/>: ten requests a minute;
//! a ticket that changed within the last minute is not told at all, also what happened to it before that. So the list of
//! tickets is asked as well, the newest changes first, for those of the last minute. A ticket's comments are asked for
//! one ticket at a time, within the account's limit (200 requests a minute on the smallest plan).

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use tierline_model::{Millis, parse_instant};

use super::Zendesk;
use crate::reconcile::page::{if_allowed, items, odd, take_each, without};
use crate::reconcile::{Api, Halt, Http, Key, Round, Terms};

/// A page of the export; the most it takes is 1,000.
const PAGE: &str = "500";
/// A page of anything else; the most it takes.
const SMALL_PAGE: &str = "100";
/// Pages of one ticket's comments: Zendesk lets a ticket have 5,000 comments.
const MOST_PAGES: usize = 60;
/// Pages of what changed within the last minute.
const MOST_NEWEST: u32 = 100;
/// What the export leaves out.
const LAG: Duration = Duration::from_secs(60);
/// Seconds more, for clocks and whole seconds.
const MARGIN: Millis = 5_000;

/// What tickets come with.
const BESIDE: [&str; 3] = ["users", "groups", "organizations"];

/// What has a name.
const NAMES: [(&str, &str); 5] = [
    ("groups", "/api/v2/groups.json"),
    ("ticket_fields", "/api/v2/ticket_fields.json"),
    ("brands", "/api/v2/brands.json"),
    ("custom_statuses", "/api/v2/custom_statuses.json"),
    ("users", "/api/v2/users.json"),
];

impl Api for Zendesk {
    fn terms(&self) -> Terms {
        Terms {
            url: self.options.url("").map(|site| site.trim_end_matches('/').to_owned()),
            requests_per_minute: 100,
            lag: LAG,
            every: Duration::from_secs(30),
            has_tickets: true,
            user: Some("the e-mail address of the admin whose API token it is; left out for an OAuth token"),
        }
    }

    fn authorization(&self, key: &Key, _: &mut Http) -> Result<String, Halt> {
        let token = &key.token;
        Ok(match &key.user {
            Some(user) => format!("Basic {}", BASE64_STANDARD.encode(format!("{user}/token:{token}"))),
            None => format!("Bearer {token}"),
        })
    }

    fn changes(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        organisations(round)?;
        tickets(round)?;
        // Behind the export: what changed while that was read stands here.
        newest(round)
    }

    fn names(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        for (list, path) in NAMES {
            let of_agents = [("role[]", "agent"), ("role[]", "admin")];
            let query = if list == "users" { &of_agents[..] } else { &[] };
            if let Some(items) = if_allowed(all_of(round, list, path, query))? {
                take_each(round, list, items)?;
            }
        }
        Ok(())
    }
}

/// Every ticket that changed, with its comments, page by page.
fn tickets(round: &mut Round<'_>) -> Result<(), Halt> {
    let since = (round.since() / 1_000).to_string();
    let beside = BESIDE.join(",");
    let mut at = ("start_time", since);
    loop {
        let query = [(at.0, at.1.as_str()), ("per_page", PAGE), ("include", beside.as_str())];
        let mut page = round.get("/api/v2/incremental/tickets/cursor.json", &query)?;
        for list in BESIDE {
            let items = items(&mut page, list).unwrap_or_default();
            take_each(round, list, items)?;
        }
        let tickets = items(&mut page, "tickets").ok_or_else(|| odd("a page of tickets without `tickets`"))?;
        // Pages come in the order of this; it moves also where `updated_at` does not.
        let last = tickets.iter().filter_map(|ticket| ticket.get("generated_timestamp")?.as_i64()).max();
        tickets.into_iter().try_for_each(|ticket| told(round, ticket))?;
        round.flush()?;
        if page.get("end_of_stream").and_then(Value::as_bool) != Some(false) {
            return Ok(());
        }
        if let Some(last) = last {
            round.reached(last.saturating_mul(1_000))?;
        }
        let next = page.get("after_cursor").and_then(Value::as_str).filter(|next| *next != at.1);
        at = ("cursor", next.ok_or_else(|| odd("a page names itself as the next"))?.to_owned());
    }
}

/// Every ticket that the export keeps back. A list by pages: what changes meanwhile moves others on to a later page, so
/// some come twice.
fn newest(round: &mut Round<'_>) -> Result<(), Halt> {
    let from = round.now_there() - LAG.as_millis() as Millis - MARGIN;
    let beside = BESIDE.join(",");
    for number in 1..=MOST_NEWEST {
        let number = number.to_string();
        let order = [("sort_by", "updated_at"), ("sort_order", "desc"), ("per_page", SMALL_PAGE)];
        let query = [&order[..], &[("page", number.as_str()), ("include", beside.as_str())]].concat();
        let mut page = round.get("/api/v2/tickets.json", &query)?;
        for list in BESIDE {
            let items = items(&mut page, list).unwrap_or_default();
            take_each(round, list, items)?;
        }
        let tickets = items(&mut page, "tickets").ok_or_else(|| odd("a list of tickets without `tickets`"))?;
        let changed_at = |ticket: &Value| parse_instant(ticket.get("updated_at")?.as_str()?);
        let is_last = tickets.is_empty() || tickets.iter().any(|ticket| changed_at(ticket).is_none_or(|at| at < from));
        let tickets = tickets.into_iter().filter(|ticket| changed_at(ticket).is_none_or(|at| at >= from));
        for ticket in tickets {
            told(round, ticket)?;
        }
        if is_last || page.get("next_page").is_none_or(Value::is_null) {
            return Ok(());
        }
    }
    Err(odd("more tickets change within a minute than Zendesk has room for"))
}

/// Tells a ticket, unless this very state of it was told before.
fn told(round: &mut Round<'_>, ticket: Value) -> Result<(), Halt> {
    // The export alone has it.
    let ticket = without(ticket, &["generated_timestamp"]);
    if round.is_taken(&ticket) {
        return Ok(());
    }
    let story = story(round, &ticket)?;
    round.take_for(&ticket, &story)
}

/// A ticket with its comments, and whoever wrote them. One that is gone has none any more.
fn story(round: &mut Round<'_>, ticket: &Value) -> Result<Value, Halt> {
    let bare = json!({"ticket": ticket});
    let Some(id) = ticket.get("id").and_then(Value::as_i64) else { return Ok(bare) };
    if ticket.get("status").and_then(Value::as_str) == Some("deleted") {
        return Ok(bare);
    }
    let path = format!("/api/v2/tickets/{id}/comments.json");
    let mut comments = Vec::new();
    let mut next = None;
    for _ in 0..MOST_PAGES {
        let mut query = vec![("page[size]", SMALL_PAGE), ("include", "users")];
        query.extend(next.as_deref().map(|next| ("page[after]", next)));
        let mut page = match round.get(&path, &query) {
            Ok(page) => page,
            // It was deleted meanwhile: the next round says so.
            Err(Halt::Missing(_)) => return Ok(bare),
            Err(halt) => return Err(halt),
        };
        let users = items(&mut page, "users").unwrap_or_default();
        take_each(round, "users", users)?;
        comments.extend(items(&mut page, "comments").unwrap_or_default().into_iter().map(lean));
        next = after(&page);
        if next.is_none() {
            break;
        }
    }
    Ok(json!({"ticket": ticket, "comments": comments}))
}

/// A comment without what is not read: the addresses of attachments change, and would make the same story another.
fn lean(mut comment: Value) -> Value {
    if let Some(members) = comment.as_object_mut() {
        let has_plain = members.get("plain_body").is_some_and(Value::is_string);
        members.retain(|name, _| match name.as_str() {
            "attachments" | "uploads" => false,
            "body" | "html_body" => !has_plain,
            _ => true,
        });
    }
    comment
}

/// Organisations that changed: an export by time, whose pages overlap.
fn organisations(round: &mut Round<'_>) -> Result<(), Halt> {
    let mut since = round.since() / 1_000;
    loop {
        let start = since.to_string();
        let answer = round.get("/api/v2/incremental/organizations.json", &[("start_time", &start)]);
        let Some(mut page) = if_allowed(answer)? else { return Ok(()) };
        let found = items(&mut page, "organizations").unwrap_or_default();
        take_each(round, "organizations", found)?;
        let end = page.get("end_time").and_then(Value::as_i64).filter(|end| *end > since);
        match end {
            Some(end) if page.get("end_of_stream").and_then(Value::as_bool) == Some(false) => since = end,
            _ => return Ok(()),
        }
    }
}

/// All pages of a list that is paged by cursor.
fn all_of(round: &mut Round<'_>, list: &str, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Halt> {
    let mut all = Vec::new();
    let mut next = None;
    for _ in 0..MOST_PAGES {
        let mut query = [query, &[("page[size]", SMALL_PAGE)]].concat();
        query.extend(next.as_deref().map(|next| ("page[after]", next)));
        let mut page = round.get(path, &query)?;
        all.extend(items(&mut page, list).unwrap_or_default());
        next = after(&page);
        if next.is_none() {
            break;
        }
    }
    Ok(all)
}

/// Where the next page begins, of a list that is paged by cursor.
fn after(page: &Value) -> Option<String> {
    let meta = page.get("meta")?;
    let has_more = meta.get("has_more").and_then(Value::as_bool) == Some(true);
    meta.get("after_cursor").and_then(Value::as_str).filter(|_| has_more).map(str::to_owned)
}
