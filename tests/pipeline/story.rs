//! Made-up traffic, the same for the same seed: what a help desk, a CRM and a billing system tell over some days.

use serde_json::{Value, json};

use crate::events::{HOUR, MINUTE, START};

/// Records by stream, each stream in the order of its instants, but for some answers that are told late.
#[derive(Clone)]
pub struct Story {
    pub accounts: Vec<Value>,
    pub billing: Vec<Value>,
    pub signals: Vec<Value>,
    pub tickets: Vec<Value>,
    pub commands: Vec<Value>,
    /// When nothing can be due any more, epoch milliseconds.
    pub end: i64,
}

impl Story {
    /// So many `events` on the tickets of so many `accounts`, a few minutes apart.
    pub fn new(seed: u64, accounts: usize, events: usize) -> Story {
        let mut chance = Chance(seed);
        let mut story = Story::of_accounts(&mut chance, accounts);
        let mut open: Vec<Ticket> = Vec::new();
        let mut now = START;
        for number in 0..events {
            now += chance.below(4 * MINUTE as usize) as i64;
            let known = open.len();
            let event = match chance.below(10) {
                0..3 => {
                    let ticket = Ticket { id: format!("desk:{number}"), account: chance.below(accounts) };
                    let event = ticket.created(&mut chance);
                    open.push(ticket);
                    event.at(&open[known], number, now)
                }
                _ if known == 0 => continue,
                3..6 => Event::message("customer", "Any news?").at(&open[chance.below(known)], number, now),
                6..8 => {
                    let told_late = if chance.below(8) == 0 { chance.below(3 * HOUR as usize) as i64 } else { 0 };
                    let answer = Event::message("agent", "We are on it.");
                    answer.at(&open[chance.below(known)], number, now - told_late)
                }
                8 => {
                    let ticket = open.swap_remove(chance.below(known));
                    Event::updated(json!({ "status": "solved" })).at(&ticket, number, now)
                }
                _ => {
                    let priority = chance.of(&["low", "normal", "high", "urgent"]);
                    Event::updated(json!({ "priority": priority })).at(&open[chance.below(known)], number, now)
                }
            };
            story.aside(&mut chance, &event, number, now);
            story.tickets.push(event);
        }
        story.end = now + 48 * HOUR;
        story
    }

    /// The same without signals and commands. An input that is sent while an instance runs is read as it comes, so
    /// only a story of one such input reads the same every time.
    pub fn of_tickets(seed: u64, accounts: usize, events: usize) -> Story {
        Story { signals: Vec::new(), commands: Vec::new(), ..Story::new(seed, accounts, events) }
    }

    fn of_accounts(chance: &mut Chance, accounts: usize) -> Story {
        let account = |n: usize, chance: &mut Chance| {
            json!({ "account_id": name(n), "source": "crm", "updated_at": START, "name": format!("Account {n}"),
                    "plan": chance.of(&["enterprise", "pro", "free"]), "health": chance.below(101) })
        };
        let bill = |n: usize, chance: &mut Chance| {
            json!({ "account_id": name(n), "source": "bills", "updated_at": START,
                    "state": chance.of(&["current", "current", "past_due"]), "currency": "EUR" })
        };
        Story {
            accounts: (0..accounts).map(|n| account(n, chance)).collect(),
            billing: (0..accounts).map(|n| bill(n, chance)).collect(),
            signals: Vec::new(),
            tickets: Vec::new(),
            commands: Vec::new(),
            end: 0,
        }
    }

    /// What a model and the agents say about the same ticket a little later.
    fn aside(&mut self, chance: &mut Chance, event: &Value, number: usize, now: i64) {
        let about =
            json!({ "account_id": event["account_id"], "ticket_id": event["ticket_id"], "occurred_at": now + 1_000 });
        let with = |more: Value| {
            let mut record = about.clone();
            let members = record.as_object_mut().expect("an object");
            members.extend(more.as_object().expect("an object").clone());
            record
        };
        match chance.below(20) {
            0..4 => {
                let value = chance.below(200) as f64 / 100.0 - 1.0;
                let signal = json!({ "signal_id": format!("s{number}"), "name": "sentiment", "value": value });
                self.signals.push(with(signal));
            }
            4 => {
                let kind = chance.of(&["escalate", "acknowledge", "de_escalate", "resolve"]);
                let command = json!({ "command_id": format!("c{number}"), "kind": kind, "by": "sam" });
                self.commands.push(with(command));
            }
            _ => {}
        }
    }
}

struct Ticket {
    id: String,
    account: usize,
}

impl Ticket {
    fn created(&self, chance: &mut Chance) -> Event {
        let ticket = json!({
            "subject": format!("Request {}", self.id), "status": "new", "channel": "email", "opened_by": "customer",
            "category": chance.of(&["billing", "export", "login"]),
            "priority": chance.of(&["low", "normal", "high", "urgent"]),
        });
        let message = json!({ "author": "customer", "public": true, "text": "It does not work." });
        Event(json!({ "kind": "created", "ticket": ticket, "message": message }))
    }
}

/// An event's content, without its place and time.
struct Event(Value);

impl Event {
    fn message(author: &str, text: &str) -> Event {
        Event(json!({ "kind": "message", "message": { "author": author, "public": true, "text": text } }))
    }

    fn updated(ticket: Value) -> Event {
        Event(json!({ "kind": "updated", "ticket": ticket }))
    }

    fn at(self, ticket: &Ticket, number: usize, occurred_at: i64) -> Value {
        let Event(mut event) = self;
        event["event_id"] = json!(format!("e{number}"));
        event["ticket_id"] = json!(ticket.id);
        event["account_id"] = json!(name(ticket.account));
        event["source"] = json!("desk");
        event["occurred_at"] = json!(occurred_at);
        event
    }
}

fn name(account: usize) -> String {
    format!("account-{account}")
}

/// SplitMix64: the same numbers everywhere and always.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}
