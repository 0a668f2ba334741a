//! `tierline send`: JSON lines to a topic, checked, keyed and partitioned as every producer should.

use std::io::{BufRead, BufReader, IsTerminal, Read, stdin};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};

use indicatif::{ProgressBar, ProgressStyle};
use tierline_model::RecordType;
use tierline_stream::client::{Client, Outgoing};

use crate::arguments::Shared;
use crate::doubts;
use crate::ended::{Answer, Ended, Untried};
use crate::input;
use crate::open;
use crate::print::{note, plain};
use crate::records::{Encoded, NotEncoded, Records};
use crate::streams::{self, Named};

/// The arguments of `send`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline send tickets events.jsonl
  echo '{\"account_id\":\"acme\",\"plan\":\"enterprise\",\"source\":\"crm\"}' | tierline send accounts
  tierline send commands - <<< '{\"command_id\":\"c1\",\"account_id\":\"acme\",\"ticket_id\":\"desk:7\",
    \"occurred_at\":\"2026-03-02T10:00:00Z\",\"kind\":\"acknowledge\",\"by\":\"sam\"}'

A bad line is reported with its number and left out; the others are sent. Exit code 1 says that there was one.
What is sent although a part of it has no effect, such as a member that nobody knows, is noted.")]
pub struct Send {
    /// Which topic: a stream's name or the cluster's
    topic: String,
    /// Where the lines are; `-` or nothing is standard input
    file: Option<PathBuf>,
}

/// Lines that are written with one sync, at most.
const BATCH: usize = 1_000;
/// From this length on, a person wants to see how far it is.
const LONG: u64 = 1 << 20;

impl Send {
    /// Sends all that is right, reports all that is wrong.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        let named = streams::find(&config.topics, &self.topic)?;
        let record = streams::input(&named).map_err(Untried::Because)?;
        let (input, length) = self.open()?;
        let mut sender = Sender {
            records: Records::new(&config),
            client: open::client_to_send(&config)?,
            named,
            record,
            bar: bar(length),
            sent: 0,
            bad: 0,
        };
        sender.send(&lines(input))?;
        sender.bar.finish_and_clear();
        let Sender { sent, bad, named, .. } = sender;
        note(format_args!(
            "sent {sent} to {}{}",
            named.topic,
            if bad > 0 { format!("; {bad} bad") } else { String::new() }
        ));
        Ok(if bad == 0 { Answer::Yes } else { Answer::No })
    }

    fn open(&self) -> Result<(Box<dyn Read + std::marker::Send>, Option<u64>), Untried> {
        match self.file.as_deref().filter(|file| *file != std::path::Path::new("-")) {
            None => Ok((Box::new(stdin()), None)),
            Some(path) => {
                let file = input::file(path)?;
                let length = file.metadata().ok().map(|about| about.len());
                Ok((Box::new(file), length))
            }
        }
    }
}

fn bar(length: Option<u64>) -> ProgressBar {
    match length.filter(|length| *length >= LONG && std::io::stderr().is_terminal()) {
        None => ProgressBar::hidden(),
        Some(length) => {
            let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
            // The template is a constant; a test would not compile a wrong one either.
            ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }
    }
}

/// The lines, read by a thread of their own, so that what is typed goes out at once and what is piped in batches.
fn lines(input: Box<dyn Read + std::marker::Send>) -> Receiver<std::io::Result<Vec<u8>>> {
    let (to, from) = sync_channel(2 * BATCH);
    std::thread::spawn(move || {
        for line in BufReader::new(input).split(b'\n') {
            if to.send(line).is_err() {
                return;
            }
        }
    });
    from
}

struct Sender {
    records: Records,
    client: Box<dyn Client>,
    named: Named,
    record: RecordType,
    bar: ProgressBar,
    sent: u64,
    bad: u64,
}

impl Sender {
    fn send(&mut self, lines: &Receiver<std::io::Result<Vec<u8>>>) -> Result<(), Untried> {
        let mut number = 0;
        while let Ok(first) = lines.recv() {
            let mut batch = Vec::new();
            let mut read = 0;
            for line in std::iter::once(first).chain(lines.try_iter()).take(BATCH) {
                let line = line?;
                number += 1;
                read += line.len() as u64 + 1;
                self.take(number, &line, &mut batch)?;
            }
            self.client.send_all(&self.named.topic, &batch)?;
            self.bar.inc(read);
        }
        Ok(())
    }

    fn take(&mut self, number: u64, line: &[u8], batch: &mut Vec<Outgoing>) -> Result<(), Untried> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        if !line.trim_ascii_start().starts_with(b"{") {
            self.report(number, "it is no JSON object: a line is one record, `{…}`");
            return Ok(());
        }
        let encoded = self.records.encode(&self.named, line);
        if encoded.is_ok()
            && let Ok(told) = serde_json::from_slice(line)
        {
            if let Some(why) = doubts::mistake(self.record, &told) {
                self.report(number, &why);
                return Ok(());
            }
            let notes = doubts::notes(self.record, &told);
            if !notes.is_empty() {
                let notes = format!("line {number} is sent, but {}", notes.join(", "));
                self.bar.suspend(|| note(format_args!("{}", plain(&notes))));
            }
        }
        match encoded {
            Ok(Encoded { key: Some(key), value }) => {
                batch.push(Outgoing { key: Some(key), value: Some(value), ..Outgoing::default() });
                self.sent += 1;
            }
            Ok(Encoded { key: None, value }) => {
                batch.extend(self.everywhere(value)?);
                self.sent += 1;
            }
            Err(NotEncoded::Bad(why)) => self.report(number, &why),
            Err(NotEncoded::Untried(why)) => return Err(Untried::Because(why)),
        }
        Ok(())
    }

    fn report(&mut self, number: u64, why: &str) {
        self.bar.suspend(|| note(format_args!("line {number}: {}", plain(why))));
        self.bad += 1;
    }

    /// What has no account is for every task: one in every partition.
    fn everywhere(&mut self, value: Vec<u8>) -> Result<Vec<Outgoing>, Untried> {
        let topic = &self.named.topic;
        let partitions = self.client.partitions(topic)?;
        let partitions = partitions.ok_or_else(|| {
            Untried::because(format!("there is no topic '{topic}' yet; make it with `tierline topics create`"))
        })?;
        let each =
            |partition| Outgoing { partition: Some(partition), value: Some(value.clone()), ..Outgoing::default() };
        Ok((0..partitions).map(each).collect())
    }
}
