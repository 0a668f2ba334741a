//! Asking Stripe for what has happened: its events, which it keeps for 30 days.
//!
//! <https://docs.stripe.com/api/events/list>: the newest first, and an event never changes. They are told in the order in
//! which they happened.

use std::time::Duration;

use serde_json::Value;

use super::Stripe;
use crate::reconcile::page::{id, items, odd};
use crate::reconcile::{Api, Halt, Round, Terms};

/// A page; the most there is.
const PAGE: &str = "100";
/// Pages that are held at once: a hundred thousand events.
const MOST_PAGES: usize = 1_000;
/// An event is there when its webhook is sent, or soon after.
const LAG: Duration = Duration::from_secs(60);

impl Api for Stripe {
    fn terms(&self) -> Terms {
        Terms {
            url: Some("https://api.stripe.com".to_owned()),
            requests_per_minute: 300,
            lag: LAG,
            every: Duration::from_secs(60),
            has_tickets: false,
            user: None,
        }
    }

    fn changes(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        let since = (round.since() / 1_000).to_string();
        let mut events: Vec<Value> = Vec::new();
        for _ in 0..MOST_PAGES {
            let after = events.last().and_then(id);
            let mut query = vec![("created[gte]", since.as_str()), ("limit", PAGE)];
            query.extend(after.as_deref().map(|after| ("starting_after", after)));
            let mut page = round.get("/v1/events", &query)?;
            let found = items(&mut page, "data").ok_or_else(|| odd("a page of events without `data`"))?;
            let is_last = found.is_empty() || page.get("has_more").and_then(Value::as_bool) != Some(true);
            events.extend(found);
            if is_last {
                return events.into_iter().rev().try_for_each(|event| round.take(event));
            }
        }
        Err(odd("more events than could be asked for: look back less far"))
    }
}
