//! The log on Kafka: what `tierline_stream::log::Log` and `Client` promise, kept with librdkafka.
//!
//! A lane has one [`KafkaLog`]; whoever makes topics an [`Admin`]; a person's command a [`KafkaClient`]. All of them are
//! configured in [`settings`].
//!
//! What must never be in here: a topic's meaning, a codec, a stage. Topics are names and numbers.

mod absence;
pub mod admin;
pub mod client;
mod cluster;
mod differences;
mod ends;
mod errors;
mod group;
mod heir;
mod log;
mod owners;
mod producer;
mod reader;
mod replay;
pub mod settings;
mod transaction;

pub use admin::Admin;
pub use client::KafkaClient;
pub use log::KafkaLog;
pub use owners::{Owner, Owners};
pub use settings::Settings;
