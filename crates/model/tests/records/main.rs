//! The records of the contract on their way to and from bytes, as their users see it.

mod garbage;
mod json;
mod kit;
mod own_writer;
mod resolution;
mod round_trips;
mod schemas;
