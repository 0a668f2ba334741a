//! Hours that were edited: what had elapsed by the former ones stays elapsed. SEMANTICS 3.7, 5.7.

use tierline_model::Millis;

use crate::Calendar;

/// The editions of a team's hours.
#[derive(Debug, PartialEq, Eq)]
pub struct Edited {
    /// Each up to an instant (UTC) that the next begins at, in order; never empty.
    past: Vec<(Millis, Calendar)>,
    now: Calendar,
}

impl Edited {
    pub(crate) fn new(past: Vec<(Millis, Calendar)>, now: Calendar) -> Edited {
        debug_assert!(past.is_sorted_by_key(|(until, _)| *until), "editions follow each other");
        Edited { past, now }
    }

    pub(crate) fn past(&self) -> &[(Millis, Calendar)] {
        &self.past
    }

    pub(crate) fn now(&self) -> &Calendar {
        &self.now
    }

    /// The milliseconds in `[from, to)`, each by the hours of its day.
    pub(crate) fn elapsed(&self, mut from: Millis, to: Millis) -> Millis {
        let mut elapsed = 0;
        for (until, hours) in &self.past {
            elapsed += hours.elapsed(from, to.min(*until));
            from = from.max(*until);
        }
        elapsed + self.now.elapsed(from, to)
    }

    /// The earliest instant at which so many milliseconds have passed since `from`.
    pub(crate) fn due(&self, mut from: Millis, mut length: Millis) -> Millis {
        for (until, hours) in &self.past {
            let passes = hours.elapsed(from, *until);
            if passes >= length {
                return hours.due(from, length);
            }
            length -= passes;
            from = from.max(*until);
        }
        self.now.due(from, length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Span, Tz, Week};

    const HOUR: Millis = 3_600_000;

    fn daily(hours: &str) -> Calendar {
        let mut week = Week::default();
        let span: Span = hours.parse().expect("hours");
        (0..7).for_each(|day| assert!(week.open(day, span)));
        Calendar::business(Tz::UTC, week, [])
    }

    proptest! {
        /// Each millisecond counts by the hours that were in force then.
        #[test]
        fn each_edition_counts_for_its_own_time(
            edits in proptest::collection::btree_set(0..96_i64, 0..4),
            from in 0..96_i64,
            length in 1..40_i64,
        ) {
            let hours = ["09:00-12:00", "09:00-17:00", "14:00-17:00", "22:00-03:00", "00:00-24:00"].map(daily);
            let past: Vec<_> = edits.iter().zip(&hours).map(|(&at, hours)| (at * HOUR, hours.clone())).collect();
            let calendar = Calendar::edited(past, hours[edits.len()].clone());
            let is_open = |hour: i64| {
                let edition = edits.iter().filter(|&&at| at <= hour).count();
                hours[edition].elapsed(hour * HOUR, (hour + 1) * HOUR) > 0
            };
            let mut open = 0;
            let mut end = from;
            while open < length {
                open += i64::from(is_open(end));
                end += 1;
                prop_assert_eq!(calendar.elapsed(from * HOUR, end * HOUR), open * HOUR);
            }
            prop_assert_eq!(calendar.due(from * HOUR, length * HOUR), end * HOUR);
        }
    }
}
