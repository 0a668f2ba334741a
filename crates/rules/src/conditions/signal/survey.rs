//! Which of a signal's values counts at a moment, since when, and until when.

use tierline_model::Millis;

use super::Signal;
use crate::{Facts, NEVER};

/// Which of several values counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    Newest,
    Lowest,
    Highest,
}

/// The value that counts at the moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) holds: bool,
    pub(super) at: Millis,
    pub(super) value: Option<f64>,
    /// Since when it has been the one that counts.
    pub(super) since: Millis,
}

/// What the values of a signal come to at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Survey {
    pub(super) taken: Option<Taken>,
    /// When the last of those that have expired did.
    pub(super) expired: Option<Millis>,
    /// When the first that is ahead of the moment comes in.
    pub(super) enters: Option<Millis>,
}

impl Signal {
    /// Looks at every value once, and once more where some have expired.
    pub(super) fn survey(&self, facts: &dyn Facts) -> Survey {
        let now = facts.moment().at;
        let mut survey = Survey::default();
        facts.signals(&self.name, &mut |signal| {
            let expires = self.expires(signal.at);
            if signal.at > now {
                survey.enters = Some(survey.enters.map_or(signal.at, |enters| enters.min(signal.at)));
            } else if expires <= now {
                survey.expired = survey.expired.max(Some(expires));
            } else if survey.taken.is_none_or(|taken| self.beats(signal.at, signal.value, taken.at, taken.value)) {
                let holds = self.wanted.holds(signal, facts);
                survey.taken = Some(Taken { holds, at: signal.at, value: signal.value, since: signal.at });
            }
        });
        // It counts only since what came before it has expired.
        if let (Some(mut taken), Some(_)) = (survey.taken, survey.expired) {
            facts.signals(&self.name, &mut |other| {
                let expires = self.expires(other.at);
                if expires <= now && self.beats(other.at, other.value, taken.at, taken.value) {
                    taken.since = taken.since.max(expires);
                }
            });
            survey.taken = Some(taken);
        }
        survey
    }

    /// Whether one value counts rather than another; of equals the newer.
    fn beats(&self, at: Millis, value: Option<f64>, other_at: Millis, other: Option<f64>) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let by_value = match (self.take, value, other) {
            (Take::Newest, ..) | (_, None, None) => Equal,
            (_, Some(_), None) => Greater,
            (_, None, Some(_)) => Less,
            (Take::Lowest, Some(value), Some(other)) => other.total_cmp(&value),
            (Take::Highest, Some(value), Some(other)) => value.total_cmp(&other),
        };
        by_value.then(at.cmp(&other_at)).is_ge()
    }

    /// When a value of that instant stops counting.
    pub(super) fn expires(&self, at: Millis) -> Millis {
        self.within.map_or(NEVER, |within| at.saturating_add(within))
    }
}
