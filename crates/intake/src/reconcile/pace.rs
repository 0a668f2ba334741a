//! How often somebody is asked, and how long after a failure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The span that a budget is for.
const MINUTE: Duration = Duration::from_secs(60);
/// Nobody waits longer than this before the next try, whatever an answer says.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// So many requests a minute, wherever in it.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    /// When those of the last minute went out.
    sent: VecDeque<Instant>,
}

impl Budget {
    /// At least one.
    pub fn new(requests_per_minute: u32) -> Budget {
        Budget { most: requests_per_minute.max(1) as usize, sent: VecDeque::new() }
    }

    /// How long to wait until the next request may go out.
    pub fn wait(&mut self, now: Instant) -> Duration {
        while self.sent.front().is_some_and(|sent| now.duration_since(*sent) >= MINUTE) {
            self.sent.pop_front();
        }
        match self.sent.front() {
            Some(oldest) if self.sent.len() >= self.most => MINUTE.saturating_sub(now.duration_since(*oldest)),
            _ => Duration::ZERO,
        }
    }

    /// One goes out.
    pub fn spend(&mut self, now: Instant) {
        self.sent.push_back(now);
    }
}

/// How long to wait after the n-th failure in a row, from 1 on: twice as long each time.
pub fn back_off(first: Duration, failures: u32) -> Duration {
    let factor = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(LONGEST)
}

/// What an answer asks for, within reason.
pub fn asked_for(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_for_any_minute() {
        let (mut budget, start) = (Budget::new(2), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        budget.spend(at(0));
        budget.spend(at(50));
        assert_eq!(budget.wait(at(59)), Duration::from_secs(1));
        assert_eq!(budget.wait(at(60)), Duration::ZERO);
        budget.spend(at(60));
        assert_eq!(budget.wait(at(61)), Duration::from_secs(49));
    }

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_quarter_of_an_hour() {
        let second = Duration::from_secs(1);
        assert_eq!([1, 2, 5].map(|n| back_off(second, n).as_secs()), [1, 2, 16]);
        assert_eq!((back_off(second, 90), asked_for(86_400)), (LONGEST, LONGEST));
    }
}
