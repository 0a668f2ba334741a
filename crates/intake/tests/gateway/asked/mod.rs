//! What webhooks missed is asked for: APIs that page, throttle, fail, repeat and break off, and a log that goes away.

mod crm;
mod freshdesk;
mod intercom;
mod patience;
mod pylon;
mod vendor;
mod zendesk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;
use tierline_intake::reconcile::{Key, Place, Settings, Stop};
use tierline_model::{Decoder, Millis, RecordType, parse_instant};
use tierline_stream::client::{Client, From};

use crate::world::{Running, World};
use vendor::{Mischief, Question, Vendor};

/// Chance that is the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// Requests that go well, with these mischiefs between.
pub fn luck(mut dice: Dice) -> impl FnMut(&Question) -> Mischief + Send {
    move |_| match dice.below(12) {
        0 => Mischief::Throttle(0),
        1 => Mischief::Fail,
        2 => Mischief::Cut,
        3 => Mischief::CutUntold,
        4 => Mischief::HangUp,
        _ => Mischief::None,
    }
}

/// Rounds of asking.
pub struct Trial<'t> {
    world: &'t World,
    vendor: &'t Vendor,
    user: Option<String>,
    by: &'static str,
    every: Duration,
    /// Whether the process is started anew and the log goes away now and then.
    interrupted: bool,
}

/// How long anything may take.
const LONG: Duration = Duration::from_secs(40);

impl<'t> Trial<'t> {
    pub fn new(world: &'t World, vendor: &'t Vendor) -> Trial<'t> {
        let every = Duration::from_millis(100);
        Trial { world, vendor, user: None, by: "this one", every, interrupted: false }
    }

    fn settings(&self) -> Settings {
        let place = Place { url: self.vendor.url(), requests_per_minute: 100_000, patience: Duration::from_millis(1) };
        let key = Key { user: self.user.clone(), token: "hunter2".to_owned() };
        Settings { place, key, every: self.every, look_back: Duration::from_secs(86_400) }
    }

    /// Asks until so many more rounds are completed.
    pub fn rounds(&self, gateway: &Running, rounds: usize) {
        let stop = Stop::default();
        let reconciler = self.world.reconciler(gateway, self.settings(), self.by);
        let before = completed(gateway);
        std::thread::scope(|threads| {
            threads.spawn(|| reconciler.run(&stop));
            let began = Instant::now();
            while completed(gateway) < before + rounds && began.elapsed() < LONG {
                std::thread::sleep(Duration::from_millis(5));
            }
            stop.set();
        });
        assert!(completed(gateway) >= before + rounds, "{}", gateway.metrics.render());
    }

    /// Asks until the last minute's changes are told as well, and then for so many rounds.
    pub fn run(&mut self, rounds: usize) {
        let began = Instant::now();
        let mut number = 0;
        while began.elapsed() < Duration::from_secs(4) {
            number += 1;
            let gateway = self.world.start();
            if self.interrupted {
                self.world.weather.lying.store(number % 2, Ordering::SeqCst);
                self.world.weather.down.store(number % 3 == 0, Ordering::SeqCst);
                std::thread::scope(|threads| {
                    threads.spawn(|| {
                        std::thread::sleep(Duration::from_millis(300));
                        self.world.weather.down.store(false, Ordering::SeqCst);
                    });
                    self.for_a_while(&gateway, Duration::from_millis(400));
                });
            } else {
                self.rounds(&gateway, 3);
            }
        }
        self.world.weather.lying.store(0, Ordering::SeqCst);
        self.rounds(&self.world.start(), rounds);
    }

    /// Asks for so long, and is killed wherever it is then.
    fn for_a_while(&self, gateway: &Running, long: Duration) {
        let stop = Stop::default();
        let reconciler = self.world.reconciler(gateway, self.settings(), self.by);
        std::thread::scope(|threads| {
            threads.spawn(|| reconciler.run(&stop));
            std::thread::sleep(long);
            stop.set();
        });
    }

    /// Whatever happened before a heartbeat's instant lies before it.
    pub fn heartbeats_cover_what_is_there(&self) {
        let mut decoder = Decoder::new();
        let (mut heard, mut met) = (BTreeMap::new(), BTreeSet::new());
        let mut heartbeats = 0;
        let read = self.world.client().read("tickets", From::Start, true, Duration::ZERO, &mut |seen| {
            if let Some(seen) = seen {
                let value = seen.value.expect("there are no tombstones");
                let told = decoder.to_json(RecordType::Tickets, value).expect("it is ours");
                if told["kind"] == "heartbeat" {
                    heartbeats += 1;
                    heard.insert(seen.partition, instant(&told["heard_until"]));
                } else if told["kind"] != "import_finished" && met.insert(identity(&told)) {
                    let at = instant(&told["occurred_at"]);
                    let heard = heard.get(&seen.partition).copied().unwrap_or(i64::MIN);
                    assert!(at > heard, "{told} comes behind a heartbeat of {heard}");
                }
            }
            ControlFlow::Continue(())
        });
        read.expect("the topic is there");
        assert!(heartbeats > 3, "{heartbeats}");
    }
}

