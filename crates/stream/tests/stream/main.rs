//! The lane with the detect stage, on a log in memory that a test holds in its hand.

mod memory;
mod time;
mod world;
