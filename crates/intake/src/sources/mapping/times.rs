//! Instants as systems write them.

use chrono::{LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use serde_json::Value;
use tierline_model::{Millis, parse_instant};

use super::expression::spoken;

/// How a system writes instants.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Time {
    /// RFC 3339 with an offset, or milliseconds since the epoch.
    #[default]
    Standard,
    /// Seconds since the epoch.
    Seconds,
    /// By a pattern such as `%d/%m/%Y %H:%M`, in this zone unless the pattern has an offset.
    Pattern(String, Tz),
}

impl Time {
    /// As it is written: `standard`, `seconds`, or a pattern.
    pub fn parse(written: &str, zone: Tz) -> Time {
        match written {
            "seconds" => Time::Seconds,
            "standard" => Time::Standard,
            pattern => Time::Pattern(pattern.to_owned(), zone),
        }
    }

    pub fn read(&self, value: &Value) -> Option<Millis> {
        match self {
            Time::Standard => value.as_i64().or_else(|| parse_instant(value.as_str()?.trim())),
            Time::Seconds => {
                let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
                (seconds.abs() < 1e12).then_some((seconds * 1_000.0) as Millis)
            }
            Time::Pattern(pattern, zone) => {
                let text = spoken(value);
                if let Ok(at) = chrono::DateTime::parse_from_str(&text, pattern) {
                    return Some(at.timestamp_millis());
                }
                let local = NaiveDateTime::parse_from_str(&text, pattern).ok();
                let local = local.or_else(|| NaiveDate::parse_from_str(&text, pattern).ok()?.and_hms_opt(0, 0, 0));
                in_zone(local?, *zone)
            }
        }
    }
}

/// A local time that does not exist moves on by the length of the gap; an ambiguous one is its first occurrence.
fn in_zone(local: NaiveDateTime, zone: Tz) -> Option<Millis> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.timestamp_millis()),
        LocalResult::None => {
            // No gap is longer than a day; the offset before it counts on. There is none either at the ends of all years.
            let day = TimeDelta::days(1);
            let before = zone.from_local_datetime(&local.checked_sub_signed(day)?).earliest()?;
            Some(before.checked_add_signed(day)?.timestamp_millis())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_way_of_writing_is_read() {
        assert_eq!(Time::Standard.read(&json!("1970-01-01T00:00:01Z")), Some(1_000));
        assert_eq!(Time::Standard.read(&json!(1_000)), Some(1_000));
        assert_eq!(Time::Seconds.read(&json!("1.5")), Some(1_500));
        let german = |pattern: &str| Time::Pattern(pattern.to_owned(), Tz::Europe__Berlin);
        assert_eq!(german("%d/%m/%Y %H:%M").read(&json!("01/01/1970 01:00")), Some(0));
        assert_eq!(german("%d.%m.%Y").read(&json!("02.01.1970")), Some(82_800_000));
        assert_eq!(german("%d.%m.%Y").read(&json!("soon")), None);
    }

    #[test]
    fn a_time_that_the_clock_skips_moves_on() {
        let time = Time::Pattern("%Y-%m-%d %H:%M".to_owned(), Tz::Europe__Berlin);
        assert_eq!(time.read(&json!("2026-03-29 02:30")), parse_instant("2026-03-29T01:30:00Z"));
        assert_eq!(time.read(&json!("2026-10-25 02:30")), parse_instant("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn a_year_beyond_all_calendars_is_no_instant() {
        for zone in [Tz::Europe__Berlin, Tz::America__New_York] {
            let time = Time::Pattern("%Y-%m-%d %H:%M".to_owned(), zone);
            for far in ["-262143-01-01 00:00", "+262142-12-31 23:59"] {
                time.read(&json!(far));
            }
        }
        let east = Time::Pattern("%Y-%m-%d %H:%M".to_owned(), Tz::Europe__Berlin);
        assert_eq!(east.read(&json!("-262143-01-01 00:00")), None);
    }
}
