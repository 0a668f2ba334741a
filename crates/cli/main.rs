//! `tierline`: the pipeline and everything people do with it.
//!
//! One file a command, named for it. [`open`] opens what a command needs, [`pipeline`] puts the lanes of `run` and
//! `demo` together, [`host`] is the process around them. What must never be in here: what a record or a rule means.

mod accounts;
mod arguments;
mod asking;
mod calibrate;
mod check;
mod completions;
mod data_map;
mod dead_letters;
mod demo;
mod doubts;
mod elsewhere;
mod ended;
mod explain;
mod following;
mod gateway;
mod hooks;
mod host;
mod import;
mod input;
mod intake;
mod lanes;
mod letter;
mod open;
mod past;
mod pipeline;
mod print;
mod records;
mod run;
mod score;
mod scoring;
mod send;
mod signals;
mod sla;
mod starting;
mod streams;
mod summary;
mod tail;
mod test;
mod topics;
mod why;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ended::report(arguments::Arguments::read().run())
}
