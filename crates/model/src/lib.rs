//! The vocabulary of Tierline: the records of the contract, typed, and their way to and from bytes.
//!
//! What must never be in here: a clock, a rule, a topic's name.

mod avro;
mod decode;
mod encode;
mod fields;
mod instants;
mod limits;
mod outputs;
mod record_type;
mod records;
mod registry;
mod unread;
mod words;

pub use avro::SchemaError;
pub use decode::{DecodeError, Decoder, Notes, code};
pub use encode::*;
pub use fields::*;
pub use instants::*;
pub use limits::*;
pub use outputs::*;
pub use record_type::RecordType;
pub use records::*;
pub use registry::{Registry, RegistryError, SchemaSource, SourceUnavailable};
pub use unread::Unread;
pub use words::*;
