//! Where the inputs really end, asked beside the lane: it never waits for the answer.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tierline_model::Millis;
use tierline_stream::log::{Ends, Failure, InputId, Offset, Partition};

use crate::cluster::Cluster;

/// How long one question may take; a cluster that is slower is asked again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks for ends on a thread of its own, one question at a time.
pub(crate) struct EndsAsker {
    desk: Arc<Desk>,
}

impl EndsAsker {
    pub(crate) fn start(cluster: Arc<Cluster>, topics: Vec<String>) -> Result<EndsAsker, Failure> {
        let desk = Arc::new(Desk::default());
        let (with, serving) = (Arc::clone(&desk), thread::Builder::new().name("ends".into()));
        serving
            .spawn(move || answer(&with, &cluster, &topics))
            .map_err(|error| Failure::Fatal(format!("cannot start a thread: {error}")))?;
        Ok(EndsAsker { desk })
    }

    /// Asks; a question that is still waiting is forgotten.
    pub(crate) fn ask(&self, asked_at: Millis, of: Vec<(InputId, Partition)>) {
        self.desk.lock().question = Some(Question { asked_at, of });
        self.desk.rings.notify_one();
    }

    /// The newest answer that has not been taken yet.
    pub(crate) fn take(&self) -> Option<Ends> {
        self.desk.lock().answer.take()
    }
}

impl Drop for EndsAsker {
    /// Does not wait: the thread may be in the middle of a question, and ends with it.
    fn drop(&mut self) {
        self.desk.lock().closed = true;
        self.desk.rings.notify_one();
    }
}

/// So long after a question that was not answered, or not wholly, the next is asked.
const AGAIN: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Desk {
    paper: Mutex<Paper>,
    rings: Condvar,
}

#[derive(Default)]
struct Paper {
    question: Option<Question>,
    answer: Option<Ends>,
    closed: bool,
}

struct Question {
    asked_at: Millis,
    of: Vec<(InputId, Partition)>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Paper> {
        self.paper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next question; `None`: there will be none.
    fn next(&self) -> Option<Question> {
        let mut paper = self.lock();
        loop {
            if paper.closed {
                return None;
            }
            if let Some(question) = paper.question.take() {
                return Some(question);
            }
            paper = self.rings.wait(paper).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts a question back that could not be answered, unless there is a newer one, and waits a little.
    fn again(&self, question: Question) {
        let mut paper = self.lock();
        paper.question.get_or_insert(question);
        drop(self.rings.wait_timeout(paper, AGAIN));
    }
}

fn answer(desk: &Desk, cluster: &Cluster, topics: &[String]) {
    while let Some(question) = desk.next() {
        let named: Vec<(&str, Partition)> = question
            .of
            .iter()
            .map(|&(input, partition)| (topics.get(usize::from(input.0)).map_or("", String::as_str), partition))
            .collect();
        match cluster.ends(&named, PATIENCE) {
            Ok(ends) => {
                let told = question.of.iter().zip(ends);
                let offsets: Vec<(InputId, Partition, Offset)> =
                    told.filter_map(|(&(input, partition), end)| Some((input, partition, end?))).collect();
                let is_whole = offsets.len() == question.of.len();
                desk.lock().answer = Some(Ends { asked_at: question.asked_at, offsets });
                if !is_whole {
                    // Tasks that miss theirs ask again at once.
                    std::thread::sleep(AGAIN);
                }
            }
            Err(error) => {
                tracing::debug!(%error, "cannot ask for the inputs' ends; asking again");
                desk.again(question);
            }
        }
    }
}
