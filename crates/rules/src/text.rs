//! How things are said: durations, numbers, texts, lists of phrases. Each in this one place.

use tierline_model::Millis;

use crate::rule::Leaf;
use crate::tree::{Sense, Tree};

const UNITS: [(Millis, &str); 5] =
    [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"), (1, "millisecond")];

/// A duration in words, in the largest unit that says it exactly: *2 hours*, *90 minutes*.
pub(crate) fn duration(length: Millis) -> String {
    if length == 0 {
        return "0 seconds".to_owned();
    }
    let (unit, name) = UNITS.into_iter().find(|(unit, _)| length % unit == 0).unwrap_or((1, "millisecond"));
    let count = length / unit;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// The same in hours at most: a day of business time has no one length.
pub(crate) fn hours(length: Millis) -> String {
    const HOUR: Millis = 3_600_000;
    if length % HOUR == 0 && length != 0 { count((length / HOUR).unsigned_abs(), "hour") } else { duration(length) }
}

/// A number as a person would write it.
pub(crate) fn number(number: f64) -> String {
    // `+ 0.0` makes a negative zero positive.
    format!("{}", number + 0.0)
}

/// An instant in UTC, RFC 3339.
pub(crate) fn instant(at: Millis) -> String {
    match chrono::DateTime::from_timestamp_millis(at) {
        Some(instant) => instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        None => format!("{at} ms"),
    }
}

/// A text that may be long, cut and marked.
pub(crate) fn cut(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A count and its noun: *1 ticket*, *5 tickets*.
pub(crate) fn count(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What a count must be and its noun: *at least 1 ticket*, *2 or 3 tickets*.
pub(crate) fn counted(wanted: &str, noun: &str) -> String {
    let wanted = wanted.strip_prefix("one of ").unwrap_or(wanted);
    let plural = if wanted == "1" || wanted.ends_with(" 1") { "" } else { "s" };
    format!("{wanted} {noun}{plural}")
}

/// A text as a value in a sentence: in quotes unless it is one plain word that means nothing else there.
pub(crate) fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.@".contains(c));
    let means_more = matches!(text, "known" | "unknown" | "empty");
    if plain && !means_more { text.to_owned() } else { in_quotes(text) }
}

/// A text in quotes, its own escaped: two texts never look the same.
pub(crate) fn in_quotes(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Phrases as one: *a, b and c*.
pub(crate) fn join(phrases: &[String], word: &str) -> String {
    match phrases {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} {word} {last}", most.join(", ")),
    }
}

/// A phrase as a sentence: a capital at its beginning, a full stop at its end.
pub(crate) fn sentence(phrase: &str) -> String {
    let mut letters = phrase.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).chain(['.']).collect()).unwrap_or_default()
}

/// A tree of conditions in the present tense. What is nested stands in parentheses.
pub(crate) fn tree(tree: &Tree, leaves: &[Leaf], nested: bool) -> String {
    let (children, word) = match tree {
        Tree::Leaf(index, sense) => {
            return leaves[*index].condition.present(matches!(sense, Sense::Negated | Sense::NotYes));
        }
        Tree::All(children) => (children, " and "),
        Tree::Any(children) => (children, " or "),
    };
    let phrases: Vec<String> = children.iter().map(|child| self::tree(child, leaves, true)).collect();
    let said = phrases.join(word);
    if nested { format!("({said})") } else { said }
}

/// A phrase that has a *has* in it, in the past tense.
pub(crate) fn past(phrase: &str) -> String {
    phrase.replacen(" has ", " had ", 1)
}
