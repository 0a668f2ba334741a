//! Load on one broker and one instance, for as long as it takes: what a table shows of it, and no verdict.
//!
//! [`soak`] sends at a steady rate and samples memory and lags; [`backlog`] fills the inputs first and then lets an
//! instance work them off. Ten percent of the traffic are one account's, the others are spread evenly, and now and then
//! comes a message of a megabyte.

mod sample;
mod traffic;

use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::producer::BaseProducer;
use tierline_testkit::{Broker, Process, Program, Settings, lasting_port};

use crate::sender::{flush, producer};
pub use sample::Series;
use sample::{Gauge, Sample};
use traffic::Traffic;

/// What is sent.
#[derive(Clone, Debug)]
pub struct Load {
    /// How many accounts, the hot one included.
    pub accounts: usize,
    /// So many tickets are open at a time.
    pub open: usize,
    /// All of them are opened before anything else happens.
    pub fill: bool,
    /// A message of a megabyte comes every so many events.
    pub large_every: u64,
    /// Between two samples.
    pub every: Duration,
}

/// What is over is kept for so long, which is the least there is: as many tickets are forgotten as come.
const HISTORY: &str = "10m";
const PARTITIONS: &str = "4";
/// Between two bursts of a steady rate.
const TICK: Duration = Duration::from_millis(10);

/// How long an instance may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends so many events a second for so long, and samples. `silence`: for how long no agent replies before a timer fires.
///
/// # Errors
/// It could not be tried.
pub fn soak(
    load: Load,
    silence: &str,
    rate: u64,
    length: Duration,
    folder: &Path,
    binary: &Path,
    say: &dyn Fn(&str),
) -> Result<Series, String> {
    // What has been read may go: an hour's input would fill the disk.
    let kept = [("log.retention.bytes", "268435456"), ("log.retention.check.interval.ms", "30000")];
    let every = load.every;
    let bench = Bench::new(folder, binary, silence, &kept)?;
    let mut running = bench.start();
    let mut traffic = Traffic::new(load, true);
    let began = Instant::now();
    let mut series = Series::default();
    say(Sample::HEADER);
    while began.elapsed() < length {
        let due = (began.elapsed().as_secs_f64() * rate as f64) as u64;
        while traffic.sent() < due {
            traffic.send(&bench.producer)?;
        }
        bench.producer.poll(Duration::ZERO);
        // It has the machine with those whom it measures: it sends some at a time, and rests.
        std::thread::sleep(TICK);
        if began.elapsed() >= every * (series.len() as u32 + 1) {
            series.take(bench.gauge.look(&mut running, began.elapsed(), traffic.sent())?, say);
        }
    }
    flush(&bench.producer)?;
    bench.drain(&mut running, began, &traffic, every, &mut series, say)?;
    bench.end(running)?;
    Ok(series)
}

/// Sends so many events, then starts an instance and samples until all of them are worked off. `silence`: as for
/// [`soak`].
///
/// # Errors
/// It could not be tried.
pub fn backlog(
    load: Load,
    silence: &str,
    events: u64,
    folder: &Path,
    binary: &Path,
    say: &dyn Fn(&str),
) -> Result<Series, String> {
    let every = load.every;
    let bench = Bench::new(folder, binary, silence, &[])?;
    let mut traffic = Traffic::new(load, false);
    let began = Instant::now();
    while traffic.sent() < events {
        traffic.send(&bench.producer)?;
        if traffic.sent().is_multiple_of(1_000) {
            bench.producer.poll(Duration::ZERO);
        }
        if traffic.sent().is_multiple_of(1_000_000) {
            say(&format!("{} M events sent, {} s", traffic.sent() / 1_000_000, began.elapsed().as_secs()));
        }
    }
    flush(&bench.producer)?;
    let mut running = bench.start();
    let (began, mut series) = (Instant::now(), Series::default());
    say(Sample::HEADER);
    bench.drain(&mut running, began, &traffic, every, &mut series, say)?;
    bench.end(running)?;
    Ok(series)
}

/// One broker, one instance's configuration, and a producer.
struct Bench {
    _broker: Broker,
    program: Program,
    producer: BaseProducer,
    gauge: Gauge,
    listen: String,
}

impl Bench {
    fn new(folder: &Path, binary: &Path, silence: &str, properties: &[(&str, &str)]) -> Result<Bench, String> {
        let mut all = vec![("log.segment.bytes", "67108864"), ("message.max.bytes", "2097152")];
        all.extend(properties);
        let properties = all.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let broker = Broker::own(&Settings { heap_mb: 1_024, properties, ..Settings::default() });
        let listen = format!("127.0.0.1:{}", lasting_port());
        let config = format!(
            "log: {{ kind: kafka, brokers: \"{}\", group: load, instance: one }}\nobserve: {{ listen: \"{listen}\" }}\n\
             time: {{ start: replay, history: {HISTORY} }}\n{}",
            broker.address(),
            traffic::rules(silence)
        );
        let program = Program::within(&folder.join("load"), binary, &config);
        program.answer(["topics", "create", "--partitions", PARTITIONS, "--replication", "1"]).well();
        let mut client = broker.client();
        client.set("message.max.bytes", "2097152");
        let producer = producer(client)?;
        Ok(Bench { gauge: Gauge::new(&listen), _broker: broker, program, producer, listen })
    }

    fn start(&self) -> Process {
        let mut running = self.program.start("run", ["run"]);
        running.wait_ready(&self.listen);
        running
    }

    /// Samples until nothing is left to read.
    fn drain(
        &self,
        running: &mut Process,
        began: Instant,
        traffic: &Traffic,
        every: Duration,
        series: &mut Series,
        say: &dyn Fn(&str),
    ) -> Result<(), String> {
        loop {
            let sample = self.gauge.look(running, began.elapsed(), traffic.sent())?;
            let is_done = sample.read >= traffic.sent() && sample.lag == 0;
            let is_due = began.elapsed() >= every * (series.len() as u32 + 1);
            if is_done || is_due {
                series.take(sample, say);
            }
            if is_done {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn end(&self, running: Process) -> Result<(), String> {
        let ended = running.terminate(PATIENCE);
        if ended.success() { Ok(()) } else { Err(format!("the instance ended with {ended}")) }
    }
}
