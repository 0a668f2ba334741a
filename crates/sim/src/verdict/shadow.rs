//! A task as it would be had nothing ever interrupted it.

use serde_json::Value;
use tierline_invariants::state::State;
use tierline_invariants::{Invariant, Told, Violation};
use tierline_model::{Decoder, Millis, RecordType};
use tierline_observe::LaneMetrics;
use tierline_stream::clock::{At, Clock, ClockMode};
use tierline_stream::detect::{Detect, DetectStage};
use tierline_stream::log::{InputId, Offset, OutputId, Partition};
use tierline_stream::outbox::Pending;
use tierline_stream::stage::{Applied, Stage, Stages};
use tierline_stream::topics::output;

use super::traced::Call;
use crate::cluster::{self, Cluster};
use crate::rules;

/// See the module.
pub struct Shadow {
    pub partition: Partition,
    /// How many transactions were committed.
    pub version: u64,
    /// None: the task has never been.
    pub life: Option<Life>,
    /// By input: everything below is in effect.
    pub positions: Vec<Offset>,
}

/// A task that is.
pub struct Life {
    pub stage: DetectStage,
    pub clock: Clock,
    /// Under which rules.
    pub rules: usize,
}

/// A record of an output: where to, its key and its value.
pub type Written = (OutputId, Option<Vec<u8>>, Option<Vec<u8>>);

/// A record of `account-moves`: which partition it goes to, its key and its value.
pub type Moved = (Partition, Option<Vec<u8>>, Option<Vec<u8>>);

/// What came of a transaction's calls.
#[derive(Default)]
pub struct Consequences {
    pub written: Vec<Written>,
    /// What is written to `escalations`, with what it says.
    pub escalations: Vec<(Vec<u8>, Value)>,
    pub moved: Vec<Moved>,
    /// Records that nobody can take: input and offset.
    pub letters: Vec<(InputId, Offset)>,
}

impl Shadow {
    pub fn new(partition: Partition, inputs: usize) -> Shadow {
        Shadow { partition, version: 0, life: None, positions: vec![0; inputs] }
    }

    /// Lives through a transaction's calls; what comes of it.
    ///
    /// # Errors
    /// A call that no uninterrupted task would have had.
    pub fn play(
        &mut self,
        calls: &[Call],
        cluster: &Cluster,
        metrics: &mut LaneMetrics,
        grace: Millis,
        stages: impl Fn(usize) -> Detect,
    ) -> Result<Consequences, Violation> {
        let (mut all, mut moved, mut letters) = (Vec::new(), Vec::new(), Vec::new());
        let (mut decoder, mut escalations) = (Decoder::new(), Vec::new());
        for call in calls {
            if let &Call::Restored { rules, is_cold, .. } = call {
                self.come_back(rules, is_cold, cluster.partitions(), &stages)?;
            } else {
                let Some(life) = &mut self.life else {
                    return Err(Violation::new(Invariant::StateKept, format!("{call:?} on a task that never began")));
                };
                match *call {
                    Call::Apply { input, offset, dated, at } => {
                        life.clock_comes_to(at)?;
                        take(&mut self.positions, self.partition, cluster, input, offset)?;
                        let entry = cluster.part(Cluster::input(input), self.partition).at(offset);
                        let Some(entry) = entry.filter(|entry| entry.state == cluster::State::Committed) else {
                            let what = format!("{call:?}: there is no such record");
                            return Err(Violation::new(Invariant::ExactlyOnce, what));
                        };
                        let record = entry.as_record(input, self.partition);
                        match life.stage.apply(&mut life.clock, &record, dated, metrics) {
                            Applied::DeadLetter { .. } => letters.push((input, offset)),
                            Applied::Ok | Applied::PassedOver | Applied::Wait(_) => {}
                        }
                    }
                    Call::Advance { at } => {
                        life.clock_comes_to(at)?;
                        life.stage.advance(&life.clock);
                    }
                    // Only the first time of its life means anything, and a task has more than one process.
                    Call::CaughtUp { reached } => drop(life.stage.caught_up(reached)),
                    Call::Restored { .. } => {}
                }
            }
            if let Some(life) = &mut self.life {
                let mut pending = Pending::default();
                life.stage.outputs(&mut pending.outbox(self.partition, None), metrics);
                let written = written(&pending, &mut moved);
                let about = match *call {
                    Call::Apply { input, offset, .. } => cluster.part(Cluster::input(input), self.partition).at(offset),
                    _ => None,
                };
                let before = escalations.len();
                for (_, _, value) in written.iter().filter(|(output, ..)| *output == output::ESCALATIONS) {
                    let value = value.as_deref().unwrap_or_default();
                    let record = decoder.to_json(RecordType::Escalations, value);
                    let record = record.map_err(|error| Violation::new(Invariant::SameOutcome, error.to_string()))?;
                    escalations.push((value.to_vec(), record));
                }
                if matches!(call, Call::Advance { .. } | Call::Apply { dated: true, .. }) {
                    let told = escalations[before..].iter().map(|(_, record)| Told::of(record));
                    let told = told.collect::<Result<Vec<_>, _>>()?;
                    has_waited(&told, grace, about.and_then(|entry| entry.value.as_deref()))?;
                }
                all.extend(written);
            }
        }
        Ok(Consequences { written: all, escalations, moved, letters })
    }

