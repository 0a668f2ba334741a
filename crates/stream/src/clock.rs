//! A task's clock: what it says, what moves it, and what it says is over.
//!
//! In a backlog it is the newest instant of the records that move clocks; caught up, it is the wall clock, as of the
//! last question for the inputs' ends that the task has passed. It never runs backwards.

use serde::{Deserialize, Serialize};
use tierline_model::Millis;
use tierline_rules::Edge;

/// What a task's clock follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClockMode {
    /// Records in a backlog, the wall when caught up.
    Wall,
    /// The same, with a wall that runs faster.
    Scaled(Scale),
    /// Records alone, on any log: for tests and backtests.
    Events,
}

impl ClockMode {
    /// What this mode's wall shows at an instant of the real one.
    pub fn wall(&self, real: Millis) -> Millis {
        match self {
            ClockMode::Wall | ClockMode::Events => real,
            ClockMode::Scaled(scale) => scale.at(real),
        }
    }

    /// How long a length of this mode's wall lasts in real milliseconds, rounded up.
    pub fn real_length(&self, length: Millis) -> Millis {
        match self {
            ClockMode::Wall | ClockMode::Events => length,
            ClockMode::Scaled(scale) => (length as f64 / scale.factor).ceil() as Millis,
        }
    }
}

/// A wall clock that runs faster than the real one. Whoever stamps append times uses the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The real instant at which it was set.
    pub real_origin: Millis,
    /// What it showed then.
    pub origin: Millis,
    /// How many of its seconds pass in a real one; above 0.
    pub factor: f64,
}

impl Scale {
    /// What it shows at an instant of the real wall.
    pub fn at(&self, real: Millis) -> Millis {
        self.origin + ((real - self.real_origin) as f64 * self.factor) as Millis
    }
}

/// A task's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    at: At,
    follows_wall: bool,
}

/// What of a clock is part of the task's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// What it shows.
    pub now: Millis,
    /// A record moved it there: more of the same instant may follow, so the instant itself isn't over yet.
    pub by_record: bool,
}

impl At {
    /// The clock of a task that has never seen anything.
    pub const START: At = At { now: 0, by_record: true };
}

impl Clock {
    /// A clock that stands where it stood.
    pub fn new(mode: &ClockMode, at: At) -> Clock {
        Clock { at, follows_wall: *mode != ClockMode::Events }
    }

    /// What it shows, UTC.
    pub fn now(&self) -> Millis {
        self.at.now
    }

    /// Which side of the instant that it shows it stands on: [`Edge::Bounds`] where that is over.
    pub fn edge(&self) -> Edge {
        if self.at.by_record { Edge::Records } else { Edge::Bounds }
    }

    /// The last instant that is over: bounds up to and including it are reached.
    pub fn reached(&self) -> Millis {
        if self.at.by_record { self.at.now - 1 } else { self.at.now }
    }

    /// A record that moves clocks happened at `instant`; a late one changes nothing.
    pub fn witness(&mut self, instant: Millis) {
        if instant > self.at.now {
            self.at = At { now: instant, by_record: true };
        }
    }

    /// Everything that was there at `instant` of the wall has been read.
    pub fn caught_up_to(&mut self, instant: Millis) {
        if self.follows_wall {
            self.run_on_to(instant);
        }
    }

    /// Nothing more will come from before or at `instant`.
    pub fn run_on_to(&mut self, instant: Millis) {
        if instant >= self.at.now {
            self.at = At { now: instant, by_record: false };
        }
    }

    /// Whether the wall can move it.
    pub fn follows_wall(&self) -> bool {
        self.follows_wall
    }

    /// What of it belongs into the task's state.
    pub fn at(&self) -> At {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clock(mode: ClockMode) -> Clock {
        Clock::new(&mode, At::START)
    }

    #[test]
    fn in_a_backlog_it_is_the_newest_record() {
        let mut clock = clock(ClockMode::Wall);
        clock.witness(500);
        clock.witness(300);
        assert_eq!(clock.now(), 500);
        assert_eq!(clock.reached(), 499, "another record of the very instant may come");
    }

    #[test]
    fn caught_up_it_is_the_wall() {
        let mut clock = clock(ClockMode::Wall);
        clock.witness(500);
        clock.caught_up_to(500);
        assert_eq!(clock.reached(), 500);
        clock.caught_up_to(800);
        assert_eq!((clock.now(), clock.reached()), (800, 800));
    }

    #[test]
    fn by_events_alone_the_wall_is_not_heard() {
        let mut clock = clock(ClockMode::Events);
        clock.witness(500);
        clock.caught_up_to(9_000);
        assert_eq!(clock.now(), 500);
        clock.run_on_to(9_000);
        assert_eq!(clock.reached(), 9_000);
    }

    #[test]
    fn a_scaled_wall_runs_faster() {
        let mode = ClockMode::Scaled(Scale { real_origin: 1_000, origin: 50_000, factor: 300.0 });
        assert_eq!(mode.wall(1_010), 53_000);
        assert_eq!(mode.real_length(3_000), 10);
        assert_eq!(mode.real_length(1), 1);
    }

    #[derive(Clone, Debug)]
    enum Move {
        Record(Millis),
        CaughtUp(Millis),
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let one = prop_oneof![(0i64..1_000).prop_map(Move::Record), (0i64..1_000).prop_map(Move::CaughtUp)];
        prop::collection::vec(one, 0..40)
    }

    proptest! {
        #[test]
        fn it_never_runs_backwards_and_shows_the_newest_of_all(moves in moves(), events in any::<bool>()) {
            let mut clock = clock(if events { ClockMode::Events } else { ClockMode::Wall });
            let mut newest = 0;
            for a_move in moves {
                let before = (clock.now(), clock.reached());
                match a_move {
                    Move::Record(at) => {
                        clock.witness(at);
                        newest = newest.max(at);
                    }
                    Move::CaughtUp(at) => {
                        clock.caught_up_to(at);
                        newest = newest.max(if events { 0 } else { at });
                    }
                }
                prop_assert!(clock.now() >= before.0 && clock.reached() >= before.1);
                prop_assert_eq!(clock.now(), newest);
                prop_assert!(clock.now() - clock.reached() <= 1);
                let again = Clock::new(&if events { ClockMode::Events } else { ClockMode::Wall }, clock.at());
                prop_assert_eq!(&again, &clock, "what is stored is all there is");
            }
        }
    }
}
