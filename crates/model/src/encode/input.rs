//! The records that Tierline reads, for `send`, tests and benches.

use serde_json::Map;

use super::Encoding;
use crate::avro::Writer;
use crate::decode::{self, Framed};
use crate::words::Words;
use crate::{
    AccountChange, AccountFields, AccountRehomed, AccountSnapshot, BillingChange, BillingFields, BillingSnapshot,
    Cleared, Command, DateOrInstant, DecodeError, Decoder, Message, Notes, RecordType, Signal, Text, TicketEvent,
    TicketEventKind, TicketFields, TicketRecord, Value, code,
};

/// A record that was read and written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The key that it belongs under; `None`: a mark, which goes without a key into every partition.
    pub key: Option<String>,
    /// What was passed over on the way.
    pub notes: Notes,
}

/// Reads a record in any encoding (JSON, mostly), checks it and appends it to `out` as Avro by our own schema.
///
/// # Errors
/// Those of its decoding; of the records that only Tierline writes: `unknown_kind`.
pub fn transcode(
    decoder: &mut Decoder,
    record: RecordType,
    bytes: &[u8],
    encoding: Encoding,
    out: &mut Vec<u8>,
) -> Result<Sent, DecodeError> {
    written_anew(record, decoder.frame(record, bytes)?, encoding, out)
}

/// The same of a record whose JSON was parsed already.
///
/// # Errors
/// As [`transcode`], which needs no schema here.
pub fn transcode_told(
    record: RecordType,
    told: &Map<String, serde_json::Value>,
    encoding: Encoding,
    out: &mut Vec<u8>,
) -> Result<Sent, DecodeError> {
    written_anew(record, Framed::Told(told), encoding, out)
}

fn written_anew(
    record: RecordType,
    framed: Framed<'_, '_>,
    encoding: Encoding,
    out: &mut Vec<u8>,
) -> Result<Sent, DecodeError> {
    let (key, notes) = match record {
        RecordType::Tickets => {
            let (it, notes) = decode::ticket(framed)?;
            encode_ticket(&it, encoding, out);
            let key = match it {
                TicketRecord::Event(event) => event.account_id,
                TicketRecord::AccountRehomed(moved) => moved.account_id,
                TicketRecord::Heartbeat { .. } | TicketRecord::ImportFinished { .. } => {
                    return Ok(Sent { key: None, notes });
                }
            };
            (key, notes)
        }
        RecordType::Accounts => {
            let (it, notes) = decode::account(framed)?;
            encode_account(&it, encoding, out);
            (it.account_id, notes)
        }
        RecordType::Billing => {
            let (it, notes) = decode::billing(framed)?;
            encode_billing(&it, encoding, out);
            (it.account_id, notes)
        }
        RecordType::AccountChanges => {
            let (it, notes) = decode::account_change(framed)?;
            encode_account_change(&it, encoding, out);
            (it.account_id, notes)
        }
        RecordType::BillingChanges => {
            let (it, notes) = decode::billing_change(framed)?;
            encode_billing_change(&it, encoding, out);
            (it.account_id, notes)
        }
        RecordType::Signals => {
            let (it, notes) = decode::signal(framed)?;
            encode_signal(&it, encoding, out);
            (it.account_id, notes)
        }
        RecordType::Commands => {
            let (it, notes) = decode::command(framed)?;
            encode_command(&it, encoding, out);
            (it.account_id, notes)
        }
        RecordType::Escalations | RecordType::EscalationQueue | RecordType::SlaEvents => {
            let reason = format!("only Tierline writes records of `{record}`");
            return Err(DecodeError::invalid(code::UNKNOWN_KIND, reason));
        }
    };
    Ok(Sent { key: Some(key.into_owned()), notes })
}

