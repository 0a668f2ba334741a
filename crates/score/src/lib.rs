//! What a message says of its author's mood: sentiment, risk of an escalation, and the words that decided. Pure.
//!
//! [`Scorer::score`] reads a message cue by cue, by lists of our own (`data/`) and, for words that they lack, by VADER's
//! lexicon (C.J. Hutto and E.E. Gilbert, ICWSM 2014). [`calibrate`] makes it a company's own. What must never be in
//! here: a clock, a file, a socket, chance without a seed, a customer's message in an error.

mod calibrate;
mod cues;
mod kinds;
mod language;
pub mod measure;
mod reading;
mod scorer;
mod signal;
mod words;

pub use calibrate::{Labelled, LabelsError, Model, ModelError, Provenance, Report, TooFew, calibrate, read_labels};
pub use kinds::Kind;
pub use scorer::{HIGH, MEDIUM, Reason, Score, Scorer, label};
pub use signal::{ModelId, signal_id};
