//! A desk: one engine whose clock follows the test, restarted from its changelog whenever asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tierline_engine::{Arrival, Engine, Input, Output, Settings};
use tierline_model::{
    AccountFields, AccountSnapshot, Author, Cleared, Command, CommandKind, Escalation, Message, Millis, Signal,
    SlaEvent, Status, TicketEvent, TicketEventKind, TicketFields,
};
use tierline_rules::source::{Diagnostics, Keys, Source, parse};
use tierline_rules::{Edge, RuleSet, Sections, rule_set};

pub const MINUTE: Millis = 60_000;
pub const HOUR: Millis = 60 * MINUTE;
pub const DAY: Millis = 24 * HOUR;
/// Noon of a day; instants of tests are minutes after it.
pub const START: Millis = 1_772_452_800_000;
pub const GRACE: Millis = 5_000;

pub struct Desk {
    rules: Arc<RuleSet>,
    settings: Arc<Settings>,
    pub engine: Engine,
    pub clock: Millis,
    changelog: BTreeMap<Vec<u8>, Vec<u8>>,
    checkpoint: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The changelog since the checkpoint, compacted: of each key the last entry, in order.
    tail: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    out: Vec<Escalation>,
    /// What has gone out to `sla-events`.
    pub sla_events: Vec<SlaEvent>,
    /// What the queue holds: id → sequence of the last record.
    pub queue: BTreeMap<String, u32>,
    /// The account that everything is about.
    pub account: &'static str,
    /// What is on its way to another account; it comes at once, unless it is kept back.
    pub on_its_way: VecDeque<(String, Vec<u8>)>,
    pub keeps_back: bool,
    events: u32,
}

/// Rules and policies from YAML.
pub fn rules(text: &str) -> Arc<RuleSet> {
    let mut found = Diagnostics::default();
    let root = parse(&Source::new("rules.yaml", text), &mut found).expect("it is YAML");
    let mut keys = Keys::of(&root, "the file", &mut found).expect("it is a map");
    let sections = Sections {
        rules: keys.optional("rules"),
        terms: keys.optional("terms"),
        sla: keys.optional("sla"),
        escalation_sla: keys.optional("escalation_sla"),
        calendars: keys.optional("calendars"),
        tags: keys.optional("tags"),
        fields: keys.optional("fields"),
        history: 35 * DAY,
        ..Sections::default()
    };
    let set = rule_set(&sections, &mut found);
    assert_eq!(found.mistakes(), 0, "{found}");
    Arc::new(set)
}

/// One rule of tier 2 by these lines, indented as within a list.
pub fn rule(body: &str) -> String {
    format!("rules:\n  - id: rule\n    tier: 2\n{body}\n")
}

impl Desk {
    /// An engine that has caught up with nothing, and fires everything.
    pub fn new(text: &str) -> Desk {
        Desk::starting(text, false)
    }

    /// The same; whether its first start is quiet, and then it has not caught up yet.
    pub fn starting(text: &str, start_quietly: bool) -> Desk {
        let settings = Arc::new(Settings {
            grace: GRACE,
            stale_after: 120_000,
            import_timeout: 86_400_000,
            history: 35 * DAY,
            start_quietly,
            precedence: Vec::new(),
        });
        let rules = rules(text);
        let engine = Engine::new(Arc::clone(&rules), Arc::clone(&settings));
        Desk {
            rules,
            settings,
            engine,
            clock: START,
            changelog: BTreeMap::new(),
            checkpoint: BTreeMap::new(),
            tail: Vec::new(),
            out: Vec::new(),
            sla_events: Vec::new(),
            queue: BTreeMap::new(),
            account: "acme",
            on_its_way: VecDeque::new(),
            keeps_back: false,
            events: 0,
        }
    }

    /// The clock comes to this instant; all up to it has happened.
    pub fn run_to(&mut self, at: Millis) {
        self.clock = self.clock.max(at);
        self.engine.advance(self.clock, Edge::Bounds);
        self.collect();
    }

    /// The process dies and comes back with what it wrote.
    pub fn restart(&mut self) {
        self.restart_with(Arc::clone(&self.rules));
    }

    /// The same with other rules.
    pub fn restart_with(&mut self, rules: Arc<RuleSet>) {
        self.collect();
        let memory = self.engine.memory();
        self.rules = rules;
        self.engine = Engine::new(Arc::clone(&self.rules), Arc::clone(&self.settings));
        for (key, value) in &self.changelog {
            self.engine.restore(key, Some(value)).unwrap();
        }
        self.engine.restored(self.clock, Edge::Bounds, Some(&memory)).unwrap();
        self.collect();
    }

