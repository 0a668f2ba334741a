//! What a model says of the ticket, else of its account: `ticket.sentiment: { at_most: -0.5, within: 24h }`.

mod survey;
mod wanted;

use tierline_model::Millis;

use survey::{Survey, Take};
use wanted::{Wanted, levels};

use super::{Kind, Page, leaf};
use crate::matcher::{Field, Matcher, Say, Shape, Single};
use crate::scope::Scope;
use crate::source::{self, Key, Keys, Node, codes};
use crate::tree::Expression;
use crate::{ALWAYS, Ask, Claim, Condition, Dated, Facts, NEVER, Reads, Seen, Topic, Truth, text};

pub(super) const KIND: Kind = Kind {
    claims: |key| name(key).is_some(),
    keys: || ["ticket.sentiment", "ticket.escalation_risk"].map(str::to_owned).into(),
    page: PAGE,
    parse,
};

const PAGE: Page = Page {
    heading: "What a model says",
    about: "Numbers as for fields (sentiment is from −1 to 1, a risk from 0 to 1, also `low`, `medium`, `high`), with `within`, and\n`take: newest`, `lowest` or `highest`. `signal.x` is any other signal of that name, of the ticket or else of its account.",
    examples: || {
        let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let values = [
            ("ticket.sentiment", "{ at_most: -0.5, within: 24h }"),
            ("ticket.escalation_risk", "high"),
            ("signal.churn_intent", "{ at_least: 0.8, take: highest }"),
        ];
        values.map(own).into()
    },
};

#[derive(Debug)]
struct Signal {
    key: String,
    name: String,
    wanted: Wanted,
    within: Option<Millis>,
    take: Take,
}

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
            let level =
                (name == RISK).then(|| ["is", "any_of"].into_iter().find_map(|key| keys.optional(key))).flatten();
            let wanted = match level.and_then(|node| levels(node, scope.found)) {
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

impl Signal {
    /// *the lowest sentiment*
    fn subject(&self) -> String {
        let most = match self.take {
            Take::Newest => "",
            Take::Lowest => "lowest ",
            Take::Highest => "highest ",
        };
        match self.name.as_str() {
            "sentiment" => format!("the {most}sentiment"),
            RISK => format!("the {most}escalation risk"),
            other => format!("the {most}signal {}", text::quoted(other)),
        }
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

    /// The value that counts, for people, and which model said so; and why it did, if it told.
    fn shown(&self, facts: &dyn Facts) -> Option<(Seen, Option<String>)> {
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
                let told = Seen { value, source: signal.model.map(str::to_owned), as_of: Some(signal.at) };
                seen = Some((told, signal.explanation.map(str::to_owned)));
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
            Some((seen, _)) if self.wanted.of_telling().is_none() => {
                let not = if negated { "not " } else { "" };
                format!("was {} ({not}{})", seen.value, self.wanted.core())
            }
            _ => self.predicate(say),
        };
        format!("{}{} {predicate}", self.subject(), self.lately())
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        match self.shown(facts) {
            Some((seen, Some(why))) => Seen { value: format!("{}: {why}", seen.value), ..seen },
            Some((seen, None)) => seen,
            None => Seen { value: "unknown".to_owned(), ..Seen::default() },
        }
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

    fn claim(&self) -> Option<Claim<'_>> {
        // Anything but a range may be its value or its label.
        let Wanted::Matcher(matcher @ Matcher::Range(_)) = &self.wanted else { return None };
        Some(Claim { about: format!("signal.{}:{:?}:{:?}", self.name, self.within, self.take), matcher })
    }

    fn fields(&self) -> Vec<String> {
        vec![self.key.clone()]
    }

    fn asks(&self) -> Vec<Ask> {
        vec![Ask::signal(&self.key, &self.name, Vec::new())]
    }
}
