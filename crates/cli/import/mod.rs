//! `tierline import`: what a help desk has exported, or a CSV file, as records with an import's id.

mod file;
mod tell;

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tierline_config::Config;
use tierline_intake::directory::Shared as Directory;
use tierline_intake::import::Importer;
use tierline_intake::{Outbox, content_id};
use tierline_stream::client::Client;

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::hooks::{self, encoder, now};
use crate::open;
use crate::print::{self, Output};
use file::{File, Payloads};

/// The arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline import zendesk tickets.json
  tierline import servicenow incidents.csv --mapping incidents.yaml
  zcat incidents.csv.gz | tierline import servicenow - --mapping incidents.yaml --dry-run

What it brings fills state and history, and raises nothing that was over before it began: rules look at its tickets once
all of it is there. An import that was interrupted goes on where it stopped when the same command is given again; one
that is finished is not begun again. Exit code 1 says that something could not be read; it is left out, and counted.")]
pub struct Import {
    /// Which source: its name in `intake.sources`; with --mapping any name
    source: String,
    /// The export: JSON, a JSON document a line, or CSV; `-` is standard input
    file: PathBuf,
    /// How the rows of a CSV file become records
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// By what this import is known [default: made of the source and what the files hold]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Read all of it and count; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Columns, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Payloads in one write to the log.
const BATCH: usize = 1_000;
/// From this many payloads on, a person wants to see how far it is.
const LONG: u64 = 5_000;

impl Import {
    /// Imports it, or goes on.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        let File { source, payloads, content } =
            file::read(&config, &self.source, &self.file, self.mapping.as_deref())?;
        let id = self.id.clone().unwrap_or_else(|| format!("{}-{}", self.source, &content_id(&content)[..12]));
        drop(content);
        let directory = hooks::directory(&config, format!("import {id}"));
        let mut log = if self.dry_run { None } else { Some(open_log(&config, &directory)?) };
        let mut importer = Importer::new(source, encoder(&config), directory, id.clone(), now());
        let before = importer.position();
        if before.is_finished {
            let since = print::instant(before.began_at);
            match self.output {
                Output::Json => print::json(&serde_json::json!({"import_id": id, "imported_since": since}))?,
                Output::Table => print::line(format_args!("{id} is imported already, since {since}"))?,
            }
            return Ok(Answer::Yes);
        }
        if before.done > 0 {
            print::note(format_args!("{id} goes on behind the first {} payloads", before.done));
        }
        work_off(&mut importer, payloads, log.as_mut())?;
        if let Some(log) = &mut log {
            let mut outbox = Outbox::default();
            importer.finish(log.partitions, &mut outbox).map_err(Untried::Because)?;
            outbox.send(log.client.as_mut())?;
        }
        let counts = importer.counts();
        tell::counts(&id, before.done, counts, self.output)?;
        Ok(if counts.left_out.is_empty() { Answer::Yes } else { Answer::No })
    }
}

/// Where it goes.
struct Log {
    client: Box<dyn Client>,
    /// Of `tickets`.
    partitions: i32,
}

fn open_log(config: &Config, directory: &Directory) -> Result<Log, Untried> {
    let mut client = open::client_to_send(config)?;
    let topic = &config.topics.tickets;
    let partitions = client.partitions(topic)?;
    let partitions = partitions.ok_or_else(|| {
        Untried::because(format!("there is no topic '{topic}' yet; make it with `tierline topics create`"))
    })?;
    directory.load(client.as_mut(), &config.topics)?;
    Ok(Log { client, partitions })
}

fn work_off(importer: &mut Importer, mut payloads: Payloads, mut log: Option<&mut Log>) -> Result<(), Untried> {
    let done = importer.position().done;
    let bar = bar(payloads.len());
    // What was done before is passed over, not read: the directory has what it told.
    for (place, _) in payloads.by_ref().take(usize::try_from(done).unwrap_or(usize::MAX)) {
        bar.set_position(place);
    }
    bar.set_position(done);
    let mut outbox = Outbox::default();
    let mut waiting = 0;
    for (place, payload) in payloads.by_ref() {
        importer.take(&payload, place, &mut outbox).map_err(Untried::Because)?;
        waiting += 1;
        if waiting == BATCH {
            send(importer, &mut outbox, log.as_deref_mut())?;
            bar.inc(waiting as u64);
            waiting = 0;
        }
    }
    send(importer, &mut outbox, log)?;
    for (place, why) in payloads.left_out() {
        importer.counts().leave_out(why, place);
    }
    bar.finish_and_clear();
    Ok(())
}

fn send(importer: &mut Importer, outbox: &mut Outbox, log: Option<&mut Log>) -> Result<(), Untried> {
    importer.close(outbox);
    if let Some(log) = log {
        outbox.send(log.client.as_mut())?;
    }
    *outbox = Outbox::default();
    Ok(())
}

fn bar(length: u64) -> ProgressBar {
    use std::io::IsTerminal;
    if length < LONG || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {per_sec} {eta}");
    // The template is a constant; a test would not compile a wrong one either.
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A payload and where it stands: a line, or the number of an item.
type Placed = (u64, Value);
