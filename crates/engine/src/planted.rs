//! Bugs that can be switched on, to show that the simulator finds them.
//!
//! Without the feature `planted`, which no release has, [`planted`] is `false` for all of them and nothing is left of
//! the question. A bug of the sort *X is forgotten* is one line where X is remembered: that is what it must be found by.

/// A bug. Each says what goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// Positions are committed, and what they stand for in a transaction of its own.
    PositionBeforeOutput,
    /// What only a timer brought about is committed without a position of the group: nothing fences it.
    UnfencedTimer,
    /// A task that comes back begins with a clock that has seen nothing.
    ClockNotRestored,
    /// A checkpoint is believed, whatever changelog it is of.
    ForeignCheckpoint,
    /// A checkpoint is believed, however old it is: tombstones of what it holds are gone.
    OldCheckpoint,
    /// A checkpoint's sum is not checked.
    TornCheckpoint,
    /// A checkpoint is stamped with where the changelog ends after what came later.
    CheckpointStampedLate,
    /// Between two pieces of a checkpoint an account is left out.
    CheckpointWithAGap,
    /// The positions of all inputs but the driver's are not remembered.
    SidePositionForgotten,
    /// What was handed over counts as taken.
    HandedIsTaken,
    /// One input that has passed its end speaks for all.
    CaughtUpByOneInput,
    /// After an abort, the tasks go on as they stand.
    AbortKeepsState,
    /// A restore reads to where an open transaction hides the rest.
    RestoreStopsAtStableEnd,
    /// A commit under a stale generation is accepted.
    StaleGenerationCommitted,
    /// Dead letters are written outside the transaction.
    DeadLetterOutside,
    /// Tickets that go to another account are handed over outside the transaction.
    MovedOutside,
    /// What a message says is written outside the transaction.
    SignalOutside,
    /// With changed rules, the new deadlines are not worked out.
    TimerNotRederived,
    /// What changed rules forget is not written.
    ForgettingNotWritten,
    /// A held rise does not come back.
    HeldRiseLost,
    /// A latch does not come back.
    LatchLost,
    /// One too many leaves a window.
    WindowEvictsOneTooMany,
    /// An event that comes again counts again.
    RepeatNotRecognised,
    /// Of several changed tickets one is left out of the changelog.
    ChangeLeftOut,
    /// What is gone is not deleted from the changelog.
    TombstoneLost,
    /// A ticket's second escalation has the id of its first.
    SameIdAgain,
    /// A rise at a bound goes out at once.
    NoGrace,
    /// How far sources were heard does not come back.
    HeardForgotten,
    /// Nobody knows after a restore who sleeps until an import ends.
    SleepersForgotten,
    /// Nobody knows after a restore which tickets have gone elsewhere or are on their way here.
    StraysForgotten,
}

impl Bug {
    /// All of them.
    pub const ALL: &[Bug] = &[
        Bug::PositionBeforeOutput,
        Bug::UnfencedTimer,
        Bug::ClockNotRestored,
        Bug::ForeignCheckpoint,
        Bug::OldCheckpoint,
        Bug::TornCheckpoint,
        Bug::CheckpointStampedLate,
        Bug::CheckpointWithAGap,
        Bug::SidePositionForgotten,
        Bug::HandedIsTaken,
        Bug::CaughtUpByOneInput,
        Bug::AbortKeepsState,
        Bug::RestoreStopsAtStableEnd,
        Bug::StaleGenerationCommitted,
        Bug::DeadLetterOutside,
        Bug::MovedOutside,
        Bug::SignalOutside,
        Bug::TimerNotRederived,
        Bug::ForgettingNotWritten,
        Bug::HeldRiseLost,
        Bug::LatchLost,
        Bug::WindowEvictsOneTooMany,
        Bug::RepeatNotRecognised,
        Bug::ChangeLeftOut,
        Bug::TombstoneLost,
        Bug::SameIdAgain,
        Bug::NoGrace,
        Bug::HeardForgotten,
        Bug::SleepersForgotten,
        Bug::StraysForgotten,
    ];
}

/// Whether this bug is planted in this thread.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "planted")]
pub use switch::{plant, planted};

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    thread_local!(static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) });

    /// Plants a bug in this thread, in the place of the one before.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    /// Whether this bug is planted in this thread.
    pub fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}
