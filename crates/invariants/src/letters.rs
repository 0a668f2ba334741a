//! Every input record is in effect or in `dead-letters`, exactly once.
//!
//! Whether one is in effect once, and not twice or not at all, shows in the outcome and the state; here is checked that
//! dead letters are those of the records that can't be taken, each once, and that all else was passed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Invariant, Violation};

/// A record's place in the inputs: topic, partition, offset.
pub type Place = (String, i32, i64);

/// The records of the inputs, as whoever sent them knows them.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    unreadable: BTreeSet<Place>,
    ends: BTreeMap<(String, i32), i64>,
}

impl Inputs {
    /// A record was sent: where it lies, and whether it can be taken.
    pub fn sent(&mut self, topic: &str, partition: i32, offset: i64, is_readable: bool) {
        let end = self.ends.entry((topic.to_owned(), partition)).or_insert(0);
        *end = (*end).max(offset + 1);
        if !is_readable {
            self.unreadable.insert((topic.to_owned(), partition, offset));
        }
    }

    /// A topic was deleted with all that lay in it.
    pub fn forget(&mut self, topic: &str) {
        self.ends.retain(|(other, _), _| other != topic);
        self.unreadable.retain(|(other, ..)| other != topic);
    }

    /// These dead letters are those of the records that can't be taken, each once.
    ///
    /// # Errors
    /// One is missing, repeated, or of a record that should be in effect.
    pub fn are_buried(&self, letters: impl IntoIterator<Item = Place>) -> Result<(), Violation> {
        let wrong = |what: String| Err(Violation::new(Invariant::ExactlyOnce, what));
        let mut left = self.unreadable.clone();
        for place in letters {
            if !left.remove(&place) {
                return match self.unreadable.contains(&place) {
                    true => wrong(format!("{place:?} has two dead letters")),
                    false => wrong(format!("{place:?} is a dead letter, and could have been taken")),
                };
            }
        }
        match left.first() {
            Some(place) => wrong(format!("{place:?} cannot be taken, and has no dead letter")),
            None => Ok(()),
        }
    }

    /// The committed positions have passed every record.
    ///
    /// # Errors
    /// One was not taken.
    pub fn are_passed(&self, position: impl Fn(&str, i32) -> Option<i64>) -> Result<(), Violation> {
        for ((topic, partition), &end) in &self.ends {
            let reached = position(topic, *partition).unwrap_or(0);
            if reached < end {
                let what =
                    format!("partition {partition} of {topic} was read to {reached}, and has records up to {end}");
                return Err(Violation::new(Invariant::ExactlyOnce, what));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Inputs {
        let mut inputs = Inputs::default();
        inputs.sent("tickets", 0, 0, true);
        inputs.sent("tickets", 0, 1, false);
        inputs.sent("signals", 0, 4, true);
        inputs
    }

    fn place(offset: i64) -> Place {
        ("tickets".to_owned(), 0, offset)
    }

    #[test]
    fn each_unreadable_record_has_one_dead_letter_and_no_other_has_one() {
        let says = |letters: Vec<Place>| inputs().are_buried(letters).map_err(|violation| violation.what);
        assert_eq!(says(vec![place(1)]), Ok(()));
        assert!(says(vec![]).is_err_and(|what| what.ends_with("has no dead letter")));
        assert!(says(vec![place(1), place(1)]).is_err_and(|what| what.ends_with("has two dead letters")));
        assert!(says(vec![place(1), place(0)]).is_err_and(|what| what.ends_with("could have been taken")));
    }

    #[test]
    fn whatever_was_sent_must_be_passed() {
        let passed = |tickets, signals| {
            inputs().are_passed(|topic, _| Some(if topic == "tickets" { tickets } else { signals })).is_ok()
        };
        assert!(passed(2, 5));
        assert!(!passed(1, 5));
        assert!(!passed(2, 4));
        let mut left = inputs();
        left.forget("signals");
        assert_eq!(left.are_passed(|_, _| Some(2)), Ok(()));
    }
}
