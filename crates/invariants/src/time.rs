//! Nothing goes out before its instant; caught up, nothing later than its bound, the grace and a commit interval.

use std::collections::BTreeMap;

use tierline_model::Millis;

use crate::{Invariant, Told, Violation};

/// Nothing goes out before the instant at which it became true.
///
/// # Errors
/// This record did.
pub fn never_early(told: &Told<'_>) -> Result<(), Violation> {
    match told.detected_at < told.became_true_at {
        true => Err(Violation::new(Invariant::NotEarly, format!("it goes out before its instant: {told:?}"))),
        false => Ok(()),
    }
}

/// When things happened that excuse a late record. Instants are of one clock: the log's append times, UTC.
#[derive(Clone, Debug)]
pub struct Punctuality {
    grace: Millis,
    allowance: Millis,
    /// By account: append times of its input records, ascending.
    heard: BTreeMap<String, Vec<Millis>>,
    /// When the pipeline wasn't caught up: from, and until it was.
    disturbed: Vec<(Millis, Millis)>,
}

impl Punctuality {
    /// `grace` as configured; `allowance`: a commit interval, the asking for ends, and how far clocks may disagree.
    pub fn new(grace: Millis, allowance: Millis) -> Punctuality {
        Punctuality { grace, allowance, heard: BTreeMap::new(), disturbed: Vec::new() }
    }

    /// An input record of this account was appended then; in any order. It may have brought about what follows it.
    pub fn heard(&mut self, account: &str, appended_at: Millis) {
        let heard = self.heard.entry(account.to_owned()).or_default();
        heard.insert(heard.partition_point(|&other| other <= appended_at), appended_at);
    }

    /// The task was not caught up then: until `until` nothing is late, and nothing that was due before.
    pub fn disturbed(&mut self, from: Millis, until: Millis) {
        self.disturbed.push((from, until));
    }

    /// A rise that nothing but time brought about is in time: its record was appended at `written_at`.
    ///
    /// It may wait for its grace, for an input record of its account (which may be its cause) and for the end of a
    /// disturbance, and then as long as was allowed.
    ///
    /// # Errors
    /// It is late.
    pub fn in_time(&self, told: &Told<'_>, written_at: Millis) -> Result<(), Violation> {
        if !told.is_rise() {
            return Ok(());
        }
        let cause = self.heard.get(told.account_id).and_then(|heard| {
            let behind = heard.partition_point(|&at| at <= written_at);
            heard[..behind].last().copied()
        });
        let mut due = (told.became_true_at + self.grace).max(cause.unwrap_or(Millis::MIN));
        let mut periods: Vec<_> = self.disturbed.iter().filter(|(from, _)| *from <= written_at).collect();
        periods.sort_unstable();
        for &&(from, until) in &periods {
            if from <= due + self.allowance && due < until {
                due = until;
            }
        }
        let late = written_at - due - self.allowance;
        match late > 0 {
            true => {
                Err(Violation::new(Invariant::NotLate, format!("{late} ms late, written at {written_at}: {told:?}")))
            }
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told::made::record;

    fn is_late(punctuality: &Punctuality, bound: Millis, written_at: Millis) -> bool {
        let record = record("a", 0, "opened", bound);
        punctuality.in_time(&Told::of(&record).expect("whole"), written_at).is_err()
    }

    #[test]
    fn a_bound_its_grace_and_what_is_allowed_and_no_longer() {
        let punctuality = Punctuality::new(5_000, 100);
        assert!(!is_late(&punctuality, 1_000, 6_100));
        assert!(is_late(&punctuality, 1_000, 6_101));
    }

    #[test]
    fn a_record_of_the_account_may_be_the_cause() {
        let mut punctuality = Punctuality::new(5_000, 100);
        punctuality.heard("acme", 9_000);
        punctuality.heard("other", 9_900);
        assert!(!is_late(&punctuality, 1_000, 9_100));
        assert!(is_late(&punctuality, 1_000, 9_901));
        assert!(is_late(&punctuality, 1_000, 8_000), "one that came later was not");
    }

    #[test]
    fn a_disturbance_excuses_what_falls_into_it() {
        let mut punctuality = Punctuality::new(5_000, 100);
        punctuality.disturbed(8_000, 9_000);
        punctuality.disturbed(6_050, 8_000);
        assert!(!is_late(&punctuality, 1_000, 9_100), "the one runs on into the other");
        assert!(is_late(&punctuality, 1_000, 9_101));
        assert!(is_late(&punctuality, 500, 7_000), "it was late before");
    }
}
