//! Whose every identity is: the facts in memory, with the account that follows from them beside each.
//!
//! Names of identities and of accounts are nodes of one table; so are identifiers, with those who have them. A fact that
//! comes changes the accounts of those alone whom it can concern, so a look-up is one look into a hash table. What
//! follows from what stands in [`super::matching`].

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;

use compact_str::CompactString;
use hashbrown::{DefaultHashBuilder, HashTable};
use smallvec::SmallVec;
use tierline_model::Millis;

use super::{Decision, Fact, FreeMail, Identifier, IdentifierKind, Identifiers, Identity, Says};
use crate::source::Accounts;

/// Whose every identity is.
#[derive(Clone, Debug, Default)]
pub struct Aliases {
    pub(super) nodes: Vec<Node>,
    by_name: HashTable<u32>,
    pub(super) marks: Vec<Mark>,
    by_mark: HashTable<u32>,
    /// Names of fields.
    fields: Vec<String>,
    /// Who was linked to a node.
    pub(super) linked: HashMap<u32, Vec<u32>>,
    free: FreeMail,
    hasher: DefaultHashBuilder,
}

/// An identity, or what only is the name of an account.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub name: CompactString,
    /// The node whose name is its account.
    pub account: u32,
    /// What is not told by any system.
    pub fixed: Option<Box<Fixed>>,
    pub has: SmallVec<[Has; 1]>,
}

/// Where an identity lies whatever it shares with others.
#[derive(Clone, Debug, Default)]
pub(super) struct Fixed {
    /// What the configuration calls it.
    pub configured: Option<u32>,
    /// What a person decided, and the node that they named.
    pub decided: Option<(Decision, Option<u32>)>,
}

/// That an identity has an identifier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Has {
    pub mark: u32,
    pub field: u16,
    pub since: Millis,
}

/// An identifier, and who has it: in each once.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub text: CompactString,
    /// It tells nobody apart.
    pub is_free: bool,
    pub of: SmallVec<[u32; 2]>,
}

