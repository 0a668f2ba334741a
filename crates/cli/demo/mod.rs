//! `tierline demo`: the pipeline of `run` on made-up traffic, with a clock that runs some hundred times faster.
//!
//! Everything is the real thing: the embedded log in a folder, the example's rules, the records on their topics, the
//! metrics. Only the [customers](cast), their [traffic] and the clock are not.

mod cast;
mod folder;
mod story;
mod summary;
mod traffic;

use std::collections::HashMap;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tierline_config::Config;
use tierline_model::{Millis, RecordType};
use tierline_stream::client::{Client, From, Outgoing};
use tierline_stream::topics::Stream;
use tokio::sync::Notify;

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::host::Host;
use crate::open;
use crate::pipeline::{Pipeline, Wall};
use crate::print::{Paint, duration};
use crate::records::{Encoded, NotEncoded, Records};
use crate::streams::{self, Named};
use folder::Folder;
use summary::Summary;
use traffic::{Made, Traffic};

/// The arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline demo                              ten hours of support in a minute, until Ctrl-C
  tierline demo --for 30s --seed 7           another story, half a minute of it
  tierline demo --folder /tmp/desk           keep what it wrote
  tierline --config mine.yaml demo           your own rules on the same traffic")]
pub struct Demo {
    /// Which story: the same seed tells the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End after so long, real time: 60s, 5m [default: at Ctrl-C]
    #[arg(long = "for", value_name = "DURATION", value_parser = length)]
    length: Option<Duration>,
    /// How much faster the clock runs
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    speed: u32,
    /// Where the log is kept [default: a temporary folder, gone at the end]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

const MINUTE: Millis = 60_000;

/// How often the player looks at its clock; 10 ms of it are 6 s of the story at the default speed.
const TICK: Duration = Duration::from_millis(10);

impl Demo {
    /// Plays until Ctrl-C or the end of its time.
    pub fn run(self, shared: &Shared) -> Ended {
        let mut host = Host::new()?;
        let folder = Folder::prepare(self.folder.as_deref(), shared.config.as_deref(), self.speed)?;
        let (config, _) = open::read(&open::file(&folder.configuration())?)?;
        open::logs(&config, "warn")?;
        let listener = host.listen_near(config.observe.listen)?;
        let address = host.serve(listener, &config.observe)?;
        let pipeline = Pipeline::prepare(&config, &host, None)?;
        let (stop, exit) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let stage = Stage { config: &config, pipeline: &pipeline, stop: &stop, exit: &exit };
        // On a whole minute, so that the story's instants are easy to read.
        let begins_at = (pipeline.wall().now() / MINUTE + 1) * MINUTE;
        introduce(&folder, address, self.speed, begins_at)?;
        let player = stage.play(self.seed, begins_at)?;
        let teller = stage.tell()?;
        let ended = host.run(&pipeline, async {
            tokio::select! {
                () = over(self.length) => {}
                () = exit.notified() => {}
            }
        });
        stop.store(true, Ordering::Relaxed);
        let opened = joined(player)?;
        let summary = joined(teller)?;
        ended?;
        summary.print(opened)?;
        folder.say_what_is_next()?;
        Ok(Answer::Yes)
    }
}

async fn over(length: Option<Duration>) {
    match length {
        Some(length) => tokio::time::sleep(length).await,
        None => std::future::pending().await,
    }
}

fn introduce(folder: &Folder, address: SocketAddr, speed: u32, begins_at: Millis) -> Result<(), Untried> {
    let paint = Paint::of(&stdout());
    let configuration = folder.configuration();
    let configuration = configuration.display();
    let mut out = stdout().lock();
    writeln!(out, "{}", paint.strong("Tierline demo: made-up customers, real pipeline."))?;
    let second = duration(i64::from(speed) * 1_000);
    writeln!(
        out,
        "Their clock shows {} UTC, and one second here is {second} there. Ctrl-C ends it.",
        story::clock(begins_at)
    )?;
    writeln!(out)?;
    writeln!(out, "Look closer, in another terminal:")?;
    writeln!(out, "  the rules      tierline --config {configuration} explain")?;
    writeln!(out, "  all tickets    tierline --config {configuration} tail tickets --from-start")?;
    writeln!(out, "  escalations    tierline --config {configuration} tail escalations --from-start --output json")?;
    writeln!(out, "  metrics        http://{address}/metrics")?;
    writeln!(out, "  readiness      http://{address}/readyz")?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// What the threads beside the pipeline need.
struct Stage<'a> {
    config: &'a Config,
    pipeline: &'a Pipeline,
    stop: &'a Arc<AtomicBool>,
    /// Told when one of them ends: nobody reads the story any more, say.
    exit: &'a Arc<Notify>,
}

impl Stage<'_> {
    /// Sends the traffic as its time comes. Returns how many tickets were opened.
    fn play(&self, seed: u64, begins_at: Millis) -> Result<JoinHandle<Result<usize, Untried>>, Untried> {
        let mut player = Player {
            client: self.pipeline.client()?,
            records: Records::new(self.config),
            topics: topics_by_stream(self.config),
            wall: self.pipeline.wall(),
        };
        let (stop, mut traffic) = (Arc::clone(self.stop), Traffic::new(seed, begins_at, self.pipeline.told_before()));
        self.thread("traffic", move || {
            while !stop.load(Ordering::Relaxed) {
                player.send(traffic.until(player.wall.now()))?;
                std::thread::sleep(TICK);
            }
            Ok(traffic.opened())
        })
    }

