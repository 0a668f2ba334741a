//! Files of messages, which are read whole or line by line.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use crate::ended::Untried;

/// A file, or standard input for `-` or nothing.
pub fn input(file: Option<&Path>) -> Result<Box<dyn Read>, Untried> {
    match file.filter(|file| *file != Path::new("-")) {
        None => Ok(Box::new(stdin())),
        Some(path) => match File::open(path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(Untried::because(format!("cannot read {}: {error}", path.display()))),
        },
    }
}
