//! What is told of a ticket's fields, as it is written: apart from its life, because most events tell nothing of them.
//!
//! A field is its number (bit *n* of a set, so the order of [`TicketField`] is part of the format), its statements by
//! number, and its value with texts for symbols, whose numbers are another process's. See [`super::bytes`].

use smallvec::SmallVec;
use tierline_model::TicketField;

use super::bytes::{Cursor, Damaged, put_bytes, put_number, put_signed, unzigzag, zigzag};
use crate::account::Slot;
use crate::cells::{CellValue, Returning, SeenValue, Stamp};
use crate::engine::Engine;
use crate::symbols::is_symbol;
use crate::ticket::Ticket;

/// The kinds of values. With [`FIRST`] both statements are the first of the list, as they are until a field changes.
mod kind {
    pub const EMPTY: u8 = 0;
    pub const TEXT: u8 = 1;
    pub const NUMBER: u8 = 2;
    pub const INSTANT: u8 = 3;
    pub const TEXTS: u8 = 4;
}
const FIRST: u8 = 0x80;

pub(super) fn write(engine: &Engine, ticket: &Ticket, into: &mut Vec<u8>) {
    let text = |symbol: u32| engine.texts.text(symbol).as_bytes();
    put_bytes(into, ticket.source.map_or(&[], text));
    let stamps = ticket.cells.stamps();
    put_number(into, stamps.len() as u64);
    let mut before = 0;
    for stamp in stamps {
        put_signed(into, stamp.at.wrapping_sub(before));
        before = stamp.at;
        // 0 is none; no vendor's sequence is near the end of the numbers.
        put_number(into, stamp.sequence.map_or(0, |sequence| zigzag(sequence).saturating_add(1)));
    }
    put_number(into, u64::from(ticket.cells.told()));
    for (field, value, since, said) in ticket.cells.numbered() {
        let kind = match value {
            None => kind::EMPTY,
            Some(SeenValue::Small(_)) if is_symbol(field) => kind::TEXT,
            Some(SeenValue::Small(_) | SeenValue::Large(CellValue::Small(_))) => kind::NUMBER,
            Some(SeenValue::Large(CellValue::Text(_))) => kind::TEXT,
            Some(SeenValue::Large(CellValue::Instant(_))) => kind::INSTANT,
            Some(SeenValue::Large(CellValue::Symbols(_))) => kind::TEXTS,
        };
        if (since, said) == (0, 0) {
            into.push(kind | FIRST);
        } else {
            into.extend([kind, since, said]);
        }
        match value {
            None => {}
            Some(SeenValue::Small(symbol)) if is_symbol(field) => put_bytes(into, text(symbol)),
            Some(SeenValue::Small(number)) => put_number(into, number.into()),
            Some(SeenValue::Large(CellValue::Small(number))) => put_number(into, (*number).into()),
            Some(SeenValue::Large(CellValue::Text(text))) => put_bytes(into, text.as_bytes()),
            Some(SeenValue::Large(CellValue::Instant(at))) => put_signed(into, *at),
            Some(SeenValue::Large(CellValue::Symbols(tags))) => {
                put_number(into, tags.len() as u64);
                tags.iter().for_each(|&tag| put_bytes(into, text(tag)));
            }
        }
    }
}

impl Engine {
    /// Puts what is told of a ticket's fields back as it was written.
    pub(super) fn take_back_fields(&mut self, slot: Slot, entry: &[u8]) -> Result<(), Damaged> {
        let mut entry = Cursor(entry);
        let source = Some(entry.text()?).filter(|source| !source.is_empty());
        let mut stamps = SmallVec::new();
        let mut at = 0i64;
        for _ in 0..entry.count()? {
            at = entry.signed()?.wrapping_add(at);
            let sequence = entry.number()?;
            stamps.push(Stamp { at, sequence: sequence.checked_sub(1).map(unzigzag) });
        }
        let told = entry.number()?;
        let mut cells = Returning::new(stamps);
        for field in TicketField::ALL.iter().copied().filter(|&field| told & (1 << field as u32) != 0) {
            let first = entry.byte()?;
            let (kind, since, said) =
                if first & FIRST != 0 { (first & !FIRST, 0, 0) } else { (first, entry.byte()?, entry.byte()?) };
            let number = |entry: &mut Cursor<'_>| u32::try_from(entry.number()?).map_err(|_| Damaged);
            let value = match kind {
                kind::EMPTY => None,
                kind::TEXT if is_symbol(field) => Some(CellValue::Small(self.texts.intern(entry.text()?))),
                kind::TEXT => Some(CellValue::Text(entry.text()?.into())),
                kind::NUMBER => Some(CellValue::Small(legal(field, number(&mut entry)?)?)),
                kind::INSTANT => Some(CellValue::Instant(entry.signed()?)),
                kind::TEXTS => {
                    let count = entry.count()?;
                    let tags = (0..count).map(|_| Ok(self.texts.intern(entry.text()?)));
                    Some(CellValue::Symbols(tags.collect::<Result<_, Damaged>>()?))
                }
                _ => return Err(Damaged),
            };
            cells.next(field, value, since, said).ok_or(Damaged)?;
        }
        // A number that this version has no field for came from a newer one, and that is told by the version.
        if told >> TicketField::ALL.len() != 0 {
            return Err(Damaged);
        }
        entry.end()?;
        let source = source.map(|source| self.texts.intern(source));
        let ticket = &mut self.tickets[slot];
        (ticket.cells, ticket.source) = (cells.end(), source);
        Ok(())
    }
}

/// The number of a word must be one that there is.
pub(super) fn legal(field: TicketField, number: u32) -> Result<u32, Damaged> {
    use tierline_model::{Author, HandledBy, Priority, Status};
    let words = match field {
        TicketField::Status => Status::ALL.len(),
        TicketField::Priority => Priority::ALL.len(),
        TicketField::OpenedBy => Author::ALL.len(),
        TicketField::HandledBy => HandledBy::ALL.len(),
        TicketField::Spam | TicketField::Rating => return Ok(number),
        _ => return Err(Damaged),
    };
    if (number as usize) < words { Ok(number) } else { Err(Damaged) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_fields_are_part_of_the_format() {
        let words: Vec<&str> = TicketField::ALL.iter().map(|field| field.word()).collect();
        assert_eq!(
            words.join(" "),
            "subject status priority severity type category product_area tags channel requester requester_role \
             assignee team language brand url parent created_at first_replied_at waiting_since snoozed_until opened_by \
             handled_by spam rating rating_comment source",
            "add fields at the end: a stored entry names them by number"
        );
    }
}
