//! What a command opens: the configuration, and by it the logs, the schema registry, a client of the log.

use std::fs;
use std::io::{ErrorKind, stderr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tierline_config::{Config, Kafka, Log};
use tierline_embedded::{Clock, EmbeddedClient, EmbeddedSettings};
use tierline_intake::Opener;
use tierline_kafka::{KafkaClient, Settings};
use tierline_model::Registry;
use tierline_rules::source::{Diagnostics, Severity, Source, Warning};
use tierline_stream::client::Client;
use tierline_stream::topics::{TopicSpec, detect_topics, intake_topics, score_topics};

use crate::arguments::Shared;
use crate::ended::Untried;
use crate::print::{Paint, counted, note};

/// The configuration that is taken where none is named.
pub const DEFAULT: &str = "tierline.yaml";
/// What the built-in one is called in messages.
const BUILT_IN: &str = "the built-in example";
/// What it is called where somebody, or an editor, ended its name otherwise.
const NEAR: [&str; 3] = ["tierline.yml", "tierline.yaml.txt", "tierline.yml.txt"];

/// The text of the configuration.
///
/// # Errors
/// The file can't be read, or none is there by that name, but one by a name that is much like it.
pub fn source(shared: &Shared) -> Result<Arc<Source>, Untried> {
    match &shared.config {
        Some(path) => file(path),
        None => match fs::read_to_string(DEFAULT) {
            Ok(text) => Ok(Source::new(DEFAULT, text)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                default_in(Path::new("")).map(|_| Source::new(BUILT_IN, tierline_config::EXAMPLE))
            }
            Err(error) => Err(Untried::because(format!("cannot read {DEFAULT}: {error}"))),
        },
    }
}

/// The configuration of this folder, if one is there.
///
/// # Errors
/// None is, but one by a name that is much like its own: whoever wrote it means it.
pub fn default_in(folder: &Path) -> Result<Option<PathBuf>, Untried> {
    let default = folder.join(DEFAULT);
    if default.is_file() {
        return Ok(Some(default));
    }
    match NEAR.iter().map(|name| folder.join(name)).find(|path| path.is_file()) {
        None => Ok(None),
        Some(near) => {
            let near = near.display();
            Err(Untried::because(format!(
                "there is no {}, but {near}: rename it, or name it with `--config {near}`",
                default.display()
            )))
        }
    }
}

/// Whether a source of this name is the built-in example.
pub fn is_built_in(name: &str) -> bool {
    name == BUILT_IN
}

/// The text of a configuration in this file.
///
/// # Errors
/// The file can't be read.
pub fn file(path: &Path) -> Result<Arc<Source>, Untried> {
    let text = fs::read_to_string(path)
        .map_err(|error| Untried::because(format!("cannot read the configuration {}: {error}", path.display())))?;
    Ok(Source::new(path.display().to_string(), text))
}

/// The configuration, for commands that need a right one.
///
/// # Errors
/// It can't be read, or has mistakes: all of them.
pub fn config(shared: &Shared) -> Result<Config, Untried> {
    read(&source(shared)?).map(|(config, _)| config)
}

/// The configuration of a source, and what is doubtful in it.
///
/// # Errors
/// Its mistakes, all of them.
pub fn read(source: &Arc<Source>) -> Result<(Config, Vec<Warning>), Untried> {
    tierline_config::read(source).map_err(|found| refused(source, &found))
}

fn refused(source: &Source, found: &Diagnostics) -> Untried {
    let mistakes = found.items.iter().filter(|item| item.severity == Severity::Mistake);
    let shown: String = mistakes.map(|item| format!("\n\n{}", item.render(Paint::of(&stderr()).on()))).collect();
    Untried::because(format!("{} has {}{shown}", source.name, counted(found.mistakes(), "mistake")))
}

/// Starts log lines as the configuration wants them; `level` is for those that don't say.
///
/// # Errors
/// They were started before.
pub fn logs(config: &Config, level: &str) -> Result<(), Untried> {
    let level = config.observe.level.unwrap_or(level);
    tierline_observe::start_logs(config.observe.logs, level).map_err(Untried::because)
}

/// Where schemas are looked up, if anywhere, and whether those that it doesn't have are registered. Asks nobody
/// anything yet.
pub fn registry(config: &Config) -> Option<(Arc<Registry>, bool)> {
    config.registry.as_ref().map(|told| {
        let credentials = told.credentials.as_ref().map(|(user, password)| (user.as_str(), password.expose()));
        (Arc::new(Registry::new(&told.url, credentials, told.timeout)), told.register)
    })
}

/// A client of the log, beside a running instance or without one.
///
/// # Errors
/// The log can't be reached, or is not there.
pub fn client(config: &Config) -> Result<Box<dyn Client>, Untried> {
    Ok(match &config.log {
        Log::Embedded { .. } => Box::new(EmbeddedClient::open(embedded(config, wall())?)?),
        Log::Kafka(told) => Box::new(KafkaClient::connect(kafka(told))?),
    })
}

/// A client of the log that makes the embedded one where there is none, and says so: what is sent to a mistyped path
/// waits for ever.
///
/// # Errors
/// The log can't be reached.
pub fn client_to_send(config: &Config) -> Result<Box<dyn Client>, Untried> {
    let Log::Embedded { path, .. } = &config.log else { return client(config) };
    let settings = embedded(config, wall())?;
    let is_new = !EmbeddedClient::is_made(&settings);
    let client = EmbeddedClient::open_or_make(settings)?;
    if is_new {
        note(format_args!("{} is made now; nothing runs on it before `tierline run`", path.display()));
    }
    Ok(Box::new(client))
}

/// What opens clients of the log, one after the other, beside a running instance or without one.
///
/// # Errors
/// The configuration has no such log.
pub fn opener(config: &Config) -> Result<Opener, Untried> {
    Ok(match &config.log {
        Log::Embedded { .. } => {
            let settings = embedded(config, wall())?;
            Box::new(move || Ok(Box::new(EmbeddedClient::open_or_make(settings.clone())?)))
        }
        Log::Kafka(told) => {
            let settings = kafka(told);
            Box::new(move || Ok(Box::new(KafkaClient::connect(settings.clone())?)))
        }
    })
}

/// The topics of a cluster as they should be: those of the pipeline, and those of intake where it has a source.
pub fn topics(config: &Config) -> Vec<TopicSpec> {
    let mut topics = detect_topics(&config.topics);
    if config.scorer.is_some() {
        topics.extend(score_topics(&config.topics));
    }
    if !config.intake.sources.is_empty() {
        topics.extend(intake_topics(&config.topics));
    }
    topics
}

fn wall() -> Clock {
    Arc::new(|| chrono::Utc::now().timestamp_millis())
}

/// How the folder is opened, with its records stamped by `now`.
///
/// # Errors
/// The configuration has no folder.
pub fn embedded(config: &Config, now: Clock) -> Result<EmbeddedSettings, Untried> {
    match &config.log {
        Log::Embedded { path, partitions } => Ok(EmbeddedSettings {
            path: path.clone(),
            // A folder has all of them, whatever is configured today.
            topics: [detect_topics(&config.topics), score_topics(&config.topics), intake_topics(&config.topics)]
                .concat(),
            partitions: *partitions,
            now,
        }),
        Log::Kafka(_) => Err(Untried::because("this needs `log.kind: embedded`")),
    }
}

/// How the cluster is reached.
pub fn kafka(told: &Kafka) -> Settings {
    Settings {
        instance: told.instance.clone(),
        properties: told.all_properties(),
        patience: told.patience,
        ..Settings::new(told.brokers.clone(), told.group.clone())
    }
}
