//! When work is done.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use tierline_model::Millis;

use crate::days::BusinessDays;
use crate::edited::Edited;
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
    /// The hours of a team, which were others before: each edition counts for its own time.
    Edited(Arc<Edited>),
}

/// The hours of a team: those of its weeks, and of the days that are different. Two are equal if they say the same.
#[derive(Debug)]
pub struct BusinessTime {
    tz: Tz,
    week: Week,
    /// By the number of the day since 1970-01-01.
    special: BTreeMap<i64, Day>,
    zone: Arc<Zone>,
    timeline: Timeline,
    days: BusinessDays,
}

/// What a calendar says, in numbers: its zone, when each day of its week is open (minutes from midnight), and the same
/// of its special days, by their number since 1970-01-01.
pub type WrittenCalendar = (String, [Vec<(u16, u16)>; 7], Vec<(i64, Vec<(u16, u16)>)>);

impl PartialEq for BusinessTime {
    fn eq(&self, other: &BusinessTime) -> bool {
        (self.tz, &self.week, &self.special) == (other.tz, &other.week, &other.special)
    }
}

impl Eq for BusinessTime {}

impl fmt::Display for Calendar {
    /// All that it says now, in one fixed spelling: calendars that are equal have the same.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Calendar::Always => to.write_str("always"),
            Calendar::Business(time) => write!(to, "{} {:?} {:?}", time.tz, time.week, time.special),
            Calendar::Edited(edited) => edited.now().fmt(to),
        }
    }
}

impl Calendar {
    /// A team's calendar. A day in `special` has the hours that are listed there instead of its weekday's: none, if it
    /// is a holiday. It is a day of the zone, from midnight to midnight, whatever ran on into it from the day before.
    ///
    /// A local time that does not exist moves on by the length of the gap; an ambiguous one is its first occurrence,
    /// also as an end. Hours of a day that touch are one. The zone's rules are known up to 2100; later its last offset goes on.
    pub fn business(tz: Tz, week: Week, special: impl IntoIterator<Item = (NaiveDate, Day)>) -> Calendar {
        let number = |date: NaiveDate| date.signed_duration_since(NaiveDate::default()).num_days();
        Calendar::numbered(tz, week, special.into_iter().map(|(date, day)| (number(date), day)).collect())
    }

    fn numbered(tz: Tz, week: Week, special: BTreeMap<i64, Day>) -> Calendar {
        let zone = Zone::of(tz);
        let timeline = Timeline::new(&week, &special, &zone);
        let days = BusinessDays::new(&week, &special);
        Calendar::Business(Arc::new(BusinessTime { tz, week, special, zone, timeline, days }))
    }

    /// These hours, before which others counted: each up to an instant, in order, then the next. SEMANTICS 5.7.
    pub fn edited(past: Vec<(Millis, Calendar)>, now: Calendar) -> Calendar {
        if past.is_empty() { now } else { Calendar::Edited(Arc::new(Edited::new(past, now))) }
    }

    /// What it said before, each up to an instant.
    pub fn past(&self) -> &[(Millis, Calendar)] {
        match self {
            Calendar::Edited(edited) => edited.past(),
            Calendar::Always | Calendar::Business(_) => &[],
        }
    }

    /// The hours that are in force at an instant.
    pub fn as_of(&self, at: Millis) -> &Calendar {
        let edition = self.past().iter().find(|(until, _)| at < *until).map(|(_, hours)| hours);
        match self {
            Calendar::Edited(edited) => edition.unwrap_or(edited.now()),
            Calendar::Always | Calendar::Business(_) => self,
        }
    }

    /// Whether both are one: not by what they say, but by where they come from.
    pub fn is(&self, other: &Calendar) -> bool {
        matches!((self, other), (Calendar::Business(one), Calendar::Business(two)) if Arc::ptr_eq(one, two))
    }

    /// What it says now, to be [read](Self::read) back; [`None`]: `always`.
    pub fn written(&self) -> Option<WrittenCalendar> {
        let time = match self {
            Calendar::Always => return None,
            Calendar::Business(time) => time,
            Calendar::Edited(edited) => return edited.now().written(),
        };
        let special = time.special.iter().map(|(&day, hours)| (day, hours.minutes().to_vec()));
        Some((
            time.tz.name().to_owned(),
            time.week.days.each_ref().map(|day| day.minutes().to_vec()),
            special.collect(),
        ))
    }

