//! The talk of a soak: tickets that come, are talked about, are solved, some of them opened again, and forgotten. Over the
//! engine alone and as fast as it goes; time is that of the events.

use std::sync::Arc;

use tierline_engine::{Arrival, Engine, Input, Settings};
use tierline_model::{Author, Message, Millis, Priority, Status, TicketEvent, TicketEventKind, TicketFields};
use tierline_rules::Edge;

use crate::chance::Chance;
use crate::traffic::rule_set;

const START: Millis = 1_772_442_000_000;
const MINUTE: Millis = 60_000;
/// What is solved is kept for so long.
const HISTORY: Millis = 10 * MINUTE;
const OPEN: usize = 5_000;
const EVENTS_A_SECOND: usize = 2_000;
/// The changes of so many events are written together.
const BATCH: usize = 200;
/// Accounts; a tenth of the tickets are the first one's.
const ACCOUNTS: usize = 100_000;
/// So many of those that were solved last may be opened again.
const REMEMBERED: usize = 100;

const RULES: &str = "
rules:
  - { id: urgent-and-high, tier: 3, when: { all: [ { ticket.priority: urgent }, { ticket.category: billing } ] } }
  - { id: silence, tier: 2, when: { ticket.no_agent_reply_for: 30s } }
  - id: many
    tier: 2
    once_per: account
    when: { all: [ { account.tickets: { at_least: 50, within: 5m } }, { ticket.priority: high } ] }
  - { id: first-reply-due, tier: 2, when: { sla.first_reply: { due_within: 10s } } }
sla:
  - { id: standard, targets: { first_reply: { urgent: 1m, default: 10m } } }
";

/// See the module.
pub struct Talk {
    engine: Engine,
    /// Open tickets: number and account.
    open: Vec<(usize, usize)>,
    /// Those that were solved last, in no order.
    solved: Vec<(usize, usize)>,
    created: usize,
    sent: usize,
    chance: Chance,
    /// Bytes that the engine holds.
    held: i64,
}

impl Talk {
    pub fn new() -> Talk {
        let settings = Settings {
            grace: 5_000,
            stale_after: 120_000,
            import_timeout: 86_400_000,
            history: HISTORY,
            start_quietly: false,
            precedence: Vec::new(),
        };
        let mut engine = Engine::new(rule_set(RULES), Arc::new(settings));
        engine.caught_up(START);
        let (open, solved) = (Vec::with_capacity(OPEN), Vec::with_capacity(REMEMBERED));
        Talk { engine, open, solved, created: 0, sent: 0, chance: Chance::new(), held: 0 }
    }

    /// How many tickets have come.
    pub fn created(&self) -> usize {
        self.created
    }

    /// Goes on for so long; how many bytes the engine holds then.
    pub fn minutes(&mut self, minutes: usize) -> i64 {
        for _ in 0..minutes * 60 * EVENTS_A_SECOND / BATCH {
            let told: Vec<_> = (0..BATCH).map(|_| self.next()).collect();
            let engine = &mut self.engine;
            let counted = allocation_counter::measure(|| {
                for (names, at, event) in &told {
                    let event = event.of(names, *at);
                    let taken = engine.apply(*at, Arrival { appended_at: Some(*at), input: Input::Ticket(&event) });
                    taken.expect("the talk holds nothing that is refused");
                }
                if let Some((_, at, _)) = told.last() {
                    engine.advance(*at, Edge::Records);
                }
                engine.outputs().for_each(drop);
                engine.changes(&mut |_, _| {});
                engine.counts();
            });
            self.held += counted.bytes_current;
        }
        self.held
    }

    fn next(&mut self) -> (Names, Millis, Told) {
        self.sent += 1;
        let at = START + (self.sent * 1_000 / EVENTS_A_SECOND) as Millis;
        let dice = self.chance.roll(20);
        let (ticket, told) = if self.open.is_empty() || dice == 0 && self.open.len() < OPEN {
            self.comes()
        } else {
            let place = self.chance.roll(self.open.len());
            match dice {
                0 if self.chance.roll(20) == 0 => self.goes(place),
                2..9 => (self.open[place], Told::Asked),
                9..18 => (self.open[place], Told::Answered),
                _ => (self.open[place], Told::Sorted),
            }
        };
        let names = Names {
            event: format!("e{}", self.sent),
            ticket: format!("desk:{}", ticket.0),
            account: format!("account-{}", ticket.1),
        };
        (names, at, told)
    }

    /// One that is new, or was solved not long ago.
    fn comes(&mut self) -> ((usize, usize), Told) {
        let comes_back = !self.solved.is_empty() && self.chance.roll(2) == 0;
        let (ticket, told) = if comes_back {
            let place = self.chance.roll(self.solved.len());
            (self.solved.swap_remove(place), Told::Reopened)
        } else {
            self.created += 1;
            let account = if self.chance.roll(10) == 0 { 0 } else { self.chance.roll(ACCOUNTS) };
            ((self.created, account), Told::Created(self.chance.roll(5), self.chance.roll(4)))
        };
        self.open.push(ticket);
        (ticket, told)
    }

    fn goes(&mut self, place: usize) -> ((usize, usize), Told) {
        if self.solved.len() == REMEMBERED {
            let forgotten = self.chance.roll(REMEMBERED);
            self.solved.swap_remove(forgotten);
        }
        let ticket = self.open.swap_remove(place);
        self.solved.push(ticket);
        (ticket, Told::Solved)
    }
}

struct Names {
    event: String,
    ticket: String,
    account: String,
}

/// What an event tells.
#[derive(Clone, Copy)]
enum Told {
    /// With this priority and category.
    Created(usize, usize),
    Asked,
    Answered,
    Sorted,
    Solved,
    Reopened,
}

impl Told {
    fn of<'a>(self, names: &'a Names, at: Millis) -> TicketEvent<'a> {
        let says = |author, text: &'a str| Message {
            id: None,
            author,
            author_name: None,
            public: true,
            text: Some(text.into()),
            automated: false,
        };
        let is_now = |status| TicketFields { status: Some(status), ..TicketFields::default() };
        let (kind, ticket, message) = match self {
            Told::Created(priority, category) => {
                let ticket = TicketFields {
                    subject: Some("A request".into()),
                    status: Some(Status::New),
                    channel: Some("email".into()),
                    category: Some(["billing", "export", "login", "other"][category].into()),
                    priority: Some(Priority::ALL[priority % Priority::ALL.len()]),
                    requester: Some("jo@customer.example".into()),
                    ..TicketFields::default()
                };
                (TicketEventKind::Created, ticket, Some(says(Author::Customer, "It does not work.")))
            }
            Told::Asked => {
                let text = "Any news? We still cannot export anything, and the month is over.";
                (TicketEventKind::Message, TicketFields::default(), Some(says(Author::Customer, text)))
            }
            Told::Answered => {
                let text = "We are on it, and will tell you as soon as we know more about the cause.";
                (TicketEventKind::Message, TicketFields::default(), Some(says(Author::Agent, text)))
            }
            Told::Sorted => {
                let ticket = TicketFields {
                    priority: Some(Priority::Normal),
                    tags: Some(vec!["api".into(), "export".into()]),
                    ..TicketFields::default()
                };
                (TicketEventKind::Updated, ticket, None)
            }
            Told::Solved => (TicketEventKind::Updated, is_now(Status::Solved), None),
            Told::Reopened => (TicketEventKind::Updated, is_now(Status::Open), None),
        };
        TicketEvent {
            ticket,
            message,
            ..TicketEvent::new(kind, &names.event, &names.ticket, &names.account, "desk", at)
        }
    }
}
