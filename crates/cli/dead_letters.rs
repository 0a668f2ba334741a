//! `tierline dead-letters`: what could not be taken, and another try.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};
use tierline_model::Millis;
use tierline_rules::source::did_you_mean;
use tierline_stream::client::{Client, From};
use tierline_stream::dead_letter;
use tierline_stream::log::{Offset, Partition};

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::letter::Letter;
use crate::open;
use crate::print::{self, Output, plain, read_instant};
use crate::records::Records;
use crate::streams;

/// The arguments of `dead-letters`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline dead-letters list
  tierline dead-letters show 0:17
  tierline dead-letters replay --all --error unknown_schema")]
pub struct DeadLetters {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them, oldest first of each partition
    #[command(after_help = "Examples:
  tierline dead-letters list
  tierline dead-letters list --error wrong_partition --output json")]
    List {
        #[command(flatten)]
        only: Only,
        /// Columns, or one JSON object a line
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Show one, with what can be read of the original
    #[command(after_help = "Examples:
  tierline dead-letters show 0:17")]
    Show {
        /// Its place, as `list` shows it: PARTITION:OFFSET
        #[arg(value_parser = place)]
        place: (Partition, Offset),
        /// Lines, or JSON
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Send originals to their topics again, after what was wrong has been mended
    #[command(after_help = "Examples:
  tierline dead-letters replay 0:17 2:5
  tierline dead-letters replay --all
  tierline dead-letters replay --all --topic tickets --error unknown_schema
  tierline dead-letters replay --all --since 2026-03-02T10:00:00Z

The original goes to its topic again, placed by its key, without the headers of its dead letter. What was taken in the
meantime is recognised by its id and has no effect. One header is added, tierline.replay_of: where the original stood.
By it --all knows what has failed again, and sends each original once: the newest of its dead letters counts, for
--error and --since too.")]
    Replay {
        /// Which: PARTITION:OFFSET …; whatever it is, so that nothing that narrows `--all` goes with it
        #[arg(
            value_parser = place,
            required_unless_present = "all",
            conflicts_with_all = ["all", "error", "topic", "since"]
        )]
        places: Vec<(Partition, Offset)>,
        /// Every original once
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        only: Only,
    },
}

/// Which of them.
#[derive(Debug, clap::Args)]
struct Only {
    /// Only those with this error
    #[arg(long, value_name = "CODE")]
    error: Option<String>,
    /// Only those that stood in this topic
    #[arg(long)]
    topic: Option<String>,
    /// Only those that came at this instant or later
    #[arg(long, value_name = "INSTANT", value_parser = read_instant)]
    since: Option<Millis>,
}

impl Only {
    /// Refuses an error that neither a letter has nor any could have: nothing would be found, and that would look well.
    fn check(&self, letters: &[Letter]) -> Result<(), Untried> {
        let Some(error) = &self.error else { return Ok(()) };
        let found = letters.iter().map(|letter| letter.error.as_str());
        let known: BTreeSet<_> = dead_letter::CODES.iter().chain(&NOT_THE_PIPELINES).copied().chain(found).collect();
        if known.contains(error.as_str()) {
            return Ok(());
        }
        let help = did_you_mean(error, known.iter().copied())
            .unwrap_or_else(|| format!("there are {}", known.iter().copied().collect::<Vec<_>>().join(", ")));
        Err(Untried::because(format!("no dead letter has the error `{error}`; {help}")))
    }

    fn admits(&self, letter: &Letter) -> bool {
        self.error.as_ref().is_none_or(|error| *error == letter.error)
            && self.topic.as_ref().is_none_or(|topic| *topic == letter.topic)
            && self.since.is_none_or(|since| letter.appended_at >= since)
    }
}

/// Errors that only intake has.
const NOT_THE_PIPELINES: [&str; 1] = [tierline_intake::PANICKED];

/// How long a reader sleeps where nothing comes.
const IDLE: Duration = Duration::from_millis(100);

impl DeadLetters {
    /// Does what was asked.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        let topic = config.topics.dead_letters.clone();
        let mut client = open::client(&config)?;
        match self.what {
            What::List { only, output } => {
                let letters = every(client.as_mut(), &topic)?;
                // A pager may wait for its reader; nobody is to wait for an embedded folder meanwhile.
                drop(client);
                only.check(&letters)?;
                list(&letters, &only, output)
            }
            What::Show { place, output } => {
                let letter = one(client.as_mut(), &topic, place)?;
                drop(client);
                show(&letter, &mut Records::new(&config), &config.topics, output)
            }
            What::Replay { places, all, only } => {
                let letters = match all {
                    true => {
                        let letters = every(client.as_mut(), &topic)?;
                        only.check(&letters)?;
                        let newest = newest_of_each(letters);
                        newest.into_iter().filter(|letter| only.admits(letter)).collect()
                    }
                    false => {
                        let letters = places.into_iter().map(|place| one(client.as_mut(), &topic, place));
                        letters.collect::<Result<Vec<_>, _>>()?
                    }
                };
                replay(client.as_mut(), &letters, &config.topics.intake_raw)
            }
        }
    }
}

