//! How often something happened lately, and since when and until when that is often enough.
//!
//! At instant `t` a window of length `d` holds what lies in `(t − d, t]`, to the millisecond.

use smallvec::SmallVec;
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

/// Something that counts from `enters` on and no more from `leaves` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stay {
    pub(crate) enters: Millis,
    pub(crate) leaves: Millis,
    /// Whether it is known to count; otherwise it may.
    pub(crate) certain: bool,
}

/// How many there are at least and at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

/// How many count at `now`, and whether one of `wanted` (ranges with both ends included) holds that number: *unknown*
/// where it holds some of the numbers that it may be.
pub(crate) fn present(stays: impl Iterator<Item = Stay>, now: Millis, wanted: &[(u64, u64)]) -> (Count, Dated) {
    // Each end with what it adds to the least and to the greatest number.
    let mut ends: SmallVec<[(Millis, i64, i64); 32]> = SmallVec::new();
    for stay in stays.filter(|stay| stay.enters < stay.leaves) {
        let sure = i64::from(stay.certain);
        ends.push((stay.enters, sure, 1));
        ends.push((stay.leaves, -sure, -1));
    }
    ends.sort_unstable();
    let so_far = ends.partition_point(|&(at, ..)| at <= now);
    let (past, coming) = ends.split_at(so_far);
    let sum = past.iter().fold((0, 0), |(low, high), (_, sure, may)| (low + sure, high + may));
    let truth = truth_of(sum, wanted);
    let mut dated = Dated { truth, since: ALWAYS, until: NEVER };
    let mut then = sum;
    for together in coming.chunk_by(|x, y| x.0 == y.0) {
        then = together.iter().fold(then, |(low, high), (_, sure, may)| (low + sure, high + may));
        if truth_of(then, wanted) != truth {
            dated.until = together[0].0;
            break;
        }
    }
    let mut then = sum;
    for together in past.chunk_by(|x, y| x.0 == y.0).rev() {
        then = together.iter().fold(then, |(low, high), (_, sure, may)| (low - sure, high - may));
        if truth_of(then, wanted) != truth {
            dated.since = together[0].0;
            break;
        }
    }
    (Count { low: sum.0.max(0) as u64, high: sum.1.max(0) as u64 }, dated)
}

fn truth_of((low, high): (i64, i64), wanted: &[(u64, u64)]) -> Truth {
    among(low.max(0) as u64, high.max(0) as u64, wanted)
}

/// Whether a number between `low` and `high` is in one of these ranges, none of which is empty: *unknown* where only some
/// of the numbers are.
pub(crate) fn among(low: u64, high: u64, wanted: &[(u64, u64)]) -> Truth {
    if !wanted.iter().any(|&(from, to)| from <= high && low <= to) {
        return Truth::No;
    }
    let mut next = low;
    while let Some(to) = wanted.iter().filter(|&&(from, to)| from <= next && next <= to).map(|&(_, to)| to).max() {
        if to >= high {
            return Truth::Yes;
        }
        next = to + 1;
    }
    Truth::Unknown
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

        #[test]
        fn what_may_be_is_as_the_definition_has_it(
            stays in prop::collection::vec((0i64..40, 1i64..40, any::<bool>()), 0..10),
            now in 0i64..60,
            wanted in prop::collection::vec((0u64..4, 0u64..4), 1..3),
        ) {
            let wanted: Vec<(u64, u64)> = wanted.into_iter().map(|(from, more)| (from, from + more)).collect();
            let stays: Vec<Stay> = stays
                .into_iter()
                .map(|(enters, length, certain)| Stay { enters, leaves: enters + length, certain })
                .collect();
            let by_definition = |t: Millis| {
                let there = || stays.iter().filter(|stay| stay.enters <= t && t < stay.leaves);
                let (low, high) = (there().filter(|stay| stay.certain).count() as u64, there().count() as u64);
                let holds = |count: u64| wanted.iter().any(|&(from, to)| from <= count && count <= to);
                let truth = match (low..=high).filter(|&count| holds(count)).count() as u64 {
                    0 => Truth::No,
                    all if all == high - low + 1 => Truth::Yes,
                    _ => Truth::Unknown,
                };
                (Count { low, high }, truth)
            };
            let (count, dated) = present(stays.iter().copied(), now, &wanted);
            prop_assert_eq!((count, dated.truth), by_definition(now));
            prop_assert!(dated.until > now);
            for t in now..dated.until.min(200) {
                prop_assert_eq!(by_definition(t).1, dated.truth);
            }
            for t in dated.since.max(-5)..=now {
                prop_assert_eq!(by_definition(t).1, dated.truth);
            }
        }
    }
}
