//! The hours of named calendars, and those that they had before they were edited. SEMANTICS 3.7, 5.7.

use serde::{Deserialize, Serialize};
use tierline_model::Millis;
use tierline_rules::NamedCalendar;
use tierline_sla::{Calendar, WrittenCalendar};

/// A calendar as the task record keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OldCalendar {
    name: String,
    hours: Option<WrittenCalendar>,
    /// What they were before, each up to an instant.
    past: Vec<(Millis, Option<WrittenCalendar>)>,
}

/// The newest editions kept of a calendar: the oldest of them counts for all the time before.
const EDITIONS: usize = 64;

impl OldCalendar {
    pub fn of(named: &NamedCalendar) -> OldCalendar {
        let past = named.calendar.past().iter().map(|(until, hours)| (*until, hours.written()));
        OldCalendar { name: named.name.clone(), hours: named.calendar.written(), past: past.collect() }
    }
}

/// The former hours of each calendar that has some, if these are the hours from an instant on. What a damaged record
/// says no more is left out.
pub(crate) fn past_hours(
    old: &[OldCalendar],
    now: &[NamedCalendar],
    clock: Millis,
) -> Vec<(String, Vec<(Millis, Calendar)>)> {
    let read = |hours: &Option<WrittenCalendar>| hours.as_ref().map_or(Some(Calendar::Always), Calendar::read);
    let of_one = |named: &NamedCalendar| {
        // A copy of an engine has them already.
        let old = old.iter().find(|old| old.name == named.name && named.calendar.past().is_empty())?;
        let mut past: Vec<_> = old.past.iter().filter_map(|(until, hours)| Some((*until, read(hours)?))).collect();
        if old.hours != named.calendar.written() {
            past.extend(read(&old.hours).map(|hours| (clock, hours)));
        }
        past.drain(..past.len().saturating_sub(EDITIONS));
        Some((named.name.clone(), past)).filter(|(_, past)| !past.is_empty())
    };
    now.iter().filter_map(of_one).collect()
}
