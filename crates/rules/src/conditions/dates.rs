//! Dates of the account that near or have passed: `account.renewal_within: 30d`, `billing.past_due_for: 7d`.

use tierline_model::{AccountField, BillingField, BillingState, Millis, PlanChange};

use super::{Kind, Page, field, leaf};
use crate::scope::Scope;
use crate::source::{self, Key, Node};
use crate::tree::Expression;
use crate::{
    ALWAYS, Ask, Condition, Dated, Facts, FieldRef, NEVER, Reads, Seen, Stamp, Told, Truth, Value, Word, text,
};

pub(super) const KIND: Kind = Kind {
    claims: |key| of_key(key).is_some(),
    keys: || SPANS.iter().map(|span| span.key.to_owned()).collect(),
    page: PAGE,
    parse,
};

const PAGE: Page = Page {
    heading: "Dates that near or have passed",
    about: "A duration.",
    examples: || {
        let values = ["30d", "14d", "14d", "7d"];
        (KIND.keys)().into_iter().zip(values.map(str::to_owned)).collect()
    },
};

/// A span of time that begins or ends at a date.
#[derive(Debug)]
struct Span {
    key: &'static str,
    date: FieldRef,
    /// A field that must be one of these words.
    only: Option<(FieldRef, &'static [&'static str])>,
    lies: Lies,
    /// How it is said, `{}` for the duration: that it holds, that it does not, and both in the past.
    said: [&'static str; 4],
}

/// Where the instants lie at which it holds.
#[derive(Clone, Copy, Debug)]
enum Lies {
    /// So long before the date, up to it.
    Before,
    /// From the date on, for so long.
    After,
    /// From so long after the date on.
    Beyond,
}

static SPANS: [Span; 4] = [
    Span {
        key: "account.renewal_within",
        date: FieldRef::Account(AccountField::RenewalDate),
        only: None,
        lies: Lies::Before,
        said: [
            "the account renews within {}",
            "the account does not renew within {}",
            "the account was to renew within {}",
            "the account was not to renew within {}",
        ],
    },
    Span {
        key: "billing.cancels_within",
        date: FieldRef::Billing(BillingField::CancelsAt),
        only: None,
        lies: Lies::Before,
        said: [
            "the account's subscription ends within {}",
            "the account's subscription does not end within {}",
            "the account's subscription was to end within {}",
            "the account's subscription was not to end within {}",
        ],
    },
    Span {
        key: "billing.downgraded_within",
        date: FieldRef::Billing(BillingField::PlanChangedAt),
        only: Some((FieldRef::Billing(BillingField::PlanChange), &[PlanChange::Downgraded.word()])),
        lies: Lies::After,
        said: [
            "the account has downgraded within {}",
            "the account has not downgraded within {}",
            "the account had downgraded within {}",
            "the account had not downgraded within {}",
        ],
    },
    Span {
        key: "billing.past_due_for",
        date: FieldRef::Billing(BillingField::PastDueSince),
        only: Some((
            FieldRef::Billing(BillingField::State),
            &[BillingState::PastDue.word(), BillingState::Unpaid.word()],
        )),
        lies: Lies::Beyond,
        said: [
            "the account has been past due for {}",
            "the account has not been past due for {}",
            "the account had been past due for {}",
            "the account had not been past due for {}",
        ],
    },
];

#[derive(Debug)]
struct Spanned {
    span: &'static Span,
    length: Millis,
}

fn of_key(key: &str) -> Option<&'static Span> {
    SPANS.iter().find(|span| span.key == key)
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let span = of_key(&key.text)?;
    let length = source::duration(value, &format!("`{}`", key.text), scope.found)?;
    leaf(Spanned { span, length })
}

