//! The detect stage: one task's accounts with their tickets, windows, clocks, joined snapshots, timers, escalations.
//!
//! Sans-IO: records and the clock come in, outputs and changes are drained. Nothing in here reads a clock, a socket or
//! a file.

mod api;

pub use api::*;
