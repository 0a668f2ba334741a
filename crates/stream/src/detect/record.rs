//! What is to be known of a record before the engine may have it: what it says, when it happened, where it belongs.

use tierline_engine::{Rejected, UnreadableMove, moved_at};
use tierline_model::{AbsurdTime, DecodeError, Decoder, Millis, TicketRecord, check_instant};

use crate::log::Record;
use crate::place::{check_partition, code, dead};
use crate::stage::Applied;
use crate::topics::Stream;

/// The instant by which a record takes its place among others: its `occurred_at` where it has one, else its append time.
/// One that cannot be read has none, and waits for nobody: were it given its append time, all that stands behind it in a
/// backlog would be taken after everything of the other inputs. `Err`: it cannot be told yet, and why.
pub(super) fn instant(
    decoder: &mut Decoder,
    stream: Stream,
    record: &Record<'_>,
    max_future: Millis,
) -> Result<Millis, String> {
    // Of a snapshot it says that it is gone; of anything else nothing.
    let Some(value) = record.value else {
        return Ok(if stream.is_snapshot() { record.appended_at } else { Millis::MIN });
    };
    let occurred_at = match stream {
        // A ticket may come long after it left, where the tasks are not equally far: it keeps its place among records.
        Stream::AccountMoves => {
            return match moved_at(value) {
                Ok(at) => Ok(at.min(record.appended_at)),
                Err(UnreadableMove::Damaged) => Ok(Millis::MIN),
                Err(newer @ UnreadableMove::Newer(_)) => Err(newer.to_string()),
            };
        }
        Stream::Tickets => decoder.ticket(value).map(|(told, _)| match told {
            TicketRecord::Event(event) => Some(event.occurred_at),
            TicketRecord::AccountRehomed(moved) => Some(moved.occurred_at),
            TicketRecord::Heartbeat { .. } | TicketRecord::ImportFinished { .. } => None,
        }),
        Stream::Signals => decoder.signal(value).map(|(signal, _)| Some(signal.occurred_at)),
        Stream::Commands => decoder.command(value).map(|(command, _)| Some(command.occurred_at)),
        _ => Ok(None),
    };
    match occurred_at {
        Ok(Some(at)) => Ok(check_instant(at, record.appended_at, max_future).unwrap_or(Millis::MIN)),
        Ok(None) => Ok(record.appended_at),
        Err(DecodeError::Invalid { .. }) => Ok(Millis::MIN),
        Err(unavailable @ DecodeError::Unavailable { .. }) => Err(unavailable.to_string()),
    }
}

/// The account that a record is of whose value does not say it.
pub(super) fn account_of<'a>(record: &Record<'a>, partitions: i32) -> Result<&'a str, Applied> {
    let key = record.key.ok_or_else(|| dead(code::WRONG_KEY, "it has no key; the key must be its account"))?;
    let account_id = std::str::from_utf8(key)
        .ok()
        .filter(|id| !id.is_empty())
        .ok_or_else(|| dead(code::WRONG_KEY, "its key is no `account_id`"))?;
    check_partition(record.partition, key, partitions)?;
    Ok(account_id)
}

impl From<UnreadableMove> for Applied {
    fn from(error: UnreadableMove) -> Applied {
        match error {
            UnreadableMove::Newer(_) => Applied::Wait(error.to_string()),
            UnreadableMove::Damaged => dead(tierline_model::code::UNDECODABLE, &error.to_string()),
        }
    }
}

/// A record without a value where there must be one.
pub(super) fn no_value() -> Applied {
    dead(tierline_model::code::UNDECODABLE, "it has no value")
}

impl From<DecodeError> for Applied {
    fn from(error: DecodeError) -> Applied {
        match error {
            DecodeError::Invalid { code, reason } => Applied::DeadLetter { code, reason },
            unavailable @ DecodeError::Unavailable { .. } => Applied::Wait(unavailable.to_string()),
        }
    }
}

impl From<AbsurdTime> for Applied {
    fn from(error: AbsurdTime) -> Applied {
        Applied::DeadLetter { code: AbsurdTime::CODE, reason: error.to_string() }
    }
}

impl From<Rejected> for Applied {
    fn from(Rejected { code, reason }: Rejected) -> Applied {
        Applied::DeadLetter { code, reason }
    }
}
