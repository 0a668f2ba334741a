//! What goes wrong, and when.

use std::fmt;

use tierline_model::Millis;

use super::{Class, START, Topic};
use crate::chance::Chance;
use crate::disk::Damage;
use crate::rules;

/// Between which calls to its log something hits an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// Which instance.
    pub instance: usize,
    /// After so many more calls.
    pub calls: u32,
    /// After the call has had its effect, not before.
    pub after: bool,
}

/// Something that goes wrong. Lengths are milliseconds.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each fault says what its parts are")]
pub enum Fault {
    /// An instance dies, and is started again; with `power`, its disk loses what wasn't synced.
    Crash { at: Strike, power: bool, down: Millis },
    /// An instance is stopped, and goes on as if nothing had been.
    Freeze { at: Strike, length: Millis },
    /// An instance is stopped, another is started under its name, and then it goes on.
    Replace { at: Strike, length: Millis },
    /// An instance ends in order, and is started again.
    Stop { instance: usize, down: Millis },
    /// An instance ends in order, and is started again with other rules.
    Deploy { instance: usize, rules: usize },
    /// The group is rebalanced.
    Rebalance,
    /// Nothing is handed over of an input.
    Slow { topic: Topic, length: Millis },
    /// Nobody hears where the inputs end.
    Silence { length: Millis },
    /// Markers of transactions come late.
    LateMarkers { length: Millis },
    /// The answer to an instance's next commit is lost: whether it took effect is not known to it.
    LostAnswer { instance: usize, committed: bool },
    /// An instance's next write fails.
    WriteFails { instance: usize },
    /// An instance's clock jumps.
    Jump { instance: usize, by: Millis },
    /// The outputs' compacted topics are compacted.
    Compact,
    /// An instance's checkpoints are damaged; it dies, and is started again.
    Damage { instance: usize, how: Damage },
    /// An instance's checkpoints become those of so long ago; it dies, and is started again.
    Backup { instance: usize, age: Millis },
    /// An instance's disk is full for a while.
    FullDisk { instance: usize, length: Millis },
    /// All instances die, the outputs are deleted and made anew; all are started again, and later once more, each with
    /// the checkpoints that it had.
    Reset,
}

impl Fault {
    /// How long it lasts.
    pub fn length(&self) -> Millis {
        match *self {
            Fault::Crash { down, .. } | Fault::Stop { down, .. } => down,
            Fault::Freeze { length, .. }
            | Fault::Replace { length, .. }
            | Fault::Slow { length, .. }
            | Fault::Silence { length }
            | Fault::LateMarkers { length }
            | Fault::FullDisk { length, .. } => length,
            Fault::Backup { age, .. } => age,
            Fault::Reset => 12_000,
            _ => 0,
        }
    }
}

/// What goes wrong in a run whose telling takes so many milliseconds.
pub(super) fn schedule(class: Class, instances: usize, span: Millis, chance: &mut Chance) -> Vec<(Millis, Fault)> {
    let span = if class == Class::Backlog { 25_000 } else { span + 5_000 };
    let count = chance.below(12);
    let mut faults: Vec<_> =
        (0..count).map(|_| (START + chance.between(100, span), one(class, instances, chance))).collect();
    if chance.one_in(3) {
        // Snapshots that come late.
        let topic = chance.of(&[Topic::Accounts, Topic::Billing]);
        faults.push((START, Fault::Slow { topic, length: chance.between(100, 4_000) }));
    }
    faults.sort_by_key(|(at, _)| *at);
    faults
}

