//! Business time: calendars, and the targets that are counted in it. Pure.
//!
//! Today there is one calendar, `always`, which is open around the clock. What must never be in here: a condition, a
//! ticket, a clock that is read. Choosing a policy for a ticket is the rules' business.

mod calendar;
mod targets;

pub use calendar::Calendar;
pub use targets::Targets;
