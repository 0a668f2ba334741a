//! Records of `signals`.

use super::record::members;
use super::value::{Flag, Id, Instant, Number, Texts, Txt};
use super::{DecodeError, code};
use crate::{Handoff, Millis, Signal, Text};

#[derive(Default)]
pub(crate) struct Members<'a> {
    signal_id: Option<Text<'a>>,
    account_id: Option<Text<'a>>,
    ticket_id: Option<Text<'a>>,
    occurred_at: Option<Millis>,
    name: Option<Text<'a>>,
    value: Option<f64>,
    label: Option<Text<'a>>,
    model: Option<Text<'a>>,
    explanation: Option<Text<'a>>,
    handoff: Option<Handoff<'a>>,
}

members! {
    Told fills Members<'de> {
        "signal_id" => signal_id: Id,
        "account_id" => account_id: Id,
        "ticket_id" => ticket_id: Id,
        "occurred_at" => occurred_at: Instant,
        "name" => name: Id,
        "value" => value: Number,
        "label" => label: Txt,
        "model" => model: Txt,
        "explanation" => explanation: Txt,
        "handoff" => handoff: HandoffKind,
    }
}

members! {
    HandoffKind fills Handoff<'de> {
        "summary" => summary: Txt,
        "attempted" => attempted: Texts,
        "broke_down" => broke_down: Txt,
        "wants_human" => wants_human: Flag,
    }
}

impl<'a> Members<'a> {
    /// The record, where it tells all that it must, and its value lies on the scale of its name.
    pub(super) fn check(self) -> Result<Signal<'a>, DecodeError> {
        let name = DecodeError::required("name", self.name)?;
        let scale = match name.as_ref() {
            "sentiment" => Some((-1.0, 1.0)),
            "escalation_risk" => Some((0.0, 1.0)),
            _ => None,
        };
        if let (Some((low, high)), Some(value)) = (scale, self.value)
            && !(low..=high).contains(&value)
        {
            let reason = format!("`value` of `{name}` is {value}; it goes from {low} to {high}");
            return Err(DecodeError::invalid(code::BAD_VALUE, reason));
        }
        Ok(Signal {
            signal_id: DecodeError::required("signal_id", self.signal_id)?,
            account_id: DecodeError::required("account_id", self.account_id)?,
            ticket_id: self.ticket_id,
            occurred_at: DecodeError::required("occurred_at", self.occurred_at)?,
            name,
            value: self.value,
            label: self.label,
            model: self.model,
            explanation: self.explanation,
            handoff: self.handoff,
        })
    }
}
