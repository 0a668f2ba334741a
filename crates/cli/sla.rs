//! `tierline sla`: questions of business time, answered by the very calendars that clocks run on.

use serde_json::json;
use tierline_model::Millis;
use tierline_rules::source::{did_you_mean, listed, parse_target};
use tierline_rules::{Calendar, Length, RuleSet};
use tierline_sla::Pauses;

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::open;
use crate::print::{self, Output};

/// The arguments of `sla`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline sla due --calendar emea --from 2026-12-24T10:00:00+01:00 --target '3 business days'
  tierline sla elapsed --calendar emea --from 2026-03-27T16:30:00Z --to 2026-03-30T07:30:00Z")]
pub struct Sla {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The instant at which a target is due
    Due(Due),
    /// The business time between two instants
    Elapsed(Elapsed),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline sla due --calendar always --from 2026-03-02T09:00:00Z --target 4h
  tierline sla due --calendar emea --from 2026-03-06T17:00:00+01:00 --target 2h
  tierline sla due --calendar emea --from 2026-03-06T17:00:00+01:00 --target '1 business day' \\
      --paused 2026-03-09T09:00:00+01:00/2026-03-09T10:00:00+01:00 --output json")]
struct Due {
    #[command(flatten)]
    asked: Asked,
    /// 30m, 24h, '24 business hours' or '3 business days'
    #[arg(long, value_name = "DURATION", value_parser = target)]
    target: Length,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline sla elapsed --calendar emea --from 2026-03-06T17:00:00+01:00 --to 2026-03-09T10:00:00+01:00
  tierline sla elapsed --calendar emea --from 2026-03-06T17:00:00+01:00 --to 2026-03-09T10:00:00+01:00 --output json")]
struct Elapsed {
    #[command(flatten)]
    asked: Asked,
    /// Up to when
    #[arg(long, value_name = "INSTANT", value_parser = print::read_instant)]
    to: Millis,
}

/// What both questions say.
#[derive(Debug, clap::Args)]
struct Asked {
    /// A calendar of the configuration, or `always`
    #[arg(long, value_name = "NAME")]
    calendar: String,
    /// From when
    #[arg(long, value_name = "INSTANT", value_parser = print::read_instant)]
    from: Millis,
    /// While the clock stands; may be given several times
    #[arg(long, value_name = "FROM/TO", value_parser = pause)]
    paused: Vec<(Millis, Millis)>,
    /// For people, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Sla {
    /// Answers.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        match self.command {
            Command::Due(Due { asked, target }) => {
                let calendar = named(&config.rules, &asked.calendar)?;
                let pauses: Pauses = asked.paused.iter().copied().collect();
                let due = calendar.due_in(asked.from, target, &pauses);
                if due == Millis::MAX {
                    return Err(Untried::because(format!("`{}` is not open for so long any more", asked.calendar)));
                }
                match asked.output {
                    Output::Table => print::line(print::instant(due))?,
                    Output::Json => print::json(&json!({
                        "calendar": asked.calendar, "from": print::instant(asked.from), "target": target.to_string(),
                        "due_at": print::instant(due),
                    }))?,
                }
            }
            Command::Elapsed(Elapsed { asked, to }) => {
                if to < asked.from {
                    return Err(Untried::because("`--to` lies before `--from`"));
                }
                let calendar = named(&config.rules, &asked.calendar)?;
                let pauses: Pauses = asked.paused.iter().copied().collect();
                let elapsed = calendar.elapsed_with(asked.from, to, &pauses);
                match asked.output {
                    Output::Table => print::line(exactly(elapsed))?,
                    Output::Json => print::json(&json!({
                        "calendar": asked.calendar, "from": print::instant(asked.from), "to": print::instant(to),
                        "elapsed_ms": elapsed,
                    }))?,
                }
            }
        }
        Ok(Answer::Yes)
    }
}

fn named(rules: &RuleSet, name: &str) -> Result<Calendar, Untried> {
    const ALWAYS: &str = "always";
    if name == ALWAYS {
        return Ok(Calendar::Always);
    }
    let named = rules.calendars.iter().find(|named| named.name == name);
    named.map(|named| named.calendar.clone()).ok_or_else(|| {
        let names = || rules.calendars.iter().map(|named| named.name.as_str()).chain([ALWAYS]);
        let help = did_you_mean(name, names()).unwrap_or_else(|| format!("the calendars are {}", listed(names())));
        Untried::because(format!("there is no calendar `{name}`: {help}"))
    })
}

fn target(written: &str) -> Result<Length, String> {
    parse_target(written.trim()).map_err(|wrong| format!("{}: {}", wrong.message, wrong.help))
}

fn pause(written: &str) -> Result<(Millis, Millis), String> {
    let (from, to) = written.split_once('/').ok_or("a pause is two instants: FROM/TO")?;
    let (from, to) = (print::read_instant(from)?, print::read_instant(to)?);
    if from < to { Ok((from, to)) } else { Err("a pause ends after it begins".to_owned()) }
}

/// `31 h 5 min 2 s`: hours, since a day means two things.
fn exactly(length: Millis) -> String {
    const UNITS: [(Millis, &str); 4] = [(3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")];
    let mut rest = length;
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        if rest >= unit {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn business_time_is_told_in_hours_to_the_millisecond() {
        assert_eq!(exactly(31 * 3_600_000 + 5 * 60_000 + 7), "31 h 5 min 7 ms");
        assert_eq!(exactly(0), "0 s");
    }

    #[test]
    fn a_pause_is_two_instants_in_order() {
        assert_eq!(pause("1970-01-01T00:00:00Z/1970-01-01T00:00:01Z"), Ok((0, 1_000)));
        for wrong in ["1970-01-01T00:00:01Z/1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "a/b"] {
            assert!(pause(wrong).is_err(), "{wrong}");
        }
    }
}
