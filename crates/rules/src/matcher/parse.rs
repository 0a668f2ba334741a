//! A matcher as it is written, and what can be wrong with it.

use chrono::{DateTime, NaiveDate};
use tierline_model::Priority;

use super::{Bound, Constant, Matcher, Point, Range};
use crate::FOREIGN;
use crate::scope::Scope;
use crate::source::{self, Diagnostics, Keys, Kind, Node, codes, meant};

/// What is compared: its name for messages and what its values look like.
pub(crate) struct Field<'a> {
    /// As rules write it: `account.health`.
    pub(crate) key: &'a str,
    pub(crate) shape: Shape,
}

/// What the values of a field look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Texts in the company's own words.
    Text,
    /// Texts that are told apart by case.
    Id,
    /// Several texts.
    List,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A priority: words in an order.
    Priority,
    /// A number within these bounds.
    Number(f64, f64),
    /// A whole number up to this.
    Count(u32),
    /// Yes or no.
    Bool,
    /// A date or an instant.
    Instant,
    /// A company's own field: anything.
    Any,
}

impl Shape {
    fn is_ordered(self) -> bool {
        matches!(self, Shape::Priority | Shape::Number(..) | Shape::Count(_) | Shape::Instant | Shape::Any)
    }

    fn is_text(self) -> bool {
        matches!(self, Shape::Text | Shape::Id | Shape::Any)
    }
}

/// The words that ask what was told, instead of comparing with a value.
const OF_TELLING: [(&str, Matcher); 3] =
    [("known", Matcher::Known), ("unknown", Matcher::Unknown), ("empty", Matcher::Empty)];

/// Which single values mean something else than themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Single {
    /// `known`, `unknown` and `empty` ask what was told.
    Telling,
    /// None does.
    Value,
}

impl Matcher {
    /// Reads all of a matcher that has no keys but its own.
    pub(crate) fn parse(node: &Node, field: &Field<'_>, scope: &mut Scope<'_>) -> Option<Matcher> {
        match &node.kind {
            Kind::Map(_) => {
                let what = format!("`{}`", field.key);
                let mut keys = Keys::of(node, &what, scope.found)?;
                let matcher = Matcher::parse_keys(&mut keys, node, field, scope);
                keys.finish(scope.found);
                matcher
            }
            _ => Matcher::parse_bare(node, field, Single::Telling, scope),
        }
    }

    /// Reads a matcher that is no map: a value, or a list of them.
    pub(crate) fn parse_bare(node: &Node, field: &Field<'_>, single: Single, scope: &mut Scope<'_>) -> Option<Matcher> {
        if let (Some(scalar), Single::Telling) = (node.scalar(), single)
            && let Some((_, matcher)) = OF_TELLING.iter().find(|(word, _)| *word == scalar.text)
        {
            return Some(matcher.clone());
        }
        constants(node, field, scope).map(Matcher::OneOf)
    }

    /// Reads the matcher among the keys of a map.
    pub(crate) fn parse_keys(
        keys: &mut Keys<'_>,
        node: &Node,
        field: &Field<'_>,
        scope: &mut Scope<'_>,
    ) -> Option<Matcher> {
        let mistakes = scope.found.mistakes();
        let mut matchers = Vec::new();
        if let Some(range) = range(keys, field, scope) {
            matchers.push(Matcher::Range(range));
        }
        if let Some(value) = keys.optional("is") {
            matchers.extend(Matcher::parse_bare(value, field, Single::Value, scope));
        }
        if let Some(value) = keys.optional("any_of") {
            matchers.extend(constants(value, field, scope).map(Matcher::OneOf));
        }
        if let Some(entry) = keys.entry("all_of") {
            if matches!(field.shape, Shape::List | Shape::Any) {
                matchers.extend(constants(&entry.value, field, scope).map(Matcher::AllOf));
            } else {
                refuse(&entry.key, field, "lists", scope.found);
            }
        }
        if let Some(entry) = keys.entry("contains") {
            if field.shape.is_text() {
                if let Some(part) = source::text(&entry.value, "`contains`", scope.found) {
                    matchers.push(Matcher::Contains { written: part.to_owned(), folded: crate::fold(part) });
                }
            } else {
                refuse(&entry.key, field, "texts", scope.found);
            }
        }
        if let Some(entry) = keys.entry("matches") {
            if field.shape.is_text() || field.shape == Shape::List {
                matchers.extend(pattern(&entry.value, scope.found));
            } else {
                refuse(&entry.key, field, "texts", scope.found);
            }
        }
        if matchers.is_empty() && keys.all_asked() && scope.found.mistakes() == mistakes {
            scope
                .found
                .mistake(codes::MATCHER, &node.span, format!("nothing here says what `{}` must be", field.key))
                .help(
                    "write a value, a list, or one of `at_least`, `above`, `at_most`, `below`, `contains`, `matches`",
                );
        }
        match matchers.len() {
            0 => None,
            1 => matchers.pop(),
            _ => Some(Matcher::Every(matchers)),
        }
    }
}

