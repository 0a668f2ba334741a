//! Questions about tickets: answered between two rounds, and only from what is committed.

use tierline_observe::why::{Asked, Found, Reply};

use super::Lane;
use crate::log::Log;
use crate::partitioner::partition_of;
use crate::stage::{Stage, Stages};

impl<L: Log, S: Stages> Lane<L, S> {
    /// Answers one question of those that lie there, so that a crowd of them delays no record for long; if it can: what
    /// is not committed may never have been, and a task that is not restored yet knows nothing. Else it goes on lying
    /// there, for as long as somebody waits for it.
    pub(super) fn answer(&self) {
        if !self.settings.questions.is_any() || !self.is_whole() {
            return;
        }
        if let Some(question) = self.settings.questions.take() {
            let account = question.asked.account.as_deref();
            let reply = Reply {
                found: self.find(&question.asked),
                owned: self.owned.iter().copied().collect(),
                partitions: self.partitions,
                wanted: account.map(|account| partition_of(account.as_bytes(), self.partitions)),
            };
            question.answer(reply);
        }
    }

    /// Whether the lane has been told what it owns, and all of that stands as it was committed.
    fn is_whole(&self) -> bool {
        let stands = |partition| {
            let task = self.tasks.get(partition as usize).and_then(Option::as_ref);
            task.is_some_and(|task| !task.touched && !task.cold)
        };
        self.partitions > 0 && !self.must_restore && self.owned.iter().all(|&partition| stands(partition))
    }

    fn find(&self, asked: &Asked) -> Found {
        let mut found = self.tasks.iter().flatten().map(|task| task.stage.why(asked, task.clock.now()));
        found.find(|found| *found != Found::NoTicket).unwrap_or(Found::NoTicket)
    }
}
