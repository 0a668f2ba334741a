//! The rows of a CSV file, in the order in which they happened.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};
use tierline_model::Millis;

use super::mapping::{By, CsvMapping};

/// All rows of a file, sorted. They lie in memory as they stand in the file; each becomes an object when its turn comes.
#[derive(Debug)]
pub struct Rows {
    columns: Vec<String>,
    rows: Vec<Sorted>,
    first_of: Option<usize>,
    blank: Vec<String>,
    seen: HashSet<Vec<u8>>,
    next: usize,
}

/// One row as a payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The line on which it begins.
    pub line: u64,
    /// Texts by the names of their columns; and `_first`, whether no row of the same ticket came before.
    pub payload: Value,
}

/// A row that no record is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The line on which it begins.
    pub line: u64,
    /// Why. Quotes nothing of it.
    pub why: String,
}

#[derive(Debug)]
struct Sorted {
    cells: ByteRecord,
    line: u64,
    key: Vec<Key>,
}

/// What a row is sorted by. Keys of one place are of one kind.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Time(Millis),
    Number(f64),
    Text(Vec<u8>),
}

/// The name of the member that says whether a row is the first of its ticket.
const FIRST: &str = "_first";

impl Rows {
    /// Reads a file whole. What is left out is handed over with them.
    ///
    /// # Errors
    /// It has no header, lacks a column that the mapping names, or cannot be read.
    pub fn read(mapping: &CsvMapping, input: impl Read) -> Result<(Rows, Vec<LeftOut>), String> {
        let mut reader = ReaderBuilder::new().delimiter(mapping.delimiter).flexible(true).from_reader(input);
        let header = reader.headers().map_err(|error| error.to_string())?;
        let columns: Vec<_> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        let place = |name: &String| {
            columns.iter().position(|other| other == name).ok_or_else(|| format!("the file has no column `{name}`"))
        };
        let first_of = mapping.first_of.as_ref().map(place).transpose()?;
        let sort = mapping.sort.iter().map(|sort| Ok((place(&sort.column)?, &sort.by)));
        let sort: Vec<_> = sort.collect::<Result<_, String>>()?;
        let (mut rows, mut left_out) = (Vec::new(), Vec::new());
        let mut cells = ByteRecord::new();
        while reader.read_byte_record(&mut cells).map_err(|error| error.to_string())? {
            let line = cells.position().map_or(0, csv::Position::line);
            match keys(&cells, &sort, columns.len()) {
                Ok(key) => rows.push(Sorted { cells: cells.clone(), line, key }),
                Err(why) => left_out.push(LeftOut { line, why }),
            }
        }
        // Stable: what is equal stays in the order of the file.
        rows.sort_by(|a, b| order(&a.key, &b.key));
        let blank = mapping.blank.clone();
        Ok((Rows { columns, rows, first_of, blank, seen: HashSet::new(), next: 0 }, left_out))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn payload(&self, row: &Sorted, is_first: bool) -> Value {
        let mut members = Map::new();
        for (name, cell) in self.columns.iter().zip(row.cells.iter()) {
            let text = String::from_utf8_lossy(cell);
            let text = if self.blank.iter().any(|blank| *blank == text.trim()) { "" } else { &text };
            members.insert(name.clone(), text.into());
        }
        if self.first_of.is_some() {
            members.insert(FIRST.to_owned(), is_first.into());
        }
        Value::Object(members)
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let row = self.rows.get(self.next)?;
        self.next += 1;
        let is_first = match self.first_of.and_then(|column| row.cells.get(column)) {
            Some(ticket) => self.seen.insert(ticket.to_vec()),
            None => false,
        };
        Some(Row { line: row.line, payload: self.payload(row, is_first) })
    }
}

fn keys(cells: &ByteRecord, sort: &[(usize, &By)], columns: usize) -> Result<Vec<Key>, String> {
    if cells.len() != columns {
        return Err(format!("it has {} cells where the header has {columns}", cells.len()));
    }
    let key = |(place, by): &(usize, &By)| {
        let cell = cells.get(*place).unwrap_or_default();
        let text = String::from_utf8_lossy(cell);
        match by {
            By::Time(time) => {
                let at = time.read(&Value::from(text.trim()));
                at.map(Key::Time).ok_or_else(|| "what it is sorted by is no instant as `time` says".to_owned())
            }
            By::Number => Ok(Key::Number(text.trim().parse().unwrap_or(f64::NEG_INFINITY))),
            By::Text => Ok(Key::Text(cell.to_vec())),
        }
    };
    sort.iter().map(key).collect()
}

fn order(a: &[Key], b: &[Key]) -> Ordering {
    let each = a.iter().zip(b).map(|pair| match pair {
        (Key::Time(a), Key::Time(b)) => a.cmp(b),
        (Key::Number(a), Key::Number(b)) => a.total_cmp(b),
        (Key::Text(a), Key::Text(b)) => a.cmp(b),
        _ => Ordering::Equal,
    });
    each.fold(Ordering::Equal, Ordering::then)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Basics;
    use tierline_rules::source::Source;

    const MAPPING: &str = r#"
sort: [{ by: changed, time: "%d/%m/%Y %H:%M" }, { by: n, number: true }]
first_of: id
blank: "?"
records:
  - { to: tickets, set: { kind: { from: /_first, values: { created: true }, else: updated }, ticket_id: /id, account_id: /by } }
"#;

    fn mapping(text: &str) -> CsvMapping {
        let basics = Basics { name: "desk".to_owned(), ..Basics::default() };
        CsvMapping::read(&Source::new("map.yaml", text), basics).unwrap_or_else(|found| panic!("{:?}", found.items))
    }

    fn read(file: &str) -> (Vec<Row>, Vec<LeftOut>) {
        let (rows, left_out) = Rows::read(&mapping(MAPPING), file.as_bytes()).unwrap();
        (rows.collect(), left_out)
    }

    #[test]
    fn rows_come_in_the_order_in_which_they_happened() {
        let (rows, _) = read("id,changed,n,by\nb,02/01/2026 10:00,10,x\nb,2/1/2026 10:00,9,x\na,1/1/2026 09:00,1,?\n");
        let told: Vec<_> =
            rows.iter().map(|row| (row.line, row.payload["id"].as_str(), &row.payload["_first"])).collect();
        assert_eq!(told, [(4, Some("a"), &true.into()), (3, Some("b"), &true.into()), (2, Some("b"), &false.into())]);
        assert_eq!(rows[0].payload["by"], "");
    }

    #[test]
    fn what_has_no_time_or_too_few_cells_is_left_out() {
        let (rows, left_out) = read("id,changed,n,by\na,soon,1,x\na,1/1/2026 09:00,1\n\"a\nb\",1/1/2026 09:00,1,x\n");
        assert_eq!((rows.len(), rows[0].line), (1, 4));
        assert_eq!(left_out.iter().map(|one| one.line).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        let why = Rows::read(&mapping(MAPPING), &b"id,by\n"[..]).unwrap_err();
        assert_eq!(why, "the file has no column `changed`");
    }

    #[test]
    fn a_mapping_that_is_wrong_is_told() {
        let wrong = |text: &str| CsvMapping::read(&Source::new("map.yaml", text), Basics::default()).is_err();
        assert!(wrong("sort: [{ by: a, number: true, time: seconds }]"));
        assert!(wrong("sort: a\nrecords: []"));
        assert!(wrong(&MAPPING.replace("first_of", "frist_of")));
        assert!(wrong(&format!("delimiter: ab\n{MAPPING}")));
    }
}
