//! The fast way for the record that comes by the million: a ticket's event written with our own schema.
//!
//! The schema is known, so its fields are read one after the other, without names; what is not told costs a byte. This
//! reads what is right and ordinary. Whatever it stumbles over (a fault, a mark, a word of a newer writer, a huge list)
//! is [`Otherwise`]: the general way then reads the record from its beginning and says what it is. A test holds the two
//! against each other.

use std::borrow::Cow;

use crate::avro::Cursor;
use crate::words::Words;
use crate::{
    AccountRef, Cleared, LONGEST_ID, MOST_ITEMS, Message, Millis, Text, TicketEvent, TicketEventKind, TicketField,
    TicketFields, Value,
};

use super::value::{Known, known};

/// Not a matter for the fast way.
pub(super) struct Otherwise;

type Read<T> = Result<T, Otherwise>;

/// A datum of the schema of `tickets`.
pub(super) fn ticket_event(datum: &[u8]) -> Read<TicketEvent<'_>> {
    let from = &mut Own { cursor: Cursor::new(datum) };
    // In the schema's order.
    let event = TicketEvent {
        event_id: from.id()?.ok_or(Otherwise)?,
        ticket_id: from.id()?.ok_or(Otherwise)?,
        account_id: from.id()?.ok_or(Otherwise)?,
        source: from.id()?.ok_or(Otherwise)?,
        occurred_at: from.whole()?.ok_or(Otherwise)?,
        sequence: from.whole()?,
        kind: from.kind()?,
        ticket: if from.is_told()? { ticket_fields(from)? } else { TicketFields::default() },
        cleared: from.cleared()?,
        message: if from.is_told()? { Some(message(from)?) } else { None },
        merged_into: from.id()?,
        rating: from.rating()?,
        rating_comment: from.text()?,
        to_account: from.id()?,
        import_id: from.id()?,
        by_kind: {
            // import_began_at, heard_until
            from.untold()?;
            from.untold()?;
            from.word()?
        },
        account_ref: if from.is_told()? {
            Some(AccountRef { source: from.text()?, kind: from.text()?, id: from.text()? })
        } else {
            None
        },
    };
    let needed = match event.kind {
        TicketEventKind::Created | TicketEventKind::Updated | TicketEventKind::Deleted => true,
        TicketEventKind::Message => event.message.is_some(),
        TicketEventKind::Merged => event.merged_into.is_some(),
        TicketEventKind::Rated => event.rating.is_some(),
        TicketEventKind::Rehomed => event.to_account.is_some(),
    };
    if needed && from.cursor.left() == 0 { Ok(event) } else { Err(Otherwise) }
}

#[inline]
fn ticket_fields<'de>(from: &mut Own<'de>) -> Read<TicketFields<'de>> {
    Ok(TicketFields {
        subject: from.text()?,
        status: from.word()?,
        priority: from.word()?,
        severity: from.text()?,
        r#type: from.text()?,
        category: from.text()?,
        product_area: from.text()?,
        tags: if from.is_told()? { Some(from.texts()?) } else { None },
        channel: from.text()?,
        requester: from.text()?,
        requester_role: from.text()?,
        assignee: from.text()?,
        team: from.text()?,
        language: from.text()?,
        brand: from.text()?,
        url: from.text()?,
        parent: from.text()?,
        created_at: from.whole()?,
        first_replied_at: from.whole()?,
        waiting_since: from.whole()?,
        snoozed_until: from.whole()?,
        opened_by: from.word()?,
        handled_by: from.word()?,
        spam: if from.is_told()? { Some(from.flag()?) } else { None },
        custom: from.custom()?,
    })
}

#[inline]
fn message<'de>(from: &mut Own<'de>) -> Read<Message<'de>> {
    Ok(Message {
        id: from.id()?,
        author: from.symbol()?,
        author_name: from.text()?,
        public: from.flag()?,
        text: from.text()?,
        automated: from.flag()?,
    })
}

/// The rest of the datum.
struct Own<'de> {
    cursor: Cursor<'de>,
}

impl<'de> Own<'de> {
    /// Null is the first branch of every optional field of ours.
    #[inline]
    fn is_told(&mut self) -> Read<bool> {
        self.cursor.is_null(0).map(|null| !null).map_err(|_| Otherwise)
    }

