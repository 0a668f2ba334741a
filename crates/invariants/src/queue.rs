//! `escalation-queue` holds the last record of each open escalation, and nothing of those that ended: the two topics
//! move in one transaction.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Invariant, Told, Violation};

/// Compares what is left of the queue, by its key (an escalation's id), with the records of `escalations` in order.
///
/// # Errors
/// They don't agree.
pub fn agrees<'a>(
    queue: &BTreeMap<String, Value>,
    escalations: impl IntoIterator<Item = &'a Value>,
) -> Result<(), Violation> {
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    for record in escalations {
        last.insert(Told::of(record)?.escalation_id, record);
    }
    let wrong = |what: String| Err(Violation::new(Invariant::QueueAgrees, what));
    for (id, entry) in queue {
        let Some(record) = last.get(id.as_str()) else {
            return wrong(format!("{id} is in the queue, and never was opened"));
        };
        if record["kind"] == "resolved" {
            return wrong(format!("{id} is in the queue, and was resolved"));
        }
        // A ticket that went to another account took its entry there, and nothing was told of that.
        let mut told = members(record).filter(|(member, _)| *member != "account_id");
        if let Some((member, _)) = told.find(|(member, value)| entry[member.as_str()] != **value) {
            return wrong(format!(
                "`{member}` of {id} differs: {} in the queue, {} as told",
                entry[member], record[member]
            ));
        }
    }
    // A `retracted` may be the end of an escalation, or not; all others but `resolved` leave it open.
    let silent = |kind: &Value| kind == "resolved" || kind == "retracted";
    match last.iter().find(|(id, record)| !silent(&record["kind"]) && !queue.contains_key(**id)) {
        Some((id, record)) => wrong(format!("{id} is open and isn't in the queue: {record}")),
        None => Ok(()),
    }
}

fn members(record: &Value) -> impl Iterator<Item = (&String, &Value)> {
    record.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told::made::record;

    fn queue(entries: &[Value]) -> BTreeMap<String, Value> {
        entries
            .iter()
            .map(|entry| (entry["escalation_id"].as_str().unwrap_or_default().to_owned(), entry.clone()))
            .collect()
    }

    #[test]
    fn it_holds_what_is_open_as_it_was_last_told() {
        let told = [
            record("a", 0, "opened", 1),
            record("b", 0, "opened", 1),
            record("a", 1, "raised", 2),
            record("b", 1, "resolved", 3),
        ];
        assert_eq!(agrees(&queue(&told[2..3]), &told), Ok(()));
        assert!(agrees(&queue(&told[..1]), &told).is_err(), "as it was before it was raised");
        let mut moved = told[2].clone();
        moved["account_id"] = "another".into();
        assert_eq!(agrees(&queue(&[moved]), &told), Ok(()), "its ticket went there");
        assert!(agrees(&queue(&[]), &told).is_err(), "an open one is missing");
        assert!(agrees(&queue(&told[2..]), &told).is_err(), "a resolved one is left");
        assert!(agrees(&queue(&told[2..3]), &told[1..2]).is_err(), "one that was never told");
    }
}
