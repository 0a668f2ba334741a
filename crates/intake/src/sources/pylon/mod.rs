//! Pylon: triggers with the template of our page, objects of its API.
//!
//! `docs/intake/pylon.md` says what to click. `issue` tells an issue, `message` what is written on it, `account` accounts,
//! people and teams.

mod account;
mod api;
mod flat;
mod issue;
mod message;
mod words;

use std::sync::Arc;

use tierline_model::Millis;
use tierline_rules::source::{Diagnostics, Keys};

use super::desk::{self, Around, Options};
use crate::directory::{EntryKind, Known};
use crate::proof::{self, from_hex, hmac_sha256, within};
use crate::reconcile::Api;
use crate::{Basics, Context, Delivery, Json, Kind, Reading, Refused, Source, Unreadable};

/// A Pylon.
pub const KIND: Kind = Kind { word: "pylon", what: "Pylon", build };

/// <https://kb.help.usepylon.com/articles/6080966819>: the HMAC-SHA256 of the body in hexadecimal, without a timestamp.
const SIGNATURE: &str = "x-pylon-signature";

/// Of webhooks that sign their instant as well: the HMAC-SHA256 of `timestamp.body`.
const STAMPED: &str = "pylon-webhook-signature";
const SIGNED_AT: &str = "pylon-webhook-timestamp";
const WINDOW: Millis = 5 * 60_000;

/// A Pylon as it is configured.
#[derive(Debug)]
pub struct Pylon {
    basics: Basics,
    options: Options,
}

fn build(basics: Basics, keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Arc<dyn Source>> {
    let options = Options::read(keys, found);
    Some(Arc::new(Pylon { basics, options }))
}

impl Source for Pylon {
    fn basics(&self) -> &Basics {
        &self.basics
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<(), Refused> {
        let Some(stamped) = delivery.header(STAMPED) else {
            let given = from_hex(proof::header(delivery, SIGNATURE)?, SIGNATURE)?;
            return self.basics.secrets.prove(&given, |secret| hmac_sha256(secret, &[delivery.body]));
        };
        let hex = stamped.split_once('=').map_or(stamped, |(_, hex)| hex);
        let given = from_hex(hex, STAMPED)?;
        let stamp = proof::header(delivery, SIGNED_AT)?;
        let signed = |secret: &[u8]| hmac_sha256(secret, &[stamp.as_bytes(), b".", delivery.body]);
        self.basics.secrets.prove(&given, signed)?;
        let seconds = stamp.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000));
        let signed_at = seconds.or_else(|| tierline_model::parse_instant(stamp));
        within(signed_at.ok_or_else(|| Refused::Malformed(SIGNED_AT.to_owned()))?, delivery, WINDOW)
    }

    fn read(&self, payload: Json<'_>, context: &Context<'_>) -> Result<Reading, Unreadable> {
        let mut reader = Reader { desk: self, context, reading: Reading::default() };
        reader.read(payload)?;
        Ok(reader.reading)
    }

    fn api(&self) -> Option<&dyn Api> {
        Some(self)
    }
}

/// Reads one payload.
struct Reader<'a, 'c> {
    desk: &'a Pylon,
    context: &'a Context<'c>,
    reading: Reading,
}

impl Reader<'_, '_> {
    fn read(&mut self, payload: Json<'_>) -> Result<(), Unreadable> {
        if payload.is_list() {
            return payload.items().try_for_each(|item| self.read(item));
        }
        if payload.get("issue_id").is_told() && payload.get("issue_title").is_told() {
            return flat::read(self, payload);
        }
        let data = payload.get("data");
        let word = desk::first([payload.get("event"), payload.get("event_type"), payload.get("type")]).text();
        let inner = desk::first([payload.get("issue"), data.get("issue"), data]);
        if let Some(word) = word.filter(|_| desk::is_object(inner)) {
            let of_account = word.starts_with("account");
            let account = desk::first([payload.get("account"), data.get("account"), data]);
            if of_account {
                account::account(self, account, word.ends_with("deleted"));
                return Ok(());
            }
            let message = desk::first([payload.get("message"), data.get("message")]);
            return issue::event(self, word, inner, message);
        }
        if let Some(word) = word.filter(|word| word.starts_with("account") && desk::is_object(payload.get("account"))) {
            account::account(self, payload.get("account"), word.ends_with("deleted"));
            return Ok(());
        }
        let mut any = data.is_list();
        for list in ["users", "teams", "contacts", "accounts", "issues", "data"] {
            for item in payload.get(list).items().filter(|_| payload.get("id").id().is_none()) {
                any = true;
                self.read(item)?;
            }
        }
        if any {
            return Ok(());
        }
        self.object(if desk::is_object(data) { data } else { payload })
    }

    /// An object by itself, by what only such a thing has.
    fn object(&mut self, told: Json<'_>) -> Result<(), Unreadable> {
        let has = |names: &[&str]| names.iter().any(|name| told.get(name).is_told());
        match () {
            () if has(&["issue"]) && !has(&["id"]) => issue::whole(self, told.get("issue")),
            () if has(&["message_html", "is_private"]) => message::by_itself(self, told),
            () if has(&["title", "state", "body_html"]) => issue::whole(self, told),
            () if has(&["domain", "domains", "latest_customer_activity_time"]) => {
                account::account(self, told, false);
                Ok(())
            }
            () if has(&["slug", "label"]) => {
                account::own_field(self, told);
                Ok(())
            }
            () if has(&["email", "role_id", "users"]) => {
                account::person(self, told);
                Ok(())
            }
            () if has(&["id"]) => {
                self.reading.ignore("", "an object of neither an issue nor an account nor a person");
                Ok(())
            }
            () => Err(Unreadable::undecodable("neither the template nor an object of Pylon's API")),
        }
    }

    fn known(&self, kind: EntryKind, id: &str) -> Option<&Known> {
        self.reading.known(self.context, &self.desk.basics.name, kind, id)
    }

    fn remember_organisation(&mut self, id: &str, known: Known) {
        self.desk.basics.remember_organisation(id, known, self.context, &mut self.reading);
    }

    fn remember(&mut self, kind: EntryKind, id: &str, known: Known) {
        self.reading.remember(self.context, &self.desk.basics.name, kind, id, known);
    }

    fn around(&mut self) -> Around<'_, '_> {
        Around { basics: &self.desk.basics, context: self.context, reading: &mut self.reading }
    }
}
