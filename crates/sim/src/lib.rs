//! A cluster in which everything goes wrong, decided by a seed: the very lane and the very stage of the program over a
//! model of a log, with crashes between any two calls, and a judge who knows what must come of it.
//!
//! A seed is a [`plan`]: who runs, what is told, what goes wrong when. A [`world`] lives through it, over the
//! [`cluster`]'s model of partitions, transactions and the group, and each instance's [`disk`]. The verdict judges
//! every commit and every restore. No thread, no real time and no real chance takes part: a seed is everything.
//!
//! What must never be in here: a meaning of its own. What a record does is the stage's; what a lane does is the lane's.

mod chance;
pub mod cluster;
pub mod disk;
mod moods;
pub mod plan;
pub mod rules;
pub mod shrink;
pub mod timeline;
mod verdict;
pub mod world;

/// A fifth of a run is allocation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::rc::Rc;
use std::sync::Arc;

use tierline_observe::Metrics;
use tierline_rules::RuleSet;

use plan::Plan;
use world::{Seen, World};

/// What all runs of a thread share: what is costly to make, and holds nothing of any run.
pub struct Setup {
    /// The sets of rules, compiled.
    pub rules: Vec<Arc<RuleSet>>,
    /// Where lanes count.
    pub metrics: Metrics,
}

impl Setup {
    /// Makes it.
    pub fn new() -> Rc<Setup> {
        Rc::new(Setup { rules: rules::compiled(), metrics: Metrics::new("simulated", plan::START) })
    }
}

/// Lives through a plan; with `is_told`, its timeline can be read.
pub fn run(plan: &Plan, setup: &Rc<Setup>, is_told: bool) -> Seen {
    World::new(plan, setup, is_told).run()
}
