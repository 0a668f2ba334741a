//! Records of `tickets`.

use super::record::members;
use super::value::{Custom, Flag, Id, Instant, KindWord, Names, Scale, Texts, Txt, Whole, Word};
use super::{DecodeError, code};
use crate::words::words;
use crate::{
    AccountRef, AccountRehomed, Author, Cleared, HandledBy, Message, Millis, Priority, Status, Text, TicketEvent,
    TicketEventKind, TicketField, TicketFields, TicketRecord,
};

words! {
    /// What a record of `tickets` can be.
    RecordKind {
        Created = "created", Updated = "updated", Message = "message", Merged = "merged", Rated = "rated",
        Deleted = "deleted", Rehomed = "rehomed", Heartbeat = "heartbeat", ImportFinished = "import_finished",
    }
}

/// All members of the record, told or not: what must be told depends on the kind.
#[derive(Default)]
pub(crate) struct Members<'a> {
    event_id: Option<Text<'a>>,
    ticket_id: Option<Text<'a>>,
    account_id: Option<Text<'a>>,
    source: Option<Text<'a>>,
    occurred_at: Option<Millis>,
    sequence: Option<i64>,
    kind: Option<RecordKind>,
    ticket: Option<TicketFields<'a>>,
    cleared: Cleared<'a, TicketField>,
    message: Option<MessageMembers<'a>>,
    merged_into: Option<Text<'a>>,
    rating: Option<u8>,
    rating_comment: Option<Text<'a>>,
    to_account: Option<Text<'a>>,
    import_id: Option<Text<'a>>,
    import_began_at: Option<Millis>,
    heard_until: Option<Millis>,
    by_kind: Option<Author>,
    account_ref: Option<AccountRef<'a>>,
}

members! {
    Told fills Members<'de> {
        "event_id" => event_id: Id,
        "ticket_id" => ticket_id: Id,
        "account_id" => account_id: Id,
        "source" => source: Id,
        "occurred_at" => occurred_at: Instant,
        "sequence" => sequence: Whole,
        "kind" => kind: KindWord<RecordKind>,
        "ticket" => ticket: Fields,
        "cleared" => cleared: Names<TicketField>,
        "message" => message: MessageKind,
        "merged_into" => merged_into: Id,
        "rating" => rating: Scale<1, 5>,
        "rating_comment" => rating_comment: Txt,
        "to_account" => to_account: Id,
        "import_id" => import_id: Id,
        "import_began_at" => import_began_at: Instant,
        "heard_until" => heard_until: Instant,
        "by_kind" => by_kind: Word<Author>,
        "account_ref" => account_ref: AccountRefKind,
    }
}

members! {
    Fields fills TicketFields<'de> {
        "subject" => subject: Txt,
        "status" => status: Word<Status>,
        "priority" => priority: Word<Priority>,
        "severity" => severity: Txt,
        "type" => r#type: Txt,
        "category" => category: Txt,
        "product_area" => product_area: Txt,
        "tags" => tags: Texts,
        "channel" => channel: Txt,
        "requester" => requester: Txt,
        "requester_role" => requester_role: Txt,
        "assignee" => assignee: Txt,
        "team" => team: Txt,
        "language" => language: Txt,
        "brand" => brand: Txt,
        "url" => url: Txt,
        "parent" => parent: Txt,
        "created_at" => created_at: Instant,
        "first_replied_at" => first_replied_at: Instant,
        "waiting_since" => waiting_since: Instant,
        "snoozed_until" => snoozed_until: Instant,
        "opened_by" => opened_by: Word<Author>,
        "handled_by" => handled_by: Word<HandledBy>,
        "spam" => spam: Flag,
        "custom" => custom: Custom,
    }
}

members! {
    AccountRefKind fills AccountRef<'de> {
        "source" => source: Txt,
        "kind" => kind: Txt,
        "id" => id: Txt,
    }
}

