//! Asking HubSpot for what has changed: its search of companies by when they were modified.
//!
//! <https://developers.hubspot.com/docs/api-reference/crm-search-v3>: at most 10,000 results, five requests a second, and
//! what changed takes moments to be found. Oldest changes first, and each page begins at the instant with which the one
//! before ended. Companies that were deleted are not found.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tierline_model::{Millis, parse_instant};

use super::{Hubspot, IDENTIFIERS};
use crate::reconcile::page::{items, odd, text};
use crate::reconcile::{Api, Halt, Round, Terms};

/// A page; the most there is.
const PAGE: usize = 200;
/// The search knows no results behind these.
const MOST: usize = 10_000;
/// The index of the search follows what happens.
const LAG: Duration = Duration::from_secs(60);
/// When a company was modified.
const MODIFIED: &str = "hs_lastmodifieddate";

impl Api for Hubspot {
    fn terms(&self) -> Terms {
        Terms {
            url: Some("https://api.hubapi.com".to_owned()),
            requests_per_minute: 60,
            lag: LAG,
            every: Duration::from_secs(60),
            has_tickets: false,
            user: None,
        }
    }

    fn changes(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        let configured = self.properties.iter().map(|property| property.name.as_str());
        let identifiers = IDENTIFIERS.iter().map(|(name, _)| *name);
        let names: BTreeSet<&str> = configured.chain(identifiers).chain([MODIFIED]).collect();
        let (mut since, mut after) = (round.since(), 0);
        loop {
            let mut query = json!({
                "filterGroups": [{"filters": [
                    {"propertyName": MODIFIED, "operator": "GTE", "value": since.to_string()}]}],
                "sorts": [{"propertyName": MODIFIED, "direction": "ASCENDING"}],
                "properties": names, "limit": PAGE,
            });
            if after > 0 {
                query["after"] = after.to_string().into();
            }
            let mut page = round.post("/crm/v3/objects/companies/search", &query)?;
            let found = items(&mut page, "results").ok_or_else(|| odd("a search without `results`"))?;
            let (is_last, last) = (found.len() < PAGE, found.iter().filter_map(modified_at).max());
            found.into_iter().try_for_each(|company| round.take(company))?;
            round.flush()?;
            match last {
                _ if is_last => return Ok(()),
                Some(last) if last > since => {
                    (since, after) = (last, 0);
                    round.reached(last)?;
                }
                // More of them were modified in one instant, as an import does, than a page holds.
                Some(_) if after + PAGE < MOST => after += PAGE,
                _ => return Err(odd("more companies of one instant than the search can find")),
            }
        }
    }
}

fn modified_at(company: &Value) -> Option<Millis> {
    let property = company.get("properties").and_then(|properties| text(properties, MODIFIED));
    property.or_else(|| text(company, "updatedAt")).and_then(parse_instant)
}
