//! The pipeline as its users meet it: the built program, started as a process, against a real Kafka broker.
//!
//! Each test has topics, a group and a folder of its own on one shared broker. What comes out is compared with an
//! oracle: the same program on the embedded log, in one piece and undisturbed (whose engine is in turn held against a
//! slow and obvious one in `crates/engine/tests`). Such comparisons run on the events' own clock and leave
//! `detected_at` out.

mod dead_letters;
mod deployment;
mod events;
mod kills;
mod logs_agree;
mod lost_offsets;
mod moves;
mod outcome;
mod rebalance;
mod reconciled;
mod reference_rules;
mod registry;
#[cfg(feature = "tls")]
mod rights;
mod scored;
#[cfg(feature = "tls")]
mod security;
mod snapshots;
mod starts;
mod story;
mod why;
mod zombies;
