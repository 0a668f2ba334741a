//! What an AI agent said as it handed the ticket over: `signal.handoff.wants_human: true`, `signal.handoff.broke_down`.

use tierline_model::Millis;

use super::{Kind, Page, leaf};
use crate::matcher::{Field, Matcher, Say, Shape, Single, shown};
use crate::scope::Scope;
use crate::source::{self, Key, Keys, Node, codes};
use crate::tree::Expression;
use crate::{
    ALWAYS, Ask, Condition, Dated, FOREIGN, Facts, Handoff, NEVER, Reads, Seen, Topic, Truth, Value, Word, text,
};

pub(super) const KIND: Kind = Kind {
    claims: |key| key == "signal.handoff" || key.starts_with("signal.handoff."),
    keys: || PARTS.iter().map(|part| part.key.to_owned()).collect(),
    page: PAGE,
    parse,
};

const PAGE: Page = Page {
    heading: "What an AI agent said as it handed the ticket over",
    about: "Of the newest `handoff` among `signals`, with `within`.",
    examples: || {
        let values = ["true", "{ contains: refund }"];
        (KIND.keys)().into_iter().zip(values.map(str::to_owned)).collect()
    },
};

/// One thing that a hand-off tells.
#[derive(Debug)]
struct Part {
    key: &'static str,
    subject: &'static str,
    shape: Shape,
    value: fn(Handoff<'_>) -> Option<Value<'_>>,
}

static PARTS: [Part; 2] = [
    Part {
        key: "signal.handoff.wants_human",
        subject: "the customer's wish for a person at the hand-over",
        shape: Shape::Bool,
        value: |handoff| handoff.wants_human.map(Value::Bool),
    },
    Part {
        key: "signal.handoff.broke_down",
        subject: "what broke down before the hand-over",
        shape: Shape::Text,
        value: |handoff| handoff.broke_down.map(|text| Value::Text(Word::plain(text, FOREIGN))),
    },
];

#[derive(Debug)]
struct HandedOver {
    part: &'static Part,
    matcher: Matcher,
    within: Option<Millis>,
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let Some(part) = PARTS.iter().find(|part| part.key == key.text) else {
        let keys = source::listed(PARTS.iter().map(|part| part.key));
        scope
            .found
            .mistake(codes::UNKNOWN_CONDITION, &key.span, format!("there is no condition `{}`", key.text))
            .help(format!("of a hand-over there are {keys}"));
        return None;
    };
    let field = Field { key: part.key, shape: part.shape };
    let mut within = None;
    let matcher = match &value.kind {
        source::Kind::Map(_) => {
            let what = format!("`{}`", part.key);
            let mut keys = Keys::of(value, &what, scope.found)?;
            if let Some(node) = keys.optional("within") {
                within = Some(source::duration(node, "`within`", scope.found)?);
            }
            let matcher = Matcher::parse_keys(&mut keys, value, &field, scope);
            keys.finish(scope.found);
            matcher?
        }
        _ => Matcher::parse_bare(value, &field, Single::Telling, scope)?,
    };
    if matches!(matcher, Matcher::Empty) {
        scope
            .found
            .mistake(codes::MATCHER, &value.span, format!("`{}` is never told to be empty", key.text))
            .help("for one that nobody told write `unknown`");
        return None;
    }
    leaf(HandedOver { part, matcher, within })
}

impl HandedOver {
    fn lately(&self) -> String {
        self.within.map(|within| format!(" within {}", text::duration(within))).unwrap_or_default()
    }

    /// The last hand-over that is not ahead of the moment.
    fn told(facts: &dyn Facts) -> Result<Handoff<'_>, Millis> {
        match facts.handoff() {
            Some(handoff) if handoff.at <= facts.moment().at => Ok(handoff),
            ahead => Err(ahead.map_or(NEVER, |handoff| handoff.at)),
        }
    }
}

impl Condition for HandedOver {
    fn reads(&self) -> Reads {
        Reads::default().and(Topic::Signals)
    }

    fn is_timed(&self) -> bool {
        self.within.is_some()
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        let of_telling = match self.matcher {
            Matcher::Known => Some(true),
            Matcher::Unknown => Some(false),
            _ => None,
        };
        let handoff = match Self::told(facts) {
            Ok(handoff) => handoff,
            Err(until) => {
                let truth = of_telling.map_or(Truth::Unknown, |known| Truth::from(!known));
                return Dated { truth, since: ALWAYS, until };
            }
        };
        let expires = self.within.map_or(NEVER, |within| handoff.at.saturating_add(within));
        let value = (self.part.value)(handoff);
        if expires <= facts.moment().at {
            return Dated::fixed(of_telling.map_or(Truth::No, |known| Truth::from(!known)), expires);
        }
        let truth = match (value, of_telling) {
            (value, Some(known)) => Truth::from(value.is_some() == known),
            (Some(value), None) => Truth::from(self.matcher.holds(value, facts)),
            (None, None) => Truth::Unknown,
        };
        Dated { truth, since: handoff.at, until: expires }
    }

    fn present(&self, negated: bool) -> String {
        let say = Say { past: false, negated, plural: false };
        format!("{}{} {}", self.part.subject, self.lately(), self.matcher.predicate(say))
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let say = Say { past: true, negated, plural: false };
        let value = Self::told(facts).ok().and_then(self.part.value);
        let predicate = match value {
            Some(value) if !self.matcher.is_of_telling() => self.matcher.predicate_with(value, say),
            _ => self.matcher.predicate(say),
        };
        format!("{}{} {predicate}", self.part.subject, self.lately())
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let Ok(handoff) = Self::told(facts) else {
            return Seen { value: "unknown".to_owned(), ..Seen::default() };
        };
        let value = (self.part.value)(handoff).map_or("unknown".to_owned(), shown);
        Seen { value, source: Some("hand-over".to_owned()), as_of: Some(handoff.at) }
    }

    fn normal(&self) -> String {
        format!("{}:{}:{:?}", self.part.key, self.matcher.normal(), self.within)
    }

    fn fields(&self) -> Vec<String> {
        vec![self.part.key.to_owned()]
    }

    fn asks(&self) -> Vec<Ask> {
        vec![Ask::signal(self.part.key, "handoff", self.matcher.words())]
    }
}
