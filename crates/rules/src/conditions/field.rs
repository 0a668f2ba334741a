//! A field of a ticket, an account or its bills: `account.plan: enterprise`.

use tierline_model::{AccountField, Author, BillingField, BillingState, HandledBy, PlanChange, Status, TicketField};

use super::{Kind, Page, leaf};
use crate::matcher::{Field, Matcher, Say, Shape, shown};
use crate::scope::Scope;
use crate::source::{Key, Node};
use crate::tree::Expression;
use crate::{Ask, Claim, Condition, Dated, Facts, FieldRef, Gate, Reads, Seen, Stamp, Told, Truth, Word, text};

pub(super) const KIND: Kind =
    Kind { claims: |key| FieldRef::from_key(key).is_some(), keys: FieldRef::keys, page: PAGE, parse };

const PAGE: Page = Page {
    heading: "Fields",
    about: "As their sources tell them. A field that nobody has told is unknown, and so is a condition on it: the rule does not fire.",
    examples,
};

#[derive(Debug)]
struct FieldIs {
    key: String,
    field: FieldRef,
    matcher: Matcher,
}

fn parse(key: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let field = FieldRef::from_key(&key.text)?;
    let matcher = Matcher::parse(value, &Field { key: &key.text, shape: shape(&field) }, scope)?;
    leaf(FieldIs { key: key.text.clone(), field, matcher })
}

fn examples() -> Vec<(String, String)> {
    let custom = ["ticket.custom.region", "account.custom.seats"].map(str::to_owned);
    let example = |key: String| FieldRef::from_key(&key).map(|field| (example(&field), key));
    let all = FieldRef::keys().into_iter().chain(custom).filter_map(example);
    all.map(|(value, key)| (key, value)).collect()
}

/// What is typically asked of a field.
fn example(field: &FieldRef) -> String {
    use {AccountField as A, TicketField as T};
    let own = match field {
        FieldRef::Ticket(T::Status) => "on_hold",
        FieldRef::Ticket(T::Priority) => "{ at_least: high }",
        FieldRef::Ticket(T::Severity) => "[sev1, sev2]",
        FieldRef::Ticket(T::Type) => "incident",
        FieldRef::Ticket(T::Category) => "billing",
        FieldRef::Ticket(T::Subject) => "{ contains: refund }",
        FieldRef::Ticket(T::Assignee) => "empty",
        FieldRef::Ticket(T::Language) => "[de, fr]",
        FieldRef::Ticket(T::Channel) => "chat",
        FieldRef::Ticket(T::Rating) => "{ at_most: 2 }",
        FieldRef::Ticket(T::RatingComment) => "known",
        FieldRef::Account(A::Plan) => "enterprise",
        FieldRef::Account(A::Arr) => "{ at_least: 100000 }",
        FieldRef::Account(A::Health) => "{ below: 50 }",
        FieldRef::Account(A::ChurnRisk) => "{ at_least: 0.7 }",
        FieldRef::Account(A::Region) => "unknown",
        _ => match shape(field) {
            Shape::Words(words) => words.last().copied().unwrap_or_default(),
            Shape::Priority => "urgent",
            Shape::Number(..) | Shape::Count(_) => "{ at_least: 1 }",
            Shape::Bool => "true",
            Shape::Instant => "{ below: 2026-07-01 }",
            Shape::List => "{ any_of: [vip, legal] }",
            Shape::Text | Shape::Id | Shape::Any => "[a, b]",
        },
    };
    own.to_owned()
}

/// What the values of a field are, for people; [`None`]: it is none.
pub(super) fn takes(key: &str) -> Option<String> {
    Some(match shape(&FieldRef::from_key(key)?) {
        Shape::Text => "text".to_owned(),
        Shape::Id => "id".to_owned(),
        Shape::List => "list of texts".to_owned(),
        Shape::Words(words) => words.join(", "),
        Shape::Priority => "low < normal < high < urgent".to_owned(),
        Shape::Number(low, high) if low.is_finite() => format!("number, {low} to {high}"),
        Shape::Number(..) | Shape::Count(_) => "number".to_owned(),
        Shape::Bool => "true, false".to_owned(),
        Shape::Instant => "date or instant".to_owned(),
        Shape::Any => "anything".to_owned(),
    })
}

