//! What a source is, and what every source has.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tierline_rules::source::{Diagnostics, Keys};

use crate::directory::{Directory, EntryKind, Known};
use crate::reconcile::Api;
use crate::records::AccountRef;
use crate::{Delivery, Json, Reading, Refused, Secrets, Unreadable};

/// One system that tells of tickets, accounts or bills, as it is configured.
pub trait Source: fmt::Debug + Send + Sync {
    /// Its name, its secrets, its accounts.
    fn basics(&self) -> &Basics;

    /// Whether the delivery is from whom it claims to be from.
    ///
    /// # Errors
    /// Why it is refused. Never says a secret, nor how far a wrong one was right.
    fn verify(&self, delivery: &Delivery<'_>) -> Result<(), Refused>;

    /// What a payload becomes. An event that is none of ours is a reading without records, and says so among what is
    /// ignored.
    ///
    /// # Errors
    /// It lacks what it must have. Quotes nothing that a customer wrote.
    fn read(&self, payload: Json<'_>, context: &Context<'_>) -> Result<Reading, Unreadable>;

    /// The headers that [`read`](Self::read) looks at, in lower case: they are kept with the raw payload, so that it can
    /// be read again. Never one with a secret.
    fn kept_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// How it is asked for what has changed; none: it has no such API, and what its webhooks miss is lost.
    fn api(&self) -> Option<&dyn Api> {
        None
    }
}

/// What stands around a payload.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The delivery that brought it; a bare one of what came otherwise.
    pub delivery: &'a Delivery<'a>,
    /// What was remembered of earlier payloads.
    pub directory: &'a dyn Directory,
}

/// A kind of source: the word after `kind:`, and how one is made of its section.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The word.
    pub word: &'static str,
    /// What it is, for people: *Zendesk*.
    pub what: &'static str,
    /// Reads the options of its own; the keys that all sources have were read before. [`None`] where something is wrong.
    pub build: fn(Basics, &mut Keys<'_>, &mut Diagnostics) -> Option<Arc<dyn Source>>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)
    }
}

/// What every source has.
#[derive(Clone, Debug, Default)]
pub struct Basics {
    /// The name that the configuration gives it: `source` of its records, and the beginning of its ids.
    pub name: String,
    /// One secret, or two while one replaces the other.
    pub secrets: Secrets,
    /// What its accounts are called.
    pub accounts: Accounts,
}

/// The source's own ids of accounts, renamed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts(pub BTreeMap<String, String>);

/// Where a ticket is filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The account that it is filed under: the first that it was met with.
    pub account: String,
    /// What the source calls its account now.
    pub account_ref: Option<AccountRef>,
}

impl Basics {
    /// The ticket of the contract: `zendesk:35436`.
    pub fn ticket_id(&self, id: &str) -> String {
        format!("{}:{id}", self.name)
    }

    /// The account of an organisation: its configured name, else `zendesk:1234`.
    pub fn account_id(&self, organisation: &str) -> String {
        match self.accounts.0.get(organisation) {
            Some(renamed) => renamed.clone(),
            None => format!("{}:{organisation}", self.name),
        }
    }

    /// The account of somebody who belongs to no organisation: `zendesk:user:77`, unless the table names `user:77`.
    pub fn user_account(&self, user: &str) -> String {
        self.account_id(&format!("user:{user}"))
    }

    /// Where a ticket is filed, and that it is remembered there: under the account that it was first met with, whatever
    /// the source says now; else its organisation's, its requester's organisation's, its requester's own. [`None`] where
    /// none of these is known.
    pub fn home(
        &self,
        ticket: &str,
        organisation: Option<&str>,
        requester: Option<&str>,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Option<Home> {
        let of_requester = || {
            let user = reading.known(context, &self.name, EntryKind::User, requester?)?;
            user.group.clone()
        };
        let organisation = organisation.map(str::to_owned).or_else(of_requester);
        let account_ref = match (&organisation, requester) {
            (Some(id), _) => Some(AccountRef::new(&self.name, "organization", id)),
            (None, Some(id)) => Some(AccountRef::new(&self.name, "user", id)),
            (None, None) => None,
        };
        let account = match (&organisation, requester) {
            (Some(organisation), _) => self.account_id(organisation),
            (None, Some(requester)) => self.user_account(requester),
            (None, None) => self.filed(ticket, context, reading)?,
        };
        Some(self.file(ticket, account, account_ref, context, reading))
    }

    /// Files a ticket under this account, unless it lies under another already.
    pub fn file(
        &self,
        ticket: &str,
        account: String,
        account_ref: Option<AccountRef>,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Home {
        if let Some(account) = self.filed(ticket, context, reading) {
            return Home { account, account_ref };
        }
        let known = reading.known(context, &self.name, EntryKind::Ticket, ticket).cloned().unwrap_or_default();
        let known = Known { account: Some(account.clone()), ..known };
        reading.remember(context, &self.name, EntryKind::Ticket, ticket, known);
        Home { account, account_ref }
    }

    /// The account that a ticket lies under; `ticket` is the vendor's id.
    pub fn filed(&self, ticket: &str, context: &Context<'_>, reading: &Reading) -> Option<String> {
        reading.known(context, &self.name, EntryKind::Ticket, ticket)?.account.clone()
    }
}

/// What a delivery becomes: its body as JSON, read by its source.
///
/// # Errors
/// The body is no JSON, or lacks what its source must have. Quotes nothing of it.
pub fn read_delivery(
    source: &dyn Source,
    delivery: &Delivery<'_>,
    directory: &dyn Directory,
) -> Result<Reading, Unreadable> {
    let payload: serde_json::Value = serde_json::from_slice(delivery.body).map_err(|error| {
        Unreadable::undecodable(format!("it is not JSON: line {}, column {}", error.line(), error.column()))
    })?;
    source.read(Json::new(&payload), &Context { delivery, directory })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Table;

    fn basics() -> Basics {
        let accounts = Accounts([("900".to_owned(), "acme".to_owned())].into());
        Basics { name: "zendesk".to_owned(), accounts, ..Basics::default() }
    }

    fn filed(table: &Table, organisation: Option<&str>, requester: Option<&str>) -> (Option<Home>, Reading) {
        let delivery = Delivery::bare(b"{}", 0);
        let context = Context { delivery: &delivery, directory: table };
        let mut reading = Reading::default();
        let home = basics().home("7", organisation, requester, &context, &mut reading);
        (home, reading)
    }

    #[test]
    fn a_ticket_stays_under_its_first_account_and_the_change_is_told() {
        let mut table = Table::default();
        let (home, reading) = filed(&table, Some("900"), Some("1"));
        assert_eq!(home.unwrap().account, "acme");
        reading.directory.iter().for_each(|entry| {
            table.put(entry.clone());
        });
        let (home, reading) = filed(&table, Some("901"), Some("1"));
        let home = home.unwrap();
        assert_eq!((home.account.as_str(), home.account_ref.unwrap().id.as_str()), ("acme", "901"));
        assert!(reading.directory.is_empty(), "nothing new is to be remembered");
    }

    #[test]
    fn a_ticket_without_an_organisation_is_its_requesters() {
        let (home, _) = filed(&Table::default(), None, Some("1"));
        assert_eq!(home.unwrap().account, "zendesk:user:1");
        assert_eq!(filed(&Table::default(), None, None).0, None);
    }
}
