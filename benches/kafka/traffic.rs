//! Made-up traffic: a help desk's events of about 430 bytes, and a snapshot of each account and of its bills.

use std::thread;
use std::time::Duration;

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use tierline_kafka::Settings;
use tierline_model::{
    AccountFields, AccountSnapshot, Author, BillingFields, BillingSnapshot, BillingState, Cleared, Encoding, Message,
    Millis, Priority, Status, Text, TicketEvent, TicketEventKind, TicketFields, TicketRecord, encode_account,
    encode_billing, encode_ticket,
};
use tierline_stream::topics::Names;

use crate::Outcome;
use crate::chance::Chance;

/// Between two events of the backlog, milliseconds: a million of them are five and a half hours.
const APART: Millis = 20;

/// Where each record goes.
pub type Sink = BaseProducer;

/// A plain producer whose records land where any client's would.
pub fn sink(settings: &Settings) -> Outcome<Sink> {
    Ok(settings.plain_producer().create()?)
}

/// Sends a record, and waits while the producer's queue is full.
pub fn send(sink: &Sink, topic: &str, key: &str, value: &[u8]) -> Outcome<()> {
    let mut record = BaseRecord::to(topic).key(key).payload(value);
    while let Err((error, same)) = sink.send(record) {
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
            return Err(error.into());
        }
        thread::sleep(Duration::from_millis(1));
        sink.poll(Duration::ZERO);
        record = same;
    }
    Ok(())
}

/// Tickets come and go: 12 % of the events create one, 4 % solve one, the rest are messages and changes.
pub struct Traffic {
    accounts: usize,
    /// Open tickets: number and account.
    open: Vec<(usize, usize)>,
    tickets: usize,
    made: usize,
    chance: Chance,
    value: Vec<u8>,
}

impl Traffic {
    pub fn over(accounts: usize) -> Traffic {
        Traffic { accounts, open: Vec::new(), tickets: 0, made: 0, chance: Chance::new(), value: Vec::new() }
    }

    /// Sends a snapshot of every account and of its bills; how many.
    pub fn send_snapshots(&mut self, settings: &Settings, names: &Names) -> Outcome<u64> {
        let sink = sink(settings)?;
        for number in 0..self.accounts {
            let id = account_id(number);
            self.value.clear();
            encode_account(&account(&id, number), Encoding::SingleObject, &mut self.value);
            send(&sink, &names.accounts[0], &id, &self.value)?;
            self.value.clear();
            encode_billing(&bills(&id, number), Encoding::SingleObject, &mut self.value);
            send(&sink, &names.billing[0], &id, &self.value)?;
        }
        sink.flush(Duration::from_secs(60))?;
        Ok(2 * self.accounts as u64)
    }

    /// Sends so many events that have just happened, one every [`APART`]; their bytes together.
    pub fn send_backlog(&mut self, settings: &Settings, names: &Names, events: u64) -> Outcome<u64> {
        let sink = sink(settings)?;
        let began = now() - events as Millis * APART;
        let mut bytes = 0;
        for number in 0..events {
            let account = self.event(began + number as Millis * APART);
            bytes += self.value.len() as u64;
            send(&sink, &names.tickets, &account_id(account), &self.value)?;
            if number % 1_000 == 0 {
                sink.poll(Duration::ZERO);
            }
        }
        sink.flush(Duration::from_secs(120))?;
        Ok(bytes)
    }

    /// The bytes that [`event`](Self::event) or [`urgent`](Self::urgent) made last.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Makes an event; the number of its account.
    pub fn event(&mut self, at: Millis) -> usize {
        let dice = self.chance.roll(100);
        if self.open.is_empty() || dice < 12 {
            let account = self.chance.roll(self.accounts);
            let usual = [Priority::Low, Priority::Normal, Priority::High][self.tickets % 3];
            self.create(at, account, if self.tickets.is_multiple_of(16) { Priority::Urgent } else { usual });
            return account;
        }
        let place = self.chance.roll(self.open.len());
        let (ticket, account) = self.open[place];
        let kind = match dice {
            12..47 => Kind::Message(Author::Customer),
            47..77 => Kind::Message(Author::Agent),
            77..96 => Kind::Changed,
            _ => {
                self.open.swap_remove(place);
                Kind::Solved
            }
        };
        self.encode(at, ticket, account, None, kind);
        account
    }

