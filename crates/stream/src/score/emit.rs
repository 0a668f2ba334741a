//! What a message says, as records of `signals`: one of its sentiment, one of its risk of an escalation.

use std::borrow::Cow;

use tierline_model::{Encoding, Signal, cut, encode_signal};
use tierline_score::signal_id;
use uuid::Uuid;

use super::{Feeling, Message};

/// The longest explanation, bytes.
const EXPLANATION: usize = 1_024;

/// A signal, encoded, and its key.
pub(super) struct Ready {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

/// The signals of a message.
pub(super) fn signals(message: &Message<'_>, feeling: &Feeling, encoding: Encoding) -> impl Iterator<Item = Ready> {
    let label = feeling.label.as_deref();
    let said = [("sentiment", feeling.sentiment, None), ("escalation_risk", feeling.escalation_risk, label)];
    said.into_iter().filter_map(move |(name, value, label)| {
        let value = value?;
        let id = signal_id(message.ticket_id, message.id, name, &feeling.model);
        let mut id_text = Uuid::encode_buffer();
        let signal = Signal {
            signal_id: Cow::Borrowed(id.hyphenated().encode_lower(&mut id_text)),
            account_id: message.account_id.into(),
            ticket_id: Some(message.ticket_id.into()),
            occurred_at: message.occurred_at,
            name: name.into(),
            value: Some(value),
            label: label.map(Cow::Borrowed),
            model: Some(feeling.model.to_string().into()),
            explanation: feeling.explanation.as_deref().map(|why| cut(why, EXPLANATION)),
            handoff: None,
        };
        let mut encoded = Vec::with_capacity(192);
        encode_signal(&signal, encoding, &mut encoded);
        Some(Ready { key: message.account_id.into(), value: encoded })
    })
}
