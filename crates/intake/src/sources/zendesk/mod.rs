//! Zendesk: event subscriptions, triggers with the template of our page, objects of its API and exports.
//!
//! `docs/intake/zendesk.md` says what to click. What an event subscription sends is read in `event`, the template in
//! `template`, tickets and all else as the API writes them in `object`; all of them tell a ticket by `ticket` and
//! a comment by `comment`. What webhooks missed is asked for in `api`.

mod api;
mod comment;
mod event;
mod object;
mod people;
mod template;
mod ticket;
mod words;

use std::sync::Arc;

use tierline_model::{Author, Millis};
use tierline_rules::source::{Diagnostics, Keys};

use super::desk::{self, Around, Options};
use crate::directory::{EntryKind, Known};
use crate::proof::{self, from_base64, hmac_sha256, within};
use crate::reconcile::Api;
use crate::{Basics, Context, Delivery, Home, Json, Kind, Reading, Refused, Source, Unreadable};

/// A Zendesk.
pub const KIND: Kind = Kind { word: "zendesk", what: "Zendesk", build };

/// <https://developer.zendesk.com/documentation/webhooks/verifying/>: base 64 of the HMAC-SHA256 of timestamp and body.
const SIGNATURE: &str = "x-zendesk-webhook-signature";
const SIGNED_AT: &str = "x-zendesk-webhook-signature-timestamp";

/// The same for every attempt to deliver.
const INVOCATION: &str = "x-zendesk-webhook-invocation-id";

/// Zendesk signs each attempt anew; five minutes are for clocks that differ.
const WINDOW: Millis = 5 * 60_000;

/// A Zendesk as it is configured.
#[derive(Debug)]
pub struct Zendesk {
    basics: Basics,
    options: Options,
}

fn build(basics: Basics, keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Arc<dyn Source>> {
    let options = Options::read(keys, found);
    Some(Arc::new(Zendesk { basics, options }))
}

impl Source for Zendesk {
    fn basics(&self) -> &Basics {
        &self.basics
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<(), Refused> {
        let given = from_base64(proof::header(delivery, SIGNATURE)?, SIGNATURE)?;
        let stamp = proof::header(delivery, SIGNED_AT)?;
        let signed = |secret: &[u8]| hmac_sha256(secret, &[stamp.as_bytes(), delivery.body]);
        self.basics.secrets.prove(&given, signed)?;
        let signed_at = tierline_model::parse_instant(stamp).ok_or(Refused::Malformed(SIGNED_AT.to_owned()))?;
        within(signed_at, delivery, WINDOW)
    }

    fn read(&self, payload: Json<'_>, context: &Context<'_>) -> Result<Reading, Unreadable> {
        let mut reader = Reader { desk: self, context, reading: Reading::default() };
        reader.read(payload, "")?;
        Ok(reader.reading)
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        &[INVOCATION]
    }

    fn api(&self) -> Option<&dyn Api> {
        Some(self)
    }
}

/// Reads one payload.
struct Reader<'a, 'c> {
    desk: &'a Zendesk,
    context: &'a Context<'c>,
    reading: Reading,
}

impl Reader<'_, '_> {
    /// A payload, or one item of a list of them; `pointer` says which.
    fn read(&mut self, payload: Json<'_>, pointer: &str) -> Result<(), Unreadable> {
        if payload.get("type").text().is_some_and(|kind| kind.starts_with("zen:")) {
            return event::subscribed(self, payload);
        }
        for happened in [payload.at("/detail/ticket_event"), payload.at("/input/ticket_event")] {
            if desk::is_object(happened) {
                return event::bridged(self, payload, happened);
            }
        }
        let told = payload.get("ticket");
        let is_template = payload.get("event").text().is_some() || !told.get("created_at").is_told();
        if desk::is_object(told) && is_template {
            return template::read(self, payload, told);
        }
        // A template of somebody's own, without an object around the ticket.
        let has_ticket = ["status", "subject", "title"].iter().any(|name| payload.get(name).is_told());
        if payload.get("ticket_id").is_told() && has_ticket {
            return template::read(self, payload, payload);
        }
        if payload.get("metric").text().is_some() && payload.get("ticket_id").is_told() {
            self.reading.ignore(pointer, "a ticket metric event: Tierline keeps clocks of its own");
            return Ok(());
        }
        object::read(self, payload, pointer)
    }

    /// Where a ticket is filed.
    fn home(&mut self, id: &str, ticket: Json<'_>, at: Millis) -> Home {
        let organisation = desk::vendor_id(desk::first([ticket.get("organization_id"), ticket.at("/organization/id")]));
        let requester = ticket::requester(ticket);
        let (organisation, requester) = (organisation.as_deref(), requester.as_deref());
        desk::home(&self.desk.basics, id, organisation, requester, at, self.context, &mut self.reading)
    }

    /// Who somebody is who wrote or did something on a ticket.
    fn who(&self, id: &str, ticket: Json<'_>) -> Author {
        // The system user: https://developer.zendesk.com/api-reference/ticketing/users/users/
        if id == "-1" {
            return Author::System;
        }
        if self.desk.options.is_bot(id) || id.starts_with("zd:") {
            return Author::Bot;
        }
        // Staff who are the requester count as the customer.
        if ticket::requester(ticket).as_deref() == Some(id) {
            return Author::Customer;
        }
        self.user(id).and_then(|user| user.role).unwrap_or(Author::Agent)
    }

    fn user(&self, id: &str) -> Option<&Known> {
        self.reading.known(self.context, &self.desk.basics.name, EntryKind::User, id)
    }

    /// What a team, an organisation or a brand is called, where that is known.
    fn name(&self, kind: EntryKind, id: &str) -> Option<String> {
        self.reading.known(self.context, &self.desk.basics.name, kind, id)?.name.clone()
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
