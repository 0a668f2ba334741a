//! What follows from the facts.
//!
//! - What a person decided concerns that identity alone: nobody follows it there by what they share.
//! - Organisations that share an identifier are one customer, and so on from one to the next, unless two of one source
//!   have it: then nobody knows which is meant (but if the configuration calls both the same, they are one).
//! - Those who are one customer have the account that the configuration calls any of them. If it calls them
//!   differently, each stays by itself. If it calls none, they have that of whoever told first what they share.
//! - A person is of the organisation that has their domain: of their own help desk's, else of any.

use std::collections::{BTreeMap, BTreeSet};

use super::Identity;
use super::aliases::{Aliases, Mark, Node};

/// Whom a change can concern, and the accounts that they had.
pub(super) type Concerned = BTreeMap<u32, u32>;

/// Those who are one customer, and by what.
pub(super) struct Customer {
    pub members: Vec<u32>,
    /// Identifiers that several of them have.
    pub by: BTreeSet<u32>,
}

/// A longer chain of links is a circle.
const LONGEST_CHAIN: usize = 64;

impl Aliases {
    /// All whose accounts depend on these.
    pub(super) fn concerned(&self, seeds: &BTreeSet<u32>) -> Concerned {
        let mut found: Vec<u32> = seeds.iter().copied().collect();
        let mut known = seeds.clone();
        let mut grouped = BTreeSet::new();
        while let Some(node) = found.pop() {
            let of = if grouped.contains(&node) { Vec::new() } else { self.customer(node).members };
            grouped.extend(of.iter().copied());
            let marks = self.nodes[node as usize].has.iter().map(|has| &self.marks[has.mark as usize]);
            let persons = marks.filter(|mark| !mark.is_free).flat_map(|mark| mark.of.iter().copied());
            let persons = persons.filter(|one| is_person(&self.nodes[*one as usize]));
            let linked = self.linked.get(&node).into_iter().flatten().copied();
            found.extend(of.into_iter().chain(persons).chain(linked).filter(|one| known.insert(*one)));
        }
        known.into_iter().map(|node| (node, self.nodes[node as usize].account)).collect()
    }

    /// Finds the accounts of all who were concerned before a change, or are now. Whose is another.
    pub(super) fn settle(&mut self, mut old: Concerned, seeds: &BTreeSet<u32>) -> Vec<Identity> {
        for (node, account) in self.concerned(seeds) {
            old.entry(node).or_insert(account);
        }
        let mut grouped = BTreeSet::new();
        for node in old.keys().copied() {
            if self.is_fixed(node) || is_person(&self.nodes[node as usize]) {
                self.nodes[node as usize].account = self.follows(node, &mut Vec::new());
            } else if !grouped.contains(&node) {
                let customer = self.customer(node);
                let account = self.called(&customer);
                for one in customer.members {
                    if !self.is_fixed(one) {
                        self.nodes[one as usize].account = account.unwrap_or(one);
                        grouped.insert(one);
                    }
                }
            }
        }
        let changed = old.iter().filter(|(node, account)| self.nodes[**node as usize].account != **account);
        changed.filter_map(|(node, _)| Identity::read(self.name(*node))).collect()
    }

    /// The account that follows for a node. `met`: by whom it was come to.
    fn follows(&self, node: u32, met: &mut Vec<u32>) -> u32 {
        let from = met.iter().position(|one| *one == node);
        if let Some(from) = from.or((met.len() > LONGEST_CHAIN).then_some(0)) {
            // Who is linked in a circle is one customer, whoever of them is asked for.
            return met[from..].iter().copied().min_by_key(|one| self.name(*one)).unwrap_or(node);
        }
        met.push(node);
        let fixed = self.nodes[node as usize].fixed.as_deref();
        match fixed.map(|fixed| (fixed.configured, fixed.decided.as_ref())) {
            Some((Some(account), _)) => account,
            Some((None, Some((_, target)))) => target.map_or(node, |target| self.follows(target, met)),
            _ if is_person(&self.nodes[node as usize]) => {
                self.employer(node).map_or(node, |employer| self.follows(employer, met))
            }
            _ => self.called(&self.customer(node)).unwrap_or(node),
        }
    }

