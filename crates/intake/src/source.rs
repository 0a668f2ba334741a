//! What a source is, and what every source has.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tierline_model::Millis;
use tierline_rules::source::{Diagnostics, Keys};

use crate::directory::{Directory, EntryKind, Known};
use crate::identity::{Identifier, Identity, Told, ticket_moved};
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

    /// Puts together what is known of an organisation and what another process remembered of it: each had taken a payload
    /// without knowing of the other's. What may have been written over by that is told once more. Nothing, of a source
    /// that tells only what its payload says.
    fn unite(&self, _organisation: &str, _other: &Known, _context: &Context<'_>) -> Reading {
        Reading::default()
    }

    /// The headers that [`read`](Self::read) looks at, in lower case: they are kept with the raw payload, so that it can
    /// be read again. Never one with a secret.
    fn kept_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// What most often makes its payload no JSON, and what helps: told with the refusal.
    fn broken_json(&self) -> Option<&'static str> {
        None
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
    /// The account that it is filed under.
    pub account: String,
    /// What the source calls its account now.
    pub account_ref: Option<AccountRef>,
}

impl Basics {
    /// The ticket of the contract: `zendesk:35436`.
    pub fn ticket_id(&self, id: &str) -> String {
        format!("{}:{id}", self.name)
    }

    /// The account of an organisation: its configured name, what is decided or follows of who it is, else
    /// `zendesk:1234`.
    pub fn account_id(&self, organisation: &str, context: &Context<'_>) -> String {
        if let Some(renamed) = self.accounts.0.get(organisation) {
            return renamed.clone();
        }
        let own = format!("{}:{organisation}", self.name);
        context.directory.account(&own).map(str::to_owned).unwrap_or(own)
    }

    /// Tells by what else its source knows an organisation: what a field of it holds now.
    pub fn identify(
        &self,
        organisation: &str,
        field: &'static str,
        holds: impl IntoIterator<Item = Option<Identifier>>,
        reading: &mut Reading,
    ) {
        let of = Identity::new(&self.name, organisation);
        let identifiers = holds.into_iter().flatten().collect();
        reading.told.push(Told::Has { of, field, identifiers });
    }

    /// Remembers an organisation, and which account its source speaks of: the one that it was told of before, until that
    /// moves.
    pub fn remember_organisation(&self, id: &str, known: Known, context: &Context<'_>, reading: &mut Reading) {
        let before = reading.known(context, &self.name, EntryKind::Organisation, id);
        let (account, moves) = before.map_or((None, 0), |before| (before.account.clone(), before.moves));
        let account = known.account.clone().or(account).unwrap_or_else(|| self.account_id(id, context));
        let known = Known { account: Some(account), moves, ..known };
        reading.remember(context, &self.name, EntryKind::Organisation, id, known);
    }

