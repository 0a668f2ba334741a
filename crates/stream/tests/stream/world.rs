//! A detect stage on a log in memory, with a wall clock by hand: send records, let it work, look at what it wrote.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tierline_engine::Settings;
use tierline_model::{Decoder, Encoding, Millis, RecordType, SchemaSource};
use tierline_observe::Metrics;
use tierline_rules::source::{Diagnostics, Keys, Source, parse};
use tierline_rules::{RuleSet, Sections, rule_set};
use tierline_stream::clock::ClockMode;
use tierline_stream::detect::{Detect, DetectSettings, DetectStage};
use tierline_stream::log::{InputId, Log, Offset, Ownership, Partition};
use tierline_stream::partitioner::partition_of;
use tierline_stream::restore::{Restored, Watch, restore};
use tierline_stream::stage::Stages;
use tierline_stream::topics::{Names, detect_inputs, detect_outputs};
use tierline_stream::{Checkpoints, Lane, LaneError, LaneSettings, Step};

use crate::memory::{Cluster, MemoryLog, State, Stored};

pub const SECOND: Millis = 1_000;
pub const MINUTE: Millis = 60 * SECOND;
pub const HOUR: Millis = 60 * MINUTE;
pub const DAY: Millis = 24 * HOUR;
/// Noon of a day.
pub const NOON: Millis = 1_772_452_800_000;
pub const GRACE: Millis = 5 * SECOND;
/// The account that most tests are about.
pub const ACME: &str = "acme";

/// An hour of silence is tier 2, an urgent ticket whose bill is past due tier 3.
pub const RULES: &str = "
rules:
  - id: silence
    tier: 2
    when:
      ticket.no_agent_reply_for: 1h
  - id: urgent-past-due
    tier: 3
    when:
      all:
        - ticket.priority: urgent
        - billing.state: past_due
";

pub struct World {
    pub cluster: Rc<RefCell<Cluster>>,
    pub now: Rc<Cell<Millis>>,
    pub settings: LaneSettings,
    pub detect: DetectSettings,
    pub metrics: Metrics,
    pub owned: Vec<Partition>,
    lane: Option<Lane<MemoryLog, Detect>>,
    events: Cell<u32>,
}

impl World {
    /// One partition, [`RULES`], a first start that fires everything, the wall at noon; nothing runs yet.
    pub fn new() -> World {
        World::with(1, ClockMode::Wall)
    }

    pub fn with(partitions: i32, clock: ClockMode) -> World {
        let names = Names::default();
        let topics: Vec<String> =
            detect_inputs(&names).into_iter().chain(detect_outputs(&names)).map(|(_, topic)| topic).collect();
        let engine = Settings {
            grace: GRACE,
            stale_after: 120_000,
            import_timeout: 86_400_000,
            history: 35 * DAY,
            start_quietly: false,
            precedence: Vec::new(),
        };
        let detect = DetectSettings {
            names,
            rules: rules(RULES),
            engine,
            max_future: HOUR,
            escalations: Encoding::SingleObject,
            shadow: Encoding::SingleObject,
            sla_events: Encoding::SingleObject,
            queue: Encoding::SingleObject,
            schemas: None,
        };
        World {
            cluster: Rc::new(RefCell::new(Cluster::with_topics(&topics, partitions as usize))),
            now: Rc::new(Cell::new(NOON)),
            settings: LaneSettings { clock, ask_interval: Duration::ZERO, ..LaneSettings::default() },
            detect,
            metrics: Metrics::new("test", NOON),
            owned: (0..partitions).collect(),
            lane: None,
            events: Cell::new(0),
        }
    }

    /// The clock is that of the records alone.
    pub fn by_events() -> World {
        World::with(1, ClockMode::Events)
    }

    pub fn with_checkpoints(mut self, folder: &Path) -> World {
        // A few accounts at a time.
        self.settings.checkpoints = Some(Checkpoints { piece: 3, ..Checkpoints::in_folder(folder) });
        self
    }

    pub fn with_schemas(mut self, schemas: Arc<dyn SchemaSource>) -> World {
        self.detect.schemas = Some(schemas);
        self
    }

    // What runs.

    /// Starts a lane, in the place of the one that was there.
    pub fn start(&mut self) {
        self.crash();
        let stages = Detect::new(self.detect.clone());
        let inputs: Vec<String> = stages.inputs().iter().map(|spec| spec.topic.clone()).collect();
        let metrics = self.metrics.lane(&inputs);
        let now = Rc::clone(&self.now);
        let outputs = stages.outputs().to_vec();
        let log = MemoryLog::connect(&self.cluster, inputs, outputs, self.owned.clone(), Rc::new(move || now.get()));
        self.lane = Some(Lane::new(log, stages, self.settings.clone(), metrics));
    }

