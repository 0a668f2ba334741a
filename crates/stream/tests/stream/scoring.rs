//! The score stage: what it says of which message, and that a crash, an abort or a rebalance anywhere changes nothing.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tierline_model::{Decoder, Encoding, Millis, RecordType};
use tierline_observe::Metrics;
use tierline_score::{ModelId, Scorer, signal_id};
use tierline_stream::log::{Ownership, Partition};
use tierline_stream::partitioner::partition_of;
use tierline_stream::score::{Answer, Message, NAME, Score, ScoreSettings, Scores};
use tierline_stream::stage::Stages;
use tierline_stream::topics::{Names, detect_inputs, score_outputs};
use tierline_stream::{Lane, LaneSettings, Step};

use crate::memory::{Cluster, MemoryLog, State, Stored};
use crate::world::{ACME, HOUR, NOON, SECOND};

const UPSET: &str = "This is the third time I ask. I am seriously considering canceling.";
const PLEASED: &str = "Thank you, that works perfectly now.";
const GERMAN: &str =
    "Leider funktioniert der Export seit gestern nicht mehr, und niemand antwortet uns auf unsere Fragen.";

/// A score stage's lane on a log in memory.
struct Desk {
    cluster: Rc<std::cell::RefCell<Cluster>>,
    now: Rc<Cell<Millis>>,
    settings: ScoreSettings,
    lane_settings: LaneSettings,
    metrics: Metrics,
    partitions: i32,
    lane: Option<Lane<MemoryLog, Score>>,
    told: Cell<u32>,
}

impl Desk {
    fn new(partitions: i32) -> Desk {
        let names = Names::default();
        let topics: BTreeSet<String> =
            detect_inputs(&names).into_iter().chain(score_outputs(&names)).map(|(_, topic)| topic).collect();
        Desk {
            cluster: Rc::new(Cluster::with_topics(&topics, partitions as usize).into()),
            now: Rc::new(Cell::new(NOON)),
            settings: ScoreSettings {
                names,
                scorer: Arc::new(Scorer::built_in()),
                max_future: HOUR,
                signals: Encoding::SingleObject,
                schemas: None,
                begin_at_the_end: false,
            },
            lane_settings: LaneSettings { ask_interval: Duration::ZERO, ..LaneSettings::default() },
            metrics: Metrics::new("test", NOON),
            partitions,
            lane: None,
            told: Cell::new(0),
        }
    }

    fn start(&mut self) {
        let stages = Score::new(self.settings.clone());
        let inputs: Vec<String> = stages.inputs().iter().map(|spec| spec.topic.clone()).collect();
        let metrics = self.metrics.lane_of_stage(NAME, &inputs);
        let (outputs, now) = (stages.outputs().to_vec(), Rc::clone(&self.now));
        let wall = Rc::new(move || now.get());
        let log = MemoryLog::connect(&self.cluster, inputs, outputs, self.owned(), wall);
        self.lane = Some(Lane::new(log, stages, self.lane_settings.clone(), metrics));
    }

    fn owned(&self) -> Vec<Partition> {
        (0..self.partitions).collect()
    }

    fn step(&mut self) -> Step {
        let now = Rc::clone(&self.now);
        self.lane.as_mut().expect("it runs").step(&|| now.get()).expect("it lives")
    }

    fn settle(&mut self) {
        let mut idle = 0;
        while idle < 4 {
            idle = if self.step() == Step::Idle { idle + 1 } else { 0 };
        }
    }

    fn put(&self, partition: Partition, key: Option<&[u8]>, value: &[u8]) {
        let (key, value) = (key.map(<[u8]>::to_vec), Some(value.to_vec()));
        let stored =
            Stored { offset: 0, appended_at: self.now.get(), key, value, headers: Vec::new(), state: State::Committed };
        self.cluster.borrow_mut().part("tickets", partition).append(stored);
    }

    /// An event of a ticket of this account, with a message by `author`; `more` may say otherwise.
    fn tell(&self, account: &str, author: &str, text: &str, more: Value) {
        let number = self.told.replace(self.told.get() + 1);
        let mut event = json!({
            "event_id": format!("e{number}"), "ticket_id": "T1", "account_id": account, "source": "desk",
            "occurred_at": self.now.get() - SECOND, "kind": "message",
            "message": { "id": format!("m{number}"), "author": author, "public": true, "text": text },
        });
        event.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        let partition = partition_of(account.as_bytes(), self.partitions);
        self.put(partition, Some(account.as_bytes()), event.to_string().as_bytes());
    }

