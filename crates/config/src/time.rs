//! `time:`: what the clocks follow, and how patient they are.

use tierline_model::Millis;
use tierline_rules::source::{Keys, Node, codes, duration, duration_or_none, number, word};

use crate::{Log, Reading};

/// What the clocks follow, and how patient they are. Lengths are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// What the tasks' clocks follow.
    pub clock: Clock,
    /// How long a rise at a bound is held for stragglers; 0 to an hour.
    pub grace: Millis,
    /// How far past its append time a record's own instant may lie; 0 to 30 days.
    pub max_future: Millis,
    /// For how long after a source's last heartbeat absences on its tickets are believed; 0 to 30 days.
    pub stale_after: Millis,
    /// How long after its last record an import without an end mark is taken as ended; a minute to 30 days.
    pub import_timeout: Millis,
    /// What is already *yes* when a task first catches up latches in silence (`start: quiet`), rather than fires.
    pub start_quietly: bool,
    /// How long solved tickets count; a day to ten years.
    pub history: Millis,
}

/// What the tasks' clocks follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clock {
    /// Records in a backlog, the wall when caught up.
    Wall,
    /// The same, with a wall this many times as fast; 0.01 to 100,000.
    Scaled(f64),
    /// Records alone.
    Events,
}

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;

impl Default for Time {
    fn default() -> Time {
        Time {
            clock: Clock::Wall,
            grace: 5 * SECOND,
            max_future: HOUR,
            stale_after: 120 * SECOND,
            import_timeout: DAY,
            start_quietly: true,
            history: 35 * DAY,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Follows {
    Wall,
    Scaled,
    Events,
}

impl Time {
    pub(crate) fn read(node: Option<&Node>, reading: &mut Reading<'_>) -> Time {
        let mut time = Time::default();
        let Some(node) = node else { return time };
        let found = &mut *reading.found;
        let Some(mut keys) = Keys::of(node, "`time`", found) else { return time };
        let clock = keys.optional("clock");
        let words = [("wall", Follows::Wall), ("scaled", Follows::Scaled), ("events", Follows::Events)];
        let follows = clock.map_or(Some(Follows::Wall), |node| word(node, "`time.clock`", &words, found));
        let scale = keys.entry("scale").filter(|entry| !entry.value.is_null());
        let factor = scale.and_then(|entry| number(&entry.value, "`time.scale`", (0.01, 100_000.0), found));
        if let Some(node) = keys.optional("grace")
            && let Some(grace) = within(node, "`time.grace`", (0, HOUR), reading)
        {
            time.grace = grace;
            if grace > 5 * MINUTE {
                let message = "every rule about time fires this much later than it became true";
                reading.found.warning(codes::DOUBTFUL, &node.span, message).help("a few seconds are usual");
            }
        }
        let max_future = keys.optional("max_future");
        if let Some(future) = max_future.and_then(|node| within(node, "`time.max_future`", (0, 30 * DAY), reading)) {
            time.max_future = future;
        }
        let found = &mut *reading.found;
        let starts = [("quiet", true), ("replay", false)];
        if let Some(quietly) = keys.optional("start").and_then(|node| word(node, "`time.start`", &starts, found)) {
            time.start_quietly = quietly;
        }
        let history = keys.optional("history");
        if let Some(node) = history
            && let Some(history) = within(node, "`time.history`", (10 * MINUTE, 3_653 * DAY), reading)
        {
            time.history = history;
            if history < DAY {
                let message = "a solved ticket is forgotten the same day: who reopens it begins anew";
                reading.found.warning(codes::DOUBTFUL, &node.span, message).help("a month is usual");
            }
        }
        let stale_after = keys.optional("stale_after");
        if let Some(stale) = stale_after.and_then(|node| within(node, "`time.stale_after`", (0, 30 * DAY), reading)) {
            time.stale_after = stale;
        }
        let timeout = keys.optional("import_timeout");
        if let Some(timeout) =
            timeout.and_then(|node| within(node, "`time.import_timeout`", (MINUTE, 30 * DAY), reading))
        {
            time.import_timeout = timeout;
        }
        let found = &mut *reading.found;
        match (follows, scale) {
            (Some(Follows::Scaled), None) => {
                let help = "write `scale: 100` beside it for a clock a hundred times as fast";
                found.mistake(codes::MISSING_KEY, &node.span, "`time.clock: scaled` needs `scale`").help(help);
            }
            (Some(Follows::Wall | Follows::Events), Some(entry)) => {
                let message = "`time.scale` is for `clock: scaled` alone";
                found.mistake(codes::CONTRADICTION, &entry.key.span, message);
            }
            _ => {}
        }
        keys.finish(found);
        time.clock = match follows {
            Some(Follows::Events) => Clock::Events,
            Some(Follows::Scaled) => factor.map_or(Clock::Wall, Clock::Scaled),
            _ => Clock::Wall,
        };
        time
    }

    /// What doesn't go together with other sections.
    pub(crate) fn check_against(&self, root: &Node, log: &Log, reading: &mut Reading<'_>) {
        let clock = root.at("time").and_then(|time| time.at("clock"));
        if let (Clock::Scaled(_), Log::Kafka(_), Some(clock)) = (self.clock, log, clock) {
            reading
                .found
                .mistake(codes::CONTRADICTION, &clock.span, "`time.clock: scaled` needs `log.kind: embedded`")
                .help("it stamps the records too, and a cluster stamps them by its own clock");
        }
    }
}

/// A duration within these bounds, both included.
pub(crate) fn within(
    node: &Node,
    what: &str,
    (least, most): (Millis, Millis),
    reading: &mut Reading<'_>,
) -> Option<Millis> {
    let read = if least == 0 { duration_or_none } else { duration };
    let length = read(node, what, reading.found)?;
    if length < least || length > most {
        let bounds = format!("{what} lies between {} and {}", written(least), written(most));
        reading.found.mistake(codes::DURATION, &node.span, bounds).label("out of range");
        return None;
    }
    Some(length)
}

/// A length as one would write it.
fn written(length: Millis) -> String {
    let units = [(DAY, "d"), (HOUR, "h"), (60 * SECOND, "m"), (SECOND, "s")];
    let unit = units.into_iter().find(|(unit, _)| length >= *unit && length % unit == 0);
    match unit {
        _ if length == 0 => "0s".to_owned(),
        Some((unit, name)) => format!("{}{name}", length / unit),
        None => format!("{length}ms"),
    }
}
