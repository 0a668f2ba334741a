//! What an execution may take, and what it did take.

use std::time::{Duration, Instant};

use crate::Target;

/// No execution may hold more memory than this at a time, bytes.
pub const MOST_MEMORY: u64 = 100 << 20;

/// None may last longer.
pub const LONGEST: Duration = Duration::from_millis(100);

/// An execution that seemed too long may have waited for the machine: of so many, the shortest counts.
const TRIES: usize = 5;

/// Runs a target once; the most memory that it held at a time, bytes.
///
/// # Panics
/// Where it held more than it may.
pub fn within_memory(target: &Target, input: &[u8]) -> u64 {
    let held = allocation_counter::measure(|| (target.run)(input)).bytes_max;
    assert!(held <= MOST_MEMORY, "{} held {held} bytes for an input of {}", target.name, input.len());
    held
}

/// Runs a target once, or again where the time it took is in doubt.
///
/// # Panics
/// Where it held more memory than it may, or took too long every time.
pub fn within_time_and_memory(target: &Target, input: &[u8]) {
    let lasted = || {
        let begun = Instant::now();
        within_memory(target, input);
        begun.elapsed()
    };
    let first = lasted();
    if first > LONGEST {
        let shortest = (1..TRIES).map(|_| lasted()).fold(first, Duration::min);
        assert!(shortest <= LONGEST, "{} took {shortest:?} for an input of {} bytes", target.name, input.len());
    }
}