    fn committed(&self, topic: &str) -> Vec<Stored> {
        self.cluster.borrow().topics[topic].iter().flat_map(|part| part.committed().cloned()).collect()
    }

    fn signals(&self) -> Vec<Value> {
        let decoded = |stored: Stored| {
            let mut value = Decoder::new()
                .to_json(RecordType::Signals, &stored.value.expect("a value"))
                .expect("it was written so");
            assert_eq!(
                stored.key.as_deref(),
                value["account_id"].as_str().map(str::as_bytes),
                "it stands under its key"
            );
            value.as_object_mut().expect("a record").retain(|_, told| !told.is_null());
            value
        };
        self.committed("signals").into_iter().map(decoded).collect()
    }

    fn counted(&self, outcome: &str) -> f64 {
        let line = format!("tierline_messages_scored_total{{outcome=\"{outcome}\"}} ");
        let text = self.metrics.render();
        text.lines().find_map(|it| it.strip_prefix(&line)?.parse().ok()).unwrap_or(0.0)
    }
}

#[test]
fn what_a_customer_writes_is_scored_with_the_words_that_decided() {
    let mut desk = Desk::new(1);
    desk.tell(ACME, "customer", UPSET, json!({}));
    desk.start();
    desk.settle();
    let signals = desk.signals();
    let names: Vec<_> = signals.iter().map(|signal| signal["name"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["sentiment", "escalation_risk"]);
    let model = ModelId { name: "tierline-lexicon".into(), version: Scorer::VERSION.into() };
    for signal in &signals {
        let name = signal["name"].as_str().expect("a name");
        assert_eq!(signal["signal_id"], json!(signal_id("T1", "m0", name, &model).to_string()));
        assert_eq!(signal["ticket_id"], json!("T1"));
        assert_eq!(crate::world::instant(&signal["occurred_at"]), NOON - SECOND, "when it was written");
        assert_eq!(signal["model"], json!(model.to_string()));
        let explanation = signal["explanation"].as_str().expect("it says why");
        assert!(explanation.starts_with("“seriously considering” (cancellation)"), "{explanation}");
    }
    assert_eq!([&signals[0]["value"], &signals[1]["value"]], [&json!(-0.84), &json!(0.956)], "to a thousandth");
    assert_eq!((&signals[0].get("label"), &signals[1]["label"]), (&None, &json!("high")));
    assert_eq!(desk.counted("scored"), 1.0);
}

#[test]
fn whatever_a_customer_writes_counts_and_nothing_else_does() {
    let mut desk = Desk::new(2);
    let account = (0..).map(|n| format!("account-{n}")).find(|id| partition_of(id.as_bytes(), 2) == 0).expect("one");
    let message = |more: Value| {
        let mut message = json!({ "id": "m", "author": "customer", "public": true, "text": UPSET });
        message.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        json!({ "message": message })
    };
    // These are theirs: a first message, one that an update brings, one that is not public.
    let created = json!({ "kind": "created", "ticket": { "status": "new" } });
    desk.tell(&account, "customer", UPSET, created);
    desk.tell(&account, "customer", UPSET, json!({ "kind": "updated", "ticket": { "status": "open" } }));
    desk.tell(&account, "customer", PLEASED, message(json!({ "public": false })));
    let theirs = 3;
    for author in ["agent", "bot", "system"] {
        desk.tell(&account, author, UPSET, json!({}));
    }
    desk.tell(&account, "customer", UPSET, message(json!({ "automated": true })));
    desk.tell(&account, "customer", "  \n", json!({}));
    desk.tell(&account, "customer", UPSET, json!({ "kind": "updated", "message": null }));
    desk.tell(&account, "customer", UPSET, json!({ "kind": "deleted" }));
    desk.tell(&account, "customer", UPSET, json!({ "occurred_at": NOON + 2 * HOUR }));
    desk.tell(&account, "customer", GERMAN, json!({}));
    desk.tell(&account, "customer", UPSET, json!({ "import_id": "i1" }));
    let heartbeat = json!({ "kind": "heartbeat", "source": "desk", "heard_until": NOON }).to_string();
    desk.put(0, None, heartbeat.as_bytes());
    desk.put(0, Some(account.as_bytes()), b"?");
    desk.put(0, Some(b"another"), br#"{"event_id":"x"}"#);
    // In the partition of another account.
    let stray = json!({ "event_id": "s", "ticket_id": "T9", "account_id": account, "source": "desk", "kind": "message",
        "occurred_at": NOON, "message": { "author": "customer", "text": UPSET } });
    desk.put(1, Some(account.as_bytes()), stray.to_string().as_bytes());
    desk.start();
    desk.settle();
    assert_eq!(desk.signals().len(), 2 * theirs, "{:?}", desk.signals());
    assert_eq!(desk.committed("dead-letters"), [], "detect's are enough");
    assert_eq!((desk.counted("scored"), desk.counted("unknown"), desk.counted("imported")), (3.0, 1.0, 1.0));
    let text = desk.metrics.render();
    assert!(text.contains("tierline_stage_records_total{outcome=\"passed_over\",stage=\"score\",topic=\"tickets\"}"));
    assert!(!text.contains("tierline_records_total{"), "what detect reads is not counted here");
}

#[test]
fn a_message_without_an_id_is_known_by_its_event() {
    let mut desk = Desk::new(1);
    desk.tell(ACME, "customer", UPSET, json!({ "message": { "author": "customer", "text": UPSET } }));
    desk.start();
    desk.settle();
    let model = Scorer::built_in().id();
    assert_eq!(desk.signals()[0]["signal_id"], json!(signal_id("T1", "e0", "sentiment", &model).to_string()));
}

#[test]
fn a_first_start_may_begin_with_what_comes_then_and_forgets_nothing_after() {
    let mut desk = Desk::new(1);
    desk.settings.begin_at_the_end = true;
    desk.tell(ACME, "customer", UPSET, json!({}));
    desk.start();
    desk.settle();
    assert_eq!(desk.signals().len(), 0, "that was before");
    desk.tell(ACME, "customer", UPSET, json!({}));
    desk.settle();
    desk.lane = None;
    desk.tell(ACME, "customer", UPSET, json!({}));
    desk.start();
    desk.settle();
    assert_eq!(desk.signals().len(), 4, "what came while nobody ran is scored");
}

#[test]
fn one_that_was_away_for_longer_than_records_are_kept_goes_on_with_what_is_left() {
    let mut desk = Desk::new(1);
    desk.tell(ACME, "customer", UPSET, json!({}));
    desk.start();
    desk.settle();
    desk.lane = None;
    for _ in 0..3 {
        desk.tell(ACME, "customer", UPSET, json!({}));
    }
    {
        let mut cluster = desk.cluster.borrow_mut();
        let part = cluster.part("tickets", 0);
        part.start = 3;
        part.records.retain(|record| record.offset >= 3);
    }
    desk.start();
    desk.settle();
    let ids: BTreeSet<_> = desk.signals().iter().map(|signal| signal["signal_id"].to_string()).collect();
    assert_eq!((desk.signals().len(), ids.len()), (4, 4), "the first, and the one that is left");
}

/// Counts what it is asked, and wants to be asked little at once.
struct Slow {
    asked: AtomicUsize,
}

impl Scores for Slow {
    fn score(&self, _: &Message<'_>) -> Answer {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Answer::Unanswered
    }

    fn most_at_once(&self) -> usize {
        3
    }
}

#[test]
fn a_slow_scorer_is_asked_little_before_the_lane_looks_after_its_log_and_every_task_has_its_turn() {
    let mut desk = Desk::new(4);
    let slow = Arc::new(Slow { asked: AtomicUsize::new(0) });
    desk.settings.scorer = Arc::clone(&slow) as Arc<dyn Scores>;
    desk.start();
    desk.settle();
    for number in 0..400 {
        desk.tell(&format!("account-{number}"), "customer", UPSET, json!({}));
    }
    let mut before = 0;
    let passed = |desk: &Desk| desk.cluster.borrow().positions.clone();
    let begun = passed(&desk);
    for _ in 0..20 {
        desk.now.set(desk.now.get() + 200);
        desk.step();
        let asked = slow.asked.load(Ordering::Relaxed);
        assert!(
            asked - before <= 6,
            "{} at once: three as they are polled, three as they are delivered",
            asked - before
        );
        before = asked;
    }
    let moved = passed(&desk).iter().filter(|(partition, position)| begun[partition] < **position).count();
    assert_eq!(moved, 4, "each task has come further");
    desk.settle();
    assert_eq!(slow.asked.load(Ordering::Relaxed), 400);
    assert_eq!(desk.counted("unanswered"), 400.0);
}

#[test]
fn what_detect_waits_for_is_never_left_in_an_open_transaction() {
    let mut desk = Desk::new(1);
    // So there is always more to read, and no commit because there isn't.
    desk.cluster.borrow_mut().records_a_poll = 1;
    desk.start();
    desk.settle();
    for _ in 0..20 {
        desk.tell(ACME, "customer", UPSET, json!({}));
    }
    for _ in 0..40 {
        desk.now.set(desk.now.get() + 30);
        desk.step();
        let cluster = desk.cluster.borrow();
        let open = cluster.topics["signals"][0].records.iter().find(|record| matches!(record.state, State::Open(_)));
        assert_eq!(open, None);
    }
    assert_eq!(desk.signals().len(), 40);
}

#[derive(Clone, Copy, Debug)]
enum Mishap {
    None,
    Crash,
    CommitAborts,
    WriteFails(&'static str),
    Handover,
    Loss,
}

fn mishaps() -> impl Strategy<Value = Vec<Mishap>> {
    let mishap = prop_oneof![
        4 => Just(Mishap::None), 3 => Just(Mishap::Crash), 2 => Just(Mishap::CommitAborts),
        2 => Just(Mishap::WriteFails("signals")), 1 => Just(Mishap::WriteFails("score-state")),
        1 => Just(Mishap::Handover), 1 => Just(Mishap::Loss),
    ];
    prop::collection::vec(mishap, 0..40)
}

/// Signals by partition, in order.
fn lived_through(messages: &[(u8, u8)], mishaps: &[Mishap], records_a_poll: usize) -> Vec<Value> {
    let mut desk = Desk::new(2);
    desk.lane_settings.until = Some(NOON + HOUR);
    desk.cluster.borrow_mut().records_a_poll = records_a_poll;
    for (account, what) in messages {
        let (author, text) = match what {
            0 => ("agent", UPSET),
            1 => ("customer", GERMAN),
            2 => ("customer", PLEASED),
            _ => ("customer", UPSET),
        };
        desk.tell(&format!("account-{account}"), author, text, json!({}));
    }
    desk.start();
    let mut mishaps = mishaps.iter();
    while desk.step() != Step::Finished {
        let change = |desk: &mut Desk, change| {
            desk.lane.as_mut().expect("it runs").log().ownership.push_back(change);
        };
        let owned = desk.owned();
        match mishaps.next() {
            None | Some(Mishap::None) => {}
            Some(Mishap::Crash) => desk.start(),
            Some(Mishap::CommitAborts) => desk.cluster.borrow_mut().aborts = 1,
            Some(Mishap::WriteFails(topic)) => {
                desk.cluster.borrow_mut().write_fails = Some(((*topic).to_owned(), 1));
            }
            Some(Mishap::Handover) => {
                change(&mut desk, Ownership::Revoked(owned.clone()));
                change(&mut desk, Ownership::Assigned(owned));
            }
            Some(Mishap::Loss) => {
                change(&mut desk, Ownership::Lost(owned.clone()));
                change(&mut desk, Ownership::Assigned(owned));
            }
        }
    }
    desk.signals()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_the_signals_are_those_of_a_quiet_run_each_once(
        messages in prop::collection::vec((0u8..6, 0u8..6), 1..40), mishaps in mishaps(), records_a_poll in 1usize..20,
    ) {
        let quiet = lived_through(&messages, &[], 1_000);
        let disturbed = lived_through(&messages, &mishaps, records_a_poll);
        let ids: BTreeSet<_> = disturbed.iter().map(|signal| signal["signal_id"].to_string()).collect();
        prop_assert_eq!(ids.len(), disturbed.len(), "an id comes twice");
        prop_assert_eq!(disturbed, quiet);
    }
}