/// The words of a closed set, in order.
macro_rules! words_of {
    ($set:ident) => {{
        let mut words = [""; $set::ALL.len()];
        let mut place = 0;
        while place < words.len() {
            words[place] = $set::ALL[place].word();
            place += 1;
        }
        words
    }};
}
static STATUS: [&str; Status::ALL.len()] = words_of!(Status);
static AUTHOR: [&str; Author::ALL.len()] = words_of!(Author);
static HANDLED_BY: [&str; HandledBy::ALL.len()] = words_of!(HandledBy);
static BILLING_STATE: [&str; BillingState::ALL.len()] = words_of!(BillingState);
static PLAN_CHANGE: [&str; PlanChange::ALL.len()] = words_of!(PlanChange);

/// What a field's values look like.
fn shape(field: &FieldRef) -> Shape {
    use {AccountField as A, BillingField as B, TicketField as T};
    const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
    match field {
        FieldRef::TicketCustom(_) | FieldRef::AccountCustom(_) => Shape::Any,
        FieldRef::Ticket(field) => match field {
            T::Status => Shape::Words(&STATUS),
            T::Priority => Shape::Priority,
            T::OpenedBy => Shape::Words(&AUTHOR),
            T::HandledBy => Shape::Words(&HANDLED_BY),
            T::Tags => Shape::List,
            T::Parent => Shape::Id,
            T::CreatedAt | T::FirstRepliedAt | T::WaitingSince | T::SnoozedUntil => Shape::Instant,
            T::Spam => Shape::Bool,
            T::Rating => Shape::Number(1.0, 5.0),
            T::Subject | T::Severity | T::Type | T::Category | T::ProductArea | T::Channel | T::Requester => {
                Shape::Text
            }
            T::RequesterRole | T::Assignee | T::Team | T::Language | T::Brand | T::Url => Shape::Text,
            T::RatingComment | T::Source => Shape::Text,
        },
        FieldRef::Account(field) => match field {
            A::Arr => Shape::Number(ANY.0, ANY.1),
            A::Health => Shape::Number(0.0, 100.0),
            A::ChurnRisk => Shape::Number(0.0, 1.0),
            A::RenewalDate => Shape::Instant,
            A::Flags => Shape::List,
            A::Name | A::Plan | A::Segment | A::Currency | A::Owner | A::Region | A::TimeZone => Shape::Text,
        },
        FieldRef::Billing(field) => match field {
            B::State => Shape::Words(&BILLING_STATE),
            B::PlanChange => Shape::Words(&PLAN_CHANGE),
            B::AmountDue => Shape::Number(ANY.0, ANY.1),
            B::PastDueSince | B::PlanChangedAt | B::RenewsAt | B::CancelsAt => Shape::Instant,
            B::Currency | B::Plan => Shape::Text,
        },
    }
}

/// What a condition on a field reads. A date is midnight in the account's zone, so the zone counts as well.
pub(super) fn reads(field: &FieldRef) -> Reads {
    let reads = Reads::default().and_field(field);
    let is_told_as_date =
        matches!(field, FieldRef::Account(_) | FieldRef::Billing(_)) && shape(field) == Shape::Instant;
    if is_told_as_date { reads.and_field(&ZONE) } else { reads }
}

const ZONE: FieldRef = FieldRef::Account(AccountField::TimeZone);

