//! How many signed webhooks a second the gateway takes, and how soon it answers: `cargo bench --bench gateway`.
//!
//! The gateway is a process of its own, on one core where `taskset` is there to see to it, with the embedded log: what it
//! answers is synced to disk. Callers are connections of another process, each with one request at a time: while all of
//! them wait for the disk the gateway has nothing to do, so beside what they saw stands what each webhook took of its core.

mod callers;
mod served;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use callers::{Callers, Figures};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::io::Result<()> {
    if std::env::args().nth(1).as_deref() == Some(SERVE) {
        return served::serve();
    }
    println!("a payload of {} B, signed with HMAC-SHA256, becomes one record of `tickets`", callers::payload(1).len());
    println!("{:>20}: {:.1} µs a payload", "mapping", served::mapping().as_secs_f64() * 1e6);
    for connections in [1, 64, 256, 512] {
        let mut gateway = Gateway::start()?;
        let began = Instant::now();
        let figures = Callers { address: gateway.address, connections, every: None }.call(Duration::from_secs(8));
        gateway.tell(&format!("{connections:>3} callers at once"), &figures, began.elapsed())?;
    }
    let mut gateway = Gateway::start()?;
    let began = Instant::now();
    let every = Some(Duration::from_millis(32));
    let figures = Callers { address: gateway.address, connections: 64, every }.call(Duration::from_secs(15));
    gateway.tell("2,000 a second", &figures, began.elapsed())
}

/// The argument that makes this program the gateway.
const SERVE: &str = "--serve";

struct Gateway {
    child: Child,
    address: SocketAddr,
}

impl Gateway {
    fn start() -> std::io::Result<Gateway> {
        let program = std::env::current_exe()?;
        let pinned = Command::new("taskset").args(["-c", "0", "true"]).status().is_ok_and(|status| status.success());
        let mut command = if pinned { Command::new("taskset") } else { Command::new(&program) };
        if pinned {
            command.args(["-c", "0"]).arg(&program);
        }
        let mut child = command.arg(SERVE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        let said = child.stdout.as_mut().map(BufReader::new);
        said.expect("it is piped").read_line(&mut address)?;
        let address = address.trim().parse().map_err(std::io::Error::other)?;
        Ok(Gateway { child, address })
    }

    fn tell(&mut self, what: &str, figures: &Figures, took: Duration) -> std::io::Result<()> {
        let busy = cpu(self.child.id()).as_secs_f64();
        let (share, each) = (busy / took.as_secs_f64() * 100.0, busy * 1e6 / figures.answered().max(1) as f64);
        println!("{what:>20}: {figures}, {share:.0} % of its core, {each:.0} µs of it each");
        // It ends when its input does.
        drop(self.child.stdin.take());
        self.child.wait()?;
        std::io::stdout().flush()
    }
}

/// The time that a process has had on a core; nothing where the system doesn't say.
fn cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
