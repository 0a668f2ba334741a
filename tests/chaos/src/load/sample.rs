//! What an instance looks like every few seconds: its memory, and how far it lags.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use tierline_testkit::Process;

/// A look at an instance.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Since the beginning.
    pub at: Duration,
    /// Events sent, and records of `tickets` taken.
    pub sent: u64,
    /// Records of `tickets` taken so far.
    pub read: u64,
    /// Records of all inputs that it knows of and has not read.
    pub lag: u64,
    /// Resident memory, KB.
    pub resident_kb: u64,
    /// Open tickets.
    pub open: u64,
    /// Timers that went out so far, and the sum of their lags, seconds.
    pub timers: (u64, f64),
    /// How many of them were not later than so many seconds, by that bound, the shortest first.
    pub timers_within: Vec<(f64, u64)>,
    /// Records of `escalations` so far.
    pub escalations: u64,
}

impl Sample {
    /// Over the columns of [`Series::take`].
    pub const HEADER: &str =
        "   time     sent/s     read/s        lag  resident MB  open tickets  timers/s  timer lag ms  escalations/s";

    fn line(&self, before: &Sample) -> String {
        let seconds = (self.at.saturating_sub(before.at)).as_secs_f64().max(0.001);
        let rate = |now: u64, before: u64| (now.saturating_sub(before)) as f64 / seconds;
        let fired = self.timers.0.saturating_sub(before.timers.0);
        let timer_lag = match fired {
            0 => "-".to_owned(),
            fired => format!("{:.1}", (self.timers.1 - before.timers.1) / fired as f64 * 1_000.0),
        };
        format!(
            "{:>5} s {:>10.0} {:>10.0} {:>10} {:>12.1} {:>13} {:>9.0} {:>13} {:>14.0}",
            self.at.as_secs(),
            rate(self.sent, before.sent),
            rate(self.read, before.read),
            self.lag,
            self.resident_kb as f64 / 1024.0,
            self.open,
            fired as f64 / seconds,
            timer_lag,
            rate(self.escalations, before.escalations)
        )
    }
}

/// Looks, in order.
#[derive(Clone, Debug, Default)]
pub struct Series {
    samples: Vec<Sample>,
}

impl Series {
    /// How many.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Keeps one, and tells it.
    pub fn take(&mut self, sample: Sample, say: &dyn Fn(&str)) {
        let before = self.samples.last().cloned().unwrap_or_default();
        say(&sample.line(&before));
        self.samples.push(sample);
    }

    /// What it came to: memory after the first third, as people want to know whether it grows.
    pub fn summary(&self) -> String {
        let warm = &self.samples[self.samples.len() / 3..];
        let resident = || warm.iter().map(|sample| sample.resident_kb as f64 / 1024.0);
        let (least, most) = (resident().fold(f64::MAX, f64::min), resident().fold(0.0, f64::max));
        let lag = warm.iter().map(|sample| sample.lag).max().unwrap_or(0);
        let (Some(first), Some(last)) = (warm.first(), warm.last()) else { return "nothing was sampled".to_owned() };
        let hours = (last.at.saturating_sub(first.at)).as_secs_f64() / 3_600.0;
        let growth = (last.resident_kb as f64 - first.resident_kb as f64) / 1024.0 / hours.max(f64::EPSILON);
        let read = last.read as f64 / last.at.as_secs_f64().max(0.001);
        let timers = lateness(first, last);
        format!(
            "after the first third: resident {least:.1} to {most:.1} MB ({growth:+.1} MB an hour), greatest lag {lag}, \
             {timers}; {} records in {} s, {read:.0} a second",
            last.read,
            last.at.as_secs()
        )
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let samples = self.samples.iter().map(|it| {
            json!({ "seconds": it.at.as_secs_f64(), "sent": it.sent, "read": it.read, "lag": it.lag,
                    "resident_kb": it.resident_kb, "open_tickets": it.open, "timers": it.timers.0,
                    "timer_lag_seconds": it.timers.1, "escalations": it.escalations })
        });
        Value::from(samples.collect::<Vec<_>>())
    }
}

