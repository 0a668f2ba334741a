//! `tierline-chaos`: one command, one seed.

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use tierline_chaos::load::{self, Load, Series};
use tierline_chaos::plan::{Fault, Plan};
use tierline_chaos::report::Report;
use tierline_chaos::{binary, run};

/// Kills, pauses, cuts and fills what Tierline runs on, while events flow, and compares what came out with an
/// uninterrupted run
#[derive(Debug, Parser)]
#[command(
    name = "tierline-chaos",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  cargo run --release -p tierline-chaos -- --seed 7
  cargo run --release -p tierline-chaos -- --seed 7 --rounds 10 --output json
  cargo run --release -p tierline-chaos -- --faults kill-instance,cut-instance --rounds 5 --keep
  cargo run -p tierline-chaos -- --short
  cargo run --release -p tierline-chaos -- soak --minutes 60 --rate 20000
  cargo run --release -p tierline-chaos -- soak --minutes 10 --open 1000000 --fill --silence 10m
  cargo run --release -p tierline-chaos -- backlog --events 10000000 --accounts 1000000

Starts three Apache Kafka brokers on this machine (needs Java 17 and Maven; the first run fetches Kafka) and three
instances of the program that is built beside this one, or of the one that the variable TIERLINE_BINARY names.
Exit code 0: every invariant holds; 1: one is broken; 2: it could not be tried. How long a fault stopped the output is
told, and never a failure. After a failure, or with --keep, a folder with all logs and data is left and named."
)]
struct Arguments {
    #[command(subcommand)]
    load: Option<Loading>,
    /// Decides the order of the faults, whom they hit, and the story that is told
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often each fault comes [default: 3; with --short: 1]
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Which faults [default: all; with --short: three]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FAULT,…")]
    faults: Option<Vec<Fault>>,
    /// At least so many input records [default: 100000; with --short: 10000]
    #[arg(long, value_name = "N")]
    records: Option<u64>,
    /// Ticket events a second while faults happen [default: 250; with --short: 120]
    #[arg(long, value_name = "N")]
    rate: Option<u64>,
    /// A few faults and less input, in two minutes
    #[arg(long)]
    short: bool,
    /// Leave all logs and data behind, also when all is well
    #[arg(long)]
    keep: bool,
    /// A table, or JSON
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Load on one broker and one instance: a table of memory and lags, no verdict
#[derive(Debug, Subcommand)]
enum Loading {
    /// Send at a steady rate, and sample
    Soak {
        /// For so long
        #[arg(long, default_value_t = 60.0, value_name = "N")]
        minutes: f64,
        /// Events a second
        #[arg(long, default_value_t = 20_000, value_name = "N")]
        rate: u64,
        #[command(flatten)]
        shape: Shape,
    },
    /// Send first, then start an instance and sample until all is worked off
    Backlog {
        /// So many
        #[arg(long, default_value_t = 10_000_000, value_name = "N")]
        events: u64,
        #[command(flatten)]
        shape: Shape,
    },
}

#[derive(Debug, clap::Args)]
struct Shape {
    /// A tenth of the traffic is the first one's
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    accounts: usize,
    /// Open tickets at a time
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    open: usize,
    /// Open all of them before anything else happens
    #[arg(long)]
    fill: bool,
    /// For how long no agent replies before a timer fires
    #[arg(long, default_value = "30s", value_name = "DURATION")]
    silence: String,
    /// A message of a megabyte comes every so many events
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    large_every: u64,
    /// Seconds between two samples
    #[arg(long, default_value_t = 10, value_name = "N")]
    every: u64,
    /// A table, or JSON
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Output {
    Table,
    Json,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = plan(&arguments);
    let folder = env::temp_dir().join(format!("tierline-chaos-{}-{}", plan.seed, std::process::id()));
    let began = Instant::now();
    let say = |what: &str| eprintln!("[{:>4} s] {what}", began.elapsed().as_secs());
    if let Some(loading) = &arguments.load {
        return loaded(loading, &folder);
    }
    let tried = caught(|| attempt(&plan, &folder, &say));
    let holds = tried.as_ref().is_ok_and(Report::holds);
    if holds && !arguments.keep {
        let _ = fs::remove_dir_all(&folder);
    } else {
        eprintln!("logs and data are in {}", folder.display());
    }
    match tried {
        Err(why) => {
            eprintln!("tierline-chaos: {why}");
            ExitCode::from(2)
        }
        Ok(report) => {
            match arguments.output {
                Output::Table => println!("{}", report.table()),
                Output::Json => println!("{}", report.json()),
            }
            ExitCode::from(u8::from(!holds))
        }
    }
}

/// The kit panics with what is lacking.
fn caught<T>(attempt: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let tried = catch_unwind(AssertUnwindSafe(attempt));
    tried.unwrap_or_else(|_| Err("it could not be tried; the reason stands above".to_owned()))
}

fn loaded(loading: &Loading, folder: &Path) -> ExitCode {
    let say = |line: &str| eprintln!("{line}");
    let (Loading::Soak { shape, .. } | Loading::Backlog { shape, .. }) = loading;
    let load = Load {
        accounts: shape.accounts.max(1),
        open: shape.open.max(1),
        fill: shape.fill,
        large_every: shape.large_every.max(1),
        every: Duration::from_secs(shape.every.max(1)),
    };
    let tried: Result<Series, String> = caught(|| {
        let binary = binary::tierline()?;
        match *loading {
            Loading::Soak { minutes, rate, .. } => {
                let length = Duration::try_from_secs_f64(minutes * 60.0).map_err(|error| error.to_string())?;
                load::soak(load.clone(), &shape.silence, rate, length, folder, &binary, &say)
            }
            Loading::Backlog { events, .. } => {
                load::backlog(load.clone(), &shape.silence, events, folder, &binary, &say)
            }
        }
    });
    match tried {
        Ok(series) => {
            let _ = fs::remove_dir_all(folder);
            match shape.output {
                Output::Table => println!("{}", series.summary()),
                Output::Json => println!("{}", series.json()),
            }
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("tierline-chaos: {why}\nlogs and data are in {}", folder.display());
            ExitCode::from(2)
        }
    }
}

fn attempt(plan: &Plan, folder: &Path, say: &dyn Fn(&str)) -> Result<Report, String> {
    let binary: PathBuf = binary::tierline()?;
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    run(plan, folder, &binary, say)
}

fn plan(arguments: &Arguments) -> Plan {
    let usual = if arguments.short { Plan::short(arguments.seed) } else { Plan::whole(arguments.seed) };
    Plan {
        rounds: arguments.rounds.unwrap_or(usual.rounds),
        faults: arguments.faults.clone().unwrap_or(usual.faults.clone()),
        records: arguments.records.unwrap_or(usual.records),
        rate: arguments.rate.unwrap_or(usual.rate).max(1),
        ..usual
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed_and_make_a_plan() {
        Arguments::command().debug_assert();
        let arguments = Arguments::parse_from(["chaos", "--short", "--faults", "kill-broker,cut-instance"]);
        let plan = plan(&arguments);
        assert_eq!(plan.faults, [Fault::KillBroker, Fault::CutInstance]);
        assert_eq!((plan.rounds, plan.session), (1, Duration::from_secs(15)));
    }
}
