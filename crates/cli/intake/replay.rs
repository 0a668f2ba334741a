//! `tierline intake replay`: kept payloads through the mapping as it is now.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tierline_intake::{Answer as Became, Arrived, Desk};
use tierline_model::Millis;
use tierline_stream::client::From;

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::hooks::{self, encoder, now};
use crate::open;
use crate::print::{self, Output, read_instant};

/// The arguments of `intake replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline intake replay
  tierline intake replay zendesk --since 2026-03-02T00:00:00Z --until 2026-03-03T00:00:00Z
  tierline intake replay desk --since 2026-03-02T00:00:00Z --anew

What was written before under the same event's id counts as a repeat: a replay brings what could not be read, or made
no record then. With --anew the ids are others, so that wrong fields are told again, and messages are still known by
their own ids. Exit code 1 says that a payload still can't be read.")]
pub struct Replay {
    /// Of which source: its name in `intake.sources` [default: all]
    name: Option<String>,
    /// Only what came at this instant or later
    #[arg(long, value_name = "INSTANT", value_parser = read_instant)]
    since: Option<Millis>,
    /// Only what came before this instant
    #[arg(long, value_name = "INSTANT", value_parser = read_instant)]
    until: Option<Millis>,
    /// Give the events other ids, so that they are taken once more
    #[arg(long)]
    anew: bool,
    /// Columns, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Payloads in one write to the log.
const BATCH: usize = 500;
/// How long nothing must come before the reading looks at the end.
const IDLE: Duration = Duration::from_millis(100);

/// What became of a source's payloads.
#[derive(Default)]
struct Count {
    payloads: usize,
    records: usize,
    repeats: usize,
    ignored: usize,
    unreadable: usize,
}

impl Replay {
    /// Reads them again.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        if let Some(name) = &self.name {
            super::source(&config, name)?;
        }
        let (kept, table) = {
            let mut client = open::client(&config)?;
            let table = hooks::directory(&config, "replay");
            table.load(client.as_mut(), &config.topics)?;
            let kept = self.kept(client.as_mut(), &config.topics.intake_raw)?;
            client.flush()?;
            (kept, table)
        };
        let sources = Arc::new(config.intake.sources.clone());
        let anew = self.anew.then(|| format!("#{}", now()));
        let desk = Desk::new(Arc::clone(&sources), encoder(&config), table, open::opener(&config)?, None);
        let mut desk = desk.replaying(anew);
        let mut counts: BTreeMap<String, Count> = BTreeMap::new();
        let known: Vec<_> = kept.into_iter().filter(|arrived| sources.contains_key(&arrived.source)).collect();
        for batch in known.chunks(BATCH) {
            for (arrived, became) in batch.iter().zip(desk.take(batch, now())) {
                counts.entry(arrived.source.clone()).or_default().add(&became)?;
            }
        }
        self.tell(&counts)?;
        let unreadable = counts.values().any(|count| count.unreadable > 0);
        Ok(if unreadable { Answer::No } else { Answer::Yes })
    }

    fn kept(&self, client: &mut dyn tierline_stream::client::Client, topic: &str) -> Result<Vec<Arrived>, Untried> {
        let mut kept = Vec::new();
        client.read(topic, From::Start, true, IDLE, &mut |seen| {
            if let Some(seen) = seen {
                let mut headers = Vec::new();
                seen.headers.each(&mut |name, value| {
                    headers.push((name.to_owned(), value.unwrap_or_default().to_vec()));
                });
                let arrived = seen.value.and_then(|value| Arrived::of_raw(value, &headers));
                kept.extend(arrived.filter(|arrived| self.wants(arrived)));
            }
            ControlFlow::Continue(())
        })?;
        Ok(kept)
    }

    fn wants(&self, arrived: &Arrived) -> bool {
        self.name.as_ref().is_none_or(|name| *name == arrived.source)
            && self.since.is_none_or(|since| arrived.received_at >= since)
            && self.until.is_none_or(|until| arrived.received_at < until)
    }

    fn tell(&self, counts: &BTreeMap<String, Count>) -> std::io::Result<()> {
        match self.output {
            Output::Json => print::json(
                &counts
                    .iter()
                    .map(|(source, count)| {
                        json!({
                            "source": source, "payloads": count.payloads, "records": count.records,
                            "repeats": count.repeats, "ignored": count.ignored, "unreadable": count.unreadable,
                        })
                    })
                    .collect(),
            ),
            Output::Table => {
                let rows = counts.iter().map(|(source, count)| {
                    let numbers = [count.payloads, count.records, count.repeats, count.ignored, count.unreadable];
                    std::iter::once(source.clone()).chain(numbers.map(|number| number.to_string())).collect()
                });
                print::table(&["source", "payloads", "records", "repeats", "ignored", "unreadable"], rows)
            }
        }
    }
}

impl Count {
    fn add(&mut self, became: &Became) -> Result<(), Untried> {
        self.payloads += 1;
        match became {
            Became::Taken { records, repeats } => {
                self.records += records;
                self.repeats += repeats;
            }
            Became::Ignored => self.ignored += 1,
            Became::Unreadable(_) => self.unreadable += 1,
            // It stays where it is kept, and the others go on; why, stands in the log.
            Became::TooLarge => self.unreadable += 1,
            Became::Unavailable => {
                return Err(Untried::because("the log did not take the records; the reason stands above"));
            }
        }
        Ok(())
    }
}
