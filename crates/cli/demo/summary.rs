//! What the demo came to, in a few lines at its end.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::print::{self, counted};

/// Counts of what was told.
#[derive(Debug, Default)]
pub struct Summary {
    by_kind: BTreeMap<String, usize>,
    raised_by: BTreeMap<(u64, String), u64>,
}

impl Summary {
    /// Counts a record of `escalations`.
    pub fn count(&mut self, record: &Value) {
        let kind = record["kind"].as_str().unwrap_or_default();
        *self.by_kind.entry(kind.to_owned()).or_default() += 1;
        if matches!(kind, "opened" | "raised") {
            let rule = record["rule"].as_str().unwrap_or("by hand").to_owned();
            *self.raised_by.entry((record["tier"].as_u64().unwrap_or(0), rule)).or_default() += 1;
        }
    }

    /// Prints it, given how many tickets were opened.
    pub fn print(&self, tickets: usize) -> std::io::Result<()> {
        let of = |kind: &str| self.by_kind.get(kind).copied().unwrap_or(0);
        print::line("")?;
        print::line(format_args!(
            "{}; {} opened, {} raised, {} joined, {} resolved, {} taken back.",
            counted(tickets, "ticket"),
            counted(of("opened"), "escalation"),
            of("raised"),
            of("joined"),
            of("resolved"),
            of("retracted")
        ))?;
        for ((tier, rule), count) in self.raised_by.iter().rev() {
            print::line(format_args!("  tier {tier}  {count:>3} × {rule}"))?;
        }
        Ok(())
    }
}
