//! How long a task takes to come back: a million open tickets from a checkpoint and the tail behind it, and from the
//! changelog alone; and two tasks with half of them each, by two lanes at once.
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
use std::thread;
use std::time::Instant;

use tempfile::TempDir;
use tierline_model::{Encoding, Millis};
use tierline_observe::Metrics;
use tierline_rules::source::Source;
use tierline_stream::detect::{Detect, DetectSettings};
use tierline_stream::restore::{Watch, restore};
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
    for (lanes, how) in [(1, ""), (2, ", two lanes")] {
        let mut tasks: Vec<Made> = (0..lanes).map(|_| Made::of(tickets / lanes)).collect();
        tasks.iter_mut().for_each(|task| task.changelog.compact());
        case(&format!("from the changelog alone{how}"), &mut tasks, false);
        tasks.iter_mut().for_each(Made::go_on);
        case(&format!("from the checkpoint and its tail{how}"), &mut tasks, true);
    }
}

/// What a task left behind.
struct Made {
    tickets: usize,
    traffic: Traffic,
    changelog: Changelog,
    folder: TempDir,
}

impl Made {
    /// A task with so many open tickets that has ended in order.
    fn of(tickets: usize) -> Made {
        let (traffic, changelog) = (Traffic::of(tickets), Changelog::default());
        let mut made = Made { tickets, traffic, changelog, folder: tempfile::tempdir().expect("a folder") };
        let mut lane = made.start();
        work(&mut lane);
        let begun = Instant::now();
        lane.close(&wall).expect("it ends in order");
        let closed = begun.elapsed();
        drop(lane);
        println!("{:<48} {:>6.2} s   {:>6.0} MB", "a checkpoint written", closed.as_secs_f64(), made.checkpoint() / MB);
        made
    }

    /// A tenth of the tickets are answered, and the task ends without a word: so the checkpoint stays as it was, and what
    /// was done since is the tail.
    fn go_on(&mut self) {
        self.traffic.answer(self.tickets / 10);
        work(&mut self.start());
    }

    fn start(&mut self) -> Lane<MemoryLog<'_>, Detect> {
        let folder = self.folder.path().to_owned();
        start(&mut self.changelog, &mut self.traffic, Some(&folder))
    }

    /// How many bytes its checkpoint has.
    fn checkpoint(&self) -> f64 {
        std::fs::metadata(self.folder.path().join("detect-0.checkpoint")).expect("it has been written").len() as f64
    }

    /// Brings it back: when it was there, and how many entries of the changelog were read.
    fn restore(&mut self, from_checkpoint: bool) -> (Instant, u64) {
        let metrics = Metrics::new("bench", START).lane::<&str>(&[]);
        let mut stages = stages();
        let mut log = MemoryLog::new(&mut self.changelog, &self.traffic);
        let watch = Watch { wall: &wall, metrics: &metrics };
        let settings = settings(Some(self.folder.path()).filter(|_| from_checkpoint));
        let restored = restore(&mut log, &mut stages, 0, 1, &settings, watch).expect("it can be restored");
        let ended = Instant::now();
        assert_eq!(restored.task.stage.holds().0, self.tickets, "all of them are there, and open");
        assert_eq!(restored.from_checkpoint, from_checkpoint);
        (ended, restored.entries)
    }
}

/// Restores, each task by a thread of its own, and prints how long it took until all were back, and what was read.
fn case(name: &str, tasks: &mut [Made], from_checkpoint: bool) {
    let mut best = f64::MAX;
    let mut entries: u64 = 0;
    for _ in 0..RUNS {
        let begun = Instant::now();
        let restored: Vec<(Instant, u64)> = thread::scope(|scope| {
            let threads: Vec<_> =
                tasks.iter_mut().map(|task| scope.spawn(move || task.restore(from_checkpoint))).collect();
            threads.into_iter().map(|thread| thread.join().expect("it is restored")).collect()
        });
        let ended = restored.iter().map(|&(ended, _)| ended).max().expect("there is a task");
        best = best.min((ended - begun).as_secs_f64());
        entries = restored.iter().map(|&(_, entries)| entries).sum();
    }
    let read: f64 = tasks.iter().map(|task| task.changelog.bytes_read() as f64).sum();
    let checkpoints = if from_checkpoint { tasks.iter().map(Made::checkpoint).sum() } else { 0.0 };
    println!(
        "{name:<48} {best:>6.2} s   {:>6.0} MB read: {:.0} of checkpoints, {entries} entries of changelogs",
        (read + checkpoints) / MB,
        checkpoints / MB,
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
