//! A matcher in words.

use super::{Bound, Constant, Matcher, Point, Range};
use crate::{Value, Word, text};

/// How a phrase is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Say {
    pub(crate) past: bool,
    pub(crate) negated: bool,
    /// Whether the subject is several things: *the ticket's tags*.
    pub(crate) plural: bool,
}

impl Say {
    /// A form of *to be*.
    pub(crate) fn be(self) -> &'static str {
        match (self.past, self.plural, self.negated) {
            (false, false, false) => "is",
            (false, false, true) => "is not",
            (false, true, false) => "are",
            (false, true, true) => "are not",
            (true, false, false) => "was",
            (true, false, true) => "was not",
            (true, true, false) => "were",
            (true, true, true) => "were not",
        }
    }

    /// A form of a regular verb: *contain*, *contains*, *contained*.
    fn verb(self, infinitive: &str, past: &str) -> String {
        match (self.past, self.negated) {
            (true, false) => past.to_owned(),
            (true, true) => format!("did not {infinitive}"),
            (false, true) => format!("{} not {infinitive}", if self.plural { "do" } else { "does" }),
            (false, false) if self.plural => infinitive.to_owned(),
            (false, false) if infinitive.ends_with("ch") => format!("{infinitive}es"),
            (false, false) => format!("{infinitive}s"),
        }
    }
}

impl Matcher {
    /// What follows the subject: *is one of a or b*.
    pub(crate) fn predicate(&self, say: Say) -> String {
        match self {
            Matcher::Contains { written, .. } => {
                format!("{} {}", say.verb("contain", "contained"), text::in_quotes(written))
            }
            Matcher::Pattern(pattern) => format!("{} {}", say.verb("match", "matched"), slashed(pattern.as_str())),
            Matcher::OneOf(_) | Matcher::AllOf(_) if say.plural => {
                format!("{} {}", say.verb("include", "included"), self.core())
            }
            Matcher::Every(matchers) => {
                let said: Vec<_> = matchers.iter().map(|matcher| matcher.predicate(say)).collect();
                said.join(if say.negated { " or " } else { " and " })
            }
            _ => format!("{} {}", say.be(), self.core()),
        }
    }

    /// What follows the subject when its value is told first: *was 42 (below 50)*.
    pub(crate) fn predicate_with(&self, value: Value<'_>, say: Say) -> String {
        let say = Say { past: true, ..say };
        let not = if say.negated { "not " } else { "" };
        match self {
            Matcher::Contains { .. } | Matcher::Pattern(_) | Matcher::Known => self.predicate(say),
            Matcher::Every(matchers) if matchers.iter().any(Matcher::is_of_letters) => self.predicate(say),
            Matcher::OneOf(_) | Matcher::AllOf(_) if say.plural => {
                format!("were {} ({not}including {})", shown(value), self.core())
            }
            Matcher::OneOf(constants) if constants.len() == 1 && !say.negated => {
                format!("was {}", shown(value))
            }
            _ => {
                let be = Say { negated: false, ..say }.be();
                format!("{be} {} ({not}{})", shown(value), self.core())
            }
        }
    }

    /// What it says of a value, without a verb: *below 50*.
    pub(crate) fn core(&self) -> String {
        let named = |constants: &[Constant]| constants.iter().map(Constant::said).collect::<Vec<_>>();
        match self {
            Matcher::OneOf(constants) if constants.len() == 1 => constants[0].said(),
            Matcher::OneOf(constants) => format!("one of {}", text::join(&named(constants), "or")),
            Matcher::AllOf(constants) => format!("all of {}", text::join(&named(constants), "and")),
            Matcher::Range(range) => range.core(),
            Matcher::Contains { written, .. } => format!("with {}", text::in_quotes(written)),
            Matcher::Pattern(pattern) => format!("like {}", slashed(pattern.as_str())),
            Matcher::Known => "known".to_owned(),
            Matcher::Unknown => "unknown".to_owned(),
            Matcher::Empty => "empty".to_owned(),
            Matcher::Every(matchers) => matchers.iter().map(Matcher::core).collect::<Vec<_>>().join(" and "),
        }
    }

