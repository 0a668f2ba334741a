//! What was asked for is told differently from what came by itself: an answer holds a ticket's whole story, however
//! often it is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tierline_model::{Millis, RecordType, TicketEventKind};

use crate::directory::{Directory, EntryKind};
use crate::{Basics, Canonical, Reading};

/// Why something was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// All that changed since then was asked for.
    pub since: Millis,
    /// The import that brings tickets which are older than that and have never been met: what was over before must raise
    /// nothing now.
    pub import_id: Arc<str>,
    /// Whether any such ticket was told.
    pub imported: Arc<AtomicBool>,
}

impl Asked {
    /// Leaves of a ticket's story what the window can have missed.
    ///
    /// A ticket that was opened since is told whole. Of an older one that was met before, earlier rounds and webhooks have
    /// told what lies before the window. An older one that was never met is told whole, as an import.
    pub(crate) fn shape(&self, reading: &mut Reading, basics: &Basics, directory: &dyn Directory) {
        let is_ticket = |record: &Canonical| record.stream == RecordType::Tickets;
        let Some(created_at) = reading.records.iter().filter(|record| is_ticket(record)).find_map(created_at) else {
            return;
        };
        if created_at >= self.since {
            return;
        }
        let is_met = |record: &Canonical| {
            let ticket =
                record.text("ticket_id").and_then(|id| id.strip_prefix(basics.name.as_str())?.strip_prefix(':'));
            let known = ticket.and_then(|ticket| directory.find(&basics.name, EntryKind::Ticket, ticket));
            known.is_some_and(|known| known.account.is_some())
        };
        if reading.records.iter().filter(|record| is_ticket(record)).any(is_met) {
            reading.records.retain(|record| !is_ticket(record) || self.may_be_missed(record));
            return;
        }
        for record in reading.records.iter_mut().filter(|record| is_ticket(record)) {
            record.told.insert("import_id".to_owned(), (&*self.import_id).into());
            self.imported.store(true, Ordering::Release);
        }
    }

    fn may_be_missed(&self, record: &Canonical) -> bool {
        let at = record.told.get("occurred_at").and_then(serde_json::Value::as_i64);
        match kind(record) {
            Some(TicketEventKind::Created) => false,
            Some(TicketEventKind::Message) => at.is_none_or(|at| at >= self.since),
            _ => true,
        }
    }
}

fn kind(record: &Canonical) -> Option<TicketEventKind> {
    TicketEventKind::from_word(record.text("kind")?)
}

/// When a record says that its ticket was opened.
fn created_at(record: &Canonical) -> Option<Millis> {
    let told = match kind(record)? {
        TicketEventKind::Created => record.told.get("occurred_at"),
        _ => record.told.get("ticket").and_then(|ticket| ticket.get("created_at")),
    };
    told?.as_i64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Entry, Known, Table};
    use serde_json::{Value, json};

    const SINCE: Millis = 1_000;

    fn told(created_at: Millis, is_met: bool) -> (Vec<Value>, bool) {
        let record = |told: Value| Canonical {
            stream: RecordType::Tickets,
            told: told.as_object().cloned().expect("an object"),
        };
        let of = |kind: &str, at: Millis| {
            record(json!({"ticket_id": "desk:7", "kind": kind, "occurred_at": at, "event_id": format!("{kind}{at}")}))
        };
        let records = vec![of("created", created_at), of("message", 900), of("message", 1_000), of("updated", 1_100)];
        let mut reading = Reading { records, ..Reading::default() };
        let mut table = Table::default();
        if is_met {
            let known = Known { account: Some("acme".into()), ..Known::default() };
            table.put(Entry { source: "desk".into(), kind: EntryKind::Ticket, id: "7".into(), known: Some(known) });
        }
        let imported = Arc::new(AtomicBool::new(false));
        let asked = Asked { since: SINCE, import_id: "i".into(), imported: Arc::clone(&imported) };
        asked.shape(&mut reading, &Basics { name: "desk".into(), ..Basics::default() }, &table);
        let ids = reading.records.iter().map(|record| match record.told.get("import_id") {
            Some(import) => json!([record.told["event_id"], import]),
            None => record.told["event_id"].clone(),
        });
        (ids.collect(), imported.load(Ordering::Acquire))
    }

    #[test]
    fn a_ticket_of_the_window_is_told_whole() {
        let all = ["created1000", "message900", "message1000", "updated1100"];
        for is_met in [false, true] {
            assert_eq!(told(SINCE, is_met), (all.iter().map(|id| json!(id)).collect(), false));
        }
    }

    #[test]
    fn of_an_older_one_that_was_met_only_what_the_window_can_have_missed() {
        assert_eq!(told(500, true), (vec![json!("message1000"), json!("updated1100")], false));
    }

    #[test]
    fn an_older_one_that_was_never_met_is_an_import() {
        let (ids, imported) = told(500, false);
        assert_eq!((ids.len(), imported), (4, true));
        assert!(ids.iter().all(|id| id[1] == "i"), "{ids:?}");
    }
}
