//! `(escalation_id, sequence)` begins at 0, never repeats and has no gap.

use std::collections::BTreeMap;

use crate::{Invariant, Told, Violation};

/// The sequences heard so far. One for all partitions does as well as one for each.
#[derive(Clone, Debug, Default)]
pub struct Sequences {
    next: BTreeMap<String, u64>,
}

impl Sequences {
    /// The next record of a partition.
    ///
    /// # Errors
    /// It stands out of its sequence.
    pub fn hear(&mut self, told: &Told<'_>) -> Result<(), Violation> {
        let expected = self.next.get(told.escalation_id).copied().unwrap_or(0);
        if told.sequence != expected {
            let what = match told.sequence.cmp(&expected) {
                std::cmp::Ordering::Less => "repeats",
                _ => "leaves a gap",
            };
            return Err(Violation::new(
                Invariant::Sequence,
                format!("{what}: {told:?} came where sequence {expected} was next"),
            ));
        }
        match self.next.get_mut(told.escalation_id) {
            Some(next) => *next += 1,
            None => drop(self.next.insert(told.escalation_id.to_owned(), 1)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told::made::record;

    fn hear(sequences: &[(&str, u64)]) -> Result<(), String> {
        let mut heard = Sequences::default();
        for &(id, sequence) in sequences {
            let record = record(id, sequence, "joined", 0);
            heard.hear(&Told::of(&record).expect("whole")).map_err(|violation| violation.what)?;
        }
        Ok(())
    }

    #[test]
    fn each_escalation_counts_for_itself() {
        assert_eq!(hear(&[("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2)]), Ok(()));
        assert!(hear(&[("a", 0), ("b", 0), ("a", 0)]).is_err_and(|what| what.starts_with("repeats")));
        assert!(hear(&[("a", 0), ("a", 2)]).is_err_and(|what| what.starts_with("leaves a gap")));
        assert!(hear(&[("a", 1)]).is_err_and(|what| what.starts_with("leaves a gap")), "it begins at 0");
    }
}
