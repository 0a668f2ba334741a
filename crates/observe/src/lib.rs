//! What an operator sees of Tierline: metrics, logs, health.
//!
//! [`Metrics`] is the handle of a process and [`LaneMetrics`] that of one lane, which counts locally and flushes once a
//! commit, so that an event costs no lock and no look-up. [`Health`] says per partition what is missing. What happens
//! seldom and matters is an [event](events) that writes its log line and its metric together. [`why`] carries questions
//! about a ticket from HTTP to the lanes, and their answers back.
//!
//! What must never be in here: a customer's words, in a log line or a label; an account's or ticket's id in a label.

pub mod events;
mod health;
mod http;
mod intake;
mod lane;
mod logs;
mod metrics;
pub mod why;

pub use health::{Health, PartitionState};
pub use http::{bind, serve};
pub use intake::{Asking, DeliveryOutcome, IntakeMetrics};
pub use lane::{CheckpointOutcome, LaneMetrics, MessageOutcome, Moved, Outcome, PassedOver, Topic, Trouble};
pub use logs::{LogFormat, start_logs};
pub use metrics::{Metrics, NAMES};
