//! What a job took of the machine: its time, its own processor time, its memory.

use std::error::Error;
use std::fmt;
use std::fs;
use std::str::FromStr;
use std::time::Instant;

use crate::Outcome;

/// The kernel counts processor time in these parts of a second (`USER_HZ`, which is 100 wherever Rust runs on Linux).
const TICKS: f64 = 100.0;

/// What a job took.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    records: u64,
    seconds: f64,
    /// User and system time of the whole process, its client's threads included.
    cpu_seconds: f64,
    /// The most that was ever resident, MB.
    resident_mb: f64,
}

impl Measured {
    /// Records a second.
    pub fn a_second(&self) -> f64 {
        self.records as f64 / self.seconds
    }
}

/// The beginning of what is measured.
pub struct Begun {
    at: Instant,
    cpu_seconds: f64,
}

impl Begun {
    /// Now.
    pub fn now() -> Outcome<Begun> {
        Ok(Begun { at: Instant::now(), cpu_seconds: cpu_seconds()? })
    }

    /// What it took until now, for so many records.
    pub fn took(&self, records: u64) -> Outcome<Measured> {
        let seconds = self.at.elapsed().as_secs_f64();
        let cpu_seconds = cpu_seconds()? - self.cpu_seconds;
        Ok(Measured { records, seconds, cpu_seconds, resident_mb: resident_mb()? })
    }
}

/// For people: `{:#}`. For [`FromStr`]: `{}`.
impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measured { records, seconds, cpu_seconds, resident_mb } = self;
        if !f.alternate() {
            return write!(f, "{records} {seconds} {cpu_seconds} {resident_mb}");
        }
        let each = cpu_seconds * 1e6 / (*records).max(1) as f64;
        write!(
            f,
            "{:>7.0} events/s, own CPU {each:.2} µs an event, {resident_mb:.0} MB resident at most",
            self.a_second()
        )
    }
}

impl FromStr for Measured {
    type Err = Box<dyn Error + Send + Sync>;

    fn from_str(line: &str) -> Outcome<Measured> {
        let mut words = line.split(' ');
        let mut next = || words.next().ok_or_else(|| format!("a child said `{line}` instead of what it took"));
        Ok(Measured {
            records: next()?.parse()?,
            seconds: next()?.parse()?,
            cpu_seconds: next()?.parse()?,
            resident_mb: next()?.parse()?,
        })
    }
}

fn cpu_seconds() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The second field, the program's name, is in brackets and may hold anything; user time is the 14th.
    let after_name = stat.rsplit(')').next().ok_or("/proc/self/stat has a name")?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
}

fn resident_mb() -> Outcome<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("/proc/self/status has VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
}
