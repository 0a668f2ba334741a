//! The records of the input streams, as everything past the edge sees them: typed, legal, borrowed from their bytes.
//!
//! An `Option` that is `None` was *not told*; what a record says is *empty* stands in its `cleared`.

use std::borrow::Cow;

use crate::words::words;
use crate::{AccountField, BillingField, Cleared, TicketField};
use crate::{Author, BillingState, CommandKind, DateOrInstant, HandledBy, Millis, PlanChange, Priority, Status};

/// A text, borrowed from the record's bytes wherever its encoding allows it.
pub type Text<'a> = Cow<'a, str>;

/// A record of `tickets`.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack of the loop that decodes it, and nearly all are events"
)]
pub enum TicketRecord<'a> {
    /// Something happened to a ticket.
    Event(TicketEvent<'a>),
    /// A source says until when it has been heard; one in every partition, without an account.
    Heartbeat {
        /// Which source speaks.
        source: Text<'a>,
        /// Everything of this source up to here has arrived.
        heard_until: Millis,
    },
    /// The end mark of an import; one in every partition, without an account.
    ImportFinished {
        /// Which import ended.
        import_id: Text<'a>,
        /// When it began.
        import_began_at: Millis,
    },
    /// What a source told of an account itself is told of another account from now on: `rehomed` without a ticket.
    AccountRehomed(AccountRehomed<'a>),
}

/// What one source told of an account, and the account's own signals, go to another account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountRehomed<'a> {
    /// The key of the record: the account that is left.
    pub account_id: Text<'a>,
    /// The account that they go to.
    pub to_account: Text<'a>,
    /// Whose word on the account it is.
    pub source: Text<'a>,
    /// When it happened, as its source says; not yet bounded by the append time.
    pub occurred_at: Millis,
}

/// What happened to one ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketEvent<'a> {
    /// Repeats are recognised by it.
    pub event_id: Text<'a>,
    /// Unique over all sources.
    pub ticket_id: Text<'a>,
    /// The key of the record.
    pub account_id: Text<'a>,
    /// The help desk it comes from.
    pub source: Text<'a>,
    /// When it happened, as its source says; not yet bounded by the append time.
    pub occurred_at: Millis,
    /// Grows over the ticket's whole life, or absent.
    pub sequence: Option<i64>,
    /// What happened.
    pub kind: TicketEventKind,
    /// What it tells of the ticket: all that is known for `created`, the changes for `updated`.
    pub ticket: TicketFields<'a>,
    /// Fields of the ticket that are empty from now on.
    pub cleared: Cleared<'a, TicketField>,
    /// The message that it brings.
    pub message: Option<Message<'a>>,
    /// Of `merged`: the ticket that goes on.
    pub merged_into: Option<Text<'a>>,
    /// Of `rated`: 1 (bad) to 5 (good).
    pub rating: Option<u8>,
    /// What the customer wrote beside the rating.
    pub rating_comment: Option<Text<'a>>,
    /// Of `rehomed`: the account that the ticket goes to; where it is `account_id` itself: the ticket is on its way
    /// here, and what is told of it waits until it has come.
    pub to_account: Option<Text<'a>>,
    /// Set on what an import brings.
    pub import_id: Option<Text<'a>>,
    /// Who changed it; untold counts as a person.
    pub by_kind: Option<Author>,
    /// What the source calls the account.
    pub account_ref: Option<AccountRef<'a>>,
}

impl<'a> TicketEvent<'a> {
    /// An event that tells nothing yet but that it happened, and to which ticket.
    pub fn new(
        kind: TicketEventKind,
        event_id: impl Into<Text<'a>>,
        ticket_id: impl Into<Text<'a>>,
        account_id: impl Into<Text<'a>>,
        source: impl Into<Text<'a>>,
        occurred_at: Millis,
    ) -> TicketEvent<'a> {
        TicketEvent {
            event_id: event_id.into(),
            ticket_id: ticket_id.into(),
            account_id: account_id.into(),
            source: source.into(),
            occurred_at,
            sequence: None,
            kind,
            ticket: TicketFields::default(),
            cleared: Cleared::default(),
            message: None,
            merged_into: None,
            rating: None,
            rating_comment: None,
            to_account: None,
            import_id: None,
            by_kind: None,
            account_ref: None,
        }
    }
}

