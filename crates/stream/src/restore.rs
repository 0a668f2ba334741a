//! How a task comes back: its checkpoint, if there is a valid one, then its changelog from there to its true end.
//!
//! The task record says where it stood in each input. What it says is believed; where it cannot be followed, the task
//! does not start: silently beginning anew would lose or repeat what people rely on.

use tierline_model::Millis;

use crate::checkpoint::{self, Checkpoint};
use crate::clock::{At, Clock};
use crate::log::{Failure, InputId, Log, Offset, Partition};
use crate::settings::LaneSettings;
use crate::stage::{Stage, Stages};
use crate::task::Task;
use crate::task_record::{self, TaskRecord};

/// A task as it was, and how that was found out.
pub struct Restored<S> {
    /// The task, not started yet.
    pub task: Task<S>,
    /// From where the log is to hand over each input; none: from its beginning.
    pub positions: Vec<(InputId, Option<Offset>)>,
    /// Changelog entries read.
    pub entries: u64,
    /// Whether a checkpoint spared the rest.
    pub from_checkpoint: bool,
}

/// What was read of a changelog.
struct Reading<S> {
    stage: S,
    record: Option<TaskRecord>,
    entries: u64,
}

/// Brings a task back. `now` is the real wall clock.
pub fn restore<L: Log, S: Stages>(
    log: &mut L,
    stages: &mut S,
    partition: Partition,
    partitions: i32,
    settings: &LaneSettings,
    now: Millis,
) -> Result<Restored<S::Stage>, Failure> {
    let from_checkpoint = match checkpoint::load(settings, stages.name(), partition, now) {
        Some(checkpoint) => read_tail(log, stages, partition, partitions, &checkpoint)?,
        None => None,
    };
    let spared = from_checkpoint.is_some();
    let reading = match from_checkpoint {
        Some(reading) => reading,
        None => read_all(log, stages, partition, partitions)?,
    };
    match reading.record {
        Some(record) => resume(log, stages, partition, partitions, settings, reading.stage, &record)
            .map(|(task, positions)| Restored { task, positions, entries: reading.entries, from_checkpoint: spared }),
        None if reading.entries == 0 => begin(log, stages, partition, settings, reading.stage),
        None => Err(Failure::Fatal(format!(
            "{} of partition {partition} has {} entries, but none says where its task stood in the inputs: \
             something else wrote to it. Let it be written by Tierline alone; to begin anew from what the inputs still \
             hold, delete the topic and run `tierline topics create`",
            changelog_name(stages),
            reading.entries,
        ))),
    }
}

/// Checkpoint and tail; none where they turn out not to belong together.
fn read_tail<L: Log, S: Stages>(
    log: &mut L,
    stages: &mut S,
    partition: Partition,
    partitions: i32,
    checkpoint: &Checkpoint,
) -> Result<Option<Reading<S::Stage>>, Failure> {
    let mut reading = Reading { stage: stages.stage(partition, partitions), record: None, entries: 0 };
    let mut fault = checkpoint.each(|key, value| reading.stage.restore(key, Some(value))).err();
    // The tail begins before the task record of the checkpoint's own transaction: one must come, of this incarnation.
    let mut belongs = true;
    let end = match fault {
        Some(_) => None,
        None => log.replay(stages.changelog(), partition, Some(checkpoint.offset), &mut |record| {
            take_entry(&mut reading, record.key, record.value, &mut fault);
            belongs &= reading.record.as_ref().is_none_or(|record| record.incarnation == checkpoint.incarnation);
        })?,
    };
    let void = match (&fault, end, &reading.record) {
        (Some(reason), _, _) => Some(reason.as_str()),
        (None, None, _) => Some("it speaks of a place that the changelog doesn't have"),
        (None, Some(_), None) => Some("the changelog ends before it"),
        (None, Some(_), Some(_)) if !belongs => Some("it is of another changelog"),
        _ => None,
    };
    Ok(match void {
        Some(reason) => {
            tracing::warn!(partition, reason, "checkpoint isn't used; reading the whole changelog");
            None
        }
        None => Some(reading),
    })
}

/// The whole changelog.
fn read_all<L: Log, S: Stages>(
    log: &mut L,
    stages: &mut S,
    partition: Partition,
    partitions: i32,
) -> Result<Reading<S::Stage>, Failure> {
    let mut reading = Reading { stage: stages.stage(partition, partitions), record: None, entries: 0 };
    let mut fault = None;
    log.replay(stages.changelog(), partition, None, &mut |record| {
        take_entry(&mut reading, record.key, record.value, &mut fault);
    })?;
    match fault {
        None => Ok(reading),
        Some(reason) => Err(Failure::Fatal(format!(
            "{} of partition {partition} cannot be read: {reason}. Run the version that wrote it; to begin anew from \
             what the inputs still hold, delete the topic and run `tierline topics create`",
            changelog_name(stages)
        ))),
    }
}