impl Spanned {
    /// Whether the other field is what it must be, and since when.
    fn allowed(&self, facts: &dyn Facts) -> Dated {
        let Some((field, words)) = &self.span.only else { return Dated::fixed(Truth::Yes, ALWAYS) };
        match facts.field(field) {
            Told::Untold(since) => Dated::fixed(Truth::Unknown, since),
            Told::Value(Value::Text(Word { text, .. }), stamp) => {
                Dated::fixed(Truth::from(words.contains(&text)), stamp.since)
            }
            Told::Value(_, stamp) | Told::Empty(stamp) => Dated::fixed(Truth::No, stamp.since),
        }
    }

    /// The instants at which it holds, the first included and the last not.
    fn instants(&self, date: Millis) -> (Millis, Millis) {
        match self.span.lies {
            Lies::Before => (date.saturating_sub(self.length), date),
            Lies::After => (date, date.saturating_add(self.length)),
            Lies::Beyond => (date.saturating_add(self.length), NEVER),
        }
    }

    fn dated(&self, facts: &dyn Facts) -> Dated {
        match facts.field(&self.span.date) {
            Told::Untold(since) => Dated::fixed(Truth::Unknown, since),
            Told::Value(Value::Instant(date), Stamp { since, .. }) => {
                let ((from, to), now) = (self.instants(date), facts.moment().at);
                if now < from {
                    Dated { truth: Truth::No, since, until: from }
                } else if now < to {
                    Dated { truth: Truth::Yes, since: from.max(since), until: to }
                } else {
                    Dated { truth: Truth::No, since: to.max(since), until: NEVER }
                }
            }
            Told::Value(_, stamp) | Told::Empty(stamp) => Dated::fixed(Truth::No, stamp.since),
        }
    }
}

impl Spanned {
    fn said(&self, past: bool, negated: bool) -> String {
        let place = 2 * usize::from(past) + usize::from(negated);
        self.span.said[place].replace("{}", &text::duration(self.length))
    }
}

impl Condition for Spanned {
    fn reads(&self) -> Reads {
        let only = self.span.only.as_ref().map_or(Reads::default(), |(field, _)| field::reads(field));
        field::reads(&self.span.date).with(only)
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        let (allowed, dated) = (self.allowed(facts), self.dated(facts));
        match (allowed.truth, dated.truth) {
            (Truth::No, _) => allowed,
            (Truth::Yes, _) => Dated { since: dated.since.max(allowed.since), ..dated },
            // No while the date says so, whatever the other field may be.
            (Truth::Unknown, Truth::No) => dated,
            (Truth::Unknown, _) => Dated { truth: Truth::Unknown, since: ALWAYS, until: dated.until },
        }
    }

    fn present(&self, negated: bool) -> String {
        self.said(false, negated)
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let said = self.said(true, negated);
        match facts.field(&self.span.date) {
            Told::Value(Value::Instant(date), _) => format!("{said} ({})", text::instant(date)),
            _ => said,
        }
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let seen = |value: String, stamp: Stamp<'_>| Seen {
            value,
            source: stamp.source.map(str::to_owned),
            as_of: stamp.as_of,
        };
        match facts.field(&self.span.date) {
            Told::Value(Value::Instant(date), stamp) => seen(text::instant(date), stamp),
            Told::Value(_, stamp) | Told::Empty(stamp) => seen("empty".to_owned(), stamp),
            Told::Untold(_) => Seen { value: "unknown".to_owned(), ..Seen::default() },
        }
    }

    fn normal(&self) -> String {
        format!("{}:{}", self.span.key, self.length)
    }

    fn fields(&self) -> Vec<String> {
        let only = self.span.only.as_ref().map(|(field, _)| field);
        [Some(&self.span.date), only].into_iter().flatten().map(FieldRef::key).collect()
    }

    fn asks(&self) -> Vec<Ask> {
        let date = Ask::field(&self.span.date, Vec::new());
        let only = self
            .span
            .only
            .as_ref()
            .map(|(field, words)| Ask::field(field, words.iter().map(|word| (*word).to_owned()).collect()));
        [Some(date), only].into_iter().flatten().collect()
    }
}
