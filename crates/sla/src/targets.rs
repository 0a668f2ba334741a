//! How long something may take, by the ticket's priority.

use std::fmt;

use tierline_model::{Millis, Priority};

use crate::Calendar;

/// How long, before a calendar makes it a number of its milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Milliseconds of the calendar's time: `30m`, `24h`, `24 business hours`.
    Time(Millis),
    /// Up to the same minute as many business days on.
    BusinessDays(u32),
}

/// How long, by which calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// How long.
    pub length: Length,
    /// By which hours.
    pub calendar: Calendar,
}

/// The targets of one metric of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    by_priority: [Option<Target>; Priority::ALL.len()],
    default: Option<Target>,
}

impl Targets {
    /// Sets what holds for a priority, or, for `None`, for every ticket that none is listed for.
    pub fn set(&mut self, priority: Option<Priority>, target: Target) {
        match priority {
            Some(priority) => self.by_priority[priority as usize] = Some(target),
            None => self.default = Some(target),
        }
    }

    /// That of a ticket of this priority: what is listed for it, else `default`, which is also what a ticket without a
    /// priority gets. `None`: it has no target.
    pub fn for_priority(&self, priority: Option<Priority>) -> Option<&Target> {
        priority.and_then(|priority| self.by_priority[priority as usize].as_ref()).or(self.default.as_ref())
    }

    /// Every target, to be changed.
    pub fn each_mut(&mut self) -> impl Iterator<Item = &mut Target> {
        self.by_priority.iter_mut().flatten().chain(&mut self.default)
    }

    /// What is listed for a priority, or as `default`, and nothing else.
    pub fn listed(&self, priority: Option<Priority>) -> Option<&Target> {
        match priority {
            Some(priority) => self.by_priority[priority as usize].as_ref(),
            None => self.default.as_ref(),
        }
    }

    /// Whether no ticket gets a target.
    pub fn is_empty(&self) -> bool {
        self.each().next().is_none()
    }

    /// Everything that is listed, the lowest priority first, `default` (`None`) last.
    pub fn each(&self) -> impl Iterator<Item = (Option<Priority>, &Target)> {
        let listed = Priority::ALL
            .iter()
            .filter_map(|&priority| Some((Some(priority), self.by_priority[priority as usize].as_ref()?)));
        listed.chain(self.default.as_ref().map(|target| (None, target)))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(Millis, &str); 3] = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        match *self {
            Length::BusinessDays(1) => to.write_str("1 business day"),
            Length::BusinessDays(n) => write!(to, "{n} business days"),
            Length::Time(length) => {
                let (unit, word) = UNITS.into_iter().find(|(unit, _)| length % unit == 0).unwrap_or((1, "ms"));
                write!(to, "{}{word}", length / unit)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_that_is_not_listed_gets_the_default_or_none() {
        let target = |length| Target { length: Length::Time(length), calendar: Calendar::Always };
        let mut targets = Targets::default();
        targets.set(Some(Priority::Urgent), target(30));
        assert_eq!(targets.for_priority(Some(Priority::Low)), None);
        assert_eq!(targets.for_priority(None), None);
        targets.set(None, target(240));
        assert_eq!(targets.for_priority(Some(Priority::Low)), Some(&target(240)));
        assert_eq!(targets.for_priority(None), Some(&target(240)));
        assert_eq!(targets.for_priority(Some(Priority::Urgent)), Some(&target(30)));
    }

    #[test]
    fn lengths_are_told_as_they_are_written() {
        let told: Vec<String> = [
            Length::Time(90_000),
            Length::Time(86_400_000),
            Length::Time(30 * 60_000),
            Length::BusinessDays(1),
            Length::BusinessDays(3),
        ]
        .iter()
        .map(Length::to_string)
        .collect();
        assert_eq!(told, ["90s", "24h", "30m", "1 business day", "3 business days"]);
    }
}
