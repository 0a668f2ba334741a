//! The faults: what each does, until the pipeline is itself again, and how long the output stopped meanwhile.

use std::time::{Duration, Instant};

use crate::fleet::EndedByItself;
use crate::plan::{Fault, Plan, Step};
use crate::proxy::Way;
use crate::world::{GROUP, OUTPUT, World};

/// A dead broker's partitions have other leaders by then.
const FOUND_DEAD: Duration = Duration::from_secs(8);
/// How much longer than its session an instance stays cut from a broker.
const CUT: Duration = Duration::from_secs(2);
/// How long a clean end may take.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// What a fault came to.
#[derive(Clone, Debug)]
pub struct Struck {
    /// In which round, from 1.
    pub round: usize,
    /// Whom it hit.
    pub whom: String,
    /// How long the output stopped, for each thing that happened.
    pub stops: Vec<Stop>,
    /// Instances that ended by themselves over it, and were started again.
    pub ended: Vec<EndedByItself>,
}

/// How long the output stopped over something.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Over what.
    pub over: Over,
    /// The longest that one partition of the output said nothing.
    pub stopped: Duration,
}

/// What the output can stop over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Over {
    /// Nothing: how long it is silent anyway.
    Nothing,
    /// A fault.
    Fault(Fault),
    /// An instance that joins the group.
    Joins,
    /// A broker that comes back.
    Returns,
}

impl Over {
    /// The longest that users should have to feel it; none where nothing is promised.
    pub fn target(self, plan: &Plan) -> Option<Duration> {
        match self {
            Over::Fault(Fault::KillInstance) => Some(plan.session + Duration::from_secs(3)),
            Over::Fault(Fault::StopInstance) => Some(Duration::from_secs(2)),
            Over::Fault(Fault::KillBroker | Fault::KillCoordinator | Fault::KillController) => {
                Some(Duration::from_secs(10))
            }
            _ => None,
        }
    }

    /// Its name in reports.
    pub fn name(self) -> String {
        match self {
            Over::Nothing => "(nothing)".to_owned(),
            Over::Joins => "(an instance joins)".to_owned(),
            Over::Returns => "(a broker returns)".to_owned(),
            Over::Fault(fault) => clap::ValueEnum::to_possible_value(&fault)
                .map_or_else(|| format!("{fault:?}"), |value| value.get_name().to_owned()),
        }
    }
}

