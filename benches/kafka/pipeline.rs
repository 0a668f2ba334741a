//! One lane of Tierline with the rules of the example.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tierline_kafka::{KafkaLog, Settings};
use tierline_model::{Encoding, Millis};
use tierline_observe::Metrics;
use tierline_rules::source::Source;
use tierline_stream::detect::{Detect, DetectSettings};
use tierline_stream::log::{InputId, Log};
use tierline_stream::topics::{Stream, detect_inputs, detect_outputs};
use tierline_stream::{Lane, LaneSettings, Step};

use crate::Outcome;
use crate::measured::{Begun, Measured};
use crate::options::Job;
use crate::traffic::now;

pub fn run(job: &Job) -> Outcome<Measured> {
    let names = |topics: Vec<(Stream, String)>| topics.into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    let (inputs, outputs) = (names(detect_inputs(&job.names())), names(detect_outputs(&job.names())));
    let metrics = Metrics::new("bench", now()).lane(&inputs);
    let mut log = KafkaLog::connect(Settings::new(&job.brokers, &job.own), inputs, outputs)?;
    let partitions = log.partitions()?[0].1;
    let mut lane = Lane::new(log, Detect::new(detect(job)?), LaneSettings::default(), metrics);
    let stop = Stop::at_the_end_of_input(job);
    let wall: &dyn Fn() -> Millis = &now;
    if job.events == 0 {
        // Events are to be sent when it has caught up with the snapshots: it owns everything, and has nothing to do.
        while !(lane.step(wall)? == Step::Idle && read(&mut lane, partitions).is_some()) {}
    }
    println!("ready");

    let mut begun = None;
    loop {
        let step = lane.step(wall)?;
        let mut read = || read(&mut lane, partitions);
        match (begun.as_ref(), step) {
            (None, _) => begun = read().map(|already| Begun::now().map(|begun| (begun, already))).transpose()?,
            (Some((begun, already)), Step::Idle) => {
                let done = read().unwrap_or(0);
                // Idle: what was read has been committed.
                if (job.events > 0 && done >= job.events) || stop.is_set() {
                    let measured = begun.took(done - already);
                    lane.close(wall)?;
                    return measured;
                }
            }
            (Some(_), _) => {}
        }
    }
}

/// How many of the driver's records have been read; `None` before the lane owns all of its partitions.
fn read<L: Log, S: tierline_stream::stage::Stages>(lane: &mut Lane<L, S>, partitions: i32) -> Option<u64> {
    let positions = (0..partitions).map(|partition| lane.log().position(InputId::DRIVER, partition));
    positions.map(|position| position.map(|offset| offset as u64)).sum()
}

fn detect(job: &Job) -> Outcome<DetectSettings> {
    let source = Source::new("the example", tierline_config::EXAMPLE);
    let (config, _) = tierline_config::read(&source).map_err(|_| "the example is right")?;
    let mut engine = config.engine();
    // A first start is quiet else, and writes nothing of what it finds.
    engine.start_quietly = false;
    Ok(DetectSettings {
        names: job.names(),
        rules: Arc::clone(&config.rules),
        engine,
        max_future: config.time.max_future,
        escalations: Encoding::SingleObject,
        shadow: Encoding::SingleObject,
        sla_events: Encoding::SingleObject,
        queue: Encoding::SingleObject,
        schemas: None,
    })
}

/// Told by the parent, who closes the child's standard input.
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Of a job without an end of its own.
    pub fn at_the_end_of_input(job: &Job) -> Stop {
        let stop = Stop(Arc::new(AtomicBool::new(false)));
        if job.events == 0 {
            let flag = Arc::clone(&stop.0);
            thread::spawn(move || {
                // An error is an end as well.
                let _ = std::io::stdin().read_to_end(&mut Vec::new());
                flag.store(true, Ordering::Relaxed);
            });
        }
        stop
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
