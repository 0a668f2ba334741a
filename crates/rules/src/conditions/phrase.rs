//! What the customer wrote: `message.text: { matches: "(?i)cancel", within: 1d }`.
//!
//! A message is matched once, when it arrives; what is kept is when one matched, not what it said.

use tierline_model::Millis;

use super::{Kind, Page, leaf};
use crate::matcher::{Field, Matcher, Say, Shape, Single};
use crate::scope::Scope;
use crate::source::{self, Key, Keys, Node};
use crate::tree::Expression;
use crate::{Condition, Dated, Facts, Phrase, Reads, Seen, Topic, text, window};

pub(super) const KIND: Kind = Kind { claims: |key| key == KEY, keys: || vec![KEY.to_owned()], page: PAGE, parse };

const PAGE: Page = Page {
    heading: "What the customer wrote",
    about: "A text, a list of texts, `contains` or `matches` (a regular expression; `(?i)` makes it take either case), with `within`.",
    examples: || vec![(KEY.to_owned(), "{ matches: '(?i)cancel', within: 1d }".to_owned())],
};

const KEY: &str = "message.text";

#[derive(Debug)]
struct Wrote {
    matcher: Matcher,
    /// Its place among the rule set's phrases.
    phrase: u16,
    within: Option<Millis>,
}

fn parse(_: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let field = Field { key: KEY, shape: Shape::Text };
    let mut within = None;
    let matcher = match &value.kind {
        source::Kind::Map(_) => {
            let mut keys = Keys::of(value, "`message.text`", scope.found)?;
            if let Some(node) = keys.optional("within") {
                within = Some(source::duration(node, "`within`", scope.found)?);
            }
            let matcher = Matcher::parse_keys(&mut keys, value, &field, scope);
            keys.finish(scope.found);
            matcher?
        }
        _ => Matcher::parse_bare(value, &field, Single::Value, scope)?,
    };
    let phrase = scope.phrase(Phrase::new(matcher.clone()))?;
    leaf(Wrote { matcher, phrase, within })
}

impl Wrote {
    fn count(&self, facts: &dyn Facts) -> (u64, Dated) {
        window::count(facts.phrase(self.phrase), facts.moment().at, self.within, &[(1, u64::MAX)])
    }

    /// The last message that matched, if it still counts.
    fn last(&self, facts: &dyn Facts) -> Option<Millis> {
        let now = facts.moment().at;
        let counts = |at: &&Millis| **at <= now && self.within.is_none_or(|within| **at > now.saturating_sub(within));
        facts.phrase(self.phrase).iter().rev().find(counts).copied()
    }

    fn lately(&self) -> String {
        self.within.map(|within| format!(" within {}", text::duration(within))).unwrap_or_default()
    }

    /// *no message of the customer within 2 hours contains "refund"*
    fn say(&self, past: bool, negated: bool) -> String {
        let which = if negated { "no message" } else { "a message" };
        let say = Say { past, negated: false, plural: false };
        format!("{which} of the customer{} {}", self.lately(), self.matcher.predicate(say))
    }
}

impl Condition for Wrote {
    fn reads(&self) -> Reads {
        Reads::default().and(Topic::Phrases)
    }

    fn is_timed(&self) -> bool {
        self.within.is_some()
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        self.count(facts).1
    }

    fn present(&self, negated: bool) -> String {
        self.say(false, negated)
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let said = self.say(true, negated);
        match self.last(facts) {
            Some(at) => format!("{said} (at {})", text::instant(at)),
            None => said,
        }
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let last = self.last(facts);
        let value = last.map_or("none".to_owned(), |at| format!("at {}", text::instant(at)));
        Seen { value, source: None, as_of: last }
    }

    fn normal(&self) -> String {
        format!("{KEY}:{}:{:?}", self.matcher.normal(), self.within)
    }

    fn fields(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}
