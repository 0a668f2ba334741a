//! The score stage over a log: customers' messages in, what they say of their authors' mood out.
//!
//! Partition *i* of `tickets` → partition *i* of `signals`, exactly once. What a message scores follows from the message
//! alone, so a task keeps nothing but where it stands; its changelog holds the task record and nothing else. A record's
//! way: `stage` decodes it and looks whether a customer wrote something → whoever [`Scores`] says what → `emit` writes
//! it.
//!
//! What the detect stage makes a dead letter of `tickets` (it reads all of them too) is passed over here: one is enough.
//!
//! What must never be in here: a clock, a socket, a list of words, what a signal leads to.

mod emit;
mod scorer;
mod stage;

use std::sync::Arc;

use tierline_model::{Decoder, Encoding, Millis, SchemaSource};

use crate::log::{OutputId, Partition};
use crate::stage::{InputSpec, Stages};
use crate::topics::{Names, score_inputs, score_output, score_outputs};

pub use scorer::{Answer, Feeling, Message, Scores};
pub use stage::ScoreStage;

/// The stage's name, as it stands in ids, groups and metrics.
pub const NAME: &str = "score";

/// What the score stage must be told; the same for all lanes of a process.
#[derive(Clone)]
pub struct ScoreSettings {
    /// The topics.
    pub names: Names,
    /// What scores the messages.
    pub scorer: Arc<dyn Scores>,
    /// How far past its append time a record may say that it happened, milliseconds.
    pub max_future: Millis,
    /// How records of `signals` are framed.
    pub signals: Encoding,
    /// Where the schema ids of input records are looked up; none: a record that names one is passed over.
    pub schemas: Option<Arc<dyn SchemaSource>>,
    /// Whether a task that has never been scores what comes from then on, rather than all that there is.
    pub begin_at_the_end: bool,
}

/// Makes the score stages of a lane's tasks.
pub struct Score {
    settings: Arc<ScoreSettings>,
    inputs: Vec<InputSpec>,
    outputs: Vec<String>,
}

impl Score {
    /// Makes them as the settings say.
    pub fn new(settings: ScoreSettings) -> Score {
        let inputs = score_inputs(&settings.names).into_iter();
        let outputs = score_outputs(&settings.names).into_iter();
        Score {
            inputs: inputs.map(|(stream, topic)| InputSpec { topic, rank: stream.rank(), snapshot: false }).collect(),
            outputs: outputs.map(|(_, topic)| topic).collect(),
            settings: Arc::new(settings),
        }
    }
}

impl Stages for Score {
    type Stage = ScoreStage;

    fn name(&self) -> &'static str {
        NAME
    }

    fn inputs(&self) -> &[InputSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[String] {
        &self.outputs
    }

    fn changelog(&self) -> OutputId {
        score_output::CHANGELOG
    }

    fn dead_letters(&self) -> OutputId {
        score_output::DEAD_LETTERS
    }

    fn begins_at_the_end(&self) -> bool {
        self.settings.begin_at_the_end
    }

    fn holds_state(&self) -> bool {
        false
    }

    fn writes_late(&self) -> bool {
        true
    }

    fn most_at_once(&self) -> usize {
        self.settings.scorer.most_at_once().max(1)
    }

    fn stage(&mut self, _: Partition, partitions: i32) -> ScoreStage {
        let decoder = self.settings.schemas.clone().map_or_else(Decoder::new, Decoder::with_registry);
        ScoreStage::new(Arc::clone(&self.settings), decoder, partitions)
    }
}
