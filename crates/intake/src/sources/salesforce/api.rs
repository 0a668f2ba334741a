//! Asking Salesforce for what has changed: a query of accounts by `SystemModstamp`.
//!
//! <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_queryall.htm>: deleted accounts are
//! found as well. A field that an organisation does not have fails the whole query, so its fields are asked for first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tierline_model::instant_text;

use super::{IDENTIFIERS, Salesforce};
use crate::reconcile::page::{items, odd, text};
use crate::reconcile::{Api, Halt, Http, Key, Round, Terms};

/// The version of the API: each lives for at least three years.
const DATA: &str = "/services/data/v60.0";
/// What is read of each account beside what is configured.
const ALWAYS: [&str; 3] = ["Id", "IsDeleted", "SystemModstamp"];
/// A transaction's stamp may be older than its end.
const LAG: Duration = Duration::from_secs(120);

impl Api for Salesforce {
    fn terms(&self) -> Terms {
        Terms {
            url: None,
            requests_per_minute: 60,
            lag: LAG,
            // Three requests each of the 100,000 and more that a day has.
            every: Duration::from_secs(300),
            has_tickets: false,
            user: Some("the consumer key of the app whose secret `token` is; left out for an access token"),
        }
    }

    fn authorization(&self, key: &Key, http: &mut Http) -> Result<String, Halt> {
        let Some(user) = &key.user else { return Ok(format!("Bearer {}", key.token)) };
        let form = [("grant_type", "client_credentials"), ("client_id", user), ("client_secret", &key.token)];
        let told = match http.form("/services/oauth2/token", &form) {
            // What it answers to a wrong secret.
            Err(Halt::Odd(_)) => return Err(Halt::Refused(400)),
            told => told?,
        };
        let token = text(&told, "access_token").ok_or_else(|| odd("a sign-in without `access_token`"))?;
        Ok(format!("Bearer {token}"))
    }

    fn changes(&self, round: &mut Round<'_>) -> Result<(), Halt> {
        let there = fields(round)?;
        let configured = self.properties.iter().map(|property| property.name.as_str());
        let wanted = configured.chain(IDENTIFIERS.iter().map(|(name, _)| *name));
        let found = wanted.filter_map(|name| there.get(&name.to_ascii_lowercase())).map(String::as_str);
        let told: BTreeSet<&str> = ALWAYS.into_iter().chain(found).collect();
        let told: Vec<&str> = told.into_iter().collect();
        let since = instant_text(round.since());
        let query = format!(
            "SELECT {} FROM Account WHERE SystemModstamp >= {since} ORDER BY SystemModstamp, Id",
            told.join(", ")
        );
        let mut page = round.get(&format!("{DATA}/queryAll"), &[("q", &query)])?;
        loop {
            let found = items(&mut page, "records").ok_or_else(|| odd("a query without `records`"))?;
            found.into_iter().try_for_each(|account| round.take(account))?;
            round.flush()?;
            // A query goes on over what it found when it began.
            let Some(next) = text(&page, "nextRecordsUrl") else { return Ok(()) };
            if !next.starts_with("/services/data/") {
                return Err(odd("the next page lies elsewhere"));
            }
            page = round.get(next, &[])?;
        }
    }
}

/// The fields that accounts have there and we may see, as they are written, by their names in lower case.
fn fields(round: &mut Round<'_>) -> Result<BTreeMap<String, String>, Halt> {
    let mut told = round.get(&format!("{DATA}/sobjects/Account/describe"), &[])?;
    let fields = items(&mut told, "fields").ok_or_else(|| odd("a description without `fields`"))?;
    let names = fields.iter().filter_map(|field: &Value| text(field, "name"));
    Ok(names.map(|name| (name.to_ascii_lowercase(), name.to_owned())).collect())
}
