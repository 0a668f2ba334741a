//! Instants and dates as people and JSON write them.

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc};

use crate::{DateOrInstant, Millis};

/// RFC 3339 in UTC with milliseconds, `2026-03-02T02:04:05.000Z`; the bare number where a year has no four digits.
pub fn instant_text(at: Millis) -> String {
    rfc_3339(at).unwrap_or_else(|| at.to_string())
}

/// As people read it: `2026-03-02T02:04:05Z`, with milliseconds only where there are any.
pub fn plain_instant(at: Millis) -> String {
    let seconds = if at.rem_euclid(1000) == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
    match DateTime::<Utc>::from_timestamp_millis(at) {
        Some(at) => at.to_rfc3339_opts(seconds, true),
        None => format!("{at} ms"),
    }
}

/// [`instant_text`] where it is one that [`parse_instant`] reads back.
pub(crate) fn rfc_3339(at: Millis) -> Option<String> {
    let instant = DateTime::<Utc>::from_timestamp_millis(at)?;
    (0..=9999).contains(&instant.year()).then(|| instant.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// The instant that an RFC 3339 text with an offset names; what is finer than a millisecond is dropped.
pub fn parse_instant(text: &str) -> Option<Millis> {
    DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.timestamp_millis())
}

/// A date `2026-12-24`, or an instant as in [`parse_instant`].
pub fn parse_date_or_instant(text: &str) -> Option<DateOrInstant> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(DateOrInstant::Date(date.num_days_from_ce() - DAYS_BEFORE_EPOCH));
    }
    parse_instant(text).map(DateOrInstant::Instant)
}

/// As it stands in JSON: a date without, an instant with its time.
pub fn date_or_instant_text(value: DateOrInstant) -> String {
    match value {
        DateOrInstant::Instant(at) => instant_text(at),
        DateOrInstant::Date(days) => {
            let date = days.checked_add(DAYS_BEFORE_EPOCH).and_then(NaiveDate::from_num_days_from_ce_opt);
            date.map_or_else(|| days.to_string(), |date| date.to_string())
        }
    }
}

/// From 0000-12-31 to 1970-01-01.
const DAYS_BEFORE_EPOCH: i32 = 719_163;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_instant_needs_an_offset() {
        assert_eq!(parse_instant("2026-03-02T02:04:05Z"), Some(1_772_417_045_000));
        assert_eq!(parse_instant("2026-03-02T03:04:05.0019+01:00"), Some(1_772_417_045_001));
        assert_eq!(parse_instant("2026-03-02T02:04:05"), None);
        assert_eq!(instant_text(1_772_417_045_001), "2026-03-02T02:04:05.001Z");
        assert_eq!(instant_text(253_402_300_799_999), "9999-12-31T23:59:59.999Z");
        assert_eq!(instant_text(253_402_300_800_000), "253402300800000");
        assert_eq!(instant_text(i64::MAX), i64::MAX.to_string());
    }

    proptest! {
        #[test]
        fn what_is_written_as_rfc_3339_is_read_back(at in -100_000_000_000_000i64..400_000_000_000_000) {
            if let Some(text) = rfc_3339(at) {
                prop_assert_eq!(parse_instant(&text), Some(at));
            }
        }
    }

    #[test]
    fn a_date_stays_a_date() {
        assert_eq!(parse_date_or_instant("1970-01-01"), Some(DateOrInstant::Date(0)));
        assert_eq!(parse_date_or_instant("1970-01-02T00:00:00Z"), Some(DateOrInstant::Instant(86_400_000)));
        assert_eq!(parse_date_or_instant("soon"), None);
        assert_eq!(date_or_instant_text(DateOrInstant::Date(20_811)), "2026-12-24");
        assert_eq!(date_or_instant_text(DateOrInstant::Date(i32::MAX)), i32::MAX.to_string());
    }
}
