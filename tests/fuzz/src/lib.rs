//! Every decoder and parser that meets the outside, tried with bytes that nobody meant.
//!
//! A target is one function of some bytes; what it must never do is panic, hang, or take memory beyond its
//! [bounds]. `tests/fuzz/run TARGET [EXECUTIONS]` drives one by libFuzzer, guided by what the program covers; the small
//! corpus beside it is replayed as an ordinary test. What was found is kept in the corpus under a name that tells it.
//!
//! A new parser of something from outside brings its target: a function in `targets`, a line in [`TARGETS`], and a
//! folder of a few inputs in `corpus` (`cargo run -p tierline-fuzz --example seed` writes those that are made).

pub mod bounds;
pub mod targets;

use targets::{changelog, checkpoint, embedded, intake, records, score, task_record, words, writer_schema, yaml};

/// One decoder or parser.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and its folder in the corpus.
    pub name: &'static str,
    /// What it tries.
    pub about: &'static str,
    /// Tries it.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "confluent",
        about: "input records in Confluent's wire format, by our own schemas",
        run: records::confluent,
    },
    Target {
        name: "single-object",
        about: "input records in Avro's single-object encoding, by our own schemas",
        run: records::single_object,
    },
    Target { name: "json", about: "input records as JSON, or as anything", run: records::any },
    Target {
        name: "writer-schema",
        about: "a registry's answer, and a record written by that schema",
        run: writer_schema::run,
    },
    Target { name: "rules", about: "rules, terms and SLA policies in YAML", run: yaml::rules },
    Target {
        name: "configuration",
        about: "a whole configuration in YAML, with variables and included files",
        run: yaml::configuration,
    },
    Target { name: "scenario", about: "a scenario file", run: yaml::scenario },
    Target { name: "checkpoint", about: "a checkpoint's file", run: checkpoint::run },
    Target { name: "task-record", about: "the task record of a changelog", run: task_record::run },
    Target { name: "changelog", about: "the engine's changelog entries", run: changelog::run },
    Target { name: "frame", about: "a record as it lies in the embedded store", run: embedded::frame },
    Target { name: "wire", about: "what is said over the embedded log's socket", run: embedded::wire },
    Target { name: "payload", about: "what a system delivers, its kind on the first line", run: intake::payload },
    Target { name: "rows", about: "a CSV file that is imported", run: intake::rows },
    Target { name: "words", about: "durations, instants and dates as people write them", run: words::run },
    Target { name: "message", about: "a customer's message", run: score::message },
    Target { name: "labels", about: "a company's labels as CSV", run: score::labels },
    Target { name: "model", about: "a model file of the scorer, behind its checksum", run: score::model },
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
