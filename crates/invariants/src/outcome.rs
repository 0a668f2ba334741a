//! The committed output equals that of one uninterrupted run over the same inputs.
//!
//! What is compared are the records of `escalations` of each account, in the order of going out, all members of each,
//! context and evidence included. *Up to what the time semantics allow* means, exactly:
//!
//! - `detected_at` is not compared: it is the clock, and the clock depends on when the pipeline ran (SEMANTICS 1.2).
//!   That it is in time says [`crate::time`].
//! - `became_true_at` of a `retracted` is not compared: it is the append time of the event that disproved the firing
//!   (1.5), and two runs over copies of an input have two append times.
//! - Within an account, what the clock lets go on one ticket and what a record brings about on another have no order
//!   among each other when the record's append time lies more than its `occurred_at` behind: [`Grain::Ticket`] compares
//!   ticket by ticket where such inputs are played live. Within a ticket there is always one order.
//! - A straggler that comes within its bound's grace in one run and after it in the other cancels in silence there and
//!   retracts here (1.4, 1.5). Two runs are comparable only over inputs without such stragglers, or under the clock
//!   `events`, where no run is earlier than another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::sequence::Sequences;
use crate::{Invariant, Told, Violation};

/// Within what an order is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// All records of an account are in one order.
    Account,
    /// Only those of a ticket are.
    Ticket,
}

/// The escalation records of each account, in the order of going out, without what depends on when the pipeline ran.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    accounts: BTreeMap<String, Vec<Value>>,
}

impl Outcome {
    /// From decoded records, partition by partition in order.
    ///
    /// # Errors
    /// An `(escalation_id, sequence)` comes twice, out of order or with a gap.
    pub fn of(records: impl IntoIterator<Item = Value>) -> Result<Outcome, Violation> {
        let (mut accounts, mut sequences) = (BTreeMap::<String, Vec<Value>>::new(), Sequences::default());
        for mut record in records {
            let told = Told::of(&record)?;
            sequences.hear(&told)?;
            let (account, is_retraction) = (told.account_id.to_owned(), told.kind == "retracted");
            if let Some(members) = record.as_object_mut() {
                members.remove("detected_at");
                if is_retraction {
                    members.remove("became_true_at");
                }
            }
            accounts.entry(account).or_default().push(record);
        }
        Ok(Outcome { accounts })
    }

    /// The records of an account.
    pub fn of_account(&self, account: &str) -> &[Value] {
        self.accounts.get(account).map_or(&[], |records| records)
    }

    /// All records, account by account.
    pub fn all(&self) -> impl Iterator<Item = &Value> {
        self.accounts.values().flatten()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.accounts.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The kinds that occur: what a comparison is worth.
    pub fn kinds(&self) -> BTreeSet<&str> {
        self.accounts.values().flatten().filter_map(|record| record["kind"].as_str()).collect()
    }

    /// The first difference from what was expected, and not a megabyte of both.
    ///
    /// # Errors
    /// There is one.
    pub fn compare(&self, expected: &Outcome, grain: Grain) -> Result<(), Violation> {
        let (got, wanted) = (self.series(grain), expected.series(grain));
        for name in got.keys().chain(wanted.keys()) {
            let (got, wanted) = (got.get(name).map_or(&[][..], |all| all), wanted.get(name).map_or(&[][..], |all| all));
            for place in 0..got.len().max(wanted.len()) {
                let (got, wanted) = (got.get(place), wanted.get(place));
                if got != wanted {
                    let show = |record: Option<&&Value>| record.map_or("nothing".to_owned(), |it| it.to_string());
                    let (got, wanted) = (show(got), show(wanted));
                    let what = format!("{name:?}, record {place}: got\n{got}\nbut wanted\n{wanted}");
                    return Err(Violation::new(Invariant::SameOutcome, what));
                }
            }
        }
        Ok(())
    }

    fn series(&self, grain: Grain) -> BTreeMap<(&str, &str), Vec<&Value>> {
        let mut series: BTreeMap<_, Vec<&Value>> = BTreeMap::new();
        for (account, records) in &self.accounts {
            for record in records {
                let ticket = match grain {
                    Grain::Account => "",
                    Grain::Ticket => record["ticket_id"].as_str().unwrap_or_default(),
                };
                series.entry((account.as_str(), ticket)).or_default().push(record);
            }
        }
        series
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told::made::record;

    fn outcome(records: &[Value]) -> Outcome {
        Outcome::of(records.to_vec()).expect("in sequence")
    }

    #[test]
    fn only_what_depends_on_the_run_is_left_out() {
        let mut other = record("a", 0, "opened", 5);
        other["detected_at"] = 9.into();
        assert_eq!(outcome(&[record("a", 0, "opened", 5)]), outcome(&[other.clone()]));
        other["tier"] = 3.into();
        let difference = outcome(&[other]).compare(&outcome(&[record("a", 0, "opened", 5)]), Grain::Account);
        assert!(difference.is_err_and(|it| it.what.contains(r#""acme""#) && it.what.contains("but wanted")));
    }

    #[test]
    fn a_missing_record_and_one_too_many_are_differences() {
        let (less, more) = (outcome(&[]), outcome(&[record("a", 0, "opened", 5)]));
        assert!(less.compare(&more, Grain::Account).is_err());
        assert!(more.compare(&less, Grain::Ticket).is_err());
        assert_eq!((more.len(), less.is_empty(), more.kinds()), (1, true, BTreeSet::from(["opened"])));
    }

    #[test]
    fn by_ticket_the_order_of_two_tickets_does_not_matter() {
        let mut other = record("b", 0, "opened", 5);
        other["ticket_id"] = "u".into();
        let first = record("a", 0, "opened", 5);
        let (one, two) = (outcome(&[first.clone(), other.clone()]), outcome(&[other, first]));
        assert!(one.compare(&two, Grain::Account).is_err());
        assert_eq!(one.compare(&two, Grain::Ticket), Ok(()));
    }

    #[test]
    fn a_repeated_record_is_no_outcome() {
        let twice = vec![record("a", 0, "opened", 5), record("a", 0, "opened", 5)];
        assert!(Outcome::of(twice).is_err_and(|violation| violation.invariant == Invariant::Sequence));
    }
}
