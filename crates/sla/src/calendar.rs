//! When work is done.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use tierline_model::Millis;

use crate::days::BusinessDays;
use crate::hours::{Day, Week};
use crate::targets::Length;
use crate::timeline::Timeline;
use crate::zone::Zone;
use crate::{DAY, Pauses};

/// The hours in which a target's time runs. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Calendar {
    /// Around the clock: the calendar `always`.
    #[default]
    Always,
    /// The hours of a team.
    Business(Arc<BusinessTime>),
}

/// The hours of a team: those of its weeks, and of the days that are different. Two are equal if they say the same.
#[derive(Debug)]
pub struct BusinessTime {
    tz: Tz,
    week: Week,
    /// By the number of the day since 1970-01-01.
    special: BTreeMap<i64, Day>,
    zone: Zone,
    timeline: Timeline,
    days: BusinessDays,
}

impl PartialEq for BusinessTime {
    fn eq(&self, other: &BusinessTime) -> bool {
        (self.tz, &self.week, &self.special) == (other.tz, &other.week, &other.special)
    }
}

impl Eq for BusinessTime {}

impl fmt::Display for Calendar {
    /// All that it says, in one fixed spelling: calendars that are equal have the same.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Calendar::Always => to.write_str("always"),
            Calendar::Business(time) => write!(to, "{} {:?} {:?}", time.tz, time.week, time.special),
        }
    }
}

impl Calendar {
    /// A team's calendar. A day in `special` has the hours that are listed there instead of its weekday's: none, if it
    /// is a holiday. It is a day of the zone, from midnight to midnight, whatever ran on into it from the day before.
    ///
    /// A local time that does not exist moves on by the length of the gap; an ambiguous one is its first occurrence,
    /// also as an end. The zone's rules are known up to 2100; later its last offset goes on.
    pub fn business(tz: Tz, week: Week, special: impl IntoIterator<Item = (NaiveDate, Day)>) -> Calendar {
        let number = |date: NaiveDate| date.signed_duration_since(NaiveDate::default()).num_days();
        let special: BTreeMap<i64, Day> = special.into_iter().map(|(date, day)| (number(date), day)).collect();
        let zone = Zone::new(tz);
        let timeline = Timeline::new(&week, &special, &zone);
        let days = BusinessDays::new(&week, &special);
        Calendar::Business(Arc::new(BusinessTime { tz, week, special, zone, timeline, days }))
    }

    /// The earliest instant (UTC) at which `length` milliseconds of this calendar's time have passed since `from`: at
    /// closing time it is that, not the next morning. Where there is not so much any more, the end of time.
    pub fn due(&self, from: Millis, length: Millis) -> Millis {
        match self {
            _ if length <= 0 => from,
            Calendar::Always => from.saturating_add(length),
            Calendar::Business(time) => time.timeline.at(time.timeline.opened(from).saturating_add(length)),
        }
    }

    /// The milliseconds of this calendar's time in `[from, to)`; 0 where `to` is not after `from`.
    pub fn elapsed(&self, from: Millis, to: Millis) -> Millis {
        match self {
            _ if to <= from => 0,
            Calendar::Always => to.saturating_sub(from),
            Calendar::Business(time) => time.timeline.opened(to) - time.timeline.opened(from),
        }
    }

    /// The same without what is paused.
    pub fn due_with(&self, from: Millis, length: Millis, pauses: &Pauses) -> Millis {
        let (mut at, mut left) = (from, length);
        for &(begins, ends) in pauses.spans() {
            let runs = self.elapsed(at, begins);
            if runs >= left {
                break;
            }
            left -= runs;
            at = at.max(ends);
        }
        self.due(at, left)
    }

    /// The same without what is paused.
    pub fn elapsed_with(&self, from: Millis, to: Millis, pauses: &Pauses) -> Millis {
        let paused = pauses.spans().iter().map(|&(begins, ends)| self.elapsed(begins.max(from), ends.min(to)));
        self.elapsed(from, to) - paused.sum::<Millis>()
    }

    /// Whether its time runs at an instant.
    pub fn is_open(&self, at: Millis) -> bool {
        self.elapsed(at, at.saturating_add(1)) > 0
    }

    /// How many milliseconds of this calendar's time a target is that begins at an instant.
    ///
    /// Business days end at the same minute as many business days on, counted from the next opening if it begins
    /// outside the hours. If that minute is none of that day's hours, they end when work last ended before it.
    pub fn length(&self, from: Millis, length: Length) -> Millis {
        let n = match length {
            Length::Time(length) => return length,
            Length::BusinessDays(n) => n,
        };
        let Calendar::Business(time) = self else { return Millis::from(n) * DAY };
        // The last millisecond before the first that passes is that of the opening.
        let begins = match self.due(from, 1) {
            Millis::MAX => return Millis::MAX,
            passed => passed - 1,
        };
        let local = begins + time.zone.offset_at(begins);
        let Some(last) = time.days.after(local.div_euclid(DAY), n) else { return Millis::MAX };
        self.elapsed(begins, time.zone.to_utc(last * DAY + local.rem_euclid(DAY)))
    }
}
