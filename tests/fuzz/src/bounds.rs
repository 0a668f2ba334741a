//! What an execution may take, and what it did take.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Target;

/// No execution may hold more memory than this at a time, bytes.
pub const MOST_MEMORY: u64 = 100 << 20;

/// None may take more of a core: what other programs take of it is not counted.
pub const LONGEST: Duration = Duration::from_millis(100);

/// An execution that seemed too long may have been disturbed all the same: of so many, the shortest counts.
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
        let begun = cpu_time();
        within_memory(target, input);
        cpu_time().saturating_sub(begun)
    };
    let first = lasted();
    if first > LONGEST {
        let shortest = (1..TRIES).map(|_| lasted()).fold(first, Duration::min);
        assert!(shortest <= LONGEST, "{} took {shortest:?} for an input of {} bytes", target.name, input.len());
    }
}

/// What this thread has had of a core.
fn cpu_time() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(spent.tv_sec as u64, spent.tv_nsec as u32)
}
