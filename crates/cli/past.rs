//! What has happened, as the engine knows it: from a file of events, from what the topics still hold, or from the state
//! that the pipeline has written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, stdin};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tierline_config::{Clock, Config, Log};
use tierline_engine::Engine;
use tierline_model::Millis;
use tierline_rules::Edge;
use tierline_scenario::{Story, UNSCORED, asks_for_scores};
use tierline_stream::client::From;
use tierline_stream::detect::engine_memory;
use tierline_stream::task_record::{self, TaskRecord};
use tierline_stream::topics::detect_inputs;

use crate::ended::Untried;
use crate::open;
use crate::print::note;
use crate::records::Records;
use crate::streams;

/// Engines, each with the instant that it has come to, and from where they were taken. That is the instant that is
/// asked about, unless that is still to come and the state was read: what is not told of it yet can be foreseen.
pub fn engines(
    config: &Config,
    events: Option<&Path>,
    at: Option<Millis>,
) -> Result<(Vec<(Engine, Millis)>, String), Untried> {
    let log = match &config.log {
        Log::Embedded { path, .. } => path.display().to_string(),
        Log::Kafka(kafka) => kafka.brokers.clone(),
    };
    Ok(match (events, at) {
        (Some(file), at) => {
            if config.scorer.is_some() && config.rules.rules.iter().any(asks_for_scores) {
                note(UNSCORED);
            }
            let play = |(story, last): (Story, Millis)| (story.play(config, at.unwrap_or(last)), at.unwrap_or(last));
            let told = of_events(config, file)?;
            (told.map(play).into_iter().collect(), format!("the events in {}", file.display()))
        }
        (None, Some(at)) => match state_before(config, at)? {
            Some(state) => (state, format!("the state that is written in {log}")),
            None => (vec![(of_log(config)?.play(config, at), at)], format!("the records that {log} still holds")),
        },
        (None, None) => (of_state(config)?, format!("the state that is written in {log}")),
    })
}

/// The state, if the instant is still to come for all of it. The records before it may be gone.
fn state_before(config: &Config, at: Millis) -> Result<Option<Vec<(Engine, Millis)>>, Untried> {
    if at <= chrono::Utc::now().timestamp_millis() {
        return Ok(None);
    }
    let state = of_state(config)?;
    let is_to_come = !state.is_empty() && state.iter().all(|(_, now)| *now <= at);
    Ok(is_to_come.then_some(state))
}

/// The records of a file, and the instant of the last of them.
fn of_events(config: &Config, file: &Path) -> Result<Option<(Story, Millis)>, Untried> {
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => stdin().read_to_string(&mut text).map(drop),
        false => fs::read_to_string(file).map(|read| text = read),
    };
    read.map_err(|error| Untried::because(format!("cannot read {}: {error}", file.display())))?;
    let (mut story, mut last) = (Story::default(), None);
    for (nth, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |why: String| Untried::because(format!("{}, line {}: {why}", file.display(), nth + 1));
        let value: Value = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        let (stream, record, appended_at) = event(config, &value).map_err(wrong)?;
        let said = ["occurred_at", "updated_at"].into_iter().find_map(|name| millis(record.get(name)?));
        story.add(&stream, appended_at, record).map_err(wrong)?;
        last = last.max(appended_at).max(said);
    }
    Ok(last.map(|last| (story, last)))
}

/// A line of a file: its stream, the record, and when a log took it.
fn event<'v>(config: &Config, value: &'v Value) -> Result<(String, &'v Value, Option<Millis>), String> {
    if let (Some(topic), Some(record)) = (value.get("topic").and_then(Value::as_str), value.get("value")) {
        let named = streams::find(&config.topics, topic).map_err(|_| format!("no topic is called '{topic}'"))?;
        let appended_at = value.get("appended_at").and_then(millis);
        return Ok((streams::word(named.stream).to_owned(), record, appended_at));
    }
    match value.as_object().and_then(|members| members.iter().next().filter(|_| members.len() == 1)) {
        Some((stream, record)) => Ok((stream.clone(), record, None)),
        None if value.get("event_id").is_some() => Ok(("tickets".to_owned(), value, None)),
        None => Err("a line is {\"tickets\": {…}}, or one that `tail --output json` prints".to_owned()),
    }
}

fn millis(value: &Value) -> Option<Millis> {
    value.as_i64().or_else(|| tierline_model::parse_instant(value.as_str()?))
}

/// All that the input topics still hold.
fn of_log(config: &Config) -> Result<Story, Untried> {
    let (mut client, mut records) = (open::client(config)?, Records::new(config));
    let mut story = Story::default();
    for (stream, topic) in detect_inputs(&config.topics) {
        client.read(&topic, From::Start, true, IDLE, &mut |seen| {
            if let Some((seen, value)) = seen.and_then(|seen| Some((seen.appended_at, seen.value?.to_vec())))
                && let Ok(record) = records.decode(stream, &value)
            {
                // What cannot be taken is a dead letter, here as there.
                let _ = story.add(streams::word(stream), Some(seen), &record);
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(story)
}

/// How long a reader sleeps where nothing comes.
const IDLE: Duration = Duration::from_millis(20);

/// One task's changelog: what stands under each key.
#[derive(Default)]
struct Kept {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    task: Option<TaskRecord>,
}

/// The state that the pipeline has written, task by task, and the instant to ask it about.
fn of_state(config: &Config) -> Result<Vec<(Engine, Millis)>, Untried> {
    let mut client = open::client(config)?;
    let mut tasks: BTreeMap<i32, Kept> = BTreeMap::new();
    let mut wrong = None;
    client.read(&config.topics.detect_state, From::Start, true, IDLE, &mut |seen| {
        let Some(seen) = seen else { return ControlFlow::Continue(()) };
        let task = tasks.entry(seen.partition).or_default();
        match (seen.key, seen.value) {
            (Some(key), Some(value)) if key == task_record::KEY => match TaskRecord::decode(value) {
                Ok(record) => task.task = Some(record),
                Err(why) => {
                    wrong = Some(why);
                    return ControlFlow::Break(());
                }
            },
            (Some(key), Some(value)) => {
                task.entries.insert(key.to_vec(), value.to_vec());
            }
            (Some(key), None) => {
                task.entries.remove(key);
            }
            (None, _) => {}
        }
        ControlFlow::Continue(())
    })?;
    if let Some(why) = wrong {
        return Err(Untried::because(why));
    }
    let restored = tasks.into_values().filter_map(|kept| Some((kept.entries, kept.task?)));
    restored.map(|(entries, task)| restore(config, &entries, &task)).collect()
}

fn restore(
    config: &Config,
    entries: &BTreeMap<Vec<u8>, Vec<u8>>,
    task: &TaskRecord,
) -> Result<(Engine, Millis), Untried> {
    let mut engine = Engine::new(Arc::clone(&config.rules), Arc::new(config.engine()));
    for (key, value) in entries {
        engine.restore(key, Some(value)).map_err(Untried::because)?;
    }
    let memory = engine_memory(&task.memory).map_err(Untried::because)?;
    let edge = if task.clock.by_record { Edge::Records } else { Edge::Bounds };
    engine.restored(task.clock.now, edge, Some(memory)).map_err(Untried::because)?;
    let at = match config.time.clock {
        Clock::Wall => chrono::Utc::now().timestamp_millis().max(task.clock.now),
        _ => task.clock.now,
    };
    engine.advance(at, Edge::Bounds);
    Ok((engine, at))
}
