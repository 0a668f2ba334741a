//! `tierline tail`: the records of a topic, decoded; committed ones only.

use std::io::{Write, stdout};
use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::{Value, json};
use tierline_stream::client::{Client, From, Seen};
use tierline_stream::topics::Stream;

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::letter::Letter;
use crate::open;
use crate::print::{Output, instant, plain};
use crate::records::Records;
use crate::streams::{self, Named};
use crate::summary::summary;

/// The arguments of `tail`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline tail escalations                        what is raised from now on
  tierline tail escalations --from-start --until-end --output json | jq .reason
  tierline tail tickets --from-start

Only committed records are shown. Programs that read Tierline's topics themselves set
isolation.level=read_committed for the same; Java's default is another.")]
pub struct Tail {
    /// Which topic: a stream's name or the cluster's
    topic: String,
    /// Begin with the oldest record that is kept [default: with what comes from now on]
    #[arg(long)]
    from_start: bool,
    /// Stop at the end that the topic has now [default: wait for more]
    #[arg(long)]
    until_end: bool,
    /// Readable lines, or one JSON object a line
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// How long a reader sleeps where nothing comes; bounds only how soon buffered lines appear.
const IDLE: Duration = Duration::from_millis(100);

impl Tail {
    /// Prints until the end, or until nobody reads any more.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        let named = streams::find(&config.topics, &self.topic)?;
        if matches!(named.stream, Stream::DetectState | Stream::ScoreState) {
            let why = "is the pipeline's own state, in a form of its own: there is nothing in it to read";
            return Err(Untried::because(format!("'{}' {why}", named.topic)));
        }
        let mut records = Records::new(&config);
        let mut client = open::client(&config)?;
        let from = if self.from_start { From::Start } else { From::End };
        follow(client.as_mut(), &mut records, &named, from, self.until_end, self.output)?;
        Ok(Answer::Yes)
    }
}

fn follow(
    client: &mut dyn Client,
    records: &mut Records,
    named: &Named,
    from: From,
    until_end: bool,
    output: Output,
) -> Result<(), Untried> {
    let mut out = std::io::BufWriter::new(stdout().lock());
    let mut broken = None;
    client.read(&named.topic, from, until_end, IDLE, &mut |seen| {
        let written = match seen {
            Some(seen) => writeln!(out, "{}", line(records, named, &seen, output)),
            None => out.flush().and_then(|()| still_read()),
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                broken = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    match broken {
        Some(error) => Err(error.into()),
        None => Ok(out.flush()?),
    }
}

/// Fails when nobody reads standard output any more, so that `… | head -1` ends though nothing else comes.
fn still_read() -> std::io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let out = stdout();
    let mut asked = [PollFd::new(&out, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut asked, Some(&at_once)) {
        Ok(1..) if asked[0].revents().contains(PollFlags::ERR) => Err(std::io::ErrorKind::BrokenPipe.into()),
        _ => Ok(()),
    }
}

fn line(records: &mut Records, named: &Named, seen: &Seen<'_>, output: Output) -> String {
    let key = seen.key.map(String::from_utf8_lossy);
    let value = value(records, named, seen);
    match output {
        Output::Table => {
            let place = format!("{}:{}", seen.partition, seen.offset);
            format!(
                "{}  {place:<8} {:<14} {}",
                instant(seen.appended_at),
                plain(key.as_deref().unwrap_or("-")),
                plain(&summary(named.stream, &value))
            )
        }
        Output::Json => json!({
            "topic": seen.topic, "partition": seen.partition, "offset": seen.offset,
            "appended_at": instant(seen.appended_at), "key": key, "value": value,
        })
        .to_string(),
    }
}

fn value(records: &mut Records, named: &Named, seen: &Seen<'_>) -> Value {
    match (named.stream, seen.value) {
        (_, None) => Value::Null,
        (Stream::DeadLetters, Some(_)) => Letter::read(seen).to_json(),
        (Stream::Directory | Stream::Aliases | Stream::IntakeRaw, Some(bytes)) => {
            serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
        }
        (stream, Some(bytes)) => records.decode(stream, bytes).unwrap_or_else(|why| json!({"undecodable": why})),
    }
}
