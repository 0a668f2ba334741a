//! The rule language: parse, check, explain, compile; three-valued temporal evaluation. Pure.

mod facts;
mod truth;

pub use facts::*;
pub use truth::*;