    /// The process dies.
    pub fn crash(&mut self) {
        self.lane = None;
    }

    /// The process ends in order.
    pub fn close(&mut self) {
        let now = Rc::clone(&self.now);
        let mut lane = self.lane.take().expect("it runs");
        lane.close(&|| now.get()).expect("it ends in order");
    }

    /// The same on a machine that takes so long for everything.
    pub fn close_slowly(&mut self, each: Millis) {
        let now = Rc::clone(&self.now);
        let mut lane = self.lane.take().expect("it runs");
        lane.close(&|| now.replace(now.get() + each)).expect("it ends in order");
    }

    /// What a start would find of task 0.
    pub fn restore(&mut self) -> Restored<DetectStage> {
        let now = self.now.get();
        self.restore_watched(&move || now)
    }

    /// The same under another wall clock.
    pub fn restore_watched(&mut self, wall: &dyn Fn() -> Millis) -> Restored<DetectStage> {
        self.crash();
        let mut stages = Detect::new(self.detect.clone());
        let inputs = stages.inputs().iter().map(|spec| spec.topic.clone()).collect();
        let (outputs, now) = (stages.outputs().to_vec(), self.now.get());
        let mut log = MemoryLog::connect(&self.cluster, inputs, outputs, Vec::new(), Rc::new(move || now));
        let partitions = self.owned.len() as i32;
        let watch = Watch { wall, metrics: &self.metrics.lane::<&str>(&[]) };
        restore(&mut log, &mut stages, 0, partitions, &self.settings, watch).expect("it can be restored")
    }

    pub fn step(&mut self) -> Result<Step, LaneError> {
        let now = Rc::clone(&self.now);
        self.lane.as_mut().expect("it runs").step(&|| now.get())
    }

    /// How far partition 0 of the tickets has been handed over.
    pub fn read_up_to(&mut self) -> Offset {
        let lane = self.lane.as_mut().expect("it runs");
        lane.log().position(InputId::DRIVER, 0).unwrap_or(0)
    }

    /// How far it has been committed.
    pub fn committed_up_to(&self) -> Offset {
        self.cluster.borrow().positions.get(&0).copied().unwrap_or(0)
    }

