//! The records that make the state: a snapshot of each account, then tickets of twelve fields with a message each, then
//! an answer to some.

use tierline_model::{
    AccountFields, AccountSnapshot, Author, Cleared, Encoding, Message, Millis, Priority, Status, Text, TicketEvent,
    TicketEventKind, TicketFields, TicketRecord, encode_account, encode_ticket,
};

/// When all of it happens.
pub const START: Millis = 1_772_442_000_000;

/// How many tickets an account has.
const TICKETS_AN_ACCOUNT: usize = 10;

/// How many records there are, and what the n-th of each input is.
pub struct Traffic {
    tickets: usize,
    answers: usize,
}

impl Traffic {
    /// So many tickets are opened.
    pub fn of(tickets: usize) -> Traffic {
        Traffic { tickets, answers: 0 }
    }

    /// Then so many of them are answered.
    pub fn answer(&mut self, tickets: usize) {
        self.answers = tickets;
    }

    /// How many snapshots of accounts there are.
    pub fn accounts(&self) -> usize {
        self.tickets.div_ceil(TICKETS_AN_ACCOUNT)
    }

    /// How many ticket events there are.
    pub fn events(&self) -> usize {
        self.tickets + self.answers
    }

    /// The key and the value of the n-th snapshot.
    pub fn account(&self, n: usize, value: &mut Vec<u8>) -> String {
        let key = account_id(n);
        let snapshot = AccountSnapshot {
            account_id: key.as_str().into(),
            source: "crm".into(),
            updated_at: None,
            fields: AccountFields {
                name: Some("Acme Widgets".into()),
                plan: Some(if n.is_multiple_of(10) { "enterprise" } else { "team" }.into()),
                health: Some((50 + n % 50) as f64),
                arr: Some(120_000),
                ..AccountFields::default()
            },
            cleared: Cleared::default(),
        };
        encode_account(&snapshot, Encoding::SingleObject, value);
        key
    }

    /// The key and the value of the n-th ticket event.
    pub fn event(&self, n: usize, value: &mut Vec<u8>) -> String {
        let is_answer = n >= self.tickets;
        let ticket = if is_answer { (n - self.tickets) * 7 % self.tickets } else { n };
        let key = account_id(ticket % self.accounts());
        let (event_id, ticket_id) = (format!("event-{n:012}"), format!("zendesk:{ticket:07}"));
        let pick = |words: &[&'static str]| Some(Text::Borrowed(words[ticket % words.len()]));
        let fields = TicketFields {
            status: Some(Status::New),
            priority: Some(Priority::ALL[ticket % 4]),
            severity: pick(&["sev3", "sev2", "sev1"]),
            r#type: pick(&["question", "bug", "task", "incident"]),
            category: pick(&["billing", "exports", "login", "api", "mobile"]),
            product_area: pick(&["reports", "editor", "admin"]),
            tags: Some(vec!["api".into(), "beta".into()]),
            channel: pick(&["email", "chat", "web"]),
            assignee: pick(&["sam", "kim", "alex", "jo", "max", "lee", "ana"]),
            team: pick(&["support", "technical", "billing"]),
            language: pick(&["en", "de", "fr"]),
            brand: pick(&["acme", "globex"]),
            ..TicketFields::default()
        };
        let kind = if is_answer { TicketEventKind::Message } else { TicketEventKind::Created };
        let event = TicketEvent {
            ticket: if is_answer { TicketFields::default() } else { fields },
            message: Some(Message {
                id: Some(event_id.as_str().into()),
                author: if is_answer { Author::Agent } else { Author::Customer },
                author_name: Some("Jo".into()),
                public: true,
                text: Some("The export of last month's invoices fails with the message that we sent before.".into()),
                automated: false,
            }),
            ..TicketEvent::new(kind, &event_id, &ticket_id, &key, "zendesk", START)
        };
        encode_ticket(&TicketRecord::Event(event), Encoding::SingleObject, value);
        key
    }
}

fn account_id(n: usize) -> String {
    format!("account-{n:07}")
}