/// How late timers were between two looks, grace not counted: the bounds within which 99 of 100 went out, and half.
fn lateness(first: &Sample, last: &Sample) -> String {
    let fired = last.timers.0 - first.timers.0;
    let before = |bound: f64| first.timers_within.iter().find(|(other, _)| *other == bound).map_or(0, |(_, n)| *n);
    let within = |share: f64| {
        let enough = |(bound, n): &&(f64, u64)| (n - before(*bound)) as f64 >= share * fired as f64;
        last.timers_within.iter().find(enough).map(|(bound, _)| bound * 1_000.0)
    };
    match (fired, within(0.5), within(0.99)) {
        (0, ..) => "no timer went out".to_owned(),
        (_, Some(half), Some(most)) if most.is_finite() => {
            format!("of {fired} timers half at most {half} ms late and 99 % at most {most} ms")
        }
        _ => format!("of {fired} timers more than 1 % later than can be told"),
    }
}

/// Looks at an instance over HTTP and in `/proc`.
pub struct Gauge {
    metrics: String,
}

impl Gauge {
    /// Of the instance that listens there.
    pub fn new(listen: &str) -> Gauge {
        Gauge { metrics: format!("http://{listen}/metrics") }
    }

    /// One look.
    ///
    /// # Errors
    /// The instance does not answer.
    pub fn look(&self, running: &mut Process, at: Duration, sent: u64) -> Result<Sample, String> {
        if let Some(ended) = running.has_ended() {
            return Err(format!("the instance ended by itself: {ended}"));
        }
        let answer = ureq::get(&self.metrics).call();
        let text = answer.and_then(|mut answer| answer.body_mut().read_to_string()).map_err(|e| e.to_string())?;
        let sum = |name: &str, label: &str| -> f64 {
            let lines = text.lines().filter(|line| {
                line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(label)
            });
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
        };
        Ok(Sample {
            at,
            sent,
            read: sum("tierline_records_total", "topic=\"tickets\"") as u64,
            lag: sum("tierline_lag_records", "") as u64,
            resident_kb: resident(running.id()).unwrap_or(0),
            open: sum("tierline_open_tickets", "") as u64,
            timers: (sum("tierline_timer_lag_seconds_count", "") as u64, sum("tierline_timer_lag_seconds_sum", "")),
            timers_within: buckets(&text, "tierline_timer_lag_seconds_bucket"),
            escalations: sum("tierline_escalations_total", "") as u64,
        })
    }
}

/// The buckets of a histogram without other labels.
fn buckets(text: &str, name: &str) -> Vec<(f64, u64)> {
    let one = |line: &str| {
        let (bound, count) = line.strip_prefix(name)?.strip_prefix("{le=\"")?.split_once("\"} ")?;
        Some((bound.parse().ok()?, count.parse::<f64>().ok()? as u64))
    };
    text.lines().filter_map(one).collect()
}

/// Resident memory of a process, KB.
fn resident(process: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_that_of_the_timers_in_between() {
        let text = |counts: [u64; 3]| {
            let [fast, slow, all] = counts;
            format!(
                "tierline_timer_lag_seconds_bucket{{le=\"0.01\"}} {fast}\ntierline_timer_lag_seconds_bucket{{le=\"0.05\"}} \
                 {slow}\ntierline_timer_lag_seconds_bucket{{le=\"+Inf\"}} {all}\n"
            )
        };
        let sample = |counts: [u64; 3]| Sample {
            timers: (counts[2], 0.0),
            timers_within: buckets(&text(counts), "tierline_timer_lag_seconds_bucket"),
            ..Sample::default()
        };
        let told = lateness(&sample([0, 0, 900]), &sample([60, 99, 1_000]));
        assert_eq!(told, "of 100 timers half at most 10 ms late and 99 % at most 50 ms");
        let told = lateness(&sample([0, 0, 0]), &sample([60, 98, 100]));
        assert_eq!(told, "of 100 timers more than 1 % later than can be told");
        assert_eq!(lateness(&sample([1, 1, 1]), &sample([1, 1, 1])), "no timer went out");
    }
}
