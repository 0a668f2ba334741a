//! What the engine wants written, as records: encoded, under its key, in the task's own partition; and counted.

use tierline_engine::Output;
use tierline_model::{
    Escalation, EscalationKind, Millis, SlaEvent, SlaEventKind, encode_escalation, encode_queue_entry, encode_sla_event,
};
use tierline_observe::LaneMetrics;
use uuid::Uuid;

use super::Common;
use crate::outbox::Outbox;
use crate::partitioner::partition_of;
use crate::topics::output;

/// What outputs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A record that the log took then.
    Record { appended_at: Millis },
    /// The clock.
    Timer,
    /// A first start, or changed rules.
    Restart,
}

/// Puts one output into the outbox.
pub(super) fn put(what: &Output, common: &Common, partitions: i32, to: &mut Outbox<'_>) {
    match what {
        Output::Move { to: account, value } => {
            let key = account.as_bytes();
            to.put_elsewhere(output::ACCOUNT_MOVES, partition_of(key, partitions), key, value);
        }
        Output::Escalation(it) => {
            let mut encode = |buffer: &mut Vec<u8>| encode_escalation(it, common.escalations, buffer);
            to.put(output::ESCALATIONS, Some(it.account_id.as_bytes()), Some(&mut encode));
        }
        Output::Shadow(it) => {
            let mut encode = |buffer: &mut Vec<u8>| encode_escalation(it, common.shadow, buffer);
            to.put(output::ESCALATIONS_SHADOW, Some(it.account_id.as_bytes()), Some(&mut encode));
        }
        Output::Sla(it) => {
            let mut encode = |buffer: &mut Vec<u8>| encode_sla_event(it, common.sla_events, buffer);
            to.put(output::SLA_EVENTS, Some(it.account_id.as_bytes()), Some(&mut encode));
        }
        Output::Queue(id, entry) => {
            let mut text = Uuid::encode_buffer();
            let key = id.hyphenated().encode_lower(&mut text).as_bytes();
            match entry {
                Some(it) => {
                    let mut encode = |buffer: &mut Vec<u8>| encode_queue_entry(it, common.queue, buffer);
                    to.put(output::ESCALATION_QUEUE, Some(key), Some(&mut encode));
                }
                None => to.put(output::ESCALATION_QUEUE, Some(key), None),
            }
        }
    }
}

/// Counts a breach.
pub(super) fn count_breach(it: &SlaEvent, metrics: &mut LaneMetrics) {
    if it.kind == SlaEventKind::Breached {
        metrics.sla_breach(it.metric.word(), it.policy.as_deref());
    }
}

/// Counts an escalation record. Timer lag is of what the clock alone made rise: how long after its bound and the grace.
pub(super) fn count(it: &Escalation, occasion: Occasion, grace: Millis, metrics: &mut LaneMetrics) {
    let seconds = |millis: Millis| millis as f64 / 1000.0;
    let created_at = it.context.as_ref().and_then(|context| context.ticket.created_at);
    let waited = match it.kind {
        EscalationKind::Opened | EscalationKind::Raised => created_at.map(|at| seconds(it.became_true_at - at)),
        _ => None,
    };
    metrics.escalation(it.tier, it.rule.as_deref(), it.kind.word(), waited);
    let rises = matches!(it.kind, EscalationKind::Opened | EscalationKind::Raised | EscalationKind::Joined);
    if rises && occasion == Occasion::Timer {
        metrics.timer_lag(seconds(it.detected_at - it.became_true_at - grace));
    }
}
