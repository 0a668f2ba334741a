//! What a help desk, a mailbox, a CRM, a billing system, a model and agents tell over a minute or two, [beside] imports
//! and the mailbox's heartbeats.

mod beside;

use serde_json::{Value, json};
use tierline_model::Millis;
use tierline_stream::log::Partition;
use tierline_stream::partitioner::partition_of;

use super::{Class, START};
use crate::chance::Chance;
use beside::Import;

/// An input topic, by its `InputId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the stream that it is called after")]
pub enum Topic {
    Tickets = 0,
    Accounts = 1,
    Billing = 2,
    AccountChanges = 3,
    BillingChanges = 4,
    Signals = 5,
    Commands = 6,
}

/// A record on its way into an input.
#[derive(Clone, Debug)]
pub struct Send {
    /// When the log takes it.
    pub at: Millis,
    /// Where to.
    pub topic: Topic,
    /// Where in it.
    pub partition: Partition,
    /// Its key.
    pub key: Option<String>,
    /// Its value; none: a tombstone.
    pub value: Option<String>,
    /// It has been told before.
    pub repeats: bool,
    /// Nobody can take it: it must become a dead letter.
    pub is_bad: bool,
    /// Its producer's transaction: how long it stays open, and whether it is committed.
    pub hidden: Option<(Millis, bool)>,
    /// An agent answers: the ticket, and when.
    pub answers: Option<(String, Millis)>,
    /// Its account is forgotten, and when.
    pub forgets: Option<Millis>,
}

impl Send {
    /// When it is known whether readers see it.
    pub fn decided_at(&self) -> Millis {
        self.at + self.hidden.map_or(0, |(open, _)| open)
    }
}

/// After how long at most a record is sent once more.
const AGAIN: Millis = 3_000;

struct Ticket {
    id: String,
    account: usize,
    /// Where it was before.
    former: Option<usize>,
    source: &'static str,
    is_open: bool,
}

struct Teller<'c> {
    class: Class,
    partitions: Partition,
    accounts: Vec<String>,
    tickets: Vec<Ticket>,
    import: Option<Import>,
    chance: &'c mut Chance,
    told: Vec<Send>,
    ids: u32,
}

/// What is told within so many milliseconds, in order of arrival.
pub(super) fn tell(class: Class, partitions: Partition, span: Millis, chance: &mut Chance) -> Vec<Send> {
    let accounts = (0..chance.between(2, 6)).map(|number| format!("account-{number}")).collect();
    let (tickets, told) = (Vec::new(), Vec::new());
    let mut teller = Teller { class, partitions, accounts, tickets, import: None, chance, told, ids: 0 };
    let begin = match class {
        Class::Backlog => START - span - 20_000,
        Class::Live | Class::Wild => START + 500,
    };
    teller.snapshots(if class == Class::Wild { begin } else { begin - 5_000 });
    let pace = teller.chance.of(&[300, 600, 1_200]);
    let (mut now, mut sent_at) = (begin, begin);
    while now < begin + span {
        now += teller.chance.between(1, 2 * pace);
        let delay = match (class, teller.chance.below(8)) {
            (Class::Backlog, _) => 0,
            (_, 0) => teller.chance.between(0, 1_500),
            _ => teller.chance.between(0, 40),
        };
        // One producer: what it sends arrives in its order.
        sent_at = sent_at.max(now + delay);
        teller.one(now, sent_at);
    }
    let mut told = teller.told;
    told.sort_by_key(|send| send.at);
    // That one is told again isn't known any more once its account is forgotten.
    let forgetting = told.iter().filter(|send| send.forgets.is_some());
    let forgotten: Vec<_> = forgetting.map(|send| (send.key.clone(), send.at, send.decided_at())).collect();
    told.retain(|send| {
        let is_since = |from: Millis, to: Millis| send.at - AGAIN <= to && from <= send.at;
        !send.repeats || !forgotten.iter().any(|(key, from, to)| *key == send.key && is_since(*from, *to))
    });
    told
}

