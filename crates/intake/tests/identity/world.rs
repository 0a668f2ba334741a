//! Two gateways and a person on one log, and where every ticket lies by what they wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tierline_intake::directory::{Directory, Entry, EntryKind, Known, Learnt, Reached, Shared, Topic, Unsettled};
use tierline_intake::identity::{Aliases, Decision, Fact, FreeMail, Identifier, Identity, Says, Told};
use tierline_intake::{Accounts, Basics, Canonical, Context, Delivery, Outbox, Reading};
use tierline_stream::client::Outgoing;
use tierline_stream::topics::Names;

use super::definition::Facts;
use super::log::{Log, Reader};

/// Who there is.
pub const EVERYBODY: [&str; 8] =
    ["desk:1", "desk:2", "desk:3", "crm:1", "crm:2", "bill:1", "desk:user:7", "desk:user:8"];
const DOMAINS: [&str; 4] = ["a.example", "b.example", "c.example", "gmail.com"];
/// To what one may be linked.
const ACCOUNTS: [&str; 4] = ["acme", "other", "crm:1", "desk:2"];
/// What the configuration calls this one.
const CONFIGURED: (&str, &str) = ("3", "acme");

/// What happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// A gateway reads which domains somebody has.
    Tell {
        gateway: usize,
        of: usize,
        domains: BTreeSet<usize>,
    },
    /// A gateway reads whose a ticket is.
    File {
        gateway: usize,
        ticket: usize,
        of: usize,
    },
    /// A person decides.
    Link {
        of: usize,
        account: usize,
    },
    Unlink {
        of: usize,
    },
    Forget {
        of: usize,
    },
    /// A gateway reads what the others wrote.
    CatchUp {
        gateway: usize,
    },
    /// A gateway is killed, and comes back on what is left of the log.
    Restart {
        gateway: usize,
    },
}

struct Process {
    shared: Shared,
    reached: [Reached; 2],
}

pub struct World {
    log: Log,
    gateways: [Process; 2],
    processes: usize,
    now: i64,
}

impl World {
    pub fn new() -> World {
        let log = Log::default();
        let gateways = [start(&log, 0), start(&log, 1)];
        World { log, gateways, processes: 2, now: 0 }
    }

    pub fn take(&mut self, step: &Step) {
        self.now += 1;
        let now = self.now;
        match step {
            Step::Tell { gateway, of, domains } => {
                let identifiers = domains.iter().filter_map(|domain| Identifier::domain(DOMAINS[*domain])).collect();
                let told = Told::Has { of: who(*of), field: "domains", identifiers };
                let learnt = self.gateways[*gateway].shared.learn(&[told], now);
                self.write(learnt);
            }
            Step::File { gateway, ticket, of } => self.file(*gateway, *ticket, &who(*of)),
            Step::Link { of, account } if ACCOUNTS[*account] != EVERYBODY[*of] => {
                self.decide(*of, Some(Some(ACCOUNTS[*account].to_owned())));
            }
            Step::Link { .. } => {}
            Step::Unlink { of } => self.decide(*of, Some(None)),
            Step::Forget { of } => self.decide(*of, None),
            Step::CatchUp { gateway } => self.catch_up(*gateway),
            Step::Restart { gateway } => {
                // What a gateway has not read yet, or read and not looked after within seconds, lies in a segment that is
                // written to, and is not compacted.
                let is_done = |process: &Process| process.has_read_all(&self.log) && process.shared.is_settled();
                if self.gateways.iter().all(is_done) {
                    self.log.compact();
                }
                self.gateways[*gateway] = start(&self.log, self.processes);
                self.processes += 1;
                let everybody = Unsettled::everybody(&self.gateways[*gateway].shared.table());
                let learnt = self.gateways[*gateway].shared.settle(&everybody, now);
                self.write(learnt);
            }
        }
    }

    /// A gateway remembers this alone of a customer.
    pub fn remember(&mut self, gateway: usize, what: &str) {
        let more = serde_json::Map::from_iter([(what.to_owned(), true.into())]);
        let known = Some(Known { more: Some(Box::new(more)), ..Known::default() });
        let entry = Entry { source: "bill".into(), kind: EntryKind::Organisation, id: "1".into(), known };
        let mut outbox = Outbox::default();
        self.gateways[gateway].shared.remember(entry, "directory", &mut outbox);
        self.send(outbox);
    }