    /// All who are one customer with a node by what they share, itself included.
    pub(super) fn customer(&self, node: u32) -> Customer {
        let mut customer = Customer { members: vec![node], by: BTreeSet::new() };
        if !takes_part(&self.nodes[node as usize]) {
            return customer;
        }
        let mut known = BTreeSet::from([node]);
        let mut looked = BTreeSet::new();
        let mut next = 0;
        while let Some(one) = customer.members.get(next).copied() {
            next += 1;
            for has in self.nodes[one as usize].has.iter().filter(|has| looked.insert(has.mark)) {
                let mark = &self.marks[has.mark as usize];
                if !self.is_clear(mark) {
                    continue;
                }
                let others = mark.of.iter().copied().filter(|other| takes_part(&self.nodes[*other as usize]));
                let others: Vec<_> = others.collect();
                if others.len() > 1 {
                    customer.by.insert(has.mark);
                }
                customer.members.extend(others.into_iter().filter(|other| known.insert(*other)));
            }
        }
        customer
    }

    /// The account of those who are one customer; none: they are called differently, or share nothing.
    fn called(&self, customer: &Customer) -> Option<u32> {
        let configured = customer.members.iter().filter_map(|one| self.nodes[*one as usize].configured());
        let configured: BTreeSet<u32> = configured.collect();
        match (configured.first(), configured.len()) {
            (None, _) => self.first(customer),
            (Some(account), 1) => Some(*account),
            (Some(_), _) => None,
        }
    }

    /// Who told first what several of them have.
    fn first(&self, customer: &Customer) -> Option<u32> {
        let since = customer.members.iter().filter_map(|one| {
            let has = self.nodes[*one as usize].has.iter();
            let since = has.filter(|has| customer.by.contains(&has.mark)).map(|has| has.since).min()?;
            Some((since, self.name(*one), *one))
        });
        since.min().map(|(_, _, first)| first)
    }

    /// The organisation of a person, by their domain.
    fn employer(&self, person: u32) -> Option<u32> {
        let marks = self.nodes[person as usize].has.iter().map(|has| &self.marks[has.mark as usize]);
        let all = marks.filter(|mark| !mark.is_free).flat_map(|mark| mark.of.iter().copied());
        let all: BTreeSet<u32> = all.filter(|one| !is_person(&self.nodes[*one as usize])).collect();
        let own_source = source(&self.nodes[person as usize]);
        let (own, others): (Vec<u32>, Vec<u32>) =
            all.into_iter().partition(|one| source(&self.nodes[*one as usize]) == own_source);
        match own.as_slice() {
            [one] => Some(*one),
            [] => {
                let others = others.into_iter().filter(|one| takes_part(&self.nodes[*one as usize]));
                let accounts: BTreeMap<u32, u32> =
                    others.map(|one| (self.follows(one, &mut Vec::new()), one)).collect();
                let mut accounts = accounts.into_values();
                accounts.next().filter(|_| accounts.next().is_none())
            }
            _ => None,
        }
    }

    fn is_fixed(&self, node: u32) -> bool {
        self.nodes[node as usize].fixed.is_some()
    }

    /// Whether an identifier says who is who: no source has it twice.
    pub(super) fn is_clear(&self, mark: &Mark) -> bool {
        let mut met: Vec<(&str, Option<u32>)> = Vec::new();
        !mark.is_free
            && mark.of.iter().map(|one| &self.nodes[*one as usize]).filter(|node| takes_part(node)).all(|node| {
                let (source, called) = (source(node), node.configured());
                match met.iter().find(|(other, _)| *other == source) {
                    Some((_, other)) => called.is_some() && called == *other,
                    None => {
                        met.push((source, called));
                        true
                    }
                }
            })
    }
}

impl Node {
    fn configured(&self) -> Option<u32> {
        self.fixed.as_ref().and_then(|fixed| fixed.configured)
    }
}

fn source(node: &Node) -> &str {
    node.name.split_once(':').map_or("", |(source, _)| source)
}

fn is_person(node: &Node) -> bool {
    node.name.split_once(':').is_some_and(|(_, id)| id.starts_with(super::USER))
}

/// Whether it is an organisation of whom no person decided anything.
pub(super) fn takes_part(node: &Node) -> bool {
    let decided = node.fixed.as_ref().is_some_and(|fixed| fixed.configured.is_none() && fixed.decided.is_some());
    !decided && !is_person(node)
}
