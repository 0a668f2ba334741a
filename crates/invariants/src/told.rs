//! A record of `escalations` as far as the invariants look at it.

use serde_json::Value;
use tierline_model::Millis;

use crate::{Invariant, Violation};

/// The members of a decoded record of `escalations` that every one has.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is the contract's member that it is called after")]
pub struct Told<'a> {
    pub escalation_id: &'a str,
    pub sequence: u64,
    pub kind: &'a str,
    pub ticket_id: &'a str,
    pub account_id: &'a str,
    pub tier: u64,
    /// None where no rule said it, but a person or an end.
    pub rule: Option<&'a str>,
    /// UTC.
    pub became_true_at: Millis,
    /// UTC.
    pub detected_at: Millis,
}

impl<'a> Told<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// A member is missing or of another kind: `SameOutcome`, since no run may write such a record.
    pub fn of(record: &'a Value) -> Result<Told<'a>, Violation> {
        let lacks = |member: &str| Violation::new(Invariant::SameOutcome, format!("no `{member}` in {record}"));
        let text = |member: &str| record[member].as_str().ok_or_else(|| lacks(member));
        let number = |member: &str| record[member].as_u64().ok_or_else(|| lacks(member));
        let at = |member: &str| instant(&record[member]).ok_or_else(|| lacks(member));
        Ok(Told {
            escalation_id: text("escalation_id")?,
            sequence: number("sequence")?,
            kind: text("kind")?,
            ticket_id: text("ticket_id")?,
            account_id: text("account_id")?,
            tier: number("tier")?,
            rule: record["rule"].as_str(),
            became_true_at: at("became_true_at")?,
            detected_at: at("detected_at")?,
        })
    }

    /// Whether a rule rose: what time alone can bring about.
    pub fn is_rise(&self) -> bool {
        self.rule.is_some() && matches!(self.kind, "opened" | "raised" | "joined")
    }
}

/// An instant as JSON shows it: milliseconds, or RFC 3339.
fn instant(value: &Value) -> Option<Millis> {
    value.as_i64().or_else(|| value.as_str().and_then(tierline_model::parse_instant))
}

#[cfg(test)]
pub(crate) mod made {
    use serde_json::{Value, json};
    use tierline_model::Millis;

    /// A record of an escalation on ticket `t` of account `acme` that went out the moment it became true.
    pub fn record(id: &str, sequence: u64, kind: &str, at: Millis) -> Value {
        json!({ "escalation_id": id, "sequence": sequence, "kind": kind, "ticket_id": "t", "account_id": "acme",
                "tier": 2, "rule": "silence", "became_true_at": at, "detected_at": at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_both_forms_and_a_missing_member_is_named() {
        let mut record = made::record("a", 3, "opened", 1_000);
        record["detected_at"] = "1970-01-01T00:00:02Z".into();
        let told = Told::of(&record).expect("all is there");
        assert_eq!((told.sequence, told.became_true_at, told.detected_at), (3, 1_000, 2_000));
        record.as_object_mut().expect("an object").remove("kind");
        assert!(Told::of(&record).is_err_and(|violation| violation.what.starts_with("no `kind`")));
    }
}
