//! Whether a topic that somebody did not find is really gone.
//!
//! One answer proves nothing: a broker that has just started may not have heard of a topic yet, and a client tells its
//! user of the first such answer. Who stopped at it would stop at every restart of a broker.

use std::time::{Duration, Instant};

/// So many answers in a row must know nothing of it, from whichever brokers they come.
const ANSWERS: u32 = 5;

/// How long after one the next is asked for.
pub(crate) const BETWEEN: Duration = Duration::from_secs(2);

/// What speaks for it that something which is read has gone.
#[derive(Debug, Default)]
pub(crate) struct Absence {
    /// Answers in a row that did not know it.
    answers: u32,
    /// When the next is asked for; none: nothing is missed.
    due: Option<Instant>,
}

impl Absence {
    /// Somebody did not find something.
    pub(crate) fn suspect(&mut self, now: Instant) {
        self.due.get_or_insert(now);
    }

    /// Asks, where something is missed and it is time. True: it is gone. `ask` says whether all of it is there, or
    /// nothing where nobody answers: that proves nothing either.
    pub(crate) fn is_proved(&mut self, now: Instant, ask: impl FnOnce() -> Option<bool>) -> bool {
        if self.due.is_none_or(|due| now < due) {
            return false;
        }
        match ask() {
            Some(true) => *self = Absence::default(),
            Some(false) => (self.answers, self.due) = (self.answers + 1, Some(now + BETWEEN)),
            None => self.due = Some(now + BETWEEN),
        }
        self.answers >= ANSWERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asked again and again; after how many answers it is proved.
    fn proved_after(answers: &[Option<bool>]) -> Option<usize> {
        let (mut absence, began) = (Absence::default(), Instant::now());
        absence.suspect(began);
        (1..).zip(answers).find_map(|(asked, &answer)| {
            let now = began + BETWEEN * (asked as u32 - 1);
            absence.is_proved(now, || answer).then_some(asked)
        })
    }

    #[test]
    fn a_topic_is_gone_when_answer_after_answer_says_so_and_not_before() {
        assert_eq!(proved_after(&[Some(false); 9]), Some(5));
        assert_eq!(proved_after(&[Some(false), Some(true), Some(false), Some(false), Some(false), Some(false)]), None);
    }

    #[test]
    fn who_does_not_answer_proves_nothing() {
        let mut answers = [None; 9];
        assert_eq!(proved_after(&answers), None);
        [answers[0], answers[2], answers[4], answers[6], answers[8]] = [Some(false); 5];
        assert_eq!(proved_after(&answers), Some(9));
    }

    #[test]
    fn nobody_is_asked_where_nothing_is_missed_nor_all_the_time() {
        let (mut absence, now) = (Absence::default(), Instant::now());
        assert!(!absence.is_proved(now, || panic!("it was asked")));
        absence.suspect(now);
        assert!(!absence.is_proved(now, || Some(false)));
        assert!(!absence.is_proved(now + BETWEEN / 2, || panic!("it was asked")));
    }
}
