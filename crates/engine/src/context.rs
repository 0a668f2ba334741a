//! The context package: what a person needs to understand an escalation within 30 seconds, as it was at its last firing.

use std::collections::BTreeMap;

use tierline_model::{
    AccountContext, AccountField, Author, BillingContext, BillingField, BillingState, CategoryCount, Context,
    HistoryContext, MessageContext, Millis, SlaContext, SlaMetric, TicketContext, TicketField, date_or_instant_text,
};
use tierline_rules::{Clock, Facts, Wait};

use crate::account::{Account, Slot};
use crate::cells::{CellValue, SeenValue};
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
            account: self.account_context(account),
            billing: self.billing_context(account),
            history: self.history(account, account.now.at),
            conversation: conversation(ticket),
            handoff: ticket.rare.as_ref().and_then(|rare| rare.handoff.clone()),
            sla: sla(&view).into_iter().chain(self.escalation_clock(slot, account.now)).collect(),
            ticket: self.ticket_context(ticket, &view),
        };
        let ticket = &mut self.tickets[slot];
        ticket.behind.context |= track == Track::Live;
        if let Some(open) = ticket.open_mut(track) {
            open.context = Some(Box::new(context));
        }
    }

    fn account_context(&self, account: &Account) -> AccountContext {
        use AccountField::*;
        let told = Told { engine: self, joined: &account.account };
        let text = |field| told.text(Key::Account(field));
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
            flags: match told.value(Key::Account(Flags)) {
                Some(Value::Symbols(flags)) => flags.iter().map(|&flag| self.texts.text(flag).to_owned()).collect(),
                _ => Vec::new(),
            },
            as_of: account.account.as_of(),
        }
    }

    fn billing_context(&self, account: &Account) -> BillingContext {
        use BillingField::*;
        let told = Told { engine: self, joined: &account.billing };
        let date = |field| match told.value(Key::Billing(field)) {
            Some(Value::Date(date)) => Some(view::instant(*date, account.zone)),
            _ => None,
        };
        let number = |field| match told.value(Key::Billing(field)) {
            Some(Value::Symbol(word)) => Some(*word as usize),
            _ => None,
        };
        BillingContext {
            state: number(State).map(|word| BillingState::ALL[word].word().to_owned()),
            past_due_since: date(PastDueSince),
            amount_due: told.number(Key::Billing(AmountDue)).map(|due| due as i64),
            currency: told.text(Key::Billing(Currency)),
            plan: told.text(Key::Billing(Plan)),
            plan_change: number(PlanChange).map(|word| tierline_model::PlanChange::ALL[word].word().to_owned()),
            renews_at: date(RenewsAt),
            cancels_at: date(CancelsAt),
            as_of: account.billing.as_of(),
        }
    }

    fn history(&self, account: &Account, now: Millis) -> HistoryContext {
        let mut history = HistoryContext::default();
        let mut categories: BTreeMap<&str, u32> = BTreeMap::new();
        let recent =
            |ticket: &&Ticket| ticket.counts() && ticket.created_at.is_some_and(|at| at > now - MONTH && at <= now);
        let counted = |at: Millis| account.created.partition_point(|&created| created <= at);
        history.tickets_30d = (counted(now) - counted(now - MONTH)) as u32;
        let newest = &account.tickets[account.tickets.len().saturating_sub(NEWEST)..];
        for ticket in newest.iter().map(|&slot| &self.tickets[slot]).filter(recent) {
            history.unresolved_30d += u32::from(ticket.open);
            if let Some(category) = ticket.cells.small(TicketField::Category) {
                *categories.entry(self.texts.text(category)).or_default() += 1;
            }
        }
        let mut categories: Vec<_> = categories.into_iter().collect();
        categories.sort_by_key(|&(category, count)| (std::cmp::Reverse(count), category));
        let counted = |(category, count): (&str, u32)| CategoryCount { category: category.to_owned(), count };
        history.categories = categories.into_iter().take(CATEGORIES).map(counted).collect();
        history
    }

    fn ticket_context(&self, ticket: &Ticket, view: &View<'_>) -> TicketContext {
        use TicketField::*;
        let cells = &ticket.cells;
        let symbol = |field| cells.small(field).map(|symbol| self.texts.text(symbol).to_owned());
        TicketContext {
            subject: cells.text(Subject).map(str::to_owned),
            status: cells.small(Status).map(|word| tierline_model::Status::ALL[word as usize].word().to_owned()),
            priority: cells.small(Priority).map(|word| tierline_model::Priority::ALL[word as usize].word().to_owned()),
            severity: symbol(Severity),
            category: symbol(Category),
            product_area: symbol(ProductArea),
            tags: match cells.field(Tags).and_then(|seen| seen.value) {
                Some(SeenValue::Large(CellValue::Symbols(tags))) => {
                    tags.iter().map(|&tag| self.texts.text(tag).to_owned()).collect()
                }
                _ => Vec::new(),
            },
            requester: cells.text(Requester).map(str::to_owned),
            assignee: symbol(Assignee),
            team: symbol(Team),
            created_at: ticket.created_at,
            waiting_since: match view.wait() {
                Wait::Since(since) => Some(since),
                Wait::Nobody(_) | Wait::Unknown => None,
            },
        }
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
    engine: &'e Engine,
    joined: &'e Joined,
}

impl Told<'_> {
    fn value(&self, key: Key) -> Option<&Value> {
        self.joined.find(key)?.value.as_ref()
    }

    fn text(&self, key: Key) -> Option<String> {
        match self.value(key)? {
            Value::Symbol(symbol) => Some(self.engine.texts.text(*symbol).to_owned()),
            _ => None,
        }
    }

    fn number(&self, key: Key) -> Option<f64> {
        match self.value(key)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }
}
