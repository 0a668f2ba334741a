//! What a question of business time costs: `cargo bench --bench sla`.
//!
//! A calendar of a zone with two spans a day and twenty holidays a year; deadlines and elapsed times that reach across
//! a year, from instants all over 2026. A deadline may take 500 ns.

use std::hint::black_box;
use std::time::Instant;

use tierline_sla::{Calendar, Day, Length, NaiveDate, Span, Tz, Week, weekdays};

const HOUR: i64 = 3_600_000;
/// 2026-01-01.
const START: i64 = 1_767_225_600_000;
const QUESTIONS: i64 = 1_000_000;

fn main() {
    let began = Instant::now();
    let calendar = calendar();
    println!("made in                                {:>9.1} µs", began.elapsed().as_secs_f64() * 1e6);
    // A year of work: 261 days less 20, eight hours each.
    let year = 241 * 8 * HOUR;
    let due = measure("a deadline across a year, 20 holidays", |from| calendar.due(from, year));
    measure("the time elapsed across a year", |from| calendar.elapsed(from, from + 365 * 24 * HOUR));
    measure("a deadline of four hours", |from| calendar.due(from, 4 * HOUR));
    measure("three business days, as time", |from| calendar.length(from, Length::BusinessDays(3)));
    assert!(due <= 500.0, "a deadline took {due:.0} ns");
}

/// Nanoseconds a question, the best of five runs.
fn measure(what: &str, ask: impl Fn(i64) -> i64) -> f64 {
    let run = || {
        let began = Instant::now();
        for question in 0..QUESTIONS {
            // Spread over the year, in no order.
            black_box(ask(black_box(START + question * 7_919_003 % (365 * 24 * HOUR))));
        }
        began.elapsed().as_secs_f64() * 1e9 / QUESTIONS as f64
    };
    let best = (0..5).map(|_| run()).fold(f64::INFINITY, f64::min);
    println!("{what:<38} {best:>9.1} ns");
    best
}

fn calendar() -> Calendar {
    let span = |text: &str| text.parse::<Span>().expect("hours");
    let mut week = Week::default();
    for day in weekdays("mon-fri").expect("days") {
        week.open(day, span("09:00-12:30"));
        week.open(day, span("13:30-18:00"));
    }
    let holidays = (2024..=2028).flat_map(|year| {
        (0..20).filter_map(move |nth| NaiveDate::from_yo_opt(year, 9 + nth * 18)).map(|date| (date, Day::default()))
    });
    Calendar::business(Tz::Europe__Berlin, week, holidays)
}
