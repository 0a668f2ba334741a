//! How data looks: tables for people, JSON for programs, instants and durations, colour only where it is welcome.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use chrono::DateTime;
use clap::ValueEnum;
use clap::builder::styling::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use tierline_model::Millis;
pub use tierline_model::plain_instant as instant;

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// An instant as it is written in an argument.
pub fn read_instant(text: &str) -> Result<Millis, String> {
    let parsed = DateTime::parse_from_rfc3339(text).map(|at| at.timestamp_millis());
    parsed.map_err(|_| "an instant has a date, a time and an offset: 2026-03-31T00:00:00Z".to_owned())
}

/// `2 h 5 min`: the two greatest units; a negative one is its amount.
pub fn duration(length: Millis) -> String {
    const UNITS: [(Millis, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let mut rest = length.abs();
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        if rest >= unit {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
        if parts.len() == 2 {
            break;
        }
    }
    match parts.is_empty() {
        true => "0 s".to_owned(),
        false => parts.join(" "),
    }
}

/// A text of others as a terminal may have it: control characters, which could move its cursor, colour it or end the
/// line, are written as `\n` or `\u{1b}`.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char.is_control() {
            true => shown.extend(char.escape_default()),
            false => shown.push(char),
        }
    }
    Cow::Owned(shown)
}

/// The same of several lines, which stay lines.
pub fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// `1 mistake`, `2 mistakes`.
pub fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Columns with a header, as wide as the terminal allows.
pub fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> io::Result<()> {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>());
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| plain(cell).into_owned()).collect::<Vec<_>>()));
    line(table.trim_fmt())
}

/// One line to standard output. Fails where `println!` would panic: when nobody reads any more.
pub fn line(text: impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// One line to standard error. Where that is gone or full it is lost, and what the command does goes on: `eprintln!`
/// would panic.
pub fn note(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Pretty JSON to standard output.
pub fn json(value: &serde_json::Value) -> io::Result<()> {
    line(format_args!("{value:#}"))
}

/// Colours, or none: where the output isn't a terminal, or `NO_COLOR` is set.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// For what goes to this stream.
    pub fn of(stream: &impl IsTerminal) -> Paint {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let knows_none = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Paint { on: stream.is_terminal() && !unwanted && !knows_none }
    }

    /// No colours.
    #[cfg(test)]
    pub fn none() -> Paint {
        Paint { on: false }
    }

    /// Whether there are colours at all.
    pub fn on(self) -> bool {
        self.on
    }

    /// What is to be seen first.
    pub fn strong(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// What is there for whoever looks for it.
    pub fn faint(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// Tier 3 red, tier 2 yellow, what ended well green.
    pub fn tier(self, tier: u8, text: &str) -> String {
        let colour = match tier {
            3.. => AnsiColor::Red,
            2 => AnsiColor::Yellow,
            _ => AnsiColor::Green,
        };
        self.with(Style::new().bold().fg_color(Some(colour.into())), text)
    }

    fn with(self, style: Style, text: &str) -> String {
        match self.on {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_shows_its_two_greatest_units() {
        assert_eq!(duration(7_200_000), "2 h");
        assert_eq!(duration(7_500_999), "2 h 5 min");
        assert_eq!(duration(90_061_000), "1 d 1 h");
        assert_eq!(duration(86_400_000 + 59_000), "1 d 59 s");
        assert_eq!(duration(999), "0 s");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left_in_a_text() {
        assert_eq!(plain("Grüße an alle"), "Grüße an alle");
        assert_eq!(plain("a\u{1b}[2Jb\nc\rd\u{9b}31m\u{7f}"), r"a\u{1b}[2Jb\nc\rd\u{9b}31m\u{7f}");
    }

    #[test]
    fn an_instant_shows_milliseconds_only_where_there_are_any() {
        assert_eq!(instant(1_772_417_045_000), "2026-03-02T02:04:05Z");
        assert_eq!(instant(1_772_417_045_007), "2026-03-02T02:04:05.007Z");
    }
}