fn take_entry<S: Stage>(
    reading: &mut Reading<S>,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    fault: &mut Option<String>,
) {
    if fault.is_some() {
        return;
    }
    reading.entries += 1;
    let taken = match (key, value) {
        (Some(task_record::KEY), Some(value)) => TaskRecord::decode(value).map(|record| reading.record = Some(record)),
        (Some(task_record::KEY), None) => Err("its task record was deleted".to_owned()),
        (Some(key), value) => reading.stage.restore(key, value),
        (None, _) => Err("an entry has no key".to_owned()),
    };
    *fault = taken.err();
}

type Resumed<S> = (Task<S>, Vec<(InputId, Option<Offset>)>);

/// A task that goes on where it stood.
fn resume<L: Log, S: Stages>(
    log: &mut L,
    stages: &S,
    partition: Partition,
    partitions: i32,
    settings: &LaneSettings,
    mut stage: S::Stage,
    record: &TaskRecord,
) -> Result<Resumed<S::Stage>, Failure> {
    if record.partitions != partitions {
        return Err(Failure::Fatal(format!(
            "the inputs have {partitions} partitions, but the state in {} was made with {}: an account's records would \
             be split between tasks. Restore the former number, or name new topics for state and inputs",
            changelog_name(stages),
            record.partitions
        )));
    }
    let mut positions = Vec::new();
    for (place, spec) in stages.inputs().iter().enumerate() {
        let range = log.range(InputId(place as u16), partition)?;
        let position = record.position(&spec.topic);
        if position.is_none() && place == usize::from(InputId::DRIVER.0) {
            return Err(Failure::Fatal(format!(
                "the state in {} was made from another topic than {}. Name the former one, or name a new topic for the \
                 state",
                changelog_name(stages),
                spec.topic
            )));
        }
        positions.push(follow(spec.topic.as_str(), partition, position, range)?);
    }
    let clock = Clock::new(&settings.clock, record.clock);
    stage.restored(clock.reached(), Some(&record.memory)).map_err(|reason| {
        Failure::Fatal(format!("the state of partition {partition} cannot be taken back: {reason}"))
    })?;
    let handed: Vec<Offset> = positions.iter().map(|(_, offset)| *offset).collect();
    let mut task = Task::new(partition, stage, clock, stages.inputs(), &handed);
    task.incarnation = record.incarnation;
    task.cold = record.cold;
    let from = positions.iter().enumerate().map(|(place, (from, _))| (InputId(place as u16), *from)).collect();
    Ok((task, from))
}

/// From where to read an input: what to tell the log, and where that is.
fn follow(
    topic: &str,
    partition: Partition,
    position: Option<Offset>,
    (first, next): (Offset, Offset),
) -> Result<(Option<Offset>, Offset), Failure> {
    match position {
        Some(offset) if (first..=next).contains(&offset) => Ok((Some(offset), offset)),
        Some(offset) => Err(Failure::Fatal(format!(
            "partition {partition} of {topic} stands at offset {offset} by its state, but the topic holds {first} to \
             {next}: {}. To begin anew from what the inputs still hold, delete the changelog's topic and run `tierline \
             topics create`",
            if offset < first { "records were deleted before they were read" } else { "it was deleted and made anew" }
        ))),
        // Every task record names every input, so this one was added to the configuration since.
        None => {
            tracing::warn!(
                partition,
                topic,
                "the state knows nothing of this input yet; reading it from its beginning"
            );
            Ok((None, first))
        }
    }
}

/// A task that has never been.
fn begin<L: Log, S: Stages>(
    log: &mut L,
    stages: &S,
    partition: Partition,
    settings: &LaneSettings,
    mut stage: S::Stage,
) -> Result<Restored<S::Stage>, Failure> {
    let clock = Clock::new(&settings.clock, At::START);
    stage
        .restored(clock.reached(), None)
        .map_err(|reason| Failure::Fatal(format!("partition {partition} cannot begin: {reason}")))?;
    let mut handed = Vec::new();
    for place in 0..stages.inputs().len() {
        handed.push(log.range(InputId(place as u16), partition)?.0);
    }
    let mut task = Task::new(partition, stage, clock, stages.inputs(), &handed);
    task.incarnation = (settings.incarnation)();
    task.cold = stages.inputs().iter().any(|spec| spec.snapshot);
    let positions = (0..handed.len()).map(|place| (InputId(place as u16), None)).collect();
    Ok(Restored { task, positions, entries: 0, from_checkpoint: false })
}

fn changelog_name<S: Stages>(stages: &S) -> &str {
    &stages.outputs()[usize::from(stages.changelog().0)]
}
