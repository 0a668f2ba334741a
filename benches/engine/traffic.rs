//! Made-up traffic over an engine, for the benches of its speed and of its memory.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use tierline_engine::{Arrival, Engine, Input, Settings};
use tierline_model::{
    AccountFields, AccountSnapshot, Author, BillingFields, BillingSnapshot, BillingState, Cleared, Message, Millis,
    Priority, Status, Text, TicketEvent, TicketEventKind, TicketFields,
};
use tierline_rules::source::{Diagnostics, Keys, Source, parse};
use tierline_rules::{Edge, RuleSet, Sections};

use crate::chance::Chance;

const START: Millis = 1_772_442_000_000;
pub const BATCH: usize = 1_000;
/// So many tickets are open at a time, and so many of them count as just come.
const OPEN: usize = 20_000;
const NEW: usize = 2_000;

/// An engine as the run loop holds it.
pub struct Stage {
    pub engine: Engine,
    clock: Millis,
    pub spent: Duration,
    pub escalations: usize,
    pub written: usize,
}

impl Stage {
    pub fn new(rules: &Arc<RuleSet>) -> Stage {
        let settings = Settings {
            grace: 5_000,
            stale_after: 120_000,
            import_timeout: 86_400_000,
            history: 35 * 86_400_000,
            start_quietly: false,
            precedence: Vec::new(),
        };
        let mut engine = Engine::new(Arc::clone(rules), Arc::new(settings));
        engine.caught_up(START);
        Stage { engine, clock: START, spent: Duration::ZERO, escalations: 0, written: 0 }
    }

    pub fn take(&mut self, names: &Names, batch: &[Event]) {
        let decoded: Vec<_> = batch.iter().map(|event| event.decoded(names)).collect();
        let begun = cpu_time();
        for (event, decoded) in batch.iter().zip(&decoded) {
            self.clock = event.at;
            let input = match decoded {
                Decoded::Ticket(event) => Input::Ticket(event),
                Decoded::Account(snapshot) => Input::Account { topic: 0, snapshot },
                Decoded::Billing(snapshot) => Input::Billing { topic: 0, snapshot },
            };
            let taken = self.engine.apply(self.clock, Arrival { appended_at: Some(event.at), input });
            taken.expect("the traffic holds nothing that is refused");
        }
        self.engine.advance(self.clock, Edge::Records);
        self.escalations += self.engine.outputs().map(black_box).count();
        let written = &mut self.written;
        self.engine.changes(&mut |key, value| {
            black_box((key, value));
            *written += 1;
        });
        self.spent += cpu_time() - begun;
    }
}

/// What this thread has had of a core: what other programs take is not counted.
pub fn cpu_time() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}

/// Ids and words, made once.
pub struct Names {
    accounts: Vec<String>,
    tickets: Vec<String>,
    events: Vec<String>,
}

/// An event in few words.
pub struct Event {
    at: Millis,
    account: usize,
    ticket: usize,
    number: usize,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Created,
    Message(Author),
    Updated,
    Solved,
    Account,
    Billing,
}

