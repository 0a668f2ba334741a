//! The records that Tierline writes: escalations, with all that the receiving agent needs.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{EscalationKind, Millis, SlaEventKind, SlaMetric};

/// A record of `escalations`.
#[derive(Clone, Debug, PartialEq)]
pub struct Escalation {
    /// Stays for the life of the escalation.
    pub escalation_id: Uuid,
    /// From 0; `(escalation_id, sequence)` never repeats and has no gap.
    pub sequence: u32,
    /// What happened.
    pub kind: EscalationKind,
    /// The ticket that it stands on.
    pub ticket_id: String,
    /// The key of the record.
    pub account_id: String,
    /// 1 to 3, after this record.
    pub tier: u8,
    /// Where the tier changed: what it was.
    pub previous_tier: Option<u8>,
    /// The rule that fired or joined.
    pub rule: Option<String>,
    /// The fingerprint of that rule as it was.
    pub rule_version: Option<String>,
    /// The instant at which it became true, UTC.
    pub became_true_at: Millis,
    /// The task's clock when the record went out, UTC.
    pub detected_at: Millis,
    /// One sentence.
    pub reason: String,
    /// What decided.
    pub evidence: Vec<Evidence>,
    /// Who did it, where a person did.
    pub by: Option<String>,
    /// The command that did it.
    pub command_id: Option<String>,
    /// Of `snoozed`: until when.
    pub until: Option<Millis>,
    /// When the tier's own target is due.
    pub due_at: Option<Millis>,
    /// What to do next.
    pub suggest: Option<String>,
    /// Whom to tell.
    pub route: Option<String>,
    /// The ticket in its help desk.
    pub url: Option<String>,
    /// What a person needs to understand it within 30 seconds.
    pub context: Option<Context>,
}

/// One condition that decided, with the value that it saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The condition as a phrase: *the account's plan is enterprise*.
    pub condition: String,
    /// The value seen.
    pub value: String,
    /// Who told it.
    pub source: Option<String>,
    /// As of when, UTC.
    pub as_of: Option<Millis>,
}

/// A record of `escalation-queue`: the present state of an open escalation.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueEntry {
    /// The content of its last record.
    pub escalation: Escalation,
    /// When it was opened, UTC.
    pub opened_at: Millis,
    /// Who acknowledged it.
    pub acknowledged_by: Option<String>,
}

/// A record of `sla-events`: how a target ended.
#[derive(Clone, Debug, PartialEq)]
pub struct SlaEvent {
    /// The key of the record.
    pub account_id: String,
    /// The ticket whose clock it is.
    pub ticket_id: String,
    /// Of `escalation_sla`: the escalation.
    pub escalation_id: Option<Uuid>,
    /// What is measured.
    pub metric: SlaMetric,
    /// The policy that set the target.
    pub policy: Option<String>,
    /// From 0: how often this clock had started on the ticket before.
    pub cycle: u32,
    /// How it ended.
    pub kind: SlaEventKind,
    /// When the target was due, UTC.
    pub due_at: Millis,
    /// Of `breached`: the instant of the breach, UTC.
    pub breached_at: Option<Millis>,
    /// The task's clock when the record went out, UTC.
    pub detected_at: Millis,
    /// Since when the policy has applied to the ticket, UTC.
    pub policy_applied_at: Option<Millis>,
    /// Whether an undecided policy above this one may yet apply.
    pub provisional: bool,
    /// Of `met` and `cancelled`: the instant at which the clock stopped, UTC.
    pub ended_at: Option<Millis>,
}

/// The context package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Who the customer is.
    pub account: AccountContext,
    /// How their bills stand.
    pub billing: BillingContext,
    /// Their last 30 days.
    pub history: HistoryContext,
    /// The end of the conversation, oldest first.
    pub conversation: Vec<MessageContext>,
    /// What an AI agent said as it handed over.
    pub handoff: Option<HandoffContext>,
    /// The clocks that run on this ticket.
    pub sla: Vec<SlaContext>,
    /// The ticket's own fields, for people.
    pub ticket: TicketContext,
}

/// Who the customer is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "schemas/escalations.avsc documents each")]
pub struct AccountContext {
    pub name: Option<String>,
    pub plan: Option<String>,
    pub segment: Option<String>,
    pub arr: Option<i64>,
    pub currency: Option<String>,
    pub health: Option<f64>,
    pub churn_risk: Option<f64>,
    /// RFC 3339 date or instant.
    pub renewal_date: Option<String>,
    pub owner: Option<String>,
    pub region: Option<String>,
    pub flags: Vec<String>,
    /// As of when the snapshot speaks, UTC.
    pub as_of: Option<Millis>,
}

/// How an account's bills stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "schemas/escalations.avsc documents each")]
pub struct BillingContext {
    pub state: Option<String>,
    pub past_due_since: Option<Millis>,
    pub amount_due: Option<i64>,
    pub currency: Option<String>,
    pub plan: Option<String>,
    pub plan_change: Option<String>,
    pub renews_at: Option<Millis>,
    pub cancels_at: Option<Millis>,
    /// As of when the snapshot speaks, UTC.
    pub as_of: Option<Millis>,
}

/// An account's last 30 days.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HistoryContext {
    /// Tickets created within 30 days, this one included.
    pub tickets_30d: u32,
    /// Those of them that are open.
    pub unresolved_30d: u32,
    /// Their categories, the most frequent first.
    pub categories: Vec<CategoryCount>,
}

/// How many tickets a category had.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words say it")]
pub struct CategoryCount {
    pub category: String,
    pub count: u32,
}

/// One message of the conversation's end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "schemas/escalations.avsc documents each")]
pub struct MessageContext {
    pub author: String,
    pub author_name: Option<String>,
    pub public: bool,
    pub at: Millis,
    /// Cut and marked with `…` where it was long.
    pub text: String,
}

/// What an AI agent said as it handed over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "schemas/escalations.avsc documents each")]
pub struct HandoffContext {
    pub summary: Option<String>,
    pub attempted: Vec<String>,
    pub broke_down: Option<String>,
    pub wants_human: Option<bool>,
    pub at: Millis,
}

/// One SLA clock of the ticket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "schemas/escalations.avsc documents each")]
pub struct SlaContext {
    pub metric: String,
    pub policy: String,
    pub started_at: Millis,
    pub due_at: Millis,
    pub breached: bool,
}

/// The ticket's own fields, for people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "schemas/escalations.avsc documents each")]
pub struct TicketContext {
    pub subject: Option<String>,
    pub status: Option<String>,
    pub priority: Option<String>,
    pub severity: Option<String>,
    pub category: Option<String>,
    pub product_area: Option<String>,
    pub tags: Vec<String>,
    pub requester: Option<String>,
    pub assignee: Option<String>,
    pub team: Option<String>,
    pub created_at: Option<Millis>,
    /// Since when the customer has been waiting, UTC.
    pub waiting_since: Option<Millis>,
}
