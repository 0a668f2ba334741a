//! What a model says of the ticket, else of its account: `ticket.sentiment: { at_most: -0.5, within: 24h }`.

use tierline_model::Millis;

use super::{Kind, leaf};
use crate::matcher::{Field, Matcher, Say, Shape, Single};
use crate::scope::Scope;
use crate::source::{self, Diagnostics, Key, Keys, Node, codes};
use crate::tree::Expression;
use crate::{
    ALWAYS, Condition, Dated, FOREIGN, Facts, NEVER, Reads, Seen, SignalValue, Topic, Truth, Value, fold, text,
};

pub(super) const KIND: Kind = Kind {
    claims: |key| name(key).is_some(),
    keys: || ["ticket.sentiment", "ticket.escalation_risk"].map(str::to_owned).into(),
    parse,
};

#[derive(Debug)]
struct Signal {
    key: String,
    name: String,
    wanted: Wanted,
    within: Option<Millis>,
    take: Take,
}

/// What its value must be.
#[derive(Debug)]
enum Wanted {
    /// A number by its value, a text by its label.
    Matcher(Matcher),
    /// One of these levels of risk.
    Levels(Vec<Level>),
}

/// How high a risk is, unless its label says so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Low,
    Medium,
    High,
}

/// Which of several values counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Take {
    Newest,
    Lowest,
    Highest,
}

const LEVELS: [(&str, Level); 3] = [("high", Level::High), ("medium", Level::Medium), ("low", Level::Low)];
const TAKES: [(&str, Take); 3] = [("newest", Take::Newest), ("lowest", Take::Lowest), ("highest", Take::Highest)];
const RISK: &str = "escalation_risk";

/// The name of the signal that a key asks for.
fn name(key: &str) -> Option<&str> {
    match key {
        "ticket.sentiment" => Some("sentiment"),
        "ticket.escalation_risk" => Some(RISK),
        _ => {
            let name = key.strip_prefix("signal.").filter(|name| !name.is_empty())?;
            // A hand-off has fields of its own.
            (name != "handoff" && !name.starts_with("handoff.")).then_some(name)
        }
    }
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let name = name(&key.text)?.to_owned();
    let shape = match name.as_str() {
        "sentiment" => Shape::Number(-1.0, 1.0),
        RISK => Shape::Number(0.0, 1.0),
        _ => Shape::Any,
    };
    let field = Field { key: &key.text, shape };
    let (mut within, mut take) = (None, Take::Newest);
    let wanted = match &value.kind {
        source::Kind::Map(_) => {
            let what = format!("`{}`", key.text);
            let mut keys = Keys::of(value, &what, scope.found)?;
            if let Some(node) = keys.optional("within") {
                within = Some(source::duration(node, "`within`", scope.found)?);
            }
            if let Some(node) = keys.optional("take") {
                take = source::word(node, "`take`", &TAKES, scope.found)?;
            }
            let levels =
                (name == RISK).then(|| ["is", "any_of"].into_iter().find_map(|key| keys.optional(key))).flatten();
            let wanted = match levels.and_then(|node| self::levels(node, scope.found)) {
                Some(levels) => Some(Wanted::Levels(levels?)),
                None => Matcher::parse_keys(&mut keys, value, &field, scope).map(Wanted::Matcher),
            };
            keys.finish(scope.found);
            wanted?
        }
        _ if name == RISK => match levels(value, scope.found) {
            Some(levels) => Wanted::Levels(levels?),
            None => Wanted::Matcher(Matcher::parse_bare(value, &field, Single::Telling, scope)?),
        },
        _ => Wanted::Matcher(Matcher::parse_bare(value, &field, Single::Telling, scope)?),
    };
    if let Wanted::Matcher(Matcher::Empty) = wanted {
        scope
            .found
            .mistake(codes::MATCHER, &value.span, format!("`{}` is never told to be empty", key.text))
            .help("for one that nobody told write `unknown`");
        return None;
    }
    leaf(Signal { key: key.text.clone(), name, wanted, within, take })
}