impl FieldIs {
    /// *the account's health*
    fn subject(&self) -> String {
        let name = |word: &str| word.replace('_', " ");
        match &self.field {
            FieldRef::Ticket(TicketField::CreatedAt) => "the ticket's creation".to_owned(),
            FieldRef::Ticket(TicketField::FirstRepliedAt) => "the ticket's first reply".to_owned(),
            FieldRef::Ticket(TicketField::WaitingSince) => "the beginning of the customer's wait".to_owned(),
            FieldRef::Ticket(TicketField::SnoozedUntil) => "the end of the ticket's snooze".to_owned(),
            FieldRef::Ticket(TicketField::OpenedBy) => "the ticket's opener".to_owned(),
            FieldRef::Ticket(TicketField::HandledBy) => "the ticket's handler".to_owned(),
            FieldRef::Ticket(TicketField::Spam) => "the ticket's spam mark".to_owned(),
            FieldRef::Ticket(field) => format!("the ticket's {}", name(field.word())),
            FieldRef::TicketCustom(custom) => format!("the ticket's field {}", text::quoted(custom)),
            FieldRef::Account(AccountField::Arr) => "the account's ARR".to_owned(),
            FieldRef::Account(field) => format!("the account's {}", name(field.word())),
            FieldRef::AccountCustom(custom) => format!("the account's field {}", text::quoted(custom)),
            FieldRef::Billing(BillingField::PastDueSince) => "the date since which the account is past due".to_owned(),
            FieldRef::Billing(BillingField::PlanChangedAt) => "the date of the account's change of plan".to_owned(),
            FieldRef::Billing(BillingField::RenewsAt) => "the date at which the account's bill renews".to_owned(),
            FieldRef::Billing(BillingField::CancelsAt) => {
                "the date at which the account's subscription ends".to_owned()
            }
            FieldRef::Billing(BillingField::AmountDue) => "the amount that the account owes".to_owned(),
            FieldRef::Billing(field) => format!("the account's billing {}", name(field.word())),
        }
    }

    fn say(&self, past: bool, negated: bool) -> Say {
        Say { past, negated, plural: shape(&self.field) == Shape::List }
    }
}

impl Condition for FieldIs {
    fn reads(&self) -> Reads {
        let reads = reads(&self.field);
        if self.matcher.has_dates() { reads.and_field(&ZONE) } else { reads }
    }

    fn gate(&self) -> Option<Gate> {
        Some(Gate { field: self.field.clone(), texts: self.matcher.texts()? })
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        let told = facts.field(&self.field);
        if self.matcher.is_of_telling() {
            return of_telling(&self.matcher, told);
        }
        match told {
            Told::Untold(since) => Dated::fixed(Truth::Unknown, since),
            Told::Empty(stamp) => Dated::fixed(Truth::No, stamp.since),
            Told::Value(value, stamp) => Dated::fixed(Truth::from(self.matcher.holds(value, facts)), stamp.since),
        }
    }

    fn present(&self, negated: bool) -> String {
        format!("{} {}", self.subject(), self.matcher.predicate(self.say(false, negated)))
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let say = self.say(true, negated);
        let predicate = match facts.field(&self.field) {
            Told::Value(value, _) if !self.matcher.is_of_telling() => self.matcher.predicate_with(value, say),
            Told::Empty(_) if !self.matcher.is_of_telling() => {
                let not = if negated { "not " } else { "" };
                format!("{} empty ({not}{})", Say { negated: false, ..say }.be(), self.matcher.core())
            }
            _ => self.matcher.predicate(say),
        };
        format!("{} {predicate}", self.subject())
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let by = |value: String, stamp: Stamp<'_>| Seen {
            value,
            source: stamp.source.map(str::to_owned),
            as_of: stamp.as_of,
        };
        match facts.field(&self.field) {
            Told::Untold(_) => Seen { value: "unknown".to_owned(), ..Seen::default() },
            Told::Empty(stamp) => by("empty".to_owned(), stamp),
            Told::Value(crate::Value::Text(Word { text, told: None, .. }), stamp) => by(text::cut(text), stamp),
            Told::Value(value, stamp) => by(shown(value), stamp),
        }
    }

    fn normal(&self) -> String {
        format!("{}:{}", self.key, self.matcher.normal())
    }

    fn claim(&self) -> Option<Claim<'_>> {
        // A list may be several things at once.
        let is_single = !matches!(shape(&self.field), Shape::List | Shape::Any);
        is_single.then(|| Claim { about: self.key.clone(), matcher: &self.matcher })
    }

    fn fields(&self) -> Vec<String> {
        vec![self.key.clone()]
    }

    fn asks(&self) -> Vec<Ask> {
        vec![Ask::field(&self.field, self.matcher.words())]
    }
}

/// `known`, `unknown` and `empty` of a field.
fn of_telling(matcher: &Matcher, told: Told<'_>) -> Dated {
    let (holds, since) = match told {
        Told::Untold(since) => (matches!(matcher, Matcher::Unknown), since),
        Told::Empty(stamp) => (matches!(matcher, Matcher::Empty), stamp.since),
        Told::Value(_, stamp) => (matches!(matcher, Matcher::Known), stamp.since),
    };
    Dated::fixed(Truth::from(holds), since)
}
