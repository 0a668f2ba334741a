//! Runs seeds of the simulator, or one of them with all that happens in it.

use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

use clap::Parser;
use tierline_sim::plan::{Plan, START};
use tierline_sim::shrink::shrink;
use tierline_sim::{Setup, run};

/// Live through seeds: each is a cluster, a story and what goes wrong, and everything that comes of it is judged.
#[derive(Parser)]
#[command(after_help = "Examples:
  tierline-sim --seeds 10000           live through seeds 0 to 9,999; exit 1 if one goes wrong
  tierline-sim --seed 4711             one seed, with its faults and its timeline, shrunk if it goes wrong
  tierline-sim --plant list            the bugs that can be planted (built with --features planted)")]
struct Arguments {
    /// How many seeds to live through.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// One seed: its faults and its timeline.
    #[arg(long)]
    seed: Option<u64>,
    /// Show that seed as it is, not the shortest form in which it goes wrong.
    #[arg(long)]
    whole: bool,
    /// Plant a bug first; `list` names them.
    #[arg(long)]
    plant: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.plant.as_deref().map_or(Ok(true), plant) {
        Ok(true) => {}
        Ok(false) => return ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    }
    let setup = Setup::new();
    match arguments.seed {
        Some(seed) => show(seed, arguments.whole, &setup),
        None => live_through(arguments.from, arguments.seeds, &setup),
    }
}

/// Lives through seeds until one goes wrong.
fn live_through(from: u64, count: u64, setup: &Rc<Setup>) -> ExitCode {
    let (began, mut outputs, mut steps) = (Instant::now(), 0, 0);
    for seed in from..from + count {
        let seen = run(&Plan::of(seed), setup, false);
        outputs += seen.outputs;
        steps += seen.steps;
        if let Some(violation) = seen.violation {
            println!("seed {seed}: {violation}\n\nReplay it: tierline-sim --seed {seed}");
            return ExitCode::FAILURE;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{count} seeds, {outputs} escalation records, {steps} steps of lanes: all as it must be; {:.0} seeds a second",
        count as f64 / seconds
    );
    ExitCode::SUCCESS
}

/// One seed, with everything that happens.
fn show(seed: u64, whole: bool, setup: &Rc<Setup>) -> ExitCode {
    let mut plan = Plan::of(seed);
    if let Some(violation) = run(&plan, setup, false).violation.filter(|_| !whole) {
        plan = shrink(&plan, &violation, setup, 2_000);
    }
    println!(
        "seed {seed}: {:?}, {} partitions, {} instances, {} that score, clocks ahead {:?} ms, grace {} ms, checkpoints \
         every {:?} ms\n",
        plan.class, plan.partitions, plan.instances, plan.scorers, plan.skews, plan.grace, plan.checkpoint_interval
    );
    println!("What goes wrong:");
    for (at, fault) in &plan.faults {
        println!("{:>8.3}  {fault}", (at - START) as f64 / 1_000.0);
    }
    let seen = run(&plan, setup, true);
    println!("\nWhat happens:");
    seen.timeline.lines().for_each(|line| println!("{line}"));
    match seen.violation {
        Some(violation) => {
            println!("\n{violation}");
            ExitCode::FAILURE
        }
        None => {
            println!("\nAll as it must be.");
            ExitCode::SUCCESS
        }
    }
}

/// Plants the bug of this name; `false`: there was only a list to print.
#[cfg(feature = "planted")]
fn plant(name: &str) -> Result<bool, String> {
    use tierline_engine::planted::{Bug, plant};
    if name == "list" {
        Bug::ALL.iter().for_each(|bug| println!("{bug:?}"));
        return Ok(false);
    }
    let bug = Bug::ALL.iter().find(|bug| format!("{bug:?}").eq_ignore_ascii_case(name));
    plant(Some(*bug.ok_or_else(|| format!("there is no bug {name}; --plant list names them"))?));
    Ok(true)
}

#[cfg(not(feature = "planted"))]
fn plant(_: &str) -> Result<bool, String> {
    Err("bugs can be planted only in a build with --features planted".to_owned())
}
