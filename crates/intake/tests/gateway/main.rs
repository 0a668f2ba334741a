//! The gateway over HTTP, by a real client, on an embedded log.

mod answers;
mod day;
mod taps;
mod world;
