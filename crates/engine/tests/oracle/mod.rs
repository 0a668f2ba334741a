//! A second opinion: what should go out for a history, worked out from `SEMANTICS` by the letter, slowly, from the whole
//! history at every instant, and without a look at how the engine does it.
//!
//! What must never be in here: anything of the engine's or the rule language's own reckoning. Rules are a small
//! enumeration that is written out as configuration for the real thing.

pub mod chance;
pub mod firing;
pub mod history;
pub mod past;
pub mod real;
pub mod rules;
