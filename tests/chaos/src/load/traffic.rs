//! Events as fast as they are wanted: tickets that come, are talked about, and go.

use std::fmt::Write;

use rdkafka::producer::{BaseProducer, BaseRecord};
use rdkafka::types::RDKafkaErrorCode;

use super::Load;
use crate::chance::Chance;

/// A timer on every ticket, a window of five minutes, and rules that events decide at once.
pub fn rules(silence: &str) -> String {
    RULES.replace("SILENCE", silence)
}

const RULES: &str = r"
rules:
  - id: urgent-and-high
    tier: 3
    when: { all: [ { ticket.priority: urgent }, { ticket.category: billing } ] }
  - id: silence
    tier: 2
    when: { ticket.no_agent_reply_for: SILENCE }
  - id: many
    tier: 2
    once_per: account
    when: { all: [ { account.tickets: { at_least: 50, within: 5m } }, { ticket.priority: high } ] }
  - id: first-reply-due
    tier: 2
    when: { sla.first_reply: { due_within: 10s } }
sla:
  - id: standard
    targets: { first_reply: { urgent: 1m, default: 10m } }
";

/// One in ten.
const HOT: usize = 10;
/// Of the events that would create a ticket, were not enough open: one in so many solves one.
const TURNOVER: usize = 20;
/// Of those that would come anew one in so many does; the others were solved not long ago and are opened again.
const NEW: usize = 2;
/// So many of those that were solved last may be opened again: none that is forgotten by then.
const REMEMBERED: usize = 1_000;
/// Between two events of a backlog, milliseconds.
const APART: u64 = 1;

/// What is sent. The same every time, save the instants.
pub struct Traffic {
    load: Load,
    chance: Chance,
    /// Open tickets: number and account.
    open: Vec<(u64, usize)>,
    /// Those that were solved last, in no order.
    solved: Vec<(u64, usize)>,
    sent: u64,
    /// Whether events happen as they are sent; else they have happened when the last is sent.
    live: bool,
    /// All tickets are opened before anything else happens.
    filling: bool,
    began: i64,
    key: String,
    value: String,
    large: String,
}

impl Traffic {
    pub fn new(load: Load, live: bool) -> Traffic {
        // An hour and more in the past: a backlog of ten million events, one a millisecond, is three hours long.
        let began = now() - if live { 0 } else { 4 * 3_600_000 };
        let large = "It does not work. ".repeat(1_000_000 / 18);
        let (key, value) = (String::new(), String::new());
        let (chance, filling) = (Chance::new(1), load.fill);
        let (open, solved) = (Vec::new(), Vec::new());
        Traffic { load, chance, open, solved, sent: 0, live, filling, began, key, value, large }
    }

    /// How many events were sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends the next.
    pub fn send(&mut self, to: &BaseProducer) -> Result<(), String> {
        self.next();
        let mut record = BaseRecord::to("tickets").key(self.key.as_bytes()).payload(self.value.as_bytes());
        while let Err((error, same)) = to.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(format!("cannot send: {error}"));
            }
            to.poll(std::time::Duration::from_millis(1));
            record = same;
        }
        Ok(())
    }

    fn next(&mut self) {
        self.sent += 1;
        let at = if self.live { now() } else { self.began + (self.sent * APART) as i64 };
        let dice = self.chance.below(20);
        let known = self.open.len();
        self.filling &= known < self.load.open;
        if known == 0 || self.filling || dice == 0 && known < self.load.open {
            if let Some(ticket) = self.comes_back() {
                self.open.push(ticket);
                return self.tell(ticket, at, r#""kind":"updated","ticket":{"status":"open"}"#);
            }
            let account = if self.chance.below(HOT) == 0 { 0 } else { self.chance.below(self.load.accounts) };
            self.open.push((self.sent, account));
            let priority = *self.chance.of(&["low", "normal", "normal", "high", "urgent"]);
            let category = *self.chance.of(&["billing", "export", "login", "other"]);
            let told = format!(
                r#""kind":"created","ticket":{{"subject":"A request","status":"new","channel":"email","opened_by":"customer","category":"{category}","priority":"{priority}","requester":"jo@customer.example"}},"message":{{"author":"customer","public":true,"text":"It does not work."}}"#
            );
            return self.tell((self.sent, account), at, &told);
        }
        let place = self.chance.below(known);
        let ticket = self.open[place];
        if dice == 0 && self.chance.below(TURNOVER) == 0 {
            if self.solved.len() == REMEMBERED {
                self.solved.swap_remove(self.chance.below(REMEMBERED));
            }
            self.solved.push(self.open.swap_remove(place));
            return self.tell(ticket, at, r#""kind":"updated","ticket":{"status":"solved"}"#);
        }
        if self.sent.is_multiple_of(self.load.large_every) {
            let large = std::mem::take(&mut self.large);
            let told = format!(r#""kind":"message","message":{{"author":"customer","public":true,"text":"{large}"}}"#);
            self.large = large;
            return self.tell(ticket, at, &told);
        }
        let told = match dice {
            2..9 => {
                r#""kind":"message","message":{"author":"customer","public":true,"text":"Any news? We still cannot export anything, and the month is over."}"#
            }
            9..18 => {
                r#""kind":"message","message":{"author":"agent","public":true,"text":"We are on it, and will tell you as soon as we know more about the cause."}"#
            }
            _ => r#""kind":"updated","ticket":{"priority":"normal","tags":["api","export"]}"#,
        };
        self.tell(ticket, at, told);
    }

    /// A solved ticket that is opened again, if one is to be.
    fn comes_back(&mut self) -> Option<(u64, usize)> {
        if self.solved.is_empty() || self.chance.below(NEW) == 0 {
            return None;
        }
        let place = self.chance.below(self.solved.len());
        Some(self.solved.swap_remove(place))
    }

    fn tell(&mut self, (ticket, account): (u64, usize), at: i64, told: &str) {
        self.key.clear();
        self.value.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.key, "account-{account}");
        let _ = write!(
            self.value,
            r#"{{"event_id":"e{}","ticket_id":"desk:{ticket}","account_id":"account-{account}","source":"desk","occurred_at":{at},{told}}}"#,
            self.sent
        );
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_json_of_which_a_tenth_is_one_accounts_and_tickets_come_and_go_and_come_again() {
        let every = std::time::Duration::from_secs(10);
        let load = Load { accounts: 1_000, open: 500, fill: false, large_every: 4_000, every };
        let mut traffic = Traffic::new(load, true);
        let (mut hot, mut large) = (0, 0);
        for _ in 0..20_000 {
            traffic.next();
            let told: serde_json::Value = serde_json::from_str(&traffic.value).unwrap();
            assert_eq!(told["account_id"], traffic.key.as_str());
            hot += usize::from(traffic.key == "account-0");
            large += usize::from(traffic.value.len() > 900_000);
        }
        assert!((1_000..4_000).contains(&hot), "{hot}");
        assert!(large >= 4, "{large}");
        assert!((400..=500).contains(&traffic.open.len()), "{}", traffic.open.len());
        assert!((10..=45).contains(&traffic.solved.len()), "{}", traffic.solved.len());
    }

    #[test]
    fn all_tickets_come_first_where_that_is_wanted() {
        let every = std::time::Duration::from_secs(10);
        let mut traffic = Traffic::new(Load { accounts: 10, open: 50, fill: true, large_every: 4_000, every }, true);
        (0..50).for_each(|_| traffic.next());
        assert_eq!(traffic.open.len(), 50);
        traffic.next();
        assert!(!traffic.value.contains("created"), "{}", traffic.value);
    }
}
