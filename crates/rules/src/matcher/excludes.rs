//! How two matchers of one value lie to each other: whether they never hold together, or one wherever the other does.

use std::cmp::Ordering;

use tierline_model::Priority;

use super::{Bound, Constant, Matcher, Point, Range};

impl Matcher {
    /// Whether no single value, nor the lack of one, is as both want it. `false` where that cannot be seen.
    pub(crate) fn excludes(&self, other: &Matcher) -> bool {
        use Matcher::{AllOf, Contains, Empty, Every, Known, OneOf, Pattern, Unknown};
        match (self, other) {
            (Every(matchers), other) | (other, Every(matchers)) => matchers.iter().any(|one| one.excludes(other)),
            (Unknown, Unknown) | (Empty, Empty) => false,
            // Nothing else holds of what nobody told, or of what was told to be empty.
            (Unknown | Empty, _) | (_, Unknown | Empty) => true,
            (OneOf(mine), OneOf(theirs)) => !mine.iter().any(|one| theirs.iter().any(|other| one.is_same(other))),
            (OneOf(constants), Matcher::Range(range)) | (Matcher::Range(range), OneOf(constants)) => {
                constants.iter().all(|constant| constant.point_on(range).is_some_and(|point| range.is_outside(point)))
            }
            (Matcher::Range(mine), Matcher::Range(theirs)) => mine.lies_below(theirs) || theirs.lies_below(mine),
            (Known | AllOf(_) | Contains { .. } | Pattern(_), _)
            | (_, Known | AllOf(_) | Contains { .. } | Pattern(_)) => false,
        }
    }

    /// Whether it holds of every value of which the other does. `false` where that cannot be seen.
    pub(crate) fn covers(&self, other: &Matcher) -> bool {
        use Matcher::{Empty, Every, Known, OneOf, Unknown};
        match (self, other) {
            (Every(matchers), other) => matchers.iter().all(|one| one.covers(other)),
            (mine, Every(matchers)) => matchers.iter().any(|one| mine.covers(one)),
            (Unknown, Unknown) | (Empty, Empty) => true,
            (_, Unknown | Empty) => false,
            (Known, _) => true,
            (OneOf(mine), OneOf(theirs)) => theirs.iter().all(|other| mine.iter().any(|one| one.is_surely(other))),
            (Matcher::Range(range), OneOf(constants)) => {
                constants.iter().all(|constant| constant.point_on(range).is_some_and(|point| range.is_inside(point)))
            }
            (Matcher::Range(mine), Matcher::Range(theirs)) => mine.spans(theirs),
            _ => false,
        }
    }
}

impl Constant {
    /// Its place on the line of a range: a priority is a word as well.
    fn point_on(&self, range: &Range) -> Option<Point> {
        let ranks = || [&range.low, &range.high].into_iter().flatten().any(|end| matches!(end.point, Point::Rank(_)));
        self.point.or_else(|| Priority::from_word(&self.folded).filter(|_| ranks()).map(Point::Rank))
    }

    fn is_same(&self, other: &Constant) -> bool {
        match (self.point, other.point) {
            // A date and an instant may be the same, in one zone or another.
            (Some(mine), Some(theirs)) => mine.compared(theirs).is_none_or(Ordering::is_eq),
            _ if self.exact => self.written == other.written,
            _ => self.folded == other.folded,
        }
    }

    fn is_surely(&self, other: &Constant) -> bool {
        match (self.point, other.point) {
            (Some(mine), Some(theirs)) => mine.compared(theirs).is_some_and(Ordering::is_eq),
            _ => self.is_same(other),
        }
    }
}

impl Point {
    /// How two places of one line lie to each other; `None`: that depends on the account's zone.
    fn compared(self, other: Point) -> Option<Ordering> {
        match (self, other) {
            (Point::Number(mine), Point::Number(theirs)) => mine.partial_cmp(&theirs),
            (Point::Instant(mine), Point::Instant(theirs)) => Some(mine.cmp(&theirs)),
            (Point::Date(mine), Point::Date(theirs)) => Some(mine.cmp(&theirs)),
            (Point::Rank(mine), Point::Rank(theirs)) => Some(mine.cmp(&theirs)),
            _ => None,
        }
    }
}

impl Range {
    /// Whether a place is certainly beyond one of the ends.
    fn is_outside(&self, point: Point) -> bool {
        let beyond = |end: &Option<Bound>, side: Ordering| {
            end.as_ref().is_some_and(|bound| match point.compared(bound.point) {
                Some(Ordering::Equal) => !bound.included,
                order => order == Some(side),
            })
        };
        beyond(&self.low, Ordering::Less) || beyond(&self.high, Ordering::Greater)
    }

