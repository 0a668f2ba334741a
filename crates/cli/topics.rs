//! `tierline topics`: the topics as they should be.

use clap::Subcommand;
use serde_json::{Value, json};
use tierline_config::{Config, Log};
use tierline_kafka::Admin;
use tierline_kafka::admin::{Difference, Made, Severity};

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::open;
use crate::print::{self, Output, counted};

/// The arguments of `topics`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline topics create --partitions 12 --replication 3
  tierline topics check

The embedded log makes its topics itself; these commands are for Kafka.")]
pub struct Topics {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make those that are missing; what exists stays as it is
    #[command(after_help = "Examples:
  tierline topics create
  tierline topics create --partitions 12 --replication 3")]
    Create {
        /// How many partitions each gets: as many as tasks can run side by side [default: as many as the topics have
        /// that are there, else 6]
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
        partitions: Option<i32>,
        /// How many brokers keep each [default: the cluster's]
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
        replication: Option<i32>,
        /// Columns, or JSON
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Say what differs from how they should be; exit code 1 if a start would be refused
    #[command(after_help = "Examples:
  tierline topics check
  tierline topics check --output json | jq -r '.differences[].mend'")]
    Check {
        /// Lines, or JSON
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
}

/// How many partitions topics get where nothing says so.
const PARTITIONS: i32 = 6;

impl Topics {
    /// Does what was asked.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        let Log::Kafka(told) = &config.log else {
            let why = "the log is embedded and makes its topics itself; this command is for `log.kind: kafka`";
            let (What::Create { output, .. } | What::Check { output }) = self.what;
            if output == Output::Json {
                print::json(&json!({ "refused": why }))?;
            }
            return Err(Untried::because(why));
        };
        let admin = Admin::connect(&open::kafka(told))?;
        match self.what {
            What::Create { partitions, replication, output } => {
                create(&admin, &config, partitions, replication, output)
            }
            What::Check { output } => check(&admin, &config, shared, output),
        }
    }
}

fn create(admin: &Admin, config: &Config, wanted: Option<i32>, replication: Option<i32>, output: Output) -> Ended {
    let specs = open::topics(config);
    let there = admin.co_partitions(&specs)?;
    if let (Some(wanted), Some((topic, there))) = (wanted, &there)
        && wanted != *there
    {
        let why = format!("topic `{topic}` has {}", counted(*there as usize, "partition"));
        return Err(Untried::because(format!("{why}, and all inputs must have as many: leave out `--partitions`")));
    }
    let partitions = wanted.or(there.map(|(_, there)| there)).unwrap_or(PARTITIONS);
    let made = admin.create(&specs, partitions, replication)?;
    let made = made.into_iter().map(|(topic, made)| match made {
        Made::Created => (topic, "created"),
        Made::Existed => (topic, "was there"),
    });
    match output {
        Output::Json => {
            print::json(&made.map(|(topic, made)| json!({"topic": topic, "created": made == "created"})).collect())?;
        }
        Output::Table => print::table(&["topic", "now"], made.map(|(topic, made)| vec![topic, made.to_owned()]))?,
    }
    Ok(Answer::Yes)
}

fn check(admin: &Admin, config: &Config, shared: &Shared, output: Output) -> Ended {
    let specs = open::topics(config);
    let mut differences = admin.check(&specs)?;
    for mend in differences.iter_mut().filter_map(|difference| difference.mend.as_mut()) {
        *mend = shared.advise(mend);
    }
    let mistakes = differences.iter().filter(|difference| difference.severity == Severity::Mistake).count();
    let warnings = differences.len() - mistakes;
    match output {
        Output::Json => print::json(&json!({
            "topics": specs.len(), "mistakes": mistakes, "warnings": warnings,
            "differences": differences.iter().map(as_json).collect::<Vec<_>>(),
        }))?,
        Output::Table => {
            differences.iter().try_for_each(tell)?;
            let (mistakes, warnings) = (counted(mistakes, "mistake"), counted(warnings, "warning"));
            print::line(format_args!("{}: {mistakes}, {warnings}", counted(specs.len(), "topic")))?;
        }
    }
    Ok(if mistakes == 0 { Answer::Yes } else { Answer::No })
}

/// Not a table: a command that is to be copied must not be wrapped.
fn tell(difference: &Difference) -> std::io::Result<()> {
    let Difference { topic, severity, what, mend } = difference;
    print::line(format_args!("{}: topic `{topic}`: {what}", word(*severity)))?;
    match mend {
        Some(mend) => print::line(format_args!("  mend it with: {mend}")),
        None => Ok(()),
    }
}

fn as_json(difference: &Difference) -> Value {
    let Difference { topic, severity, what, mend } = difference;
    json!({"topic": topic, "severity": word(*severity), "what": what, "mend": mend})
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Mistake => "mistake",
        Severity::Warning => "warning",
    }
}