words! {
    /// The kinds of [`TicketEvent`].
    TicketEventKind {
        Created = "created", Updated = "updated", Message = "message", Merged = "merged", Rated = "rated",
        Deleted = "deleted", Rehomed = "rehomed",
    }
}

/// What a source calls an account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountRef<'a> {
    /// The system that knows the account by this id.
    pub source: Option<Text<'a>>,
    /// What sort of id it is: `organization`, `user`, …
    pub kind: Option<Text<'a>>,
    /// The id.
    pub id: Option<Text<'a>>,
}

/// What a record tells of a ticket.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "schemas/tickets.avsc documents each")]
pub struct TicketFields<'a> {
    pub subject: Option<Text<'a>>,
    pub status: Option<Status>,
    pub priority: Option<Priority>,
    pub severity: Option<Text<'a>>,
    pub r#type: Option<Text<'a>>,
    pub category: Option<Text<'a>>,
    pub product_area: Option<Text<'a>>,
    pub tags: Option<Vec<Text<'a>>>,
    pub channel: Option<Text<'a>>,
    pub requester: Option<Text<'a>>,
    pub requester_role: Option<Text<'a>>,
    pub assignee: Option<Text<'a>>,
    pub team: Option<Text<'a>>,
    pub language: Option<Text<'a>>,
    pub brand: Option<Text<'a>>,
    pub url: Option<Text<'a>>,
    pub parent: Option<Text<'a>>,
    pub created_at: Option<Millis>,
    pub first_replied_at: Option<Millis>,
    pub waiting_since: Option<Millis>,
    pub snoozed_until: Option<Millis>,
    pub opened_by: Option<Author>,
    pub handled_by: Option<HandledBy>,
    pub spam: Option<bool>,
    pub custom: Vec<(Text<'a>, Value<'a>)>,
}

/// A message on a ticket.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// Repeats are recognised by it; untold: by the event's id alone.
    pub id: Option<Text<'a>>,
    /// Who wrote it.
    pub author: Author,
    /// Their name, for people.
    pub author_name: Option<Text<'a>>,
    /// Whether the customer can see it.
    pub public: bool,
    /// What it says; may be megabytes.
    pub text: Option<Text<'a>>,
    /// Out of office, satisfaction surveys, forwards, merge comments: neither starts nor ends a wait.
    pub automated: bool,
}

/// The value of a custom field.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Value<'a> {
    Text(Text<'a>),
    Number(f64),
    Bool(bool),
    List(Vec<Text<'a>>),
}

/// A record of `accounts`: all that one source knows of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountSnapshot<'a> {
    /// The key of the record.
    pub account_id: Text<'a>,
    /// Who says so.
    pub source: Text<'a>,
    /// As of when; untold: the append time.
    pub updated_at: Option<Millis>,
    /// What it says.
    pub fields: AccountFields<'a>,
    /// What it says is empty.
    pub cleared: Cleared<'a, AccountField>,
}

/// What a record tells of an account.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "schemas/accounts.avsc documents each")]
pub struct AccountFields<'a> {
    pub name: Option<Text<'a>>,
    pub plan: Option<Text<'a>>,
    pub segment: Option<Text<'a>>,
    /// Whole units of `currency`.
    pub arr: Option<i64>,
    pub currency: Option<Text<'a>>,
    /// 0–100.
    pub health: Option<f64>,
    /// 0–1.
    pub churn_risk: Option<f64>,
    pub renewal_date: Option<DateOrInstant>,
    pub owner: Option<Text<'a>>,
    pub region: Option<Text<'a>>,
    /// An IANA zone.
    pub time_zone: Option<Text<'a>>,
    pub flags: Option<Vec<Text<'a>>>,
    pub custom: Vec<(Text<'a>, Value<'a>)>,
}

/// A record of `billing`: all that one source knows of an account's bills.
#[derive(Clone, Debug, PartialEq)]
pub struct BillingSnapshot<'a> {
    /// The key of the record.
    pub account_id: Text<'a>,
    /// Who says so.
    pub source: Text<'a>,
    /// As of when; untold: the append time.
    pub updated_at: Option<Millis>,
    /// What it says.
    pub fields: BillingFields<'a>,
    /// What it says is empty.
    pub cleared: Cleared<'a, BillingField>,
}

