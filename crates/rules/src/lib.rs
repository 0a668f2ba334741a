//! The rule language: parse, check, explain, compile; three-valued temporal evaluation. Pure.

mod condition;
mod facts;
mod fold;
mod rule;
mod text;
mod tree;
mod truth;

pub use condition::*;
pub use facts::*;
pub use fold::fold;
pub use rule::*;
pub use tierline_sla::Targets;
pub use truth::*;
