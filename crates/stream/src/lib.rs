//! What a stage and a log are, and the loop that drives the one over the other.
//!
//! A record's way: [`lane`] polls the [`log`], a [`task`] merges its inputs by time, its [`stage`] applies the record,
//! what it wants written goes through the [`outbox`], and the lane commits outputs, changelog and positions at once.
//! [`detect`] is the stage that there is; [`restore`] brings a task back.
//!
//! What must never be in here: a Kafka type, a thread, a clock that nobody handed in.

pub mod client;
pub mod clock;
pub mod ends;
pub mod inbox;
pub mod log;
pub mod outbox;
pub mod partitioner;
pub mod settings;
pub mod stage;
pub mod task_record;
pub mod topics;

pub use settings::{Checkpoints, LaneError, LaneSettings};
