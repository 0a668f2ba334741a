//! What must be true of everything that the pipeline writes, whatever happened to it: one list, checked by the
//! simulator, by the tests on real logs and, where that is cheap, by debug builds.
//!
//! | invariant | says | where |
//! |---|---|---|
//! | [`Sequence`](Invariant::Sequence) | `(escalation_id, sequence)` begins at 0, never repeats, has no gap | [`sequence`] |
//! | [`SameOutcome`](Invariant::SameOutcome) | the committed output is that of one uninterrupted run | [`outcome`], which says up to what |
//! | [`NotEarly`](Invariant::NotEarly) | nothing goes out before the instant at which it became true | [`time`] |
//! | [`NotLate`](Invariant::NotLate) | caught up, nothing goes out later than its bound, the grace and a commit interval | [`time`] |
//! | [`NoFalseBreach`](Invariant::NoFalseBreach) | no silence is reported that an answer in the log had ended in time | [`breach`] |
//! | [`StateKept`](Invariant::StateKept) | the state restored is the state lost | [`state`] |
//! | [`PositionsGrow`](Invariant::PositionsGrow) | committed positions and the clock never go back | [`positions`] |
//! | [`ExactlyOnce`](Invariant::ExactlyOnce) | every input record is in effect or in `dead-letters`, once | [`letters`]; effects by outcome and state |
//! | [`Order`](Invariant::Order) | an account's records stand in the order of its time | [`order`] |
//! | [`QueueAgrees`](Invariant::QueueAgrees) | `escalation-queue` holds the last record of each open escalation, and no other | [`queue`] |
//!
//! Records of `escalations` and `escalation-queue` come as decoded JSON of the contract, in the order of their
//! partition. What must never be in here: a type of Kafka or of the pipeline, a clock.

pub mod breach;
pub mod letters;
pub mod order;
pub mod outcome;
pub mod positions;
pub mod queue;
pub mod sequence;
pub mod state;
pub mod time;
mod told;

pub use outcome::Outcome;
pub use told::Told;

/// What must be true. The module says each in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the table of the module documents each")]
pub enum Invariant {
    Sequence,
    SameOutcome,
    NotEarly,
    NotLate,
    NoFalseBreach,
    StateKept,
    PositionsGrow,
    ExactlyOnce,
    Order,
    QueueAgrees,
}

/// An invariant does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{invariant:?}: {what}")]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What was seen instead, for people.
    pub what: String,
}

impl Violation {
    /// This invariant does not hold, as this says.
    pub fn new(invariant: Invariant, what: impl Into<String>) -> Violation {
        Violation { invariant, what: what.into() }
    }
}

/// What can be said of `records` of one partition of `escalations` without knowing anything else.
///
/// # Errors
/// The first violation among [`sequence`], [`order`] and [`time::never_early`].
pub fn escalations<'a>(records: impl IntoIterator<Item = &'a serde_json::Value>) -> Result<(), Violation> {
    let (mut sequences, mut order) = (sequence::Sequences::default(), order::Order::default());
    for record in records {
        let told = Told::of(record)?;
        sequences.hear(&told)?;
        order.hear(&told)?;
        time::never_early(&told)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told::made::record;

    #[test]
    fn a_whole_life_is_in_order_and_each_rule_of_it_can_be_broken() {
        let life = [record("a", 0, "opened", 100), record("a", 1, "raised", 200), record("a", 2, "resolved", 300)];
        assert_eq!(escalations(&life), Ok(()));
        let broken = |records: &[serde_json::Value]| escalations(records).map_err(|violation| violation.invariant);
        assert_eq!(broken(&life[1..]), Err(Invariant::Sequence));
        assert_eq!(broken(&[life[0].clone(), life[0].clone()]), Err(Invariant::Sequence));
        let mut early = life[0].clone();
        early["detected_at"] = 99.into();
        assert_eq!(broken(&[early]), Err(Invariant::NotEarly));
        let mut back = life[1].clone();
        back["became_true_at"] = 50.into();
        back["detected_at"] = 60.into();
        let mut first = life[0].clone();
        first["detected_at"] = 150.into();
        assert_eq!(broken(&[first, back]), Err(Invariant::Order));
    }
}
