//! When work is done.

use tierline_model::Millis;

/// The hours in which a target's time runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Calendar {
    /// Around the clock: the calendar `always`.
    #[default]
    Always,
}

impl Calendar {
    /// The instant (UTC) at which `length` milliseconds of this calendar's time have passed since `from`. One beyond
    /// the end of time is the end of time.
    pub fn due(&self, from: Millis, length: Millis) -> Millis {
        match self {
            Calendar::Always => from.saturating_add(length),
        }
    }

    /// The milliseconds of this calendar's time in `[from, to)`; 0 where `to` is not after `from`.
    pub fn elapsed(&self, from: Millis, to: Millis) -> Millis {
        match self {
            Calendar::Always => to.saturating_sub(from).max(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_end_of_time_is_never_passed() {
        assert_eq!(Calendar::Always.due(i64::MAX - 1, 2), i64::MAX);
    }

    proptest! {
        #[test]
        fn what_is_due_has_elapsed_just_then(from in -1_000_000i64..1_000_000, length in 0i64..1_000_000) {
            let due = Calendar::Always.due(from, length);
            prop_assert_eq!(Calendar::Always.elapsed(from, due), length);
            prop_assert_eq!(Calendar::Always.elapsed(due, from), 0);
        }
    }
}
