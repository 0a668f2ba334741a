//! Durations, instants and dates as people write them.

use tierline_model::{date_or_instant_text, instant_text, parse_date_or_instant, parse_instant};
use tierline_rules::source::parse_duration;

/// What is read can be shown, and what is shown is read as the same.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = parse_duration(text);
    if let Some(at) = parse_instant(text)
        && let Some(again) = parse_instant(&instant_text(at))
    {
        assert_eq!(again, at);
    }
    if let Some(date) = parse_date_or_instant(text)
        && let Some(again) = parse_date_or_instant(&date_or_instant_text(date))
    {
        assert_eq!(again, date);
    }
}