/// Appends a record of `tickets`.
pub fn encode_ticket(record: &TicketRecord<'_>, encoding: Encoding, out: &mut Vec<u8>) {
    let mut to = encoding.begin(RecordType::Tickets, out);
    match record {
        TicketRecord::Event(event) => ticket_event(&mut to, event),
        TicketRecord::Heartbeat { source, heard_until } => {
            mark(&mut to, Some(source), HEARTBEAT, None, None, Some(*heard_until));
        }
        TicketRecord::ImportFinished { import_id, import_began_at } => {
            mark(&mut to, None, IMPORT_FINISHED, Some(import_id), Some(*import_began_at), None);
        }
        TicketRecord::AccountRehomed(moved) => account_rehomed(&mut to, moved),
    }
}

/// Places in the schema's `TicketEventKind`, after `unrecognised`; those of marks after the kinds of [`TicketEventKind`].
const REHOMED: i64 = 7;
const HEARTBEAT: i64 = 8;
const IMPORT_FINISHED: i64 = 9;

fn ticket_event(to: &mut Writer<'_>, event: &TicketEvent<'_>) {
    to.told_text(Some(&event.event_id));
    to.told_text(Some(&event.ticket_id));
    to.told_text(Some(&event.account_id));
    to.told_text(Some(&event.source));
    to.told_whole(Some(event.occurred_at));
    to.told_whole(event.sequence);
    to.whole(match event.kind {
        TicketEventKind::Created => 1,
        TicketEventKind::Updated => 2,
        TicketEventKind::Message => 3,
        TicketEventKind::Merged => 4,
        TicketEventKind::Rated => 5,
        TicketEventKind::Deleted => 6,
        TicketEventKind::Rehomed => REHOMED,
    });
    let told = event.ticket != TicketFields::default();
    to.told(told.then_some(&event.ticket), ticket_fields);
    cleared(to, &event.cleared);
    to.told(event.message.as_ref(), message);
    to.told_text(event.merged_into.as_ref());
    to.told_whole(event.rating);
    to.told_text(event.rating_comment.as_ref());
    to.told_text(event.to_account.as_ref());
    to.told_text(event.import_id.as_ref());
    to.told_whole(None::<i64>);
    to.told_whole(None::<i64>);
    word(to, event.by_kind);
    to.told(event.account_ref.as_ref(), |to, account| {
        to.told_text(account.source.as_ref());
        to.told_text(account.kind.as_ref());
        to.told_text(account.id.as_ref());
    });
}

fn mark(
    to: &mut Writer<'_>,
    source: Option<&Text<'_>>,
    kind: i64,
    import_id: Option<&Text<'_>>,
    import_began_at: Option<i64>,
    heard_until: Option<i64>,
) {
    const UNTOLD: Option<&str> = None;
    (0..3).for_each(|_| to.told_text(UNTOLD));
    to.told_text(source);
    (0..2).for_each(|_| to.told_text(UNTOLD));
    to.whole(kind);
    to.told_text(UNTOLD);
    to.texts::<&str>(&[]);
    (0..5).for_each(|_| to.told_text(UNTOLD));
    to.told_text(import_id);
    to.told_whole(import_began_at);
    to.told_whole(heard_until);
    (0..2).for_each(|_| to.told_text(UNTOLD));
}

fn account_rehomed(to: &mut Writer<'_>, moved: &AccountRehomed<'_>) {
    const UNTOLD: Option<&str> = None;
    (0..2).for_each(|_| to.told_text(UNTOLD));
    to.told_text(Some(&moved.account_id));
    to.told_text(Some(&moved.source));
    to.told_whole(Some(moved.occurred_at));
    to.told_text(UNTOLD);
    to.whole(REHOMED);
    to.told_text(UNTOLD);
    to.texts::<&str>(&[]);
    (0..4).for_each(|_| to.told_text(UNTOLD));
    to.told_text(Some(&moved.to_account));
    (0..5).for_each(|_| to.told_text(UNTOLD));
}

