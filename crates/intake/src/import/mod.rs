//! What is imported from a file: how the rows of a CSV file become payloads, in the order in which they happened.
//!
//! A mapping file says how: what a row is sorted by, and the records of a mapping as in `intake.sources`, in which a row
//! is an object of texts by the names of its columns. Reading the file, writing to the log and resuming are the
//! program's.

mod mapping;
mod rows;

pub use mapping::CsvMapping;
pub use rows::{LeftOut, Row, Rows};
