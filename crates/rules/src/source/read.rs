//! Nodes into values, with a mistake for each that is not one.

use tierline_model::Millis;
use tierline_sla::Length;

use super::{Diagnostics, Entry, Key, Kind, Node, codes, did_you_mean, meant};

/// The keys of a map, read one by one; whatever is left in the end is unknown.
pub struct Keys<'n> {
    node: &'n Node,
    what: &'n str,
    entries: &'n [Entry],
    asked: Vec<&'static str>,
    /// Keys that stand elsewhere now, and where.
    moved: Vec<(&'static str, &'static str)>,
}

impl<'n> Keys<'n> {
    /// The keys of a node that is to be a map; `what` is what it says, for messages: *a rule*.
    pub fn of(node: &'n Node, what: &'n str, found: &mut Diagnostics) -> Option<Keys<'n>> {
        match &node.kind {
            Kind::Map(entries) => Some(Keys { node, what, entries, asked: Vec::new(), moved: Vec::new() }),
            _ => {
                wrong_kind(node, &format!("{what} is a map of keys"), found);
                None
            }
        }
    }

    /// The value of a key that may be left out; a key without a value counts as left out.
    pub fn optional(&mut self, key: &'static str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// The value of a key that must be there.
    pub fn required(&mut self, key: &'static str, found: &mut Diagnostics) -> Option<&'n Node> {
        let value = self.optional(key);
        if value.is_none() {
            found.mistake(codes::MISSING_KEY, &self.node.span, format!("{} needs `{key}`", self.what));
        }
        value
    }

    /// A key of the contract that this version refuses.
    pub fn not_built(&mut self, key: &'static str, found: &mut Diagnostics) {
        if let Some(entry) = self.entry(key) {
            not_built(&entry.key, found);
        }
    }

    /// Where a key stands now that once stood here: whoever still writes it here is told.
    pub fn moved(&mut self, key: &'static str, to: &'static str) {
        self.moved.push((key, to));
    }

    /// Whether each of its keys has been asked for: then none is a misspelt one.
    pub fn all_asked(&self) -> bool {
        self.entries.iter().all(|entry| self.asked.contains(&entry.key.text.as_str()))
    }

    /// Says which keys mean nothing.
    pub fn finish(self, found: &mut Diagnostics) {
        for Entry { key, .. } in self.entries.iter().filter(|entry| !self.asked.contains(&entry.key.text.as_str())) {
            let moved = self.moved.iter().find(|(moved, _)| *moved == key.text);
            let help = moved.map(|(_, to)| format!("it is `{to}` now"));
            let help = help
                .or_else(|| did_you_mean(&key.text, self.asked.iter().copied()))
                .unwrap_or_else(|| format!("its keys are {}", listed(self.asked.iter().copied())));
            found.mistake(codes::UNKNOWN_KEY, &key.span, format!("{} has no key `{}`", self.what, key.text)).help(help);
        }
    }

    /// The key and its value, as they stand.
    pub fn entry(&mut self, key: &'static str) -> Option<&'n Entry> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.iter().find(|entry| entry.key.text == key)
    }
}

/// Says that a part of the contract cannot be used yet.
pub fn not_built(key: &Key, found: &mut Diagnostics) {
    found
        .mistake(codes::NOT_BUILT, &key.span, format!("`{}` is not built yet", key.text))
        .help("this version refuses it rather than ignore it; leave it out");
}

/// Says that a map, a list or a single value stands where another is wanted.
pub fn wrong_kind(node: &Node, wanted: &str, found: &mut Diagnostics) {
    found.mistake(codes::WRONG_KIND, &node.span, wanted).label(format!("this is {}", node.what()));
}

/// A single value as a text, whatever it looks like.
pub fn text<'n>(node: &'n Node, what: &str, found: &mut Diagnostics) -> Option<&'n str> {
    match node.scalar().filter(|scalar| !scalar.is_null()) {
        Some(scalar) => Some(&scalar.text),
        None => {
            wrong_kind(node, &format!("{what} is a single text"), found);
            None
        }
    }
}

/// A list of texts; a single one is a list of one.
pub fn texts(node: &Node, what: &str, found: &mut Diagnostics) -> Option<Vec<String>> {
    match &node.kind {
        Kind::List(nodes) => {
            let read: Vec<_> = nodes.iter().map(|node| text(node, what, found).map(str::to_owned)).collect();
            read.into_iter().collect()
        }
        _ => text(node, what, found).map(|one| vec![one.to_owned()]),
    }
}

