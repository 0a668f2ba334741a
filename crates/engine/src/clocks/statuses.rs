//! A ticket's statuses as a line of instants: what pauses its clocks.

use smallvec::SmallVec;
use tierline_model::{Millis, Status};

/// When a ticket came to which status, oldest first. Empty while it has been `new` or `open` all along.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Statuses {
    /// `instant * 8 + status`: sorting them sorts the line.
    pub line: SmallVec<[i64; 2]>,
}

/// The newest kept of a ticket. What lies before the oldest counts as open.
const KEPT: usize = 128;

impl Statuses {
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// From here on it is this.
    pub fn add(&mut self, at: Millis, status: Status) {
        if self.line.is_empty() && matches!(status, Status::New | Status::Open) {
            return;
        }
        let packed = at.saturating_mul(8) + status as i64;
        // At one instant the last that is told counts.
        let place = self.line.partition_point(|&other| other.div_euclid(8) <= at);
        self.line.insert(place, packed);
        if self.line.len() > KEPT {
            self.line.remove(0);
        }
    }

    /// The intervals before `until` in which it was one of these, merged; the last may be open: it ends at `MAX`.
    pub fn while_in(&self, of: &[Status], until: Millis) -> SmallVec<[(Millis, Millis); 4]> {
        let mut spells: SmallVec<[(Millis, Millis); 4]> = SmallVec::new();
        let mut running = false;
        for (at, status) in self.iter().take_while(|&(at, _)| at <= until) {
            match (running, of.contains(&status)) {
                (false, true) => spells.push((at, Millis::MAX)),
                (true, false) => spells.last_mut().into_iter().for_each(|last| last.1 = at),
                _ => {}
            }
            running = of.contains(&status);
        }
        spells
    }

    /// Whether it was open then, all of the instant included.
    pub fn is_open_at(&self, at: Millis) -> bool {
        let last = self.iter().take_while(|&(when, _)| when <= at).last();
        last.is_none_or(|(_, status)| status.is_open())
    }

    fn iter(&self) -> impl Iterator<Item = (Millis, Status)> + '_ {
        self.line.iter().map(|&packed| (packed.div_euclid(8), Status::ALL[packed.rem_euclid(8) as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_are_half_open_and_the_last_may_go_on() {
        let mut statuses = Statuses::default();
        for (at, status) in [
            (0, Status::New),
            (10, Status::Pending),
            (20, Status::OnHold),
            (30, Status::Open),
            (30, Status::Pending),
            (40, Status::Solved),
        ] {
            statuses.add(at, status);
        }
        let paused = [Status::Pending, Status::OnHold];
        assert_eq!(statuses.while_in(&paused, 100)[..], [(10, 30), (30, 40)]);
        assert_eq!(statuses.while_in(&[Status::Pending], 15)[..], [(10, Millis::MAX)]);
        assert!(statuses.is_open_at(39) && !statuses.is_open_at(40));
        assert!(Statuses::default().is_open_at(0));
    }
}
