//! Up to which instant a task has read everything: answers to *where do the inputs end?* beside its own positions.

use tierline_engine::planted::{Bug, planted};
use tierline_model::Millis;

use crate::log::Offset;

/// The answers that a task holds on to: the oldest one that it hasn't passed yet, and the newest.
///
/// Two, because a task that runs a second behind would never pass an answer that is replaced four times a second.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    chased: Option<Answer>,
    newest: Option<Answer>,
}

/// Where every input ended when asked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    asked_at: Millis,
    /// By input.
    ends: Vec<Offset>,
}

impl Targets {
    /// An answer has come. `ends`: one for each input, in order.
    pub fn answered(&mut self, asked_at: Millis, ends: Vec<Offset>) {
        let answer = Answer { asked_at, ends };
        match self.chased {
            None => self.chased = Some(answer),
            Some(_) => self.newest = Some(answer),
        }
    }

    /// When the newest answer that isn't passed yet was asked for.
    pub fn newest_asked_at(&self) -> Option<Millis> {
        self.newest.as_ref().or(self.chased.as_ref()).map(|answer| answer.asked_at)
    }

    /// The instant up to which everything has been read, if these positions (one for each input) pass an answer that
    /// hadn't been passed before.
    pub fn passed(&mut self, position: impl Fn(usize) -> Offset) -> Option<Millis> {
        let is_passed = |answer: &Answer| {
            let mut ends = answer.ends.iter().enumerate();
            if planted(Bug::CaughtUpByOneInput) {
                return ends.any(|(input, &end)| end > 0 && position(input) >= end);
            }
            ends.all(|(input, &end)| position(input) >= end)
        };
        let mut passed = None;
        while let Some(answer) = self.chased.take_if(|answer| is_passed(answer)) {
            passed = Some(answer.asked_at);
            self.chased = self.newest.take();
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_input_must_have_passed_its_end() {
        let mut targets = Targets::default();
        targets.answered(100, vec![5, 2]);
        assert_eq!(targets.passed(|input| [5, 1][input]), None);
        assert_eq!(targets.passed(|input| [5, 2][input]), Some(100));
        assert_eq!(targets.passed(|input| [5, 2][input]), None, "said once");
    }

    #[test]
    fn one_that_lags_behind_every_new_answer_still_passes_the_old_ones() {
        let mut targets = Targets::default();
        for round in 0..10 {
            targets.answered(round * 250, vec![round * 100]);
            // It is always two answers behind.
            let passed = targets.passed(|_| round * 100 - 200);
            if round >= 4 && round % 2 == 0 {
                assert!(passed.is_some_and(|at| at >= (round - 4) * 250), "round {round}: {passed:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn never_says_caught_up_to_more_than_was_read(
            steps in prop::collection::vec((0i64..50, 0i64..50, any::<bool>()), 1..40)
        ) {
            let (mut targets, mut ends, mut position) = (Targets::default(), [0i64; 2], [0i64; 2]);
            let mut asked: Vec<(Millis, [i64; 2])> = Vec::new();
            for (now, (grow, read, ask)) in steps.into_iter().enumerate() {
                ends[now % 2] += grow;
                if ask {
                    asked.push((now as Millis, ends));
                    targets.answered(now as Millis, ends.to_vec());
                }
                position[now % 2] = (position[now % 2] + read).min(ends[now % 2]);
                if let Some(at) = targets.passed(|input| position[input]) {
                    let (_, then) = asked.iter().find(|(asked_at, _)| *asked_at == at).expect("it was asked");
                    prop_assert!(position[0] >= then[0] && position[1] >= then[1]);
                }
            }
        }
    }
}