    /// What a gateway has seen to be remembered beside what the log has last.
    pub fn parted(&self, gateway: usize) -> Vec<String> {
        let parted = self.gateways[gateway].shared.unsettled(Duration::ZERO).parted;
        parted
            .into_iter()
            .flat_map(|parted| parted.known.more.unwrap_or_default().into_iter())
            .map(|(what, _)| what)
            .collect()
    }

    /// A gateway is gone before it looks after anything, and nobody takes its place until the log is compacted.
    pub fn replace(&mut self, gateway: usize) {
        self.log.compact();
        self.gateways[gateway] = start(&self.log, self.processes);
        self.processes += 1;
    }

    /// Everybody has read all, and moved what others left behind.
    pub fn come_to_rest(&mut self) {
        for _ in 0..4 {
            for gateway in 0..2 {
                self.now += 1;
                self.catch_up(gateway);
                let of = self.gateways[gateway].shared.unsettled(Duration::ZERO);
                let learnt = self.gateways[gateway].shared.settle(&of, self.now);
                self.write(learnt);
            }
        }
    }

    /// All agree, with the definition too, and everything lies where they say.
    pub fn check(&self) {
        let fresh = start(&self.log, usize::MAX);
        let facts = facts(&fresh.shared.table().aliases);
        for process in self.gateways.iter().chain([&fresh]) {
            let table = process.shared.table();
            for name in EVERYBODY {
                let identity = Identity::read(name).unwrap();
                assert_eq!(table.aliases.account(name), facts.account(&identity), "the account of {name}");
            }
            for ticket in 0..4 {
                let Some(known) = table.find("desk", EntryKind::Ticket, &ticket.to_string()) else { continue };
                let of = Identity::new("desk", known.group.clone().unwrap());
                assert_eq!(known.account.as_deref(), Some(&*facts.account(&of)), "where ticket {ticket} is filed");
            }
        }
        for (ticket, account) in self.lies() {
            let filed =
                fresh.shared.table().find("desk", EntryKind::Ticket, &ticket).and_then(|known| known.account.clone());
            assert_eq!(Some(account), filed, "where the state of ticket {ticket} is");
        }
    }

    /// Where the state of each ticket is, by the records that were written: the account that it was first told under, then
    /// wherever it was sent.
    pub fn lies(&self) -> BTreeMap<String, String> {
        let mut lies: BTreeMap<String, String> = BTreeMap::new();
        let mut met = BTreeSet::new();
        for record in self.log.records("tickets").into_iter().filter_map(|record| record.value) {
            let told: serde_json::Value = serde_json::from_slice(&record).unwrap();
            let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
            let Some(ticket) = text("ticket_id").strip_prefix("desk:").map(str::to_owned) else { continue };
            if !met.insert(text("event_id")) {
                continue;
            }
            match text("kind").as_str() {
                "rehomed" if text("account_id") != text("to_account") => drop(lies.insert(ticket, text("to_account"))),
                "rehomed" => {}
                _ => drop(lies.entry(ticket).or_insert_with(|| text("account_id"))),
            }
        }
        lies
    }

    fn file(&mut self, gateway: usize, ticket: usize, of: &Identity) {
        if of.source != "desk" {
            return;
        }
        let basics = Basics { name: "desk".into(), accounts: configured(), ..Basics::default() };
        let delivery = Delivery::bare(b"", self.now);
        let mut reading = Reading::default();
        let ticket = ticket.to_string();
        let (organisation, requester) = match of.is_person() {
            true => (None, Some(of.bare_id())),
            false => (Some(of.bare_id()), Some("7")),
        };
        let home = {
            let table = self.gateways[gateway].shared.table();
            let context = Context { delivery: &delivery, directory: &*table };
            basics.home(&ticket, organisation, requester, self.now, &context, &mut reading).unwrap()
        };
        let mut outbox = Outbox::default();
        let event = serde_json::json!({"ticket_id": format!("desk:{ticket}"), "account_id": home.account,
            "event_id": format!("event {}", self.now), "kind": "updated"});
        for record in &reading.records {
            outbox.push("tickets", record_of(record));
        }
        outbox.push(
            "tickets",
            Outgoing { value: Some(event.to_string().into_bytes()), key: Some(key(self.now)), ..Outgoing::default() },
        );
        let shared = &self.gateways[gateway].shared;
        for entry in reading.directory {
            outbox.push_keyed("directory", shared.outgoing(&entry));
            shared.put(entry);
        }
        self.send(outbox);
    }