    /// Works until nothing is left to do at this instant.
    pub fn settle(&mut self) {
        let mut idle = 0;
        for _ in 0..10_000 {
            match self.step().expect("the lane lives") {
                Step::Idle => idle += 1,
                Step::Finished => return,
                Step::Worked | Step::StartedOver => idle = 0,
            }
            // Each of the first may only have asked what the next one hears.
            if idle == 4 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Works until the lane ends; why.
    pub fn until_dead(&mut self) -> LaneError {
        for _ in 0..1_000 {
            if let Err(error) = self.step() {
                return error;
            }
        }
        panic!("it lives on");
    }

    /// The wall comes to this instant, and all there is to do is done.
    pub fn to(&mut self, now: Millis) {
        self.now.set(now);
        self.settle();
    }

    /// The group takes all tasks away, in order or not, and gives them back.
    pub fn take_away_and_give_back(&mut self, lost: bool) {
        let owned = self.owned.clone();
        self.change_ownership(if lost { Ownership::Lost(owned.clone()) } else { Ownership::Revoked(owned.clone()) });
        self.change_ownership(Ownership::Assigned(owned));
    }

    pub fn change_ownership(&mut self, change: Ownership) {
        self.lane.as_mut().expect("it runs").log().ownership.push_back(change);
    }

    // What goes in.

    /// A record in JSON arrives now, under its account's key, in the right partition.
    pub fn send(&self, topic: &str, record: Value) -> Offset {
        self.send_at(topic, self.now.get(), record)
    }

    /// A ticket event arrives, of another account than it was made of.
    pub fn send_of(&self, account: usize, mut event: Value) -> Offset {
        event["account_id"] = json!(format!("account {account}"));
        self.send("tickets", event)
    }

    pub fn send_at(&self, topic: &str, appended_at: Millis, record: Value) -> Offset {
        let key = record["account_id"].as_str().map(|key| key.as_bytes().to_vec());
        self.put(topic, appended_at, key.as_deref(), Some(record.to_string().as_bytes()))
    }

    /// Any record arrives, in the partition of its key.
    pub fn put(&self, topic: &str, appended_at: Millis, key: Option<&[u8]>, value: Option<&[u8]>) -> Offset {
        let partitions = self.cluster.borrow().topics[topic].len() as i32;
        let partition = key.map_or(0, |key| partition_of(key, partitions));
        self.put_into(topic, partition, appended_at, key, value)
    }

    pub fn put_into(
        &self,
        topic: &str,
        partition: Partition,
        appended_at: Millis,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Offset {
        self.append(topic, partition, appended_at, key, value, State::Committed)
    }

    pub fn append(
        &self,
        topic: &str,
        partition: Partition,
        appended_at: Millis,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        state: State,
    ) -> Offset {
        let (key, value) = (key.map(<[u8]>::to_vec), value.map(<[u8]>::to_vec));
        let headers = vec![("trace".to_owned(), b"7".to_vec())];
        let stored = Stored { offset: 0, appended_at, key, value, headers, state };
        self.cluster.borrow_mut().part(topic, partition).append(stored)
    }

    /// A ticket event that happened at `at`.
    pub fn event(&self, kind: &str, ticket: &str, at: Millis, more: Value) -> Value {
        self.events.set(self.events.get() + 1);
        let mut event = json!({
            "event_id": format!("e{}", self.events.get()), "ticket_id": ticket, "account_id": ACME, "source": "desk",
            "occurred_at": at, "kind": kind,
        });
        merge(&mut event, more);
        event
    }

    /// A customer opens a ticket.
    pub fn created(&self, ticket: &str, at: Millis) -> Value {
        let message = json!({ "author": "customer", "text": "It fails." });
        self.event("created", ticket, at, json!({ "ticket": { "status": "new" }, "message": message }))
    }

    /// A customer opens an urgent ticket.
    pub fn urgent(&self, ticket: &str, at: Millis) -> Value {
        let ticket_fields = json!({ "status": "new", "priority": "urgent" });
        self.event("created", ticket, at, json!({ "ticket": ticket_fields }))
    }

    /// An agent answers.
    pub fn answered(&self, ticket: &str, at: Millis) -> Value {
        self.event("message", ticket, at, json!({ "message": { "author": "agent", "text": "Try again." } }))
    }

    pub fn bill(&self, state: &str) -> Value {
        json!({ "account_id": ACME, "state": state, "source": "stripe" })
    }

    pub fn bill_change(&self, state: &str) -> Value {
        json!({ "account_id": ACME, "source": "crm", "set": { "state": state } })
    }

    // What comes out.

    /// What stands committed in a topic, partition by partition.
    pub fn committed(&self, topic: &str) -> Vec<Stored> {
        let cluster = self.cluster.borrow();
        cluster.topics[topic].iter().flat_map(|part| part.committed().cloned()).collect()
    }

    pub fn escalations(&self) -> Vec<Value> {
        let decoded = |stored: Stored| {
            let value = stored.value.expect("escalations have values");
            Decoder::new().to_json(RecordType::Escalations, &value).expect("it was written so")
        };
        self.committed("escalations").into_iter().map(decoded).collect()
    }

    /// Kind, ticket and the instant at which it became true, as minutes after noon.
    pub fn told(&self) -> Vec<(String, String, i64)> {
        let told = |it: Value| {
            let at = instant(&it["became_true_at"]) - NOON;
            (word(&it["kind"]), word(&it["ticket_id"]), at / MINUTE)
        };
        self.escalations().into_iter().map(told).collect()
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.committed("dead-letters").into_iter().map(Letter).collect()
    }

    /// The codes of the dead letters.
    pub fn codes(&self) -> Vec<String> {
        self.letters().iter().map(|letter| letter.header("tierline.error")).collect()
    }

    /// The value of a metric, of the line that has all of these parts.
    pub fn metric(&self, parts: &[&str]) -> f64 {
        let text = self.metrics.render();
        let line = text.lines().find(|line| !line.starts_with('#') && parts.iter().all(|part| line.contains(part)));
        line.and_then(|line| line.rsplit(' ').next()).map_or(0.0, |value| value.parse().expect("a number"))
    }
}

/// A dead letter.
pub struct Letter(pub Stored);

impl Letter {
    pub fn header(&self, name: &str) -> String {
        let found: Vec<_> = self.0.headers.iter().filter(|(other, _)| other == name).collect();
        assert!(found.len() < 2, "{name} stands there twice");
        found.first().map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }
}

pub fn opened(ticket: &str, minute: i64) -> (String, String, i64) {
    ("opened".to_owned(), ticket.to_owned(), minute)
}

pub fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An instant, however JSON shows it.
pub fn instant(value: &Value) -> Millis {
    value.as_i64().or_else(|| value.as_str().and_then(tierline_model::parse_instant)).expect("an instant")
}

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
        history: 35 * DAY,
        ..Sections::default()
    };
    let set = rule_set(&sections, &mut found);
    assert!(found.items.is_empty(), "{}", found.render(false));
    Arc::new(set)
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("members") };
    into.as_object_mut().expect("members").extend(more);
}
