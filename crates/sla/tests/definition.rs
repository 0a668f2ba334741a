//! Business time against its definition, second by second: an instant is open if it lies within an opening and a
//! closing of some day, each read as a local time of the zone. Around the hours in which zones change their offset, too.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};
use proptest::prelude::*;
use tierline_sla::{Calendar, Day, Length, Pauses, Span, Tz, Week};

const ZONES: [Tz; 12] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::Europe__London,
    Tz::America__New_York,
    Tz::America__Sao_Paulo,
    Tz::America__St_Johns,
    Tz::Australia__Lord_Howe,
    Tz::Australia__Adelaide,
    Tz::Asia__Kathmandu,
    Tz::Asia__Tehran,
    Tz::Pacific__Chatham,
    Tz::Pacific__Apia,
];

const SECOND: i64 = 1_000;
const DAY: i64 = 86_400 * SECOND;

/// A calendar as it is written, and where around to look at it.
#[derive(Clone, Debug)]
struct Written {
    tz: Tz,
    /// Minutes of opening and closing, by day of the week.
    week: [Vec<(u16, u16)>; 7],
    special: BTreeMap<NaiveDate, Vec<(u16, u16)>>,
    /// Midnight UTC of a day.
    around: i64,
}

impl Written {
    fn calendar(&self) -> Calendar {
        let mut week = Week::default();
        for (day, spans) in self.week.iter().enumerate() {
            for &span in spans {
                week.open(day, written(span));
            }
        }
        let special = self.special.iter().map(|(&date, spans)| {
            let mut day = Day::default();
            for &span in spans {
                day.open(written(span));
            }
            (date, day)
        });
        Calendar::business(self.tz, week, special)
    }

    /// Every opening and its closing, UTC, of the days around that matter from one instant to another.
    fn open(&self, from: i64, to: i64) -> Vec<(i64, i64)> {
        let date = |at: i64| DateTime::from_timestamp_millis(at).expect("in range").date_naive();
        let (mut day, last) = (date(from) - Days::new(3), date(to) + Days::new(3));
        let mut open = Vec::new();
        while day <= last {
            let usual = &self.week[chrono::Datelike::weekday(&day).num_days_from_monday() as usize];
            let spans = self.special.get(&day).unwrap_or(usual);
            open.extend(spans.iter().map(|&(opens, closes)| (self.utc(day, opens), self.utc(day, closes))));
            day = day + Days::new(1);
        }
        open.retain(|&(opens, closes)| opens < closes && closes > from && opens < to);
        open
    }

    /// A minute of a day as an instant: the first if it comes twice; later by the gap if it does not come.
    fn utc(&self, day: NaiveDate, minute: u16) -> i64 {
        let local = day.and_hms_opt(0, 0, 0).expect("midnight") + TimeDelta::minutes(minute.into());
        if let Some(first) = self.tz.from_local_datetime(&local).earliest() {
            return first.timestamp_millis();
        }
        let before = self.before_the_gap(local);
        local.and_utc().timestamp_millis() - before
    }

    /// The offset that held before the gap in which a local time lies.
    fn before_the_gap(&self, local: NaiveDateTime) -> i64 {
        let earlier = (1..=48).map(|halves| local - TimeDelta::minutes(30 * halves));
        let earlier = earlier.filter_map(|local| self.tz.from_local_datetime(&local).latest()).next();
        i64::from(earlier.expect("no gap is longer than a day").offset().fix().local_minus_utc()) * SECOND
    }

    /// The instants around which the zone's offset changes next, after `around`, if it does within a year.
    fn next_change(&self) -> Option<i64> {
        let offset = |at: i64| {
            let utc = DateTime::from_timestamp_millis(at).expect("in range").naive_utc();
            self.tz.offset_from_utc_datetime(&utc).fix()
        };
        (0..366).map(|day| self.around + day * DAY).find(|&day| offset(day) != offset(day + DAY))
    }
}

fn written((opens, closes): (u16, u16)) -> Span {
    let text = format!("{:02}:{:02}-{:02}:{:02}", opens / 60, opens % 60, closes / 60, closes % 60);
    text.parse().expect("it is well written")
}

