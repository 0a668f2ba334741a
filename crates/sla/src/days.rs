//! Days on which work is done at all, counted.

use std::collections::BTreeMap;

use crate::hours::{Day, Week};

/// How many business days there are up to a day. Days are numbered since 1970-01-01, a Thursday.
#[derive(Clone, Debug)]
pub(crate) struct BusinessDays {
    /// How many there are before each day of the week, from Monday on; the last is that of a whole week.
    week: [i64; 8],
    /// Days that are different from their day of the week: by how many there are more, up to and with that day.
    more: Vec<(i64, i64)>,
}

impl BusinessDays {
    pub fn new(week: &Week, special: &BTreeMap<i64, Day>) -> BusinessDays {
        let mut sums = [0; 8];
        for (day, hours) in week.days.iter().enumerate() {
            sums[day + 1] = sums[day] + i64::from(!hours.is_closed());
        }
        let mut sum = 0;
        let more = special.iter().map(|(&day, hours)| {
            let usual = &week.days[(day + 3).rem_euclid(7) as usize];
            sum += i64::from(!hours.is_closed()) - i64::from(!usual.is_closed());
            (day, sum)
        });
        BusinessDays { more: more.collect(), week: sums }
    }

    /// How many there are up to and with a day; only differences mean something.
    fn count(&self, day: i64) -> i64 {
        // The day after it, in days since a Monday.
        let end = day + 4;
        let usual = end.div_euclid(7) * self.week[7] + self.week[end.rem_euclid(7) as usize];
        let begun = self.more.partition_point(|&(other, _)| other <= day);
        usual + begun.checked_sub(1).map_or(0, |last| self.more[last].1)
    }

    /// The n-th business day after a day; [`None`]: there are not so many.
    pub fn after(&self, day: i64, n: u32) -> Option<i64> {
        let wanted = self.count(day) + i64::from(n);
        let special = self.more.len() as i64;
        let most = match self.week[7] {
            0 => self.more.last().map_or(day, |&(last, _)| last.max(day)),
            a_week => day + ((i64::from(n) + special) / a_week + 2) * 7,
        };
        let (mut before, mut found) = (day, most);
        if self.count(found) < wanted {
            return None;
        }
        while found - before > 1 {
            let middle = before + (found - before) / 2;
            if self.count(middle) < wanted { before = middle } else { found = middle }
        }
        Some(found)
    }
}
