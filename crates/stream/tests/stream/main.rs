//! The lane with the detect stage, on a log in memory that a test holds in its hand.

mod asked;
mod bad_input;
mod compaction;
mod load;
mod memory;
mod mishaps;
mod moves;
mod recovery;
mod restores;
mod scoring;
mod stored;
mod time;
mod world;