#[allow(clippy::large_enum_variant, reason = "they lie in one list, made outside the measured time")]
enum Decoded<'a> {
    Ticket(TicketEvent<'a>),
    Account(AccountSnapshot<'a>),
    Billing(BillingSnapshot<'a>),
}

/// Made-up traffic in the order of time, a million events a day, as a busy help desk has it: a ticket in five events,
/// answered within the hour as a rule, solved as fast as others are opened once [`OPEN`] are. A snapshot now and then.
pub struct Traffic {
    pub names: Names,
    /// Open tickets: their number and account.
    open: Vec<(usize, usize)>,
    accounts: usize,
    at: Millis,
    chance: Chance,
    made: usize,
    pub only_created: bool,
    /// So many tickets are created before anything else happens.
    pub opening: usize,
}

impl Traffic {
    pub fn over(accounts: usize) -> Traffic {
        let names = Names {
            accounts: (0..accounts).map(|n| format!("account-{n:07}")).collect(),
            tickets: Vec::new(),
            events: Vec::new(),
        };
        let (chance, at) = (Chance::new(), START);
        Traffic { names, open: Vec::new(), accounts, at, chance, made: 0, only_created: false, opening: 0 }
    }

    /// When its last event happened.
    pub fn now(&self) -> Millis {
        self.at
    }

    pub fn next(&mut self, count: usize) -> Vec<Event> {
        self.names.events.clear();
        (0..count).map(|number| self.event(number)).collect()
    }

    fn event(&mut self, number: usize) -> Event {
        // Where only memory is asked for, nothing is to become overdue.
        self.at += if self.only_created { 1 } else { 86 };
        self.made += 1;
        self.names.events.push(format!("event-{:012}", self.made));
        let create = self.open.is_empty() || self.only_created || self.made <= self.opening || self.chance.roll(5) == 0;
        if create {
            let (account, ticket) = (self.chance.roll(self.accounts), self.names.tickets.len());
            self.names.tickets.push(format!("zendesk:{ticket:07}"));
            self.open.push((ticket, account));
            return Event { at: self.at, account, ticket, number, kind: Kind::Created };
        }
        let dice = self.chance.roll(1_000);
        let newest = self.open.len() - self.chance.roll(NEW.min(self.open.len())) - 1;
        let any = self.chance.roll(self.open.len());
        let (place, kind) = match dice {
            // Most answers go to who has just come; the rest of the talk is about any ticket.
            0..330 => (newest, Kind::Message(Author::Agent)),
            330..450 => (any, Kind::Message(Author::Agent)),
            450..600 => (any, Kind::Message(Author::Customer)),
            600..740 => (any, Kind::Updated),
            740..745 => (any, Kind::Account),
            745..750 => (any, Kind::Billing),
            _ if self.open.len() < OPEN => (any, Kind::Updated),
            // The oldest are solved first, more or less.
            _ => (self.chance.roll(self.open.len() / 4), Kind::Solved),
        };
        let (ticket, account) = self.open[place];
        if matches!(kind, Kind::Solved) {
            self.open.remove(place);
        }
        Event { at: self.at, account, ticket, number, kind }
    }
}

impl Event {
    /// Its ticket goes to the next account: what the one that it leaves is told, and the other.
    pub fn rehomed<'a>(&self, names: &'a Names) -> Option<[TicketEvent<'a>; 2]> {
        let Decoded::Ticket(event) = self.decoded(names) else { return None };
        let to = names.accounts[(self.account + 1) % names.accounts.len()].as_str();
        let told = |account: Text<'a>| TicketEvent {
            event_id: format!("{}-moved", event.event_id).into(),
            account_id: account,
            kind: TicketEventKind::Rehomed,
            ticket: TicketFields::default(),
            to_account: Some(to.into()),
            ..event.clone()
        };
        Some([told(event.account_id.clone()), told(to.into())])
    }

    fn decoded<'a>(&self, names: &'a Names) -> Decoded<'a> {
        let account_id = Text::Borrowed(names.accounts[self.account].as_str());
        let pick = |words: &[&'static str]| Some(Text::Borrowed(words[self.ticket % words.len()]));
        match self.kind {
            Kind::Account => Decoded::Account(AccountSnapshot {
                account_id,
                source: "crm".into(),
                updated_at: None,
                fields: AccountFields {
                    plan: Some(if self.account.is_multiple_of(10) { "enterprise" } else { "team" }.into()),
                    health: Some((self.ticket % 100) as f64),
                    arr: Some(120_000),
                    ..AccountFields::default()
                },
                cleared: Cleared::default(),
            }),
            Kind::Billing => Decoded::Billing(BillingSnapshot {
                account_id,
                source: "invoicing".into(),
                updated_at: None,
                fields: BillingFields {
                    state: Some(if self.ticket.is_multiple_of(20) {
                        BillingState::PastDue
                    } else {
                        BillingState::Current
                    }),
                    ..BillingFields::default()
                },
                cleared: Cleared::default(),
            }),
            Kind::Created | Kind::Message(_) | Kind::Updated | Kind::Solved => {
                let (kind, message) = match self.kind {
                    Kind::Created => (TicketEventKind::Created, None),
                    Kind::Message(author) => (TicketEventKind::Message, Some(message(names, self.number, author))),
                    _ => (TicketEventKind::Updated, None),
                };
                let ticket = match self.kind {
                    // Twelve fields, as a help desk tells them.
                    Kind::Created => TicketFields {
                        status: Some(Status::New),
                        priority: Some(Priority::ALL[self.ticket % 4]),
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
                    },
                    Kind::Updated => TicketFields {
                        priority: Some(Priority::ALL[self.number % 4]),
                        status: Some([Status::Open, Status::Pending][self.number % 2]),
                        ..TicketFields::default()
                    },
                    Kind::Solved => TicketFields { status: Some(Status::Solved), ..TicketFields::default() },
                    _ => TicketFields::default(),
                };
                let (event_id, ticket_id) = (&names.events[self.number], &names.tickets[self.ticket]);
                Decoded::Ticket(TicketEvent {
                    ticket,
                    message,
                    ..TicketEvent::new(kind, event_id, ticket_id, account_id, "zendesk", self.at)
                })
            }
        }
    }
}

fn message(names: &Names, number: usize, author: Author) -> Message<'_> {
    Message {
        id: Some(Text::Borrowed(&names.events[number])),
        author,
        author_name: Some("Jo".into()),
        public: true,
        text: Some("The export of last month's invoices fails with the message that we sent you before.".into()),
        automated: false,
    }
}

/// The rules that ship as the example.
pub const REFERENCE: &str = "
sla:
  - { id: everybody, targets: { first_reply: { urgent: 1h, high: 4h, default: 8h } } }
rules:
  - { id: enterprise-billing-silence, tier: 3, when: { all: [ account.plan: enterprise, ticket.category: billing, ticket.no_agent_reply_for: 2h ] } }
  - { id: urgent-past-due, tier: 3, when: { all: [ ticket.priority: urgent, billing.state: past_due ] } }
  - id: repeat-trouble
    tier: 2
    once_per: account
    when: { all: [ account.tickets: { at_least: 5, within: 7d }, any: [ account.health: { below: 50 }, ticket.sentiment: { at_most: -0.5 } ] ] }
  - { id: first-reply-at-risk, tier: 2, when: { sla.first_reply: { due_within: 30m } } }
";

pub fn rule_set(text: &str) -> Arc<RuleSet> {
    let mut found = Diagnostics::default();
    let root = parse(&Source::new("rules", text), &mut found).expect("it is YAML");
    let mut keys = Keys::of(&root, "the rules", &mut found).expect("it is a map");
    let sections = Sections {
        rules: keys.optional("rules"),
        sla: keys.optional("sla"),
        history: 35 * 86_400_000,
        ..Sections::default()
    };
    let set = tierline_rules::rule_set(&sections, &mut found);
    assert_eq!(found.mistakes(), 0, "{}", found.render(false));
    Arc::new(set)
}
