//! Tickets move between the accounts of several tasks, by chance, with restarts: each ends as one that was under its
//! last account from the start. SEMANTICS 7.3.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use tierline_engine::{Arrival, Input};
use tierline_model::{
    Author, Escalation, EscalationKind, Message, Millis, Priority, Status, TicketEvent, TicketEventKind, TicketFields,
};

use crate::kit::*;

const ACCOUNTS: [&str; 5] = ["acme", "beta", "coda", "dune", "echo"];
const TICKETS: [&str; 3] = ["T1", "T2", "T3"];
const TASKS: usize = 3;

/// What happens, some minutes after what happened before.
#[derive(Clone, Debug)]
enum What {
    Writes {
        ticket: usize,
        author: Author,
    },
    Becomes {
        ticket: usize,
        status: Status,
    },
    Urgent {
        ticket: usize,
        urgent: bool,
    },
    Goes {
        ticket: usize,
        to: usize,
    },
    Dies {
        task: usize,
    },
    /// What is on its way between two tasks comes.
    Comes {
        from: usize,
        to: usize,
    },
}

fn what() -> impl Strategy<Value = What> {
    let ticket = || 0..TICKETS.len();
    let task = || 0..TASKS;
    let author = prop_oneof![Just(Author::Customer), Just(Author::Agent), Just(Author::Bot)];
    let status = prop_oneof![Just(Status::Open), Just(Status::Pending), Just(Status::Solved)];
    prop_oneof![
        4 => (ticket(), author).prop_map(|(ticket, author)| What::Writes { ticket, author }),
        2 => (ticket(), status).prop_map(|(ticket, status)| What::Becomes { ticket, status }),
        1 => (ticket(), any::<bool>()).prop_map(|(ticket, urgent)| What::Urgent { ticket, urgent }),
        3 => (ticket(), 0..ACCOUNTS.len()).prop_map(|(ticket, to)| What::Goes { ticket, to }),
        1 => task().prop_map(|task| What::Dies { task }),
        3 => (task(), task()).prop_map(|(from, to)| What::Comes { from, to }),
    ]
}

fn history() -> impl Strategy<Value = Vec<(Millis, What)>> {
    // Less than a day in all: nothing is given up.
    prop::collection::vec((0..23i64, what()), 1..60)
}

/// What is on its way from one task to another: to which account, and what it is.
type Way = VecDeque<(String, Vec<u8>)>;

/// Several tasks, and what is on its way between them.
struct Town {
    tasks: Vec<Desk>,
    ways: BTreeMap<(usize, usize), Way>,
    said: Vec<Escalation>,
}

fn task_of(account: &str) -> usize {
    ACCOUNTS.iter().position(|other| *other == account).expect("it is one of them") % TASKS
}

impl Town {
    fn new(text: &str) -> Town {
        let task = |_| {
            let mut desk = Desk::new(text);
            desk.keeps_back = true;
            desk
        };
        Town { tasks: (0..TASKS).map(task).collect(), ways: BTreeMap::new(), said: Vec::new() }
    }

    fn event(&mut self, account: &'static str, at: Millis, event: &Event<'_>) {
        let desk = &mut self.tasks[task_of(account)];
        desk.account = account;
        event.happen(desk, at);
        self.sort(task_of(account));
    }

    /// What a task has let go is on its way to the task of its account.
    fn sort(&mut self, task: usize) {
        self.said.extend(self.tasks[task].heard());
        for (to, value) in self.tasks[task].on_its_way.drain(..) {
            self.ways.entry((task, task_of(&to))).or_default().push_back((to, value));
        }
    }

    fn comes(&mut self, from: usize, to: usize) -> bool {
        let Some((account, value)) = self.ways.get_mut(&(from, to)).and_then(VecDeque::pop_front) else { return false };
        let desk = &mut self.tasks[to];
        let input = Input::Moved { account_id: &account, value: &value };
        desk.engine.apply(desk.clock, Arrival { appended_at: Some(desk.clock), input }).expect("it is taken");
        desk.run_to(desk.clock);
        self.sort(to);
        true
    }

    fn all_come(&mut self) {
        while let Some((&(from, to), _)) = self.ways.iter().find(|(_, way)| !way.is_empty()) {
            self.comes(from, to);
        }
    }

    fn run_to(&mut self, at: Millis) {
        for task in 0..TASKS {
            self.tasks[task].run_to(at);
            self.sort(task);
        }
    }

