//! What a run is to be: how much input, which faults, in which order. The seed is everything that is chance.

use std::time::Duration;

use crate::chance::Chance;

/// What is done to the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Fault {
    /// SIGKILL an instance, and start it again when the others have taken over
    KillInstance,
    /// SIGTERM an instance, and start it again
    StopInstance,
    /// SIGSTOP an instance until the group has given its share away, then SIGCONT
    PauseInstance,
    /// SIGKILL a broker, and start it again
    KillBroker,
    /// SIGKILL the broker that coordinates the group
    KillCoordinator,
    /// SIGKILL the broker whose controller is the active one
    KillController,
    /// SIGTERM a broker, and start it again
    RestartBroker,
    /// Cut an instance from a broker for 12 s: its connections are refused, or lead nowhere
    CutInstance,
    /// Fill the disk of an embedded log until it stops, make room, start it again
    FillDisk,
    /// SIGKILL all instances and all brokers at once, and start them again
    RestartAll,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 10] = [
        Fault::KillInstance,
        Fault::StopInstance,
        Fault::PauseInstance,
        Fault::KillBroker,
        Fault::KillCoordinator,
        Fault::KillController,
        Fault::RestartBroker,
        Fault::CutInstance,
        Fault::FillDisk,
        Fault::RestartAll,
    ];
    /// What the ordinary tests do.
    pub const SHORT: [Fault; 3] = [Fault::KillInstance, Fault::StopInstance, Fault::KillCoordinator];
}

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What chance is made of.
    pub seed: u64,
    /// How often each fault comes.
    pub rounds: usize,
    /// Which faults.
    pub faults: Vec<Fault>,
    /// At least so many input records, snapshots apart.
    pub records: u64,
    /// So many of them, of all inputs, are there before the first instance starts.
    pub backlog: u64,
    /// Ticket events a second from then on.
    pub rate: u64,
    /// Of each topic.
    pub partitions: i32,
    /// Accounts, those that carry the pulse apart.
    pub accounts: usize,
    /// How many instances run.
    pub instances: usize,
    /// `session.timeout.ms` of the instances.
    pub session: Duration,
}

impl Plan {
    /// The whole programme.
    pub fn whole(seed: u64) -> Plan {
        Plan {
            seed,
            rounds: 3,
            faults: Fault::ALL.to_vec(),
            records: 100_000,
            backlog: 20_000,
            rate: 250,
            partitions: 6,
            accounts: 300,
            instances: 3,
            session: Duration::from_secs(15),
        }
    }

    /// A few faults and less input, for every run of the tests.
    pub fn short(seed: u64) -> Plan {
        Plan {
            rounds: 1,
            rate: 120,
            faults: Fault::SHORT.to_vec(),
            records: 10_000,
            backlog: 4_000,
            ..Plan::whole(seed)
        }
    }

    /// The faults in their order: in each round every one, in an order of the round's own.
    pub fn steps(&self) -> Vec<Step> {
        let mut chance = Chance::new(self.seed);
        let mut steps = Vec::new();
        for round in 1..=self.rounds {
            let mut faults = self.faults.clone();
            chance.shuffle(&mut faults);
            steps.extend(faults.into_iter().map(|fault| {
                let calm = Duration::from_millis(500 + chance.below(2_000) as u64);
                Step { round, fault, calm, dice: Chance::new(chance.number()) }
            }));
        }
        steps
    }
}

/// A fault in its turn.
#[derive(Clone, Debug)]
pub struct Step {
    /// From 1.
    pub round: usize,
    /// Which.
    pub fault: Fault,
    /// Nothing happens for so long before it.
    pub calm: Duration,
    /// Decides the rest: whom it hits, and how.
    pub dice: Chance,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_comes_once_a_round_and_the_seed_decides_when() {
        let order = |seed| Plan::whole(seed).steps().iter().map(|step| (step.round, step.fault)).collect::<Vec<_>>();
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        let mut round: Vec<Fault> = order(7)[10..20].iter().map(|&(_, fault)| fault).collect();
        round.sort();
        assert_eq!(round, Fault::ALL);
    }
}
