//! What came out, in the form in which it is compared: escalation records by account, in order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The escalation records of each account, in the order of going out, without what depends on when the pipeline ran.
#[derive(Debug, PartialEq)]
pub struct Outcome(pub BTreeMap<String, Vec<Value>>);

impl Outcome {
    /// From decoded records, partition by partition in order.
    ///
    /// # Panics
    /// When an `(escalation_id, sequence)` comes twice, out of order or with a gap.
    pub fn new(records: Vec<Value>) -> Outcome {
        let mut accounts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut next: BTreeMap<String, u64> = BTreeMap::new();
        for mut record in records {
            let escalation = record["escalation_id"].as_str().expect("every record has an escalation").to_owned();
            let sequence = record["sequence"].as_u64().expect("every record has a sequence");
            let first = if record["kind"] == "opened" { sequence } else { u64::MAX };
            let expected = next.entry(escalation).or_insert(first);
            assert_eq!(sequence, *expected, "the record out of its sequence is {record}");
            *expected += 1;
            let members = record.as_object_mut().expect("a record is an object");
            members.remove("detected_at");
            if members["kind"] == "retracted" {
                // Dated when the event that disproves it was taken.
                members.remove("became_true_at");
            }
            accounts.entry(record["account_id"].as_str().expect("an account").to_owned()).or_default().push(record);
        }
        Outcome(accounts)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The kinds that occur: what a comparison is worth.
    pub fn kinds(&self) -> BTreeSet<&str> {
        self.0.values().flatten().filter_map(|record| record["kind"].as_str()).collect()
    }

    /// Fails with the first difference, and not with a megabyte of both.
    pub fn assert_is(&self, expected: &Outcome) {
        for account in self.0.keys().chain(expected.0.keys()) {
            let none = Vec::new();
            let (got, wanted) = (self.0.get(account).unwrap_or(&none), expected.0.get(account).unwrap_or(&none));
            for place in 0..got.len().max(wanted.len()) {
                let (got, wanted) = (got.get(place), wanted.get(place));
                let show = |record: Option<&Value>| record.map_or("nothing".to_owned(), Value::to_string);
                assert!(got == wanted, "{account}, record {place}: got\n{}\nbut wanted\n{}", show(got), show(wanted));
            }
        }
    }
}
