//! A company's own labels: a CSV file with a column of messages and one that says which of them are negative.

use std::io::Read;

/// A message, and whether people called it negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// What the customer wrote.
    pub text: String,
    /// What people said of it.
    pub negative: bool,
}

/// Why a file of labels can't be used. Lines are counted from 1, the header included.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// No header names the column.
    #[error("no column is called {wanted}: the first line must name the columns, `text,label`; it has {found}")]
    NoColumn {
        /// The names that would do.
        wanted: &'static str,
        /// The names that are there.
        found: String,
    },
    /// A label that means neither yes nor no.
    #[error("line {line}: the label {label:?} is none of {LABEL_WORDS}")]
    Label {
        /// Where.
        line: u64,
        /// What stands there, cut.
        label: String,
    },
    /// A message without a letter.
    #[error("line {line}: the message is empty")]
    Empty {
        /// Where.
        line: u64,
    },
    /// No CSV.
    #[error("line {line}: {why}")]
    Csv {
        /// Where.
        line: u64,
        /// What is wrong.
        why: String,
    },
}

const TEXT: [&str; 4] = ["text", "message", "body", "comment"];
const LABEL: [&str; 3] = ["label", "sentiment", "negative"];
const LABEL_WORDS: &str = "negative, neutral, positive, 1, 0, true, false, yes, no";

/// Reads all labels, or tells every line that is wrong.
///
/// # Errors
/// A column that is missing, or the lines that can't be read.
pub fn read_labels(from: impl Read) -> Result<Vec<Labelled>, Vec<LabelsError>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(from);
    let headers = reader.headers().map_err(|error| vec![not_csv(&error)])?.clone();
    let text = column(&headers, &TEXT, "`text`").map_err(|wrong| vec![wrong])?;
    let label = column(&headers, &LABEL, "`label`").map_err(|wrong| vec![wrong])?;
    let (mut labels, mut wrong) = (Vec::new(), Vec::new());
    for record in reader.records() {
        match record.map_err(|error| not_csv(&error)).and_then(|record| labelled(&record, text, label)) {
            Ok(one) => labels.push(one),
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() { Ok(labels) } else { Err(wrong) }
}

fn column(headers: &csv::StringRecord, names: &[&str], wanted: &'static str) -> Result<usize, LabelsError> {
    // What a spreadsheet writes before the first name to mark UTF-8 is no part of it.
    let is = |header: &str, name: &str| header.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name);
    let found = names.iter().find_map(|name| headers.iter().position(|header| is(header, name)));
    found.ok_or_else(|| {
        let found = headers.iter().map(|header| format!("`{}`", cut(header))).collect::<Vec<_>>().join(", ");
        LabelsError::NoColumn { wanted, found }
    })
}

fn labelled(record: &csv::StringRecord, text: usize, label: usize) -> Result<Labelled, LabelsError> {
    let line = record.position().map_or(0, csv::Position::line);
    let at = |column| record.get(column).unwrap_or_default().trim();
    if at(text).is_empty() {
        return Err(LabelsError::Empty { line });
    }
    let negative = match at(label).to_ascii_lowercase().as_str() {
        "negative" | "1" | "true" | "yes" => true,
        "neutral" | "positive" | "0" | "false" | "no" => false,
        _ => return Err(LabelsError::Label { line, label: cut(at(label)) }),
    };
    Ok(Labelled { text: at(text).to_owned(), negative })
}

fn not_csv(error: &csv::Error) -> LabelsError {
    let line = error.position().map_or(1, csv::Position::line);
    let why = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} columns, the first line {expected_len}; a text with a comma needs quotation marks")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not in UTF-8".to_owned(),
        _ => error.to_string(),
    };
    LabelsError::Csv { line, why }
}

fn cut(text: &str) -> String {
    text.chars().take(30).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names() {
        let read = read_labels("id,Label,TEXT\n7,negative,\"late, again\"\n8,neutral,hello\n".as_bytes());
        let labelled = |text: &str, negative| Labelled { text: text.to_owned(), negative };
        assert_eq!(read, Ok(vec![labelled("late, again", true), labelled("hello", false)]));
    }

    #[test]
    fn every_wrong_line_is_told() {
        let wrong = read_labels("text,label\n\"a\nb\",1\nhello,perhaps\n,no\nx,y,z\n".as_bytes()).unwrap_err();
        let told: Vec<_> = wrong.iter().map(LabelsError::to_string).collect();
        assert_eq!(
            told,
            [
                "line 4: the label \"perhaps\" is none of negative, neutral, positive, 1, 0, true, false, yes, no",
                "line 5: the message is empty",
                "line 6: it has 3 columns, the first line 2; a text with a comma needs quotation marks",
            ]
        );
    }

    #[test]
    fn a_file_without_the_columns_is_refused() {
        let wrong = read_labels("subject,label\nx,1\n".as_bytes()).unwrap_err();
        assert_eq!(
            wrong[0].to_string(),
            "no column is called `text`: the first line must name the columns, `text,label`; it has `subject`, `label`"
        );
    }
}
