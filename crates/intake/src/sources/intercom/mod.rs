//! Intercom: notifications of topics, objects of its API and exports, events of Fin's own API.
//!
//! `docs/intake/intercom.md` says what to click. A notification brings the conversation as it stands and its newest
//! parts, whatever the topic: so what matters is what it holds. `conversation` tells one, `part` a message of it,
//! `contact` people and companies, `fin` the AI agent's hand-over.

mod api;
mod contact;
mod conversation;
mod fin;
mod part;
mod words;

use std::sync::Arc;

use tierline_model::Author;
use tierline_rules::source::{Diagnostics, Keys};

use super::desk::{self, Around, Options};
use crate::directory::{EntryKind, Known};
use crate::proof::{self, from_hex, hmac_sha1, hmac_sha256};
use crate::reconcile::Api;
use crate::{Basics, Context, Delivery, Json, Kind, Reading, Refused, Source, Unreadable};

/// An Intercom.
pub const KIND: Kind = Kind { word: "intercom", what: "Intercom", build };

/// <https://developers.intercom.com/docs/webhooks/webhook-notifications#signed-notifications>: `sha1=` and, in
/// hexadecimal, the HMAC-SHA1 of the body under the app's client secret. It has no timestamp.
const SIGNATURE: &str = "x-hub-signature";

/// Fin's own API signs its events under a secret of its own: `docs/guides/fin-agent-api/setup`, the HMAC-SHA256 of the
/// body in hexadecimal.
const SIGNATURE_OF_FIN: &str = "x-fin-agent-api-webhook-signature";

/// An Intercom as it is configured.
#[derive(Debug)]
pub struct Intercom {
    basics: Basics,
    options: Options,
}

fn build(basics: Basics, keys: &mut Keys<'_>, found: &mut Diagnostics) -> Option<Arc<dyn Source>> {
    let options = Options::read(keys, found);
    Some(Arc::new(Intercom { basics, options }))
}

impl Source for Intercom {
    fn basics(&self) -> &Basics {
        &self.basics
    }

    fn verify(&self, delivery: &Delivery<'_>) -> Result<(), Refused> {
        if let Some(given) = delivery.header(SIGNATURE_OF_FIN) {
            let given = from_hex(given.strip_prefix("sha256=").unwrap_or(given), SIGNATURE_OF_FIN)?;
            return self.basics.secrets.prove(&given, |secret| hmac_sha256(secret, &[delivery.body]));
        }
        let given = proof::header(delivery, SIGNATURE)?;
        let given = given.strip_prefix("sha1=").ok_or_else(|| Refused::Malformed(SIGNATURE.to_owned()))?;
        let given = from_hex(given, SIGNATURE)?;
        self.basics.secrets.prove(&given, |secret| hmac_sha1(secret, &[delivery.body]))
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

/// What a notification says around its item; nothing of an item by itself.
#[derive(Clone, Copy)]
struct Notice<'p> {
    topic: &'p str,
    envelope: Json<'p>,
}

/// Reads one payload.
struct Reader<'a, 'c> {
    desk: &'a Intercom,
    context: &'a Context<'c>,
    reading: Reading,
}

impl Reader<'_, '_> {
    fn read(&mut self, payload: Json<'_>) -> Result<(), Unreadable> {
        if payload.is_list() {
            return payload.items().try_for_each(|item| self.read(item));
        }
        if payload.get("event_name").text().is_some() {
            return fin::event(self, payload);
        }
        let topic = payload.get("topic").text();
        let item = payload.at("/data/item");
        match topic {
            Some("ping") => {
                self.reading.ignore("/topic", "Intercom asks whether anybody is here");
                Ok(())
            }
            Some(topic) => self.item(item, Notice { topic, envelope: payload }),
            None => self.item(payload, Notice { topic: "", envelope: Json::absent() }),
        }
    }

    /// What a notification is about, or an object by itself.
    fn item(&mut self, item: Json<'_>, notice: Notice<'_>) -> Result<(), Unreadable> {
        if item.get("id").id().is_none() {
            // Most topics of tickets tell the ticket beside its new part: `ticket_ticket_part`.
            let ticket = item.get("ticket");
            if ticket.get("ticket_state").is_told() {
                return self.item(ticket, notice);
            }
            // `conversation.`, `ticket.` and `company.contact.attached` tell two things side by side, the first of them
            // not as others do.
            if [".contact.attached", ".contact.detached"].iter().any(|end| notice.topic.ends_with(end)) {
                contact::person(self, item.get("contact"), false);
                self.reading.ignore("/data/item", "who takes part is not kept; what is told of the contact is");
                return Ok(());
            }
        }
        let lists = ["conversations", "tickets", "contacts", "users", "companies", "admins", "teams", "data"];
        let kind = item.get("type").text().or_else(|| item.get("object").text()).unwrap_or_default();
        if kind.is_empty() || kind == "list" || kind.ends_with(".list") {
            let mut any = kind.ends_with("list");
            for one in lists.into_iter().flat_map(|list| item.get(list).items()) {
                any = true;
                self.item(one, notice)?;
            }
            if any {
                return Ok(());
            }
        }
        let domain = notice.topic.split(['.', '_']).next().unwrap_or_default();
        match (kind, domain) {
            ("conversation", _) => conversation::read(self, item, notice),
            ("ticket", _) => conversation::read(self, item, notice),
            ("contact" | "user" | "lead", _) => {
                contact::person(self, item, notice.topic.ends_with(".deleted"));
                Ok(())
            }
            ("company", _) => {
                contact::company(self, item, notice.topic.ends_with(".deleted"));
                Ok(())
            }
            ("admin" | "team", _) => {
                contact::colleague(self, item, kind);
                Ok(())
            }
            ("", "conversation" | "ticket") => conversation::read(self, item, notice),
            ("", "") if item.get("conversation_parts").is_told() || item.get("conversation_message").is_told() => {
                conversation::read(self, item, notice)
            }
            ("", "") => Err(Unreadable::undecodable("neither a notification nor an object of Intercom's API")),
            _ => {
                let why = "of neither a conversation nor a ticket nor a contact nor a company";
                self.reading.ignore("/topic", why);
                Ok(())
            }
        }
    }

    /// Who wrote something, by how Intercom writes them, and their name.
    fn author(&self, author: Json<'_>) -> (Author, Option<String>) {
        let id = desk::vendor_id(author.get("id"));
        let kind = author.get("type").text().and_then(words::author).unwrap_or(Author::System);
        // The operator is an admin to look at; Fin may be.
        let is_program = || {
            author.get("from_ai_agent").flag() == Some(true)
                || author.get("is_ai_answer").flag() == Some(true)
                || id.as_deref().is_some_and(|id| self.desk.options.is_bot(id))
                || author
                    .get("email")
                    .text()
                    .is_some_and(|email| email.starts_with("operator+") && email.ends_with("@intercom.io"))
        };
        let kind = if kind == Author::Agent && is_program() { Author::Bot } else { kind };
        let name = author.get("name").text().map(str::to_owned);
        let known = || self.known(EntryKind::User, id.as_deref()?)?.name.clone();
        (kind, name.or_else(known))
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
