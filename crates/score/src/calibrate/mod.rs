//! A company's own labels make the scorer its own: a small linear model on words, word pairs, letter groups and what
//! the built-in scorer makes of a message.
//!
//! [`read_labels`] reads the labels, [`calibrate`] trains and tells how far to believe the result, [`Model`] is the
//! file. What must never be in here: chance without a seed, the date, a message in a model file beyond single words.

mod features;
mod labels;
mod logistic;
mod model;
mod train;

pub use labels::{Labelled, LabelsError, read_labels};
pub use model::{Model, ModelError, Provenance};
pub use train::{Report, TooFew, calibrate};