impl Aliases {
    /// With what the configuration calls the accounts of its sources, and the domains that never match.
    pub fn new<'c>(sources: impl IntoIterator<Item = (&'c str, &'c Accounts)>, free: FreeMail) -> Aliases {
        let mut aliases = Aliases { free, ..Aliases::default() };
        for (source, accounts) in sources {
            for (id, account) in &accounts.0 {
                let node = aliases.node(&Identity::new(source, id).to_string());
                let account = aliases.node(account);
                aliases.nodes[node as usize].fixed =
                    Some(Box::new(Fixed { configured: Some(account), ..Fixed::default() }));
                aliases.nodes[node as usize].account = account;
            }
        }
        aliases
    }

    /// The account of the identity that is written so; its own, if nothing is known of it.
    pub fn account<'a>(&'a self, identity: &'a str) -> &'a str {
        self.other(identity).unwrap_or(identity)
    }

    /// The account of the identity that is written so, if it is another than its own.
    pub fn other(&self, identity: &str) -> Option<&str> {
        let node = self.find(identity)?;
        let account = self.nodes[node as usize].account;
        (account != node).then(|| self.name(account))
    }

    /// Takes a fact. What was told before, as a fact, and whose account is another now.
    pub fn put(&mut self, fact: Fact) -> (Fact, Vec<Identity>) {
        let node = self.node(&fact.of.to_string());
        match fact.says {
            Says::Decided(decision) => {
                let (before, changed) = self.decide(node, decision);
                (Fact { of: fact.of, says: Says::Decided(before) }, changed)
            }
            Says::Known(known) => {
                let before = self.known(&fact.of);
                let changed = self.know(node, known.unwrap_or_default());
                let before = (before != Identifiers::default()).then_some(before);
                (Fact { of: fact.of, says: Says::Known(before) }, changed)
            }
        }
    }

    /// By what its system knows an identity.
    pub fn known(&self, identity: &Identity) -> Identifiers {
        let mut known = Identifiers::default();
        let Some(node) = self.find(&identity.to_string()) else { return known };
        for has in &self.nodes[node as usize].has {
            let field = known.0.entry(self.fields[usize::from(has.field)].clone()).or_default();
            field.insert(self.identifier(has.mark), has.since);
        }
        known
    }

    /// What a person decided of an identity.
    pub fn decided(&self, identity: &Identity) -> Option<&Decision> {
        let node = &self.nodes[self.find(&identity.to_string())? as usize];
        node.fixed.as_ref()?.decided.as_ref().map(|(decision, _)| decision)
    }

    /// What the configuration calls an identity.
    pub fn configured(&self, identity: &Identity) -> Option<&str> {
        let node = &self.nodes[self.find(&identity.to_string())? as usize];
        node.fixed.as_ref()?.configured.map(|account| self.name(account))
    }

    /// The fact that a field of an identity now holds these, as of `now`; none: that is known.
    pub fn tell(&self, of: &Identity, field: &str, told: Vec<Identifier>, now: Millis) -> Option<Fact> {
        let before = self.known(of);
        let mut known = before.clone();
        known.tell(field, told, now);
        let says = || Says::Known((known != Identifiers::default()).then(|| known.clone()));
        (known != before).then(|| Fact { of: of.clone(), says: says() })
    }

    /// Everybody of whom something is known, and who lies under this account; by name.
    pub fn of_account(&self, account: &str) -> Vec<Identity> {
        let Some(account) = self.find(account) else { return Vec::new() };
        let of = self.nodes.iter().filter(|node| node.account == account && node.is_told());
        let mut of: Vec<_> = of.filter_map(|node| Identity::read(&node.name)).collect();
        of.sort();
        of
    }

    /// Everybody who has an identifier; by name.
    pub fn having(&self, identifier: &Identifier) -> Vec<Identity> {
        let Some(mark) = self.find_mark(identifier.as_str()) else { return Vec::new() };
        let of = self.marks[mark as usize].of.iter();
        let mut of: Vec<_> = of.filter_map(|node| Identity::read(self.name(*node))).collect();
        of.sort();
        of
    }

    /// Whether an identifier never matches anybody.
    pub fn is_free(&self, identifier: &Identifier) -> bool {
        self.free.has(identifier)
    }

    /// Everybody of whom something is known, in no order.
    pub fn all(&self) -> impl Iterator<Item = Identity> {
        self.nodes.iter().filter(|node| node.is_told()).filter_map(|node| Identity::read(&node.name))
    }

    fn decide(&mut self, node: u32, decision: Option<Decision>) -> (Option<Decision>, Vec<Identity>) {
        let target = decision.as_ref().and_then(|decision| decision.account.clone()).map(|name| self.node(&name));
        let seeds = self.seeds(node);
        let old = self.concerned(&seeds);
        let fixed = self.nodes[node as usize].fixed.get_or_insert_default();
        let before = std::mem::replace(&mut fixed.decided, decision.map(|decision| (decision, target)));
        if fixed.decided.is_none() && fixed.configured.is_none() {
            self.nodes[node as usize].fixed = None;
        }
        if let Some(old) = before.as_ref().and_then(|(_, target)| *target)
            && let Some(linked) = self.linked.get_mut(&old)
        {
            linked.retain(|other| *other != node);
            if linked.is_empty() {
                self.linked.remove(&old);
            }
        }
        if let Some(target) = target {
            self.linked.entry(target).or_default().push(node);
        }
        let changed = self.settle(old, &seeds);
        (before.map(|(decision, _)| decision), changed)
    }

    fn know(&mut self, node: u32, known: Identifiers) -> Vec<Identity> {
        let mut has = SmallVec::<[Has; 1]>::new();
        for (field, told) in known.0 {
            let field = self.field(field);
            for (identifier, since) in told {
                let mark = self.mark(&identifier);
                has.push(Has { mark, field, since });
            }
        }
        has.shrink_to_fit();
        let mut seeds = self.seeds(node);
        for has in &has {
            seeds.extend(self.marks[has.mark as usize].of.iter().copied());
        }
        let old = self.concerned(&seeds);
        let before = std::mem::replace(&mut self.nodes[node as usize].has, has.clone());
        let marks = |of: &SmallVec<[Has; 1]>| of.iter().map(|has| has.mark).collect::<BTreeSet<_>>();
        let (before, after) = (marks(&before), marks(&has));
        for gone in before.difference(&after) {
            self.marks[*gone as usize].of.retain(|other| *other != node);
        }
        for new in after.difference(&before) {
            self.marks[*new as usize].of.push(node);
        }
        self.settle(old, &seeds)
    }

    /// A node, and all who share something with it: whom a change of it can concern.
    fn seeds(&self, node: u32) -> BTreeSet<u32> {
        let marks = self.nodes[node as usize].has.iter().map(|has| &self.marks[has.mark as usize]);
        marks.flat_map(|mark| mark.of.iter().copied()).chain([node]).collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(name);
        self.by_name.find(hash, |node| self.nodes[*node as usize].name == name).copied()
    }

    pub(super) fn name(&self, node: u32) -> &str {
        &self.nodes[node as usize].name
    }

    pub(super) fn identifier(&self, mark: u32) -> Identifier {
        // Invariant: it was made of one.
        self.marks[mark as usize].text.parse().expect("it was written by an identifier")
    }

    pub(super) fn find_mark(&self, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        self.by_mark.find(hash, |mark| self.marks[*mark as usize].text == text).copied()
    }

    /// The node of a name, made where there is none.
    fn node(&mut self, name: &str) -> u32 {
        if let Some(node) = self.find(name) {
            return node;
        }
        let node = u32::try_from(self.nodes.len()).expect("there are fewer customers than four billion");
        self.nodes.push(Node { name: name.into(), account: node, fixed: None, has: SmallVec::new() });
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        let hash = |node: &u32| hasher.hash_one(nodes[*node as usize].name.as_str());
        self.by_name.insert_unique(hasher.hash_one(name), node, hash);
        node
    }

    fn mark(&mut self, identifier: &Identifier) -> u32 {
        if let Some(mark) = self.find_mark(identifier.as_str()) {
            return mark;
        }
        let mark = u32::try_from(self.marks.len()).expect("there are fewer identifiers than four billion");
        let is_free = identifier.kind() == IdentifierKind::Domain && self.free.has(identifier);
        self.marks.push(Mark { text: identifier.as_str().into(), is_free, of: SmallVec::new() });
        let (marks, hasher) = (&self.marks, &self.hasher);
        let hash = |mark: &u32| hasher.hash_one(marks[*mark as usize].text.as_str());
        self.by_mark.insert_unique(hasher.hash_one(identifier.as_str()), mark, hash);
        mark
    }

    /// A field's number: there are as many as sources have fields.
    fn field(&mut self, name: String) -> u16 {
        let place = self.fields.iter().position(|other| *other == name);
        let place = place.unwrap_or_else(|| {
            self.fields.push(name);
            self.fields.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }
}

impl Node {
    /// Whether anything is known of it: else its name only stands for an account.
    fn is_told(&self) -> bool {
        self.fixed.is_some() || !self.has.is_empty()
    }
}
