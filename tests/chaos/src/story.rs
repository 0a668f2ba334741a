//! Made-up traffic without an end, the same for the same seed: what a help desk, a CRM and a billing system tell.
//!
//! Only tickets are told while instances run. An input that is sent while others are read is taken as it comes, and
//! then two runs over the same records may rightly differ; with one such input they may not. Signals and commands are
//! in the backlog with which a run begins.
//!
//! Every third ticket event is a *pulse*: it raises or resolves an escalation in one partition after the other, so that
//! a silence of the output can be told from a lack of reasons to say something.

use serde_json::{Value, json};
use tierline_stream::partitioner::partition_of;

use crate::chance::Chance;

/// The rules that a run has.
pub const RULES: &str = r"
rules:
  - id: enterprise-billing-silence
    tier: 3
    when: { all: [ { account.plan: enterprise }, { ticket.category: billing }, { ticket.no_agent_reply_for: 2h } ] }
  - id: urgent-past-due
    tier: 3
    when: { all: [ { ticket.priority: urgent }, { billing.state: past_due } ] }
  - id: repeat-trouble
    tier: 2
    once_per: account
    when:
      all:
        - account.tickets: { at_least: 5, within: 7d }
        - any: [ { account.health: { below: 50 } }, { ticket.sentiment: { at_most: -0.5 } } ]
  - id: first-reply-due
    tier: 2
    when: { sla.first_reply: { due_within: 30m } }
sla:
  - id: standard
    targets: { first_reply: { urgent: 1h, high: 4h, default: 8h } }
time: { clock: events, start: replay, grace: 0s }
";

/// 2025-03-03T08:00:00Z, a Monday.
const START: i64 = 1_740_988_800_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Every so many ticket events one is a pulse.
const PULSE_EVERY: usize = 3;
/// And one is nothing that anybody could read.
const BAD_EVERY: usize = 499;

/// A record as it is sent.
#[derive(Clone, Debug)]
pub struct Told {
    /// The stream's name, which is its topic's.
    pub stream: &'static str,
    /// The account.
    pub key: String,
    /// JSON, or nonsense.
    pub value: String,
    /// Whether it must become a dead letter.
    pub is_bad: bool,
}

/// The story, as far as it has been told.
#[derive(Clone, Debug)]
pub struct Story {
    chance: Chance,
    accounts: usize,
    /// The account of each partition whose tickets are pulses, and the one that is open.
    pulses: Vec<(String, Option<usize>)>,
    open: Vec<(usize, usize)>,
    now: i64,
    number: usize,
}

impl Story {
    /// One over so many accounts and partitions.
    pub fn new(seed: u64, accounts: usize, partitions: i32) -> Story {
        let pulses = (0..partitions).map(|partition| (pulse_of(partition, partitions), None)).collect();
        Story { chance: Chance::new(seed), accounts, pulses, open: Vec::new(), now: START, number: 0 }
    }

    /// When nothing of what was told so far can be due any more, epoch milliseconds.
    pub fn end(&self) -> i64 {
        self.now + 48 * HOUR
    }

    /// How many ticket events were told so far.
    pub fn events(&self) -> usize {
        self.number
    }

    /// Nothing happens for half a day: whatever is told afterwards, answers that are told late included, comes after
    /// everything that was told before, asides included.
    pub fn rest(&mut self) {
        self.now += 12 * HOUR;
    }

    /// What the CRM and the billing system know of every account.
    pub fn known(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        for account in 0..self.accounts {
            let id = name(account);
            let plan = *self.chance.of(&["enterprise", "pro", "free"]);
            let state = *self.chance.of(&["current", "current", "past_due"]);
            told.extend(known(&id, plan, self.chance.below(101), state));
        }
        for (id, _) in &self.pulses {
            told.extend(known(id, "pro", 90, "past_due"));
        }
        told
    }

    /// The next ticket event.
    pub fn event(&mut self) -> Told {
        self.number += 1;
        self.now += self.chance.below(4 * MINUTE as usize) as i64;
        let number = self.number;
        if number.is_multiple_of(BAD_EVERY) {
            let key = name(self.chance.below(self.accounts));
            return Told { stream: "tickets", key, value: format!("no record, number {number}"), is_bad: true };
        }
        let (account, event) =
            if number.is_multiple_of(PULSE_EVERY) { self.pulse(number / PULSE_EVERY) } else { self.usual() };
        told("tickets", &account, event)
    }

    /// The next ticket event, and what a model and the agents say about it a little later.
    pub fn event_and_asides(&mut self) -> Vec<Told> {
        let event = self.event();
        let mut all = vec![event];
        if all[0].is_bad {
            return all;
        }
        let (id, account) = (self.number, all[0].key.clone());
        let ticket = serde_json::from_str::<Value>(&all[0].value).map(|event| event["ticket_id"].clone());
        let about = |more: Value| {
            let mut about = json!({ "account_id": account, "ticket_id": ticket.as_ref().unwrap_or(&Value::Null),
                                    "occurred_at": self.now + 1_000 });
            merge(&mut about, more);
            about
        };
        match self.chance.below(20) {
            0..4 => {
                let value = self.chance.below(200) as f64 / 100.0 - 1.0;
                let signal = json!({ "signal_id": format!("s{id}"), "name": "sentiment", "value": value });
                all.push(told("signals", &account, about(signal)));
            }
            4 => {
                let kind = *self.chance.of(&["escalate", "acknowledge", "de_escalate", "resolve"]);
                let command = json!({ "command_id": format!("c{id}"), "kind": kind, "by": "sam" });
                all.push(told("commands", &account, about(command)));
            }
            _ => {}
        }
        all
    }

