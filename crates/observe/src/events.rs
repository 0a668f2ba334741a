//! What happens seldom and matters: each event writes its log line and its metric, so that neither is forgotten.
//!
//! No line carries what a customer wrote; ids, codes, places and counts only.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::{CheckpointOutcome, LaneMetrics, Topic, Trouble};

/// A record could not be taken and goes to `dead-letters`.
pub struct DeadLettered<'a> {
    /// The input, by its place in the lane's list.
    pub input: Topic,
    /// The input's name.
    pub topic: &'a str,
    /// Where it stood.
    pub partition: i32,
    /// Where it stood.
    pub offset: i64,
    /// The stable code.
    pub error: &'static str,
}

impl DeadLettered<'_> {
    /// Counts with the next flush, and says so now.
    pub fn emit(self, lane: &mut LaneMetrics) {
        let DeadLettered { input, topic, partition, offset, error } = self;
        tracing::warn!(topic, partition, offset, error, "record goes to dead-letters");
        lane.dead_letter(input, error);
    }
}

/// A transaction was aborted; the lane's state is dropped and restored.
pub struct Aborted<'a> {
    /// Of which lane.
    pub lane: usize,
    /// Why, in the log's words.
    pub why: &'a str,
    /// How long it had been under way.
    pub after: Duration,
}

impl Aborted<'_> {
    /// Takes back what was counted in it.
    pub fn emit(self, metrics: &mut LaneMetrics) {
        let Aborted { lane, why, after } = self;
        tracing::warn!(lane, why, "transaction aborted; restoring the lane's tasks");
        metrics.transaction(after.as_secs_f64(), "aborted");
        metrics.discard();
    }
}

/// A transaction took effect. No log line: ten a second would drown the rest.
pub struct Committed {
    /// How long the commit took.
    pub took: Duration,
}

impl Committed {
    /// Makes visible what was counted in it.
    pub fn emit(self, metrics: &mut LaneMetrics) {
        tracing::trace!(took_ms = self.took.as_millis() as u64, "transaction committed");
        metrics.transaction(self.took.as_secs_f64(), "committed");
        metrics.flush();
    }
}

/// A restore goes on.
pub struct Restoring {
    /// Which task.
    pub partition: i32,
    /// What is being read: `checkpoint` or `changelog`.
    pub from: &'static str,
    /// Entries read of it so far.
    pub entries: u64,
    /// How many of them since this was last said.
    pub more: u64,
    /// How long ago that was.
    pub since: Duration,
    /// How much of it has been read, 0 to 1; none: nobody can tell.
    pub share: Option<f64>,
}

impl Restoring {
    /// Says so and counts what was read.
    pub fn emit(self, metrics: &LaneMetrics) {
        let Restoring { partition, from, entries, more, since, share } = self;
        let per_second = (more as f64 / since.as_secs_f64()) as u64;
        let percent = share.map(|share| (share * 100.0) as u64);
        tracing::info!(partition, from, entries, per_second, percent, "restoring");
        metrics.restored_entries(from, more);
        if let Some(share) = share {
            metrics.restoring(partition, share);
        }
    }
}

/// A checkpoint was written, or could not be.
pub struct CheckpointSaved<'a> {
    /// Of which task.
    pub partition: i32,
    /// Where to.
    pub folder: &'a Path,
    /// How many bytes its entries take; or why it is not there.
    pub saved: io::Result<u64>,
}

impl CheckpointSaved<'_> {
    /// Says so and counts it.
    pub fn emit(self, metrics: &LaneMetrics) {
        let CheckpointSaved { partition, folder, saved } = self;
        match saved {
            Ok(bytes) => {
                tracing::debug!(partition, bytes, "checkpoint written");
                metrics.checkpoint(CheckpointOutcome::Written);
            }
            Err(error) => {
                let folder = folder.display();
                tracing::warn!(partition, %error, %folder, "checkpoint could not be written; a restart reads more");
                metrics.checkpoint(CheckpointOutcome::Failed);
            }
        }
    }
}

