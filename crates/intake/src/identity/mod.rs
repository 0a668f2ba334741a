//! Who is who: one customer is an organisation at the help desk, a company in the CRM, a customer in billing.
//!
//! An [`Identity`] is one customer as one system calls them. Its account is, in this order: what the configuration
//! calls it; what a person decided; what it shares with others, such as a domain; else an account of its own,
//! `zendesk:360001`. What is told lies as [facts](Fact) on the topic `aliases`, compacted: what a person decided under
//! `source,kind,id`, what a system tells of its identity under `identifiers_of,source,kind,id`. An account is never
//! written there: it follows from the facts ([`Aliases`]), and of each key the last word of the log counts. So all who
//! have read the topic agree, in whatever order the gateways wrote to it.
//!
//! When an account changes, what lies under the old one moves.
//!
//! What must never be in here: a guess. What is not known has an account of its own until somebody says more.

mod aliases;
mod fact;
mod free_mail;
mod identifier;
mod matching;
mod moves;
mod told;
mod why;

pub use aliases::Aliases;
pub use fact::{Decision, Fact, Identifiers, Says};
pub use free_mail::FreeMail;
pub use identifier::{Identifier, IdentifierKind};
pub use moves::{facts_moved, ticket_moved};
pub use told::Told;
pub use why::{Shared, Why};

use std::fmt;

/// One customer as one system calls them. Written as the account that it has by itself: `zendesk:360001`, and of
/// somebody without an organisation `zendesk:user:77`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The source's configured name.
    pub source: String,
    /// The source's own id; of a person with `user:` before it.
    pub id: String,
}

/// Before the id of a person.
const USER: &str = "user:";

impl Identity {
    /// What this source calls so.
    pub fn new(source: impl Into<String>, id: impl Into<String>) -> Identity {
        Identity { source: source.into(), id: id.into() }
    }

    /// Of how it is written; none: that is no identity.
    pub fn read(written: &str) -> Option<Identity> {
        let (source, id) = written.split_once(':')?;
        let is_one = !source.is_empty() && !id.is_empty() && id != USER && !source.contains(',');
        is_one.then(|| Identity::new(source, id))
    }

    /// Whether it is a person, not an organisation.
    pub fn is_person(&self) -> bool {
        self.id.starts_with(USER)
    }

    /// What sort of id it has: `organization` or `user`.
    pub fn kind(&self) -> &'static str {
        if self.is_person() { "user" } else { "organization" }
    }

    /// The id without what says that it is a person's.
    pub fn bare_id(&self) -> &str {
        self.id.strip_prefix(USER).unwrap_or(&self.id)
    }

    /// `source,kind,id`: a source's name has no comma.
    fn key(&self) -> String {
        format!("{},{},{}", self.source, self.kind(), self.bare_id())
    }

    fn of_key(key: &str) -> Option<Identity> {
        let (source, rest) = key.split_once(',')?;
        let (kind, id) = rest.split_once(',').filter(|(_, id)| !id.is_empty())?;
        match kind {
            "organization" => Some(Identity::new(source, id)),
            "user" => Some(Identity::new(source, format!("{USER}{id}"))),
            _ => None,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.id)
    }
}
