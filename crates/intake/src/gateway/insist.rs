//! Deliveries that nobody else would send again: they are put in line until they are worked off.

use std::time::Duration;

use super::Queue;
use crate::{Answer, Arrived};

/// What can't be written is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// Waits until all of these are worked off, however often they must be tried, and says what became of each. `pause` waits
/// so long and says whether to go on; none: it was not to.
pub(crate) fn insist(
    queue: &Queue,
    mut waiting: Vec<Arrived>,
    pause: impl Fn(Duration) -> bool,
) -> Option<Vec<Answer>> {
    let mut done = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        if !pause(Duration::ZERO) {
            return None;
        }
        // Behind one for which there is no room none goes in line, though there may be room for it: it would be first.
        let answers: Vec<_> = waiting.iter().map_while(|arrived| queue.put(arrived.clone()).ok()).collect();
        let answers: Vec<_> = answers.into_iter().map(|answer| answer.blocking_recv().ok()).collect();
        // Those before the first that failed are done; those after it may be, and are then repeats.
        let well = answers.into_iter().map_while(|answer| answer.filter(|answer| *answer != Answer::Unavailable));
        let before = done.len();
        done.extend(well);
        waiting.drain(..done.len() - before);
        if !waiting.is_empty() && !pause(AGAIN) {
            return None;
        }
    }
    Some(done)
}