    /// A process has brought the task back. Nothing comes of that, unless it never was or its rules are others.
    fn come_back(
        &mut self,
        rules: usize,
        is_cold: bool,
        partitions: i32,
        stages: &impl Fn(usize) -> Detect,
    ) -> Result<(), Violation> {
        let wrong = |what: &str| Err(Violation::new(Invariant::StateKept, what));
        match &self.life {
            None if !is_cold => wrong("a task that has never been was brought back"),
            Some(_) if is_cold => wrong("a task that has been begins anew"),
            Some(life) if life.rules == rules => Ok(()),
            Some(life) => {
                let mut stage = stages(rules).stage(self.partition, partitions);
                life.copy_into(&mut stage).map_err(|what| Violation::new(Invariant::StateKept, what))?;
                self.life = Some(Life { stage, clock: life.clock.clone(), rules });
                Ok(())
            }
            None => {
                let mut stage = stages(rules).stage(self.partition, partitions);
                let clock = Clock::new(&ClockMode::Wall, At::START);
                stage.restored(&clock, None).map_err(|what| Violation::new(Invariant::StateKept, what))?;
                self.life = Some(Life { stage, clock, rules });
                Ok(())
            }
        }
    }
}

impl Life {
    /// The whole state, as a restore would find it, into another stage; which is then settled.
    pub fn copy_into(&self, stage: &mut DetectStage) -> Result<(), String> {
        copy(&self.stage, stage, &self.clock)
    }

    fn clock_comes_to(&mut self, at: At) -> Result<(), Violation> {
        let now = self.clock.at();
        if at.now < now.now || (at.now == now.now && at.by_record && !now.by_record) {
            let what = format!("the clock shows {at:?}, and had shown {now:?}");
            return Err(Violation::new(Invariant::PositionsGrow, what));
        }
        self.clock = Clock::new(&ClockMode::Wall, at);
        Ok(())
    }
}

/// Brings `to` back as `from` is.
pub fn copy(from: &DetectStage, to: &mut DetectStage, clock: &Clock) -> Result<(), String> {
    let mut copied = Ok(());
    from.snapshot(&mut |key, value| {
        if copied.is_ok() {
            copied = to.restore(key, Some(value));
        }
    });
    copied.and_then(|()| to.restored(clock, Some(&from.memory())))
}

/// What a stage holds, key by key, once it has been brought back.
pub fn state_of(stage: DetectStage) -> State {
    let mut state = State::default();
    stage.meaning(&mut |key, value| state.take(key, Some(value)));
    state
}

/// A record is taken: the one after the last, but for what nobody sees.
fn take(
    positions: &mut [Offset],
    partition: Partition,
    cluster: &Cluster,
    input: InputId,
    offset: Offset,
) -> Result<(), Violation> {
    let position = &mut positions[usize::from(input.0)];
    if offset < *position {
        let what = format!("record {offset} of {input:?} is taken again; {position} was next");
        return Err(Violation::new(Invariant::ExactlyOnce, what));
    }
    none_between(cluster, input, partition, *position, offset)?;
    *position = offset + 1;
    Ok(())
}

/// What nothing but time made true has waited for stragglers: unless a record about its ticket let go of it, or something
/// else rose on the ticket with it, at once or by a record.
fn has_waited(told: &[Told<'_>], grace: Millis, record: Option<&[u8]>) -> Result<(), Violation> {
    let is_silence = |told: &Told<'_>| told.rule.is_some_and(|rule| rules::SILENCES.iter().any(|(id, _)| *id == rule));
    let record = record.map(String::from_utf8_lossy);
    for rise in told.iter().filter(|it| it.is_rise() && is_silence(it)) {
        let is_alone = told.iter().filter(|it| it.ticket_id == rise.ticket_id).all(is_silence);
        let is_told = record.as_ref().is_some_and(|text| text.contains(rise.ticket_id));
        if is_alone && !is_told && rise.detected_at < rise.became_true_at + grace {
            return Err(Violation::new(Invariant::NotEarly, format!("its grace isn't over: {rise:?}")));
        }
    }
    Ok(())
}

/// Between two places of an input lies nothing that must be taken.
pub fn none_between(
    cluster: &Cluster,
    input: InputId,
    partition: Partition,
    from: Offset,
    to: Offset,
) -> Result<(), Violation> {
    let part = cluster.part(Cluster::input(input), partition);
    let mut between = part.from(from).iter().take_while(|entry| entry.offset < to);
    match between.find(|entry| entry.state != cluster::State::Aborted) {
        Some(entry) => {
            let what = format!("record {} of {input:?}, partition {partition}, is passed over", entry.offset);
            Err(Violation::new(Invariant::ExactlyOnce, what))
        }
        None => Ok(()),
    }
}

fn written(pending: &Pending, moved: &mut Vec<Moved>) -> Vec<Written> {
    let mut all = Vec::new();
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let put: Result<(), ()> = pending.each(|_, write| {
        let (key, value) = (owned(write.key), owned(write.value));
        match write.output {
            output::ACCOUNT_MOVES => moved.push((write.partition, key, value)),
            output => all.push((output, key, value)),
        }
        Ok(())
    });
    debug_assert_eq!(put, Ok(()));
    all
}
