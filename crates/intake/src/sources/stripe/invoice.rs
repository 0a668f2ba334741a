//! One invoice: what is due by it, and whether that is late.

use serde::{Deserialize, Serialize};
use tierline_model::Millis;

use super::standing::Standing;
use crate::Json;
use crate::sources::crm::id_of;

/// What is remembered of an invoice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invoice {
    /// When Stripe said so.
    pub at: Millis,
    /// What is still to be paid, in minor units; nothing of one that is settled or not yet final.
    pub due: i64,
    /// Of `due`; upper case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Since when it has been late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_since: Option<Millis>,
    /// It has been given up.
    #[serde(default)]
    pub given_up: bool,
    /// It is paid, void or deleted: nothing that comes in the same second revives it.
    #[serde(default)]
    pub settled: bool,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
}

impl Invoice {
    /// Reads an invoice as of `at`; the reason where it tells nothing.
    pub fn read(of: Json<'_>, at: Millis) -> Result<Invoice, &'static str> {
        // https://docs.stripe.com/api/invoices/object#invoice_object-status
        let (open, given_up, settled) = match of.get("status").text() {
            _ if of.get("deleted").flag() == Some(true) => (false, false, true),
            Some("open") => (true, false, false),
            Some("uncollectible") => (true, true, false),
            Some("paid" | "void" | "deleted") => (false, false, true),
            Some("draft") => return Err("a draft of an invoice: nothing is due by it yet"),
            Some(_) => return Err("an invoice of an unknown status"),
            // Versions of the API before 2018-11-08 have no status.
            None => match of.get("paid").flag() {
                Some(paid) => (!paid, false, paid),
                None => return Err("an invoice without a status"),
            },
        };
        let amount = |name| of.get(name).number();
        let remaining =
            amount("amount_remaining").or_else(|| Some(amount("amount_due")? - amount("amount_paid").unwrap_or(0.0)));
        Ok(Invoice {
            at,
            due: remaining.filter(|_| open).map_or(0, |remaining| remaining.max(0.0) as i64),
            currency: of.get("currency").text().map(str::to_uppercase),
            late_since: if open { late_since(of, at) } else { None },
            given_up,
            settled,
            subscription: subscription(of),
        })
    }

    /// One that is gone.
    pub fn deleted(at: Millis) -> Invoice {
        Invoice { at, due: 0, currency: None, late_since: None, given_up: false, settled: true, subscription: None }
    }

    /// Whether something is still to be paid by it.
    pub fn is_open(&self) -> bool {
        !self.settled
    }

    /// How it stands; `None`: nothing is late.
    pub fn standing(&self) -> Option<Standing> {
        match (self.settled, self.given_up, self.late_since) {
            (true, ..) => None,
            (_, true, _) => Some(Standing::Unpaid),
            (.., Some(_)) => Some(Standing::PastDue),
            _ => None,
        }
    }

    /// Whether `next` is to take this one's place.
    pub fn gives_way(&self, next: &Invoice) -> bool {
        // In one second an invoice is made, finalised and paid: settled is the end of it.
        next.at > self.at || (next.at == self.at && (next.settled || !self.settled))
    }

    /// Takes its place, and keeps since when it has been late.
    pub fn followed_by(&self, mut next: Invoice) -> Invoice {
        if let (Some(since), Some(next)) = (self.late_since, &mut next.late_since) {
            *next = since.min(*next);
        }
        next
    }
}

/// Late is what was due before, and what was tried to be collected and is still open.
fn late_since(of: Json<'_>, at: Millis) -> Option<Millis> {
    if of.get("billing_reason").text() == Some("subscription_create") {
        // What was never paid for did not begin.
        return None;
    }
    let due = of.get("due_date").seconds();
    if of.get("collection_method").text() == Some("send_invoice") {
        return due.filter(|due| *due <= at);
    }
    let tried = of.get("attempt_count").whole().is_some_and(|count| count >= 1);
    let tried = tried || of.get("attempted").flag() == Some(true);
    let final_at = of.at("/status_transitions/finalized_at").seconds().filter(|final_at| *final_at <= at);
    tried.then(|| final_at.unwrap_or(at))
}

/// The subscription that it is for; since the API's version 2025-03-31 it stands under `parent`.
fn subscription(of: Json<'_>) -> Option<String> {
    let here = ["/subscription", "/parent/subscription_details/subscription"];
    let of_line = ["/subscription", "/parent/subscription_item_details/subscription"];
    let first = |of: Json<'_>, places: [&str; 2]| places.into_iter().find_map(|place| id_of(of.at(place)));
    first(of, here).or_else(|| of.at("/lines/data").items().find_map(|line| first(line, of_line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(of: Value) -> Invoice {
        Invoice::read(Json::new(&of), 50_000_000).unwrap()
    }

    #[test]
    fn what_remains_is_due_while_it_is_open() {
        let open = read(json!({"status": "open", "amount_due": 900, "amount_paid": "300", "currency": "eur"}));
        assert_eq!((open.due, open.currency.as_deref(), open.standing()), (600, Some("EUR"), None));
        assert_eq!(read(json!({"status": "open", "amount_due": 900, "amount_remaining": 50})).due, 50);
        assert_eq!(read(json!({"status": "paid", "amount_due": 900, "amount_remaining": 0})).due, 0);
        assert!(Invoice::read(Json::new(&json!({"status": "draft", "amount_due": 900})), 0).is_err());
    }

    #[test]
    fn it_is_late_once_it_was_due_or_its_collection_failed() {
        let sent = json!({"status": "open", "amount_due": 9, "collection_method": "send_invoice", "due_date": 40_000});
        assert_eq!(read(sent).late_since, Some(40_000_000));
        let not_yet =
            json!({"status": "open", "collection_method": "send_invoice", "due_date": 60_000, "attempted": true});
        assert_eq!(read(not_yet).late_since, None);
        let failed = json!({"status": "open", "attempt_count": 1, "status_transitions": {"finalized_at": 45_000}});
        assert_eq!(read(failed).late_since, Some(45_000_000));
        let given_up = read(json!({"status": "uncollectible", "amount_remaining": 9}));
        assert_eq!((given_up.due, given_up.standing()), (9, Some(Standing::Unpaid)));
    }

    #[test]
    fn it_finds_its_subscription_in_old_and_new_versions() {
        let of = |of: Value| read(of).subscription;
        assert_eq!(of(json!({"status": "open", "subscription": {"id": "sub_1"}})).as_deref(), Some("sub_1"));
        let new = json!({"status": "open", "parent": {"subscription_details": {"subscription": "sub_2"}}});
        assert_eq!(of(new).as_deref(), Some("sub_2"));
        let line = json!({"parent": {"subscription_item_details": {"subscription": "sub_3"}}});
        assert_eq!(of(json!({"status": "open", "lines": {"data": [{}, line]}})).as_deref(), Some("sub_3"));
    }

    #[test]
    fn what_is_settled_stays_so_within_its_second() {
        let (open, paid) = (read(json!({"status": "open"})), read(json!({"status": "paid"})));
        assert!(open.gives_way(&paid) && !paid.gives_way(&open));
        assert!(!paid.gives_way(&Invoice { at: 49_999_000, ..open.clone() }));
        assert!(paid.gives_way(&Invoice { at: 50_001_000, ..open }));
    }
}