/// However the vendor and the log misbehave, with so many seeds and so many rounds when all is well again: in the end a
/// world says what a calm one did, nothing of it twice, and no heartbeat comes too early.
pub fn is_said_in_the_end(
    expected: &BTreeSet<String>,
    (seeds, rounds): (u64, usize),
    world: impl Fn() -> World,
    vendor: impl Fn() -> Vendor,
) {
    for seed in 0..seeds {
        let (rough, vendor) = (world(), vendor());
        vendor.misbehave(luck(Dice(seed)));
        let mut trial = Trial::new(&rough, &vendor);
        trial.interrupted = true;
        trial.run(rounds);
        assert_eq!(said(&rough), *expected, "seed {seed}");
        let told = rough.tickets();
        assert_eq!(survivors(&told), expected.len(), "seed {seed}: of {} records", told.len());
        trial.heartbeats_cover_what_is_there();
    }
}

fn completed(gateway: &Running) -> usize {
    let text = gateway.metrics.render();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("tierline_reconcile_rounds_total{outcome=\"completed\",source=\"desk\"} "));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// An instant of a record, milliseconds.
pub fn instant(told: &Value) -> Millis {
    told.as_str().and_then(parse_instant).expect("an instant")
}

/// What a record says, by whatever way it comes.
fn identity(told: &Value) -> String {
    match told["kind"].as_str() {
        Some("message") => format!("{} {}", told["ticket_id"], told["message"]["id"]),
        Some("created") => format!("{} created", told["ticket_id"]),
        _ => told["event_id"].to_string(),
    }
}

/// All that a log says of tickets, repeats left out.
pub fn said(world: &World) -> BTreeSet<String> {
    let told = world.tickets().into_iter().filter(|told| !told["ticket_id"].is_null());
    told.map(|told| format!("{} {} {} {}", identity(&told), told["occurred_at"], told["ticket"], told["message"]))
        .collect()
}

pub fn of_kind(world: &World, kind: &str) -> Vec<Value> {
    world.tickets().into_iter().filter(|told| told["kind"] == kind).collect()
}

/// How many records somebody takes who knows of each ticket its creation, its last 16 events and its last 64 messages.
pub fn survivors(tickets: &[Value]) -> usize {
    let mut known: BTreeMap<String, (VecDeque<String>, VecDeque<String>)> = BTreeMap::new();
    let tickets = tickets.iter().filter(|told| !told["ticket_id"].is_null());
    let taken = tickets.filter(|told| {
        let (events, says) = known.entry(told["ticket_id"].to_string()).or_default();
        let (event, said) = (told["event_id"].to_string(), identity(told));
        if events.contains(&event) || says.contains(&said) {
            return false;
        }
        events.push_back(event);
        says.push_back(said);
        if events.len() > 16 {
            events.pop_front();
        }
        if says.len() > 64 {
            says.pop_front();
        }
        true
    });
    taken.count()
}
