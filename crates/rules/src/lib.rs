//! The rule language: parse, check, explain, compile; three-valued temporal evaluation. Pure.
//!
//! [`rule_set`] reads the sections of a configuration that [`source`] made a tree of, and finds all mistakes at once. A
//! [`Rule`] then answers, from [`Facts`] that the engine shows it, what is so, since when, until when if nothing
//! happens, and why. A new kind of condition is one file in `conditions`.
//!
//! What must never be in here: a clock that is read, a state that is kept, what happens when a rule holds.

mod answer;
mod ask;
mod compare;
mod condition;
mod conditions;
mod facts;
mod fold;
mod mapping;
mod matcher;
mod phrase;
mod promise;
mod read;
mod rule;
mod scope;
pub mod source;
mod text;
mod tree;
mod truth;
mod window;

pub use answer::{Answer, Asked, DecidedBy};
pub use ask::{Ask, AskedOf, Found, Look, Said};
pub use compare::{Change, differences};
pub use condition::*;
pub use conditions::reference;
pub use facts::*;
pub use fold::fold;
pub use mapping::{Mapping, Mappings, Words};
pub use phrase::Phrase;
pub use promise::PromiseChange;
pub use read::{Sections, Sources, rule_set};
pub use rule::*;
pub use tierline_sla::{Calendar, Length, Pauses, Target, Targets};
pub use truth::*;
