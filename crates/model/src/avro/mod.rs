//! Avro's binary encoding: reading a datum by its writer's schema, and writing by ours.
//!
//! The crates that read Avro give a field's name to the visitor for every field of the schema, told or not. Of our
//! fifty fields a record tells a dozen; [`Reader`] steps over the others before anybody hears of them, and is a third
//! as slow for it. It also keeps apart what they hand over alike: a date from a number, microseconds from milliseconds.
//!
//! What must never be in here: a record of ours, a topic, a policy on what is legal.

mod cursor;
mod json;
mod read;
mod schema;
mod write;

pub(crate) use cursor::{Cursor, ReadError};
pub(crate) use json::to_json;
pub(crate) use read::Reader;
pub use schema::{SchemaError, WriterSchema};
pub(crate) use write::Writer;