    /// Whether a place is certainly within both ends.
    fn is_inside(&self, point: Point) -> bool {
        let within = |end: &Option<Bound>, side: Ordering| {
            end.as_ref().is_none_or(|bound| match point.compared(bound.point) {
                Some(Ordering::Equal) => bound.included,
                order => order == Some(side),
            })
        };
        within(&self.low, Ordering::Greater) && within(&self.high, Ordering::Less)
    }

    /// Whether all of the other lies within it.
    fn spans(&self, other: &Range) -> bool {
        let reaches = |mine: &Option<Bound>, theirs: &Option<Bound>, side: Ordering| match (mine, theirs) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => match theirs.point.compared(mine.point) {
                Some(Ordering::Equal) => mine.included || !theirs.included,
                order => order == Some(side),
            },
        };
        reaches(&self.low, &other.low, Ordering::Greater) && reaches(&self.high, &other.high, Ordering::Less)
    }

    /// Whether all of it lies before the other.
    fn lies_below(&self, other: &Range) -> bool {
        let (Some(high), Some(low)) = (&self.high, &other.low) else { return false };
        match high.point.compared(low.point) {
            Some(Ordering::Less) => true,
            Some(Ordering::Equal) => !(high.included && low.included),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::{Field, Shape};
    use crate::scope::{Scope, TextNumbers};
    use crate::source::{Diagnostics, Source, parse};

    fn matcher(written: &str, shape: Shape) -> Matcher {
        let mut found = Diagnostics::default();
        let node = parse(&Source::new("m", written), &mut found).expect("YAML");
        let mut scope = Scope::bare(&mut found, TextNumbers::default());
        Matcher::parse(&node, &Field { key: "x", shape }, &mut scope).expect("a matcher")
    }

    #[test]
    fn what_no_value_can_be_at_once_is_seen() {
        let number = Shape::Number(0.0, 100.0);
        for (one, other, shape, excludes) in [
            ("{ below: 20 }", "{ above: 50 }", number, true),
            ("{ below: 20 }", "{ at_least: 20 }", number, true),
            ("{ at_most: 20 }", "{ at_least: 20 }", number, false),
            ("{ is: 20 }", "{ above: 20 }", number, true),
            ("{ any_of: [20, 30] }", "{ above: 20 }", number, false),
            ("{ is: pro }", "{ any_of: [Team, PRO] }", Shape::Text, false),
            ("{ is: pro }", "{ any_of: [team] }", Shape::Text, true),
            ("{ is: pro }", "{ contains: x }", Shape::Text, false),
            ("{ is: a }", "{ is: A }", Shape::Id, true),
            ("{ is: urgent }", "{ below: high }", Shape::Priority, true),
            ("{ is: normal }", "{ below: high }", Shape::Priority, false),
            ("{ below: normal }", "{ at_least: high }", Shape::Priority, true),
            ("{ below: 2026-03-02 }", "{ above: 2026-04-02 }", Shape::Instant, true),
            ("{ below: 2026-03-02 }", "{ above: 2026-04-02T00:00:00Z }", Shape::Instant, false),
        ] {
            let (mine, theirs) = (matcher(one, shape), matcher(other, shape));
            assert_eq!(mine.excludes(&theirs), excludes, "{one} and {other}");
            assert_eq!(theirs.excludes(&mine), excludes, "{other} and {one}");
        }
    }

    #[test]
    fn what_holds_wherever_another_does_is_seen() {
        let number = Shape::Number(0.0, 100.0);
        for (one, other, shape, covers) in [
            ("{ any_of: [urgent, high] }", "{ is: urgent }", Shape::Priority, true),
            ("{ is: urgent }", "{ any_of: [urgent, high] }", Shape::Priority, false),
            ("{ at_least: high }", "{ is: urgent }", Shape::Priority, true),
            ("{ at_least: high }", "{ is: high }", Shape::Priority, true),
            ("{ above: high }", "{ is: high }", Shape::Priority, false),
            ("{ below: 50 }", "{ below: 20 }", number, true),
            ("{ below: 20 }", "{ at_most: 20 }", number, false),
            ("{ at_most: 20 }", "{ below: 20 }", number, true),
            ("{ below: 20 }", "{ above: 10 }", number, false),
            ("{ below: 50 }", "{ below: 30, above: 10 }", number, true),
            ("{ below: 50, above: 10 }", "{ below: 30 }", number, false),
            ("known", "{ below: 30 }", number, true),
            ("known", "unknown", number, false),
            ("{ any_of: [Team, PRO] }", "{ is: pro }", Shape::Text, true),
            ("{ above: 2026-03-02 }", "{ above: 2026-04-02T00:00:00Z }", Shape::Instant, false),
        ] {
            assert_eq!(matcher(one, shape).covers(&matcher(other, shape)), covers, "{one} and {other}");
        }
    }
}
