//! Faults on a real Kafka cluster while events flow, and the proof that nobody noticed.
//!
//! Three brokers and three instances on this machine, a story that goes on while a seeded schedule of [`faults`] hits
//! them, and a reader of what is committed. In the end the pipeline is run on to the end of its inputs, and what came
//! out must be what comes out of one uninterrupted run over the same records: the [`verdict`], by the invariants that
//! the simulator and the other tests check as well. Meanwhile it is taken how long each fault stopped the output, which
//! is what users feel: a [`report`], never a failure.
//!
//! | module | is |
//! |---|---|
//! | [`plan`] | how much, which faults, in which order |
//! | [`world`] | brokers, proxies, instances, the watch |
//! | [`story`], [`sender`] | what is told, and its flow |
//! | [`faults`], [`disk`] | what is done |
//! | [`watch`] | what becomes visible, and when |
//! | [`oracle`], [`verdict`] | what must have come out, and whether it did |
//!
//! What must never be in here: a promise of its own, or a look into the program from within.

pub mod binary;
pub mod chance;
pub mod disk;
pub mod faults;
pub mod fleet;
pub mod load;
pub mod oracle;
pub mod plan;
pub mod proxy;
pub mod report;
pub mod sender;
pub mod story;
pub mod verdict;
pub mod watch;
pub mod world;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::faults::{Struck, end, strike};
use crate::plan::{Fault, Plan, Step};
use crate::report::Report;
use crate::sender::Flow;
use crate::story::Told;
use crate::world::World;

/// Carries a plan out in this folder, which keeps what every process left behind. `say` is told how it goes.
///
/// # Errors
/// It could not be tried.
///
/// # Panics
/// As the kit does, when something cannot be tried: a broker does not start, a tool fails.
pub fn run(plan: &Plan, folder: &Path, binary: &Path, say: &dyn Fn(&str)) -> Result<Report, String> {
    let began = Instant::now();
    say("starting three brokers, and sending what instances will find");
    let (mut world, story) = World::build(plan, folder, binary)?;
    say(&format!("{} records are there; starting {} instances", world.before.len(), plan.instances));
    (0..plan.instances).for_each(|instance| world.fleet.start(instance));
    let mut again = story.clone();
    let flow = world.flow(story)?;

    let mut report =
        Report { plan: plan.clone(), struck: Vec::new(), verdict: verdict::Verdict::default(), took: Duration::ZERO };
    let gone_wrong = world.settle("the start", None).and_then(|()| {
        for step in plan.steps() {
            let struck = one(&mut world, &step, folder, binary)?;
            say(&progress(&step, &struck, &flow));
            report.struck.push(struck);
        }
        Ok(())
    });
    say("ending the instances, and comparing with an uninterrupted run");
    let ended = gone_wrong.and_then(|()| (0..plan.instances).try_for_each(|instance| end(&mut world, instance)));
    (0..plan.instances).for_each(|instance| world.fleet.kill(instance));
    let at_least = plan.records.saturating_sub(world.before.len() as u64);
    let story = flow.end(at_least)?;
    let mut told: Vec<Told> = world.before.clone();
    while again.events() < story.events() {
        told.push(again.event());
    }
    report.verdict = verdict::judge(&world, folder, binary, &told, story.end())?;
    report.verdict.broken.extend(ended.err());
    report.took = began.elapsed();
    Ok(report)
}

fn one(world: &mut World, step: &Step, folder: &Path, binary: &Path) -> Result<Struck, String> {
    if step.fault != Fault::FillDisk {
        return strike(world, step);
    }
    let folder = folder.join(format!("disk-{}", step.round));
    let whom = disk::fill(&folder, binary, step.dice.clone())?;
    Ok(Struck { round: step.round, whom, stops: Vec::new(), ended: world.fleet.take_ended() })
}

fn progress(step: &Step, struck: &Struck, flow: &Flow) -> String {
    let stops: Vec<String> = struck
        .stops
        .iter()
        .filter(|stop| stop.over != faults::Over::Nothing)
        .map(|stop| format!("{} {:.1} s", stop.over.name(), stop.stopped.as_secs_f64()))
        .collect();
    let stops = if stops.is_empty() { "stopped with its message, lost nothing".to_owned() } else { stops.join(", ") };
    let fault = faults::Over::Fault(step.fault).name();
    format!("round {}: {fault} of {}: {stops}; {} events sent", step.round, struck.whom, flow.sent())
}
