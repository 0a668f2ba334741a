//! How long something may take, by the ticket's priority.

use tierline_model::{Millis, Priority};

/// The targets of one metric of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    by_priority: [Option<Millis>; Priority::ALL.len()],
    default: Option<Millis>,
}

impl Targets {
    /// Sets what holds for a priority (milliseconds), or, for `None`, for every ticket that none is listed for.
    pub fn set(&mut self, priority: Option<Priority>, length: Millis) {
        match priority {
            Some(priority) => self.by_priority[priority as usize] = Some(length),
            None => self.default = Some(length),
        }
    }

    /// Milliseconds for a ticket of this priority: what is listed for it, else `default`, which is also what a ticket
    /// without a priority gets. `None`: it has no target.
    pub fn for_priority(&self, priority: Option<Priority>) -> Option<Millis> {
        priority.and_then(|priority| self.by_priority[priority as usize]).or(self.default)
    }

    /// Whether no ticket gets a target.
    pub fn is_empty(&self) -> bool {
        self.each().next().is_none()
    }

    /// Everything that is listed, the lowest priority first, `default` (`None`) last.
    pub fn each(&self) -> impl Iterator<Item = (Option<Priority>, Millis)> {
        let listed =
            Priority::ALL.iter().filter_map(|&priority| Some((Some(priority), self.by_priority[priority as usize]?)));
        listed.chain(self.default.map(|length| (None, length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_that_is_not_listed_gets_the_default_or_none() {
        let mut targets = Targets::default();
        targets.set(Some(Priority::Urgent), 30);
        assert_eq!(targets.for_priority(Some(Priority::Low)), None);
        assert_eq!(targets.for_priority(None), None);
        targets.set(None, 240);
        assert_eq!(targets.for_priority(Some(Priority::Low)), Some(240));
        assert_eq!(targets.for_priority(None), Some(240));
        assert_eq!(targets.for_priority(Some(Priority::Urgent)), Some(30));
    }
}