    #[inline]
    fn untold(&mut self) -> Read<()> {
        if self.is_told()? { Err(Otherwise) } else { Ok(()) }
    }

    #[inline]
    fn bare_text(&mut self) -> Read<Text<'de>> {
        self.cursor.text().map(Cow::Borrowed).map_err(|_| Otherwise)
    }

    #[inline]
    fn bare_whole(&mut self) -> Read<i64> {
        self.cursor.whole().map_err(|_| Otherwise)
    }

    #[inline]
    fn text(&mut self) -> Read<Option<Text<'de>>> {
        if self.is_told()? { self.bare_text().map(Some) } else { Ok(None) }
    }

    #[inline]
    fn id(&mut self) -> Read<Option<Text<'de>>> {
        let id = self.text()?;
        match &id {
            Some(id) if id.is_empty() || id.len() > LONGEST_ID => Err(Otherwise),
            _ => Ok(id),
        }
    }

    #[inline]
    fn whole(&mut self) -> Read<Option<Millis>> {
        if self.is_told()? { self.bare_whole().map(Some) } else { Ok(None) }
    }

    #[inline]
    fn flag(&mut self) -> Read<bool> {
        self.cursor.bool().map_err(|_| Otherwise)
    }

    /// A symbol stands one past its word's place: `unrecognised` is the first.
    #[inline]
    fn symbol<W: Words>(&mut self) -> Read<W> {
        let place = usize::try_from(self.bare_whole()?).ok().and_then(|symbol| symbol.checked_sub(1));
        place.and_then(|place| W::ALL.get(place).copied()).ok_or(Otherwise)
    }

    #[inline]
    fn word<W: Words>(&mut self) -> Read<Option<W>> {
        if self.is_told()? { self.symbol().map(Some) } else { Ok(None) }
    }

    fn kind(&mut self) -> Read<TicketEventKind> {
        Ok(match self.bare_whole()? {
            1 => TicketEventKind::Created,
            2 => TicketEventKind::Updated,
            3 => TicketEventKind::Message,
            4 => TicketEventKind::Merged,
            5 => TicketEventKind::Rated,
            6 => TicketEventKind::Deleted,
            7 => TicketEventKind::Rehomed,
            _ => return Err(Otherwise),
        })
    }

    fn rating(&mut self) -> Read<Option<u8>> {
        match self.whole()? {
            None => Ok(None),
            Some(rating @ 1..=5) => Ok(Some(rating as u8)),
            Some(_) => Err(Otherwise),
        }
    }

    fn texts(&mut self) -> Read<Vec<Text<'de>>> {
        let mut texts = Vec::new();
        self.each(|from| {
            texts.push(from.bare_text()?);
            Ok(())
        })?;
        Ok(texts)
    }

    fn cleared(&mut self) -> Read<Cleared<'de, TicketField>> {
        let mut cleared = Cleared::default();
        self.each(|from| {
            match known(from.bare_text()?) {
                Known::Field(field) => cleared.fields.push(field),
                Known::Custom(name) => cleared.custom.push(name),
                Known::No => return Err(Otherwise),
            }
            Ok(())
        })?;
        Ok(cleared)
    }

    fn custom(&mut self) -> Read<Vec<(Text<'de>, Value<'de>)>> {
        let mut fields = Vec::new();
        self.each(|from| {
            let name = from.bare_text()?;
            let value = match from.bare_whole()? {
                0 => Value::Text(from.bare_text()?),
                1 => {
                    let number = f64::from_le_bytes(from.cursor.fixed().map_err(|_| Otherwise)?);
                    Value::Number(Some(number).filter(|number| number.is_finite()).ok_or(Otherwise)?)
                }
                2 => Value::Bool(from.flag()?),
                3 => Value::List(from.texts()?),
                _ => return Err(Otherwise),
            };
            fields.push((name, value));
            Ok(())
        })?;
        Ok(fields)
    }

    /// The items of an array or a map.
    #[inline]
    fn each(&mut self, mut item: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        let mut items = 0;
        loop {
            let (count, _) = self.cursor.block().map_err(|_| Otherwise)?;
            if count == 0 {
                return Ok(());
            }
            items += count;
            if items > MOST_ITEMS {
                return Err(Otherwise);
            }
            for _ in 0..count {
                item(self)?;
            }
        }
    }
}
