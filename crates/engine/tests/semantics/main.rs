//! What SEMANTICS says of time, firing, commands and what is kept, sentence by sentence, on one engine.

mod commands;
mod feeling;
mod firing;
mod heard;
mod imports;
mod keeping;
mod kit;
mod many;
mod misread;
mod moves;
mod moving_about;
mod repeats;
mod retracting;
mod time;
