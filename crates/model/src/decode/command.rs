//! Records of `commands`.

use uuid::Uuid;

use super::DecodeError;
use super::record::members;
use super::value::{Id, Instant, KindWord, Scale, Txt, UuidText};
use crate::{Command, CommandKind, Millis, Text};

#[derive(Default)]
pub(crate) struct Members<'a> {
    command_id: Option<Text<'a>>,
    account_id: Option<Text<'a>>,
    ticket_id: Option<Text<'a>>,
    escalation_id: Option<Uuid>,
    occurred_at: Option<Millis>,
    kind: Option<CommandKind>,
    by: Option<Text<'a>>,
    reason: Option<Text<'a>>,
    tier: Option<u8>,
    until: Option<Millis>,
}

members! {
    Told fills Members<'de> {
        "command_id" => command_id: Id,
        "account_id" => account_id: Id,
        "ticket_id" => ticket_id: Id,
        "escalation_id" => escalation_id: UuidText,
        "occurred_at" => occurred_at: Instant,
        "kind" => kind: KindWord<CommandKind>,
        "by" => by: Txt,
        "reason" => reason: Txt,
        "tier" => tier: Scale<1, 3>,
        "until" => until: Instant,
    }
}

impl<'a> Members<'a> {
    /// The record, where it tells all that its kind needs.
    pub(super) fn check(self) -> Result<Command<'a>, DecodeError> {
        let kind = DecodeError::required("kind", self.kind)?;
        if kind == CommandKind::Snooze {
            DecodeError::required("until", self.until)?;
        }
        Ok(Command {
            command_id: DecodeError::required("command_id", self.command_id)?,
            account_id: DecodeError::required("account_id", self.account_id)?,
            ticket_id: self.ticket_id,
            escalation_id: self.escalation_id,
            occurred_at: DecodeError::required("occurred_at", self.occurred_at)?,
            kind,
            by: self.by,
            reason: self.reason,
            tier: self.tier,
            until: self.until,
        })
    }
}
