//! The detect stage: one task's accounts with their tickets, windows, clocks, joined snapshots, timers, escalations.
//!
//! Sans-IO: records and the clock come in, outputs and changes are drained. Nothing in here reads a clock, a socket or
//! a file. [`Engine`] is the way in; a record's way through it is told there.

mod account;
mod api;
mod arena;
mod bounds;
mod cells;
mod clocks;
mod commands;
mod context;
mod deadlines;
mod ending;
mod engine;
mod escalated;
mod fire;
mod gates;
mod heard;
mod held;
mod imports;
mod index;
mod joined;
mod judge;
mod marks;
mod memory;
mod moves;
mod places;
pub mod planted;
mod retract;
mod settle;
mod snapshots;
mod state;
mod survey;
mod symbols;
mod texts;
mod ticket;
mod tickets;
mod view;
mod why;

pub use api::*;
pub use engine::Engine;
pub use escalated::{Escalated, Fired, LastSaid};
pub use moves::{UnreadableMove, moved_at, moved_from};
pub use state::StateError;
pub use survey::{Asked, MOST_VALUES, Presence, RuleSurvey, Survey, Tally};
pub use ticket::RINGS;
pub use why::{RuleWhy, Stands, Unforeseen, Why};
