//! How a task comes back: its checkpoint, if there is a valid one, then its changelog from there to its true end.
//!
//! The task record says where it stood in each input. What it says is believed; where it cannot be followed, the task
//! does not start: silently beginning anew would lose or repeat what people rely on.

mod progress;

use tierline_engine::planted::{Bug, planted};
use tierline_observe::CheckpointOutcome;

use crate::checkpoint::{self, Checkpoint, Fault, Found, Source};
use crate::clock::{At, Clock};
use crate::log::{Failure, InputId, Log, Offset, Partition};
use crate::settings::LaneSettings;
use crate::stage::{Stage, Stages};
use crate::task::Task;
use crate::task_record::{self, TaskRecord};
use progress::Progress;

pub use progress::Watch;

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

/// Brings a task back. While that lasts, `watch` hears how far it has come.
///
/// # Errors
/// Where it cannot go on as it stood: going on would lose or repeat something.
pub fn restore<L: Log, S: Stages>(
    log: &mut L,
    stages: &mut S,
    partition: Partition,
    partitions: i32,
    settings: &LaneSettings,
    watch: Watch<'_>,
) -> Result<Restored<S::Stage>, Failure> {
    let from_checkpoint = match checkpoint::load(settings, stages.name(), partition, (watch.wall)()) {
        Found::Whole(checkpoint) => {
            let empty = stages.stage(partition, partitions);
            match read_checkpoint(empty, partition, checkpoint, watch) {
                Ok(copy) => read_tail(log, stages, partition, copy, watch)?.ok_or(CheckpointOutcome::Foreign),
                Err(fault) => {
                    checkpoint::set_aside(settings, stages.name(), partition, &fault);
                    Err(CheckpointOutcome::Damaged)
                }
            }
            .inspect(|_| watch.metrics.checkpoint(CheckpointOutcome::Restored))
            .inspect_err(|&outcome| {
                watch.metrics.checkpoint(outcome);
                // Once the changelog has grown past it, it would be taken for one of its own.
                if outcome == CheckpointOutcome::Foreign {
                    checkpoint::delete(settings, stages.name(), partition);
                }
            })
            .ok()
        }
        Found::Nothing => None,
        Found::TooOld => {
            watch.metrics.checkpoint(CheckpointOutcome::TooOld);
            None
        }
        Found::Damaged => {
            watch.metrics.checkpoint(CheckpointOutcome::Damaged);
            None
        }
    };
    let spared = from_checkpoint.is_some();
    let reading = match from_checkpoint {
        Some(reading) => reading,
        None => read_all(log, stages, partition, partitions, watch)?,
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

/// A checkpoint, taken.
struct Copy<S> {
    stage: S,
    incarnation: u128,
    offset: Offset,
}

fn read_checkpoint<S: Stage>(
    mut stage: S,
    partition: Partition,
    mut checkpoint: Checkpoint<Box<dyn Source>>,
    watch: Watch<'_>,
) -> Result<Copy<S>, Fault> {
    let (mut progress, mut read) = (Progress::new(watch, partition, "checkpoint"), 0);
    let length = checkpoint.length;
    checkpoint.each(|key, value| {
        read += (key.len() + value.len() + 8) as u64;
        progress.entry(|| Some(read as f64 / length as f64));
        stage.restore(key, Some(value))
    })?;
    progress.end();
    Ok(Copy { stage, incarnation: checkpoint.incarnation, offset: checkpoint.offset })
}

/// What follows a checkpoint; none where they turn out not to belong together.
fn read_tail<L: Log, S: Stages>(
    log: &mut L,
    stages: &S,
    partition: Partition,
    copy: Copy<S::Stage>,
    watch: Watch<'_>,
) -> Result<Option<Reading<S::Stage>>, Failure> {
    let Copy { stage, incarnation, offset } = copy;
    let mut reading = Reading { stage, record: None, entries: 0 };
    let mut fault = None;
    // The tail begins before the task record of the checkpoint's own transaction: one must come, of this incarnation.
    let mut belongs = true;
    let end = read_from(log, stages, partition, Some(offset), &mut reading, &mut fault, watch, &mut |reading| {
        belongs &= reading.record.as_ref().is_none_or(|record| record.incarnation == incarnation);
    })?;
    let void = match (&fault, end, &reading.record) {
        (Some(reason), _, _) => Some(reason.as_str()),
        (None, None, _) => Some("it speaks of a place that the changelog doesn't have"),
        (None, Some(_), None) => Some("the changelog ends before it"),
        (None, Some(_), Some(_)) if !belongs && !planted(Bug::ForeignCheckpoint) => Some("it is of another changelog"),
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

/// The changelog from here to its end, which is returned; none: it has no such place.
#[allow(clippy::too_many_arguments, reason = "what is read, from where, into what, and who hears of it")]
fn read_from<L: Log, S: Stages>(
    log: &mut L,
    stages: &S,
    partition: Partition,
    from: Option<Offset>,
    reading: &mut Reading<S::Stage>,
    fault: &mut Option<String>,
    watch: Watch<'_>,
    after_each: &mut dyn FnMut(&Reading<S::Stage>),
) -> Result<Option<Offset>, Failure> {
    // For people alone: a log that cannot say now will say so where it matters.
    let end = log.output_end(stages.changelog(), partition).ok();
    let mut progress = Progress::new(watch, partition, "changelog");
    let mut first = from;
    let reached = log.replay(stages.changelog(), partition, from, &mut |record| {
        take_entry(reading, record.key, record.value, fault);
        after_each(reading);
        let first = *first.get_or_insert(record.offset);
        progress.entry(|| Some((record.offset + 1 - first) as f64 / (end? - first).max(1) as f64));
    })?;
    progress.end();
    Ok(reached)
}

/// The whole changelog.
fn read_all<L: Log, S: Stages>(
    log: &mut L,
    stages: &mut S,
    partition: Partition,
    partitions: i32,
    watch: Watch<'_>,
) -> Result<Reading<S::Stage>, Failure> {
    let mut reading = Reading { stage: stages.stage(partition, partitions), record: None, entries: 0 };
    let mut fault = None;
    read_from(log, stages, partition, None, &mut reading, &mut fault, watch, &mut |_| {})?;
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
        let with = format!("the state in {} was made with {}", changelog_name(stages), record.partitions);
        return Err(other_number(&with, partitions));
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
        positions.push(match position {
            Some(offset) if !stages.holds_state() && !(range.0..=range.1).contains(&offset) => {
                let (topic, first) = (spec.topic.as_str(), range.0);
                tracing::warn!(partition, topic, offset, first, "what came next is gone; going on with the earliest");
                (Some(first), first)
            }
            position => follow(spec.topic.as_str(), partition, position, range)?,
        });
    }
    let at = if planted(Bug::ClockNotRestored) { At::START } else { record.clock };
    let clock = Clock::new(&settings.clock, at);
    stage.restored(&clock, Some(&record.memory)).map_err(|reason| {
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

/// The end of a changelog in which its newest task record is looked for first: every transaction writes one, and few
/// end behind it that were aborted.
const NEWEST: Offset = 64;

/// A task that has never been has no record of how many partitions there were: where some were added, and one of those
/// is all that is given to a lane, the newest record of the first partition says so.
///
/// # Errors
/// There were others, or the log cannot tell.
pub(crate) fn refuse_other_number<L: Log, S: Stages>(
    log: &mut L,
    stages: &S,
    partition: Partition,
    partitions: i32,
) -> Result<(), Failure> {
    const FIRST: Partition = 0;
    let end = if partition == FIRST { 0 } else { log.output_end(stages.changelog(), FIRST)? };
    let (mut newest, mut back) = (None, NEWEST);
    while end > 0 && newest.is_none() {
        let from = end.checked_sub(back).filter(|from| *from > 0);
        let reached = log.replay(stages.changelog(), FIRST, from, &mut |record| {
            if let (Some(task_record::KEY), Some(value)) = (record.key, record.value) {
                // One that cannot be read is for its own task to complain of.
                newest = TaskRecord::decode(value).ok().or(newest.take());
            }
        })?;
        match (reached, from) {
            (Some(_), None) => break,
            (Some(_), Some(_)) => back = back.saturating_mul(16),
            // Its beginning is gone.
            (None, _) => back = Offset::MAX,
        }
    }
    match newest {
        Some(record) if record.partitions != partitions => {
            let with = format!("the state in {} was made with {}", changelog_name(stages), record.partitions);
            Err(other_number(&with, partitions))
        }
        _ => Ok(()),
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
        .restored(&clock, None)
        .map_err(|reason| Failure::Fatal(format!("partition {partition} cannot begin: {reason}")))?;
    let mut handed = Vec::new();
    for place in 0..stages.inputs().len() {
        let (first, next) = log.range(InputId(place as u16), partition)?;
        handed.push(if stages.begins_at_the_end() { next } else { first });
    }
    let mut task = Task::new(partition, stage, clock, stages.inputs(), &handed);
    task.incarnation = (settings.incarnation)();
    task.cold = stages.inputs().iter().any(|spec| spec.snapshot);
    // Where it begins is found out once: what comes meanwhile is behind it.
    let from = |offset: &Offset| stages.begins_at_the_end().then_some(*offset);
    let positions = handed.iter().enumerate().map(|(place, offset)| (InputId(place as u16), from(offset))).collect();
    Ok(Restored { task, positions, entries: 0, from_checkpoint: false })
}

/// The inputs do not have as many partitions as before, and no log takes partitions away again.
pub(crate) fn other_number(before: &str, now: i32) -> Failure {
    Failure::Fatal(format!(
        "the inputs have {now} partitions now, but {before}: an account's records would be split between tasks, and a \
         partition cannot be taken away again. Name new topics for inputs, outputs and state under `topics`, make them \
         with `tierline topics create --partitions N`, and have the inputs written to them anew"
    ))
}

fn changelog_name<S: Stages>(stages: &S) -> &str {
    &stages.outputs()[usize::from(stages.changelog().0)]
}