    /// How many entries of the queue there are of each escalation.
    fn queued(&self) -> BTreeMap<String, usize> {
        let mut queued = BTreeMap::new();
        for id in self.tasks.iter().flat_map(|task| task.queue.keys()) {
            *queued.entry(id.clone()).or_default() += 1;
        }
        queued
    }
}

/// One thing that is told of a ticket.
struct Event<'a> {
    id: String,
    ticket: &'static str,
    kind: TicketEventKind,
    change: &'a dyn Fn(&mut TicketEvent<'_>),
}

impl Event<'_> {
    fn happen(&self, desk: &mut Desk, at: Millis) {
        desk.event(self.kind, self.ticket, at, |event| {
            event.event_id = self.id.clone().into();
            (self.change)(event);
        });
    }
}

/// What its account is, the context that it had, where it was.
const BESIDE: &[u8] = b"acg";
/// And when it was seen.
const LATE: &[u8] = b"acgq";

/// The entries of a ticket, but for those of these kinds.
fn entries(desks: Vec<Desk>, without: &[u8], account: &str, ticket: &str) -> BTreeMap<(u8, u8), Vec<u8>> {
    let end = [account.as_bytes(), ticket.as_bytes()].concat();
    let mut found = BTreeMap::new();
    for desk in desks {
        desk.engine.meaning(&mut |key, value| {
            if key.ends_with(&end) && !without.contains(&key[0]) {
                found.insert((key[0], key[1]), value.to_vec());
            }
        });
    }
    found
}

