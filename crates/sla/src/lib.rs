//! Business time: calendars, and the targets that are counted in it. Pure.
//!
//! A [`Calendar`] says when work is done; [`Calendar::elapsed`] and [`Calendar::due`] are the two directions of one
//! question, and each is answered in logarithmic time, whatever lies between. What must never be in here: a condition,
//! a ticket, a clock that is read. Choosing a policy for a ticket is the rules' business.

mod calendar;
mod days;
mod edited;
mod hours;
mod pauses;
mod targets;
mod timeline;
mod zone;

pub use calendar::{BusinessTime, Calendar, WrittenCalendar};
pub use chrono::NaiveDate;
pub use chrono_tz::Tz;
pub use edited::Edited;
pub use hours::{Day, HoursError, Span, Week, weekdays};
pub use pauses::Pauses;
pub use targets::{Length, Target, Targets};

/// Every zone of the tz database.
pub fn zones() -> impl Iterator<Item = Tz> {
    chrono_tz::TZ_VARIANTS.iter().copied()
}

/// Milliseconds of a day of 24 hours.
const DAY: i64 = 86_400_000;
