//! Waiting for a condition instead of for a time.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

/// How long [`eventually`] waits. Generous: a busy machine is no failure, and a condition that holds ends the wait.
const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Waits until `look` answers, for at most a minute.
///
/// # Panics
/// With `what`, and the last thing that `look` said instead, when the answer does not come.
pub fn eventually<T, E: Display>(what: &str, look: impl FnMut() -> Result<T, E>) -> T {
    within(PATIENCE, what, look)
}

/// Waits until `look` answers, for at most `patience`.
///
/// # Panics
/// As [`eventually`] does.
pub fn within<T, E: Display>(patience: Duration, what: &str, look: impl FnMut() -> Result<T, E>) -> T {
    attempt(patience, look).unwrap_or_else(|instead| panic!("waited {patience:?} for {what}, but: {instead}"))
}

/// Waits until `look` answers, for at most `patience`; then, the last thing that it said instead.
pub fn attempt<T, E>(patience: Duration, mut look: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let began = Instant::now();
    loop {
        match look() {
            Err(_) if began.elapsed() < patience => thread::sleep(BETWEEN_LOOKS),
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_soon_as_the_condition_holds() {
        let mut looks = 0;
        let answer = eventually("three looks", || {
            looks += 1;
            if looks == 3 { Ok(looks) } else { Err(format!("{looks} looks")) }
        });
        assert_eq!(answer, 3);
    }

    #[test]
    #[should_panic(expected = "for rain, but: the sky is clear")]
    fn says_what_it_saw_instead() {
        within(Duration::ZERO, "rain", || Err::<(), _>("the sky is clear"));
    }
}
