//! The log on Kafka: what `tierline_stream::log::Log` and `Client` promise, kept with librdkafka.
//!
//! A lane has one [`KafkaLog`]; whoever makes topics an [`Admin`](admin::Admin); a person's command a
//! [`KafkaClient`](client::KafkaClient).
//!
//! What must never be in here: a topic's meaning, a codec, a stage. Topics are names and numbers.

pub mod settings;

pub use settings::{Settings, Which};
use tierline_stream::log::Failure;

/// A lane's end of the log.
pub struct KafkaLog {
    settings: Settings,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

impl KafkaLog {
    /// Connects a lane. `inputs` are topic names by `InputId` (the driver's first), `outputs` by `OutputId`.
    pub fn connect(settings: Settings, inputs: Vec<String>, outputs: Vec<String>) -> Result<KafkaLog, Failure> {
        settings.check()?;
        Ok(KafkaLog { settings, inputs, outputs })
    }
}
