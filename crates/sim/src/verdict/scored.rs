//! What the score stage commits: of each partition the signals of the messages that it passes, in their order, and
//! nothing else.

use tierline_invariants::{Invariant, Violation};
use tierline_observe::LaneMetrics;
use tierline_stream::clock::{At, Clock, ClockMode};
use tierline_stream::log::{InputId, Offset, Partition};
use tierline_stream::outbox::Pending;
use tierline_stream::score::ScoreStage;
use tierline_stream::stage::{Stage, Stages};
use tierline_stream::task_record::{self, TaskRecord};
use tierline_stream::topics::{Names, score_output};

use super::Verdict;
use crate::cluster::{Cluster, Entry, Role, State, TopicId, TxnId};
use crate::world::score;

/// A record of `signals`: its key and its value.
type Signal = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Where the score stage stands.
pub struct Scored {
    /// By partition: a stage that is never interrupted, and what of `tickets` it has passed.
    tasks: Vec<(ScoreStage, Offset)>,
    metrics: LaneMetrics,
}

impl Verdict {
    /// A transaction of the score stage was committed.
    ///
    /// # Errors
    /// It is not what must have been committed.
    pub fn scores_committed(
        &mut self,
        cluster: &Cluster,
        txn: TxnId,
        positions: &[(Partition, Offset)],
    ) -> Result<(), Violation> {
        let writes = cluster.txn(txn).map_or(&[][..], |txn| &txn.writes);
        let [changelog, signals] =
            [score_output::CHANGELOG, score_output::SIGNALS].map(|output| cluster.output(Role::Score, output));
        for &(topic, partition, offset) in writes {
            let is_fenced = topic == changelog || positions.iter().any(|&(other, _)| other == partition);
            if !is_fenced || ![changelog, signals].contains(&topic) {
                let what = format!("{} {partition}-{offset} was committed by a scorer", cluster.name(topic));
                return Err(Violation::new(Invariant::ExactlyOnce, what));
            }
        }
        for &(partition, position) in positions {
            let of = |wanted: TopicId| {
                let mine = writes.iter().filter(move |&&(topic, other, _)| (topic, other) == (wanted, partition));
                mine.filter_map(move |&(topic, partition, offset)| cluster.part(topic, partition).at(offset))
            };
            let signals: Vec<&Entry> = of(signals).collect();
            self.scored.passed(cluster, partition, position, &signals)?;
            let record = of(changelog).rfind(|entry| entry.key.as_deref() == Some(task_record::KEY));
            let record = record.and_then(|entry| TaskRecord::decode(entry.value.as_deref()?).ok());
            let stands = record.and_then(|record| record.position(&Names::default().tickets));
            if stands != Some(position) {
                let what = format!("the group was told {position} for {partition}, the task record {stands:?}");
                return Err(Violation::new(Invariant::PositionsGrow, what));
            }
            for entry in signals {
                self.inputs.sent(&Names::default().signals, partition, entry.offset, true);
            }
        }
        Ok(())
    }
}

impl Scored {
    pub fn new(partitions: Partition, metrics: LaneMetrics) -> Scored {
        let tasks = (0..partitions).map(|partition| (score().stage(partition, partitions), 0)).collect();
        Scored { tasks, metrics }
    }

    /// A task has come to a position, with these signals.
    fn passed(
        &mut self,
        cluster: &Cluster,
        partition: Partition,
        position: Offset,
        signals: &[&Entry],
    ) -> Result<(), Violation> {
        let passed = self.tasks[partition as usize].1;
        if position < passed {
            let what = format!("partition {partition} is scored from {position} again; {passed} was next");
            return Err(Violation::new(Invariant::PositionsGrow, what));
        }
        let wanted = self.said_before(cluster, partition, position)?;
        let got: Vec<Signal> = signals.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
        if got != wanted {
            let (got, wanted) = (got.len(), wanted.len());
            let what = format!(
                "{got} signals were committed of {partition} from {passed} to {position}; these are not the {wanted} that \
                 its messages say"
            );
            return Err(Violation::new(Invariant::SameOutcome, what));
        }
        Ok(())
    }

    /// What the messages say between where a task stood and a position.
    fn said_before(
        &mut self,
        cluster: &Cluster,
        partition: Partition,
        position: Offset,
    ) -> Result<Vec<Signal>, Violation> {
        let (stage, passed) = &mut self.tasks[partition as usize];
        let mut clock = Clock::new(&ClockMode::Wall, At::START);
        let entries = cluster.part(Cluster::input(InputId::DRIVER), partition).from(*passed);
        for entry in entries.iter().take_while(|entry| entry.offset < position) {
            match entry.state {
                State::Committed => {
                    let record = entry.as_record(InputId::DRIVER, partition);
                    stage.apply(&mut clock, &record, true, &mut self.metrics);
                }
                State::Aborted => {}
                State::Open(_) => {
                    let what = format!("{partition}-{} was passed while nobody may see it", entry.offset);
                    return Err(Violation::new(Invariant::ExactlyOnce, what));
                }
            }
        }
        *passed = position;
        let mut pending = Pending::default();
        stage.outputs(&mut pending.outbox(partition, None), &mut self.metrics);
        let mut said = Vec::new();
        let all: Result<(), Violation> = pending.each(|_, write| {
            said.push((write.key.map(<[u8]>::to_vec), write.value.map(<[u8]>::to_vec)));
            Ok(())
        });
        all.map(|()| said)
    }

    /// Everything that can be read has been scored.
    ///
    /// # Errors
    /// Something was not.
    pub fn everything(&self, cluster: &Cluster) -> Result<(), Violation> {
        for ((_, passed), partition) in self.tasks.iter().zip(0..) {
            let tickets = cluster.part(Cluster::input(InputId::DRIVER), partition);
            if let Some(last) = tickets.committed().last().filter(|last| last.offset >= *passed) {
                let what = format!("{partition} was scored to {passed}, and has records up to {}", last.offset);
                return Err(Violation::new(Invariant::ExactlyOnce, what));
            }
        }
        Ok(())
    }
}
