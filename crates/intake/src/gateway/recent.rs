//! The ids of what was written lately, so that a repeat costs nothing downstream.

use std::collections::{HashSet, VecDeque};

/// So many are kept: some megabytes, and an hour of a busy desk.
const MOST: usize = 200_000;

/// What was written lately.
#[derive(Debug, Default)]
pub struct Recent {
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Recent {
    /// Adds one; whether it is new.
    pub fn add(&mut self, id: u128) -> bool {
        if !self.known.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// Whether it is known.
    pub fn is_known(&self, id: u128) -> bool {
        self.known.contains(&id)
    }

    /// Takes one back: it was not written after all.
    pub fn forget(&mut self, id: u128) {
        if self.known.remove(&id) {
            // It is among the newest.
            if let Some(place) = self.order.iter().rposition(|other| *other == id) {
                self.order.remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_known_until_it_is_forgotten_or_old() {
        let mut recent = Recent::default();
        assert!(recent.add(7) && !recent.add(7));
        recent.forget(7);
        assert!(recent.add(7));
        (1_000..1_000 + MOST as u128).for_each(|id| assert!(recent.add(id)));
        assert!(recent.add(7), "it was the oldest");
    }
}
