//! What travels on `account-moves`: for the engine at the other end alone, so compact, behind a version byte.

use serde::{Deserialize, Serialize};
use tierline_model::Millis;

use crate::state::FactsState;

/// Something that goes from one account to another.
#[derive(Serialize, Deserialize)]
pub(super) struct Move<'a> {
    /// The account that it left.
    pub from: &'a str,
    /// The instant by which it takes its place among the other account's records.
    pub at: Millis,
    #[serde(borrow)]
    pub what: What<'a>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum What<'a> {
    /// A ticket with all that was kept of it.
    #[serde(borrow)]
    Ticket(TicketMove<'a>),
    /// What one source told of an account, and the account's own signals.
    #[serde(borrow)]
    Facts(FactsState<'a>),
    /// A record that came to the account that its ticket had left.
    #[serde(borrow)]
    Record(Late<'a>),
}

#[derive(Serialize, Deserialize)]
pub(super) struct TicketMove<'a> {
    pub id: &'a str,
    /// Which rules and policies were in force.
    pub rules: u64,
    /// The changelog's entries of it, each by the first two bytes of its key; none: nothing was known of it.
    #[serde(borrow)]
    pub entries: Vec<(u8, u8, &'a [u8])>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Late<'a> {
    pub kind: Kind,
    /// By our own schema, already of the account that it goes to.
    pub bytes: &'a [u8],
    /// When the log first took it.
    pub appended_at: Millis,
}

/// Which stream a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Ticket,
    Signal,
    Command,
}

/// Why a record of `account-moves` cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableMove {
    /// It waits until this instance is of that version too.
    #[error("it was written by a newer version (format {0}; this one reads {VERSION}): run that version here too")]
    Newer(u8),
    /// It makes no sense.
    #[error("its bytes make no sense")]
    Damaged,
}

const VERSION: u8 = 1;

/// The instant, UTC milliseconds, by which a record of `account-moves` takes its place among others.
///
/// # Errors
/// It is none of this version's.
pub fn moved_at(value: &[u8]) -> Result<Millis, UnreadableMove> {
    Move::decode(value).map(|moved| moved.at)
}

/// The account that a record of `account-moves` comes from: only what comes from one has an order.
///
/// # Errors
/// It is none of this version's.
pub fn moved_from(value: &[u8]) -> Result<&str, UnreadableMove> {
    Move::decode(value).map(|moved| moved.from)
}

impl<'a> Move<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        // Writing plain data into memory cannot fail: no sequence in it is of unknown length.
        postcard::to_extend(self, vec![VERSION]).expect("postcard writes plain data")
    }

    pub(super) fn decode(value: &'a [u8]) -> Result<Move<'a>, UnreadableMove> {
        match value.split_first() {
            Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|_| UnreadableMove::Damaged),
            Some((&version, _)) if version > VERSION => Err(UnreadableMove::Newer(version)),
            _ => Err(UnreadableMove::Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_is_waited_for_and_nonsense_is_not() {
        let late = Late { kind: Kind::Signal, bytes: b"x", appended_at: 3 };
        let mut value = Move { from: "acme", at: 7, what: What::Record(late) }.encode();
        assert_eq!(moved_at(&value), Ok(7));
        assert_eq!(moved_at(&value[..4]), Err(UnreadableMove::Damaged));
        value[0] = 200;
        assert_eq!(moved_at(&value), Err(UnreadableMove::Newer(200)));
        assert_eq!(moved_at(b""), Err(UnreadableMove::Damaged));
    }
}
