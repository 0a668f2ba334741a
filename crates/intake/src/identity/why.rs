//! Why an identity has its account.

use super::aliases::Aliases;
use super::matching::takes_part;
use super::{Decision, Identifier, Identity};

/// Why an identity has its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The configuration calls it so.
    Configured,
    /// A person decided.
    Decided(Decision),
    /// It shares these with others.
    Shared(Vec<Shared>),
    /// Nothing says more: it has an account of its own.
    Alone,
}

/// What an identity has in common with another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shared {
    /// What.
    pub identifier: Identifier,
    /// With whom.
    pub with: Identity,
}

impl Aliases {
    /// Why an identity has its account.
    pub fn why(&self, identity: &Identity) -> Why {
        if self.configured(identity).is_some() {
            return Why::Configured;
        }
        if let Some(decision) = self.decided(identity) {
            return Why::Decided(decision.clone());
        }
        let shared = self.shared(identity);
        // Those who are called differently share something, and each stays by itself all the same.
        let name = identity.to_string();
        let agrees = |one: &Shared| self.account(&one.with.to_string()) == self.account(&name);
        match shared.iter().any(agrees) {
            true => Why::Shared(shared.into_iter().filter(agrees).collect()),
            false => Why::Alone,
        }
    }

    /// What an identity has in common with others, whether or not it says who they are; by name.
    pub fn shared(&self, identity: &Identity) -> Vec<Shared> {
        let Some(node) = self.find(&identity.to_string()) else { return Vec::new() };
        let mut shared = Vec::new();
        for has in &self.nodes[node as usize].has {
            let others = self.marks[has.mark as usize].of.iter().filter(|other| **other != node);
            let others = others.filter_map(|other| Identity::read(self.name(*other)));
            shared.extend(others.map(|with| Shared { identifier: self.identifier(has.mark), with }));
        }
        shared.sort();
        shared.dedup();
        shared
    }

    /// Why an identifier that several have matches nobody; none: it does, or one alone has it.
    pub fn unclear(&self, identifier: &Identifier) -> Option<&'static str> {
        let mark = &self.marks[self.find_mark(identifier.as_str())? as usize];
        let organisations = mark.of.iter().filter(|one| takes_part(&self.nodes[**one as usize]));
        match () {
            () if mark.is_free => Some("anybody can have an address there"),
            () if organisations.count() > 1 && !self.is_clear(mark) => Some("two customers of one system have it"),
            () => None,
        }
    }
}
