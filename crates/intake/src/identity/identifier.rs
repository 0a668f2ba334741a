//! What two systems may both know of a customer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What two systems may both know of a customer. Written as `domain:acme.example`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Identifier(String);

/// What sort of thing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentifierKind {
    /// The domain of a website or of addresses.
    Domain,
    /// An id that a system keeps for another.
    External,
}

const KINDS: [(IdentifierKind, &str); 2] = [(IdentifierKind::Domain, "domain"), (IdentifierKind::External, "external")];
/// The longest name of a host, and more than any id needs.
const LONGEST: usize = 253;
/// A shorter id is as likely to be another system's by chance.
const SHORTEST_ID: usize = 4;

impl Identifier {
    /// A domain, out of a domain, the address of a website, or of a person; none: there is none in it. `www.` says
    /// nothing, capitals neither.
    pub fn domain(written: &str) -> Option<Identifier> {
        let rest = written.trim();
        let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest);
        let rest = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let rest = rest.rsplit('@').next().unwrap_or(rest);
        let host = rest.split(':').next().unwrap_or(rest).trim_end_matches('.').to_lowercase();
        let host = host.strip_prefix("www.").unwrap_or(&host);
        let is_label = |label: &str| {
            let letters = label.chars().all(|char| char.is_alphanumeric() || char == '-');
            !label.is_empty() && label.len() <= 63 && letters && !label.starts_with('-') && !label.ends_with('-')
        };
        let has_name = host.rsplit('.').next().is_some_and(|last| last.chars().any(char::is_alphabetic));
        let is_one = host.len() <= LONGEST && host.contains('.') && has_name && host.split('.').all(is_label);
        is_one.then(|| Identifier::of(IdentifierKind::Domain, host))
    }

    /// The domain of somebody's address; none: it is no address.
    pub fn of_mail(address: &str) -> Option<Identifier> {
        let (local, domain) = address.trim().trim_end_matches('>').rsplit_once('@')?;
        (!local.is_empty()).then(|| Identifier::domain(domain)).flatten()
    }

    /// An id that a system keeps for another, as it stands; none: too short to tell customers apart.
    pub fn external(id: &str) -> Option<Identifier> {
        let id = id.trim();
        let is_one = (SHORTEST_ID..=LONGEST).contains(&id.len()) && !id.chars().any(char::is_control);
        is_one.then(|| Identifier::of(IdentifierKind::External, id))
    }

    fn of(kind: IdentifierKind, value: &str) -> Identifier {
        let word = KINDS.iter().find(|(other, _)| *other == kind).map_or("", |(_, word)| word);
        Identifier(format!("{word}:{value}"))
    }

    /// What sort it is.
    pub fn kind(&self) -> IdentifierKind {
        // Invariant: every one begins with the word of its kind.
        let word = self.0.split_once(':').map_or("", |(word, _)| word);
        KINDS.iter().find(|(_, other)| *other == word).map_or(IdentifierKind::External, |(kind, _)| *kind)
    }

    /// The domain or the id.
    pub fn value(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, value)| value)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Identifier {
    type Err = String;

    fn from_str(written: &str) -> Result<Identifier, String> {
        let (word, value) = written.split_once(':').unwrap_or_default();
        match KINDS.iter().find(|(_, other)| *other == word) {
            Some((kind, _)) if !value.is_empty() => Ok(Identifier::of(*kind, value)),
            _ => Err("an identifier is written as `domain:acme.example` or `external:ID`".to_owned()),
        }
    }
}

impl TryFrom<String> for Identifier {
    type Error = String;

    fn try_from(written: String) -> Result<Identifier, String> {
        written.parse()
    }
}

impl From<Identifier> for String {
    fn from(identifier: Identifier) -> String {
        identifier.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_found_however_it_is_written() {
        for written in
            ["acme.example", " WWW.Acme.example. ", "https://www.acme.example/contact?a=b", "http://acme.example:8080"]
        {
            assert_eq!(Identifier::domain(written).unwrap().as_str(), "domain:acme.example", "{written}");
        }
        assert_eq!(Identifier::of_mail("Jo.Doe@Acme.example").unwrap().value(), "acme.example");
        assert_eq!(Identifier::of_mail("Jo <jo@acme.example>").unwrap().value(), "acme.example");
        assert_eq!(Identifier::domain("bücher.example").unwrap().value(), "bücher.example");
        for none in ["", "localhost", "10.0.0.1", "Acme Ltd.", "a..example", "-a.example", "n/a", "http://"] {
            assert_eq!(Identifier::domain(none), None, "{none}");
        }
        assert_eq!((Identifier::of_mail("acme.example"), Identifier::of_mail("@acme.example")), (None, None));
    }

    #[test]
    fn an_id_counts_as_it_stands_unless_it_is_too_short() {
        assert_eq!(Identifier::external(" 001RM000004UF9s ").unwrap().value(), "001RM000004UF9s");
        assert_eq!((Identifier::external("42"), Identifier::external("")), (None, None));
        assert_ne!(Identifier::external("ACME-1"), Identifier::external("acme-1"));
    }
}
