//! How many tickets an account opened lately: `account.tickets: { at_least: 5, within: 7d }`.

use tierline_model::Millis;

use super::{Kind, leaf};
use crate::matcher::{Field, Matcher, Shape, Single};
use crate::scope::Scope;
use crate::source::{self, Key, Keys, Node, codes};
use crate::tree::Expression;
use crate::{Condition, Dated, Facts, Reads, Seen, Topic, text, window};

pub(super) const KIND: Kind = Kind { claims: |key| key == KEY, keys: || vec![KEY.to_owned()], parse };

const KEY: &str = "account.tickets";
const WHAT: &str = "`account.tickets`";

#[derive(Debug)]
struct Tickets {
    matcher: Matcher,
    wanted: Vec<(u64, u64)>,
    within: Millis,
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let field = Field { key: KEY, shape: Shape::Count(1_000_000) };
    let mut within = scope.history;
    let matcher = match &value.kind {
        source::Kind::Map(_) => {
            let mut keys = Keys::of(value, WHAT, scope.found)?;
            keys.not_built("where", scope.found);
            if let Some(node) = keys.optional("within") {
                within = source::duration(node, "`within`", scope.found)?;
                if within > scope.history {
                    let history = text::duration(scope.history);
                    scope
                        .found
                        .mistake(codes::DURATION, &node.span, format!("tickets are kept for {history} only"))
                        .label("longer than that")
                        .help("raise `time.history`, or ask for less");
                    return None;
                }
            }
            let matcher = Matcher::parse_keys(&mut keys, value, &field, scope);
            keys.finish(scope.found);
            matcher?
        }
        _ => Matcher::parse_bare(value, &field, Single::Value, scope)?,
    };
    let wanted = counts(&matcher, key, scope)?;
    leaf(Tickets { matcher, wanted, within })
}

/// The counts for which a matcher holds; a mistake where it is every one or none.
pub(super) fn counts(matcher: &Matcher, key: &Key, scope: &mut Scope<'_>) -> Option<Vec<(u64, u64)>> {
    let wanted = matcher.counts();
    let said = match wanted[..] {
        [] => "no",
        [(0, u64::MAX)] => "every",
        _ => return Some(wanted),
    };
    scope.found.mistake(codes::CONTRADICTION, &key.span, format!("{said} count of `{}` is that", key.text));
    None
}

impl Tickets {
    fn count(&self, facts: &dyn Facts) -> (u64, Dated) {
        window::count(facts.tickets_created(), facts.moment().at, Some(self.within), &self.wanted)
    }
}

impl Condition for Tickets {
    fn reads(&self) -> Reads {
        Reads::default().and(Topic::Tickets)
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        self.count(facts).1
    }

    fn present(&self, negated: bool) -> String {
        let (has, wanted) = (if negated { "has not" } else { "has" }, text::counted(&self.matcher.core(), "ticket"));
        format!("the account {has} opened {wanted} within {}", text::duration(self.within))
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let (count, _) = self.count(facts);
        let not = if negated { "not " } else { "" };
        let (tickets, within) = (text::count(count, "ticket"), text::duration(self.within));
        format!("the account had opened {tickets} within {within} ({not}{})", self.matcher.core())
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        Seen { value: self.count(facts).0.to_string(), ..Seen::default() }
    }

    fn normal(&self) -> String {
        format!("{KEY}:{}:{}", self.matcher.normal(), self.within)
    }

    fn fields(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}
