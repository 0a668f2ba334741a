//! The context package: what a person needs to understand an escalation within 30 seconds, as it was at its last firing.

use std::collections::BTreeMap;

use tierline_model::{
    AccountContext, AccountField, Author, BillingContext, BillingField, CategoryCount, Context, HistoryContext,
    MessageContext, Millis, SlaContext, SlaMetric, TicketContext, TicketField, date_or_instant_text,
};
use tierline_rules::{Clock, Facts, FieldRef, Told as Fact, Value as Seen, Wait};

use crate::account::{Account, Slot};
use crate::engine::Engine;
use crate::joined::{Joined, Key, Value};
use crate::ticket::{Ticket, Track};
use crate::view::{self, View};

/// What the history of an account looks back on.
const MONTH: Millis = 30 * 86_400_000;
/// Of an account with more tickets than this, the newest are looked at for what is unresolved and for categories.
const NEWEST: usize = 1_000;
/// How many categories it tells.
const CATEGORIES: usize = 8;

impl Engine {
    /// The escalation of a ticket carries the context of this moment from now on.
    pub(crate) fn refresh_context(&mut self, slot: Slot, track: Track) {
        let ticket = &self.tickets[slot];
        let account = &self.accounts[ticket.account];
        let view = self.view(slot, account.now);
        let context = Context {
            account: account_context(account, &view),
            billing: billing_context(account, &view),
            history: self.history(account, account.now.at),
            conversation: conversation(ticket),
            handoff: ticket.rare.as_ref().and_then(|rare| rare.handoff.clone()),
            sla: sla(&view).into_iter().chain(self.escalation_clock(slot, account.now)).collect(),
            ticket: ticket_context(ticket, &view),
        };
        let ticket = &mut self.tickets[slot];
        ticket.behind.context |= track == Track::Live;
        if let Some(open) = ticket.open_mut(track) {
            open.context = Some(Box::new(context));
        }
    }

    fn history(&self, account: &Account, now: Millis) -> HistoryContext {
        let mut history = HistoryContext::default();
        let mut categories: BTreeMap<String, u32> = BTreeMap::new();
        let recent =
            |ticket: &&Ticket| ticket.counts() && ticket.created_at.is_some_and(|at| at > now - MONTH && at <= now);
        let counted = |at: Millis| account.created.partition_point(|&created| created <= at);
        history.tickets_30d = (counted(now) - counted(now - MONTH)) as u32;
        let newest = &account.tickets[account.tickets.len().saturating_sub(NEWEST)..];
        for ticket in newest.iter().map(|&slot| &self.tickets[slot]).filter(recent) {
            history.unresolved_30d += u32::from(ticket.open);
            let view = View::new(self.around(), account, ticket, None, account.now);
            if let Some(category) = word(&view, &FieldRef::Ticket(TicketField::Category)) {
                match categories.get_mut(category) {
                    Some(count) => *count += 1,
                    None => drop(categories.insert(category.to_owned(), 1)),
                }
            }
        }
        let mut categories: Vec<_> = categories.into_iter().collect();
        categories.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        let counted = |(category, count): (String, u32)| CategoryCount { category, count };
        history.categories = categories.into_iter().take(CATEGORIES).map(counted).collect();
        history
    }
}

fn account_context(account: &Account, view: &View<'_>) -> AccountContext {
    use AccountField::*;
    let told = Told { joined: &account.account };
    let text = |field| text(view, FieldRef::Account(field));
    let number = |field| told.number(Key::Account(field));
    AccountContext {
        name: text(Name),
        plan: text(Plan),
        segment: text(Segment),
        arr: number(Arr).map(|arr| arr as i64),
        currency: text(Currency),
        health: number(Health),
        churn_risk: number(ChurnRisk),
        renewal_date: match told.value(Key::Account(RenewalDate)) {
            Some(Value::Date(date)) => Some(date_or_instant_text(*date)),
            _ => None,
        },
        owner: text(Owner),
        region: text(Region),
        flags: texts(view, &FieldRef::Account(Flags)),
        as_of: account.account.as_of(),
    }
}

fn billing_context(account: &Account, view: &View<'_>) -> BillingContext {
    use BillingField::*;
    let told = Told { joined: &account.billing };
    let text = |field| text(view, FieldRef::Billing(field));
    let date = |field| match told.value(Key::Billing(field)) {
        Some(Value::Date(date)) => Some(view::instant(*date, account.zone)),
        _ => None,
    };
    BillingContext {
        state: text(State),
        past_due_since: date(PastDueSince),
        amount_due: told.number(Key::Billing(AmountDue)).map(|due| due as i64),
        currency: text(Currency),
        plan: text(Plan),
        plan_change: text(PlanChange),
        renews_at: date(RenewsAt),
        cancels_at: date(CancelsAt),
        as_of: account.billing.as_of(),
    }
}

fn ticket_context(ticket: &Ticket, view: &View<'_>) -> TicketContext {
    use TicketField::*;
    let text = |field| text(view, FieldRef::Ticket(field));
    TicketContext {
        subject: text(Subject),
        status: text(Status),
        priority: text(Priority),
        severity: text(Severity),
        category: text(Category),
        product_area: text(ProductArea),
        tags: texts(view, &FieldRef::Ticket(Tags)),
        requester: text(Requester),
        assignee: text(Assignee),
        team: text(Team),
        created_at: ticket.created_at,
        waiting_since: match view.wait() {
            Wait::Since(since) => Some(since),
            Wait::Nobody(_) | Wait::Unknown => None,
        },
    }
}

/// The one text that a field is, in the company's own words.
fn word<'v>(view: &'v View<'_>, field: &FieldRef) -> Option<&'v str> {
    match view.field(field) {
        Fact::Value(Seen::Text(word), _) => Some(word.text),
        _ => None,
    }
}

fn text(view: &View<'_>, field: FieldRef) -> Option<String> {
    word(view, &field).map(str::to_owned)
}

fn texts(view: &View<'_>, field: &FieldRef) -> Vec<String> {
    match view.field(field) {
        Fact::Value(Seen::List(list), _) => list.iter().map(|word| word.text.to_owned()).collect(),
        Fact::Value(Seen::Text(word), _) => vec![word.text.to_owned()],
        _ => Vec::new(),
    }
}

fn conversation(ticket: &Ticket) -> Vec<MessageContext> {
    let told = |message: &crate::ticket::StoredMessage| MessageContext {
        author: Author::ALL[message.author as usize].word().to_owned(),
        author_name: message.name.clone(),
        public: message.public,
        at: message.at,
        text: message.text.clone(),
    };
    ticket.bulk.texts.iter().map(told).collect()
}

/// The clocks that run, or pause: of those when they would be due if they went on at once.
fn sla(view: &View<'_>) -> Vec<SlaContext> {
    let clock = |metric: SlaMetric| match view.sla(metric) {
        (Clock::Running { started, due, .. }, Some(policy)) => {
            let breached = due.is_some_and(|due| view.moment().reached(due));
            let due_at = due.or_else(|| view.due_from_now(metric))?;
            let (metric, policy) = (metric.word().to_owned(), policy.to_owned());
            Some(SlaContext { metric, policy, started_at: started, due_at, breached })
        }
        _ => None,
    };
    SlaMetric::OF_TICKET.into_iter().filter_map(clock).collect()
}

/// What is told of an account or its bills, for people.
struct Told<'e> {
    joined: &'e Joined,
}

impl Told<'_> {
    fn value(&self, key: Key) -> Option<&Value> {
        self.joined.find(key)?.value.as_ref()
    }

    fn number(&self, key: Key) -> Option<f64> {
        match self.value(key)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }
}
