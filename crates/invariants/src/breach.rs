//! No silence is reported that an answer in the log had ended in time, least of all while a backlog is read.
//!
//! A silence that began at `b − d` and is due at `b` goes out once the clock has reached `b` plus the grace. So an answer
//! that happened in `(b − d, b]` and was appended no later than `b` plus the grace must have been read by then, whatever
//! happened to the pipeline: the record that moves a clock that far, or the question for the ends, comes after it. Where
//! a record of the ticket lets go of it before its grace is over (SEMANTICS 1.4), the clock of that moment is what counts.

use std::collections::BTreeMap;

use tierline_model::Millis;

use crate::{Invariant, Told, Violation};

/// The answers in the log. Instants are of the log's clock, UTC.
#[derive(Clone, Debug)]
pub struct Answers {
    grace: Millis,
    ahead: Millis,
    /// By rule: how long a silence it is about.
    silences: BTreeMap<String, Millis>,
    /// By account and ticket: when each happened, and when it was appended.
    answers: BTreeMap<(String, String), Vec<(Millis, Millis)>>,
    /// By account: when it was forgotten, and its answers with it.
    forgotten: BTreeMap<String, Vec<Millis>>,
}

impl Answers {
    /// `grace` as configured; `ahead`: how far an instance's clock may be ahead of the log's; `silences`: the rules that
    /// rise when nobody has answered for so long, and for nothing else.
    pub fn new<'a>(grace: Millis, ahead: Millis, silences: impl IntoIterator<Item = (&'a str, Millis)>) -> Answers {
        let silences = silences.into_iter().map(|(rule, length)| (rule.to_owned(), length)).collect();
        Answers { grace, ahead, silences, answers: BTreeMap::new(), forgotten: BTreeMap::new() }
    }

    /// An agent answered on this ticket, and the log took it then.
    pub fn answered(&mut self, account: &str, ticket: &str, occurred_at: Millis, appended_at: Millis) {
        let place = (account.to_owned(), ticket.to_owned());
        self.answers.entry(place).or_default().push((occurred_at, appended_at));
    }

    /// The account was forgotten then: what a late message of before tells anew begins a wait that no answer ended.
    pub fn forgotten(&mut self, account: &str, occurred_at: Millis) {
        self.forgotten.entry(account.to_owned()).or_default().push(occurred_at);
    }

    /// No answer ended the silence that this record speaks of.
    ///
    /// # Errors
    /// One did.
    pub fn is_true(&self, told: &Told<'_>) -> Result<(), Violation> {
        let Some(length) = told.rule.and_then(|rule| self.silences.get(rule)).filter(|_| told.is_rise()) else {
            return Ok(());
        };
        let due = told.became_true_at;
        let known_up_to = told.detected_at.min(due + self.grace) - self.ahead;
        let place = (told.account_id.to_owned(), told.ticket_id.to_owned());
        let forgotten = self.forgotten.get(told.account_id).map_or(&[][..], Vec::as_slice);
        let ended = self.answers.get(&place).into_iter().flatten().find(|(occurred_at, appended_at)| {
            let is_forgotten = forgotten.iter().any(|at| occurred_at <= at && *at <= told.detected_at);
            due - length < *occurred_at && *occurred_at <= due && *appended_at <= known_up_to && !is_forgotten
        });
        match ended {
            Some((at, appended)) => Err(Violation::new(
                Invariant::NoFalseBreach,
                format!("answered at {at}, in the log at {appended}, and yet: {told:?}"),
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told::made::record;

    fn is_false(occurred_at: Millis, appended_at: Millis) -> bool {
        is_false_at(1_005, occurred_at, appended_at)
    }

    fn is_false_at(detected_at: Millis, occurred_at: Millis, appended_at: Millis) -> bool {
        let mut answers = Answers::new(5, 0, [("silence", 100)]);
        answers.answered("acme", "t", occurred_at, appended_at);
        let mut record = record("a", 0, "opened", 1_000);
        record["detected_at"] = detected_at.into();
        answers.is_true(&Told::of(&record).expect("whole")).is_err()
    }

    #[test]
    fn an_answer_that_was_forgotten_before_it_went_out_ended_nothing() {
        let is_false = |forgotten_at: Millis| {
            let mut answers = Answers::new(5, 0, [("silence", 100)]);
            answers.answered("acme", "t", 950, 951);
            answers.forgotten("acme", forgotten_at);
            let mut record = record("a", 0, "opened", 1_000);
            record["detected_at"] = 1_005.into();
            answers.is_true(&Told::of(&record).expect("whole")).is_err()
        };
        assert!(is_false(949), "the answer came after it");
        assert!(!is_false(960));
        assert!(is_false(1_006), "it was known until then");
    }

    #[test]
    fn an_answer_up_to_the_due_instant_counts_if_the_log_had_it_in_time() {
        assert!(is_false(1_000, 1_005), "at the due instant is in time");
        assert!(is_false(901, 901));
        assert!(!is_false(900, 900), "the wait began after it");
        assert!(!is_false(1_001, 1_001));
        assert!(!is_false(950, 1_006), "a straggler: it retracts");
        assert!(!is_false_at(1_002, 950, 1_003), "a record let go of it before");
    }
}
