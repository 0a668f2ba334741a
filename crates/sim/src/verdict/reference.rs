//! A run without a lane, a log or a fault: all records in their order, into one stage.

use serde_json::Value;
use tierline_model::{Decoder, Millis, RecordType};
use tierline_observe::LaneMetrics;
use tierline_stream::clock::{At, Clock, ClockMode};
use tierline_stream::detect::DetectStage;
use tierline_stream::log::{InputId, Offset, Partition};
use tierline_stream::outbox::Pending;
use tierline_stream::stage::{InputSpec, Stage};
use tierline_stream::topics::output;

use crate::cluster::{Cluster, Entry, State};

/// What one uninterrupted run over a partition's inputs tells up to `end`. Repeats are left out: that they were told
/// again must not matter.
pub fn run(
    mut stage: DetectStage,
    specs: &[InputSpec],
    cluster: &Cluster,
    partition: Partition,
    repeats: &[(usize, Partition, Offset)],
    end: Millis,
    metrics: &mut LaneMetrics,
) -> Result<Vec<Value>, String> {
    let mut clock = Clock::new(&ClockMode::Wall, At::START);
    stage.restored(&clock, None)?;
    let mut pending = Pending::default();
    for is_cold in [true, false] {
        let mut queues: Vec<std::collections::VecDeque<(InputId, &Entry)>> = Vec::new();
        for (place, spec) in specs.iter().enumerate() {
            let input = InputId(place as u16);
            let entries = cluster.part(Cluster::input(input), partition).from(0).iter();
            let is_told = |entry: &&Entry| {
                entry.state == State::Committed && !repeats.contains(&(place, partition, entry.offset))
            };
            let mine = spec.snapshot == is_cold;
            queues.push(entries.filter(is_told).filter(|_| mine).map(|entry| (input, entry)).collect());
        }
        loop {
            // The earliest instant first, then the lowest rank.
            let mut best: Option<((Millis, u8), usize)> = None;
            for (place, queue) in queues.iter().enumerate() {
                let Some((input, entry)) = queue.front() else { continue };
                let order = (stage.instant(&entry.as_record(*input, partition))?, specs[place].rank);
                if best.is_none_or(|(least, _)| order < least) {
                    best = Some((order, place));
                }
            }
            let Some((input, entry)) = best.and_then(|(_, place)| queues[place].pop_front()) else { break };
            stage.apply(&mut clock, &entry.as_record(input, partition), !is_cold, metrics);
            if !is_cold {
                fire(&mut stage, &clock);
            }
            stage.outputs(&mut pending.outbox(partition, None), metrics);
        }
    }
    clock.run_on_to(end);
    stage.caught_up(clock.reached());
    fire(&mut stage, &clock);
    stage.outputs(&mut pending.outbox(partition, None), metrics);
    escalations(&pending)
}

fn fire(stage: &mut DetectStage, clock: &Clock) {
    if stage.next_deadline().is_some_and(|deadline| deadline <= clock.reached()) {
        stage.advance(clock);
    }
}

fn escalations(pending: &Pending) -> Result<Vec<Value>, String> {
    let (mut decoder, mut records) = (Decoder::new(), Vec::new());
    pending.each(|_, write| {
        if write.output == output::ESCALATIONS {
            let value = write.value.unwrap_or_default();
            records.push(decoder.to_json(RecordType::Escalations, value).map_err(|error| error.to_string())?);
        }
        Ok::<(), String>(())
    })?;
    Ok(records)
}
