//! What several sources tell of an account or its bills, joined into one view.
//!
//! Each field carries its source and as of when it was said. A whole snapshot replaces its source's fields, a change
//! sets and clears single ones, a deletion or a tombstone removes only what its source or topic had told. Between
//! sources: the configured precedence, else the newest statement. SEMANTICS §4.7.

use tierline_model::{DateOrInstant, Millis};
use tierline_rules::ALWAYS;

use crate::texts::Symbol;

/// A field of an account or of its bills: the contract's by discriminant, a custom one by the symbol of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Account(tierline_model::AccountField),
    Billing(tierline_model::BillingField),
    Custom(Symbol),
}

/// A value of such a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// An enumeration's word too.
    Symbol(Symbol),
    Number(f64),
    Bool(bool),
    Date(DateOrInstant),
    Symbols(Box<[Symbol]>),
}

/// The topic of what came as a single change.
pub(crate) const CHANGES: u8 = u8::MAX;

/// What one source says of one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    pub key: Key,
    /// `None`: empty.
    pub value: Option<Value>,
    pub as_of: Millis,
    /// Through which topic; [`CHANGES`].
    pub topic: u8,
}

/// The view: what holds of a field, since when, by whom.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resolved {
    pub key: Key,
    pub value: Option<Value>,
    pub since: Millis,
    pub as_of: Millis,
    pub source: Symbol,
}

/// All statements and the view that they give.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Joined {
    /// Per source, what it says; few sources, so a line beats a map.
    pub sources: Vec<(Symbol, Vec<Statement>)>,
    /// Sorted by key.
    pub view: Vec<Resolved>,
    /// Fields that are told no more, the last one last, each since when.
    pub untold: Vec<(Key, Millis)>,
}

/// How many fields that are told no more are remembered, the newest; older ones count as never told.
const UNTOLD: usize = 128;

/// Which of two sources wins a field: the lower rank; equal ranks: the newest statement.
pub(crate) type Rank<'a> = &'a dyn Fn(Key, Symbol) -> usize;

impl Joined {
    /// A whole snapshot: what the source says is this and nothing else.
    pub fn replace(&mut self, source: Symbol, statements: Vec<Statement>) {
        *self.of(source) = statements;
    }

    /// Single fields of a source.
    pub fn change(&mut self, source: Symbol, statements: Vec<Statement>) {
        let mine = self.of(source);
        for statement in statements {
            match mine.iter_mut().find(|old| old.key == statement.key) {
                Some(old) => *old = statement,
                None => mine.push(statement),
            }
        }
    }

    /// The source has deleted the account.
    pub fn forget_source(&mut self, source: Symbol) {
        self.sources.retain(|(other, _)| *other != source);
    }

    /// A tombstone: what was told through this topic is told no more.
    pub fn forget_topic(&mut self, topic: u8) {
        self.sources.iter_mut().for_each(|(_, statements)| statements.retain(|said| said.topic != topic));
        self.sources.retain(|(_, statements)| !statements.is_empty());
    }

    /// Works the view out anew; `at` is the instant of what changed, [`ALWAYS`] if it carries none. Hands over the keys
    /// that are something else now; `by_source`: the same word of another source is another.
    pub fn resolve(
        &mut self,
        at: Millis,
        rank: Rank<'_>,
        by_source: &dyn Fn(Key) -> bool,
        changed: &mut dyn FnMut(Key),
    ) {
        let mut view: Vec<Resolved> = Vec::with_capacity(self.view.len());
        for (source, statements) in &self.sources {
            for said in statements {
                let candidate = Resolved {
                    key: said.key,
                    value: said.value.clone(),
                    since: at,
                    as_of: said.as_of,
                    source: *source,
                };
                match view.iter_mut().find(|other| other.key == said.key) {
                    None => view.push(candidate),
                    Some(other) => {
                        let (mine, theirs) = (rank(said.key, *source), rank(said.key, other.source));
                        if mine < theirs || (mine == theirs && candidate.as_of > other.as_of) {
                            *other = candidate;
                        }
                    }
                }
            }
        }
        view.sort_unstable_by_key(|resolved| resolved.key);
        for new in &mut view {
            match self.find(new.key) {
                Some(old) if old.value == new.value && (old.source == new.source || !by_source(new.key)) => {
                    new.since = old.since;
                }
                _ => changed(new.key),
            }
        }
        for old in &self.view {
            if view.binary_search_by_key(&old.key, |resolved| resolved.key).is_err() {
                self.untold.push((old.key, at));
                changed(old.key);
            }
        }
        self.untold.retain(|(key, _)| view.binary_search_by_key(key, |resolved| resolved.key).is_err());
        self.untold.drain(..self.untold.len().saturating_sub(UNTOLD));
        self.view = view;
    }