/// `true` or `false`.
pub fn boolean(node: &Node, what: &str, found: &mut Diagnostics) -> Option<bool> {
    let read = node.scalar().and_then(super::Scalar::bool);
    if read.is_none() {
        found.mistake(codes::UNKNOWN_WORD, &node.span, format!("{what} is `true` or `false`"));
    }
    read
}

/// A number within these bounds, both included.
pub fn number(node: &Node, what: &str, within: (f64, f64), found: &mut Diagnostics) -> Option<f64> {
    let Some(read) = node.scalar().and_then(super::Scalar::number) else {
        let mistake = found.mistake(codes::NUMBER, &node.span, format!("{what} is a number")).label("not a number");
        node.scalar().and_then(meant::number).map(|help| mistake.help(help));
        return None;
    };
    let (least, most) = within;
    if read < least || read > most {
        let bounds = match (least.is_finite(), most.is_finite()) {
            (true, true) => format!("{what} lies between {least} and {most}"),
            (true, false) => format!("{what} is {least} or more"),
            _ => format!("{what} is {most} or less"),
        };
        found.mistake(codes::NUMBER, &node.span, bounds).label("out of range");
        return None;
    }
    Some(read)
}

/// A whole number within these bounds, both included.
pub fn whole(node: &Node, what: &str, within: (u32, u32), found: &mut Diagnostics) -> Option<u32> {
    let read = number(node, what, (f64::from(within.0), f64::from(within.1)), found)?;
    if read.fract() != 0.0 {
        found.mistake(codes::NUMBER, &node.span, format!("{what} is a whole number"));
        return None;
    }
    Some(read as u32)
}

/// One of these words.
pub fn word<T: Copy>(node: &Node, what: &str, words: &[(&'static str, T)], found: &mut Diagnostics) -> Option<T> {
    let written = text(node, what, found)?;
    let read = words.iter().find(|(word, _)| *word == written).map(|(_, value)| *value);
    if read.is_none() {
        unknown_word(node, what, written, words.iter().map(|(word, _)| *word), found);
    }
    read
}

/// Says that a word is none of those allowed.
pub fn unknown_word<'a>(
    node: &Node,
    what: &str,
    written: &str,
    words: impl Iterator<Item = &'a str> + Clone,
    found: &mut Diagnostics,
) {
    let help = did_you_mean(written, words.clone()).unwrap_or_else(|| format!("write one of {}", listed(words)));
    found.mistake(codes::UNKNOWN_WORD, &node.span, format!("{what} is never `{written}`")).help(help);
}

/// A duration in milliseconds, more than nothing: `90s`, `30m`, `2h`, `7d`.
pub fn duration(node: &Node, what: &str, found: &mut Diagnostics) -> Option<Millis> {
    let read = duration_or_none(node, what, found)?;
    if read == 0 {
        found.mistake(codes::DURATION, &node.span, format!("{what} is longer than nothing"));
        return None;
    }
    Some(read)
}

/// A duration in milliseconds that may be nothing: `0s`.
pub fn duration_or_none(node: &Node, what: &str, found: &mut Diagnostics) -> Option<Millis> {
    let written = match node.scalar().filter(|scalar| !scalar.is_null()) {
        Some(scalar) => scalar.text.trim(),
        None => {
            wrong_kind(node, &format!("{what} is a duration such as `2h`"), found);
            return None;
        }
    };
    match parse_duration(written) {
        Ok(length) => Some(length),
        Err(help) => {
            found
                .mistake(codes::DURATION, &node.span, format!("{what} is a duration such as `2h`"))
                .label("not a duration")
                .help(help);
            None
        }
    }
}

/// A duration as it is written, in milliseconds: a whole number and `ms`, `s`, `m`, `h` or `d` (24 hours). The error
/// says what was probably meant.
pub fn parse_duration(written: &str) -> Result<Millis, String> {
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = written.split_at(digits);
    let general = || "write a whole number and its unit: `90s`, `30m`, `2h` or `7d`".to_owned();
    let count = match count.parse::<Millis>() {
        Ok(count) => count,
        Err(_) if digits > 0 => return Err("that is longer than a century".to_owned()),
        Err(_) => return Err(general()),
    };
    let length = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" => return Err(format!("a duration carries its unit: `{count}s`, `{count}m`, `{count}h` or `{count}d`?")),
        other => {
            let meant = match other.trim().to_lowercase().as_str() {
                "sec" | "secs" | "second" | "seconds" => Ok(format!("{count}s")),
                "min" | "mins" | "minute" | "minutes" => Ok(format!("{count}m")),
                "hr" | "hrs" | "hour" | "hours" | "h" => Ok(format!("{count}h")),
                "day" | "days" | "d" => Ok(format!("{count}d")),
                "w" | "week" | "weeks" => Ok(format!("{}d", count.saturating_mul(7))),
                _ => Err(()),
            };
            return Err(meant.map_or_else(|()| general(), |meant| format!("did you mean `{meant}`?")));
        }
    };
    const CENTURY: Millis = 36_525 * 86_400_000;
    count.checked_mul(length).filter(|&all| all <= CENTURY).ok_or_else(|| "that is longer than a century".to_owned())
}