    /// Whether it looks into a text.
    fn is_of_letters(&self) -> bool {
        matches!(self, Matcher::Contains { .. } | Matcher::Pattern(_))
    }

    /// It in one fixed spelling.
    pub(crate) fn normal(&self) -> String {
        let sorted = |constants: &[Constant]| {
            let spelled = |one: &Constant| match one.point {
                Some(point) => format!("{point:?}|{:?}", one.folded),
                None if one.exact => format!("{:?}", one.written),
                None => format!("{:?}", one.folded),
            };
            let mut spelled: Vec<_> = constants.iter().map(spelled).collect();
            spelled.sort();
            spelled.dedup();
            spelled.join(",")
        };
        match self {
            Matcher::OneOf(constants) => format!("one({})", sorted(constants)),
            Matcher::AllOf(constants) => format!("all({})", sorted(constants)),
            Matcher::Range(range) => {
                let end = |bound: &Option<Bound>| match bound {
                    Some(bound) => format!("{:?}{}", bound.point, if bound.included { "=" } else { "" }),
                    None => String::new(),
                };
                format!("range({};{})", end(&range.low), end(&range.high))
            }
            Matcher::Contains { folded, .. } => format!("contains({folded:?})"),
            Matcher::Pattern(pattern) => format!("matches({:?})", pattern.as_str()),
            Matcher::Known => "known".to_owned(),
            Matcher::Unknown => "unknown".to_owned(),
            Matcher::Empty => "empty".to_owned(),
            Matcher::Every(matchers) => matchers.iter().map(Matcher::normal).collect::<Vec<_>>().join("&"),
        }
    }
}

impl Constant {
    /// It as a value in a sentence; a text that looks like a number or a truth value, and is none, in quotes.
    fn said(&self) -> String {
        let looks_otherwise = self.written.parse::<f64>().is_ok() || self.written.parse::<bool>().is_ok();
        match looks_otherwise && self.point.is_none() && self.bool.is_none() {
            true => text::in_quotes(&self.written),
            false => text::quoted(&self.written),
        }
    }
}

impl Range {
    /// *at least 20 and below 50*, *before 2026-04-01*
    pub(crate) fn core(&self) -> String {
        let ends = [self.low.as_ref().map(|low| low.core(true)), self.high.as_ref().map(|high| high.core(false))];
        ends.into_iter().flatten().collect::<Vec<_>>().join(" and ")
    }
}

impl Bound {
    fn core(&self, is_low: bool) -> String {
        let is_time = matches!(self.point, Point::Instant(_) | Point::Date(_));
        let word = match (is_low, self.included, is_time) {
            (true, true, false) => "at least",
            (true, true, true) => "at or after",
            (true, false, false) => "above",
            (true, false, true) => "after",
            (false, true, false) => "at most",
            (false, true, true) => "at or before",
            (false, false, false) => "below",
            (false, false, true) => "before",
        };
        format!("{word} {}", if is_time { self.written.clone() } else { text::quoted(&self.written) })
    }
}

/// A pattern between slashes, its own escaped.
fn slashed(pattern: &str) -> String {
    format!("/{}/", pattern.replace('/', r"\/"))
}

/// A value for people.
pub(crate) fn shown(value: Value<'_>) -> String {
    match value {
        Value::Text(word) => word_shown(word),
        Value::Number(number) => text::number(number),
        Value::Bool(value) => value.to_string(),
        Value::Instant(at) => text::instant(at),
        Value::List(list) => text::join(&list.iter().map(word_shown).collect::<Vec<_>>(), "and"),
    }
}

/// A text for people, behind what its source calls it: *payment → billing*.
fn word_shown(word: Word<'_>) -> String {
    let quoted = |text| text::quoted(&text::cut(text));
    match word.told {
        None => quoted(word.text),
        Some("") => format!("blank → {}", quoted(word.text)),
        Some(told) => format!("{} → {}", quoted(told), quoted(word.text)),
    }
}
