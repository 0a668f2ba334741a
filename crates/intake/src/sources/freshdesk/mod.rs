//! Freshdesk: automations with the template of our page, objects of its API and exports, and events of an app.
//!
//! `docs/intake/freshdesk.md` says what to click. Freshdesk signs nothing: a token in a header of ours shows who sends.

mod api;
mod last;
mod message;
mod object;
mod people;
mod template;
mod ticket;
mod words;

use std::sync::Arc;

use tierline_model::Millis;
use tierline_rules::source::{Diagnostics, Keys};

use super::desk::{self, Around, Options};
use crate::directory::{EntryKind, Known};
use crate::proof::{self, TOKEN_HEADER};
use crate::reconcile::Api;
use crate::{Basics, Context, Delivery, Home, Json, Kind, Reading, Refused, Source, Unreadable};

/// A Freshdesk.
pub const KIND: Kind = Kind { word: "freshdesk", what: "Freshdesk", build };

/// A Freshdesk as it is configured.
#[derive(Debug)]
pub struct Freshdesk {
    basics: Basics,
    options: Options,
}

fn build(basics: Basics, keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Arc<dyn Source>> {
    let options = Options::read(keys, found);
    Some(Arc::new(Freshdesk { basics, options }))
}

impl Source for Freshdesk {
    fn basics(&self) -> &Basics {
        &self.basics
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<(), Refused> {
        proof::token(delivery, TOKEN_HEADER, &self.basics.secrets)
    }

    fn read(&self, payload: Json<'_>, context: &Context<'_>) -> Result<Reading, Unreadable> {
        let mut reader = Reader { desk: self, context, reading: Reading::default() };
        reader.read(payload)?;
        Ok(reader.reading)
    }

    fn broken_json(&self) -> Option<&'static str> {
        Some(
            "a rule puts texts into its template to the letter, quotes and line breaks too: let Freshdesk write the JSON, \
             with the content `Simple`",
        )
    }

    fn api(&self) -> Option<&dyn Api> {
        Some(self)
    }
}

/// Reads one payload.
struct Reader<'a, 'c> {
    desk: &'a Freshdesk,
    context: &'a Context<'c>,
    reading: Reading,
}

impl Reader<'_, '_> {
    fn read(&mut self, payload: Json<'_>) -> Result<(), Unreadable> {
        let plain = payload.get("freshdesk_webhook");
        if desk::is_object(plain) {
            return template::unchanged(self, plain);
        }
        if payload.get("event").text().is_some() {
            let data = payload.get("data");
            return template::read(self, payload, if desk::is_object(data) { data } else { payload });
        }
        if payload.get("ticket_id").is_told() && payload.members().any(|(name, _)| name.starts_with("ticket_s")) {
            return template::unchanged(self, payload);
        }
        let told = payload.get("ticket");
        if desk::is_object(told) && !told.get("created_at").is_told() {
            return template::eventless(self, payload, told);
        }
        object::read(self, payload)
    }

    /// Where a ticket is filed.
    fn home(&mut self, id: &str, ticket: Json<'_>, at: Millis) -> Home {
        let company =
            desk::first([ticket.get("company_id"), ticket.at("/company/id"), ticket.at("/requester/company_id")]);
        let company = desk::vendor_id(company).map(std::borrow::Cow::into_owned);
        // Placeholders tell a company by its name alone: that is its id until its own is known.
        let named = || {
            let name = ticket.at("/company/name").text()?.trim();
            let key = people::company_key(name);
            let known = self.reading.known(self.context, &self.desk.basics.name, EntryKind::Item, &key);
            Some(known.and_then(|known| known.group.clone()).unwrap_or_else(|| name.to_owned()))
        };
        let (company, requester) = (company.or_else(named), ticket::requester(ticket));
        let (company, requester) = (company.as_deref(), requester.as_deref());
        desk::home(&self.desk.basics, id, company, requester, at, self.context, &mut self.reading)
    }

    fn known(&self, kind: EntryKind, id: &str) -> Option<&Known> {
        self.reading.known(self.context, &self.desk.basics.name, kind, id)
    }

    fn user(&self, id: &str) -> Option<&Known> {
        self.known(EntryKind::User, id)
    }

    fn name(&self, kind: EntryKind, id: &str) -> Option<String> {
        self.known(kind, id)?.name.clone()
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