fn list(letters: &[Letter], only: &Only, output: Output) -> Ended {
    let letters: Vec<_> = letters.iter().filter(|letter| only.admits(letter)).collect();
    match output {
        Output::Json => letters.iter().try_for_each(|letter| print::line(letter.to_json()))?,
        Output::Table if letters.is_empty() => print::line("no dead letters")?,
        Output::Table => print::table(
            &["place", "failed at", "error", "from", "reason"],
            letters.iter().map(|letter| {
                vec![
                    letter.place(),
                    letter.failed_at.clone(),
                    letter.error.clone(),
                    letter.origin(),
                    letter.reason.clone(),
                ]
            }),
        )?,
    }
    Ok(Answer::Yes)
}

fn show(letter: &Letter, records: &mut Records, names: &tierline_stream::topics::Names, output: Output) -> Ended {
    let decoded = streams::find(names, &letter.topic).ok().zip(letter.original.value.as_deref());
    let decoded = decoded.and_then(|(named, value)| records.decode(named.stream, value).ok());
    let raw = letter.original.value.as_deref().map(String::from_utf8_lossy);
    if output == Output::Json {
        let headers: serde_json::Map<String, Value> = letter.original.headers.iter().map(header).collect();
        let mut told = letter.to_json();
        told["headers"] = headers.into();
        told["value"] = decoded.unwrap_or(Value::Null);
        told["text"] = json!(raw);
        print::json(&told)?;
        return Ok(Answer::Yes);
    }
    let told = |what: &str, value: &str| print::line(format_args!("{:<10} {}", plain(what), plain(value)));
    told("place", &letter.place())?;
    told("error", &letter.error)?;
    told("reason", &letter.reason)?;
    told("from", &letter.origin())?;
    told("failed at", &letter.failed_at)?;
    if let Some(root) = &letter.replay_of {
        told("replay of", root)?;
    }
    for (name, value) in &letter.marks {
        told(name, value)?;
    }
    let key = letter.original.key.as_deref().map(String::from_utf8_lossy);
    told("key", key.as_deref().unwrap_or("(none)"))?;
    for (name, value) in &letter.original.headers {
        told("header", &format!("{name}: {}", String::from_utf8_lossy(value)))?;
    }
    match (decoded, raw) {
        // Its line ends are the printer's own: JSON escapes those of texts, but not every control character.
        (Some(value), _) => {
            let lines = format!("{value:#}");
            let lines: Vec<_> = lines.lines().map(plain).collect();
            print::line(format_args!("value      {}", lines.join("\n")))?;
        }
        (None, Some(text)) => print::line(format_args!("value      {}", text.escape_debug()))?,
        (None, None) => told("value", "(tombstone)")?,
    }
    Ok(Answer::Yes)
}

fn header((name, value): &(String, Vec<u8>)) -> (String, Value) {
    (name.clone(), String::from_utf8_lossy(value).into())
}

fn replay(client: &mut dyn Client, letters: &[Letter], intake_raw: &str) -> Ended {
    let mut left_out = 0;
    let mut payloads = 0;
    for letter in letters {
        let nowhere = letter.topic.is_empty();
        if letter.is_cut() || nowhere {
            let why = if nowhere { "it doesn't say from which topic it came" } else { "it was cut, the rest is lost" };
            print::note(format_args!("tierline: {} is left out: {why}", letter.place()));
            left_out += 1;
            continue;
        }
        client.send_all(&letter.topic, &[letter.again()])?;
        payloads += usize::from(letter.topic == intake_raw);
    }
    print::line(format_args!("sent {} of {} again", letters.len() - left_out, letters.len()))?;
    if payloads > 0 {
        // Nothing reads kept payloads by itself.
        print::line(format_args!(
            "{payloads} of them lie on {intake_raw} again; `tierline intake replay SOURCE` makes records of what lies there"
        ))?;
    }
    Ok(if left_out == 0 { Answer::Yes } else { Answer::No })
}

/// Of several letters of one original the newest, in the order of the letters.
fn newest_of_each(letters: Vec<Letter>) -> Vec<Letter> {
    let mut newest: HashMap<String, (Millis, Partition, Offset)> = HashMap::new();
    for letter in &letters {
        let age = letter.age();
        newest.entry(letter.root()).and_modify(|known| *known = age.max(*known)).or_insert(age);
    }
    letters.into_iter().filter(|letter| newest.get(&letter.root()) == Some(&letter.age())).collect()
}

/// All there are at the moment, each partition's in order.
fn every(client: &mut dyn Client, topic: &str) -> Result<Vec<Letter>, Untried> {
    let mut letters = Vec::new();
    client.read(topic, From::Start, true, IDLE, &mut |seen| {
        letters.extend(seen.as_ref().map(Letter::read));
        ControlFlow::Continue(())
    })?;
    letters.sort_by_key(|letter| (letter.partition, letter.offset));
    Ok(letters)
}

fn one(client: &mut dyn Client, topic: &str, (partition, offset): (Partition, Offset)) -> Result<Letter, Untried> {
    let mut found = None;
    client.read(topic, From::At(partition, offset), true, IDLE, &mut |seen| {
        found = seen.as_ref().map(Letter::read).or(found.take());
        match &found {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    })?;
    let found = found.filter(|letter| (letter.partition, letter.offset) == (partition, offset));
    found.ok_or_else(|| {
        Untried::because(format!("there is no dead letter at {partition}:{offset}; see `tierline dead-letters list`"))
    })
}

fn place(text: &str) -> Result<(Partition, Offset), String> {
    let parsed = text.split_once(':').and_then(|(p, o)| Some((p.parse().ok()?, o.parse().ok()?)));
    parsed.ok_or_else(|| "a place is PARTITION:OFFSET, such as 0:17".to_owned())
}
