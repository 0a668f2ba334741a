//! What judges a run: after each commit, at each restore, and at the end.
//!
//! Beside each task runs a [`shadow`]: one stage that is never interrupted and is given the same calls in the same order,
//! as far as they were committed. What a lane commits must be what the shadow says; what a lane restores must be what the
//! shadow is. That the calls themselves are right (each record once and in its place, no instant believed to be over that
//! isn't) is judged by what the cluster knows. At the end, what was committed is judged by the invariants that hold for
//! every run, and, where a plan allows, compared with a [`reference`] that never saw a lane.
//!
//! The [score stage](scored) keeps nothing: what it commits must be what the messages say that it passes.

mod commits;
mod finale;
mod reference;
mod scored;
mod shadow;
pub mod traced;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tierline_invariants::breach::Answers;
use tierline_invariants::letters::{Inputs, Place};
use tierline_invariants::positions::Positions;
use tierline_model::Millis;
use tierline_observe::LaneMetrics;
use tierline_stream::log::{Offset, Partition};
use tierline_stream::stage::Stages;
use tierline_stream::topics::Names;

use crate::plan::{Plan, Send};
use crate::world::detect;
use crate::{Setup, rules};
use scored::Scored;
use shadow::Shadow;

/// See the module.
pub struct Verdict {
    plan: Plan,
    setup: Rc<Setup>,
    metrics: LaneMetrics,
    input_names: Vec<String>,
    shadows: Vec<Shadow>,
    positions: Positions,
    /// By partition and the instant that was named: where the inputs ended when somebody asked.
    asked: BTreeMap<(Partition, Millis), Vec<Offset>>,
    inputs: Inputs,
    letters: Vec<Place>,
    answers: Answers,
    /// Of `escalations`, in the order of their commits: a ticket that moves goes on in another partition.
    escalations: Vec<serde_json::Value>,
    /// What was sent, by input.
    told: BTreeSet<(usize, Option<String>)>,
    /// Repeats, by input, partition and offset.
    repeats: Vec<(usize, Partition, Offset)>,
    /// Of the score stage.
    scored: Scored,
}

impl Verdict {
    /// Of a run of which nothing has happened yet.
    pub fn new(plan: &Plan, setup: &Rc<Setup>, metrics: LaneMetrics) -> Verdict {
        let stages = detect(plan, &setup.rules[0]);
        // The clocks of whoever asks and of the log may differ by what the plan says, and by their drift and jumps.
        let ahead = plan.most_ahead();
        Verdict {
            input_names: stages.inputs().iter().map(|spec| spec.topic.clone()).collect(),
            shadows: (0..plan.partitions).map(|partition| Shadow::new(partition, stages.inputs().len())).collect(),
            positions: Positions::default(),
            asked: BTreeMap::new(),
            inputs: Inputs::default(),
            letters: Vec::new(),
            answers: Answers::new(plan.grace, ahead, rules::SILENCES.iter().copied()),
            escalations: Vec::new(),
            told: BTreeSet::new(),
            repeats: Vec::new(),
            scored: Scored::new(
                plan.partitions,
                setup.metrics.lane_of_stage(tierline_stream::score::NAME, &[Names::default().tickets]),
            ),
            metrics,
            setup: Rc::clone(setup),
            plan: plan.clone(),
        }
    }

    /// A record of the story arrived.
    pub fn sent(&mut self, send: &Send, offset: Offset) {
        let is_seen = send.hidden.is_none_or(|(_, committed)| committed);
        if is_seen {
            self.inputs.sent(&self.input_names[send.topic as usize], send.partition, offset, !send.is_bad);
        }
        // In a plan that was shrunk, what it repeats may be gone.
        if !self.told.insert((send.topic as usize, send.value.clone())) && send.repeats {
            self.repeats.push((send.topic as usize, send.partition, offset));
        }
        if let (Some((ticket, at)), Some(account), None) = (&send.answers, &send.key, &send.hidden) {
            self.answers.answered(account, ticket, *at, send.at);
        }
        if let (Some(at), Some(account), true) = (send.forgets, &send.key, is_seen) {
            self.answers.forgotten(account, at);
        }
    }

    /// Somebody asks where the inputs of a partition end, naming this instant.
    pub fn asked(&mut self, partition: Partition, instant: Millis, ends: Vec<Offset>) {
        match self.asked.get_mut(&(partition, instant)) {
            Some(known) => known.iter_mut().zip(ends).for_each(|(known, end)| *known = end.min(*known)),
            None => drop(self.asked.insert((partition, instant), ends)),
        }
    }

    /// How many transactions of a task were committed.
    pub fn version(&self, partition: Partition) -> u64 {
        self.shadows[partition as usize].version
    }

    /// The outputs were deleted: everything begins anew from the inputs.
    pub fn begin_anew(&mut self) {
        for shadow in &mut self.shadows {
            // Versions go on, so that nobody who restored before is taken for one who restored after.
            *shadow = Shadow { version: shadow.version + 1, ..Shadow::new(shadow.partition, self.input_names.len()) };
            self.positions.forget(shadow.partition);
        }
        self.letters.clear();
        self.escalations.clear();
        self.inputs.forget(&Names::default().account_moves);
    }

    /// How many escalation records were committed.
    pub fn outputs(&self) -> u64 {
        self.escalations.len() as u64
    }
}
