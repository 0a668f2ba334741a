//! Waiting that can be ended.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Halt;

/// Says that it is to end, and wakes who waits. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Ends all waiting, now and from now on.
    pub fn set(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Whether it was set.
    pub fn is_set(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so long.
    ///
    /// # Errors
    /// [`Halt::Stopped`] as soon as it is set.
    pub fn wait(&self, long: Duration) -> Result<(), Halt> {
        let until = Instant::now() + long;
        let (stopped, woken) = &*self.0;
        let mut stopped = stopped.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if *stopped {
                return Err(Halt::Stopped);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            stopped = woken.wait_timeout(stopped, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_woken() {
        let stop = Stop::default();
        assert_eq!(stop.wait(Duration::from_millis(1)), Ok(()));
        let began = Instant::now();
        std::thread::scope(|threads| {
            threads.spawn(|| stop.set());
            assert_eq!(stop.wait(Duration::from_secs(60)), Err(Halt::Stopped));
        });
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