    /// A checkpoint of now.
    pub fn checkpoint(&mut self) {
        self.checkpoint = self.state();
        self.tail.clear();
    }

    /// The process dies and comes back with its checkpoint and what was written since.
    pub fn restart_from_checkpoint(&mut self) {
        self.collect();
        let checkpoint = self.checkpoint.iter().map(|(key, value)| (key, Some(value)));
        let entries = checkpoint.chain(self.tail.iter().map(|(key, value)| (key, value.as_ref())));
        let mut engine = Engine::new(Arc::clone(&self.rules), Arc::clone(&self.settings));
        for (key, value) in entries {
            engine.restore(key, value.map(Vec::as_slice)).unwrap();
        }
        engine.restored(self.clock, Edge::Bounds, Some(&self.engine.memory())).unwrap();
        self.engine = engine;
        self.collect();
    }

    /// All that the engine holds, key by key.
    pub fn state(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut state = BTreeMap::new();
        self.engine.snapshot(&mut |key, value| drop(state.insert(key.to_vec(), value.to_vec())));
        state
    }

    /// An event happens at `at` and arrives at once, or when the clock stands later: then.
    pub fn event(
        &mut self,
        kind: TicketEventKind,
        ticket: &str,
        at: Millis,
        change: impl FnOnce(&mut TicketEvent<'_>),
    ) {
        self.events += 1;
        let id = format!("e{}", self.events);
        let mut event = TicketEvent::new(kind, id.as_str(), ticket, self.account, "desk", at);
        change(&mut event);
        self.clock = self.clock.max(at);
        let arrival = Arrival { appended_at: Some(self.clock), input: Input::Ticket(&event) };
        self.engine.apply(self.clock, arrival).unwrap();
        self.collect();
    }

    /// A customer opens a ticket.
    pub fn created(&mut self, ticket: &str, at: Millis) {
        self.event(TicketEventKind::Created, ticket, at, |_| ());
    }

    pub fn updated(&mut self, ticket: &str, at: Millis, fields: TicketFields<'_>) {
        let fields = TicketFields {
            status: fields.status,
            priority: fields.priority,
            category: fields.category.map(|text| text.into_owned().into()),
            severity: fields.severity.map(|text| text.into_owned().into()),
            ..TicketFields::default()
        };
        self.event(TicketEventKind::Updated, ticket, at, |event| event.ticket = fields);
    }

    pub fn solved(&mut self, ticket: &str, at: Millis) {
        self.updated(ticket, at, TicketFields { status: Some(Status::Solved), ..TicketFields::default() });
    }

    pub fn deleted(&mut self, ticket: &str, at: Millis) {
        self.event(TicketEventKind::Deleted, ticket, at, |_| ());
    }

    pub fn message(&mut self, ticket: &str, at: Millis, author: Author) {
        let message =
            Message { id: None, author, author_name: None, public: true, text: Some("hello".into()), automated: false };
        self.event(TicketEventKind::Message, ticket, at, |event| event.message = Some(message));
    }

    pub fn reply(&mut self, ticket: &str, at: Millis) {
        self.message(ticket, at, Author::Agent);
    }

    /// A snapshot of the account's plan and health.
    pub fn account(&mut self, at: Option<Millis>, plan: Option<&str>, health: Option<f64>) {
        self.account_by("crm", at, plan, health);
    }

    /// The same by another source.
    pub fn account_by(&mut self, source: &str, at: Option<Millis>, plan: Option<&str>, health: Option<f64>) {
        let snapshot = AccountSnapshot {
            account_id: self.account.into(),
            source: source.into(),
            updated_at: None,
            fields: AccountFields { plan: plan.map(Into::into), health, ..AccountFields::default() },
            cleared: Cleared::default(),
        };
        let input = Input::Account { topic: 0, snapshot: &snapshot };
        self.engine.apply(self.clock, Arrival { appended_at: at, input }).unwrap();
        self.collect();
    }

    /// Nobody wants to hear of a ticket until then.
    pub fn snooze(&mut self, ticket: &str, at: Millis, until: Millis) {
        self.commanded(CommandKind::Snooze, Some(ticket), None, at, Some(until));
    }

    /// A command at `at`, to a ticket.
    pub fn command(&mut self, kind: CommandKind, ticket: Option<&str>, tier: Option<u8>, at: Millis) {
        self.commanded(kind, ticket, tier, at, None);
    }

    fn commanded(
        &mut self,
        kind: CommandKind,
        ticket: Option<&str>,
        tier: Option<u8>,
        at: Millis,
        until: Option<Millis>,
    ) {
        self.events += 1;
        let id = format!("c{}", self.events);
        let command = Command {
            command_id: id.as_str().into(),
            account_id: self.account.into(),
            ticket_id: ticket.map(Into::into),
            escalation_id: None,
            occurred_at: at,
            kind,
            tier,
            by: Some("ada".into()),
            reason: None,
            until,
        };
        self.clock = self.clock.max(at);
        self.engine.apply(self.clock, Arrival { appended_at: Some(at), input: Input::Command(&command) }).unwrap();
        self.collect();
    }

    /// A model's word on a ticket.
    pub fn signal(&mut self, ticket: &str, name: &str, value: f64, at: Millis) {
        self.says(ticket, (name, value), None, at, at);
    }

    /// A model says at once, or when the clock stands later: then, what a message of `at` says, and why.
    pub fn feels(&mut self, ticket: &str, name: &str, value: f64, why: &str, at: Millis) {
        self.says(ticket, (name, value), Some(why), at, self.clock.max(at));
    }

    fn says(&mut self, ticket: &str, (name, value): (&str, f64), why: Option<&str>, at: Millis, appended_at: Millis) {
        self.events += 1;
        let id = format!("s{}", self.events);
        let signal = Signal {
            signal_id: id.as_str().into(),
            account_id: self.account.into(),
            ticket_id: Some(ticket.into()),
            occurred_at: at,
            name: name.into(),
            value: Some(value),
            label: None,
            model: why.map(|_| "lexicon 1".into()),
            explanation: why.map(Into::into),
            handoff: None,
        };
        self.clock = self.clock.max(at);
        let arrival = Arrival { appended_at: Some(appended_at), input: Input::Signal(&signal) };
        self.engine.apply(self.clock, arrival).unwrap();
        self.collect();
    }

    /// The help desk has been heard up to then, and says so at once.
    pub fn heartbeat(&mut self, heard_until: Millis) {
        self.heartbeat_appended(heard_until, self.clock.max(heard_until));
    }

    /// The same, by a log whose clock shows something else.
    pub fn heartbeat_appended(&mut self, heard_until: Millis, appended_at: Millis) {
        self.clock = self.clock.max(heard_until);
        let input = Input::Heartbeat { source: "desk", heard_until };
        self.engine.apply(self.clock, Arrival { appended_at: Some(appended_at), input }).unwrap();
        self.run_to(self.clock);
    }

    /// What has gone out since the last call: `kind ticket tier @minutes after the start`.
    pub fn said(&mut self) -> Vec<String> {
        self.heard().iter().map(line).collect()
    }

    /// The same, whole.
    pub fn heard(&mut self) -> Vec<Escalation> {
        std::mem::take(&mut self.out)
    }

    /// The keys of the changelog.
    pub fn keys(&self) -> usize {
        self.changelog.len()
    }

    fn collect(&mut self) {
        let mut moves = Vec::new();
        for output in self.engine.outputs() {
            match output {
                Output::Move { to, value } => moves.push((to, value)),
                Output::Escalation(escalation) => self.out.push(*escalation),
                Output::Queue(id, Some(entry)) => {
                    self.queue.insert(id.to_string(), entry.escalation.sequence);
                }
                Output::Queue(id, None) => {
                    self.queue.remove(&id.to_string());
                }
                // Told apart from what is live by scenarios, and by a property.
                Output::Shadow(_) => {}
                Output::Sla(event) => self.sla_events.push(*event),
            }
        }
        let (changelog, tail) = (&mut self.changelog, &mut self.tail);
        self.engine.changes(&mut |key, value| {
            tail.retain(|(other, _)| other != key);
            tail.push((key.to_vec(), value.map(<[u8]>::to_vec)));
            match value {
                Some(value) => changelog.insert(key.to_vec(), value.to_vec()),
                None => changelog.remove(key),
            };
        });
        self.on_its_way.extend(moves);
        if !self.keeps_back {
            self.deliver();
        }
    }

    /// What is on its way to another account comes there.
    pub fn deliver(&mut self) {
        while let Some((to, value)) = self.on_its_way.pop_front() {
            let input = Input::Moved { account_id: &to, value: &value };
            self.engine.apply(self.clock, Arrival { appended_at: Some(self.clock), input }).unwrap();
            self.collect();
        }
    }
}

fn line(escalation: &Escalation) -> String {
    let minutes = (escalation.became_true_at - START) as f64 / MINUTE as f64;
    format!("{} {} {} @{minutes}", escalation.kind, escalation.ticket_id, escalation.tier)
}

/// Minutes after the start.
pub fn at(minutes: Millis) -> Millis {
    START + minutes * MINUTE
}
