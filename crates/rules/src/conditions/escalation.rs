//! What the ticket's open escalation says: `escalation.tier`, `escalation.at_tier_for` and their kin.

use tierline_model::Millis;

use super::lapse::{Due, Lapse};
use super::{Kind, Page, leaf};
use crate::matcher::{Field, Matcher, Say, Shape, Single};
use crate::scope::Scope;
use crate::source::{self, Key, Node};
use crate::tree::Expression;
use crate::{ALWAYS, Claim, Condition, Dated, Facts, OpenEscalation, Reads, Seen, Topic, Truth, text};

pub(super) const KIND: Kind = Kind {
    claims: |key| key == TIER || of_key(key).is_some(),
    keys: || [TIER].into_iter().chain(STRETCHES.iter().map(|stretch| stretch.key)).map(str::to_owned).collect(),
    page: PAGE,
    parse,
};

const PAGE: Page = Page {
    heading: "What the ticket's open escalation says",
    about: "The tier is 1 where none is open. The others take a duration, as above.",
    examples: || {
        let values = ["2", "1d", "4h", "30m"];
        (KIND.keys)().into_iter().zip(values.map(str::to_owned)).collect()
    },
};

const TIER: &str = "escalation.tier";

/// `escalation.tier`: 1 where none is open.
#[derive(Debug)]
struct Tier {
    matcher: Matcher,
}

/// Something that has lasted for a while.
#[derive(Debug)]
struct Lasting {
    stretch: &'static Stretch,
    lapse: Lapse,
}

#[derive(Debug)]
struct Stretch {
    key: &'static str,
    /// `{}` stands for the duration.
    holds: &'static str,
    not: &'static str,
    /// Since when it runs, or since when it does not any more.
    runs: fn(OpenEscalation) -> Result<Millis, Millis>,
}

static STRETCHES: [Stretch; 3] = [
    Stretch {
        key: "escalation.open_for",
        holds: "the escalation has been open for {}",
        not: "the escalation has not been open for {}",
        runs: |open| Ok(open.opened_at),
    },
    Stretch {
        key: "escalation.at_tier_for",
        holds: "the escalation has been at its tier for {}",
        not: "the escalation has not been at its tier for {}",
        runs: |open| Ok(open.at_tier_since),
    },
    Stretch {
        key: "escalation.unacknowledged_for",
        holds: "nobody has acknowledged the escalation for {}",
        not: "the escalation has not been unacknowledged for {}",
        runs: |open| open.acknowledged_at.map_or(Ok(open.opened_at), Err),
    },
];

fn of_key(key: &str) -> Option<&'static Stretch> {
    STRETCHES.iter().find(|stretch| stretch.key == key)
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    match of_key(&key.text) {
        Some(stretch) => leaf(Lasting { stretch, lapse: Lapse::parse(key, value, scope)? }),
        None => {
            let field = Field { key: TIER, shape: Shape::Number(1.0, 3.0) };
            // There always is a tier: nothing asks whether it was told.
            let matcher = match value.kind {
                source::Kind::Map(_) => Matcher::parse(value, &field, scope)?,
                _ => Matcher::parse_bare(value, &field, Single::Value, scope)?,
            };
            leaf(Tier { matcher })
        }
    }
}

impl Tier {
    fn tier(facts: &dyn Facts) -> (u8, Millis) {
        facts.escalation().map_or((1, ALWAYS), |open| (open.tier, open.at_tier_since))
    }
}

impl Condition for Tier {
    fn reads(&self) -> Reads {
        Reads::default().and(Topic::Escalation)
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        let (tier, since) = Self::tier(facts);
        Dated::fixed(Truth::from(self.matcher.holds_number(tier.into())), since)
    }

    fn present(&self, negated: bool) -> String {
        format!("the ticket's tier {}", self.matcher.predicate(Say { past: false, negated, plural: false }))
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let value = crate::Value::Number(Self::tier(facts).0.into());
        let say = Say { past: true, negated, plural: false };
        format!("the ticket's tier {}", self.matcher.predicate_with(value, say))
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        Seen { value: Self::tier(facts).0.to_string(), ..Seen::default() }
    }

    fn normal(&self) -> String {
        format!("{TIER}:{}", self.matcher.normal())
    }

    fn claim(&self) -> Option<Claim<'_>> {
        Some(Claim { about: TIER.to_owned(), matcher: &self.matcher })
    }

    fn fields(&self) -> Vec<String> {
        vec![TIER.to_owned()]
    }
}

impl Lasting {
    fn from(&self, facts: &dyn Facts) -> Result<Millis, Millis> {
        facts.escalation().map_or(Err(ALWAYS), self.stretch.runs)
    }
}

impl Condition for Lasting {
    fn reads(&self) -> Reads {
        self.lapse.reads().and(Topic::Escalation)
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        match self.from(facts) {
            Ok(from) => Due::passed(self.lapse.due(facts, from), facts, from),
            Err(since) => Dated::fixed(Truth::No, since),
        }
    }

    fn present(&self, negated: bool) -> String {
        let template = if negated { self.stretch.not } else { self.stretch.holds };
        template.replace("{}", &self.lapse.say())
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let said = text::past(&self.present(negated));
        match self.from(facts) {
            Ok(from) => format!("{said} (since {})", text::instant(from)),
            Err(_) => said,
        }
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let value = self.from(facts).map_or("none".to_owned(), |from| format!("since {}", text::instant(from)));
        Seen { value, ..Seen::default() }
    }

    fn normal(&self) -> String {
        format!("{}:{}", self.stretch.key, self.lapse.normal())
    }

    fn but_for_hours(&self) -> String {
        format!("{}:{}", self.stretch.key, self.lapse.but_for_hours())
    }

    fn fields(&self) -> Vec<String> {
        vec![self.stretch.key.to_owned()]
    }
}
