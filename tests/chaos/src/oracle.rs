//! The same inputs, taken in one piece and undisturbed: what must have come out.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tierline_invariants::Outcome;
use tierline_testkit::Program;

use crate::story::{RULES, Told};

/// What comes out of one uninterrupted run over these records, on the embedded log, until this instant.
///
/// # Errors
/// It could not be run, or its own output is broken: then nothing can be said of another.
pub fn outcome(folder: &Path, binary: &Path, partitions: i32, told: &[Told], until: i64) -> Result<Outcome, String> {
    let config = format!("log: {{ kind: embedded, path: data, partitions: {partitions} }}\n{NOBODY}{RULES}");
    let program = Program::within(&folder.join("oracle"), binary, &config);
    send(&program, told);
    program.answer(["run", "--until", &instant(until)]).well();
    let records = tail(&program, "escalations").into_iter().map(|mut line| line["value"].take());
    Outcome::of(records).map_err(|broken| format!("the uninterrupted run is broken: {broken}"))
}

/// Sends records as a user would; those that nobody could read are left out.
pub fn send(program: &Program, told: &[Told]) {
    let mut lines: BTreeMap<&str, String> = BTreeMap::new();
    for told in told.iter().filter(|told| !told.is_bad) {
        let lines = lines.entry(told.stream).or_default();
        *lines += &told.value;
        *lines += "\n";
    }
    for (stream, lines) in lines {
        program.answer_to(["send", stream], &lines).well();
    }
}

/// The lines of `tierline tail`, partition by partition in order.
pub fn tail(program: &Program, topic: &str) -> Vec<Value> {
    let answer = program.answer(["tail", topic, "--from-start", "--until-end", "--output", "json"]).well();
    let mut lines: Vec<Value> =
        answer.out.lines().map(|line| serde_json::from_str(line).expect("tail prints JSON")).collect();
    // Stable: within a partition they stay in order.
    lines.sort_by_key(|line| line["partition"].as_i64());
    lines
}

/// RFC 3339, of epoch milliseconds.
pub fn instant(millis: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(millis).expect("stories are of our time");
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Nobody asks it anything.
pub const NOBODY: &str = "observe: { listen: \"127.0.0.1:0\" }\n";
