//! What is written when something changes account (SEMANTICS 7.3).
//!
//! The old account is told where its ticket goes, the new one that it comes; only then the ticket's further events go
//! there. The ids are made of what moves and of how often it moved before: who writes a move once more writes the same.

use serde_json::{Map, Value};
use tierline_model::{Millis, RecordType, TicketEventKind};

use super::Identity;
use crate::Canonical;

/// A ticket goes from one account to another, for the `nth` time: the record for the old one, then the one for the new.
/// `ticket` is the ticket of the contract.
pub fn ticket_moved(source: &str, ticket: &str, from: &str, to: &str, nth: u32, at: Millis) -> [Canonical; 2] {
    let event_id = format!("{ticket}:rehomed:{nth}:{from}>{to}");
    let announced = format!("{event_id}:here");
    [(from, event_id), (to, announced)].map(|(account, event_id)| {
        let mut told = moved(source, account, to, event_id, at);
        told.insert("ticket_id".to_owned(), ticket.into());
        Canonical { stream: RecordType::Tickets, told }
    })
}

/// What a source told of one account it tells of another from now on; the `nth` time that this identity moves.
pub fn facts_moved(identity: &Identity, from: &str, to: &str, nth: u32, at: Millis) -> Canonical {
    let event_id = format!("{identity}:rehomed:{nth}:{from}>{to}");
    Canonical { stream: RecordType::Tickets, told: moved(&identity.source, from, to, event_id, at) }
}

fn moved(source: &str, account: &str, to: &str, event_id: String, at: Millis) -> Map<String, Value> {
    let members: [(&str, Value); 6] = [
        ("event_id", event_id.into()),
        ("kind", TicketEventKind::Rehomed.word().into()),
        ("account_id", account.into()),
        ("to_account", to.into()),
        ("source", source.into()),
        ("occurred_at", at.into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_ticket_is_sent_off_before_it_is_announced() {
        let records = ticket_moved("desk", "desk:7", "desk:1", "acme", 2, 5).map(|record| Value::Object(record.told));
        assert_eq!(
            Value::from(records.to_vec()),
            json!([
                {"event_id": "desk:7:rehomed:2:desk:1>acme", "kind": "rehomed", "ticket_id": "desk:7", "account_id": "desk:1",
                    "to_account": "acme", "source": "desk", "occurred_at": 5},
                {"event_id": "desk:7:rehomed:2:desk:1>acme:here", "kind": "rehomed", "ticket_id": "desk:7", "account_id": "acme",
                    "to_account": "acme", "source": "desk", "occurred_at": 5},
            ])
        );
        let facts = facts_moved(&Identity::new("crm", "1"), "crm:1", "acme", 0, 5);
        assert_eq!(
            Value::Object(facts.told),
            json!({"event_id": "crm:1:rehomed:0:crm:1>acme", "kind": "rehomed", "account_id": "crm:1", "to_account": "acme",
                "source": "crm", "occurred_at": 5})
        );
    }
}