/// One level or a list of them; `None`: it is something else. `Some(None)`: some of it is, which has been told.
fn levels(node: &Node, found: &mut Diagnostics) -> Option<Option<Vec<Level>>> {
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
    fn holds(&self, signal: SignalValue<'_>, facts: &dyn Facts) -> bool {
        match self {
            Wanted::Matcher(matcher) => holds(matcher, signal, facts),
            Wanted::Levels(levels) => Level::of(signal).is_some_and(|level| levels.contains(&level)),
        }
    }

    fn core(&self) -> String {
        match self {
            Wanted::Matcher(matcher) => matcher.core(),
            Wanted::Levels(levels) => {
                let words: Vec<_> = levels.iter().map(|level| level.word().to_owned()).collect();
                text::join(&words, "or")
            }
        }
    }

    /// Whether it asks only whether there is a value.
    fn of_telling(&self) -> Option<bool> {
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
        || signal.label.is_some_and(|label| matcher.holds(Value::Text { text: label, folded: FOREIGN }, facts))
}

/// The value that counts at the moment.
#[derive(Clone, Copy, Debug)]
struct Taken {
    holds: bool,
    at: Millis,
    value: Option<f64>,
    /// Since when it has been the one that counts.
    since: Millis,
}

/// What the values of a signal come to at the moment.
#[derive(Clone, Copy, Debug, Default)]
struct Survey {
    taken: Option<Taken>,
    /// When the last of those that have expired did.
    expired: Option<Millis>,
    /// When the first that is ahead of the moment comes in.
    enters: Option<Millis>,
}

impl Signal {
    fn survey(&self, facts: &dyn Facts) -> Survey {
        let now = facts.moment().at;
        let mut survey = Survey::default();
        facts.signals(&self.name, &mut |signal| {
            let expires = self.expires(signal.at);
            if signal.at > now {
                survey.enters = Some(survey.enters.map_or(signal.at, |enters| enters.min(signal.at)));
            } else if expires <= now {
                survey.expired = survey.expired.max(Some(expires));
            } else if survey.taken.is_none_or(|taken| self.beats(signal.at, signal.value, taken.at, taken.value)) {
                let holds = self.wanted.holds(signal, facts);
                survey.taken = Some(Taken { holds, at: signal.at, value: signal.value, since: signal.at });
            }
        });
        // It counts only since what came before it has expired.
        if let (Some(mut taken), Some(_)) = (survey.taken, survey.expired) {
            facts.signals(&self.name, &mut |other| {
                let expires = self.expires(other.at);
                if expires <= now && self.beats(other.at, other.value, taken.at, taken.value) {
                    taken.since = taken.since.max(expires);
                }
            });
            survey.taken = Some(taken);
        }
        survey
    }

    /// Whether one value counts rather than another; of equals the newer.
    fn beats(&self, at: Millis, value: Option<f64>, other_at: Millis, other: Option<f64>) -> bool {
        use std::cmp::Ordering::Equal;
        let by_value = match (self.take, value, other) {
            (Take::Newest, ..) | (_, None, None) => Equal,
            (_, value, None) => value.is_some().cmp(&false),
            (_, None, _) => std::cmp::Ordering::Less,
            (Take::Lowest, Some(value), Some(other)) => other.total_cmp(&value),
            (Take::Highest, Some(value), Some(other)) => value.total_cmp(&other),
        };
        by_value.then(at.cmp(&other_at)).is_ge()
    }

    fn expires(&self, at: Millis) -> Millis {
        self.within.map_or(NEVER, |within| at.saturating_add(within))
    }

    /// *the lowest sentiment*
    fn subject(&self) -> String {
        let most = match self.take {
            Take::Newest => "",
            Take::Lowest => "lowest ",
            Take::Highest => "highest ",
        };
        format!("the {most}{}", self.name.replace('_', " "))
    }

    fn lately(&self) -> String {
        self.within.map(|within| format!(" within {}", text::duration(within))).unwrap_or_default()
    }

    fn predicate(&self, say: Say) -> String {
        match &self.wanted {
            Wanted::Matcher(matcher) => matcher.predicate(say),
            levels @ Wanted::Levels(_) => format!("{} {}", say.be(), levels.core()),
        }
    }

    /// The value that counts, for people, and which model said so.
    fn shown(&self, facts: &dyn Facts) -> Option<Seen> {
        let taken = self.survey(facts).taken?;
        let mut seen = None;
        facts.signals(&self.name, &mut |signal| {
            if signal.at == taken.at && signal.value == taken.value {
                let value = match (signal.value, signal.label) {
                    (Some(value), Some(label)) => {
                        format!("{}, labelled {}", text::number(value), text::quoted(&text::cut(label)))
                    }
                    (Some(value), None) => text::number(value),
                    (None, Some(label)) => text::quoted(&text::cut(label)),
                    (None, None) => "told without a value".to_owned(),
                };
                seen = Some(Seen { value, source: signal.model.map(str::to_owned), as_of: Some(signal.at) });
            }
        });
        seen
    }
}

impl Condition for Signal {
    fn reads(&self) -> Reads {
        Reads::default().and(Topic::Signals)
    }

    fn is_timed(&self) -> bool {
        self.within.is_some()
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        let Survey { taken, expired, enters } = self.survey(facts);
        let enters = enters.unwrap_or(NEVER);
        match (taken, expired, self.wanted.of_telling()) {
            (Some(taken), _, telling) => {
                let holds = telling.unwrap_or(taken.holds);
                Dated { truth: Truth::from(holds), since: taken.since, until: self.expires(taken.at).min(enters) }
            }
            (None, expired, Some(known)) => {
                Dated { truth: Truth::from(!known), since: expired.unwrap_or(ALWAYS), until: enters }
            }
            (None, Some(expired), None) => Dated { truth: Truth::No, since: expired, until: enters },
            (None, None, None) => Dated { truth: Truth::Unknown, since: ALWAYS, until: enters },
        }
    }

    fn present(&self, negated: bool) -> String {
        let say = Say { past: false, negated, plural: false };
        format!("{}{} {}", self.subject(), self.lately(), self.predicate(say))
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let say = Say { past: true, negated, plural: false };
        let predicate = match self.shown(facts) {
            Some(seen) if self.wanted.of_telling().is_none() => {
                let not = if negated { "not " } else { "" };
                format!("was {} ({not}{})", seen.value, self.wanted.core())
            }
            _ => self.predicate(say),
        };
        format!("{}{} {predicate}", self.subject(), self.lately())
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        self.shown(facts).unwrap_or_else(|| Seen { value: "unknown".to_owned(), ..Seen::default() })
    }

    fn normal(&self) -> String {
        let wanted = match &self.wanted {
            Wanted::Matcher(matcher) => matcher.normal(),
            Wanted::Levels(levels) => {
                let mut levels = levels.clone();
                levels.sort_unstable();
                levels.dedup();
                format!("levels({levels:?})")
            }
        };
        format!("signal.{}:{wanted}:{:?}:{:?}", self.name, self.within, self.take)
    }

    fn fields(&self) -> Vec<String> {
        vec![self.key.clone()]
    }
}