fn ticket_fields(to: &mut Writer<'_>, fields: &TicketFields<'_>) {
    to.told_text(fields.subject.as_ref());
    word(to, fields.status);
    word(to, fields.priority);
    to.told_text(fields.severity.as_ref());
    to.told_text(fields.r#type.as_ref());
    to.told_text(fields.category.as_ref());
    to.told_text(fields.product_area.as_ref());
    to.told(fields.tags.as_ref(), |to, tags| to.texts(tags));
    to.told_text(fields.channel.as_ref());
    to.told_text(fields.requester.as_ref());
    to.told_text(fields.requester_role.as_ref());
    to.told_text(fields.assignee.as_ref());
    to.told_text(fields.team.as_ref());
    to.told_text(fields.language.as_ref());
    to.told_text(fields.brand.as_ref());
    to.told_text(fields.url.as_ref());
    to.told_text(fields.parent.as_ref());
    to.told_whole(fields.created_at);
    to.told_whole(fields.first_replied_at);
    to.told_whole(fields.waiting_since);
    to.told_whole(fields.snoozed_until);
    word(to, fields.opened_by);
    word(to, fields.handled_by);
    to.told_bool(fields.spam);
    custom(to, &fields.custom);
}

fn message(to: &mut Writer<'_>, message: &Message<'_>) {
    to.told_text(message.id.as_ref());
    to.whole(symbol(message.author));
    to.told_text(message.author_name.as_ref());
    to.bool(message.public);
    to.told_text(message.text.as_ref());
    to.bool(message.automated);
}

/// Appends a record of `accounts`.
pub fn encode_account(record: &AccountSnapshot<'_>, encoding: Encoding, out: &mut Vec<u8>) {
    let to = &mut encoding.begin(RecordType::Accounts, out);
    to.text(&record.account_id);
    to.text(&record.source);
    to.told_whole(record.updated_at);
    account_fields(to, &record.fields);
    cleared(to, &record.cleared);
}

/// Appends a record of `account-changes`.
pub fn encode_account_change(record: &AccountChange<'_>, encoding: Encoding, out: &mut Vec<u8>) {
    let to = &mut encoding.begin(RecordType::AccountChanges, out);
    to.text(&record.account_id);
    to.text(&record.source);
    to.told_text(record.source_id.as_ref());
    to.told(Some(&record.set), account_fields);
    cleared(to, &record.cleared);
    to.bool(record.deleted);
    to.told_whole(record.updated_at);
}

fn account_fields(to: &mut Writer<'_>, fields: &AccountFields<'_>) {
    to.told_text(fields.name.as_ref());
    to.told_text(fields.plan.as_ref());
    to.told_text(fields.segment.as_ref());
    to.told_whole(fields.arr);
    to.told_text(fields.currency.as_ref());
    to.told_double(fields.health);
    to.told_double(fields.churn_risk);
    date_or_instant(to, fields.renewal_date);
    to.told_text(fields.owner.as_ref());
    to.told_text(fields.region.as_ref());
    to.told_text(fields.time_zone.as_ref());
    to.told(fields.flags.as_ref(), |to, flags| to.texts(flags));
    custom(to, &fields.custom);
}

/// Appends a record of `billing`.
pub fn encode_billing(record: &BillingSnapshot<'_>, encoding: Encoding, out: &mut Vec<u8>) {
    let to = &mut encoding.begin(RecordType::Billing, out);
    to.text(&record.account_id);
    to.text(&record.source);
    to.told_whole(record.updated_at);
    billing_fields(to, &record.fields);
    cleared(to, &record.cleared);
}

/// Appends a record of `billing-changes`.
pub fn encode_billing_change(record: &BillingChange<'_>, encoding: Encoding, out: &mut Vec<u8>) {
    let to = &mut encoding.begin(RecordType::BillingChanges, out);
    to.text(&record.account_id);
    to.text(&record.source);
    to.told_text(record.source_id.as_ref());
    to.told(Some(&record.set), billing_fields);
    cleared(to, &record.cleared);
    to.bool(record.deleted);
    to.told_whole(record.updated_at);
}

fn billing_fields(to: &mut Writer<'_>, fields: &BillingFields<'_>) {
    word(to, fields.state);
    date_or_instant(to, fields.past_due_since);
    to.told_whole(fields.amount_due);
    to.told_text(fields.currency.as_ref());
    to.told_text(fields.plan.as_ref());
    word(to, fields.plan_change);
    date_or_instant(to, fields.plan_changed_at);
    date_or_instant(to, fields.renews_at);
    date_or_instant(to, fields.cancels_at);
}

/// Appends a record of `signals`.
pub fn encode_signal(record: &Signal<'_>, encoding: Encoding, out: &mut Vec<u8>) {
    let to = &mut encoding.begin(RecordType::Signals, out);
    to.text(&record.signal_id);
    to.text(&record.account_id);
    to.told_text(record.ticket_id.as_ref());
    to.whole(record.occurred_at);
    to.text(&record.name);
    to.told_double(record.value);
    to.told_text(record.label.as_ref());
    to.told_text(record.model.as_ref());
    to.told_text(record.explanation.as_ref());
    to.told(record.handoff.as_ref(), |to, handoff| {
        to.told_text(handoff.summary.as_ref());
        to.texts(&handoff.attempted);
        to.told_text(handoff.broke_down.as_ref());
        to.told_bool(handoff.wants_human);
    });
}

/// Appends a record of `commands`.
pub fn encode_command(record: &Command<'_>, encoding: Encoding, out: &mut Vec<u8>) {
    let to = &mut encoding.begin(RecordType::Commands, out);
    to.text(&record.command_id);
    to.text(&record.account_id);
    to.told_text(record.ticket_id.as_ref());
    to.told(record.escalation_id, |to, id| to.text(id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer())));
    to.whole(record.occurred_at);
    to.whole(symbol(record.kind));
    to.told_text(record.by.as_ref());
    to.told_text(record.reason.as_ref());
    to.told_whole(record.tier);
    to.told_whole(record.until);
}

