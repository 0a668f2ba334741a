//! Domains at which anybody has an address: they say nothing of who somebody works for.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, OnceLock};

use super::Identifier;

/// Domains that never match: well-known ones, and those that the configuration adds.
#[derive(Clone, Debug, Default)]
pub struct FreeMail {
    added: Arc<BTreeSet<String>>,
}

impl FreeMail {
    /// With these beside the well-known ones; in any case.
    pub fn with<'d>(added: impl IntoIterator<Item = &'d str>) -> FreeMail {
        let added = added.into_iter().filter_map(Identifier::domain).map(|domain| domain.value().to_owned());
        FreeMail { added: Arc::new(added.collect()) }
    }

    /// Whether it is one of them.
    pub fn has(&self, identifier: &Identifier) -> bool {
        known().contains(identifier.value()) || self.added.contains(identifier.value())
    }
}

/// The well-known ones; where they come from stands in the file.
fn known() -> &'static HashSet<&'static str> {
    static KNOWN: OnceLock<HashSet<&str>> = OnceLock::new();
    KNOWN.get_or_init(|| lines().collect())
}

fn lines() -> impl Iterator<Item = &'static str> {
    include_str!("free_mail.txt").lines().filter(|line| !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_everything_in_it_is_a_domain() {
        assert!(lines().is_sorted_by(|one, next| one < next));
        for domain in lines() {
            assert_eq!(Identifier::domain(domain).unwrap().value(), domain);
        }
    }

    #[test]
    fn the_company_adds_domains_of_its_own() {
        let free = FreeMail::with(["Provider.example"]);
        let has = |domain| free.has(&Identifier::domain(domain).unwrap());
        assert!(has("gmail.com") && has("provider.example") && !has("acme.example"));
    }
}
