//! `tierline`: the pipeline and everything people do with it.
//!
//! One file a command, named for it. What must never be in here: what a record or a rule means. A command opens what it
//! needs, hands over, prints.
#![allow(dead_code)]

mod ended;
mod lanes;
mod letter;
mod print;
mod signals;
mod summary;
mod demo {
    pub mod cast;
    pub mod story;
    pub mod traffic;
}

fn main() {}
