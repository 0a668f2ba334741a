//! What SEMANTICS says of time, firing, commands and what is kept, sentence by sentence, on one engine.

mod commands;
mod feeling;
mod firing;
mod heard;
mod imports;
mod keeping;
mod kit;
mod many;
mod repeats;
mod retracting;
mod time;
