//! Records of `tickets`.

use serde_json::{Map, Value};
use tierline_model::{Author, Millis, RecordType, TicketEventKind, TicketField};

use super::{Fields, tell};
use crate::{Basics, Canonical, Home};

/// What happened to a ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketEvent {
    /// What happened.
    pub kind: TicketEventKind,
    /// The vendor's own id of the event, or one made of what it says: the same event has the same.
    pub event_id: String,
    /// As [`Basics::ticket_id`] makes it.
    pub ticket_id: String,
    /// Where the ticket is filed.
    pub home: Home,
    /// The source's configured name.
    pub source: String,
    /// When it happened, as the source says.
    pub occurred_at: Millis,
    /// Grows over the ticket's whole life, or none.
    pub sequence: Option<i64>,
    /// What is told of the ticket.
    pub fields: Fields<TicketField>,
    /// The message that it brings.
    pub message: Option<Message>,
    /// Of `merged`: the ticket of the contract that goes on.
    pub merged_into: Option<String>,
    /// Of `rated`: 1 to 5.
    pub rating: Option<u8>,
    /// What was written beside the rating.
    pub rating_comment: Option<String>,
    /// Who changed it; none: a person.
    pub by_kind: Option<Author>,
    /// The import that brings it.
    pub import_id: Option<String>,
}

/// A message on a ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The vendor's id of it: the same by whatever way it comes.
    pub id: Option<String>,
    /// Who wrote it.
    pub author: Author,
    /// Their name, for people.
    pub author_name: Option<String>,
    /// Whether the customer can see it.
    pub public: bool,
    /// What it says.
    pub text: Option<String>,
    /// Whether it neither starts nor ends a wait: out of office, surveys, forwards, merge comments.
    pub automated: bool,
}

/// What a source calls an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRef {
    /// The source's configured name.
    pub source: String,
    /// What sort of id it is: `organization`, `user`, …
    pub kind: &'static str,
    /// The id.
    pub id: String,
}

impl AccountRef {
    /// What this source calls it.
    pub fn new(source: &str, kind: &'static str, id: &str) -> AccountRef {
        AccountRef { source: source.to_owned(), kind, id: id.to_owned() }
    }

    /// As it stands in a record.
    pub fn to_json(&self) -> Value {
        serde_json::json!({"source": self.source, "kind": self.kind, "id": self.id})
    }
}

impl TicketEvent {
    /// An event that tells nothing yet but that it happened; `ticket` is the vendor's id.
    pub fn new(
        basics: &Basics,
        kind: TicketEventKind,
        event_id: impl Into<String>,
        ticket: &str,
        home: Home,
        occurred_at: Millis,
    ) -> TicketEvent {
        TicketEvent {
            kind,
            event_id: event_id.into(),
            ticket_id: basics.ticket_id(ticket),
            home,
            source: basics.name.clone(),
            occurred_at,
            sequence: None,
            fields: Fields::default(),
            message: None,
            merged_into: None,
            rating: None,
            rating_comment: None,
            by_kind: None,
            import_id: None,
        }
    }
}

impl From<TicketEvent> for Canonical {
    fn from(mut event: TicketEvent) -> Canonical {
        let mut told = Map::new();
        told.insert("event_id".to_owned(), event.event_id.into());
        told.insert("ticket_id".to_owned(), event.ticket_id.into());
        told.insert("account_id".to_owned(), event.home.account.into());
        told.insert("source".to_owned(), event.source.into());
        told.insert("occurred_at".to_owned(), event.occurred_at.into());
        tell(&mut told, "sequence", event.sequence);
        told.insert("kind".to_owned(), event.kind.word().into());
        let fields = event.fields.take();
        if !fields.is_empty() {
            told.insert("ticket".to_owned(), Value::Object(fields));
        }
        event.fields.put_cleared(&mut told);
        if let Some(message) = event.message {
            told.insert("message".to_owned(), Value::Object(message.into_json()));
        }
        tell(&mut told, "merged_into", event.merged_into);
        tell(&mut told, "rating", event.rating);
        tell(&mut told, "rating_comment", event.rating_comment);
        tell(&mut told, "import_id", event.import_id);
        tell(&mut told, "by_kind", event.by_kind.map(Author::word));
        tell(&mut told, "account_ref", event.home.account_ref.map(|account| account.to_json()));
        Canonical { stream: RecordType::Tickets, told }
    }
}

impl Message {
    fn into_json(self) -> Map<String, Value> {
        let mut told = Map::new();
        tell(&mut told, "id", self.id);
        told.insert("author".to_owned(), self.author.word().into());
        tell(&mut told, "author_name", self.author_name);
        told.insert("public".to_owned(), self.public.into());
        tell(&mut told, "text", self.text);
        if self.automated {
            told.insert("automated".to_owned(), true.into());
        }
        told
    }
}
