//! Payloads of a connector's topic.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tierline_intake::gateway::Tap;
use tierline_stream::client::Client;

use super::world::{CONNECTOR, Running, World, desk, now};

fn created(n: u32) -> Value {
    json!({"id": format!("e{n}"), "type": "created", "at": "2026-03-02T10:00:00Z", "ticket": {"id": n, "org": 9}})
}

const HOUR: i64 = 3_600_000;

/// What the clock of whoever follows the topic shows: other than that by which its process began.
fn an_hour_later() -> i64 {
    now() + HOUR
}

/// Follows the topic until there are so many tickets, then a little longer. The gateway that did.
fn follow(world: &World, until: usize) -> Running {
    let gateway = world.start();
    let (stop, source) = (AtomicBool::new(false), desk());
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let (queue, directory, source) = (&gateway.queue, &gateway.directory, source.as_ref());
            let metrics = &gateway.intake;
            let tap = Tap { topic: CONNECTOR, source, queue, directory, metrics, now: an_hour_later, stop: &stop };
            tap.follow(&mut world.client()).expect("the log answers");
        });
        let began = Instant::now();
        while world.tickets().len() < until && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(300));
        stop.store(true, Ordering::Relaxed);
    });
    gateway
}

fn ids(world: &World) -> Vec<Value> {
    let mut ids: Vec<_> = world.tickets().into_iter().map(|told| told["event_id"].clone()).collect();
    ids.sort_by_key(ToString::to_string);
    ids
}

#[test]
fn a_connectors_payloads_are_taken_once_and_reading_goes_on_where_it_ended() {
    let world = World::new();
    let put = |n: u32, body: &[u8]| {
        let key = n.to_string();
        world.client().send(CONNECTOR, None, Some(key.as_bytes()), Some(body), &[]).expect("it is taken");
    };
    (0..20).for_each(|n| put(n, created(n).to_string().as_bytes()));
    put(99, b"{");
    follow(&world, 20);
    assert_eq!(ids(&world).len(), 20);
    assert_eq!(world.records("dead-letters").len(), 1, "what can't be read stops nothing");
    // Behind a schema's id, and while the log is away for a second.
    put(20, &[b"\0\0\0\0\x07", created(20).to_string().as_bytes()].concat());
    world.weather.down.store(true, Ordering::SeqCst);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            world.weather.down.store(false, Ordering::SeqCst);
        });
        follow(&world, 21);
    });
    assert_eq!(ids(&world).len(), 21);
    assert_eq!(world.records("dead-letters").len(), 1, "nothing was read twice");
}

/// The alert on silent sources once fired for each that comes by a topic: only a webhook was a sign of life.
#[test]
fn a_source_that_comes_by_a_topic_is_silent_only_when_nothing_comes_there() {
    let silent = |gateway: &Running| {
        gateway.intake.silence(an_hour_later());
        let text = gateway.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix("tierline_source_silent_seconds{source=\"desk\"} "));
        line.and_then(|seconds| seconds.parse::<i64>().ok()).expect("it is said")
    };
    let world = World::new();
    assert!(silent(&follow(&world, 0)) >= HOUR / 1_000, "nothing has come");
    world
        .client()
        .send(CONNECTOR, None, Some(b"1"), Some(created(1).to_string().as_bytes()), &[])
        .expect("it is taken");
    assert!(silent(&follow(&world, 1)) < 60);
}
