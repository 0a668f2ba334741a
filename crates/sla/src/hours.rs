//! The hours of a day and of a week, as people write them: `mon-fri: ["09:00-12:30", "13:30-18:00"]`.

use std::fmt;
use std::str::FromStr;

use crate::DAY;

/// From opening to closing, in minutes since midnight. One that closes no later than it opens runs on into the next
/// day: `22:00-06:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    opens: u16,
    closes: u16,
}

/// When a day is open. Nothing in it overlaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Minutes since midnight, half-open, in order.
    spans: Vec<(u16, u16)>,
}

/// When the days of a week are open, from Monday on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Week {
    pub(crate) days: [Day; 7],
}

/// Why a text says no hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoursError {
    /// It does not look like `09:00-17:30`.
    NotHours,
    /// There is no such time of day; `24:00` is the last, and only closes.
    NoSuchTime,
    /// It closes when it opens.
    Nothing,
}

/// Minutes of a day.
const MINUTES: u16 = 24 * 60;

impl Span {
    /// Whether it runs on into the next day.
    pub fn is_overnight(self) -> bool {
        self.closes < self.opens
    }

    /// What of it lies on the day on which it opens.
    fn today(self) -> (u16, u16) {
        (self.opens, if self.is_overnight() { MINUTES } else { self.closes })
    }

    /// What of it lies on the next day.
    fn tomorrow(self) -> Option<(u16, u16)> {
        (self.is_overnight() && self.closes > 0).then_some((0, self.closes))
    }
}

impl FromStr for Span {
    type Err = HoursError;

    fn from_str(written: &str) -> Result<Span, HoursError> {
        let (opens, closes) = written.trim().split_once('-').ok_or(HoursError::NotHours)?;
        let (opens, closes) = (minute(opens.trim())?, minute(closes.trim())?);
        match opens == closes {
            true => Err(HoursError::Nothing),
            false if opens == MINUTES => Err(HoursError::NoSuchTime),
            false => Ok(Span { opens, closes }),
        }
    }
}

/// `HH:MM`, up to `24:00`.
fn minute(written: &str) -> Result<u16, HoursError> {
    let digits = |text: &str, most: usize| {
        let right = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        right.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = written.split_once(':').ok_or(HoursError::NotHours)?;
    let (hour, minute) = (digits(hour, 2), digits(minute, 2).filter(|_| minute.len() == 2));
    let (hour, minute) = hour.zip(minute).ok_or(HoursError::NotHours)?;
    let minutes = hour * 60 + minute;
    if minute < 60 && minutes <= MINUTES { Ok(minutes) } else { Err(HoursError::NoSuchTime) }
}

impl fmt::Display for Span {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (opens, closes) = (self.opens, self.closes);
        write!(to, "{:02}:{:02}-{:02}:{:02}", opens / 60, opens % 60, closes / 60, closes % 60)
    }
}

impl fmt::Display for HoursError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            HoursError::NotHours => "hours look like `09:00-17:30`",
            HoursError::NoSuchTime => "there is no such time of day",
            HoursError::Nothing => "hours that close when they open are none: `00:00-24:00` is the whole day",
        })
    }
}

impl std::error::Error for HoursError {}

impl Day {
    /// Whether nobody works.
    pub fn is_closed(&self) -> bool {
        self.spans.is_empty()
    }

    /// Opens it for what of a span lies within a day; `false`: some of that was open already. What runs on into the
    /// next day is left out.
    pub fn open(&mut self, span: Span) -> bool {
        self.add(span.today())
    }

    fn add(&mut self, (opens, closes): (u16, u16)) -> bool {
        let apart = self.spans.iter().all(|&(from, to)| closes <= from || to <= opens);
        self.spans.push((opens, closes));
        self.spans.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::with_capacity(self.spans.len());
        for &(from, to) in &self.spans {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        self.spans = merged;
        apart
    }

    /// When it is open, in minutes since midnight.
    pub(crate) fn minutes(&self) -> &[(u16, u16)] {
        &self.spans
    }

    /// A day that is open then; [`None`]: those are no hours of a day.
    pub(crate) fn of_minutes(minutes: &[(u16, u16)]) -> Option<Day> {
        let mut day = Day::default();
        let right = |&(from, to): &(u16, u16)| from < to && to <= MINUTES;
        minutes.iter().all(right).then(|| {
            minutes.iter().for_each(|&span| {
                day.add(span);
            });
            day
        })
    }

    /// When it is open, in milliseconds since midnight.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (i64, i64)> {
        self.spans.iter().map(|&(from, to)| (i64::from(from) * 60_000, i64::from(to) * 60_000))
    }
}

impl Week {
    /// Opens a day of the week (0 is Monday); what runs on into the next day opens that. `false`: some of it was open
    /// already.
    ///
    /// # Panics
    /// There is no such day.
    pub fn open(&mut self, day: usize, span: Span) -> bool {
        let today = self.days[day].add(span.today());
        let tomorrow = span.tomorrow().is_none_or(|rest| self.days[(day + 1) % 7].add(rest));
        today && tomorrow
    }

    /// Whether nobody ever works.
    pub fn is_closed(&self) -> bool {
        self.days.iter().all(Day::is_closed)
    }

    /// When it is open, in milliseconds since its Monday's midnight, in order.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (i64, i64)> {
        (0..).zip(&self.days).flat_map(|(day, hours)| hours.spans().map(move |(a, b)| (day * DAY + a, day * DAY + b)))
    }
}

/// The days of the week (0 is Monday) that `mon`, `mon-fri` or `sat-mon` names; [`None`]: it names none.
pub fn weekdays(written: &str) -> Option<Vec<usize>> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let of = |word: &str| DAYS.iter().position(|day| *day == word.trim().to_ascii_lowercase());
    let (first, last) = match written.split_once('-') {
        Some((first, last)) => (of(first)?, of(last)?),
        None => (of(written)?, of(written)?),
    };
    Some((0..=(last + 7 - first) % 7).map(|day| (first + day) % 7).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_they_are_written() {
        for written in ["09:00-17:30", "00:00-24:00", "22:00-06:00", "22:00-00:00"] {
            assert_eq!(written.parse::<Span>().map(|span| span.to_string()), Ok(written.to_owned()));
        }
        for (written, error) in [
            ("09:00", HoursError::NotHours),
            ("9-17", HoursError::NotHours),
            ("09:0-17:00", HoursError::NotHours),
            ("09:00-24:01", HoursError::NoSuchTime),
            ("09:60-17:00", HoursError::NoSuchTime),
            ("24:00-06:00", HoursError::NoSuchTime),
            ("09:00-09:00", HoursError::Nothing),
        ] {
            assert_eq!(written.parse::<Span>(), Err(error), "{written}");
        }
    }

    #[test]
    fn days_of_the_week_run_on_over_sunday() {
        assert_eq!(weekdays("mon-fri"), Some(vec![0, 1, 2, 3, 4]));
        assert_eq!(weekdays("Sat-Mon"), Some(vec![5, 6, 0]));
        assert_eq!(weekdays("sun"), Some(vec![6]));
        assert_eq!(weekdays("someday"), None);
    }

    #[test]
    fn a_night_belongs_to_two_days() {
        let mut week = Week::default();
        assert!(week.open(6, Span { opens: 1320, closes: 360 }));
        assert_eq!(week.spans().collect::<Vec<_>>(), [(0, 6 * 3_600_000), (6 * DAY + 22 * 3_600_000, 7 * DAY)]);
        assert!(!week.open(0, Span { opens: 300, closes: 420 }), "five to six is open already");
    }
}
