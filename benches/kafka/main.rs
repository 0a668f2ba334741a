//! The pipeline end to end on a real broker, exactly once, beside a raw transactional copy of the same records.
//!
//! `cargo bench --bench kafka` fills `tickets` with events of about 430 bytes, then works them off in pairs: the copy
//! (rdkafka and nothing else: poll, produce, offsets, commit), and one lane of Tierline with the example's rules. Each
//! runs in a process of its own, with the broker on the same machine; compare only what ran side by side. Then events
//! are sent at a steady rate, and the time from the sending of a record to what came of it, seen by a `read_committed`
//! consumer, is taken for both. `cargo bench --bench kafka -- --events 100000 --pairs 1 --seconds 3` is a short run.

#[path = "../shared/chance.rs"]
mod chance;
mod copy;
mod latency;
mod measured;
mod options;
mod pipeline;
mod traffic;

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tierline_kafka::{Admin, Settings};
use tierline_stream::topics::{Cleanup, Names, TopicSpec, detect_inputs, detect_topics};
use tierline_testkit::{Broker, Settings as BrokerSettings};

use crate::measured::Measured;
use crate::options::{Job, Options, Role};
use crate::traffic::Traffic;

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What goes wrong here is for the person at the terminal.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    match Job::of_this_process()? {
        Some(job) => work(&job),
        None => compare(&Options::of_the_command_line()?),
    }
}

/// A child: works its job off, and says what it took.
fn work(job: &Job) -> Outcome<()> {
    let measured = match job.role {
        Role::Copy => copy::run(job),
        Role::Tierline => pipeline::run(job),
    }?;
    println!("{measured}");
    Ok(())
}

fn compare(options: &Options) -> Outcome<()> {
    let broker = Broker::own(&BrokerSettings { heap_mb: 1_024, ..BrokerSettings::default() });
    throughput(&broker, options)?;
    latency(&broker, options)
}

fn throughput(broker: &Broker, options: &Options) -> Outcome<()> {
    let bench = Bench::new(broker, "backlog", options)?;
    let mut traffic = Traffic::over(options.accounts);
    let snapshots = traffic.send_snapshots(&bench.settings, &bench.names)?;
    let bytes = traffic.send_backlog(&bench.settings, &bench.names, options.events)?;
    println!(
        "{} events of {} B, {} snapshots, {} accounts, {} partitions",
        options.events,
        bytes / options.events.max(1),
        snapshots,
        options.accounts,
        options.partitions
    );
    let mut ratios = Vec::new();
    for pair in 0..options.pairs {
        // Neither has the warmer broker every time.
        let order = if pair % 2 == 0 { [Role::Copy, Role::Tierline] } else { [Role::Tierline, Role::Copy] };
        let mut speeds = [0.0; 2];
        for role in order {
            let measured = bench.job(role, pair, options.events).start()?.result()?;
            println!("{:<9} {measured:#}{}", role.name(), bench.wrote(broker, role, pair));
            speeds[role as usize] = measured.a_second();
        }
        ratios.push(speeds[Role::Tierline as usize] / speeds[Role::Copy as usize]);
        println!("          Tierline is {:.2} times as fast as the copy", ratios[pair]);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median of {} pairs: {:.2}", ratios.len(), ratios[ratios.len() / 2]);
    Ok(())
}

fn latency(broker: &Broker, options: &Options) -> Outcome<()> {
    for (number, role) in [Role::Copy, Role::Tierline].into_iter().enumerate() {
        let bench = Bench::new(broker, &format!("steady-{number}"), options)?;
        Traffic::over(options.accounts).send_snapshots(&bench.settings, &bench.names)?;
        let job = bench.job(role, 0, 0);
        let output = match role {
            Role::Copy => job.copied_to.clone(),
            Role::Tierline => job.names().escalations,
        };
        let running = job.start()?;
        let seen = latency::measure(&bench.settings, &bench.names.tickets, &output, options)?;
        let measured = running.stop()?;
        println!("{:<9} at {} events/s: {seen}; {measured:#}", role.name(), options.rate);
    }
    Ok(())
}

/// The topics that both read, and what is made anew for each run.
struct Bench {
    settings: Settings,
    names: Names,
    partitions: i32,
}

impl Bench {
    fn new(broker: &Broker, prefix: &str, options: &Options) -> Outcome<Bench> {
        let bench = Bench {
            settings: Settings::new(broker.address(), prefix),
            names: Names::with_prefix(&format!("{prefix}.")),
            partitions: options.partitions,
        };
        let inputs = detect_inputs(&bench.names).len();
        bench.create(&detect_topics(&bench.names)[..inputs])?;
        Ok(bench)
    }

    fn create(&self, topics: &[TopicSpec]) -> Outcome<()> {
        Admin::connect(&self.settings)?.create(topics, self.partitions, None)?;
        Ok(())
    }

    /// What a run of Tierline's wrote.
    fn wrote(&self, broker: &Broker, role: Role, run: usize) -> String {
        if role == Role::Copy {
            return String::new();
        }
        let names = self.job(role, run, 0).names();
        let escalations = broker.records(&names.escalations).len();
        // Markers and the task records of every transaction included.
        let entries: i64 = broker.ends(&names.detect_state).iter().map(|(_, end)| end).sum();
        format!("; wrote {escalations} escalation records, {entries} changelog entries")
    }

    /// A job on this bench's inputs, with outputs and a group of its own.
    fn job(&self, role: Role, run: usize, events: u64) -> Job {
        let own = format!("{}.{run}.{}", self.settings.group, role.name());
        Job {
            role,
            brokers: self.settings.brokers.clone(),
            inputs: self.settings.group.clone(),
            copied_to: format!("{own}.copied"),
            own,
            events,
        }
    }
}

impl Job {
    /// Makes the topics that it writes to, and starts it in a process of its own, which is ready when this returns.
    fn start(&self) -> Outcome<Running> {
        let settings = Settings::new(&self.brokers, &self.own);
        let copied = TopicSpec {
            name: self.copied_to.clone(),
            co_partitioned: true,
            cleanup: Cleanup::Delete { retention_ms: 86_400_000 },
            append_time: false,
            written: true,
            read: false,
        };
        let names = self.names();
        let inputs = detect_inputs(&names).len();
        let topics = match self.role {
            Role::Copy => vec![copied],
            Role::Tierline => detect_topics(&names).split_off(inputs),
        };
        let client = tierline_kafka::KafkaClient::connect(settings.clone())?;
        let partitions = partitions(client, &names.tickets)?;
        Admin::connect(&settings)?.create(&topics, partitions, None)?;
        let mut child = self.command()?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let said = BufReader::new(child.stdout.take().ok_or("a child without an output")?);
        let mut running = Running { child, said };
        match running.line()?.as_str() {
            "ready" => Ok(running),
            other => Err(format!("{} said `{other}` instead of being ready", self.role.name()).into()),
        }
    }
}

fn partitions(mut client: impl tierline_stream::client::Client, topic: &str) -> Outcome<i32> {
    Ok(client.partitions(topic)?.ok_or("the inputs were made before")?)
}

/// A job in its process.
struct Running {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Asks it to end, and waits for what it took.
    fn stop(mut self) -> Outcome<Measured> {
        drop(self.child.stdin.take());
        self.result()
    }

    /// Waits for what it took.
    fn result(mut self) -> Outcome<Measured> {
        let line = self.line()?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(format!("the child ended with {status}").into());
        }
        line.parse()
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::Copy => "copy",
            Role::Tierline => "Tierline",
        }
    }
}

impl Job {
    fn command(&self) -> Outcome<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(self.to_arguments());
        Ok(command)
    }
}
