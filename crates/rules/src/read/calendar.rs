//! `calendars`: when teams work.

use std::collections::BTreeMap;
use std::str::FromStr;

use tierline_sla::{Calendar, Day, NaiveDate, Span, Tz, Week, weekdays};

use crate::scope::Calendars;
use crate::source::{self, Diagnostics, Entry, Keys, Kind, Node, codes};
use crate::{NamedCalendar, read};

/// `policy` is what a rule calls the calendar of its ticket's policy.
const RESERVED: [&str; 2] = [Calendars::ALWAYS, "policy"];

/// Zones that say the same all the year, and places whose people say so in winter.
const WITHOUT_SUMMER_TIME: [(&str, &str); 3] =
    [("EST", "America/New_York"), ("MST", "America/Denver"), ("HST", "Pacific/Honolulu")];

/// Reads all calendars; those with mistakes are known by name alone.
pub(super) fn all(section: Option<&Node>, found: &mut Diagnostics) -> Calendars {
    let mut calendars = Calendars::default();
    let Some(section) = section.filter(|node| !node.is_null()) else { return calendars };
    let Kind::Map(entries) = &section.kind else {
        source::wrong_kind(section, "`calendars` is a map of names and calendars", found);
        return calendars;
    };
    for Entry { key, value } in entries {
        let name = key.text.clone();
        if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` is built in and cannot be made anew");
            found.mistake(codes::ID, &key.span, message).help("give it another name");
            continue;
        }
        let is_name = read::id(&name, &key.span, "a calendar", found);
        match calendar(value, found).filter(|_| is_name) {
            Some(calendar) => calendars.named.push(NamedCalendar { name, calendar }),
            None => calendars.mistaken.push(name),
        }
    }
    calendars
}

fn calendar(node: &Node, found: &mut Diagnostics) -> Option<Calendar> {
    let mistakes = found.mistakes();
    let mut keys = Keys::of(node, "a calendar", found)?;
    let zone = keys.required("time_zone", found).and_then(|node| zone(node, found));
    let week = keys.required("hours", found).and_then(|node| week(node, found));
    let special = keys.optional("holidays").map_or_else(BTreeMap::new, |node| holidays(node, found));
    keys.finish(found);
    let (zone, week) = (zone?, week?);
    (found.mistakes() == mistakes).then(|| Calendar::business(zone, week, special))
}

fn zone(node: &Node, found: &mut Diagnostics) -> Option<Tz> {
    let written = source::text(node, "`time_zone`", found)?;
    let zone = Tz::from_str(written).ok();
    if zone.is_none() {
        let help = tz_like(written).unwrap_or_else(|| "write a zone of the tz database: `Europe/Berlin`".to_owned());
        found.mistake(codes::UNKNOWN_WORD, &node.span, format!("there is no time zone `{written}`")).help(help);
    }
    if let Some((_, place)) = WITHOUT_SUMMER_TIME.iter().find(|(name, _)| *name == written) {
        found
            .warning(codes::DOUBTFUL, &node.span, format!("`{written}` has no summer time"))
            .help(format!("name the place whose clocks are meant: `{place}`"));
    }
    zone
}

/// A zone that was probably meant; `Berlin` is `Europe/Berlin`.
fn tz_like(written: &str) -> Option<String> {
    let names = || tierline_sla::zones().map(Tz::name);
    let city = |name: &str| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(written));
    let exact = names().find(|name| name.eq_ignore_ascii_case(written) || city(name));
    exact.map(|name| format!("did you mean `{name}`?")).or_else(|| source::did_you_mean(written, names()))
}

/// `{ mon-fri: ["09:00-12:30", "13:30-18:00"], sat: "10:00-14:00" }`
fn week(node: &Node, found: &mut Diagnostics) -> Option<Week> {
    let Kind::Map(entries) = &node.kind else {
        source::wrong_kind(node, "`hours` is a map of days and their hours", found);
        found.items.last_mut().map(|mistake| mistake.help("such as `{ mon-fri: [\"09:00-17:00\"] }`"));
        return None;
    };
    let mistakes = found.mistakes();
    let mut week = Week::default();
    for Entry { key, value } in entries {
        let Some(days) = weekdays(&key.text) else {
            let help = days_like(&key.text).map_or_else(
                || "write `mon` to `sun`, or several in a row such as `mon-fri`".to_owned(),
                |days| format!("did you mean `{days}`?"),
            );
            found.mistake(codes::UNKNOWN_KEY, &key.span, format!("`{}` is no day of the week", key.text)).help(help);
            continue;
        };
        for (node, span) in spans(value, found) {
            let overlaps = days.iter().filter(|&&day| !week.open(day, span)).count();
            if overlaps > 0 {
                overlap(node, span, found);
            }
        }
    }
    if week.is_closed() && found.mistakes() == mistakes {
        found
            .mistake(codes::EMPTY, &node.span, "this calendar is never open")
            .help("write its hours, such as `mon-fri: [\"09:00-17:00\"]`");
    }
    (found.mistakes() == mistakes).then_some(week)
}