    /// A person, by a process of their own.
    fn decide(&mut self, of: usize, decided: Option<Option<String>>) {
        let person = start(&self.log, self.processes);
        self.processes += 1;
        let decision = decided.map(|account| Decision { account, by: "jo".into(), reason: None, at: self.now });
        let learnt = person.shared.decide(Fact { of: who(of), says: Says::Decided(decision) }, self.now);
        self.write(learnt);
    }

    fn catch_up(&mut self, gateway: usize) {
        let Process { shared, reached } = &mut self.gateways[gateway];
        for topic in Topic::ALL {
            let stop = AtomicBool::new(false);
            let mut reader = Reader { log: self.log.clone(), stop: &stop };
            shared.follow(&mut reader, &Names::default(), topic, &mut reached[topic as usize], &stop).unwrap();
        }
    }

    fn write(&mut self, mut learnt: Learnt) {
        let mut outbox = Outbox::default();
        for record in std::mem::take(&mut learnt.records) {
            outbox.push("tickets", record_of(&record));
        }
        learnt.put("aliases", "directory", &mut outbox);
        self.send(outbox);
    }

    fn send(&self, mut outbox: Outbox) {
        let stop = AtomicBool::new(false);
        outbox.send(&mut Reader { log: self.log.clone(), stop: &stop }).unwrap();
    }
}

impl Process {
    fn has_read_all(&self, log: &Log) -> bool {
        Topic::ALL.iter().all(|topic| {
            let end = log.records(topic.name(&Names::default())).len() as i64;
            self.reached[*topic as usize].first().map_or(0, |(_, offset)| offset + 1) == end
        })
    }
}

fn start(log: &Log, number: usize) -> Process {
    let accounts = configured();
    let shared = Shared::new(format!("process {number}"), Aliases::new([("desk", &accounts)], FreeMail::default()));
    let stop = AtomicBool::new(false);
    let mut reader = Reader { log: log.clone(), stop: &stop };
    let reached = Topic::ALL.map(|topic| shared.load_topic(&mut reader, &Names::default(), topic).unwrap());
    // From now on it knows what it writes itself.
    for topic in Topic::ALL {
        let stop = AtomicBool::new(false);
        let mut reader = Reader { log: log.clone(), stop: &stop };
        shared.follow(&mut reader, &Names::default(), topic, &mut reached[topic as usize].clone(), &stop).unwrap();
    }
    Process { shared, reached }
}

fn facts(aliases: &Aliases) -> Facts {
    let mut facts = Facts::default();
    facts.configured.insert(Identity::new("desk", CONFIGURED.0), CONFIGURED.1.to_owned());
    for name in EVERYBODY {
        let identity = Identity::read(name).unwrap();
        facts.decided.extend(aliases.decided(&identity).map(|decision| (identity.clone(), decision.clone())));
        for (identifier, since) in aliases.known(&identity).0.into_values().flatten() {
            facts.has.entry(identifier).or_default().insert(identity.clone(), since);
        }
    }
    facts
}

fn configured() -> Accounts {
    Accounts([(CONFIGURED.0.to_owned(), CONFIGURED.1.to_owned())].into())
}

fn who(number: usize) -> Identity {
    Identity::read(EVERYBODY[number]).unwrap()
}

fn key(now: i64) -> Vec<u8> {
    now.to_string().into_bytes()
}

fn record_of(record: &Canonical) -> Outgoing {
    Outgoing { key: record.id().map(|id| id.as_bytes().to_vec()), value: Some(record.to_json()), ..Outgoing::default() }
}
