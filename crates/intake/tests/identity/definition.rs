//! What follows from the facts, slowly: by its definition.

use std::collections::{BTreeMap, BTreeSet};

use tierline_intake::identity::{Decision, FreeMail, Identifier, Identity};

/// All that was told.
#[derive(Default)]
pub struct Facts {
    pub configured: BTreeMap<Identity, String>,
    pub decided: BTreeMap<Identity, Decision>,
    /// Who has it since when.
    pub has: BTreeMap<Identifier, BTreeMap<Identity, i64>>,
}

impl Facts {
    /// The account that follows.
    pub fn account(&self, of: &Identity) -> String {
        self.follow(of.clone(), Vec::new())
    }

    fn follow(&self, of: Identity, mut met: Vec<Identity>) -> String {
        if let Some(from) = met.iter().position(|one| *one == of) {
            return met[from..].iter().map(Identity::to_string).min().unwrap();
        }
        met.push(of.clone());
        if let Some(called) = self.configured.get(&of) {
            return called.clone();
        }
        match self.decided.get(&of).map(|decision| &decision.account) {
            Some(None) => return of.to_string(),
            Some(Some(account)) => {
                return match Identity::read(account) {
                    Some(other) => self.follow(other, met),
                    None => account.clone(),
                };
            }
            None => {}
        }
        if of.is_person() {
            return match self.employer(&of) {
                Some(employer) => self.follow(employer, met),
                None => of.to_string(),
            };
        }
        self.matched(&of)
    }

    fn matched(&self, of: &Identity) -> String {
        let mut one = BTreeSet::from([of.clone()]);
        loop {
            let shared = self.has.keys().filter(|identifier| self.is_clear(identifier));
            let next: BTreeSet<Identity> = shared
                .map(|identifier| self.organisations(identifier))
                .filter(|of| !of.is_disjoint(&one))
                .flatten()
                .chain(one.clone())
                .collect();
            if next == one {
                break;
            }
            one = next;
        }
        let called: BTreeSet<&String> = one.iter().filter_map(|one| self.configured.get(one)).collect();
        match called.len() {
            1 => called.first().unwrap().to_string(),
            0 => {
                let shared = self
                    .has
                    .iter()
                    .filter(|(identifier, _)| self.is_clear(identifier) && self.organisations(identifier).len() > 1);
                let since = shared.flat_map(|(_, since)| since).filter(|(who, _)| one.contains(who));
                let first = since.map(|(who, since)| (*since, who.to_string())).min();
                first.map_or(of.to_string(), |(_, first)| first)
            }
            _ => of.to_string(),
        }
    }

    fn employer(&self, person: &Identity) -> Option<Identity> {
        let theirs = self.has.iter().filter(|(identifier, of)| of.contains_key(person) && !is_free(identifier));
        let all: BTreeSet<&Identity> = theirs.flat_map(|(_, of)| of.keys()).filter(|one| !one.is_person()).collect();
        let own: Vec<_> = all.iter().filter(|one| one.source == person.source).collect();
        match own.as_slice() {
            [one] => Some((**one).clone()),
            [] => {
                let others = all.into_iter().filter(|one| self.takes_part(one));
                let by: BTreeMap<String, &Identity> = others.map(|one| (self.account(one), one)).collect();
                (by.len() == 1).then(|| by.into_values().next().unwrap().clone())
            }
            _ => None,
        }
    }

    fn takes_part(&self, of: &Identity) -> bool {
        !of.is_person() && (self.configured.contains_key(of) || !self.decided.contains_key(of))
    }

    fn organisations(&self, identifier: &Identifier) -> BTreeSet<Identity> {
        self.has[identifier].keys().filter(|one| self.takes_part(one)).cloned().collect()
    }

    fn is_clear(&self, identifier: &Identifier) -> bool {
        let of = self.organisations(identifier);
        let alike = |one: &Identity, other: &Identity| {
            self.configured.contains_key(one) && self.configured.get(one) == self.configured.get(other)
        };
        let clear =
            |one: &Identity| of.iter().all(|other| other == one || other.source != one.source || alike(one, other));
        !is_free(identifier) && of.iter().all(clear)
    }
}

fn is_free(identifier: &Identifier) -> bool {
    FreeMail::default().has(identifier)
}
