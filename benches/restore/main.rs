//! How long a task takes to come back: a million open tickets from a checkpoint and the tail behind it, and from the
//! changelog alone.
//!
//! `cargo bench --bench restore` makes the state by the real lane from a million tickets of a hundred thousand accounts,
//! on a log in memory that hands over what a compacted topic would hold: so what is measured is reading, checking,
//! decoding and deriving, without a broker or a disk's latency. `-- 100000` takes so many tickets. Each case is run
//! three times; the least counts.

mod log;
mod traffic;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use tierline_model::{Encoding, Millis};
use tierline_observe::Metrics;
use tierline_rules::source::Source;
use tierline_stream::detect::{Detect, DetectSettings};
use tierline_stream::restore::{Restored, Watch, restore};
use tierline_stream::stage::{Stage, Stages};
use tierline_stream::topics::Names;
use tierline_stream::{Checkpoints, Lane, LaneSettings, Step};

use log::{Changelog, MemoryLog};
use traffic::{START, Traffic};

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 3;
const MB: f64 = 1e6;

fn main() {
    let tickets = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a folder");
    let checkpoint = folder.path().join("detect-0.checkpoint");
    let mut traffic = Traffic::of(tickets);

    let mut changelog = Changelog::default();
    let mut lane = start(&mut changelog, &mut traffic, Some(folder.path()));
    work(&mut lane);
    let begun = Instant::now();
    lane.close(&wall).expect("it ends in order");
    let closed = begun.elapsed();
    let size = std::fs::metadata(&checkpoint).expect("it has been written").len();
    println!("{:<40} {:>6.2} s   {:>6.0} MB", "a checkpoint written", closed.as_secs_f64(), size as f64 / MB);
    drop(lane);

    changelog.compact();
    case("from the changelog alone", &mut changelog, &mut traffic, None, tickets);

    traffic.answer(tickets / 10);
    let mut lane = start(&mut changelog, &mut traffic, Some(folder.path()));
    work(&mut lane);
    // It ends without a word, so the checkpoint stays as it was and what was done since is the tail.
    drop(lane);
    case("from the checkpoint and its tail", &mut changelog, &mut traffic, Some(folder.path()), tickets);
}

/// Restores, and prints how long it took, how much was read and how much that was a second.
fn case(name: &str, changelog: &mut Changelog, traffic: &mut Traffic, folder: Option<&Path>, tickets: usize) {
    let mut best = f64::MAX;
    let mut entries = 0;
    for _ in 0..RUNS {
        let metrics = Metrics::new("bench", START).lane::<&str>(&[]);
        let mut stages = stages();
        let mut log = MemoryLog::new(changelog, traffic);
        let watch = Watch { wall: &wall, metrics: &metrics };
        let begun = Instant::now();
        let Restored { task, entries: read, from_checkpoint, .. } =
            restore(&mut log, &mut stages, 0, 1, &settings(folder), watch).expect("it can be restored");
        best = best.min(begun.elapsed().as_secs_f64());
        assert_eq!(task.stage.holds().0, tickets, "all of them are there, and open");
        assert_eq!(from_checkpoint, folder.is_some());
        entries = read;
    }
    let read = changelog.bytes_read();
    let checkpoint =
        folder.map_or(0, |folder| std::fs::metadata(folder.join("detect-0.checkpoint")).expect("it is there").len());
    println!(
        "{name:<40} {best:>6.2} s   {:>6.0} MB read: {:.0} of a checkpoint, {entries} entries of the changelog",
        (read + checkpoint) as f64 / MB,
        checkpoint as f64 / MB,
    );
}

fn start<'l>(
    changelog: &'l mut Changelog,
    traffic: &'l mut Traffic,
    folder: Option<&Path>,
) -> Lane<MemoryLog<'l>, Detect> {
    let stages = stages();
    let inputs: Vec<String> = stages.inputs().iter().map(|spec| spec.topic.clone()).collect();
    let metrics = Metrics::new("bench", START).lane(&inputs);
    Lane::new(MemoryLog::new(changelog, traffic), stages, settings(folder), metrics)
}

/// Until nothing is left to do.
fn work(lane: &mut Lane<MemoryLog<'_>, Detect>) {
    let mut idle = 0;
    while idle < 1_000 {
        match lane.step(&wall).expect("it lives") {
            Step::Idle => idle += 1,
            _ => idle = 0,
        }
    }
}

/// The wall hardly moves, a millisecond a look: no ticket becomes overdue while the state is made, and yet the lane asks
/// where its inputs end, and finds that it has caught up.
fn wall() -> Millis {
    static LOOKS: AtomicI64 = AtomicI64::new(0);
    START + LOOKS.fetch_add(1, Ordering::Relaxed)
}

fn settings(folder: Option<&Path>) -> LaneSettings {
    let checkpoints = folder.map(|folder| Checkpoints { bytes: u64::MAX, ..Checkpoints::in_folder(folder) });
    LaneSettings { checkpoints, ..LaneSettings::default() }
}

/// The detect stage with the rules of the built-in configuration.
fn stages() -> Detect {
    let source = Source::new("the example", tierline_config::EXAMPLE);
    let (config, _) = tierline_config::read(&source).unwrap_or_else(|found| panic!("{}", found.render(false)));
    Detect::new(DetectSettings {
        names: Names::default(),
        rules: Arc::clone(&config.rules),
        engine: config.engine(),
        max_future: 3_600_000,
        escalations: Encoding::SingleObject,
        shadow: Encoding::SingleObject,
        sla_events: Encoding::SingleObject,
        queue: Encoding::SingleObject,
        schemas: None,
    })
}
