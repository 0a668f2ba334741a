//! How often the customer wrote again without an answer: `ticket.follow_ups: { at_least: 3 }`.

use smallvec::SmallVec;
use tierline_model::Millis;

use super::{Kind, Page, leaf};
use crate::matcher::{Field, Matcher, Shape, Single};
use crate::scope::Scope;
use crate::source::{self, Key, Keys, Node};
use crate::tree::Expression;
use crate::{ALWAYS, Claim, Condition, Dated, Facts, Reads, Seen, Topic, Truth, Wait, text, window};

pub(super) const KIND: Kind = Kind { claims: |key| key == KEY, keys: || vec![KEY.to_owned()], page: PAGE, parse };

const PAGE: Page = Page {
    heading: "How often the customer wrote again without an answer",
    about: "A whole number, or its bounds; `within` counts the newest alone. Messages less than `apart` (5 minutes) after the last\nthat counts are one with it.",
    examples: || vec![(KEY.to_owned(), "{ at_least: 3, within: 2d }".to_owned())],
};

const KEY: &str = "ticket.follow_ups";
/// As many instants as are kept of a ticket: a threshold above it could never be told from it.
const MOST: usize = 128;
/// Messages less than this after the last counted one are one burst, unless `apart` says otherwise.
const APART: Millis = 5 * 60_000;

#[derive(Debug)]
struct FollowUps {
    matcher: Matcher,
    wanted: Vec<(u64, u64)>,
    within: Option<Millis>,
    apart: Millis,
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let field = Field { key: KEY, shape: Shape::Count(MOST as u32) };
    let (mut within, mut apart) = (None, APART);
    let matcher = match &value.kind {
        source::Kind::Map(_) => {
            let mut keys = Keys::of(value, "`ticket.follow_ups`", scope.found)?;
            if let Some(node) = keys.optional("within") {
                within = Some(source::duration(node, "`within`", scope.found)?);
            }
            if let Some(node) = keys.optional("apart") {
                apart = source::duration_or_none(node, "`apart`", scope.found)?;
            }
            let matcher = Matcher::parse_keys(&mut keys, value, &field, scope);
            keys.finish(scope.found);
            matcher?
        }
        _ => Matcher::parse_bare(value, &field, Single::Value, scope)?,
    };
    let wanted = super::tickets::counts(&matcher, key, scope)?;
    leaf(FollowUps { matcher, wanted, within, apart })
}

impl FollowUps {
    /// The messages that count, oldest first: those after the one that began the wait, bursts as one.
    fn counted(&self, facts: &dyn Facts) -> SmallVec<[Millis; MOST]> {
        let mut counted = SmallVec::new();
        for &at in facts.contacts_of_wait().iter().skip(1) {
            if counted.last().is_none_or(|last| at - last >= self.apart) {
                if counted.len() == MOST {
                    counted.remove(0);
                }
                counted.push(at);
            }
        }
        counted
    }

    /// How many there are, and whether that is what is wanted; `None`: it cannot be said.
    fn count(&self, facts: &dyn Facts) -> Option<(u64, Dated)> {
        let (counted, since) = match facts.wait() {
            Wait::Unknown => return None,
            Wait::Nobody(since) => (SmallVec::new(), since),
            Wait::Since(since) => (self.counted(facts), since),
        };
        let (count, dated) = window::count(&counted, facts.moment().at, self.within, &self.wanted);
        Some((count, Dated { since: dated.since.max(since), ..dated }))
    }

    /// *within 2 days*
    fn lately(&self) -> String {
        let within = self.within.map(|within| format!(" within {}", text::duration(within))).unwrap_or_default();
        let apart = match self.apart {
            APART => String::new(),
            apart => format!(" at least {} apart", text::duration(apart)),
        };
        within + &apart
    }
}

impl Condition for FollowUps {
    fn reads(&self) -> Reads {
        Reads::default().and(Topic::Conversation).and(Topic::Life)
    }

    fn is_timed(&self) -> bool {
        self.within.is_some()
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        self.count(facts).map_or(Dated::fixed(Truth::Unknown, ALWAYS), |(_, dated)| dated)
    }

    fn present(&self, negated: bool) -> String {
        let (has, wanted) = (if negated { "has not" } else { "has" }, text::counted(&self.matcher.core(), "time"));
        format!("the customer {has} followed up {wanted}{} without an answer", self.lately())
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let Some((count, _)) = self.count(facts) else { return text::past(&self.present(negated)) };
        let (not, times) = (if negated { "not " } else { "" }, text::count(count, "time"));
        let lately = self.lately();
        format!("the customer had followed up {times}{lately} without an answer ({not}{})", self.matcher.core())
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let value = self.count(facts).map_or("unknown".to_owned(), |(count, _)| count.to_string());
        Seen { value, ..Seen::default() }
    }

    fn normal(&self) -> String {
        format!("{KEY}:{}:{:?}:{}", self.matcher.normal(), self.within, self.apart)
    }

    fn claim(&self) -> Option<Claim<'_>> {
        Some(Claim { about: format!("{KEY}:{:?}:{}", self.within, self.apart), matcher: &self.matcher })
    }

    fn fields(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}
