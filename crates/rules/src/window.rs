//! How often something happened lately, and since when and until when that is often enough.
//!
//! At instant `t` a window of length `d` holds what lies in `(t − d, t]`, to the millisecond.

use tierline_model::Millis;

use crate::{ALWAYS, Dated, NEVER, Truth};

/// How many changes of the count are looked at to find since when the truth has stood. An unbroken span with more of
/// them is dated from the oldest that was looked at.
const LOOK_BACK: usize = 512;

/// How many of `times` (oldest first) the window holds at `now`, and whether one of `wanted` (ranges with both ends
/// included) holds that number. Without a `length` the window never lets go.
pub(crate) fn count(times: &[Millis], now: Millis, length: Option<Millis>, wanted: &[(u64, u64)]) -> (u64, Dated) {
    let window = Window { times, length, wanted };
    let came = times.partition_point(|&at| at <= now);
    let gone = length.map_or(0, |length| times.partition_point(|&at| at <= now.saturating_sub(length)));
    let count = (came - gone) as u64;
    let dated = Dated {
        truth: Truth::from(window.wants(count)),
        since: window.since(came, gone),
        until: window.until(came, gone),
    };
    (count, dated)
}

struct Window<'t> {
    times: &'t [Millis],
    length: Option<Millis>,
    wanted: &'t [(u64, u64)],
}

impl Window<'_> {
    fn wants(&self, count: u64) -> bool {
        self.wanted.iter().any(|&(low, high)| low <= count && count <= high)
    }

    /// When the occurrence at this place leaves.
    fn leaves(&self, place: usize) -> Millis {
        self.length.map_or(NEVER, |length| self.times[place].saturating_add(length))
    }

    /// The first instant at which the count, of which only losses are certain, may cross an end of what is wanted, or
    /// an occurrence ahead of the clock comes in.
    fn until(&self, came: usize, gone: usize) -> Millis {
        let count = (came - gone) as u64;
        let crosses = self.wanted.iter().filter_map(|&(low, high)| {
            let losses = if count > high { count - high } else { (count + 1).checked_sub(low.max(1))? };
            // `losses` lies in 1..=count: the occurrence whose loss crosses the end is in the window.
            (losses > 0 && losses <= count).then(|| self.leaves(gone + losses as usize - 1))
        });
        let enters = self.times.get(came).copied();
        crosses.chain(enters).min().unwrap_or(NEVER)
    }

    /// Since when it has been wanted, or not, without a break: back over arrivals and losses until it was otherwise.
    fn since(&self, mut came: usize, mut gone: usize) -> Millis {
        let wants = self.wants((came - gone) as u64);
        let mut since = ALWAYS;
        for _ in 0..LOOK_BACK {
            let arrival = came.checked_sub(1).map(|place| self.times[place]);
            let loss = gone.checked_sub(1).map(|place| self.leaves(place));
            let Some(at) = arrival.max(loss) else { return ALWAYS };
            since = at;
            while came > 0 && self.times[came - 1] == at {
                came -= 1;
            }
            while gone > 0 && self.leaves(gone - 1) == at {
                gone -= 1;
            }
            if self.wants((came - gone) as u64) != wants {
                return at;
            }
        }
        since
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn leaves_at_the_very_instant() {
        let (count_before, before) = count(&[1_000], 7_999, Some(7_000), &[(1, u64::MAX)]);
        assert_eq!((count_before, before), (1, Dated { truth: Truth::Yes, since: 1_000, until: 8_000 }));
        let (count_then, then) = count(&[1_000], 8_000, Some(7_000), &[(1, u64::MAX)]);
        assert_eq!((count_then, then), (0, Dated { truth: Truth::No, since: 8_000, until: NEVER }));
    }

    #[test]
    fn an_arrival_at_the_instant_of_a_loss_leaves_no_break() {
        let dated = count(&[0, 10], 12, Some(10), &[(1, u64::MAX)]).1;
        assert_eq!(dated, Dated { truth: Truth::Yes, since: 0, until: 20 });
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            mut times in prop::collection::vec(0i64..60, 0..16),
            now in 0i64..80,
            length in prop::option::of(1i64..40),
            wanted in prop::collection::vec((0u64..5, 0u64..8), 1..3),
        ) {
            times.sort_unstable();
            let by_definition = |t: Millis| {
                let held = times.iter().filter(|&&at| at <= t && length.is_none_or(|length| at > t - length)).count() as u64;
                (held, wanted.iter().any(|&(low, high)| low <= held && held <= high))
            };
            let (held, dated) = count(&times, now, length, &wanted);
            prop_assert_eq!((held, dated.truth), (by_definition(now).0, Truth::from(by_definition(now).1)));
            // It stays so up to its bound, and has been so since just then.
            prop_assert!(dated.until > now);
            for t in now..dated.until.min(200) {
                prop_assert_eq!(Truth::from(by_definition(t).1), dated.truth);
            }
            for t in dated.since.max(-50)..=now {
                prop_assert_eq!(Truth::from(by_definition(t).1), dated.truth);
            }
            if dated.since != ALWAYS {
                prop_assert_ne!(Truth::from(by_definition(dated.since - 1).1), dated.truth);
            }
        }
    }
}
