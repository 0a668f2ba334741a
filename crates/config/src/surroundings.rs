//! What a configuration may ask of where it is read: variables and files.

use std::io;
use std::path::Path;

type Variable<'s> = &'s dyn Fn(&str) -> Option<String>;
type File<'s> = &'s dyn Fn(&Path) -> io::Result<String>;

/// Variables and files, the process's or made-up ones.
#[derive(Clone, Copy)]
pub struct Surroundings<'s> {
    variable: Variable<'s>,
    file: File<'s>,
}

impl Surroundings<'static> {
    /// Those of this process.
    pub fn process() -> Surroundings<'static> {
        Surroundings { variable: &|name| std::env::var(name).ok(), file: &|path| std::fs::read_to_string(path) }
    }
}

impl<'s> Surroundings<'s> {
    /// Made-up ones: the value of a variable, the text of a file.
    pub fn new(variable: Variable<'s>, file: File<'s>) -> Surroundings<'s> {
        Surroundings { variable, file }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name)
    }

    pub(crate) fn file(&self, path: &Path) -> io::Result<String> {
        (self.file)(path)
    }
}
