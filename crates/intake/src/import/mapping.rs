//! The mapping file of a CSV file.

use std::sync::Arc;

use chrono_tz::Tz;
use tierline_rules::source::{self, Diagnostics, Keys, Kind, Node, boolean, codes, text, texts, wrong_kind};

use crate::sources::mapping::{Time, of_rows};
use crate::{Basics, Source};

/// How a CSV file is read.
#[derive(Clone, Debug)]
pub struct CsvMapping {
    /// What makes records of a row.
    pub source: Arc<dyn Source>,
    /// What rows are sorted by, the first first; of none, they stay as they are.
    pub(super) sort: Vec<SortBy>,
    /// The column that names the ticket: its first row has `_first`.
    pub(super) first_of: Option<String>,
    /// Cells that say nothing.
    pub(super) blank: Vec<String>,
    /// What stands between cells.
    pub(super) delimiter: u8,
}

/// What rows are sorted by.
#[derive(Clone, Debug)]
pub(super) struct SortBy {
    pub column: String,
    pub by: By,
}

/// How a cell is compared.
#[derive(Clone, Debug)]
pub(super) enum By {
    /// As an instant; a row without one is left out.
    Time(Time),
    /// As a number; what is none comes first.
    Number,
    /// Letter by letter.
    Text,
}

impl CsvMapping {
    /// Reads the file. `basics`: the source that the records are of.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(file: &Arc<source::Source>, basics: Basics) -> Result<CsvMapping, Diagnostics> {
        let mut found = Diagnostics::default();
        let read = source::parse(file, &mut found).and_then(|root| Self::of(&root, basics, &mut found));
        match read.filter(|_| found.mistakes() == 0) {
            Some(mapping) => Ok(mapping),
            None => Err(found),
        }
    }

    fn of(root: &Node, basics: Basics, found: &mut Diagnostics) -> Option<CsvMapping> {
        let mut keys = Keys::of(root, "a mapping of a CSV file", found)?;
        let sort = keys.optional("sort").map(|node| sort(node, found));
        let first_of = keys.optional("first_of").map(|node| text(node, "`first_of`", found).map(str::to_owned));
        let blank = keys.optional("blank").map(|node| texts(node, "`blank`", found));
        let delimiter = keys.optional("delimiter").map(|node| delimiter(node, found));
        let source = of_rows(basics, &mut keys, found);
        keys.finish(found);
        Some(CsvMapping {
            source: source?,
            sort: sort.unwrap_or(Some(Vec::new()))?,
            first_of: match first_of {
                Some(read) => Some(read?),
                None => None,
            },
            blank: blank.unwrap_or(Some(Vec::new()))?,
            delimiter: delimiter.unwrap_or(Some(b','))?,
        })
    }
}

fn sort(node: &Node, found: &mut Diagnostics) -> Option<Vec<SortBy>> {
    let Kind::List(nodes) = &node.kind else {
        wrong_kind(node, "`sort` is a list of columns: `[{ by: changed_at, time: standard }]`", found);
        return None;
    };
    let read: Vec<_> = nodes.iter().map(|node| sort_by(node, found)).collect();
    read.into_iter().collect()
}

/// `column`, or `{ by: column, time: PATTERN, zone: ZONE }`, or `{ by: column, number: true }`.
fn sort_by(node: &Node, found: &mut Diagnostics) -> Option<SortBy> {
    if !matches!(node.kind, Kind::Map(_)) {
        let column = text(node, "a column", found)?.to_owned();
        return Some(SortBy { column, by: By::Text });
    }
    let mut keys = Keys::of(node, "what rows are sorted by", found)?;
    let column = keys.required("by", found).and_then(|node| text(node, "`by`", found));
    let time = keys.optional("time").map(|node| text(node, "`time`", found));
    let zone = keys.optional("zone").map(|node| zone(node, found));
    let number = keys.optional("number").map(|node| boolean(node, "`number`", found));
    keys.finish(found);
    let zone = zone.unwrap_or(Some(Tz::UTC))?;
    let by = match (time, number.unwrap_or(Some(false))?) {
        (Some(_), true) => {
            found.mistake(codes::CONTRADICTION, &node.span, "a column is sorted by its time or as numbers");
            return None;
        }
        (Some(pattern), false) => By::Time(Time::parse(pattern?, zone)),
        (None, true) => By::Number,
        (None, false) => By::Text,
    };
    Some(SortBy { column: column?.to_owned(), by })
}

fn zone(node: &Node, found: &mut Diagnostics) -> Option<Tz> {
    let written = text(node, "`zone`", found)?;
    let read = written.parse().ok();
    if read.is_none() {
        let message = format!("`{written}` is no time zone; they look like Europe/Berlin");
        found.mistake(codes::UNKNOWN_WORD, &node.span, message);
    }
    read
}

fn delimiter(node: &Node, found: &mut Diagnostics) -> Option<u8> {
    match text(node, "`delimiter`", found)?.as_bytes() {
        [one] => Some(*one),
        b"tab" => Some(b'\t'),
        _ => {
            found.mistake(codes::UNKNOWN_WORD, &node.span, "`delimiter` is one character, or `tab`");
            None
        }
    }
}
