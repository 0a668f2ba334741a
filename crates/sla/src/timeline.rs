//! How much of a calendar has been open up to an instant, and when it will have been so much: both by one search.
//!
//! Time is cut into eras. In most of them the week repeats under one offset, and an era's share is arithmetic. Days that
//! are different (holidays, and those beside a change of the zone's offset) are cut into eras of their own, open or
//! closed. So the table has a few entries a year, whatever the hours are.

use std::collections::{BTreeMap, BTreeSet};

use tierline_model::Millis;

use crate::DAY;
use crate::hours::{Day, Week};
use crate::zone::Zone;

const WEEK: i64 = 7 * DAY;

/// No instant beyond is told apart from it: some nine million years away.
const FAR: Millis = 1 << 58;

/// A calendar's open time, summed up since before anything happened.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    eras: Vec<Era>,
    weekly: Weekly,
    /// What is open up to the end of time.
    all: Millis,
}

#[derive(Clone, Copy, Debug)]
struct Era {
    from: Millis,
    /// Milliseconds that were open before it.
    before: Millis,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Closed,
    Open,
    /// The week repeats; local minus UTC, milliseconds.
    Weekly(Millis),
}

/// The week, in milliseconds since Monday's midnight.
#[derive(Clone, Debug)]
struct Weekly {
    /// Opening, closing, and what was open of the week before.
    spans: Vec<(i64, i64, i64)>,
    total: i64,
}

impl Timeline {
    /// `special` has the hours of the days that differ, by their number since 1970-01-01.
    pub fn new(week: &Week, special: &BTreeMap<i64, Day>, zone: &Zone) -> Timeline {
        let mut timeline = Timeline { eras: Vec::new(), weekly: Weekly::new(week), all: 0 };
        timeline.begin(-FAR, Kind::Weekly(zone.offset_at(-FAR)));
        let mut apart: BTreeSet<i64> = special.keys().copied().collect();
        for (before, after) in zone.changes() {
            let (first, last) = (before.min(after).div_euclid(DAY), before.max(after).div_euclid(DAY));
            apart.extend(first - 1..=last + 1);
        }
        let mut days = apart.into_iter().peekable();
        while let Some(first) = days.next() {
            let mut end = first + 1;
            while days.next_if_eq(&end).is_some() {
                end += 1;
            }
            let hours = |day: i64| special.get(&day).unwrap_or(&week.days[(day + 3).rem_euclid(7) as usize]);
            let open =
                (first..end).flat_map(|day| hours(day).spans().map(move |(a, b)| (day * DAY + a, day * DAY + b)));
            let open = open.map(|(opens, closes)| (zone.to_utc(opens), zone.to_utc(closes))).collect();
            timeline.days(zone.to_utc(first * DAY), zone.to_utc(end * DAY), open, zone);
        }
        timeline.all = timeline.opened(FAR);
        timeline
    }

    /// Days that are told one by one; afterwards the week goes on.
    fn days(&mut self, from: Millis, to: Millis, mut open: Vec<(Millis, Millis)>, zone: &Zone) {
        self.begin(from, Kind::Closed);
        // Around a change of the offset what was one after the other may overlap.
        open.sort_unstable();
        let mut reached = from;
        for (opens, closes) in open {
            let opens = opens.max(reached);
            if closes > opens {
                self.begin(opens, Kind::Open);
                self.begin(closes, Kind::Closed);
                reached = closes;
            }
        }
        self.begin(to, Kind::Weekly(zone.offset_at(to)));
    }

    fn begin(&mut self, from: Millis, kind: Kind) {
        let before = self.eras.last().map_or(0, |last| last.before + self.weekly.share(last, from));
        // An era without length is none.
        if self.eras.last().is_some_and(|last| last.from == from) {
            self.eras.pop();
        }
        self.eras.push(Era { from, before, kind });
    }

    /// Milliseconds that were open up to an instant, counted from before everything.
    pub fn opened(&self, at: Millis) -> Millis {
        let at = at.clamp(-FAR, FAR);
        // The first begins at the earliest instant.
        let place = self.eras.partition_point(|era| era.from <= at).saturating_sub(1);
        let era = &self.eras[place];
        era.before + self.weekly.share(era, at)
    }

    /// The earliest instant up to which so much was open; `MAX`: never.
    pub fn at(&self, opened: Millis) -> Millis {
        if opened > self.all {
            return Millis::MAX;
        }
        // Nothing was open before the first.
        let place = self.eras.partition_point(|era| era.before < opened).saturating_sub(1);
        let era = &self.eras[place];
        let at = self.weekly.reached(era, opened - era.before);
        if at >= FAR { Millis::MAX } else { at }
    }
}

impl Weekly {
    fn new(week: &Week) -> Weekly {
        let mut total = 0;
        let spans = week.spans().map(|(opens, closes)| {
            let before = total;
            total += closes - opens;
            (opens, closes, before)
        });
        Weekly { spans: spans.collect(), total }
    }

    /// What is open of an era up to an instant in it.
    fn share(&self, era: &Era, at: Millis) -> i64 {
        match era.kind {
            Kind::Closed => 0,
            Kind::Open => at - era.from,
            Kind::Weekly(offset) => self.opened(at + offset) - self.opened(era.from + offset),
        }
    }

    /// The earliest instant of an era up to which so much of it is open.
    fn reached(&self, era: &Era, share: i64) -> Millis {
        match era.kind {
            Kind::Closed => era.from,
            Kind::Open => era.from + share,
            Kind::Weekly(offset) => {
                self.at(self.opened(era.from + offset) + share).map_or(Millis::MAX, |local| local - offset)
            }
        }
    }

    /// What was open up to a local time, if the week had repeated since ever.
    fn opened(&self, local: Millis) -> i64 {
        let since_monday = local + 3 * DAY;
        let (weeks, within) = (since_monday.div_euclid(WEEK), since_monday.rem_euclid(WEEK));
        let begun = self.spans.partition_point(|&(opens, _, _)| opens <= within);
        let of_week = match begun.checked_sub(1).map(|last| self.spans[last]) {
            Some((opens, closes, before)) => before + within.min(closes) - opens,
            None => 0,
        };
        weeks * self.total + of_week
    }

    /// The earliest local time up to which so much was open; [`None`]: it is never open.
    fn at(&self, opened: i64) -> Option<Millis> {
        if self.total == 0 {
            return None;
        }
        let weeks = (opened - 1).div_euclid(self.total);
        let of_week = opened - weeks * self.total;
        let place = self.spans.partition_point(|&(_, _, before)| before < of_week) - 1;
        let (opens, _, before) = self.spans[place];
        Some(weeks * WEEK - 3 * DAY + opens + (of_week - before))
    }
}