fn is_open(open: &[(i64, i64)], paused: &[(i64, i64)], at: i64) -> bool {
    let within = |spans: &[(i64, i64)]| spans.iter().any(|&(from, to)| from <= at && at < to);
    within(open) && !within(paused)
}

fn spans() -> impl Strategy<Value = Vec<(u16, u16)>> {
    // Half of them in the small hours, where offsets change.
    let minute =
        || prop_oneof![(0u16..=48).prop_map(|fives| fives * 5), (0u16..=96).prop_map(|quarters| quarters * 15)];
    let span = (minute(), minute()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    prop::collection::vec(span, 0..4).prop_map(|mut spans| {
        spans.retain(|(opens, closes)| opens < closes);
        spans.sort_unstable();
        // Hours that overlap are refused where calendars are read; such that touch are one, told apart below.
        spans.dedup_by(|next, kept| next.0 <= kept.1);
        spans
    })
}

fn calendars() -> impl Strategy<Value = Written> {
    let week: Vec<_> = (0..7).map(|_| spans()).collect();
    let special = prop::collection::vec((0i64..12, prop_oneof![Just(Vec::new()), spans()]), 0..5);
    (prop::sample::select(ZONES.to_vec()), week, special, 12_000i64..24_000, any::<bool>()).prop_map(
        |(tz, week, special, day, at_a_change)| {
            let week: [Vec<(u16, u16)>; 7] = week.try_into().expect("seven days");
            let mut written = Written { tz, week, special: BTreeMap::new(), around: day * DAY };
            if let Some(change) = written.next_change().filter(|_| at_a_change) {
                written.around = change;
            }
            let first = DateTime::from_timestamp_millis(written.around - 3 * DAY).expect("in range").date_naive();
            written.special =
                special.into_iter().map(|(after, spans)| (first + Days::new(after as u64), spans)).collect();
            written
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn each_second_counts_as_the_definition_says(
        written in calendars(),
        from in -DAY / SECOND..DAY / SECOND,
        seconds in 0i64..2 * DAY / SECOND,
        pauses in prop::collection::vec((-DAY / SECOND..3 * DAY / SECOND, 0i64..20_000), 0..4),
    ) {
        let calendar = written.calendar();
        let from = written.around + from * SECOND;
        let to = from + seconds * SECOND;
        let open = written.open(from, to + SECOND);
        let paused: Vec<_> =
            pauses.iter().map(|(at, length)| (written.around + at * SECOND, written.around + (at + length) * SECOND)).collect();
        let pauses: Pauses = paused.iter().copied().collect();
        let (mut elapsed, mut passed) = (0, from);
        for at in (from..to).step_by(SECOND as usize) {
            prop_assert_eq!(calendar.is_open(at), is_open(&open, &[], at));
            if is_open(&open, &paused, at) {
                elapsed += SECOND;
                passed = at + SECOND;
            }
        }
        prop_assert_eq!(calendar.elapsed_with(from, to, &pauses), elapsed);
        // The deadline of just so much is the instant at which the last of it had passed.
        prop_assert_eq!(calendar.due_with(from, elapsed, &pauses), passed);
        if elapsed > 0 {
            prop_assert_eq!(calendar.due_with(from, elapsed - 1, &pauses), passed - 1);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn years_are_the_sum_of_their_days(
        written in calendars(), from in -500 * DAY..500 * DAY, length in 0i64..900 * DAY,
    ) {
        let calendar = written.calendar();
        let from = written.around + from;
        let to = from + length;
        // What overlaps counts once: walk from boundary to boundary.
        let open = written.open(from, to);
        let mut marks: Vec<i64> = open.iter().flat_map(|&(a, b)| [a, b]).chain([from, to]).collect();
        marks.retain(|&at| from <= at && at <= to);
        marks.sort_unstable();
        let mut starts: Vec<(i64, i64)> = open.clone();
        starts.sort_unstable();
        let (mut elapsed, mut reach, mut next) = (0, i64::MIN, 0);
        for pair in marks.windows(2) {
            while next < starts.len() && starts[next].0 <= pair[0] {
                reach = reach.max(starts[next].1);
                next += 1;
            }
            if pair[0] < reach {
                elapsed += pair[1] - pair[0];
            }
        }
        prop_assert_eq!(calendar.elapsed(from, to), elapsed);
        if elapsed > 0 {
            let due = calendar.due(from, elapsed);
            prop_assert!(due <= to && calendar.elapsed(from, due) == elapsed);
            prop_assert!(calendar.elapsed(from, due - 1) < elapsed);
        }
    }

    #[test]
    fn business_days_end_at_the_same_minute(written in calendars(), from in -DAY..DAY, n in 1u32..12) {
        let calendar = written.calendar();
        let from = written.around + from;
        let length = calendar.length(from, Length::BusinessDays(n));
        // By definition: the next opening, then day after day.
        let open = written.open(from, from + 60 * DAY);
        let opening = open.iter().filter(|&&(_, closes)| closes > from).map(|&(opens, _)| opens.max(from)).min();
        let Some(opening) = opening.filter(|at| *at < from + 20 * DAY) else { return Ok(()) };
        let local = written.tz.timestamp_millis_opt(opening).single().expect("an instant").naive_local();
        let has_hours = |day: NaiveDate| {
            let usual = &written.week[chrono::Datelike::weekday(&day).num_days_from_monday() as usize];
            !written.special.get(&day).unwrap_or(usual).is_empty()
        };
        let days = (1..40).map(|after| local.date() + Days::new(after)).filter(|&day| has_hours(day));
        let Some(last) = days.clone().nth(n as usize - 1) else { return Ok(()) };
        let end = last.and_time(local.time());
        let end = match written.tz.from_local_datetime(&end).earliest() {
            Some(end) => end.timestamp_millis(),
            None => end.and_utc().timestamp_millis() - written.before_the_gap(end),
        };
        prop_assert_eq!(length, calendar.elapsed(from, end));
        if is_open(&written.open(end, end + SECOND), &[], end) {
            prop_assert_eq!(calendar.due_in(from, Length::BusinessDays(n), &Pauses::default()), end);
        }
    }
}

#[test]
fn hours_that_touch_are_one_also_where_they_touch_in_a_gap() {
    // 02:55 does not exist on 2003-03-30 in Berlin: alone, hours up to it would end at 03:55.
    let sunday = |hours: &[(u16, u16)]| {
        let mut week = Week::default();
        hours.iter().for_each(|&span| assert!(week.open(6, written(span))));
        Calendar::business(Tz::Europe__Berlin, week, [])
    };
    let (touching, one) = (sunday(&[(0, 175), (175, 180)]), sunday(&[(0, 180)]));
    assert_eq!(touching, one);
    let midnight = 1_048_978_800_000;
    assert_eq!(touching.elapsed(midnight, midnight + DAY), 7_200_000);
    assert_eq!(sunday(&[(0, 175)]).elapsed(midnight, midnight + DAY), 7_200_000 + 55 * 60_000);
}

#[test]
fn a_calendar_that_is_never_open_is_never_due() {
    let never = Calendar::business(Tz::UTC, Week::default(), []);
    assert_eq!(never.due(0, 1), i64::MAX);
    assert_eq!(never.elapsed(0, 1 << 50), 0);
    assert_eq!(never.length(0, Length::BusinessDays(2)), i64::MAX);
}

#[test]
fn the_end_of_time_is_never_passed() {
    let mut week = Week::default();
    week.open(0, "09:00-17:00".parse().expect("hours"));
    for calendar in [Calendar::Always, Calendar::business(Tz::UTC, week, [])] {
        assert_eq!(calendar.due(i64::MAX - 1, i64::MAX), i64::MAX);
        assert_eq!(calendar.due(i64::MIN, 0), i64::MIN);
        assert!(calendar.elapsed(i64::MIN, i64::MAX) > 0);
        assert_eq!(calendar.elapsed(5, 5), 0);
    }
}

#[test]
fn always_runs_through_three_days() {
    assert_eq!(Calendar::Always.length(7, Length::BusinessDays(3)), 3 * DAY);
    assert_eq!(Calendar::Always.due(7, 3 * DAY), 7 + 3 * DAY);
}
