//! What is imported from a file, and how far that is.
//!
//! Of a CSV file a mapping file says what its rows are sorted by and what they become: the records of a mapping, as in
//! `intake.sources`, to which a row is an object of texts by the names of its columns. Exports in JSON are taken apart by
//! [`export`](crate::export). Either way an [`Importer`] makes of each payload what the gateway would; reading the file
//! and writing to the log are the program's.

mod importer;
mod mapping;
mod rows;

pub use importer::{Counts, Importer, Position, Tally};
pub use mapping::CsvMapping;
pub use rows::{LeftOut, Row, Rows};