    /// Where a ticket is filed as of `at`, and that it is remembered there: under the account of its organisation, of its
    /// requester's organisation, of its requester. One that was filed stays there until its source says, not before,
    /// that it belongs to another, or that is another account; then it moves. [`None`] where nothing tells whose it is.
    pub fn home(
        &self,
        ticket: &str,
        organisation: Option<&str>,
        requester: Option<&str>,
        at: Millis,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Option<Home> {
        let known = reading.known(context, &self.name, EntryKind::Ticket, ticket);
        let filed = known.and_then(|known| known.group.clone());
        let is_filed = known.is_some_and(|known| known.account.is_some());
        let of_requester = || {
            let user = reading.known(context, &self.name, EntryKind::User, requester?)?;
            user.group.clone()
        };
        let told = organisation.map(str::to_owned);
        let of_person = || told.is_none() && filed.as_deref().is_none_or(|filed| filed.starts_with("user:"));
        let of_organisation = told.clone().or_else(|| of_requester().filter(|_| of_person()));
        let told = of_organisation.clone().or_else(|| requester.map(|id| format!("user:{id}")).filter(|_| !is_filed));
        let account_ref = of_organisation.as_deref().map(|id| AccountRef::new(&self.name, "organization", id));
        let account_ref = account_ref.or_else(|| requester.map(|id| AccountRef::new(&self.name, "user", id)));
        match told {
            Some(group) => {
                if let Some(person) = group.strip_prefix("user:") {
                    self.identify_person(person, context, reading);
                }
                Some(self.lay(ticket, group, at, account_ref, context, reading))
            }
            None => self.stay(ticket, at, account_ref, context, reading),
        }
    }

    /// Somebody without an organisation is of the one that has their domain, if any has.
    fn identify_person(&self, person: &str, context: &Context<'_>, reading: &mut Reading) {
        let known = reading.known(context, &self.name, EntryKind::User, person);
        let Some(domain) = known.and_then(|known| Identifier::domain(known.domain.as_deref()?)) else { return };
        let of = Identity::new(&self.name, format!("user:{person}"));
        reading.told.push(Told::Has { of, field: "email", identifiers: vec![domain] });
    }

    /// Where a ticket lies already; it moves if that is another account now. `ticket` is the vendor's id.
    pub fn stay(
        &self,
        ticket: &str,
        at: Millis,
        account_ref: Option<AccountRef>,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Option<Home> {
        let known = reading.known(context, &self.name, EntryKind::Ticket, ticket)?;
        let (account, group) = (known.account.clone()?, known.group.clone());
        let account = match &group {
            Some(group) => self.account_id(group, context),
            None => account,
        };
        Some(self.file(ticket, account, group, at, account_ref, context, reading))
    }

    /// Files a ticket with those whom its source names as of `at`, unless it knows better since.
    fn lay(
        &self,
        ticket: &str,
        group: String,
        at: Millis,
        account_ref: Option<AccountRef>,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Home {
        let known = reading.known(context, &self.name, EntryKind::Ticket, ticket);
        let newer = known.and_then(|known| Some((known.at?, known.group.clone()?))).filter(|(since, _)| *since > at);
        let group = newer.map_or(group, |(_, group)| group);
        let account = self.account_id(&group, context);
        self.file(ticket, account, Some(group), at, account_ref, context, reading)
    }

    /// Files a ticket under this account, and says so where it lay under another. `group` is whose it is; none: the
    /// account itself was told, as of `at`.
    #[allow(clippy::too_many_arguments, reason = "a ticket, where it goes, and what every source has at hand")]
    pub fn file(
        &self,
        ticket: &str,
        mut account: String,
        group: Option<String>,
        at: Millis,
        account_ref: Option<AccountRef>,
        context: &Context<'_>,
        reading: &mut Reading,
    ) -> Home {
        let before = reading.known(context, &self.name, EntryKind::Ticket, ticket).cloned().unwrap_or_default();
        let mut known = before.clone();
        let is_older = group.is_none() && before.at.is_some_and(|since| since > at);
        account = before.account.clone().filter(|_| is_older).unwrap_or(account);
        if group != before.group || group.is_none() && before.account.as_ref() != Some(&account) {
            known.at = Some(at);
            known.group = group;
        }
        if let Some(from) = before.account.as_deref().filter(|from| *from != account) {
            let id = known.name.clone().unwrap_or_else(|| self.ticket_id(ticket));
            for record in ticket_moved(&self.name, &id, from, &account, before.moves, at) {
                reading.push(record);
            }
            known.moves += 1;
        }
        known.account = Some(account.clone());
        reading.remember(context, &self.name, EntryKind::Ticket, ticket, known);
        Home { account, account_ref }
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
    let payload = payload_of(source, delivery.body)?;
    source.read(Json::new(&payload), &Context { delivery, directory })
}

/// A body as JSON.
///
/// # Errors
/// It is none: what helps against that is told where its source knows it.
pub fn payload_of(source: &dyn Source, body: &[u8]) -> Result<serde_json::Value, Unreadable> {
    serde_json::from_slice(body).map_err(|error| {
        let helps = source.broken_json().map(|helps| format!("; {helps}")).unwrap_or_default();
        Unreadable::undecodable(format!("it is not JSON: line {}, column {}{helps}", error.line(), error.column()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Entry, Table};

    fn basics() -> Basics {
        let accounts = Accounts([("900".to_owned(), "acme".to_owned())].into());
        Basics { name: "zendesk".to_owned(), accounts, ..Basics::default() }
    }

    fn filed(
        table: &mut Table,
        organisation: Option<&str>,
        requester: Option<&str>,
        at: Millis,
    ) -> (Option<Home>, usize) {
        let delivery = Delivery::bare(b"{}", 0);
        let mut reading = Reading::default();
        let home = {
            let context = Context { delivery: &delivery, directory: &*table };
            basics().home("7", organisation, requester, at, &context, &mut reading)
        };
        reading.directory.into_iter().for_each(|entry| drop(table.put(entry)));
        (home, reading.records.len())
    }

    fn account(found: (Option<Home>, usize)) -> (String, usize) {
        (found.0.map(|home| home.account).unwrap_or_default(), found.1)
    }

    #[test]
    fn a_ticket_moves_when_its_source_says_so_and_not_by_what_is_older() {
        let mut table = Table::default();
        assert_eq!(account(filed(&mut table, Some("900"), Some("1"), 10)), ("acme".into(), 0));
        assert_eq!(account(filed(&mut table, None, Some("1"), 20)), ("acme".into(), 0), "untold is no change");
        let (home, moved) = filed(&mut table, Some("901"), Some("1"), 30);
        let home = home.unwrap();
        assert_eq!((home.account.as_str(), home.account_ref.unwrap().id.as_str(), moved), ("zendesk:901", "901", 2));
        assert_eq!(account(filed(&mut table, Some("900"), Some("1"), 20)), ("zendesk:901".into(), 0), "it is older");
        assert_eq!(account(filed(&mut table, Some("900"), Some("1"), 40)), ("acme".into(), 2));
        assert_eq!(table.find("zendesk", EntryKind::Ticket, "7").unwrap().moves, 2);
    }

    #[test]
    fn a_ticket_without_an_organisation_is_its_requesters() {
        let mut table = Table::default();
        assert_eq!(filed(&mut table, None, None, 0), (None, 0));
        assert_eq!(account(filed(&mut table, None, Some("1"), 10)), ("zendesk:user:1".into(), 0));
        let known = Known { group: Some("901".into()), ..Known::default() };
        table.put(Entry { source: "zendesk".into(), kind: EntryKind::User, id: "1".into(), known: Some(known) });
        assert_eq!(account(filed(&mut table, None, Some("1"), 20)), ("zendesk:901".into(), 2));
    }
}
