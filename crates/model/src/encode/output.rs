//! The records that Tierline writes.

use uuid::Uuid;

use super::Encoding;
use super::input::symbol;
use crate::avro::Writer;
use crate::{
    AccountContext, BillingContext, Context, Escalation, Evidence, HandoffContext, HistoryContext, MessageContext,
    QueueEntry, RecordType, SlaContext, SlaEvent, TicketContext,
};

/// Appends a record of `escalations`.
pub fn encode_escalation(record: &Escalation, encoding: Encoding, out: &mut Vec<u8>) {
    escalation(&mut encoding.begin(RecordType::Escalations, out), record);
}

/// Appends a record of `escalation-queue`.
pub fn encode_queue_entry(record: &QueueEntry, encoding: Encoding, out: &mut Vec<u8>) {
    let to = &mut encoding.begin(RecordType::EscalationQueue, out);
    escalation(to, &record.escalation);
    to.whole(record.opened_at);
    to.told_text(record.acknowledged_by.as_ref());
}

/// Appends a record of `sla-events`.
pub fn encode_sla_event(it: &SlaEvent, encoding: Encoding, out: &mut Vec<u8>) {
    let to = &mut encoding.begin(RecordType::SlaEvents, out);
    to.text(&it.account_id);
    to.text(&it.ticket_id);
    to.told_text(it.escalation_id.map(|id| id.to_string()).as_ref());
    to.whole(symbol(it.metric));
    to.told_text(it.policy.as_ref());
    to.whole(it.cycle.into());
    to.whole(symbol(it.kind));
    to.whole(it.due_at);
    to.told_whole(it.breached_at);
    to.whole(it.detected_at);
    to.told_whole(it.policy_applied_at);
    to.bool(it.provisional);
    to.told_whole(it.ended_at);
}

fn escalation(to: &mut Writer<'_>, it: &Escalation) {
    to.text(it.escalation_id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    to.whole(it.sequence.into());
    to.whole(symbol(it.kind));
    to.text(&it.ticket_id);
    to.text(&it.account_id);
    to.whole(it.tier.into());
    to.told_whole(it.previous_tier);
    to.told_text(it.rule.as_ref());
    to.told_text(it.rule_version.as_ref());
    to.whole(it.became_true_at);
    to.whole(it.detected_at);
    to.text(&it.reason);
    to.list(it.evidence.iter(), evidence);
    to.told_text(it.by.as_ref());
    to.told_text(it.command_id.as_ref());
    to.told_whole(it.until);
    to.told_whole(it.due_at);
    to.told_text(it.suggest.as_ref());
    to.told_text(it.route.as_ref());
    to.told_text(it.url.as_ref());
    to.told(it.context.as_ref(), context);
}

fn evidence(to: &mut Writer<'_>, it: &Evidence) {
    to.text(&it.condition);
    to.text(&it.value);
    to.told_text(it.source.as_ref());
    to.told_whole(it.as_of);
}

fn context(to: &mut Writer<'_>, it: &Context) {
    account(to, &it.account);
    billing(to, &it.billing);
    history(to, &it.history);
    to.list(it.conversation.iter(), message);
    to.told(it.handoff.as_ref(), handoff);
    to.list(it.sla.iter(), sla);
    ticket(to, &it.ticket);
}

fn account(to: &mut Writer<'_>, it: &AccountContext) {
    to.told_text(it.name.as_ref());
    to.told_text(it.plan.as_ref());
    to.told_text(it.segment.as_ref());
    to.told_whole(it.arr);
    to.told_text(it.currency.as_ref());
    to.told_double(it.health);
    to.told_double(it.churn_risk);
    to.told_text(it.renewal_date.as_ref());
    to.told_text(it.owner.as_ref());
    to.told_text(it.region.as_ref());
    to.texts(&it.flags);
    to.told_whole(it.as_of);
}

fn billing(to: &mut Writer<'_>, it: &BillingContext) {
    to.told_text(it.state.as_ref());
    to.told_whole(it.past_due_since);
    to.told_whole(it.amount_due);
    to.told_text(it.currency.as_ref());
    to.told_text(it.plan.as_ref());
    to.told_text(it.plan_change.as_ref());
    to.told_whole(it.renews_at);
    to.told_whole(it.cancels_at);
    to.told_whole(it.as_of);
}

fn history(to: &mut Writer<'_>, it: &HistoryContext) {
    to.whole(it.tickets_30d.into());
    to.whole(it.unresolved_30d.into());
    to.list(it.categories.iter(), |to, it| {
        to.text(&it.category);
        to.whole(it.count.into());
    });
}

fn message(to: &mut Writer<'_>, it: &MessageContext) {
    to.text(&it.author);
    to.told_text(it.author_name.as_ref());
    to.bool(it.public);
    to.whole(it.at);
    to.text(&it.text);
}

fn handoff(to: &mut Writer<'_>, it: &HandoffContext) {
    to.told_text(it.summary.as_ref());
    to.texts(&it.attempted);
    to.told_text(it.broke_down.as_ref());
    to.told_bool(it.wants_human);
    to.whole(it.at);
}

fn sla(to: &mut Writer<'_>, it: &SlaContext) {
    to.text(&it.metric);
    to.text(&it.policy);
    to.whole(it.started_at);
    to.whole(it.due_at);
    to.bool(it.breached);
}

fn ticket(to: &mut Writer<'_>, it: &TicketContext) {
    to.told_text(it.subject.as_ref());
    to.told_text(it.status.as_ref());
    to.told_text(it.priority.as_ref());
    to.told_text(it.severity.as_ref());
    to.told_text(it.category.as_ref());
    to.told_text(it.product_area.as_ref());
    to.texts(&it.tags);
    to.told_text(it.requester.as_ref());
    to.told_text(it.assignee.as_ref());
    to.told_text(it.team.as_ref());
    to.told_whole(it.created_at);
    to.told_whole(it.waiting_since);
}