/// The place of a word among its enumeration's symbols: `unrecognised` is the first, ours follow in order.
pub(super) fn symbol<W: Words + PartialEq>(word: W) -> i64 {
    // Every value is in `ALL`: the same macro writes both.
    W::ALL.iter().position(|it| *it == word).map_or(0, |place| place as i64 + 1)
}

fn word<W: Words + PartialEq>(to: &mut Writer<'_>, word: Option<W>) {
    to.told_whole(word.map(symbol));
}

fn date_or_instant(to: &mut Writer<'_>, value: Option<DateOrInstant>) {
    match value {
        None => to.branch(0),
        Some(DateOrInstant::Date(days)) => {
            to.branch(1);
            to.whole(days.into());
        }
        Some(DateOrInstant::Instant(at)) => {
            to.branch(2);
            to.whole(at);
        }
    }
}

fn custom(to: &mut Writer<'_>, fields: &[(Text<'_>, Value<'_>)]) {
    to.list(fields.iter(), |to, (name, value)| {
        to.text(name);
        match value {
            Value::Text(text) => {
                to.branch(0);
                to.text(text);
            }
            Value::Number(number) => {
                to.branch(1);
                to.double(*number);
            }
            Value::Bool(value) => {
                to.branch(2);
                to.bool(*value);
            }
            Value::List(texts) => {
                to.branch(3);
                to.texts(texts);
            }
        }
    });
}

fn cleared<F: Words>(to: &mut Writer<'_>, cleared: &Cleared<'_, F>) {
    let fields = cleared.fields.iter().map(|field| std::borrow::Cow::Borrowed(field.word()));
    let custom = cleared.custom.iter().map(|name| format!("custom.{name}").into());
    let names: Vec<Text<'_>> = fields.chain(custom).collect();
    to.texts(&names);
}