    /// Shows the escalations as they come.
    fn tell(&self) -> Result<JoinHandle<Result<Summary, Untried>>, Untried> {
        let mut client = self.pipeline.client()?;
        let mut records = Records::new(self.config);
        let topic = self.config.topics.escalations.clone();
        let stop = Arc::clone(self.stop);
        let paint = Paint::of(&stdout());
        self.thread("story", move || {
            let mut summary = Summary::default();
            let mut broken = None;
            client.read(&topic, From::End, false, TICK, &mut |seen| {
                let Some(seen) = seen else {
                    return match stop.load(Ordering::Relaxed) {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    };
                };
                let record = seen.value.map(|value| records.decode(Stream::Escalations, value));
                let Some(Ok(record)) = record else { return ControlFlow::Continue(()) };
                summary.count(&record);
                match writeln!(stdout().lock(), "{}", story::tell(&record, paint)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        broken = Some(error);
                        ControlFlow::Break(())
                    }
                }
            })?;
            broken.map_or(Ok(summary), |error| Err(error.into()))
        })
    }

    fn thread<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> Result<T, Untried> + Send + 'static,
    ) -> Result<JoinHandle<Result<T, Untried>>, Untried> {
        let exit = Exit(Arc::clone(self.exit));
        Ok(std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _exit = exit;
            work()
        })?)
    }
}

/// Tells that a thread has ended, however it did.
struct Exit(Arc<Notify>);

impl Drop for Exit {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

struct Player {
    client: Box<dyn Client + Send>,
    records: Records,
    topics: HashMap<RecordType, Named>,
    wall: Wall,
}

impl Player {
    fn send(&mut self, made: Vec<Made>) -> Result<(), Untried> {
        for Made { stream, record } in made {
            let named = &self.topics[&stream];
            let Encoded { key, value } = match self.records.encode(named, record.to_string().as_bytes()) {
                Ok(encoded) => encoded,
                Err(NotEncoded::Bad(why) | NotEncoded::Untried(why)) => {
                    return Err(Untried::because(format!("the demo's own record is wrong: {why}: {record}")));
                }
            };
            let outgoing = Outgoing { key, value: Some(value), ..Outgoing::default() };
            self.client.send_all(&named.topic, &[outgoing])?;
        }
        Ok(())
    }
}

/// The first topic of each stream that the traffic writes.
fn topics_by_stream(config: &Config) -> HashMap<RecordType, Named> {
    let mut topics = HashMap::new();
    for named in streams::all(&config.topics) {
        if let Some(record) = streams::record_type(named.stream) {
            topics.entry(record).or_insert(named);
        }
    }
    topics
}

fn joined<T>(thread: JoinHandle<Result<T, Untried>>) -> Result<T, Untried> {
    thread.join().unwrap_or_else(|_| Err(Untried::because("a thread of the demo panicked; its words stand above")))
}

/// `60s`, `5m`, `1h`.
fn length(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no length of time; write 60s, 5m or 1h");
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(number.checked_mul(factor).ok_or_else(wrong)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_carries_its_unit() {
        assert_eq!(length("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(length("5m"), Ok(Duration::from_secs(300)));
        assert!(length("5").is_err() && length("m").is_err() && length("").is_err() && length("5é").is_err());
    }
}