/// Days that were probably meant: `Monday – Friday` is `mon-fri`.
fn days_like(written: &str) -> Option<String> {
    let word = match written.to_lowercase().as_str() {
        "weekdays" | "workdays" => Some("mon-fri"),
        "weekend" | "weekends" => Some("sat-sun"),
        "daily" | "every day" => Some("mon-sun"),
        _ => None,
    };
    if let Some(days) = word {
        return Some(days.to_owned());
    }
    let row = written.to_lowercase().replace(['–', '—'], "-").replace(" to ", "-");
    let short = row.split('-').map(|day| day.trim().get(..3)).collect::<Option<Vec<_>>>()?.join("-");
    weekdays(&short).map(|_| short)
}

/// One or several spans of hours, with the place of each.
fn spans<'n>(node: &'n Node, found: &mut Diagnostics) -> Vec<(&'n Node, Span)> {
    let nodes = match &node.kind {
        Kind::List(nodes) => nodes.as_slice(),
        Kind::Map(_) | Kind::Scalar(_) => std::slice::from_ref(node),
    };
    let mut spans = Vec::new();
    for node in nodes {
        let Some(written) = source::text(node, "the hours of a day", found) else { continue };
        match written.parse::<Span>() {
            Ok(span) => spans.push((node, span)),
            Err(error) => {
                found
                    .mistake(codes::HOURS, &node.span, error.to_string())
                    .help("from opening to closing, such as `09:00-17:30`; `22:00-06:00` runs on into the next day");
            }
        }
    }
    spans
}

fn overlap(node: &Node, span: Span, found: &mut Diagnostics) {
    found
        .mistake(codes::HOURS, &node.span, format!("some of `{span}` is open already"))
        .help("each hour of a week stands once");
}

/// `[2026-12-25, { date: 2026-12-24, hours: ["09:00-12:00"] }]`
fn holidays(node: &Node, found: &mut Diagnostics) -> BTreeMap<NaiveDate, Day> {
    let mut holidays = BTreeMap::new();
    let Kind::List(nodes) = &node.kind else {
        source::wrong_kind(node, "`holidays` is a list of dates", found);
        found.items.last_mut().map(|mistake| mistake.help("such as `[2026-12-25]`"));
        return holidays;
    };
    for node in nodes {
        let Some((place, date, day)) = holiday(node, found) else { continue };
        if holidays.insert(date, day).is_some() {
            found.mistake(codes::DUPLICATE_ID, &place.span, format!("the holiday {date} stands twice"));
        }
    }
    holidays
}

/// A date that is closed, or the hours that it has instead of its weekday's.
fn holiday<'n>(node: &'n Node, found: &mut Diagnostics) -> Option<(&'n Node, NaiveDate, Day)> {
    if !matches!(node.kind, Kind::Map(_)) {
        return Some((node, date(node, found)?, Day::default()));
    }
    let mut keys = Keys::of(node, "a holiday", found)?;
    let place = keys.required("date", found)?;
    let date = date(place, found);
    let mut day = Day::default();
    for (node, span) in keys.optional("hours").map_or_else(Vec::new, |node| spans(node, found)) {
        if span.is_overnight() {
            found
                .mistake(codes::HOURS, &node.span, "the hours of a holiday end by midnight")
                .help("write `24:00` for midnight, and the rest on the next date");
        } else if !day.open(span) {
            overlap(node, span, found);
        }
    }
    keys.finish(found);
    Some((place, date?, day))
}

fn date(node: &Node, found: &mut Diagnostics) -> Option<NaiveDate> {
    let written = source::text(node, "a holiday", found)?;
    let date = NaiveDate::parse_from_str(written, "%Y-%m-%d").ok();
    if date.is_none() {
        found
            .mistake(codes::INSTANT, &node.span, format!("`{written}` is no date"))
            .help("a date is year, month and day: `2026-12-25`");
    }
    date
}
