//! Local time and UTC, by a table of a zone's changes of offset.
//!
//! A local time that does not exist moves on by the length of the gap; an ambiguous one is its first occurrence. Both
//! say the same: it is read with the offset that held before the change.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;
use tierline_model::Millis;

use crate::DAY;

/// What a zone's clocks showed and will show, as far as the zone's rules are known (1970 to 2100): before and after,
/// what they show first and last.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    offsets: Vec<Offsets>,
}

/// A time through which one offset holds.
#[derive(Clone, Copy, Debug)]
struct Offsets {
    /// Its first instant, UTC.
    from: Millis,
    /// Local minus UTC, milliseconds.
    offset: Millis,
    /// The local time that its clocks would show when it ends.
    until: Millis,
}

/// 2100-01-01.
const LAST: Millis = 4_102_444_800_000;

impl Zone {
    /// The table of a zone. It takes a millisecond or two to work out, never changes, and every calendar that is read
    /// needs one: so each is worked out once.
    pub fn of(tz: Tz) -> Arc<Zone> {
        static KNOWN: LazyLock<Mutex<HashMap<Tz, Arc<Zone>>>> = LazyLock::new(Mutex::default);
        // Whoever panicked with it has left whole tables behind.
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(tz).or_insert_with(|| Arc::new(Zone::new(tz))))
    }

    fn new(tz: Tz) -> Zone {
        let mut offsets = vec![Offsets { from: Millis::MIN, offset: offset(tz, 0), until: Millis::MAX }];
        for day in (DAY..=LAST).step_by(DAY as usize) {
            let (was, is) = (offsets[offsets.len() - 1].offset, offset(tz, day));
            if was != is {
                let from = change(tz, day - DAY, day, is);
                offsets.last_mut().into_iter().for_each(|last| last.until = from + was);
                offsets.push(Offsets { from, offset: is, until: Millis::MAX });
            }
        }
        Zone { offsets }
    }

    /// Local minus UTC at an instant, milliseconds.
    pub fn offset_at(&self, at: Millis) -> Millis {
        // The first holds since ever.
        let place = self.offsets.partition_point(|offsets| offsets.from <= at).saturating_sub(1);
        self.offsets[place].offset
    }

    /// The instant (UTC) of a local time, in milliseconds since the local midnight of 1970-01-01.
    pub fn to_utc(&self, local: Millis) -> Millis {
        let place = self.offsets.partition_point(|offsets| offsets.until <= local).min(self.offsets.len() - 1);
        let Offsets { from, offset, .. } = self.offsets[place];
        let is_in_a_gap = place > 0 && local - offset < from;
        local - if is_in_a_gap { self.offsets[place - 1].offset } else { offset }
    }

    /// Each change: the local times that its clocks showed just before and just after it.
    pub fn changes(&self) -> impl Iterator<Item = (Millis, Millis)> {
        self.offsets.windows(2).map(|pair| (pair[0].until, pair[1].from + pair[1].offset))
    }
}

/// The first instant in `(before, after]` at which the new offset holds.
fn change(tz: Tz, mut before: Millis, mut after: Millis, new: Millis) -> Millis {
    // Changes come at whole seconds.
    while after - before > 1_000 {
        let middle = (before + after) / 2 / 1_000 * 1_000;
        if offset(tz, middle) == new { after = middle } else { before = middle }
    }
    after
}

fn offset(tz: Tz, at: Millis) -> Millis {
    // In range: the instants that are asked for lie between 1970 and 2100.
    let utc = DateTime::from_timestamp_millis(at).unwrap_or_default().naive_utc();
    Millis::from(tz.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_does_not_exist_moves_on_and_an_ambiguous_one_is_its_first() {
        let zone = Zone::new(Tz::Europe__Berlin);
        // 2026-03-29 02:30 does not exist: it is 03:30 CEST. 2026-10-25 02:30 is first in CEST.
        let local = |text: &str| text.parse::<DateTime<chrono::Utc>>().map(|at| at.timestamp_millis()).unwrap_or(0);
        assert_eq!(zone.to_utc(local("2026-03-29T02:30:00Z")), local("2026-03-29T01:30:00Z"));
        assert_eq!(zone.to_utc(local("2026-10-25T02:30:00Z")), local("2026-10-25T00:30:00Z"));
        assert_eq!(zone.to_utc(local("2026-10-25T03:00:00Z")), local("2026-10-25T02:00:00Z"));
        assert_eq!(zone.offset_at(local("2026-03-29T00:59:59Z")), 3_600_000);
        assert_eq!(zone.offset_at(local("2026-03-29T01:00:00Z")), 7_200_000);
    }

    #[test]
    fn the_rules_are_known_up_to_the_last_year() {
        let zone = Zone::new(Tz::Europe__Berlin);
        assert!(zone.offsets.len() > 200, "{}", zone.offsets.len());
        assert!(zone.offsets[zone.offsets.len() - 1].from > LAST - 365 * DAY);
        assert_eq!(Zone::new(Tz::Asia__Kathmandu).offset_at(LAST), (5 * 60 + 45) * 60_000);
    }
}