/// A story told to a town, and to a desk where every ticket has its last account from the start. `at_once`: what goes
/// comes before anything else happens.
fn live(text: &str, history: &[(Millis, What)], at_once: bool) -> (Town, Desk, [&'static str; 3]) {
    let mut home = ["acme"; 3];
    for (_, what) in history {
        if let What::Goes { ticket, to } = what {
            home[*ticket] = ACCOUNTS[*to];
        }
    }
    let (mut town, mut desk) = (Town::new(text), Desk::new(text));
    let (mut now, mut filed) = (at(0), ["acme"; 3]);
    let tell = |town: &mut Town, desk: &mut Desk, filed: [&'static str; 3], at: Millis, event: &Event<'_>| {
        let ticket = TICKETS.iter().position(|ticket| *ticket == event.ticket).expect("it is one of them");
        town.event(filed[ticket], at, event);
        desk.account = home[ticket];
        event.happen(desk, at);
    };
    for ticket in TICKETS {
        let event = Event { id: format!("{ticket} created"), ticket, kind: TicketEventKind::Created, change: &|_| () };
        tell(&mut town, &mut desk, filed, now, &event);
    }
    for (number, (gap, what)) in history.iter().enumerate() {
        now += gap * MINUTE + 1;
        town.run_to(now - 1);
        desk.run_to(now - 1);
        let mut event = |ticket: usize, kind, change: &dyn Fn(&mut TicketEvent<'_>)| {
            let event = Event { id: format!("e{number}"), ticket: TICKETS[ticket], kind, change };
            tell(&mut town, &mut desk, filed, now, &event);
        };
        match what {
            What::Writes { ticket, author } => event(*ticket, TicketEventKind::Message, &|event| {
                let text = Some(format!("message {number}").into());
                let message =
                    Message { id: None, author: *author, author_name: None, public: true, text, automated: false };
                event.message = Some(message);
            }),
            What::Becomes { ticket, status } => event(*ticket, TicketEventKind::Updated, &|event| {
                event.ticket = TicketFields { status: Some(*status), ..TicketFields::default() };
            }),
            What::Urgent { ticket, urgent } => event(*ticket, TicketEventKind::Updated, &|event| {
                let priority = Some(if *urgent { Priority::Urgent } else { Priority::Low });
                event.ticket = TicketFields { priority, ..TicketFields::default() };
            }),
            What::Goes { ticket, to } if filed[*ticket] != ACCOUNTS[*to] => {
                let (from, to, id) = (filed[*ticket], ACCOUNTS[*to], format!("e{number}"));
                let ticket_id = TICKETS[*ticket];
                let goes = |event: &mut TicketEvent<'_>| event.to_account = Some(to.into());
                let kind = TicketEventKind::Rehomed;
                town.event(from, now, &Event { id: id.clone(), ticket: ticket_id, kind, change: &goes });
                let comes = format!("{id} comes");
                town.event(to, now, &Event { id: comes, ticket: ticket_id, kind, change: &goes });
                filed[*ticket] = to;
                // That it was heard of is kept by its id.
                desk.account = home[*ticket];
                let heard = |event: &mut TicketEvent<'_>| event.by_kind = Some(Author::System);
                Event { id, ticket: ticket_id, kind: TicketEventKind::Updated, change: &heard }.happen(&mut desk, now);
            }
            What::Goes { .. } => {}
            What::Dies { task } => town.tasks[*task].restart(),
            What::Comes { from, to } => drop(town.comes(*from, *to)),
        }
        if at_once {
            town.all_come();
        }
    }
    town.all_come();
    let end = now + 300 * MINUTE;
    town.run_to(end);
    desk.run_to(end);
    (town, desk, home)
}

const RULES: &str = "
rules:
  - { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 40m } }
  - { id: urgent, tier: 3, clear: when_no, when: { ticket.priority: urgent } }
  - { id: old, tier: 3, cooldown: 1h, when: { all: [ { ticket.open_for: 90m }, { ticket.follow_ups: { at_least: 2 } } ] } }
sla:
  - { id: all, targets: { first_reply: { urgent: 5m, default: 25m }, next_reply: { default: 15m }, resolution: { default: 2h } } }
";

fn lines(said: &[Escalation]) -> Vec<String> {
    let line = |it: &Escalation| {
        let Escalation { escalation_id, sequence, kind, ticket_id, tier, became_true_at, rule, .. } = it;
        format!("{ticket_id} {escalation_id}/{sequence} {kind} {tier} {rule:?} @{}", (became_true_at - START) / MINUTE)
    };
    let mut lines: Vec<_> = said.iter().map(line).collect();
    lines.sort();
    lines
}

/// `(escalation_id, sequence)` never repeats and has no gap, and the queue holds what is open, once.
fn check_stream(town: &Town) {
    let mut next: BTreeMap<String, u32> = BTreeMap::new();
    // How many firings hold each open.
    let mut stands: BTreeMap<String, i32> = BTreeMap::new();
    for it in &town.said {
        let id = it.escalation_id.to_string();
        let expected = next.entry(id.clone()).or_default();
        assert_eq!(it.sequence, *expected, "{id} of {}", it.ticket_id);
        *expected += 1;
        match it.kind {
            EscalationKind::Opened | EscalationKind::Raised => *stands.entry(id).or_default() += 1,
            EscalationKind::Resolved => drop(stands.remove(&id)),
            EscalationKind::Retracted => *stands.entry(id).or_default() -= 1,
            _ => {}
        }
    }
    stands.retain(|_, firings| *firings > 0);
    let open: BTreeMap<_, usize> = stands.into_keys().map(|id| (id, 1)).collect();
    assert_eq!(town.queued(), open, "{:#?}", lines(&town.said));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_at_once_is_as_if_it_had_been_there_from_the_start(history in history()) {
        let (mut town, mut desk, home) = live(RULES, &history, true);
        check_stream(&town);
        prop_assert_eq!(lines(&town.said), lines(&desk.heard()));
        let ticket = history.len() % TICKETS.len();
        town.tasks.iter_mut().for_each(Desk::restart);
        desk.restart();
        let now = entries(town.tasks, BESIDE, home[ticket], TICKETS[ticket]);
        prop_assert_eq!(now, entries(vec![desk], BESIDE, home[ticket], TICKETS[ticket]));
    }

    #[test]
    fn what_comes_late_has_lived_through_the_same(history in history()) {
        let (mut town, mut desk, home) = live(RULES, &history, false);
        check_stream(&town);
        prop_assert_eq!(lines(&town.said), lines(&desk.heard()));
        let open: usize = town.tasks.iter().map(|task| task.engine.open_tickets()).sum();
        prop_assert_eq!(open, desk.engine.open_tickets());
        // What a restart finds is written in one way only.
        town.tasks.iter_mut().for_each(Desk::restart);
        desk.restart();
        let ticket = history.len() % TICKETS.len();
        let now = entries(town.tasks, LATE, home[ticket], TICKETS[ticket]);
        prop_assert_eq!(now, entries(vec![desk], LATE, home[ticket], TICKETS[ticket]));
    }
}