/// How long something may take: `30m`, `24h`, `24 business hours`, `3 business days`. Days alone are refused.
pub fn target(node: &Node, found: &mut Diagnostics) -> Option<Length> {
    let Some(scalar) = node.scalar().filter(|scalar| !scalar.is_null()) else {
        wrong_kind(node, "a target is a duration such as `4h` or `3 business days`", found);
        return None;
    };
    match parse_target(scalar.text.trim()) {
        Ok(length) => Some(length),
        Err(WrongTarget { message, help }) => {
            found.mistake(codes::DURATION, &node.span, message).help(help);
            None
        }
    }
}

/// Why a text is no target, and what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongTarget {
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: String,
}

/// A target as it is written.
pub fn parse_target(written: &str) -> Result<Length, WrongTarget> {
    const MOST_DAYS: u32 = 3_650;
    let wrong = |message: &str, help: String| WrongTarget { message: message.to_owned(), help };
    let no_length = "a target is a duration such as `4h` or `3 business days`";
    let length = match written.split_once(' ').map(|(count, unit)| (count, unit.trim())) {
        Some((count, "business day" | "business days")) => {
            let days = count.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
            let help = || wrong(no_length, format!("write a whole number of business days, at most {MOST_DAYS}"));
            return days.map(Length::BusinessDays).ok_or_else(help);
        }
        Some((count, "business hour" | "business hours")) => parse_duration(&format!("{count}h")),
        Some((count, "business minute" | "business minutes")) => parse_duration(&format!("{count}m")),
        _ => parse_duration(written),
    };
    let length = length.map_err(|help| wrong(no_length, help))?;
    if length == 0 {
        return Err(wrong("a target is longer than nothing", "such as `4h`".to_owned()));
    }
    if let Some(days) = written.strip_suffix('d') {
        let hours = length / 3_600_000;
        let help = format!("write `{hours}h` for {days} days of 24 hours each, or `{days} business days`");
        return Err(wrong("a target in days could mean days of 24 hours or days of work", help));
    }
    Ok(Length::Time(length))
}

/// Words in a row, each in back quotes.
pub fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        for (written, length) in
            [("250ms", 250), ("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000), ("7d", 604_800_000), ("0s", 0)]
        {
            assert_eq!(parse_duration(written), Ok(length), "{written}");
        }
    }

    #[test]
    fn targets_are_durations_or_business_time() {
        assert_eq!(parse_target("30m"), Ok(Length::Time(1_800_000)));
        assert_eq!(parse_target("24 business hours"), Ok(Length::Time(86_400_000)));
        assert_eq!(parse_target("1 business day"), Ok(Length::BusinessDays(1)));
        for written in ["2d", "0h", "0 business days", "3 business weeks", "4000 business days", ""] {
            assert!(parse_target(written).is_err(), "{written}");
        }
    }

    #[test]
    fn a_wrong_duration_is_answered_with_what_was_probably_meant() {
        let general = "write a whole number and its unit: `90s`, `30m`, `2h` or `7d`";
        for (written, help) in [
            ("2 hours", "did you mean `2h`?"),
            ("5min", "did you mean `5m`?"),
            ("1w", "did you mean `7d`?"),
            ("2H", "did you mean `2h`?"),
            ("90", "a duration carries its unit: `90s`, `90m`, `90h` or `90d`?"),
            ("1.5h", general),
            ("-2h", general),
            ("", general),
            ("40000d", "that is longer than a century"),
            ("99999999999999999999s", "that is longer than a century"),
        ] {
            assert_eq!(parse_duration(written), Err(help.to_owned()), "{written}");
        }
    }
}
