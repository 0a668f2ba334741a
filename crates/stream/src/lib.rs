//! What a stage and a log are, and the loop that drives the one over the other.

pub mod client;
pub mod log;
pub mod topics;