fn refuse(key: &source::Key, field: &Field<'_>, of: &str, found: &mut Diagnostics) {
    found.mistake(codes::MATCHER, &key.span, format!("`{}` is for {of}, and `{}` is none", key.text, field.key));
}

fn pattern(node: &Node, found: &mut Diagnostics) -> Option<Matcher> {
    let written = source::text(node, "`matches`", found)?;
    match regex::RegexBuilder::new(written).size_limit(1 << 20).build() {
        Ok(pattern) => Some(Matcher::Pattern(pattern)),
        Err(error) => {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let mistake =
                found.mistake(codes::PATTERN, &node.span, format!("this is not a regular expression: {last}"));
            meant::pattern(written).map(|help| mistake.help(help));
            None
        }
    }
}

fn range(keys: &mut Keys<'_>, field: &Field<'_>, scope: &mut Scope<'_>) -> Option<Range> {
    let mut range = Range::default();
    let mut first = None;
    for (key, is_low, included) in
        [("at_least", true, true), ("above", true, false), ("at_most", false, true), ("below", false, false)]
    {
        let Some(entry) = keys.entry(key) else { continue };
        if !field.shape.is_ordered() {
            refuse(&entry.key, field, "what has an order", scope.found);
            continue;
        }
        let Some(point) = point(&entry.value, field, scope.found) else { continue };
        let written = entry.value.scalar().map(|scalar| scalar.text.clone()).unwrap_or_default();
        let end = if is_low { &mut range.low } else { &mut range.high };
        if end.is_some() {
            let side = if is_low { "`at_least` and `above`" } else { "`at_most` and `below`" };
            scope.found.mistake(
                codes::CONTRADICTION,
                &entry.key.span,
                format!("{side} bound the same side: write one"),
            );
        }
        *end = Some(Bound { point, included, written });
        first.get_or_insert(entry);
        let beyond = match (field.shape, point) {
            (Shape::Number(_, most), Point::Number(number)) if is_low && !included => number >= most,
            (Shape::Number(least, _), Point::Number(number)) if !is_low && !included => number <= least,
            (Shape::Count(_), Point::Number(number)) if !is_low && !included => number <= 0.0,
            (Shape::Priority, Point::Rank(rank)) if !included => {
                rank == if is_low { Priority::Urgent } else { Priority::Low }
            }
            _ => false,
        };
        if beyond {
            scope.found.mistake(
                codes::CONTRADICTION,
                &entry.value.span,
                format!("`{}` is never {key} that", field.key),
            );
        }
    }
    let first = first?;
    if let (Some(low), Some(high)) = (&range.low, &range.high) {
        use std::cmp::Ordering::{Equal, Less};
        let order = match (low.point, high.point) {
            (Point::Number(low), Point::Number(high)) => low.partial_cmp(&high),
            (Point::Instant(low), Point::Instant(high)) => Some(low.cmp(&high)),
            (Point::Date(low), Point::Date(high)) => Some(low.cmp(&high)),
            (Point::Rank(low), Point::Rank(high)) => Some(low.cmp(&high)),
            _ => Some(Less),
        };
        let possible = order == Some(Less) || (order == Some(Equal) && low.included && high.included);
        if !possible {
            let said = range.core();
            scope
                .found
                .mistake(codes::CONTRADICTION, &first.key.span, format!("nothing is {said}"))
                .help("for one or the other write `any:` with two conditions");
        }
    }
    Some(range)
}

