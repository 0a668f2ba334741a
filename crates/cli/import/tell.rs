//! What an import came to.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tierline_intake::import::{Counts, Tally};

use crate::print::{self, Output};

/// Shows the counts; `before`: payloads that were worked off when it was interrupted, and are not counted here.
pub fn counts(id: &str, before: u64, counts: &Counts, output: Output) -> std::io::Result<()> {
    match output {
        Output::Json => print::json(&json!({
            "import_id": id, "before": before, "payloads": counts.payloads, "records": counts.records, "repeats": counts.repeats,
            "left_out": tallies(&counts.left_out), "ignored": tallies(&counts.ignored),
        })),
        Output::Table => {
            let payloads = print::counted(counts.payloads as usize, "payload");
            let behind = if before > 0 { format!(" behind the first {before}") } else { String::new() };
            print::line(format_args!("{id}: {payloads}{behind}"))?;
            let records = counts.records.iter().map(|(topic, number)| (format!("records on {topic}"), *number));
            let repeats = [("repeats of these".to_owned(), counts.repeats)];
            let rows = records.chain(repeats).map(|(what, number)| vec![what, number.to_string()]);
            print::table(&["what", "number"], rows)?;
            table("left out", &counts.left_out)?;
            table("ignored", &counts.ignored)
        }
    }
}

fn table(what: &str, of: &BTreeMap<String, Tally>) -> std::io::Result<()> {
    if of.is_empty() {
        return Ok(());
    }
    print::line(format_args!("\n{what}"))?;
    let rows = of.iter().map(|(why, tally)| vec![why.clone(), tally.number.to_string(), tally.first.to_string()]);
    print::table(&["why", "number", "first at"], rows)
}

fn tallies(of: &BTreeMap<String, Tally>) -> Value {
    of.iter().map(|(why, tally)| json!({"why": why, "number": tally.number, "first": tally.first})).collect()
}
