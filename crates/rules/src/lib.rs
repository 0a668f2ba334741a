//! The rule language: parse, check, explain, compile; three-valued temporal evaluation. Pure.

mod condition;
mod conditions;
mod facts;
mod fold;
mod matcher;
mod read;
mod rule;
mod scope;
pub mod source;
mod text;
mod tree;
mod truth;
mod window;

pub use condition::*;
pub use facts::*;
pub use fold::fold;
pub use read::{Sections, rule_set};
pub use rule::*;
pub use tierline_sla::Targets;
pub use truth::*;