    /// The pulse of one partition after the other: a ticket that escalates at once, then its end.
    fn pulse(&mut self, count: usize) -> (String, Value) {
        let place = count % self.pulses.len();
        let (account, open) = &mut self.pulses[place];
        let (ticket, event) = match open.take() {
            Some(ticket) => (ticket, json!({ "kind": "updated", "ticket": { "status": "solved" } })),
            None => {
                *open = Some(self.number);
                (self.number, created("urgent", "login"))
            }
        };
        let account = account.clone();
        let event = self.at(event, &format!("pulse:{ticket}"), &account, self.now);
        (account, event)
    }

    fn usual(&mut self) -> (String, Value) {
        let known = self.open.len();
        let dice = self.chance.below(16);
        if known < 20 || dice < 4 {
            let (ticket, account) = (self.number, self.chance.below(self.accounts));
            self.open.push((ticket, account));
            let priority = *self.chance.of(&["low", "normal", "high", "urgent"]);
            let category = *self.chance.of(&["billing", "export", "login"]);
            let event = created(priority, category);
            return self.of(ticket, account, event, self.now);
        }
        let place = self.chance.below(known);
        let (ticket, account) = self.open[place];
        match dice {
            4..8 => self.of(ticket, account, message("customer", "Any news?"), self.now),
            8..11 => {
                // Some answers are told late.
                let late = if self.chance.below(8) == 0 { self.chance.below(3 * HOUR as usize) as i64 } else { 0 };
                self.of(ticket, account, message("agent", "We are on it."), self.now - late)
            }
            11..15 => {
                self.open.swap_remove(place);
                let solved = json!({ "kind": "updated", "ticket": { "status": "solved" } });
                self.of(ticket, account, solved, self.now)
            }
            _ => {
                let priority = *self.chance.of(&["low", "normal", "high", "urgent"]);
                let changed = json!({ "kind": "updated", "ticket": { "priority": priority } });
                self.of(ticket, account, changed, self.now)
            }
        }
    }

    fn of(&self, ticket: usize, account: usize, event: Value, occurred_at: i64) -> (String, Value) {
        let account = name(account);
        let event = self.at(event, &format!("desk:{ticket}"), &account, occurred_at);
        (account, event)
    }

    fn at(&self, mut event: Value, ticket: &str, account: &str, occurred_at: i64) -> Value {
        let place = json!({ "event_id": format!("e{}", self.number), "ticket_id": ticket, "account_id": account,
                            "source": "desk", "occurred_at": occurred_at });
        merge(&mut event, place);
        event
    }
}

fn created(priority: &str, category: &str) -> Value {
    let ticket = json!({ "subject": "A request", "status": "new", "channel": "email", "opened_by": "customer",
                         "category": category, "priority": priority });
    let message = json!({ "author": "customer", "public": true, "text": "It does not work." });
    json!({ "kind": "created", "ticket": ticket, "message": message })
}

fn message(author: &str, text: &str) -> Value {
    json!({ "kind": "message", "message": { "author": author, "public": true, "text": text } })
}

fn known(id: &str, plan: &str, health: usize, state: &str) -> [Told; 2] {
    let account = json!({ "account_id": id, "source": "crm", "updated_at": START, "name": id, "plan": plan,
                          "health": health });
    let bill = json!({ "account_id": id, "source": "bills", "updated_at": START, "state": state, "currency": "EUR" });
    [told("accounts", id, account), told("billing", id, bill)]
}

fn told(stream: &'static str, account: &str, value: Value) -> Told {
    Told { stream, key: account.to_owned(), value: value.to_string(), is_bad: false }
}

fn merge(into: &mut Value, more: Value) {
    // Both are written as objects above.
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}

fn name(account: usize) -> String {
    format!("account-{account}")
}

/// The first account whose records go to this partition.
fn pulse_of(partition: i32, partitions: i32) -> String {
    let mut names = (0..).map(|number| format!("pulse-{number}"));
    // Every partition has its share of all names.
    names.find(|name| partition_of(name.as_bytes(), partitions) == partition).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_tells_the_same() {
        let tell = |seed| {
            let mut story = Story::new(seed, 20, 4);
            let known = story.known().len();
            let events: Vec<String> = (0..1_000).map(|_| story.event().value).collect();
            (known, events, story.end())
        };
        assert_eq!(tell(7), tell(7));
        assert_ne!(tell(7).1, tell(8).1);
    }

    #[test]
    fn every_partition_has_a_pulse() {
        let mut story = Story::new(1, 20, 6);
        let events: Vec<Told> = (0..3 * 12).map(|_| story.event()).collect();
        let of = |partition| {
            events
                .iter()
                .filter(move |told| told.key.starts_with("pulse") && partition_of(told.key.as_bytes(), 6) == partition)
        };
        for partition in 0..6 {
            assert_eq!(of(partition).count(), 2, "partition {partition}");
        }
    }
}
