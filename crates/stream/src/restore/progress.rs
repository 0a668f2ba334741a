//! How far a restore has come: a line in the log every few seconds, and metrics beside it.

use std::time::Duration;

use tierline_model::Millis;
use tierline_observe::LaneMetrics;
use tierline_observe::events::Restoring;

use crate::log::Partition;

/// How often a restore says where it stands.
const EVERY: Millis = 5_000;
/// The clock is looked at once in so many entries.
const LOOK: u64 = 1_024;

/// Who hears of a restore.
#[derive(Clone, Copy)]
pub struct Watch<'w> {
    /// The real wall clock.
    pub wall: &'w dyn Fn() -> Millis,
    /// Where it is counted.
    pub metrics: &'w LaneMetrics,
}

/// One reading, of a checkpoint or of a changelog.
pub(super) struct Progress<'w> {
    watch: Watch<'w>,
    partition: Partition,
    from: &'static str,
    entries: u64,
    /// Those that have been told of already, and when.
    told: u64,
    told_at: Millis,
}

impl<'w> Progress<'w> {
    /// It begins.
    pub fn new(watch: Watch<'w>, partition: Partition, from: &'static str) -> Progress<'w> {
        watch.metrics.restoring(partition, 0.0);
        Progress { watch, partition, from, entries: 0, told: 0, told_at: (watch.wall)() }
    }

    /// An entry has been taken; `share` says how much of all has been read, 0 to 1, where anybody can tell.
    pub fn entry(&mut self, share: impl FnOnce() -> Option<f64>) {
        self.entries += 1;
        if self.entries.is_multiple_of(LOOK) {
            let now = (self.watch.wall)();
            if now - self.told_at >= EVERY {
                self.tell(now, share());
            }
        }
    }

    /// That was all of it.
    pub fn end(self) {
        self.watch.metrics.restored_entries(self.from, self.entries - self.told);
    }

    fn tell(&mut self, now: Millis, share: Option<f64>) {
        let since = Duration::from_millis((now - self.told_at).max(1) as u64);
        let Progress { partition, from, entries, .. } = *self;
        Restoring { partition, from, entries, more: entries - self.told, since, share }.emit(self.watch.metrics);
        (self.told, self.told_at) = (self.entries, now);
    }
}