impl Teller<'_> {
    fn is_wild(&self) -> bool {
        self.class == Class::Wild
    }

    fn snapshots(&mut self, at: Millis) {
        for account in 0..self.accounts.len() {
            let health = self.chance.below(101);
            let value = json!({ "account_id": self.accounts[account], "source": "crm", "name": "A", "health": health });
            self.send(at, Topic::Accounts, account, value);
            let state = self.chance.of(&["current", "past_due"]);
            let value = json!({ "account_id": self.accounts[account], "source": "bills", "state": state });
            self.send(at, Topic::Billing, account, value);
        }
    }

    fn one(&mut self, now: Millis, at: Millis) {
        match self.chance.below(20) {
            0 if self.class != Class::Live => self.snapshot(at),
            1 | 2 if self.class != Class::Live => self.signal(now, at),
            3 if self.class != Class::Live => self.command(now, at),
            4 => self.bad(at),
            5 if self.class != Class::Live => self.import(now, at),
            6 if self.class != Class::Live => self.heartbeat(now, at),
            7 if self.is_wild() => self.rehome(now, at),
            _ => self.event(now, at),
        }
    }

    /// Something about a ticket.
    fn event(&mut self, now: Millis, at: Millis) {
        if self.tickets.is_empty() || self.chance.below(10) < 2 {
            return self.created(now, at);
        }
        let ticket = self.chance.below(self.tickets.len() as u64) as usize;
        // Late: it happened a while before it is told.
        let is_late = self.class != Class::Live && self.chance.one_in(12);
        let occurred_at = if is_late { now - self.chance.between(100, 25_000) } else { now };
        let mut answers = None;
        let mut more = match self.chance.below(14) {
            0..4 => {
                json!({ "kind": "message", "message": { "author": "customer", "public": true, "text": "Any news?" } })
            }
            4..7 => {
                answers = Some((self.tickets[ticket].id.clone(), occurred_at));
                json!({ "kind": "message", "message": { "author": "agent", "public": true, "text": "Soon." } })
            }
            7 => json!({ "kind": "message", "message": { "author": "agent", "public": false, "text": "note" } }),
            8 => json!({ "kind": "updated", "ticket": { "priority": self.chance.of(&["low", "high", "urgent"]) } }),
            9 => match self.chance.one_in(2) {
                true => json!({ "kind": "updated", "ticket": { "assignee": "sam" } }),
                false => json!({ "kind": "updated", "cleared": ["assignee"] }),
            },
            10 | 11 => {
                self.tickets[ticket].is_open = false;
                json!({ "kind": "updated", "ticket": { "status": "solved" } })
            }
            12 if !self.tickets[ticket].is_open => {
                self.tickets[ticket].is_open = true;
                json!({ "kind": "updated", "ticket": { "status": "open" } })
            }
            _ if self.chance.one_in(4) => json!({ "kind": "deleted" }),
            _ => json!({ "kind": "updated", "ticket": { "status": self.chance.of(&["pending", "open", "on_hold"]) } }),
        };
        if self.chance.one_in(10) {
            more["message"]["id"] = json!(format!("m{}", self.ids));
        }
        if more["kind"] != "message" {
            more.as_object_mut().map(|members| members.remove("message"));
        }
        self.about(ticket, occurred_at, at, more, answers);
    }

    fn created(&mut self, now: Millis, at: Millis) {
        let more = self.new_ticket();
        self.about(self.tickets.len() - 1, now, at, more, None);
    }

    fn new_ticket(&mut self) -> Value {
        let account = self.chance.below(self.accounts.len() as u64) as usize;
        let id = format!("T{}", self.tickets.len());
        let source = if self.class != Class::Live && self.chance.one_in(5) { "mail" } else { "desk" };
        self.tickets.push(Ticket { id, account, former: None, source, is_open: true });
        let fields = json!({ "status": "new", "subject": "It fails", "priority": self.chance.of(&["low", "urgent"]) });
        let mut more = json!({ "kind": "created", "ticket": fields });
        if !self.chance.one_in(4) {
            more["message"] = json!({ "author": "customer", "public": true, "text": "It fails." });
        }
        more
    }

    fn about(&mut self, ticket: usize, now: Millis, at: Millis, mut more: Value, answers: Option<(String, Millis)>) {
        let account = self.account_of(ticket);
        let Ticket { id, account: present, source, .. } = &self.tickets[ticket];
        let (id, source) = (id.clone(), *source);
        // Elsewhere it may be heard of too late.
        let answers = answers.filter(|_| account == *present);
        more["event_id"] = json!(self.id("e"));
        more["ticket_id"] = json!(id);
        more["account_id"] = json!(self.accounts[account]);
        more["source"] = json!(source);
        more["occurred_at"] = json!(now);
        self.send(at, Topic::Tickets, account, more);
        if let Some(last) = self.told.last_mut() {
            last.answers = answers;
        }
        self.perhaps_again(at);
    }

    fn snapshot(&mut self, at: Millis) {
        let account = self.chance.below(self.accounts.len() as u64) as usize;
        let id = self.accounts[account].clone();
        let state = self.chance.of(&["current", "past_due", "unpaid"]);
        let health = self.chance.below(101);
        match self.chance.below(5) {
            0 => {
                self.send(at, Topic::Accounts, account, json!({ "account_id": id, "source": "crm", "health": health }))
            }
            1 => self.send(at, Topic::Billing, account, json!({ "account_id": id, "source": "bills", "state": state })),
            2 => {
                let set = json!({ "account_id": id, "source": "model", "set": { "health": health } });
                self.send(at, Topic::AccountChanges, account, set);
            }
            3 => {
                let set = json!({ "account_id": id, "source": "desk", "set": { "state": state } });
                self.send(at, Topic::BillingChanges, account, set);
            }
            _ => {
                self.send(at, Topic::Billing, account, Value::Null);
                if let Some(last) = self.told.last_mut() {
                    last.value = None;
                }
            }
        }
    }

    fn signal(&mut self, now: Millis, at: Millis) {
        let Some(ticket) = self.any_ticket() else { return };
        let value = self.chance.between(-10, 10) as f64 / 10.0;
        let account = self.account_of(ticket);
        let mut signal = json!({ "signal_id": self.id("s"), "account_id": self.accounts[account],
            "occurred_at": now, "name": "sentiment", "value": value });
        if !self.chance.one_in(5) {
            signal["ticket_id"] = json!(self.tickets[ticket].id);
        }
        self.send(at, Topic::Signals, account, signal);
        self.perhaps_again(at);
    }

    fn command(&mut self, now: Millis, at: Millis) {
        let Some(ticket) = self.any_ticket() else { return };
        let account = self.account_of(ticket);
        let is_forgotten = self.chance.one_in(12);
        let kind = match is_forgotten {
            true => "forget_account",
            false => self.chance.of(&["escalate", "acknowledge", "de_escalate", "resolve"]),
        };
        let command = json!({ "command_id": self.id("c"), "account_id": self.accounts[account],
            "ticket_id": self.tickets[ticket].id, "occurred_at": now, "kind": kind, "by": "sam" });
        self.send(at, Topic::Commands, account, command);
        match self.told.last_mut().filter(|_| is_forgotten) {
            Some(last) => last.forgets = Some(now),
            None => self.perhaps_again(at),
        }
    }

    /// What nobody can take.
    fn bad(&mut self, at: Millis) {
        let account = self.chance.below(self.accounts.len() as u64) as usize;
        let id = self.accounts[account].clone();
        match self.chance.below(3) {
            0 => self.send(at, Topic::Tickets, account, json!("no record")),
            1 => {
                let absurd = json!({ "event_id": self.id("e"), "ticket_id": "T", "account_id": id, "source": "desk",
                    "occurred_at": at + 7_200_000, "kind": "created", "ticket": { "status": "new" } });
                self.send(at, Topic::Tickets, account, absurd);
            }
            _ => {
                let other = json!({ "event_id": self.id("e"), "ticket_id": "T", "account_id": "another", "source": "desk",
                    "occurred_at": at, "kind": "created", "ticket": { "status": "new" } });
                self.send(at, Topic::Tickets, account, other);
            }
        }
        if let Some(last) = self.told.last_mut() {
            last.is_bad = true;
        }
    }

    /// To whom it is told: some have not heard yet that it moved.
    fn account_of(&mut self, ticket: usize) -> usize {
        let Ticket { account, former, .. } = self.tickets[ticket];
        former.filter(|_| self.chance.one_in(6)).unwrap_or(account)
    }

    fn any_ticket(&mut self) -> Option<usize> {
        let count = self.tickets.len() as u64;
        (count > 0).then(|| self.chance.below(count) as usize)
    }

    fn id(&mut self, of: &str) -> String {
        self.ids += 1;
        format!("{of}{}", self.ids)
    }

    /// At least once is what producers promise.
    fn perhaps_again(&mut self, at: Millis) {
        if self.chance.one_in(12)
            && let Some(last) = self.told.last()
        {
            let later = if self.is_wild() { self.chance.between(0, AGAIN) } else { 0 };
            self.told.push(Send { repeats: true, at: at + later, hidden: None, ..last.clone() });
        }
    }

    fn send(&mut self, at: Millis, topic: Topic, account: usize, value: Value) {
        let key = self.accounts[account].clone();
        let hidden = (self.is_wild() && self.chance.one_in(15))
            .then(|| (self.chance.between(50, 4_000), !self.chance.one_in(4)));
        self.told.push(Send {
            at,
            topic,
            partition: partition_of(key.as_bytes(), self.partitions),
            key: Some(key),
            value: Some(value.to_string()),
            repeats: false,
            is_bad: false,
            hidden,
            answers: None,
            forgets: None,
        });
    }
}
