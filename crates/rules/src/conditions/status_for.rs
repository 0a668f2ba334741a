//! How long the ticket has had its status: `ticket.status_for: { status: on_hold, for: 24h }`.

use tierline_model::{Millis, Status, TicketField};

use super::lapse::{Due, Lapse};
use super::{Kind, Page, leaf};
use crate::scope::Scope;
use crate::source::{self, Key, Keys, Node, codes};
use crate::tree::Expression;
use crate::{
    Absence, AbsenceOf, Ask, Condition, Dated, Facts, FieldRef, Lasting, Reads, Seen, Told, Topic, Truth, Value, Word,
    text,
};

pub(super) const KIND: Kind = Kind { claims: |key| key == KEY, keys: || vec![KEY.to_owned()], page: PAGE, parse };

const PAGE: Page = Page {
    heading: "How long the ticket has had its status",
    about: "With a duration, and `calendar` as above.",
    examples: || vec![(KEY.to_owned(), "{ status: on_hold, for: 24h }".to_owned())],
};

const KEY: &str = "ticket.status_for";
const WHAT: &str = "`ticket.status_for`";
const STATUS: FieldRef = FieldRef::Ticket(TicketField::Status);

#[derive(Debug)]
struct StatusFor {
    status: Status,
    lapse: Lapse,
}

fn parse(_: &Key, value: &Node, scope: &mut Scope<'_>) -> Option<Expression> {
    let mut keys = Keys::of(value, WHAT, scope.found)?;
    let words: Vec<_> = Status::ALL.iter().map(|status| (status.word(), *status)).collect();
    let status = keys.required("status", scope.found);
    let place = status.map(|node| &node.span);
    let status = status.and_then(|node| source::word(node, "`status`", &words, scope.found));
    if let (Some(place), Some(over @ (Status::Solved | Status::Closed))) = (place, status) {
        scope
            .found
            .warning(codes::DOUBTFUL, place, format!("no rule waits for a ticket that is {}", over.word()))
            .label("only open tickets are looked at")
            .help("leave it out; a wait for the customer's answer is `ticket.no_customer_reply_for`");
    }
    let lapse = Lapse::of(&mut keys, WHAT, scope);
    keys.finish(scope.found);
    leaf(StatusFor { status: status?, lapse: lapse? })
}

impl StatusFor {
    /// Since when it has had the status; `Err`: what it is instead.
    fn from(&self, facts: &dyn Facts) -> Result<Millis, Dated> {
        match facts.field(&STATUS) {
            Told::Value(Value::Text(Word { text, .. }), stamp) if text == self.status.word() => Ok(stamp.since),
            Told::Value(_, stamp) | Told::Empty(stamp) => Err(Dated::fixed(Truth::No, stamp.since)),
            Told::Untold(since) => Err(Dated::fixed(Truth::Unknown, since)),
        }
    }
}

impl Condition for StatusFor {
    fn reads(&self) -> Reads {
        self.lapse.reads().and_field(&STATUS).and(Topic::Life)
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn evaluate(&self, facts: &dyn Facts) -> Dated {
        match self.from(facts) {
            Ok(from) => Due::reached(self.lapse.due(facts, from), facts, from),
            Err(dated) => dated,
        }
    }

    fn absence(&self, facts: &dyn Facts) -> Option<Absence> {
        let from = self.from(facts).ok()?;
        Some(Absence { of: AbsenceOf::Status, from, due: self.lapse.due(facts, from)?.stands() })
    }

    fn present(&self, negated: bool) -> String {
        let has = if negated { "has not" } else { "has" };
        format!("the ticket {has} been {} for {}", words(self.status), self.lapse.say())
    }

    fn past(&self, facts: &dyn Facts, negated: bool) -> String {
        let said = text::past(&self.present(negated));
        match self.from(facts) {
            Ok(from) => format!("{said} (since {})", text::instant(from)),
            Err(_) => said,
        }
    }

    fn seen(&self, facts: &dyn Facts) -> Seen {
        let (value, stamp) = match facts.field(&STATUS) {
            Told::Value(Value::Text(Word { text, .. }), stamp) => {
                (format!("{text} since {}", text::instant(stamp.since)), Some(stamp))
            }
            Told::Value(_, stamp) | Told::Empty(stamp) => ("none".to_owned(), Some(stamp)),
            Told::Untold(_) => ("unknown".to_owned(), None),
        };
        let source = stamp.and_then(|stamp| stamp.source).map(str::to_owned);
        Seen { value, source, as_of: stamp.and_then(|stamp| stamp.as_of) }
    }

    fn lasting(&self) -> Option<Lasting> {
        Some(self.lapse.lasting(&format!("{KEY}:{}", self.status.word())))
    }

    fn normal(&self) -> String {
        format!("{KEY}:{}:{}", self.status.word(), self.lapse.normal())
    }

    fn but_for_hours(&self) -> String {
        format!("{KEY}:{}:{}", self.status.word(), self.lapse.but_for_hours())
    }

    fn fields(&self) -> Vec<String> {
        vec!["ticket.status".to_owned()]
    }

    fn asks(&self) -> Vec<Ask> {
        vec![Ask::field(&STATUS, vec![self.status.word().to_owned()])]
    }
}

fn words(status: Status) -> String {
    status.word().replace('_', " ")
}
