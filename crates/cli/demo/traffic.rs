//! Made-up traffic: a dozen customers, their tickets, the agents who answer or don't, snapshots that change.
//!
//! The same seed gives the same story. A few scenes are fixed, so that every run shows each reference rule and an
//! escalation that a late event takes back; chance fills in the rest. Nothing here reads a clock: whoever plays it asks
//! for what is to be sent by now.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde_json::{Value, json};
use tierline_model::{Millis, RecordType};

use super::cast::{AGENTS, CUSTOMERS, Customer, FOLLOW_UPS, ISSUES, Issue};

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;

/// A record to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// To which stream.
    pub stream: RecordType,
    /// The record as JSON, as `tierline send` takes it.
    pub record: Value,
}

/// The traffic of one seed, as it unfolds. It never ends.
pub struct Traffic {
    chance: Chance,
    ahead: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    tickets: Vec<Ticket>,
    told_before: u64,
    records: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Scheduled {
    at: Millis,
    order: u64,
    act: Act,
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// The CRM tells all of a customer, with this health.
    Account { customer: usize, health: i64 },
    /// The billing system tells how a customer pays.
    Bill { customer: usize, past_due: bool },
    /// A customer opens a ticket; chance decides how it goes on.
    Opens { customer: usize },
    /// A customer opens this very ticket, and so long passes before an agent answers (`None`: nobody does).
    Scene { customer: usize, issue: usize, priority: &'static str, answer_after: Option<Millis> },
    /// A customer writes again.
    Insists { ticket: usize },
    /// A model hears how the customer sounds, in hundredths.
    Sounds { ticket: usize, sentiment: i64 },
    /// An agent answers. `happened` is when; the record may come late.
    Answers { ticket: usize, happened: Millis },
    /// An agent writes a note that the customer cannot see.
    Notes { ticket: usize },
    /// An agent solves it.
    Solves { ticket: usize },
    /// Somebody takes the ticket's escalation in hand.
    Acknowledges { ticket: usize },
    /// The next customer comes.
    Arrival,
}

struct Ticket {
    id: String,
    customer: usize,
    agent: &'static str,
    sequence: i64,
    answered: bool,
    solved: bool,
}

impl Traffic {
    /// The story of this seed, beginning at `start`, UTC: first what is known of the customers, then tickets
    /// come soon. `told_before` records were sent by an earlier run into the same log: ids go on after them.
    pub fn new(seed: u64, start: Millis, told_before: u64) -> Traffic {
        let mut traffic = Traffic {
            chance: Chance(seed),
            ahead: BinaryHeap::new(),
            scheduled: 0,
            tickets: Vec::new(),
            told_before,
            records: told_before,
        };
        for (customer, known) in CUSTOMERS.iter().enumerate() {
            traffic.plan(start, Act::Account { customer, health: known.health });
            traffic.plan(start, Act::Bill { customer, past_due: known.past_due });
        }
        traffic.stage(start);
        traffic.plan(start + 2 * MINUTE, Act::Arrival);
        traffic
    }

    /// When the next record is to be sent.
    pub fn next_at(&self) -> Millis {
        // An arrival always plans the next one.
        self.ahead.peek().map_or(Millis::MAX, |next| next.0.at)
    }

    /// Everything that is to be sent by `now`, in order.
    pub fn until(&mut self, now: Millis) -> Vec<Made> {
        let mut made = Vec::new();
        while self.next_at() <= now {
            // The peek above saw it.
            let Some(Reverse(Scheduled { at, act, .. })) = self.ahead.pop() else { break };
            self.play(at, act, &mut made);
        }
        made
    }

    /// How many tickets were opened so far.
    pub fn opened(&self) -> usize {
        self.tickets.len()
    }

    /// The scenes that every run shows.
    fn stage(&mut self, start: Millis) {
        let scene = |customer, issue, priority, answer_after| Act::Scene { customer, issue, priority, answer_after };
        // An enterprise's billing question, unanswered for two hours: tier 3.
        self.plan(start + 4 * MINUTE, scene(0, 0, "high", None));
        // Urgent, from a customer whose bills are past due: tier 3 at once.
        self.plan(start + 15 * MINUTE, scene(3, 4, "urgent", Some(50 * MINUTE)));
        // Urgent from a good payer, whose card fails while the ticket is open: a snapshot raises it.
        self.plan(start + 40 * MINUTE, scene(5, 6, "urgent", Some(12 * MINUTE)));
        self.plan(start + 95 * MINUTE, Act::Bill { customer: 5, past_due: true });
        // Urgent, and nobody has answered within half of the hour that the policy gives: tier 2 before it is too late.
        self.plan(start + 10 * MINUTE, scene(1, 7, "urgent", Some(45 * MINUTE)));
        // A customer in poor health writes five times within hours: tier 2, once.
        for nth in 0..5 {
            self.plan(start + (20 + 22 * nth) * MINUTE, scene(2, 5 + nth as usize, "normal", Some(15 * MINUTE)));
        }
        // Answered in time, but the help desk tells so only after the silence has raised it: taken back.
        self.plan(start + 30 * MINUTE, scene(4, 1, "normal", Some(-1)));
    }

    fn plan(&mut self, at: Millis, act: Act) {
        self.scheduled += 1;
        self.ahead.push(Reverse(Scheduled { at, order: self.scheduled, act }));
    }

    fn play(&mut self, now: Millis, act: Act, made: &mut Vec<Made>) {
        match act {
            Act::Arrival => {
                let customer = self.chance.below(CUSTOMERS.len() as u64) as usize;
                self.plan(now, Act::Opens { customer });
                let gap = self.chance.around(11 * MINUTE);
                self.plan(now + gap, Act::Arrival);
            }
            Act::Account { customer, health } => made.push(self.account(customer, health, now)),
            Act::Bill { customer, past_due } => made.push(self.bill(customer, past_due, now)),
            Act::Opens { customer } => self.opens_by_chance(customer, now, made),
            Act::Scene { customer, issue, priority, answer_after } => {
                self.plays_a_scene(customer, issue, priority, answer_after, now, made);
            }
            Act::Insists { ticket } if !self.tickets[ticket].answered => {
                let text = self.chance.of(FOLLOW_UPS);
                made.push(self.message(ticket, "customer", true, text, now));
            }
            Act::Notes { ticket } => {
                made.push(self.message(ticket, "agent", false, "Asking the second line.", now));
            }
            Act::Sounds { ticket, sentiment } => made.push(self.sentiment(ticket, sentiment, now)),
            Act::Answers { ticket, happened } if !self.tickets[ticket].solved => {
                self.tickets[ticket].answered = true;
                made.push(self.message(
                    ticket,
                    "agent",
                    true,
                    "Thank you for waiting; here is what we found.",
                    happened,
                ));
                let solved_after = self.chance.around(100 * MINUTE);
                self.plan(now + solved_after, Act::Solves { ticket });
            }
            Act::Solves { ticket } if !self.tickets[ticket].solved => {
                self.tickets[ticket].solved = true;
                made.push(self.update(ticket, json!({"status": "solved"}), now));
            }
            Act::Acknowledges { ticket } if !self.tickets[ticket].solved => made.push(self.acknowledge(ticket, now)),
            Act::Insists { .. } | Act::Answers { .. } | Act::Solves { .. } | Act::Acknowledges { .. } => {}
        }
    }

    /// A ticket as chance has it: most are answered within the hour, some late, some never; some are written in anger.
    fn opens_by_chance(&mut self, customer: usize, now: Millis, made: &mut Vec<Made>) {
        let issue = self.chance.below(ISSUES.len() as u64) as usize;
        let priority = ["low", "normal", "normal", "normal", "high", "urgent"][self.chance.below(6) as usize];
        let ticket = self.open(customer, issue, priority, now, made);
        match self.chance.below(10) {
            0..=6 => {
                let happened = now + self.chance.around(14 * MINUTE);
                self.plan(happened, Act::Answers { ticket, happened });
            }
            7 => {
                let happened = now + 90 * MINUTE + self.chance.around(2 * HOUR);
                self.plan(happened, Act::Answers { ticket, happened });
            }
            8 => {
                // The help desk's webhook is late by minutes.
                let happened = now + self.chance.around(14 * MINUTE);
                self.plan(happened + 9 * MINUTE, Act::Answers { ticket, happened });
            }
            _ => self.plan(now + 150 * MINUTE, Act::Acknowledges { ticket }),
        }
        if self.chance.below(3) == 0 {
            self.plan(now + 35 * MINUTE, Act::Insists { ticket });
        }
        if self.chance.below(4) == 0 {
            let sentiment = -30 - self.chance.below(65) as i64;
            self.plan(now + MINUTE, Act::Sounds { ticket, sentiment });
        }
        if self.chance.below(8) == 0 {
            let change = self.chance.below(25) as i64 - 12;
            let health = (CUSTOMERS[customer].health + change).clamp(5, 98);
            self.plan(now + 20 * MINUTE, Act::Account { customer, health });
        }
    }

    /// `answer_after`: negative is the scene whose answer is told too late.
    fn plays_a_scene(
        &mut self,
        customer: usize,
        issue: usize,
        priority: &'static str,
        answer_after: Option<Millis>,
        now: Millis,
        made: &mut Vec<Made>,
    ) {
        let ticket = self.open(customer, issue, priority, now, made);
        match answer_after {
            None => {
                self.plan(now + 25 * MINUTE, Act::Notes { ticket });
                self.plan(now + 70 * MINUTE, Act::Insists { ticket });
                self.plan(now + 71 * MINUTE, Act::Sounds { ticket, sentiment: -72 });
                self.plan(now + 2 * HOUR + 15 * MINUTE, Act::Acknowledges { ticket });
                let happened = now + 3 * HOUR;
                self.plan(happened, Act::Answers { ticket, happened });
            }
            Some(..0) => {
                let happened = now + 110 * MINUTE;
                self.plan(now + 132 * MINUTE, Act::Answers { ticket, happened });
            }
            Some(after) => self.plan(now + after, Act::Answers { ticket, happened: now + after }),
        }
    }

    fn open(
        &mut self,
        customer: usize,
        issue: usize,
        priority: &'static str,
        now: Millis,
        made: &mut Vec<Made>,
    ) -> usize {
        let Issue { subject, category, area, text, .. } = ISSUES[issue % ISSUES.len()];
        let number = self.told_before + self.tickets.len() as u64 + 1001;
        let agent = self.chance.of(AGENTS);
        self.tickets.push(Ticket {
            id: format!("desk:{number}"),
            customer,
            agent,
            sequence: 0,
            answered: false,
            solved: false,
        });
        let ticket = self.tickets.len() - 1;
        let Customer { person, id, .. } = CUSTOMERS[customer];
        let message = json!({"id": format!("m{number}-1"), "author": "customer", "author_name": person, "public": true,
            "text": text});
        let fields = json!({
            "subject": subject, "status": "new", "priority": priority, "category": category, "product_area": area,
            "channel": "email", "requester": format!("{}@{id}.example", person.to_lowercase()), "opened_by": "customer",
            "team": "support", "language": "en", "url": format!("https://desk.example/tickets/{number}"),
        });
        let mut record = self.ticket_record(ticket, "created", now);
        record["ticket"] = fields;
        record["message"] = message;
        record["cleared"] = json!(["assignee"]);
        made.push(Made { stream: RecordType::Tickets, record });
        ticket
    }

    fn message(&mut self, ticket: usize, author: &str, public: bool, text: &str, happened: Millis) -> Made {
        let mut record = self.ticket_record(ticket, "message", happened);
        let Ticket { customer, agent, sequence, ref id, .. } = self.tickets[ticket];
        let name = if author == "customer" { CUSTOMERS[customer].person } else { agent };
        let message_id = format!("m{}-{}", id.trim_start_matches("desk:"), sequence + 1);
        record["message"] =
            json!({"id": message_id, "author": author, "author_name": name, "public": public, "text": text});
        Made { stream: RecordType::Tickets, record }
    }

    fn update(&mut self, ticket: usize, fields: Value, now: Millis) -> Made {
        let mut record = self.ticket_record(ticket, "updated", now);
        record["ticket"] = fields;
        record["by_kind"] = json!("agent");
        Made { stream: RecordType::Tickets, record }
    }

    /// The members that every record of a ticket has.
    fn ticket_record(&mut self, ticket: usize, kind: &str, happened: Millis) -> Value {
        let event_id = self.record_id("e");
        let ticket = &mut self.tickets[ticket];
        ticket.sequence += 1;
        json!({"event_id": event_id, "ticket_id": ticket.id, "account_id": CUSTOMERS[ticket.customer].id,
            "source": "desk", "occurred_at": happened, "kind": kind})
    }

    fn sentiment(&mut self, ticket: usize, hundredths: i64, now: Millis) -> Made {
        let signal_id = self.record_id("s");
        let Ticket { ref id, customer, .. } = self.tickets[ticket];
        let record = json!({"signal_id": signal_id, "account_id": CUSTOMERS[customer].id, "ticket_id": id,
            "occurred_at": now, "name": "sentiment", "value": hundredths as f64 / 100.0, "model": "demo"});
        Made { stream: RecordType::Signals, record }
    }

    fn acknowledge(&mut self, ticket: usize, now: Millis) -> Made {
        let command_id = self.record_id("c");
        let Ticket { ref id, customer, agent, .. } = self.tickets[ticket];
        let record = json!({"command_id": command_id, "account_id": CUSTOMERS[customer].id, "ticket_id": id,
            "occurred_at": now, "kind": "acknowledge", "by": agent});
        Made { stream: RecordType::Commands, record }
    }

    fn account(&mut self, customer: usize, health: i64, now: Millis) -> Made {
        let Customer { id, name, plan, arr, owner, region, renewal_in_days, .. } = CUSTOMERS[customer];
        let record = json!({"account_id": id, "name": name, "plan": plan, "arr": arr, "currency": "USD",
            "health": health as f64, "churn_risk": f64::from(100 - health as i32) / 100.0, "owner": owner,
            "region": region, "renewal_date": date(now + renewal_in_days * DAY), "source": "crm", "updated_at": now});
        Made { stream: RecordType::Accounts, record }
    }

    fn bill(&mut self, customer: usize, past_due: bool, now: Millis) -> Made {
        let Customer { id, plan, arr, .. } = CUSTOMERS[customer];
        let mut record = json!({"account_id": id, "state": "current", "plan": plan, "amount_due": 0, "currency": "USD",
            "source": "billing", "updated_at": now});
        if past_due {
            record["state"] = json!("past_due");
            record["past_due_since"] = json!(now);
            record["amount_due"] = json!(arr * 100 / 12);
        }
        Made { stream: RecordType::Billing, record }
    }

    fn record_id(&mut self, prefix: &str) -> String {
        self.records += 1;
        format!("{prefix}{}", self.records)
    }
}

fn date(at: Millis) -> String {
    let at = chrono::DateTime::from_timestamp_millis(at).unwrap_or_default();
    at.format("%Y-%m-%d").to_string()
}

/// SplitMix64: chance that is the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `limit` − 1. The bias of the remainder is below 2⁻⁵⁰ for limits like ours.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// An exponential waiting time of this mean, whole seconds, no longer than five of it.
    fn around(&mut self, mean: Millis) -> Millis {
        let uniform = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        let factor = -(1.0 - uniform).ln();
        (mean as f64 * factor.clamp(0.05, 5.0)) as Millis / SECOND * SECOND
    }

    fn of(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Millis = 1_772_440_000_000;

    #[test]
    fn the_same_seed_tells_the_same_story_however_it_is_asked_for() {
        let whole = Traffic::new(7, START, 0).until(START + 10 * HOUR);
        let mut by_pieces = Traffic::new(7, START, 0);
        let pieces: Vec<_> = (0..600).flat_map(|minute| by_pieces.until(START + minute * MINUTE)).collect();
        assert_eq!(whole[..pieces.len()], pieces[..]);
        assert!(pieces.len() > 100, "{}", pieces.len());
        assert_ne!(whole, Traffic::new(8, START, 0).until(START + 10 * HOUR));
    }

    #[test]
    fn customers_are_known_before_their_first_ticket() {
        let made = Traffic::new(1, START, 0).until(START + HOUR);
        let first_ticket = made.iter().position(|made| made.stream == RecordType::Tickets).unwrap();
        let known = &made[..first_ticket];
        assert_eq!(known.iter().filter(|made| made.stream == RecordType::Accounts).count(), CUSTOMERS.len());
        assert_eq!(known.iter().filter(|made| made.stream == RecordType::Billing).count(), CUSTOMERS.len());
    }

    #[test]
    fn an_answer_is_told_late_now_and_then() {
        let mut traffic = Traffic::new(1, START, 0);
        let late = (0..600).map(|minute| START + minute * MINUTE).flat_map(|now| {
            let made = traffic.until(now);
            made.into_iter()
                .filter(move |made| made.record["occurred_at"].as_i64().is_some_and(|at| now - at > 5 * MINUTE))
        });
        assert!(late.count() >= 1);
    }

    #[test]
    fn nobody_answers_a_solved_ticket() {
        let mut solved = std::collections::HashSet::new();
        for made in Traffic::new(3, START, 0).until(START + 48 * HOUR) {
            let ticket = made.record["ticket_id"].as_str().unwrap_or_default().to_owned();
            if made.stream == RecordType::Tickets && made.record["message"]["author"] == "agent" {
                assert!(!solved.contains(&ticket), "{ticket}");
            }
            if made.record["ticket"]["status"] == "solved" {
                assert!(solved.insert(ticket));
            }
        }
        assert!(solved.len() > 20);
    }
}
