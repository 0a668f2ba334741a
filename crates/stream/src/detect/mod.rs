//! The detect stage over a log: records in, decoded and checked; escalations out, encoded, keyed and partitioned.
//!
//! A record's way: `record` decodes it and says what is wrong with it → `stage` hands it to the engine →
//! `emit` writes what the engine wants written. What the engine makes of a record is `tierline_engine`'s.
//!
//! What must never be in here: what a rule means, when something fires, where a clock stands.

mod emit;
mod record;
mod snapshot_topics;
mod stage;
mod why;

use std::sync::Arc;

use tierline_engine::{Engine, Settings};
use tierline_model::{Decoder, Encoding, Millis, SchemaSource};
use tierline_rules::RuleSet;

use crate::log::{OutputId, Partition};
use crate::stage::{InputSpec, Stages};
use crate::topics::{Names, Stream, detect_inputs, detect_outputs, output};

pub use crate::place::code;
pub use snapshot_topics::engine_memory;
pub use stage::DetectStage;

/// What the detect stage must be told; the same for all lanes of a process.
#[derive(Clone)]
pub struct DetectSettings {
    /// The topics.
    pub names: Names,
    /// Rules and policies in force.
    pub rules: Arc<RuleSet>,
    /// What the configuration says to the engine besides them.
    pub engine: Settings,
    /// How far past its append time a record may say that it happened, milliseconds.
    pub max_future: Millis,
    /// How records of `escalations` are framed.
    pub escalations: Encoding,
    /// How records of `escalations-shadow` are framed: its subject may have another id.
    pub shadow: Encoding,
    /// How records of `sla-events` are framed.
    pub sla_events: Encoding,
    /// How records of `escalation-queue` are framed.
    pub queue: Encoding,
    /// Where the schema ids of input records are looked up; none: a record that names one is a dead letter.
    pub schemas: Option<Arc<dyn SchemaSource>>,
}

/// Makes the detect stages of a lane's tasks.
pub struct Detect {
    engine: Arc<Settings>,
    schemas: Option<Arc<dyn SchemaSource>>,
    inputs: Vec<InputSpec>,
    outputs: Vec<String>,
    common: Arc<Common>,
}

/// What all stages of a lane have in common.
struct Common {
    rules: Arc<RuleSet>,
    names: Names,
    /// By `InputId`.
    streams: Vec<(Stream, String)>,
    max_future: Millis,
    grace: Millis,
    escalations: Encoding,
    shadow: Encoding,
    sla_events: Encoding,
    queue: Encoding,
}

impl Detect {
    /// Makes them as the settings say.
    pub fn new(settings: DetectSettings) -> Detect {
        let DetectSettings { names, rules, engine, max_future, escalations, shadow, sla_events, queue, schemas } =
            settings;
        let streams = detect_inputs(&names);
        let spec = |(stream, topic): &(Stream, String)| InputSpec {
            topic: topic.clone(),
            rank: stream.rank(),
            snapshot: stream.is_snapshot(),
        };
        Detect {
            inputs: streams.iter().map(spec).collect(),
            outputs: detect_outputs(&names).into_iter().map(|(_, topic)| topic).collect(),
            common: Arc::new(Common {
                rules,
                names,
                streams,
                max_future,
                grace: engine.grace,
                escalations,
                shadow,
                sla_events,
                queue,
            }),
            engine: Arc::new(engine),
            schemas,
        }
    }
}

impl Stages for Detect {
    type Stage = DetectStage;

    fn name(&self) -> &'static str {
        "detect"
    }

    fn inputs(&self) -> &[InputSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[String] {
        &self.outputs
    }

    fn changelog(&self) -> OutputId {
        output::CHANGELOG
    }

    fn dead_letters(&self) -> OutputId {
        output::DEAD_LETTERS
    }

    fn stage(&mut self, partition: Partition, partitions: i32) -> DetectStage {
        let decoder = self.schemas.clone().map_or_else(Decoder::new, Decoder::with_registry);
        let engine = Engine::new(Arc::clone(&self.common.rules), Arc::clone(&self.engine));
        DetectStage::new(engine, decoder, Arc::clone(&self.common), partition, partitions)
    }
}
