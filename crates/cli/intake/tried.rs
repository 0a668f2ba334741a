//! `tierline intake try`: what a payload would become. Writes nothing.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tierline_config::Config;
use tierline_intake::directory::{self, Entry};
use tierline_intake::{
    Canonical, Context, Delivery, Encoder, Ignored, Json, NotEncoded, Reading, Unreadable, Watch, payload_of, sources,
    unread,
};
use tierline_model::Encoding;

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::hooks::{self, now};
use crate::open;
use crate::print::{self, Output};

/// The arguments of `intake try`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline intake try zendesk payload.json
  pbpaste | tierline intake try zendesk - --output json
  tierline intake try zendesk payload.json --header 'x-zendesk-webhook-id: 7' --remembered

Nothing is written, and no signature is asked for. Exit code 1 says that the payload would be refused.")]
pub struct Try {
    /// Which source: its name in `intake.sources`, or a kind such as `zendesk`
    name: String,
    /// The payload; `-` is standard input
    file: PathBuf,
    /// A header that the source looks at, as `name: value`
    #[arg(long, value_name = "HEADER", value_parser = header)]
    header: Vec<(String, String)>,
    /// Look up in the log's directory what earlier payloads told [default: nothing was told before]
    #[arg(long)]
    remembered: bool,
    /// A table, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Try {
    /// Shows it.
    pub fn run(self, shared: &Shared) -> Ended {
        let config = open::config(shared)?;
        // To look at a vendor's payload nothing needs to be configured.
        let unconfigured = || sources::unconfigured(&self.name);
        let source = super::source(&config, &self.name).or_else(|why| unconfigured().ok_or(why))?;
        let body = payload(&self.file)?;
        let directory = remembered(&config, self.remembered)?;
        let headers: Vec<_> = self.header.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let delivery = Delivery { headers: &headers, ..Delivery::bare(&body, now()) };
        let watch = Watch::default();
        let payload = payload_of(source.as_ref(), &body);
        let read = match &payload {
            Ok(payload) => {
                let table = directory.table();
                source.read(Json::watched(payload, &watch), &Context { delivery: &delivery, directory: &*table })
            }
            Err(why) => Err(why.clone()),
        };
        let mut encoder = Encoder::new(config.topics.clone(), Box::new(|_, _| Ok(Encoding::SingleObject)));
        let read = read.and_then(|reading| checked(reading, &mut encoder));
        let untouched = match (&payload, &read) {
            (Ok(payload), Ok(_)) => unread(payload, &watch),
            _ => Vec::new(),
        };
        match self.output {
            Output::Json => print::json(&as_json(&read, &untouched))?,
            Output::Table => show(&read, &untouched)?,
        }
        Ok(if read.is_ok() { Answer::Yes } else { Answer::No })
    }
}

/// A reading with each record's topic.
struct Checked {
    records: Vec<(String, Canonical)>,
    directory: Vec<Entry>,
    ignored: Vec<Ignored>,
}

fn checked(reading: Reading, encoder: &mut Encoder) -> Result<Checked, Unreadable> {
    let mut records = Vec::with_capacity(reading.records.len());
    for record in reading.records {
        match encoder.encode(&record) {
            Ok((topic, _)) => records.push((topic, record)),
            Err(NotEncoded::Bad(unreadable)) => return Err(unreadable),
            Err(NotEncoded::Untried(why)) => return Err(Unreadable::undecodable(why)),
        }
    }
    Ok(Checked { records, directory: reading.directory, ignored: reading.ignored })
}

fn payload(file: &Path) -> Result<Vec<u8>, Untried> {
    let mut body = Vec::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().read_to_end(&mut body).map(drop),
        false => std::fs::read(file).map(|read| body = read),
    };
    read.map_err(|error| Untried::because(format!("cannot read {}: {error}", file.display())))?;
    Ok(body)
}

fn remembered(config: &Config, from_log: bool) -> Result<directory::Shared, Untried> {
    let directory = hooks::directory(config, "try");
    if from_log {
        directory.load(open::client(config)?.as_mut(), &config.topics)?;
    }
    Ok(directory)
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written as `name: value`")?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

fn as_json(read: &Result<Checked, Unreadable>, untouched: &[String]) -> Value {
    match read {
        Err(Unreadable { code, reason }) => json!({"unreadable": {"error": code, "reason": reason}}),
        Ok(Checked { records, directory, ignored }) => json!({
            "records": records.iter()
                .map(|(topic, record)| json!({"topic": topic, "stream": record.stream.word(), "record": record.told}))
                .collect::<Vec<_>>(),
            "directory": directory.iter()
                .map(|entry| json!({"key": entry.key(), "value": known(entry)}))
                .collect::<Vec<_>>(),
            "ignored": ignored.iter()
                .map(|Ignored { pointer, why }| json!({"pointer": pointer, "why": why}))
                .collect::<Vec<_>>(),
            "unread": untouched,
        }),
    }
}

fn known(entry: &Entry) -> Value {
    entry.value().and_then(|value| serde_json::from_slice(&value).ok()).unwrap_or(Value::Null)
}

fn show(read: &Result<Checked, Unreadable>, untouched: &[String]) -> std::io::Result<()> {
    let Checked { records, directory, ignored } = match read {
        Ok(checked) => checked,
        Err(Unreadable { code, reason }) => return print::line(format_args!("unreadable ({code}): {reason}")),
    };
    if records.is_empty() {
        print::line("it becomes no record")?;
    }
    for (nth, (topic, record)) in records.iter().enumerate() {
        print::line(format_args!("{}record {} on {topic}", if nth > 0 { "\n" } else { "" }, nth + 1))?;
        let mut rows = Vec::new();
        members("", &Value::Object(record.told.clone()), &mut rows);
        print::table(&["field", "value"], rows)?;
    }
    if !directory.is_empty() {
        print::line("\nto be remembered")?;
        let rows = directory.iter().map(|entry| vec![entry.key(), known(entry).to_string()]);
        print::table(&["what", "as"], rows)?;
    }
    if !ignored.is_empty() || !untouched.is_empty() {
        print::line("\nignored")?;
        let of_source = ignored.iter().map(|Ignored { pointer, why }| {
            vec![if pointer.is_empty() { "(all)".to_owned() } else { pointer.clone() }, why.to_string()]
        });
        let unread = untouched.iter().map(|pointer| vec![pointer.clone(), "nothing reads it".to_owned()]);
        print::table(&["pointer", "why"], of_source.chain(unread))?;
    }
    Ok(())
}

/// Each member with its path, and instants as people read them.
fn members(path: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(inner) => {
            for (name, value) in inner {
                members(&if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, value, rows);
            }
        }
        Value::Number(number) if path.ends_with("_at") || path.ends_with("_since") || path.ends_with("_until") => {
            let instant = number.as_i64().map(print::instant);
            rows.push(vec![path.to_owned(), instant.unwrap_or_else(|| number.to_string())]);
        }
        Value::String(text) => rows.push(vec![path.to_owned(), text.clone()]),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            rows.push(vec![path.to_owned(), items.join(", ")]);
        }
        other => rows.push(vec![path.to_owned(), other.to_string()]),
    }
}
