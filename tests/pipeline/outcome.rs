//! What came out, judged and compared by the invariants that the simulator uses.

use std::ops::Deref;

use serde_json::Value;
use tierline_invariants::outcome::Grain;
use tierline_invariants::{Violation, escalations};

/// The escalation records of each account, in the order of going out, without what depends on when the pipeline ran.
#[derive(Debug)]
pub struct Outcome(tierline_invariants::Outcome);

impl Outcome {
    /// From decoded records, partition by partition in order.
    ///
    /// # Panics
    /// When a record breaks what holds for every run.
    pub fn new(records: Vec<Value>) -> Outcome {
        let judged = escalations(&records).and_then(|()| tierline_invariants::Outcome::of(records));
        Outcome(judged.unwrap_or_else(|violation| panic!("{violation}")))
    }

    /// Fails with the first difference.
    pub fn assert_is(&self, expected: &Outcome) {
        let compared: Result<(), Violation> = self.0.compare(&expected.0, Grain::Account);
        compared.unwrap_or_else(|violation| panic!("{violation}"));
    }
}

impl Deref for Outcome {
    type Target = tierline_invariants::Outcome;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
