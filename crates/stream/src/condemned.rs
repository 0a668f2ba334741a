//! The records that must become dead letters because the log refuses what they lead to.
//!
//! Without this, a write that is too large would be aborted, replayed and refused for ever.

use rustc_hash::FxHashMap;

use crate::outbox::Cause;

/// Who is condemned, and to what. Kept over aborts, not over restarts: then it is found out once more.
#[derive(Default)]
pub struct Condemned {
    sentences: FxHashMap<Cause, Sentence>,
}

#[derive(Clone, Debug, Default)]
struct Sentence {
    /// What the log said when it refused what the record led to; none: only its dead letter was refused.
    refused: Option<String>,
    /// How often its dead letter was refused itself.
    shrunk: u32,
}

/// A dead letter that is refused gets an eighth of its bound, so often.
const SHRINKS: u32 = 4;

impl Condemned {
    /// Why this record must become a dead letter, if it must.
    pub fn sentence(&self, cause: &Cause) -> Option<String> {
        if self.sentences.is_empty() {
            return None;
        }
        let refused = self.sentences.get(cause)?.refused.as_ref()?;
        Some(format!("the log refused what this record led to: {refused}"))
    }

    /// How large this record's dead letter may be, bytes.
    pub fn bound(&self, cause: &Cause, usual: usize) -> usize {
        let shrunk = self.sentences.get(cause).map_or(0, |sentence| sentence.shrunk);
        usual >> (3 * shrunk)
    }

    /// The log refused a write that this record caused. False: everything has been tried.
    #[must_use]
    pub fn condemn(&mut self, cause: Cause, was_dead_letter: bool, why: &str) -> bool {
        let sentence = self.sentences.entry(cause).or_default();
        if was_dead_letter || sentence.refused.is_some() {
            sentence.shrunk += 1;
        } else {
            sentence.refused = Some(why.to_owned());
        }
        sentence.shrunk <= SHRINKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::InputId;

    const CAUSE: Cause = Cause { input: InputId(0), partition: 3, offset: 7 };

    #[test]
    fn first_the_record_is_given_up_then_its_dead_letter_shrinks_then_it_ends() {
        let mut condemned = Condemned::default();
        assert_eq!(condemned.sentence(&CAUSE), None);
        assert!(condemned.condemn(CAUSE, false, "message too large"));
        assert!(condemned.sentence(&CAUSE).is_some_and(|why| why.ends_with("message too large")));
        assert_eq!(condemned.bound(&CAUSE, 800), 800);
        for bound in [100, 12, 1, 0] {
            assert!(condemned.condemn(CAUSE, true, "message too large"));
            assert_eq!(condemned.bound(&CAUSE, 800), bound);
        }
        assert!(!condemned.condemn(CAUSE, true, "message too large"), "nothing is left to cut");
    }

    #[test]
    fn a_dead_letter_that_is_refused_keeps_its_own_reason() {
        let mut condemned = Condemned::default();
        assert!(condemned.condemn(CAUSE, true, "message too large"));
        assert_eq!(condemned.sentence(&CAUSE), None);
        assert_eq!(condemned.bound(&CAUSE, 800), 100);
    }
}
