//! Committed positions, and the clock that is committed with them, never go back.

use std::collections::BTreeMap;

use tierline_model::Millis;

use crate::{Invariant, Violation};

/// Where each task stood at its last commit.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    offsets: BTreeMap<(i32, String), i64>,
    clocks: BTreeMap<i32, Millis>,
}

impl Positions {
    /// A commit says that everything of this topic's partition below `offset` is in effect.
    ///
    /// # Errors
    /// More was before.
    pub fn hear(&mut self, topic: &str, partition: i32, offset: i64) -> Result<(), Violation> {
        let before = self.offsets.entry((partition, topic.to_owned())).or_insert(offset);
        if offset < *before {
            let what = format!("partition {partition} of {topic} went back from {before} to {offset}");
            return Err(Violation::new(Invariant::PositionsGrow, what));
        }
        *before = offset;
        Ok(())
    }

    /// A commit says that the task's clock shows this.
    ///
    /// # Errors
    /// It showed more before.
    pub fn clock(&mut self, partition: i32, now: Millis) -> Result<(), Violation> {
        let before = self.clocks.entry(partition).or_insert(now);
        if now < *before {
            let what = format!("the clock of partition {partition} went back from {before} to {now}");
            return Err(Violation::new(Invariant::PositionsGrow, what));
        }
        *before = now;
        Ok(())
    }

    /// The task may begin anew elsewhere: what follows is compared with nothing before.
    pub fn forget(&mut self, partition: i32) {
        self.offsets.retain(|(other, _), _| *other != partition);
        self.clocks.remove(&partition);
    }

    /// Where a topic's partition stands.
    pub fn of(&self, topic: &str, partition: i32) -> Option<i64> {
        self.offsets.get(&(partition, topic.to_owned())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_back_is_seen_in_each_partition_and_topic_of_its_own() {
        let mut positions = Positions::default();
        assert_eq!(positions.hear("tickets", 0, 5), Ok(()));
        assert_eq!(positions.hear("tickets", 1, 2), Ok(()));
        assert_eq!(positions.hear("signals", 0, 1), Ok(()));
        assert_eq!(positions.hear("tickets", 0, 5), Ok(()), "a timer moves nothing");
        assert!(positions.hear("tickets", 0, 4).is_err());
        assert_eq!((positions.clock(0, 10), positions.clock(0, 10)), (Ok(()), Ok(())));
        assert!(positions.clock(0, 9).is_err());
        positions.forget(0);
        assert_eq!((positions.hear("tickets", 0, 0), positions.clock(0, 0)), (Ok(()), Ok(())));
        assert_eq!(positions.of("tickets", 1), Some(2));
    }
}
