//! What people write, as a tree of nodes that know where they stood, and the mistakes found in it.
//!
//! YAML comes in, [`Node`]s and [`Diagnostics`] go out. Nothing in here knows what a rule is.

mod diagnostic;
pub(crate) mod meant;
mod node;
mod parse;
mod read;
mod syntax;

use std::sync::Arc;

pub use diagnostic::*;
pub use node::*;
pub use parse::parse;
pub use read::*;

/// A file, or what stands for one.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// As it is shown to people: a path.
    pub name: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// A source by this name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Source> {
        Arc::new(Source { name: name.into(), text: text.into() })
    }
}

/// A place in a source: bytes `start..end`, on the boundaries of letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which source.
    pub source: Arc<Source>,
    /// The first byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl Span {
    /// The line and the column of its beginning, both from 1; columns count letters.
    pub fn line_column(&self) -> (usize, usize) {
        let before = &self.source.text[..self.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// What stands behind its end on the same line.
    pub(crate) fn rest_of_line(&self) -> &str {
        self.source.text[self.end..].lines().next().unwrap_or_default()
    }

    /// The part of it that stands on its first line.
    pub(crate) fn first_line(&self) -> std::ops::Range<usize> {
        let end = self.source.text[self.start..self.end].find(['\n', '\r']).map_or(self.end, |at| self.start + at);
        self.start..end
    }
}
