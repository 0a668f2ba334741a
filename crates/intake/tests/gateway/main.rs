//! The gateway over HTTP, by a real client, on an embedded log; and systems that are asked for what it missed.

mod answers;
mod asked;
mod day;
mod moves;
mod parted;
mod taps;
mod torn;
mod world;