    /// Makes the event that escalates at once: an urgent ticket of a customer who is past due. The ticket's id, and the
    /// number of the account.
    pub fn urgent(&mut self, at: Millis) -> (String, usize) {
        let account = self.chance.roll(self.accounts / PAST_DUE) * PAST_DUE;
        (ticket_id(self.create(at, account, Priority::Urgent)), account)
    }

    fn create(&mut self, at: Millis, account: usize, priority: Priority) -> usize {
        let ticket = self.tickets;
        self.tickets += 1;
        self.open.push((ticket, account));
        self.encode(at, ticket, account, Some(priority), Kind::Created);
        ticket
    }

    fn encode(&mut self, at: Millis, ticket: usize, account: usize, priority: Option<Priority>, kind: Kind) {
        self.made += 1;
        let (event_id, ticket_id, account_id) =
            (format!("zd-{ticket}-audit-{:010}", self.made), ticket_id(ticket), account_id(account));
        let pick = |words: &[&'static str]| Some(Text::Borrowed(words[ticket % words.len()]));
        let message = |author| {
            Message {
            id: Some(Text::Borrowed(&event_id)),
            author,
            author_name: Some("Jo Appleseed".into()),
            public: true,
            text: Some(
                "The export of last month's invoices fails with the message that we sent you before, and now the report \
                 of the quarter is empty as well. We have tried it with two browsers."
                    .into(),
            ),
            automated: false,
        }
        };
        let (status, happened, message) = match kind {
            Kind::Created => (Status::New, TicketEventKind::Created, Some(message(Author::Customer))),
            Kind::Message(author) => (Status::Open, TicketEventKind::Message, Some(message(author))),
            Kind::Changed => (Status::Open, TicketEventKind::Updated, None),
            Kind::Solved => (Status::Solved, TicketEventKind::Updated, None),
        };
        let event = TicketEvent {
            sequence: Some(self.made as i64),
            // What a help desk tells with each event.
            ticket: TicketFields {
                subject: Some("The export of last month's invoices fails".into()),
                status: Some(status),
                priority,
                severity: pick(&["sev3", "sev2", "sev1"]),
                r#type: pick(&["question", "bug", "task", "incident"]),
                category: pick(&["billing", "exports", "login", "api", "mobile"]),
                product_area: pick(&["reports", "editor", "admin"]),
                tags: Some(vec!["api".into(), "beta".into()]),
                channel: pick(&["email", "chat", "web"]),
                requester: Some("jo@customer.example".into()),
                assignee: pick(&["sam", "kim", "alex", "jo", "max", "lee", "ana"]),
                team: pick(&["support", "technical", "billing"]),
                ..TicketFields::default()
            },
            message,
            ..TicketEvent::new(happened, &event_id, &ticket_id, &account_id, "zendesk", at)
        };
        self.value.clear();
        encode_ticket(&TicketRecord::Event(event), Encoding::SingleObject, &mut self.value);
    }
}

enum Kind {
    Created,
    Message(Author),
    Changed,
    Solved,
}

/// One account in so many is past due.
const PAST_DUE: usize = 20;

fn account(id: &str, number: usize) -> AccountSnapshot<'_> {
    AccountSnapshot {
        account_id: Text::Borrowed(id),
        source: "crm".into(),
        updated_at: None,
        fields: AccountFields {
            name: Some("A customer of ours".into()),
            plan: Some(if number.is_multiple_of(10) { "enterprise" } else { "team" }.into()),
            health: Some((number % 100) as f64),
            arr: Some(120_000),
            ..AccountFields::default()
        },
        cleared: Cleared::default(),
    }
}

fn bills(id: &str, number: usize) -> BillingSnapshot<'_> {
    let state = if number.is_multiple_of(PAST_DUE) { BillingState::PastDue } else { BillingState::Current };
    BillingSnapshot {
        account_id: Text::Borrowed(id),
        source: "invoicing".into(),
        updated_at: None,
        fields: BillingFields { state: Some(state), ..BillingFields::default() },
        cleared: Cleared::default(),
    }
}

pub fn account_id(number: usize) -> String {
    format!("account-{number:06}")
}

fn ticket_id(number: usize) -> String {
    format!("zendesk:{number:07}")
}

pub fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}