/// A place on the field's line.
fn point(node: &Node, field: &Field<'_>, found: &mut Diagnostics) -> Option<Point> {
    let what = format!("`{}`", field.key);
    match field.shape {
        Shape::Number(least, most) => source::number(node, &what, (least, most), found).map(Point::Number),
        Shape::Count(most) => source::whole(node, &what, (0, most), found).map(|count| Point::Number(count.into())),
        Shape::Priority => {
            let words: Vec<_> = Priority::ALL.iter().map(|rank| (rank.word(), *rank)).collect();
            source::word(node, &what, &words, found).map(Point::Rank)
        }
        Shape::Instant => {
            let written = source::text(node, &what, found)?;
            let read = instant(written);
            if read.is_none() {
                found
                    .mistake(codes::INSTANT, &node.span, format!("{what} is a date or an instant"))
                    .help("write `2026-03-02` or `2026-03-02T09:00:00Z`");
            }
            read
        }
        _ => {
            // A company's own field: its order is that of numbers.
            source::number(node, &what, (f64::NEG_INFINITY, f64::INFINITY), found).map(Point::Number)
        }
    }
}

fn instant(written: &str) -> Option<Point> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(written) {
        return Some(Point::Instant(instant.timestamp_millis()));
    }
    let date = NaiveDate::parse_from_str(written, "%Y-%m-%d").ok()?;
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    Some(Point::Date(i32::try_from(days).ok()?))
}

/// A value or a list of values.
fn constants(node: &Node, field: &Field<'_>, scope: &mut Scope<'_>) -> Option<Vec<Constant>> {
    match &node.kind {
        Kind::Scalar(_) => Some(vec![constant(node, field, scope)?]),
        Kind::List(nodes) if nodes.is_empty() => {
            scope.found.mistake(codes::EMPTY, &node.span, format!("`{}` is never one of none", field.key));
            None
        }
        Kind::List(nodes) => {
            let read: Vec<_> = nodes.iter().map(|node| constant(node, field, scope)).collect();
            read.into_iter().collect()
        }
        Kind::Map(_) => {
            source::wrong_kind(node, &format!("a value of `{}` is a single value", field.key), scope.found);
            None
        }
    }
}

fn constant(node: &Node, field: &Field<'_>, scope: &mut Scope<'_>) -> Option<Constant> {
    let Some(scalar) = node.scalar().filter(|scalar| !scalar.is_null()) else {
        if node.is_null() {
            scope
                .found
                .mistake(codes::MATCHER, &node.span, format!("nothing here says what `{}` must be", field.key))
                .help("for a field that was told to be empty write `empty`, for one that nobody told `unknown`");
        } else {
            source::wrong_kind(node, &format!("a value of `{}` is a single value", field.key), scope.found);
        }
        return None;
    };
    let mut constant = Constant {
        written: scalar.text.clone(),
        folded: crate::fold(&scalar.text),
        text: FOREIGN,
        exact: field.shape == Shape::Id,
        bool: None,
        point: None,
    };
    if matches!(field.shape, Shape::Text | Shape::List | Shape::Id | Shape::Any) && meant::has_curly_quotes(scalar) {
        let message = format!("the quotes belong to the text: {}", scalar.text);
        scope.found.warning(codes::DOUBTFUL, &node.span, message).help("YAML's quotes are straight: `\"…\"`");
    }
    let what = format!("`{}`", field.key);
    match field.shape {
        Shape::Text | Shape::List => constant.text = scope.texts.number(&constant.folded),
        Shape::Id => {}
        Shape::Any => {
            constant.text = scope.texts.number(&constant.folded);
            constant.point = scalar.number().map(Point::Number);
            constant.bool = scalar.bool();
        }
        Shape::Words(words) => {
            if !words.contains(&constant.written.as_str()) {
                source::unknown_word(node, &what, &constant.written, words.iter().copied(), scope.found);
                return None;
            }
            constant.text = scope.texts.number(&constant.folded);
        }
        Shape::Priority => {
            point(node, field, scope.found)?;
            constant.text = scope.texts.number(&constant.folded);
        }
        Shape::Number(..) | Shape::Count(_) | Shape::Instant => constant.point = Some(point(node, field, scope.found)?),
        Shape::Bool => constant.bool = Some(source::boolean(node, &what, scope.found)?),
    }
    Some(constant)
}