#[derive(Default)]
pub(crate) struct MessageMembers<'a> {
    id: Option<Text<'a>>,
    author: Option<Author>,
    author_name: Option<Text<'a>>,
    public: Option<bool>,
    text: Option<Text<'a>>,
    automated: Option<bool>,
}

members! {
    MessageKind fills MessageMembers<'de> {
        "id" => id: Id,
        "author" => author: Word<Author>,
        "author_name" => author_name: Txt,
        "public" => public: Flag,
        "text" => text: Txt,
        "automated" => automated: Flag,
    }
}

impl<'a> Members<'a> {
    /// The record, where it tells all that its kind needs.
    #[inline]
    pub(super) fn check(self) -> Result<TicketRecord<'a>, DecodeError> {
        let kind = match DecodeError::required("kind", self.kind)? {
            RecordKind::Heartbeat => {
                return Ok(TicketRecord::Heartbeat {
                    source: DecodeError::required("source", self.source)?,
                    heard_until: DecodeError::required("heard_until", self.heard_until)?,
                });
            }
            RecordKind::ImportFinished => {
                return Ok(TicketRecord::ImportFinished {
                    import_id: DecodeError::required("import_id", self.import_id)?,
                    import_began_at: DecodeError::required("import_began_at", self.import_began_at)?,
                });
            }
            RecordKind::Rehomed if self.ticket_id.is_none() => {
                return Ok(TicketRecord::AccountRehomed(AccountRehomed {
                    account_id: DecodeError::required("account_id", self.account_id)?,
                    to_account: DecodeError::required("to_account", self.to_account)?,
                    source: DecodeError::required("source", self.source)?,
                    occurred_at: DecodeError::required("occurred_at", self.occurred_at)?,
                }));
            }
            RecordKind::Created => TicketEventKind::Created,
            RecordKind::Updated => TicketEventKind::Updated,
            RecordKind::Deleted => TicketEventKind::Deleted,
            RecordKind::Message => needs(TicketEventKind::Message, "message", self.message.is_some())?,
            RecordKind::Merged => needs(TicketEventKind::Merged, "merged_into", self.merged_into.is_some())?,
            RecordKind::Rated => needs(TicketEventKind::Rated, "rating", self.rating.is_some())?,
            RecordKind::Rehomed => needs(TicketEventKind::Rehomed, "to_account", self.to_account.is_some())?,
        };
        Ok(TicketRecord::Event(TicketEvent {
            event_id: DecodeError::required("event_id", self.event_id)?,
            ticket_id: DecodeError::required("ticket_id", self.ticket_id)?,
            account_id: DecodeError::required("account_id", self.account_id)?,
            source: DecodeError::required("source", self.source)?,
            occurred_at: DecodeError::required("occurred_at", self.occurred_at)?,
            sequence: self.sequence,
            kind,
            ticket: self.ticket.unwrap_or_default(),
            cleared: self.cleared,
            message: self.message.map(MessageMembers::check).transpose()?,
            merged_into: self.merged_into,
            rating: self.rating,
            rating_comment: self.rating_comment,
            to_account: self.to_account,
            import_id: self.import_id,
            by_kind: self.by_kind,
            account_ref: self.account_ref,
        }))
    }
}

impl<'a> MessageMembers<'a> {
    fn check(self) -> Result<Message<'a>, DecodeError> {
        Ok(Message {
            id: self.id,
            author: DecodeError::required("message.author", self.author)?,
            author_name: self.author_name,
            public: self.public.unwrap_or(true),
            text: self.text,
            automated: self.automated.unwrap_or(false),
        })
    }
}

fn needs(kind: TicketEventKind, field: &str, told: bool) -> Result<TicketEventKind, DecodeError> {
    let missing = || DecodeError::invalid(code::MISSING_FIELD, format!("`{field}` is missing"));
    told.then_some(kind).ok_or_else(missing)
}
