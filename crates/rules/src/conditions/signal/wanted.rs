//! What the value of a signal must be: a matcher, or a level of risk.

use crate::matcher::Matcher;
use crate::source::{self, Diagnostics, Node};
use crate::{FOREIGN, Facts, SignalValue, Value, Word, fold, text};

/// What its value must be.
#[derive(Debug)]
pub(super) enum Wanted {
    /// A number by its value, a text by its label.
    Matcher(Matcher),
    /// One of these levels of risk.
    Levels(Vec<Level>),
}

/// How high a risk is, unless its label says so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Low,
    Medium,
    High,
}

const LEVELS: [(&str, Level); 3] = [("high", Level::High), ("medium", Level::Medium), ("low", Level::Low)];

/// One level or a list of them; `None`: it is something else. `Some(None)`: some of it is, which has been told.
pub(super) fn levels(node: &Node, found: &mut Diagnostics) -> Option<Option<Vec<Level>>> {
    let nodes = match &node.kind {
        source::Kind::List(nodes) => nodes.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let is_level =
        |node: &Node| node.scalar().is_some_and(|scalar| LEVELS.iter().any(|(word, _)| *word == scalar.text));
    let first_is_word = nodes.first()?.scalar().is_some_and(|scalar| {
        scalar.number().is_none() && !matches!(scalar.text.as_str(), "known" | "unknown" | "empty") && !scalar.is_null()
    });
    if !first_is_word && !nodes.iter().any(is_level) {
        return None;
    }
    let read: Vec<_> = nodes.iter().map(|node| source::word(node, "a level of risk", &LEVELS, found)).collect();
    Some(read.into_iter().collect())
}

impl Level {
    fn of(signal: SignalValue<'_>) -> Option<Level> {
        let labelled = signal.label.and_then(|label| LEVELS.iter().find(|(word, _)| fold::same(label, word)));
        labelled.map(|(_, level)| *level).or_else(|| {
            signal.value.map(|value| match value {
                high if high >= 0.7 => Level::High,
                medium if medium >= 0.4 => Level::Medium,
                _ => Level::Low,
            })
        })
    }

    fn word(self) -> &'static str {
        LEVELS[2 - self as usize].0
    }
}

impl Wanted {
    pub(super) fn holds(&self, signal: SignalValue<'_>, facts: &dyn Facts) -> bool {
        match self {
            Wanted::Matcher(matcher) => holds(matcher, signal, facts),
            Wanted::Levels(levels) => Level::of(signal).is_some_and(|level| levels.contains(&level)),
        }
    }

    pub(super) fn core(&self) -> String {
        match self {
            Wanted::Matcher(matcher) => matcher.core(),
            Wanted::Levels(levels) => {
                let words: Vec<_> = levels.iter().map(|level| level.word().to_owned()).collect();
                text::join(&words, "or")
            }
        }
    }

    /// Whether it asks only whether there is a value.
    pub(super) fn of_telling(&self) -> Option<bool> {
        match self {
            Wanted::Matcher(Matcher::Known) => Some(true),
            Wanted::Matcher(Matcher::Unknown) => Some(false),
            _ => None,
        }
    }
}

/// A number by the signal's value, a text by its label.
fn holds(matcher: &Matcher, signal: SignalValue<'_>, facts: &dyn Facts) -> bool {
    if let Matcher::Every(matchers) = matcher {
        return matchers.iter().all(|matcher| holds(matcher, signal, facts));
    }
    signal.value.is_some_and(|value| matcher.holds(Value::Number(value), facts))
        || signal.label.is_some_and(|label| matcher.holds(Value::Text(Word::plain(label, FOREIGN)), facts))
}
