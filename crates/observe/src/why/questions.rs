//! Questions on their way from HTTP to the lanes: a bounded queue each, and one place where the answers arrive.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Elsewhere;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The ticket's id.
    pub ticket: String,
    /// Its account; none: the first ticket by that id.
    pub account: Option<String>,
    /// This rule alone.
    pub rule: Option<String>,
    /// As of this instant, UTC milliseconds; none: of what has been read.
    pub at: Option<i64>,
}

/// What a lane found.
#[derive(Clone, PartialEq, Eq)]
pub enum Found {
    /// The answer, as JSON. It has no `Debug`: it holds a customer's values.
    Told(String),
    /// None of its tasks has such a ticket.
    NoTicket,
    /// It went from the account that was named to this one.
    Gone(String),
    /// There is no such rule.
    NoRule,
    /// The state has come further than the instant that was asked about: to this one.
    Past(i64),
    /// It is there, but is not foreseen as of that instant, for this reason.
    Unforeseen(String),
    /// It cannot be told, for this reason.
    Failed(&'static str),
}

/// A lane's answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// What it found.
    pub found: Found,
    /// The partitions that it owns.
    pub owned: Vec<i32>,
    /// How many there are.
    pub partitions: i32,
    /// The partition of the account that was named.
    pub wanted: Option<i32>,
}

/// A question that lies before a lane.
pub struct Question {
    /// What is asked.
    pub asked: Asked,
    to: Sender<Reply>,
}

impl Question {
    /// Answers it. Whoever asked may have gone; that is no matter.
    pub fn answer(self, reply: Reply) {
        // There is room for one answer of each lane.
        let _ = self.to.try_send(reply);
    }
}

/// The questions that lie before the lanes of a process, and who else may know. Cheap to clone.
#[derive(Clone, Default)]
pub struct Questions(Arc<Shared>);

#[derive(Default)]
struct Shared {
    lanes: Mutex<Vec<LaneQuestions>>,
    elsewhere: OnceLock<Box<dyn Elsewhere>>,
}

/// The questions that lie before one lane. Cheap to clone, and to look at while there are none.
#[derive(Clone, Default)]
pub struct LaneQuestions(Arc<Queue>);

#[derive(Default)]
struct Queue {
    is_any: AtomicBool,
    waiting: Mutex<VecDeque<Question>>,
}

/// A lane that has so many to answer is asked no more.
const MOST_WAITING: usize = 16;

impl Questions {
    /// A queue for one more lane.
    pub fn lane(&self) -> LaneQuestions {
        let lane = LaneQuestions::default();
        held(&self.0.lanes).push(lane.clone());
        lane
    }

    /// Who else has a share of the work. Told once; without it, nobody has.
    pub fn set_elsewhere(&self, elsewhere: impl Elsewhere + 'static) {
        // A process has one log, so a second telling says the same.
        let _ = self.0.elsewhere.set(Box::new(elsewhere));
    }

    pub(super) fn elsewhere(&self) -> Option<&dyn Elsewhere> {
        self.0.elsewhere.get().map(|elsewhere| &**elsewhere)
    }

    /// Lays a question before every lane. How many there are; none: one has too much to answer.
    pub(super) fn ask(&self, asked: &Asked, to: &Sender<Reply>) -> Option<usize> {
        let lanes = held(&self.0.lanes);
        let well = lanes.iter().all(|lane| lane.put(Question { asked: asked.clone(), to: to.clone() }));
        well.then_some(lanes.len())
    }

    pub(super) fn lanes(&self) -> usize {
        held(&self.0.lanes).len()
    }
}

impl LaneQuestions {
    /// Whether something is asked: so cheap that a lane may look in every round.
    pub fn is_any(&self) -> bool {
        self.0.is_any.load(Ordering::Relaxed)
    }

    /// Takes what was asked first of what is waited for: one at a time, for a lane has other things to do.
    pub fn take(&self) -> Option<Question> {
        let mut waiting = held(&self.0.waiting);
        // Who has stopped waiting needs no answer.
        waiting.retain(|question| !question.to.is_closed());
        let question = waiting.pop_front();
        self.0.is_any.store(!waiting.is_empty(), Ordering::Relaxed);
        question
    }

    /// Lays a question before this lane alone; here its answer will be, if there is room for one more question.
    pub fn lay(&self, asked: Asked) -> Receiver<Reply> {
        let (to, answer) = channel(1);
        self.put(Question { asked, to });
        answer
    }

    fn put(&self, question: Question) -> bool {
        let mut waiting = held(&self.0.waiting);
        waiting.retain(|question| !question.to.is_closed());
        let has_room = waiting.len() < MOST_WAITING;
        if has_room {
            waiting.push_back(question);
            self.0.is_any.store(true, Ordering::Relaxed);
        }
        has_room
    }
}

/// What is behind these locks is whole between any two statements, so a panic of another thread spoils nothing.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_answers_nothing_is_asked_no_more_until_those_who_asked_have_gone() {
        let questions = Questions::default();
        let lane = questions.lane();
        assert!(!lane.is_any());
        let (to, answers) = channel(1);
        for _ in 0..MOST_WAITING {
            assert_eq!(questions.ask(&Asked::default(), &to), Some(1));
        }
        assert_eq!(questions.ask(&Asked::default(), &to), None);
        drop(answers);
        let (to, _answers) = channel(1);
        assert_eq!(questions.ask(&Asked::default(), &to), Some(1));
        assert!(lane.is_any());
        assert_eq!(questions.ask(&Asked::default(), &to), Some(1));
        assert!(lane.take().is_some() && lane.is_any(), "one is left for the next round");
        assert!(lane.take().is_some() && !lane.is_any() && lane.take().is_none());
    }
}