/// Waits out the calm before a step, strikes, and waits until the pipeline is itself again. Not for
/// [`Fault::FillDisk`], which hits another log.
///
/// # Errors
/// The pipeline did not recover, or did what it must not: a broken promise, in words.
pub fn strike(world: &mut World, step: &Step) -> Result<Struck, String> {
    let mut dice = step.dice.clone();
    let mut stops = Vec::new();
    let began = Instant::now();
    world.hold(step.calm);
    stops.push(measured(world, Over::Nothing, began));

    let instance = dice.below(world.fleet.len());
    let partition = dice.below(world.plan.partitions as usize) as i32;
    let over = Over::Fault(step.fault);
    let began = Instant::now();
    let whom = match step.fault {
        Fault::KillInstance => {
            world.fleet.kill(instance);
            world.settle("an instance was killed", None)?;
            stops.push(measured(world, over, began));
            join(world, instance, &mut stops)?;
            format!("instance-{instance}")
        }
        Fault::StopInstance => {
            end(world, instance)?;
            world.settle("an instance was stopped", None)?;
            stops.push(measured(world, over, began));
            join(world, instance, &mut stops)?;
            format!("instance-{instance}")
        }
        Fault::PauseInstance => {
            world.fleet.pause(instance);
            let taken_over = world.settle("an instance was paused", Some(instance));
            world.fleet.resume(instance);
            taken_over?;
            world.settle("an instance woke up", None)?;
            stops.push(measured(world, over, began));
            format!("instance-{instance}")
        }
        Fault::KillBroker => kill(world, leader(world, partition), over, &mut stops)?,
        Fault::KillCoordinator => kill(world, world.cluster.coordinator(GROUP), over, &mut stops)?,
        Fault::KillController => kill(world, world.cluster.controller(), over, &mut stops)?,
        Fault::RestartBroker => {
            let broker = leader(world, partition).ok_or("no broker leads the output")?;
            world.cluster.stop(broker);
            world.hold(Duration::from_secs(1));
            world.cluster.start_again(broker);
            come_back(world, broker)?;
            stops.push(measured(world, over, began));
            format!("broker-{broker}")
        }
        Fault::CutInstance => {
            let broker = leader(world, partition).ok_or("no broker leads the output")?;
            let way = *dice.of(&[Way::Refused, Way::Silent]);
            world.ways[instance][broker].set(way);
            world.hold(world.plan.session + CUT);
            world.ways[instance][broker].set(Way::Open);
            world.settle("an instance was cut from a broker", None)?;
            stops.push(measured(world, over, began));
            format!("instance-{instance} from broker-{broker}, {way:?}").to_lowercase()
        }
        Fault::RestartAll => {
            (0..world.fleet.len()).for_each(|instance| world.fleet.kill(instance));
            (0..world.cluster.brokers()).for_each(|broker| world.cluster.kill(broker));
            (0..world.cluster.brokers()).for_each(|broker| world.cluster.start_again(broker));
            (0..world.fleet.len()).for_each(|instance| world.fleet.start(instance));
            (0..world.cluster.brokers()).try_for_each(|broker| come_back(world, broker))?;
            stops.push(measured(world, over, began));
            "everything".to_owned()
        }
        Fault::FillDisk => return Err("the disk is not the cluster's; this is a bug".to_owned()),
    };
    Ok(Struck { round: step.round, whom, stops, ended: world.fleet.take_ended() })
}

fn kill(world: &mut World, broker: Option<usize>, over: Over, stops: &mut Vec<Stop>) -> Result<String, String> {
    let broker = broker.ok_or_else(|| format!("nobody knows which broker to hit with {}", over.name()))?;
    let began = Instant::now();
    world.cluster.kill(broker);
    world.hold(FOUND_DEAD);
    world.settle("a broker was killed", None)?;
    stops.push(measured(world, over, began));
    let began = Instant::now();
    world.cluster.start_again(broker);
    come_back(world, broker)?;
    stops.push(measured(world, Over::Returns, began));
    Ok(format!("broker-{broker}"))
}

/// Waits until a broker that was started serves and everything is as it was.
fn come_back(world: &mut World, broker: usize) -> Result<(), String> {
    world.wait(&format!("broker-{broker} to serve"), |world| match world.cluster.is_up(broker) {
        true => Ok(()),
        false => Err(world.cluster.log_tail(broker)),
    })?;
    world.sync()?;
    world.settle("a broker came back", None)
}

fn join(world: &mut World, instance: usize, stops: &mut Vec<Stop>) -> Result<(), String> {
    let began = Instant::now();
    world.fleet.start(instance);
    world.settle("an instance joined", None)?;
    stops.push(measured(world, Over::Joins, began));
    Ok(())
}

/// Ends an instance in order.
///
/// # Errors
/// It takes too long, or does not end well.
pub fn end(world: &mut World, instance: usize) -> Result<(), String> {
    let began = Instant::now();
    world.fleet.ask_to_end(instance);
    loop {
        match world.fleet.has_ended(instance) {
            Some(ended) => return ended.map_err(|how| format!("told to end, {how}")),
            None if began.elapsed() > ENDS_WITHIN => {
                world.fleet.kill(instance);
                return Err(format!("instance-{instance} had not ended {ENDS_WITHIN:?} after SIGTERM"));
            }
            None => world.hold(Duration::from_millis(20)),
        }
    }
}

fn leader(world: &World, partition: i32) -> Option<usize> {
    world.cluster.leader(OUTPUT, partition)
}

fn measured(world: &World, over: Over, began: Instant) -> Stop {
    Stop { over, stopped: world.watch.silence(began, Instant::now()) }
}