    /// What holds of a field; `None`: untold.
    pub fn find(&self, key: Key) -> Option<&Resolved> {
        self.view.binary_search_by_key(&key, |resolved| resolved.key).ok().map(|place| &self.view[place])
    }

    /// Since when a field that is not told is so: [`ALWAYS`] if it never was.
    pub fn untold_since(&self, key: Key) -> Millis {
        self.untold.iter().find(|(other, _)| *other == key).map_or(ALWAYS, |(_, since)| *since)
    }

    /// The newest `as_of` of the view; `None`: nothing is told.
    pub fn as_of(&self) -> Option<Millis> {
        self.view.iter().map(|resolved| resolved.as_of).max().filter(|&as_of| as_of != ALWAYS)
    }

    fn of(&mut self, source: Symbol) -> &mut Vec<Statement> {
        let place = match self.sources.iter().position(|(other, _)| *other == source) {
            Some(place) => place,
            None => {
                self.sources.push((source, Vec::new()));
                self.sources.len() - 1
            }
        };
        &mut self.sources[place].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tierline_model::AccountField::{Health, Plan};

    fn said(field: tierline_model::AccountField, value: f64, as_of: Millis, topic: u8) -> Statement {
        Statement { key: Key::Account(field), value: Some(Value::Number(value)), as_of, topic }
    }

    fn resolve(joined: &mut Joined, at: Millis) -> usize {
        let mut changed = 0;
        joined.resolve(at, &|_, _| 0, &|_| false, &mut |_| changed += 1);
        changed
    }

    fn plan(joined: &Joined) -> Option<&Value> {
        joined.find(Key::Account(Plan)).and_then(|resolved| resolved.value.as_ref())
    }

    #[test]
    fn the_newest_statement_wins_and_an_unchanged_value_keeps_its_since() {
        let mut joined = Joined::default();
        joined.replace(1, vec![said(Plan, 1.0, 100, 0)]);
        assert_eq!(resolve(&mut joined, 1000), 1);
        joined.replace(2, vec![said(Plan, 2.0, 50, 1)]);
        assert_eq!(resolve(&mut joined, 2000), 0);
        assert_eq!(plan(&joined), Some(&Value::Number(1.0)));
        joined.replace(1, vec![said(Plan, 1.0, 150, 0)]);
        resolve(&mut joined, 3000);
        assert_eq!(joined.find(Key::Account(Plan)).unwrap().since, 1000);
    }

    #[test]
    fn precedence_outranks_age() {
        let mut joined = Joined::default();
        joined.replace(1, vec![said(Plan, 1.0, 100, 0)]);
        joined.replace(2, vec![said(Plan, 2.0, 50, 1)]);
        joined.resolve(0, &|_, source| if source == 2 { 0 } else { 1 }, &|_| false, &mut |_| ());
        assert_eq!(plan(&joined), Some(&Value::Number(2.0)));
    }

    #[test]
    fn a_tombstone_removes_only_what_its_topic_told() {
        let mut joined = Joined::default();
        joined.replace(1, vec![said(Plan, 1.0, 100, 0)]);
        joined.change(1, vec![said(Health, 40.0, 100, CHANGES)]);
        resolve(&mut joined, 0);
        joined.forget_topic(0);
        assert_eq!(resolve(&mut joined, 1), 1);
        assert_eq!(plan(&joined), None);
        assert!(joined.find(Key::Account(Health)).is_some());
        joined.forget_source(1);
        resolve(&mut joined, 2);
        assert_eq!(joined.view, []);
    }

    #[test]
    fn what_is_told_no_more_is_so_since_then() {
        let mut joined = Joined::default();
        joined.replace(1, vec![said(Plan, 1.0, 100, 0)]);
        resolve(&mut joined, 1000);
        joined.forget_source(1);
        resolve(&mut joined, 2000);
        assert_eq!(joined.untold_since(Key::Account(Plan)), 2000);
        assert_eq!(joined.untold_since(Key::Account(Health)), ALWAYS);
        joined.replace(1, vec![said(Plan, 1.0, 300, 0)]);
        resolve(&mut joined, 3000);
        assert_eq!(joined.untold, []);
    }
}
