//! Files of messages, which are read whole or line by line.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use crate::ended::Untried;

/// A file, or standard input for `-` or nothing.
pub fn input(file: Option<&Path>) -> Result<Box<dyn Read>, Untried> {
    match file.filter(|file| *file != Path::new("-")) {
        None => Ok(Box::new(stdin())),
        Some(path) => Ok(Box::new(self::file(path)?)),
    }
}

/// A file to read. A folder can be opened too, and says only later, without its name, that it is one.
pub fn file(path: &Path) -> Result<File, Untried> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.is_dir(), file)));
    match opened {
        Ok((false, file)) => Ok(file),
        Ok((true, _)) => {
            Err(Untried::because(format!("cannot read {}: it is a folder; name a file in it", path.display())))
        }
        Err(error) => Err(Untried::because(format!("cannot read {}: {error}", path.display()))),
    }
}
