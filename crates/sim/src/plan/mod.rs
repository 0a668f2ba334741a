//! What a seed stands for: who runs, what is told, and what goes wrong when.

mod faults;
mod story;

use tierline_model::Millis;
use tierline_stream::log::Partition;

use crate::chance::Chance;

pub use faults::{Fault, Strike};
pub use story::{Send, Topic};

/// When the instances start, UTC: an instant that people can read.
pub const START: Millis = 1_772_452_800_000;

/// What may be compared with an uninterrupted run, and so what is told and what goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// All inputs lie there before the first instance starts: whatever happens, exactly one outcome is right.
    Backlog,
    /// Tickets are told while the instances run, each account's in order, and clocks differ by less than the grace: one
    /// outcome is right, ticket by ticket.
    Live,
    /// Everything, in any order, with clocks of all kinds and deployments of other rules: what comes out depends on when
    /// it is read, and must be what the same calls bring about without interruption.
    Wild,
}

/// A run, wholly determined.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it was made of; the chances of the run itself come from it too.
    pub seed: u64,
    /// See there.
    pub class: Class,
    /// How many partitions every topic has.
    pub partitions: Partition,
    /// How many instances detect.
    pub instances: usize,
    /// How many score, after those: what they tell and when depends on when they read, so only a wild run has any.
    pub scorers: usize,
    /// How far each instance's clock is ahead, milliseconds.
    pub skews: Vec<Millis>,
    /// How much each instance's clock gains, millionths.
    pub drifts: Vec<i64>,
    /// How long a rise at a bound is held, milliseconds.
    pub grace: Millis,
    /// A first start latches what holds already in silence.
    pub start_quietly: bool,
    /// How often checkpoints are made, milliseconds; none: never.
    pub checkpoint_interval: Option<Millis>,
    /// What an input may have waiting, bytes.
    pub inbox_bytes: usize,
    /// What is told, in order of its arrival.
    pub story: Vec<Send>,
    /// What goes wrong, in order.
    pub faults: Vec<(Millis, Fault)>,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Plan {
        let mut chance = Chance::new(seed, 1);
        let class = match seed % 4 {
            0 => Class::Backlog,
            1 => Class::Live,
            _ => Class::Wild,
        };
        let partitions = chance.between(1, 3) as Partition;
        let instances = chance.between(1, 3) as usize;
        let mut scoring = Chance::new(seed, 6);
        let scorers = if class == Class::Wild && scoring.one_in(3) { scoring.between(1, 2) as usize } else { 0 };
        let all = instances + scorers;
        let most = match class {
            Class::Backlog | Class::Live => 400,
            Class::Wild if chance.one_in(3) => 20_000,
            Class::Wild => 2_000,
        };
        let drift = if class == Class::Wild { 5_000 } else { 500 };
        let span = span(&mut Chance::new(seed, 5));
        let story = story::tell(class, partitions, span, &mut Chance::new(seed, 2));
        let faults = faults::schedule(class, all, span, &mut Chance::new(seed, 3));
        Plan {
            seed,
            class,
            partitions,
            instances,
            scorers,
            skews: (0..all).map(|_| chance.between(-most, most)).collect(),
            drifts: (0..all).map(|_| chance.between(-drift, drift)).collect(),
            grace: if class == Class::Wild { chance.of(&[0, 1_000, 5_000]) } else { 5_000 },
            start_quietly: class == Class::Wild && chance.one_in(3),
            checkpoint_interval: (!chance.one_in(4)).then(|| chance.between(500, 6_000)),
            inbox_bytes: chance.of(&[600, 4_000, 1 << 20]),
            story,
            faults,
        }
    }

    /// How far a clock may be ahead of the log's, at most, milliseconds.
    pub fn most_ahead(&self) -> Millis {
        let jumps: Millis = self
            .faults
            .iter()
            .map(|(_, fault)| match fault {
                // Nobody fires by the clock of one that scores.
                Fault::Jump { instance, by } if *instance < self.instances => by.abs(),
                _ => 0,
            })
            .sum();
        let drift = self.drifts[..self.instances].iter().map(|it| it.abs()).max().unwrap_or(0);
        let skew = self.skews[..self.instances].iter().map(|it| it.abs()).max().unwrap_or(0);
        skew + jumps + (self.end() - START + 200_000) * drift / 1_000_000
    }

    /// When the last of it has happened.
    pub fn end(&self) -> Millis {
        self.told().max(self.struck()).max(START)
    }

    /// When everything has come to rest, but for the grace and for clocks that are behind: whatever is due after the last
    /// record has had its time (the longest silence, and what follows from it), and whoever was hit has come back. What a
    /// wild run brings about is judged wherever it ends; if it is short, that is sooner.
    pub fn rests(&self) -> Millis {
        let is_short = self.told() < START + SHORT;
        let due = if is_short && self.class == Class::Wild { 25_000 } else { 70_000 };
        (self.told() + due).max(self.struck() + 25_000).max(START + 25_000)
    }

    fn told(&self) -> Millis {
        self.story.iter().map(|send| send.decided_at()).max().unwrap_or(START)
    }

    fn struck(&self) -> Millis {
        self.faults.iter().map(|(at, fault)| at + fault.length()).max().unwrap_or(START)
    }
}

/// What is told in less time makes a short run, milliseconds.
const SHORT: Millis = 30_000;

/// How long the telling takes, milliseconds. Mostly a few seconds: of two runs, the short one that is over soon finds more
/// than the rest of a long one. One in twenty is so long that what it began with is forgotten before its end.
fn span(chance: &mut Chance) -> Millis {
    if chance.one_in(20) { 75_000 } else { chance.between(5_000, 15_000) }
}
