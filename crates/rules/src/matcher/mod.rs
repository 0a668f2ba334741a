//! What a value is compared with: the right-hand side of a condition.

mod excludes;
mod parse;
mod say;

use regex::Regex;
use tierline_model::{Millis, Priority};

pub(crate) use parse::{Field, Shape, Single};
pub(crate) use say::{Say, shown};

use crate::{FOREIGN, Facts, Value, fold};

/// What a value must be.
#[derive(Clone, Debug)]
pub(crate) enum Matcher {
    /// One of these. Of a list: it has one of these.
    OneOf(Vec<Constant>),
    /// A list that has all of these.
    AllOf(Vec<Constant>),
    /// A number, an instant or a priority within bounds.
    Range(Range),
    /// A text with this in it, without regard to case.
    Contains {
        /// As it was written.
        written: String,
        /// As texts are compared.
        folded: String,
    },
    /// A text that matches, with regard to case. Of a list: one that has such a text.
    Pattern(Regex),
    /// There is a value.
    Known,
    /// Nobody has said anything.
    Unknown,
    /// Somebody said that it is empty.
    Empty,
    /// Each of these holds.
    Every(Vec<Matcher>),
}

/// A value as it was written in a rule.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    pub(crate) written: String,
    folded: String,
    /// Its number among the rule set's texts; `FOREIGN` for what is compared with regard to case.
    text: u32,
    exact: bool,
    bool: Option<bool>,
    point: Option<Point>,
}

/// A place on a line: a number, an instant in milliseconds, a priority's rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Point {
    Number(f64),
    Instant(Millis),
    /// Days since 1970-01-01: midnight in the account's zone.
    Date(i32),
    Rank(Priority),
}

/// Between two points; at least one of them is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Range {
    pub(crate) low: Option<Bound>,
    pub(crate) high: Option<Bound>,
}

/// An end of a range.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) point: Point,
    pub(crate) included: bool,
    written: String,
}

impl Matcher {
    /// Whether it asks only whether anything was told, and so is decided on what was never told, too.
    pub(crate) fn is_of_telling(&self) -> bool {
        matches!(self, Matcher::Known | Matcher::Unknown | Matcher::Empty)
    }

    /// Whether a value is what it must be.
    pub(crate) fn holds(&self, value: Value<'_>, facts: &dyn Facts) -> bool {
        match self {
            Matcher::OneOf(constants) => constants.iter().any(|constant| constant.is(value, facts)),
            Matcher::AllOf(constants) => constants.iter().all(|constant| constant.is(value, facts)),
            Matcher::Range(range) => range.holds(value, facts),
            Matcher::Contains { folded, .. } => any_text(value, &mut |text| fold::contains(text, folded)),
            Matcher::Pattern(pattern) => any_text(value, &mut |text| pattern.is_match(text)),
            Matcher::Known => true,
            Matcher::Unknown | Matcher::Empty => false,
            Matcher::Every(matchers) => matchers.iter().all(|matcher| matcher.holds(value, facts)),
        }
    }

    /// Whether a text is that is not numbered.
    pub(crate) fn holds_text(&self, text: &str) -> bool {
        match self {
            Matcher::OneOf(constants) => constants.iter().any(|constant| constant.is_text(text, FOREIGN)),
            Matcher::AllOf(constants) => constants.iter().all(|constant| constant.is_text(text, FOREIGN)),
            Matcher::Contains { folded, .. } => fold::contains(text, folded),
            Matcher::Pattern(pattern) => pattern.is_match(text),
            Matcher::Every(matchers) => matchers.iter().all(|matcher| matcher.holds_text(text)),
            Matcher::Known => true,
            Matcher::Range(_) | Matcher::Unknown | Matcher::Empty => false,
        }
    }

    /// The numbers of the texts of which a value must be, or have, one; `None`: that is not all that it asks.
    pub(crate) fn texts(&self) -> Option<Box<[u32]>> {
        let Matcher::OneOf(constants) = self else { return None };
        constants.iter().map(|constant| Some(constant.text).filter(|&text| text != FOREIGN)).collect()
    }

