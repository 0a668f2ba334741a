//! How many tickets an account has: `account.tickets: { at_least: 5, within: 7d, where: { ticket.category: billing } }`,
//! and of those the ones that are open (`account.unresolved_tickets`) or wait for us (`account.unanswered_tickets`).

use tierline_model::Millis;

use super::{Kind, Page, leaf};
use crate::matcher::{Field, Matcher, Shape, Single};
use crate::read::expression;
use crate::rule::Leaf;
use crate::scope::Scope;
use crate::source::{self, Key, Keys, Node, codes};
use crate::tree::{Expression, Sense, Tree};
use crate::window::{self, Count, Stay};
use crate::{ALWAYS, Ask, Claim, Condition, Dated, Facts, NEVER, Reads, Seen, Standing, Topic, Truth, Wait, text};

pub(super) const KIND: Kind = Kind {
    claims: |key| of_key(key).is_some(),
    keys: || COUNTED.iter().map(|counted| counted.key.to_owned()).collect(),
    page: PAGE,
    parse,
};

const PAGE: Page = Page {
    heading: "How many tickets the account has",
    about: "A whole number, or its bounds; `within` is since a ticket was created, `where` are conditions on the fields of the\ntickets that count. Unresolved are those that are open, unanswered those whose customer waits for an agent.",
    examples: || {
        let values = [
            "{ at_least: 5, within: 7d }",
            "{ at_least: 3, where: { ticket.category: billing } }",
            "{ at_least: 5, within: 7d }",
        ];
        (KIND.keys)().into_iter().zip(values.map(str::to_owned)).collect()
    },
};

/// Which tickets are counted.
#[derive(Debug)]
struct Counted {
    key: &'static str,
    which: Which,
    /// How they are called.
    noun: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// All, by their creation.
    Created,
    /// Those that are open now.
    Open,
    /// Those whose customer waits now.
    Waiting,
}

static COUNTED: [Counted; 3] = [
    Counted { key: "account.tickets", which: Which::Created, noun: "ticket" },
    Counted { key: "account.unresolved_tickets", which: Which::Open, noun: "unresolved ticket" },
    Counted { key: "account.unanswered_tickets", which: Which::Waiting, noun: "unanswered ticket" },
];

#[derive(Debug)]
struct Tickets {
    counted: &'static Counted,
    matcher: Matcher,
    wanted: Vec<(u64, u64)>,
    /// By creation. What is open or waits may be of any age.
    within: Option<Millis>,
    among: Option<Among>,
}

/// What tickets must be to be counted: `where`.
#[derive(Debug)]
struct Among {
    tree: Tree,
    leaves: Vec<Leaf>,
}

fn of_key(key: &str) -> Option<&'static Counted> {
    COUNTED.iter().find(|counted| counted.key == key)
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let counted = of_key(&key.text)?;
    let field = Field { key: counted.key, shape: Shape::Count(1_000_000) };
    let mut within = (counted.which == Which::Created).then_some(scope.history);
    let mut among = None;
    let matcher = match &value.kind {
        source::Kind::Map(_) => {
            let what = format!("`{}`", counted.key);
            let mut keys = Keys::of(value, &what, scope.found)?;
            if let Some(node) = keys.optional("where") {
                among = Some(self::among(node, scope)?);
            }
            if let Some(node) = keys.optional("within") {
                within = Some(within_history(node, scope)?);
            }
            let matcher = Matcher::parse_keys(&mut keys, value, &field, scope);
            keys.finish(scope.found);
            matcher?
        }
        _ => Matcher::parse_bare(value, &field, Single::Value, scope)?,
    };
    let wanted = counts(&matcher, key, scope)?;
    leaf(Tickets { counted, matcher, wanted, within, among })
}