    /// The calendar that was [written](Self::written); [`None`]: there is no such zone, or the hours are none.
    pub fn read((zone, week, special): &WrittenCalendar) -> Option<Calendar> {
        let tz = zone.parse().ok()?;
        let mut days = <[Day; 7]>::default();
        for (day, minutes) in days.iter_mut().zip(week) {
            *day = Day::of_minutes(minutes)?;
        }
        let special: Option<Vec<_>> =
            special.iter().map(|(day, minutes)| Some((*day, Day::of_minutes(minutes)?))).collect();
        Some(Calendar::numbered(tz, Week { days }, special?.into_iter().collect()))
    }

    /// The earliest instant (UTC) at which `length` milliseconds of this calendar's time have passed since `from`: at
    /// closing time it is that, not the next morning. Where there is not so much any more, the end of time.
    pub fn due(&self, from: Millis, length: Millis) -> Millis {
        match self {
            _ if length <= 0 => from,
            Calendar::Always => from.saturating_add(length),
            Calendar::Business(time) => time.timeline.at(time.timeline.opened(from).saturating_add(length)),
            Calendar::Edited(edited) => edited.due(from, length),
        }
    }

    /// The milliseconds of this calendar's time in `[from, to)`; 0 where `to` is not after `from`.
    pub fn elapsed(&self, from: Millis, to: Millis) -> Millis {
        match self {
            _ if to <= from => 0,
            Calendar::Always => to.saturating_sub(from),
            Calendar::Business(time) => time.timeline.opened(to) - time.timeline.opened(from),
            Calendar::Edited(edited) => edited.elapsed(from, to),
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

    /// When a target is due that begins at an instant, without what is paused.
    pub fn due_in(&self, from: Millis, length: Length, pauses: &Pauses) -> Millis {
        let due = self.due_with(from, self.length(from, length), pauses);
        if self.ends_at_opening(from, length) { self.opening(due) } else { due }
    }

    /// The first instant, not before this one, at which its time runs.
    pub fn opening(&self, at: Millis) -> Millis {
        // The last millisecond before the first that passes is that of the opening.
        match self.due(at, 1) {
            Millis::MAX => Millis::MAX,
            passed => passed - 1,
        }
    }

    /// Whether a target that begins at an instant ends when work begins, rather than when it last ended: no time runs
    /// between the two, so its [`length`](Self::length) alone does not tell them apart.
    pub fn ends_at_opening(&self, from: Millis, length: Length) -> bool {
        let Length::BusinessDays(n) = length else { return false };
        if let Calendar::Edited(_) = self {
            return self.as_of(from).ends_at_opening(from, length);
        }
        let end = self.days_on(from, n).map(|(_, end)| end);
        end.is_some_and(|end| self.is_open(end) && !self.is_open(end - 1))
    }

    /// The opening from which business days are counted, and the same minute as many of them on.
    fn days_on(&self, from: Millis, n: u32) -> Option<(Millis, Millis)> {
        let Calendar::Business(time) = self else { return None };
        let begins = Some(self.opening(from)).filter(|&begins| begins < Millis::MAX)?;
        let local = begins + time.zone.offset_at(begins);
        let last = time.days.after(local.div_euclid(DAY), n)?;
        Some((begins, time.zone.to_utc(last * DAY + local.rem_euclid(DAY))))
    }

    /// How many milliseconds of this calendar's time a target is that begins at an instant.
    ///
    /// Business days end at the same minute as many business days on, counted from the next opening if it begins
    /// outside the hours. If that minute is none of that day's hours, they end when work last ended before it. One at
    /// which work begins [is told apart](Self::ends_at_opening).
    pub fn length(&self, from: Millis, length: Length) -> Millis {
        let n = match length {
            Length::Time(length) => return length,
            Length::BusinessDays(n) => n,
        };
        match self {
            Calendar::Always => Millis::from(n) * DAY,
            Calendar::Business(_) => {
                self.days_on(from, n).map_or(Millis::MAX, |(begins, end)| self.elapsed(begins, end))
            }
            // The day and the minute at which they end are those of when they began, whatever is edited later.
            Calendar::Edited(_) => {
                let days = self.as_of(from).days_on(from, n);
                days.map_or(Millis::MAX, |(begins, end)| self.elapsed(begins, end))
            }
        }
    }
}