/// What a record tells of an account's bills.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "schemas/billing.avsc documents each")]
pub struct BillingFields<'a> {
    pub state: Option<BillingState>,
    pub past_due_since: Option<DateOrInstant>,
    /// Minor units of `currency`.
    pub amount_due: Option<i64>,
    pub currency: Option<Text<'a>>,
    pub plan: Option<Text<'a>>,
    pub plan_change: Option<PlanChange>,
    pub plan_changed_at: Option<DateOrInstant>,
    pub renews_at: Option<DateOrInstant>,
    pub cancels_at: Option<DateOrInstant>,
}

/// A record of `account-changes`: single fields, set or cleared by one source.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountChange<'a> {
    /// The key of the record.
    pub account_id: Text<'a>,
    /// Who says so.
    pub source: Text<'a>,
    /// The source's own id of the account.
    pub source_id: Option<Text<'a>>,
    /// Fields that have a value from now on.
    pub set: AccountFields<'a>,
    /// Fields that are empty from now on.
    pub cleared: Cleared<'a, AccountField>,
    /// The source has deleted the account: its fields go, others' stay.
    pub deleted: bool,
    /// As of when; untold: the append time.
    pub updated_at: Option<Millis>,
}

/// A record of `billing-changes`: single fields, set or cleared by one source.
#[derive(Clone, Debug, PartialEq)]
pub struct BillingChange<'a> {
    /// The key of the record.
    pub account_id: Text<'a>,
    /// Who says so.
    pub source: Text<'a>,
    /// The source's own id of the account.
    pub source_id: Option<Text<'a>>,
    /// Fields that have a value from now on.
    pub set: BillingFields<'a>,
    /// Fields that are empty from now on.
    pub cleared: Cleared<'a, BillingField>,
    /// The source has deleted the account: its fields go, others' stay.
    pub deleted: bool,
    /// As of when; untold: the append time.
    pub updated_at: Option<Millis>,
}

/// A record of `signals`: what a model says of a ticket or an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal<'a> {
    /// Repeats are recognised by it.
    pub signal_id: Text<'a>,
    /// The key of the record.
    pub account_id: Text<'a>,
    /// Absent: it speaks of the account.
    pub ticket_id: Option<Text<'a>>,
    /// When it was found.
    pub occurred_at: Millis,
    /// `sentiment` (−1…1), `escalation_risk` (0…1), `handoff`, or the company's own.
    pub name: Text<'a>,
    /// The number that it puts on it.
    pub value: Option<f64>,
    /// The word that it puts on it.
    pub label: Option<Text<'a>>,
    /// Which model, in which version.
    pub model: Option<Text<'a>>,
    /// Why, for people.
    pub explanation: Option<Text<'a>>,
    /// Of an AI agent that hands over.
    pub handoff: Option<Handoff<'a>>,
}

/// What an AI agent says as it hands a ticket to people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Handoff<'a> {
    /// The conversation so far, in short.
    pub summary: Option<Text<'a>>,
    /// What it tried.
    pub attempted: Vec<Text<'a>>,
    /// Where it broke down. Told and not empty: it did.
    pub broke_down: Option<Text<'a>>,
    /// Whether the customer asked for a human.
    pub wants_human: Option<bool>,
}

/// A record of `commands`: what a person or another program wants done.
#[derive(Clone, Debug, PartialEq)]
pub struct Command<'a> {
    /// Repeats are recognised by it.
    pub command_id: Text<'a>,
    /// The key of the record.
    pub account_id: Text<'a>,
    /// The ticket it is about, unless an escalation is named.
    pub ticket_id: Option<Text<'a>>,
    /// The escalation it is about.
    pub escalation_id: Option<uuid::Uuid>,
    /// When it was given.
    pub occurred_at: Millis,
    /// What is wanted.
    pub kind: CommandKind,
    /// By whom.
    pub by: Option<Text<'a>>,
    /// Why.
    pub reason: Option<Text<'a>>,
    /// Of `escalate` and `de_escalate`: the tier to go to, 1 to 3.
    pub tier: Option<u8>,
    /// Of `snooze`.
    pub until: Option<Millis>,
}