/// A checkpoint is due and is not begun, for the log does not say where its changelog ends.
pub struct CheckpointPutOff<'a> {
    /// Of which task.
    pub partition: i32,
    /// Why, in the log's words.
    pub why: &'a str,
}

impl CheckpointPutOff<'_> {
    /// Says so and counts it.
    pub fn emit(self, metrics: &LaneMetrics) {
        let CheckpointPutOff { partition, why } = self;
        tracing::warn!(partition, why, "no checkpoint is made for now");
        metrics.checkpoint(CheckpointOutcome::PutOff);
    }
}

/// A restore waits, because the log cannot tell now what it needs.
pub struct RestoreWaits<'a> {
    /// Of which task.
    pub partition: i32,
    /// For what, in the log's words.
    pub why: &'a str,
    /// How often it has been tried.
    pub tried: u32,
}

impl RestoreWaits<'_> {
    /// Says so, more and more seldom, and counts it once.
    pub fn emit(self, metrics: &LaneMetrics) {
        let RestoreWaits { partition, why, tried } = self;
        if tried.is_power_of_two() {
            tracing::warn!(partition, why, tried, "restore waits; it goes on by itself");
        }
        if tried == 1 {
            metrics.trouble(Trouble::RestoreWaited);
        }
        metrics.caught_up(partition, false);
    }
}

/// A task's state is back.
pub struct Restored {
    /// Which task.
    pub partition: i32,
    /// Changelog entries read.
    pub entries: u64,
    /// Whether a checkpoint spared the rest.
    pub from_checkpoint: bool,
    /// How long it took.
    pub took: Duration,
}

impl Restored {
    /// Says so and times it.
    pub fn emit(self, metrics: &LaneMetrics) {
        let Restored { partition, entries, from_checkpoint, took } = self;
        tracing::info!(partition, entries, from_checkpoint, took_ms = took.as_millis() as u64, "task restored");
        metrics.restored(took.as_secs_f64());
        metrics.restoring(partition, 1.0);
    }
}

/// Imports never said that they ended: their tickets are looked at without the rest.
pub struct ImportsTimedOut {
    /// Which task.
    pub partition: i32,
    /// How many imports.
    pub imports: u64,
}

impl ImportsTimedOut {
    /// Counts with the next flush, and says so now.
    pub fn emit(self, lane: &mut LaneMetrics) {
        let ImportsTimedOut { partition, imports } = self;
        tracing::warn!(
            partition,
            imports,
            "no end mark has come for time.import_timeout: what was imported is looked at as it is; run the import again \
             to complete it"
        );
        lane.passed_over(crate::PassedOver::ImportTimedOut, imports);
    }
}

/// Tickets that were said to come from other accounts did not: what waited for them is taken without them.
pub struct MovesGivenUp {
    /// Which task.
    pub partition: i32,
    /// How many tickets.
    pub tickets: u64,
}

impl MovesGivenUp {
    /// Counts with the next flush, and says so now.
    pub fn emit(self, lane: &mut LaneMetrics) {
        let MovesGivenUp { partition, tickets } = self;
        tracing::warn!(
            partition,
            tickets,
            "tickets announced from other accounts have not come for a day: what waited for them is taken without what \
             was known of them there. See which task of the group stands still"
        );
        lane.passed_over(crate::PassedOver::MoveGivenUp, tickets);
    }
}

/// Rules were already true when a task first caught up, or when they were changed: they stay silent.
pub struct LatchedQuietly {
    /// Which task.
    pub partition: i32,
    /// How many latches.
    pub latches: u64,
}

impl LatchedQuietly {
    /// Counts with the next flush, and says so now.
    pub fn emit(self, lane: &mut LaneMetrics) {
        let LatchedQuietly { partition, latches } = self;
        tracing::info!(partition, latches, "rules that were true already stay silent");
        lane.passed_over(crate::PassedOver::QuietLatch, latches);
    }
}
