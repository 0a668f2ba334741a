//! What is judged when a run has come to rest.

use std::collections::BTreeMap;

use serde_json::Value;
use tierline_invariants::outcome::Grain;
use tierline_invariants::{Invariant, Outcome, Told, Violation, escalations, queue};
use tierline_model::{Decoder, RecordType};
use tierline_stream::log::Partition;
use tierline_stream::stage::{Stage, Stages};
use tierline_stream::task_record;
use tierline_stream::topics::output;

use super::shadow::state_of;
use super::{Verdict, reference};
use crate::cluster::{Cluster, Role};
use crate::plan::Class;

impl Verdict {
    /// Everything has been read, and everything that was due has had its time.
    ///
    /// # Errors
    /// Something isn't as it must be.
    pub fn at_the_end(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        self.inputs.are_passed(|topic, partition| self.positions.of(topic, partition))?;
        self.inputs.are_buried(self.letters.iter().cloned())?;
        escalations(&self.escalations)?;
        for record in &self.escalations {
            self.answers.is_true(&Told::of(record)?)?;
        }
        let mut left = BTreeMap::new();
        for partition in 0..self.plan.partitions {
            self.state_is_kept(cluster, partition)?;
            for (id, entry) in left_in_queue(cluster, partition)? {
                if left.insert(id.clone(), entry).is_some() {
                    let what = format!("{id} is in the queue of two partitions");
                    return Err(Violation::new(Invariant::QueueAgrees, what));
                }
            }
        }
        queue::agrees(&left, &self.escalations)?;
        if self.plan.scorers > 0 {
            self.scored.everything(cluster)?;
        }
        if self.plan.class != Class::Wild {
            self.outcome_is_the_one(cluster)?;
        }
        Ok(())
    }

    /// What the changelog holds is the task's state, no more and no less.
    fn state_is_kept(&self, cluster: &Cluster, partition: Partition) -> Result<(), Violation> {
        let Some(life) = &self.shadows[partition as usize].life else { return Ok(()) };
        let part = cluster.part(cluster.output(Role::Detect, output::CHANGELOG), partition);
        let mut stages = self.stages(life.rules);
        let mut stage = || stages.stage(partition, self.plan.partitions);
        let (mut kept, mut lives) = (stage(), stage());
        let mut brought_back = life.copy_into(&mut lives);
        for entry in part.committed().filter(|entry| entry.key.as_deref() != Some(task_record::KEY)) {
            let key = entry.key.as_deref().unwrap_or_default();
            brought_back = brought_back.and_then(|()| kept.restore(key, entry.value.as_deref()));
        }
        brought_back
            .and_then(|()| kept.restored(&life.clock, Some(&life.stage.memory())))
            .map_err(|what| Violation::new(Invariant::StateKept, what))?;
        state_of(kept).compare(&state_of(lives))
    }

    fn outcome_is_the_one(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        let mut stages = self.stages(0);
        let end = self.plan.end() + 1_000_000;
        let mut wanted = Vec::new();
        for partition in 0..self.plan.partitions {
            let stage = stages.stage(partition, self.plan.partitions);
            let specs = stages.inputs();
            let told = reference::run(stage, specs, cluster, partition, &self.repeats, end, &mut self.metrics)
                .map_err(|what| Violation::new(Invariant::SameOutcome, what))?;
            wanted.extend(told);
        }
        let mut got: Vec<Value> = self.escalations.clone();
        let grain = match self.plan.class {
            Class::Backlog => Grain::Account,
            _ => {
                // The context is as of going out, and that is a matter of milliseconds here.
                got.iter_mut().chain(&mut wanted).for_each(|record| record["context"] = Value::Null);
                Grain::Ticket
            }
        };
        Outcome::of(got)?.compare(&Outcome::of(wanted)?, grain)
    }
}

fn left_in_queue(cluster: &Cluster, partition: Partition) -> Result<BTreeMap<String, Value>, Violation> {
    let part = cluster.part(cluster.output(Role::Detect, output::ESCALATION_QUEUE), partition);
    let (mut decoder, mut left) = (Decoder::new(), BTreeMap::new());
    let mut last: BTreeMap<String, Option<&[u8]>> = BTreeMap::new();
    for entry in part.committed() {
        let key = String::from_utf8_lossy(entry.key.as_deref().unwrap_or_default()).into_owned();
        last.insert(key, entry.value.as_deref());
    }
    for (key, value) in last.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        let entry = decoder
            .to_json(RecordType::EscalationQueue, value)
            .map_err(|error| Violation::new(Invariant::QueueAgrees, format!("{key} is unreadable: {error}")))?;
        left.insert(key, entry);
    }
    Ok(left)
}
