//! What the tests of this crate share: a folder, its topics, a clock by hand, short ways to write and read.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tierline_embedded::{Embedded, EmbeddedLog, EmbeddedSettings};
use tierline_stream::client::{Client, From};
use tierline_stream::log::{InputId, Log, OutputId, Ownership, Partition, Source, Write};
use tierline_stream::topics::{Cleanup, TopicSpec};

pub const PARTITIONS: Partition = 2;
pub const RETENTION: i64 = 64_000;
pub const LAG: i64 = 6_400;
pub const TOMBSTONES: i64 = 12_800;
/// Longer than anything that a test waits for.
pub const LONG: Duration = Duration::from_secs(60);

pub const OUT: OutputId = OutputId(0);
pub const STATE: OutputId = OutputId(1);
pub const SIDE: InputId = InputId(1);

/// A clock that moves when a test says so.
#[derive(Clone, Default)]
pub struct Hand(pub Arc<AtomicI64>);

impl Hand {
    pub fn to(&self, at: i64) {
        self.0.store(at, Ordering::SeqCst);
    }
}

pub fn topic(name: &str, cleanup: Cleanup, input: bool) -> TopicSpec {
    TopicSpec { name: name.to_owned(), co_partitioned: true, cleanup, append_time: input, written: !input, read: input }
}

/// `tickets` and `escalations` by time; `accounts` (an input) and `detect-state` (none) by key.
pub fn settings(folder: &Path, clock: &Hand) -> EmbeddedSettings {
    let by_time = Cleanup::Delete { retention_ms: RETENTION };
    let by_key = Cleanup::Compact { max_compaction_lag_ms: LAG, delete_retention_ms: TOMBSTONES };
    let clock = Arc::clone(&clock.0);
    EmbeddedSettings {
        path: folder.to_owned(),
        topics: vec![
            topic("tickets", by_time, true),
            topic("accounts", by_key, true),
            topic("escalations", by_time, false),
            topic("detect-state", by_key, false),
        ],
        partitions: PARTITIONS,
        now: Arc::new(move || clock.load(Ordering::SeqCst)),
    }
}

pub fn open(folder: &Path) -> Embedded {
    Embedded::open(settings(folder, &Hand::default())).unwrap()
}

pub fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A lane of `tickets` and `accounts`, writing `escalations` and `detect-state`; its tasks begin at the beginning.
pub fn lane(log: &Embedded) -> EmbeddedLog {
    let mut lane = log.lane(0, 1, names(&["tickets", "accounts"]), names(&["escalations", "detect-state"])).unwrap();
    let owned = lane.poll(Source::Driver, Duration::ZERO, &mut |_| {}).unwrap();
    assert_eq!(owned, Some(Ownership::Assigned((0..PARTITIONS).collect())));
    for partition in 0..PARTITIONS {
        lane.start(partition, &[(InputId::DRIVER, None), (SIDE, None)]).unwrap();
    }
    lane
}

pub fn write(lane: &mut EmbeddedLog, output: OutputId, partition: Partition, key: &str, value: Option<&str>) {
    let (key, value) = (Some(key.as_bytes()), value.map(str::as_bytes));
    lane.write(Write { output, partition, key, value, headers: &[] }).unwrap();
}

/// What a client sees of a topic now: partition, offset, key, value.
pub fn all(client: &mut impl Client, topic: &str) -> Vec<(Partition, i64, String, Option<String>)> {
    let mut seen = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut each = |record: Option<tierline_stream::client::Seen<'_>>| {
        if let Some(record) = record {
            let key = record.key.map(text).unwrap_or_default();
            seen.push((record.partition, record.offset, key, record.value.map(text)));
        }
        ControlFlow::Continue(())
    };
    client.read(topic, From::Start, true, Duration::ZERO, &mut each).unwrap();
    seen
}

/// Polls until something came, and returns it: partition, offset, value.
pub fn poll(lane: &mut EmbeddedLog, from: Source) -> Vec<(Partition, i64, String)> {
    let mut seen = Vec::new();
    let change = lane
        .poll(from, LONG, &mut |record| {
            let value = String::from_utf8(record.value.unwrap_or_default().to_vec()).unwrap();
            seen.push((record.partition, record.offset, value));
        })
        .unwrap();
    assert_eq!(change, None);
    seen
}