fn within_history(node: &Node, scope: &mut Scope<'_>) -> Option<Millis> {
    let within = source::duration(node, "`within`", scope.found)?;
    if within > scope.history {
        let history = text::duration(scope.history);
        scope
            .found
            .mistake(codes::DURATION, &node.span, format!("tickets are kept for {history} only"))
            .label("longer than that")
            .help("raise `time.history`, or ask for less");
        return None;
    }
    Some(within)
}

/// Conditions on the fields of the tickets that are counted.
fn among(node: &Node, scope: &mut Scope<'_>) -> Option<Among> {
    let expression = expression::parse(node, "`where`", scope)?;
    let mut conditions = Vec::new();
    let tree = Tree::compile(&expression, Sense::Plain, &mut conditions);
    let is_of_fields = |condition: &dyn Condition| {
        let reads = condition.reads();
        let fields_alone = reads.account == 0 && reads.billing == 0 && reads.without(Topic::TicketCustom).topics == 0;
        fields_alone && !condition.is_timed()
    };
    if let Some(other) = conditions.iter().find(|condition| !is_of_fields(&***condition)) {
        let other = other.fields().join(", ");
        scope
            .found
            .mistake(codes::UNKNOWN_CONDITION, &node.span, format!("`where` cannot ask for `{other}`"))
            .help("it looks at the fields of each ticket: `where: { ticket.category: billing }`");
        return None;
    }
    let leaves = conditions.into_iter().map(|condition| Leaf { condition, of_account: false }).collect();
    Some(Among { tree, leaves })
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

impl Among {
    fn evaluate(&self, ticket: &dyn Facts) -> Dated {
        self.tree.evaluate(&mut |index| self.leaves[index].condition.evaluate(ticket))
    }
}

impl Tickets {
    fn count(&self, facts: &dyn Facts) -> (Count, Dated) {
        let now = facts.moment().at;
        if self.counted.which == Which::Created && self.among.is_none() {
            let (count, dated) = window::count(facts.tickets_created(), now, self.within, &self.wanted);
            return self.as_far_as_covered(facts, Count { low: count, high: count }, dated);
        }
        let mut stays: smallvec::SmallVec<[Stay; 16]> = smallvec::SmallVec::new();
        facts.each_ticket(&mut |ticket, standing| stays.extend(self.stay(ticket, standing)));
        let (count, dated) = window::present(stays.into_iter(), now, &self.wanted);
        self.as_far_as_covered(facts, count, dated)
    }

    /// A window that begins before all tickets are known holds that many or more. Open ones are known whatever their age.
    fn as_far_as_covered(&self, facts: &dyn Facts, count: Count, dated: Dated) -> (Count, Dated) {
        let (Which::Created, Some(within)) = (self.counted.which, self.within) else { return (count, dated) };
        let covered_since = facts.covered_since();
        if covered_since == ALWAYS {
            return (count, dated);
        }
        let covered_at = covered_since.saturating_add(within);
        let or_more = window::among(count.low, u64::MAX, &self.wanted);
        if facts.moment().at < covered_at {
            let since = if or_more == dated.truth { dated.since } else { ALWAYS };
            let count = Count { high: u64::MAX, ..count };
            return (count, Dated { truth: or_more, since, until: dated.until.min(covered_at) });
        }
        // It could not be said before.
        let since = if or_more == dated.truth { dated.since } else { dated.since.max(covered_at) };
        (count, Dated { since, ..dated })
    }

    /// From when to when a ticket counts, as far as its present state shows; `None`: it does not.
    fn stay(&self, ticket: &dyn Facts, standing: Standing) -> Option<Stay> {
        let (mut enters, mut certain) = match self.counted.which {
            Which::Created => (standing.created_at?, true),
            Which::Open => (standing.open_since?, true),
            Which::Waiting => {
                let open_since = standing.open_since?;
                match ticket.wait() {
                    Wait::Since(since) => (since.max(open_since), true),
                    Wait::Nobody(_) => return None,
                    Wait::Unknown => (open_since, false),
                }
            }
        };
        let leaves = match self.within {
            Some(within) => {
                let created_at = standing.created_at?;
                enters = enters.max(created_at);
                created_at.saturating_add(within)
            }
            None => NEVER,
        };
        if let Some(among) = &self.among {
            let dated = among.evaluate(ticket);
            match dated.truth {
                Truth::No => return None,
                Truth::Unknown => certain = false,
                Truth::Yes => {}
            }
            enters = enters.max(dated.since);
        }
        Some(Stay { enters, leaves, certain })
    }

    /// *within 7 days for which the ticket's category is billing*
    fn which(&self) -> String {
        let within = match (self.within, self.counted.which) {
            (None, _) => String::new(),
            (Some(within), Which::Created) => format!(" within {}", text::duration(within)),
            (Some(within), _) => format!(" opened within {}", text::duration(within)),
        };
        let among = self
            .among
            .as_ref()
            .map_or_else(String::new, |among| format!(" for which {}", text::tree(&among.tree, &among.leaves, true)));
        within + &among
    }
}

impl Condition for Tickets {
    fn reads(&self) -> Reads {
        let reads = Reads::default().and(Topic::Tickets);
        let of_others = self.counted.which != Which::Created || self.among.is_some();
        if of_others { reads.and(Topic::AnyTicket) } else { reads }
    }

    fn is_timed(&self) -> bool {
        self.within.is_some()
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        self.count(facts).1
    }

    fn present(&self, negated: bool) -> String {
        let has = match (self.counted.which, negated) {
            (Which::Created, false) => "has opened",
            (Which::Created, true) => "has not opened",
            (_, false) => "has",
            (_, true) => "does not have",
        };
        let wanted = text::counted(&self.matcher.core(), self.counted.noun);
        format!("the account {has} {wanted}{}", self.which())
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let (count, _) = self.count(facts);
        let tickets = match count {
            Count { low, high } if low == high => text::count(low, self.counted.noun),
            Count { low, high: u64::MAX } => format!("at least {}", text::count(low, self.counted.noun)),
            Count { low, high } => format!("{low} to {}", text::count(high, self.counted.noun)),
        };
        let not = if negated { "not " } else { "" };
        let had = if self.counted.which == Which::Created { "had opened" } else { "had" };
        format!("the account {had} {tickets}{} ({not}{})", self.which(), self.matcher.core())
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let (Count { low, high }, _) = self.count(facts);
        let value = match high {
            _ if low == high => low.to_string(),
            u64::MAX => format!("{low} or more"),
            _ => format!("{low} to {high}"),
        };
        Seen { value, ..Seen::default() }
    }

    fn claim(&self) -> Option<Claim<'_>> {
        let among = self.among.as_ref().map(|among| among.tree.spell(&|index| among.leaves[index].condition.normal()));
        Some(Claim { about: format!("{}:{:?}:{among:?}", self.counted.key, self.within), matcher: &self.matcher })
    }

    fn normal(&self) -> String {
        let (key, matcher) = (self.counted.key, self.matcher.normal());
        let within = match (self.within, self.counted.which) {
            (Some(within), Which::Created) => within.to_string(),
            (within, _) => format!("{within:?}"),
        };
        let among = self.among.as_ref().map_or_else(String::new, |among| {
            format!(":where {}", among.tree.spell(&|index| among.leaves[index].condition.normal()))
        });
        format!("{key}:{matcher}:{within}{among}")
    }

    fn fields(&self) -> Vec<String> {
        let among = self.among.iter().flat_map(|among| &among.leaves);
        let mut fields = vec![self.counted.key.to_owned()];
        fields.extend(among.flat_map(|leaf| leaf.condition.fields()));
        fields
    }

    fn asks(&self) -> Vec<Ask> {
        let count = Ask::state(self.counted.key.to_owned());
        let among = self.among.iter().flat_map(|among| &among.leaves);
        std::iter::once(count).chain(among.flat_map(|leaf| leaf.condition.asks())).collect()
    }
}
