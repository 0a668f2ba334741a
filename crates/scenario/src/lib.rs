//! Scenario files: what a configuration should do, told as a story with made-up times, and run on a virtual clock.
//!
//! [`Scenario::parse`] reads one, [`Scenario::run`] lets the very engine of the pipeline live through it twice: once as
//! it stands, and once with a restart after every step, which must change nothing. An [`Outcome`] says what happened.
//!
//! What must never be in here: a real clock, a log, a meaning of its own. Where a scenario and the engine disagree, one
//! of the two is wrong; this crate only says so.

mod expect;
mod missing;
mod moves;
mod outcome;
mod parse;
mod play;
mod scored;
mod settings;
mod sla_events;
mod steps;
mod story;
mod timeline;
mod times;
mod unread;

pub use outcome::{Happened, Outcome, Verdict};
pub use parse::{Base, Scenario};
pub use scored::{UNSCORED, asks_for_scores};
pub use story::Story;
