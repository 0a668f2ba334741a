//! The file of an import, as payloads.

use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use tierline_config::Config;
use tierline_intake::import::{CsvMapping, Rows};
use tierline_intake::{Basics, Source, export};
use tierline_rules::source;

use super::Placed;
use crate::ended::Untried;
use crate::intake;
use crate::print::counted;

/// A file, read.
pub struct File {
    /// What makes records of its payloads.
    pub source: Arc<dyn Source>,
    /// Its payloads.
    pub payloads: Payloads,
    /// All that it and its mapping hold: what it is known by.
    pub content: Vec<u8>,
}

/// The payloads of a file, in order.
pub struct Payloads {
    of: Of,
    left_out: Vec<(u64, String)>,
}

enum Of {
    Rows(Rows),
    Items(VecDeque<Placed>),
}

/// Reads a file whole.
///
/// # Errors
/// It can't be read, or nothing is known of how.
pub fn read(config: &Config, name: &str, path: &Path, mapping: Option<&Path>) -> Result<File, Untried> {
    match mapping {
        Some(mapping) => csv(config, name, path, mapping),
        None if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) => {
            Err(Untried::because("a CSV file needs `--mapping`: which column is which field"))
        }
        None => {
            let source = intake::source(config, name)?;
            let content = bytes(path)?;
            let payloads = json(&content);
            Ok(File { source, payloads, content })
        }
    }
}

fn csv(config: &Config, name: &str, path: &Path, mapping: &Path) -> Result<File, Untried> {
    let text = String::from_utf8(bytes(mapping)?);
    let text = text.map_err(|_| Untried::because(format!("{} is not UTF-8", mapping.display())))?;
    let file = source::Source::new(mapping.display().to_string(), text);
    let mapping = CsvMapping::read(&file, basics(config, name)?).map_err(|found| {
        let shown: String = found.items.iter().map(|item| format!("\n\n{}", item.render(false))).collect();
        Untried::because(format!("{} has {}{shown}", file.name, counted(found.mistakes(), "mistake")))
    })?;
    let mut content = bytes(path)?;
    let rows = Rows::read(&mapping, content.as_slice());
    let (rows, left_out) = rows.map_err(|why| Untried::because(format!("{}: {why}", path.display())))?;
    content.extend_from_slice(file.text.as_bytes());
    let left_out = left_out.into_iter().map(|one| (one.line, one.why)).collect();
    Ok(File { source: mapping.source, payloads: Payloads { of: Of::Rows(rows), left_out }, content })
}

/// The source by that name has its accounts renamed here too; it need not be configured.
fn basics(config: &Config, name: &str) -> Result<Basics, Untried> {
    if let Some(source) = config.intake.sources.get(name) {
        return Ok(source.basics().clone());
    }
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(letters) {
        let why = "is no name of a source: lower-case letters, digits and hyphens, at most 64";
        return Err(Untried::because(format!("'{name}' {why}")));
    }
    Ok(Basics { name: name.to_owned(), ..Basics::default() })
}

/// One document, or one a line. What is no JSON is left out.
fn json(content: &[u8]) -> Payloads {
    let mut items = VecDeque::new();
    let mut left_out = Vec::new();
    match serde_json::from_slice(content) {
        Ok(whole) => items.extend((1..).zip(export::payloads(whole))),
        Err(_) => {
            let lines = content.split(|byte| *byte == b'\n');
            for (line, text) in (1..).zip(lines).filter(|(_, text)| !text.trim_ascii().is_empty()) {
                match serde_json::from_slice(text) {
                    Ok(document) => items.extend(export::payloads(document).into_iter().map(|payload| (line, payload))),
                    Err(_) => left_out.push((line, "it is not JSON".to_owned())),
                }
            }
        }
    }
    Payloads { of: Of::Items(items), left_out }
}

impl Payloads {
    /// How many there are.
    pub fn len(&self) -> u64 {
        match &self.of {
            Of::Rows(rows) => rows.len() as u64,
            Of::Items(items) => items.len() as u64,
        }
    }

    /// What is none, where it stands and why.
    pub fn left_out(self) -> impl Iterator<Item = (u64, String)> {
        self.left_out.into_iter()
    }
}

impl Iterator for Payloads {
    type Item = Placed;

    fn next(&mut self) -> Option<Placed> {
        match &mut self.of {
            Of::Rows(rows) => rows.next().map(|row| (row.line, row.payload)),
            Of::Items(items) => items.pop_front(),
        }
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Untried> {
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => std::io::stdin().read_to_end(&mut bytes).map(drop),
        false => std::fs::read(path).map(|read| bytes = read),
    };
    read.map_err(|error| Untried::because(format!("cannot read {}: {error}", path.display())))?;
    Ok(bytes)
}
