//! The vocabulary of Tierline: the records of the contract, typed, and their way to and from bytes.
//!
//! What must never be in here: a clock, a rule, a topic's name.

mod fields;
mod outputs;
mod records;
mod words;

pub use fields::*;
pub use outputs::*;
pub use records::*;
pub use words::*;