    /// The words that a value is compared with, as they were written; numbers are words too.
    pub(crate) fn words(&self) -> Vec<String> {
        let is_instant = |constant: &&Constant| matches!(constant.point, Some(Point::Instant(_) | Point::Date(_)));
        match self {
            Matcher::OneOf(constants) | Matcher::AllOf(constants) => {
                let words = constants.iter().filter(|constant| !is_instant(constant));
                words.map(|constant| constant.written.clone()).collect()
            }
            Matcher::Every(matchers) => matchers.iter().flat_map(Matcher::words).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a number is.
    pub(crate) fn holds_number(&self, number: f64) -> bool {
        match self {
            Matcher::OneOf(constants) => constants.iter().any(|constant| constant.point == Some(Point::Number(number))),
            Matcher::Range(range) => range.holds_at(|point| match point {
                Point::Number(bound) => number.partial_cmp(&bound),
                _ => None,
            }),
            Matcher::Every(matchers) => matchers.iter().all(|matcher| matcher.holds_number(number)),
            Matcher::Known => true,
            _ => false,
        }
    }

    /// The whole numbers for which it holds, as ranges with both ends included.
    pub(crate) fn counts(&self) -> Vec<(u64, u64)> {
        let whole = |bound: &Bound| match bound.point {
            Point::Number(number) if number >= 0.0 => number as u64,
            _ => 0,
        };
        match self {
            Matcher::OneOf(constants) => {
                let points = constants.iter().filter_map(|constant| constant.point);
                let wholes = points.filter_map(|point| match point {
                    Point::Number(number) if number >= 0.0 => Some((number as u64, number as u64)),
                    _ => None,
                });
                wholes.collect()
            }
            Matcher::Range(range) => {
                let low = range.low.as_ref().map_or(0, |bound| whole(bound) + u64::from(!bound.included));
                let high = range.high.as_ref().map_or(Some(u64::MAX), |bound| {
                    if bound.included { Some(whole(bound)) } else { whole(bound).checked_sub(1) }
                });
                high.filter(|&high| low <= high).map(|high| (low, high)).into_iter().collect()
            }
            Matcher::Every(matchers) => {
                matchers.iter().map(Matcher::counts).reduce(|one, other| common(&one, &other)).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Whether it compares with a date, and so depends on the account's zone.
    pub(crate) fn has_dates(&self) -> bool {
        let is_date = |point: &Point| matches!(point, Point::Date(_));
        match self {
            Matcher::OneOf(constants) | Matcher::AllOf(constants) => {
                constants.iter().any(|constant| constant.point.as_ref().is_some_and(is_date))
            }
            Matcher::Range(range) => [&range.low, &range.high].into_iter().flatten().any(|end| is_date(&end.point)),
            Matcher::Every(matchers) => matchers.iter().any(Matcher::has_dates),
            _ => false,
        }
    }
}

impl Constant {
    fn is(&self, value: Value<'_>, facts: &dyn Facts) -> bool {
        match value {
            Value::Text(word) => self.is_text(word.text, word.folded),
            Value::Number(number) => self.point == Some(Point::Number(number)),
            Value::Bool(bool) => self.bool == Some(bool),
            Value::Instant(at) => self.point.is_some_and(|point| point.instant(facts) == Some(at)),
            Value::List(list) => list.iter().any(|word| self.is_text(word.text, word.folded)),
        }
    }

    fn is_text(&self, text: &str, folded: u32) -> bool {
        match folded {
            _ if self.exact => text == self.written,
            FOREIGN => fold::same(text, &self.folded),
            number => number == self.text,
        }
    }
}

impl Point {
    fn instant(self, facts: &dyn Facts) -> Option<Millis> {
        match self {
            Point::Instant(at) => Some(at),
            Point::Date(days) => Some(facts.midnight(days)),
            Point::Number(_) | Point::Rank(_) => None,
        }
    }
}

impl Range {
    fn holds(&self, value: Value<'_>, facts: &dyn Facts) -> bool {
        match value {
            Value::Number(number) => self.holds_at(|point| match point {
                Point::Number(bound) => number.partial_cmp(&bound),
                _ => None,
            }),
            Value::Instant(at) => self.holds_at(|point| point.instant(facts).map(|bound| at.cmp(&bound))),
            Value::Text(word) => match Priority::from_word(word.text) {
                Some(rank) => self.holds_at(|point| match point {
                    Point::Rank(bound) => Some(rank.cmp(&bound)),
                    _ => None,
                }),
                None => false,
            },
            Value::Bool(_) | Value::List(_) => false,
        }
    }

    /// Given how the value compares with a point; `None`: it can't be compared.
    fn holds_at(&self, compared: impl Fn(Point) -> Option<std::cmp::Ordering>) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let within = |bound: &Option<Bound>, side| match bound {
            None => true,
            Some(bound) => match compared(bound.point) {
                Some(Equal) => bound.included,
                other => other == Some(side),
            },
        };
        within(&self.low, Greater) && within(&self.high, Less)
    }
}

/// What two lists of ranges have in common.
fn common(one: &[(u64, u64)], other: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let both = one.iter().flat_map(|&(low, high)| other.iter().map(move |&(from, to)| (low.max(from), high.min(to))));
    both.filter(|(low, high)| low <= high).collect()
}

fn any_text(value: Value<'_>, holds: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::Text(word) => holds(word.text),
        Value::List(list) => list.iter().any(|word| holds(word.text)),
        Value::Number(_) | Value::Bool(_) | Value::Instant(_) => false,
    }
}
