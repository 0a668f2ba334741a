//! Whoever does not answer is left alone for a while: with a scorer that is away, waiting out its time with every
//! message would hold up all of them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many in a row unanswered, and it is away.
const AWAY: u32 = 3;
/// How long it is left alone first; each time twice as long.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Whether somebody is worth asking. Shared by the lanes of a process.
#[derive(Debug, Default)]
pub struct Pause(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    unanswered: u32,
    /// Not asked before then.
    until: Option<Instant>,
    length: Duration,
}

impl Pause {
    /// Whether it may be asked. After a pause by one at a time: the others wait for what comes of that.
    pub fn may_ask(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.until {
            Some(until) if now < until => false,
            Some(_) => {
                state.until = Some(now + state.length);
                true
            }
            None => true,
        }
    }

    /// It has answered. Whether it had been away.
    pub fn answered(&self) -> bool {
        std::mem::take(&mut *self.state()).until.is_some()
    }

    /// It has not answered. For how long it is left alone from now on, if it is.
    pub fn unanswered(&self, now: Instant) -> Option<Duration> {
        let mut state = self.state();
        state.unanswered += 1;
        if state.unanswered < AWAY {
            return None;
        }
        state.length = (2 * state.length).clamp(FIRST, LONGEST);
        state.until = Some(now + state.length);
        Some(state.length)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can leave the state half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_away_is_asked_ever_more_seldom_and_by_one_at_a_time() {
        let (pause, mut now) = (Pause::default(), Instant::now());
        assert_eq!((pause.unanswered(now), pause.unanswered(now)), (None, None));
        assert!(pause.may_ask(now), "twice may be chance");
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(pause.unanswered(now), Some(Duration::from_secs(seconds)));
            assert!(!pause.may_ask(now + Duration::from_millis(seconds * 1_000 - 1)));
            now += Duration::from_secs(seconds);
            assert!(pause.may_ask(now));
            assert!(!pause.may_ask(now), "another asks already");
        }
        assert!(pause.answered());
        assert!(pause.may_ask(now) && !pause.answered());
        assert_eq!(pause.unanswered(now), None, "all is forgotten");
    }
}
