//! Deadlines as vendors document them or test them: `fixtures/business_time.csv`, whose last column says where from.
//! A time without `Z` is local.

use std::str::FromStr;

use chrono::{NaiveDateTime, TimeZone};
use tierline_sla::{Calendar, Day, NaiveDate, Pauses, Span, Tz, Week, weekdays};

#[test]
fn deadlines_are_what_vendors_say() {
    let rows = include_str!("fixtures/business_time.csv").lines().skip(1);
    let mut tried = 0;
    for row in rows {
        let columns: Vec<&str> = row.split(',').collect();
        let [id, zones, hours, holidays, start, target, pauses, expect, _source] = columns[..] else {
            panic!("nine columns: {row}")
        };
        let zones = if zones == "any" { vec!["UTC", "Asia/Kathmandu", "America/New_York"] } else { vec![zones] };
        for zone in zones {
            let zone = Tz::from_str(zone).expect("a zone of the tz database");
            let calendar = calendar(zone, hours, holidays);
            let (start, expect) = (instant(start, zone), instant(expect, zone));
            let pauses: Pauses = pauses
                .split_whitespace()
                .map(|pause| pause.split_once('/').expect("from/to"))
                .map(|(from, to)| (instant(from, zone), instant(to, zone)))
                .collect();
            let length = length(target);
            let due = calendar.due_with(start, length, &pauses);
            assert_eq!(due, expect, "{id} in {zone}: {} ms off", due - expect);
            assert_eq!(calendar.elapsed_with(start, expect, &pauses), length, "{id} in {zone}");
            assert_eq!(calendar.elapsed_with(start, expect - 1, &pauses), length - 1, "{id} in {zone}");
            tried += 1;
        }
    }
    assert_eq!(tried, 25);
}

fn calendar(zone: Tz, hours: &str, holidays: &str) -> Calendar {
    let (days, span) = hours.split_once(' ').expect("days and hours");
    let span: Span = span.parse().expect("hours");
    let mut week = Week::default();
    for day in weekdays(days).expect("days of the week") {
        week.open(day, span);
    }
    let holidays = holidays.split_whitespace().map(|date| (NaiveDate::from_str(date).expect("a date"), Day::default()));
    Calendar::business(zone, week, holidays)
}

fn instant(written: &str, zone: Tz) -> i64 {
    let (written, zone) = match written.strip_suffix('Z') {
        Some(utc) => (utc, Tz::UTC),
        None => (written, zone),
    };
    let local = NaiveDateTime::parse_from_str(written, "%Y-%m-%dT%H:%M").expect("a time");
    zone.from_local_datetime(&local).single().expect("it is there once").timestamp_millis()
}

fn length(written: &str) -> i64 {
    let (count, unit) = written.split_at(written.len() - 1);
    count.parse::<i64>().expect("a number") * if unit == "h" { 3_600_000 } else { 60_000 }
}