fn one(class: Class, instances: usize, chance: &mut Chance) -> Fault {
    let instance = chance.below(instances as u64) as usize;
    // Mostly soon: so that a commit, a restore, a poll is hit as often as what comes long after.
    let calls = chance.of(&[0, 3, 10, 40, 150]);
    let at = Strike { instance, calls: chance.below(calls + 1) as u32, after: chance.one_in(2) };
    let is_wild = class == Class::Wild;
    match chance.below(26) {
        0..5 => Fault::Crash { at, power: chance.one_in(2), down: chance.between(10, 6_000) },
        5..7 => Fault::Freeze { at, length: chance.between(100, 12_000) },
        7 => Fault::Replace { at, length: chance.between(500, 9_000) },
        8 => Fault::Stop { instance, down: chance.between(10, 4_000) },
        9 | 10 if is_wild => Fault::Deploy { instance, rules: chance.below(rules::COUNT as u64) as usize },
        9..12 => Fault::Rebalance,
        12 => {
            let topic = chance.of(&[Topic::Tickets, Topic::Billing, Topic::Signals, Topic::Commands]);
            Fault::Slow { topic, length: chance.between(200, 8_000) }
        }
        13 => Fault::Silence { length: chance.between(200, 15_000) },
        14 => Fault::LateMarkers { length: chance.between(200, 15_000) },
        15 | 16 => Fault::LostAnswer { instance, committed: chance.one_in(2) },
        17 => Fault::WriteFails { instance },
        18 if is_wild => Fault::Jump { instance, by: chance.between(-15_000, 15_000) },
        18 => Fault::Jump { instance, by: chance.between(-500, 500) },
        19 => Fault::Compact,
        20 | 23 => {
            let how = chance.of(&[Damage::Cut, Damage::Zeros, Damage::Bit, Damage::Bit, Damage::Bit, Damage::Foreign]);
            Fault::Damage { instance, how }
        }
        21 | 24 => Fault::Backup { instance, age: chance.of(&[2_000, 10_000, 33_000, 45_000]) },
        22 => Fault::FullDisk { instance, length: chance.between(500, 10_000) },
        25 if is_wild => Fault::Reset,
        _ => Fault::Rebalance,
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.after { "after" } else { "before" };
        write!(f, "instance {}, {side} its call {} from then", self.instance, self.calls)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Crash { at, power, down } => {
                let how = if *power { "loses power" } else { "is killed" };
                write!(f, "{at}: it {how}, and starts again {down} ms later")
            }
            Fault::Freeze { at, length } => write!(f, "{at}: it is stopped for {length} ms"),
            Fault::Replace { at, length } => {
                write!(f, "{at}: it is stopped for {length} ms, and another starts under its name")
            }
            Fault::Stop { instance, down } => {
                write!(f, "instance {instance} ends in order, and starts again {down} ms later")
            }
            Fault::Deploy { instance, rules } => write!(f, "instance {instance} is deployed with rules {rules}"),
            Fault::Rebalance => write!(f, "the group is rebalanced"),
            Fault::Slow { topic, length } => write!(f, "nothing is handed over of {topic:?} for {length} ms"),
            Fault::Silence { length } => write!(f, "nobody hears where the inputs end for {length} ms"),
            Fault::LateMarkers { length } => write!(f, "markers come late for {length} ms"),
            Fault::LostAnswer { instance, committed } => {
                let what = if *committed { "took effect" } else { "did not" };
                write!(f, "instance {instance} doesn't hear that its next commit {what}")
            }
            Fault::WriteFails { instance } => write!(f, "instance {instance}'s next write fails"),
            Fault::Jump { instance, by } => write!(f, "instance {instance}'s clock jumps by {by} ms"),
            Fault::Compact => write!(f, "changelog and queue are compacted"),
            Fault::Damage { instance, how } => {
                write!(f, "instance {instance} is killed, its checkpoints damaged: {how:?}")
            }
            Fault::Backup { instance, age } => {
                write!(f, "instance {instance} is killed {age} ms later, its checkpoints those of now")
            }
            Fault::FullDisk { instance, length } => write!(f, "instance {instance}'s disk is full for {length} ms"),
            Fault::Reset => {
                write!(f, "everything dies; the outputs are deleted; the former checkpoints are put back later")
            }
        }
    }
}
