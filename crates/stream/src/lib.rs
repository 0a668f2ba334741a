//! What a stage and a log are, and the loop that drives the one over the other.
//!
//! A record's way: [`lane`] polls the [`log`], a [`task`] merges its inputs by time, its [`stage`] applies the record,
//! what it wants written goes through the [`outbox`], and the lane commits outputs, changelog and positions at once.
//! [`detect`] and [`score`] are the stages that there are; [`restore`] brings a task back. [`why`] is what is told of a
//! ticket.
//!
//! What must never be in here: a Kafka type, a thread, a clock that nobody handed in.

pub mod checkpoint;
pub mod client;
pub mod clock;
pub mod condemned;
pub mod dead_letter;
pub mod detect;
pub mod ends;
pub mod inbox;
pub mod lane;
pub mod log;
pub mod outbox;
pub mod partitioner;
mod place;
pub mod restore;
pub mod score;
pub mod settings;
pub mod stage;
pub mod task;
pub mod task_record;
pub mod topics;
pub mod why;

pub use lane::{Lane, Step, run_lane};
pub use settings::{Checkpoints, LaneError, LaneSettings};
