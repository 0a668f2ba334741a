//! How often something happened to the ticket: `ticket.reopened: { at_least: 2, within: 7d }`, `ticket.reassigned`.

use tierline_model::Millis;

use super::{Kind, Page, leaf};
use crate::matcher::{Field, Matcher, Shape, Single};
use crate::scope::Scope;
use crate::source::{self, Key, Keys, Node};
use crate::tree::Expression;
use crate::{ALWAYS, Claim, Condition, Dated, Facts, NEVER, Reads, Recurring, Seen, Topic, Truth, text, window};

pub(super) const KIND: Kind = Kind {
    claims: |key| of_key(key).is_some(),
    keys: || KINDS.iter().map(|kind| kind.key.to_owned()).collect(),
    page: PAGE,
    parse,
};

const PAGE: Page = Page {
    heading: "How often it happened to the ticket",
    about: "A whole number, or its bounds, with `within`.",
    examples: || (KIND.keys)().into_iter().map(|key| (key, "{ at_least: 2, within: 7d }".to_owned())).collect(),
};

/// As many instants as are kept of a ticket: a threshold above it could never be told from it.
const MOST: u32 = 128;

#[derive(Debug)]
struct Kept {
    key: &'static str,
    what: Recurring,
    /// *the ticket has been reopened*
    done: &'static str,
    reads: Topic,
}

static KINDS: [Kept; 2] = [
    Kept { key: "ticket.reopened", what: Recurring::Reopened, done: "reopened", reads: Topic::Life },
    Kept { key: "ticket.reassigned", what: Recurring::Reassigned, done: "reassigned", reads: Topic::Assignment },
];

#[derive(Debug)]
struct Often {
    kept: &'static Kept,
    matcher: Matcher,
    wanted: Vec<(u64, u64)>,
    within: Option<Millis>,
}

fn of_key(key: &str) -> Option<&'static Kept> {
    KINDS.iter().find(|kind| kind.key == key)
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let kept = of_key(&key.text)?;
    let field = Field { key: kept.key, shape: Shape::Count(MOST) };
    let mut within = None;
    let matcher = match &value.kind {
        source::Kind::Map(_) => {
            let what = format!("`{}`", kept.key);
            let mut keys = Keys::of(value, &what, scope.found)?;
            if let Some(node) = keys.optional("within") {
                within = Some(source::duration(node, "`within`", scope.found)?);
            }
            let matcher = Matcher::parse_keys(&mut keys, value, &field, scope);
            keys.finish(scope.found);
            matcher?
        }
        _ => Matcher::parse_bare(value, &field, Single::Value, scope)?,
    };
    let wanted = super::tickets::counts(&matcher, key, scope)?;
    leaf(Often { kept, matcher, wanted, within })
}

impl Often {
    fn count(&self, facts: &dyn Facts) -> (u64, Dated) {
        let (happened, now) = (facts.happened(self.kept.what), facts.moment().at);
        let (count, dated) = window::count(happened.at, now, self.within, &self.wanted);
        // From then on the window holds nothing that is not known.
        let known = match self.within {
            _ if happened.known_from == ALWAYS => ALWAYS,
            Some(within) => happened.known_from.saturating_add(within),
            None => NEVER,
        };
        if known <= now {
            return (count, Dated { since: dated.since.max(known), ..dated });
        }
        // What happened before the ticket was met may add any number.
        let truth = window::among(count, u64::MAX, &self.wanted);
        let since = if truth == dated.truth { dated.since } else { ALWAYS };
        (count, Dated { truth, since, until: dated.until.min(known) })
    }

    fn lately(&self) -> String {
        self.within.map(|within| format!(" within {}", text::duration(within))).unwrap_or_default()
    }
}

impl Condition for Often {
    fn reads(&self) -> Reads {
        Reads::default().and(self.kept.reads)
    }

    fn is_timed(&self) -> bool {
        self.within.is_some()
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        self.count(facts).1
    }

    fn present(&self, negated: bool) -> String {
        let (has, wanted) = (if negated { "has not" } else { "has" }, text::counted(&self.matcher.core(), "time"));
        format!("the ticket {has} been {} {wanted}{}", self.kept.done, self.lately())
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let (count, dated) = self.count(facts);
        if dated.truth == Truth::Unknown {
            return text::past(&self.present(negated));
        }
        let (not, times) = (if negated { "not " } else { "" }, text::count(count, "time"));
        format!("the ticket had been {} {times}{} ({not}{})", self.kept.done, self.lately(), self.matcher.core())
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let (count, dated) = self.count(facts);
        let least = if dated.truth == Truth::Unknown { "at least " } else { "" };
        Seen { value: format!("{least}{count}"), ..Seen::default() }
    }

    fn normal(&self) -> String {
        format!("{}:{}:{:?}", self.kept.key, self.matcher.normal(), self.within)
    }

    fn claim(&self) -> Option<Claim<'_>> {
        Some(Claim { about: format!("{}:{:?}", self.kept.key, self.within), matcher: &self.matcher })
    }

    fn fields(&self) -> Vec<String> {
        vec![self.kept.key.to_owned()]
    }
}
