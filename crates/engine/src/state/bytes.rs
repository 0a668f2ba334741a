//! Numbers and texts in as few bytes as they need: the two entries that nearly every event writes are written by hand,
//! because that is most of what an event costs.
//!
//! A number is a LEB128 varint, a signed one zigzag first; a text is its length and its bytes.

use tierline_model::Millis;

/// A cursor over an entry that is read back. Every read fails at the end of the bytes; nothing is believed of a length
/// before as many bytes are there.
#[derive(Debug)]
pub(super) struct Cursor<'a>(pub &'a [u8]);

/// The bytes make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged;

pub(super) fn put_number(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

pub(super) fn put_signed(into: &mut Vec<u8>, number: i64) {
    put_number(into, zigzag(number));
}

/// Small numbers of either sign as small numbers.
pub(super) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

pub(super) fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    put_number(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

/// An instant that may not be there, near another one.
pub(super) fn put_instant(into: &mut Vec<u8>, at: Option<Millis>, near: Millis) {
    if let Some(at) = at {
        put_signed(into, at.wrapping_sub(near));
    }
}

impl<'a> Cursor<'a> {
    pub fn byte(&mut self) -> Result<u8, Damaged> {
        let (&first, rest) = self.0.split_first().ok_or(Damaged)?;
        self.0 = rest;
        Ok(first)
    }

    pub fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    pub fn signed(&mut self) -> Result<i64, Damaged> {
        self.number().map(unzigzag)
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Damaged> {
        let length = usize::try_from(self.number()?).map_err(|_| Damaged)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub fn text(&mut self) -> Result<&'a str, Damaged> {
        str::from_utf8(self.bytes()?).map_err(|_| Damaged)
    }

    /// How many items follow; each takes a byte at least.
    pub fn count(&mut self) -> Result<usize, Damaged> {
        usize::try_from(self.number()?).ok().filter(|&count| count <= self.0.len()).ok_or(Damaged)
    }

    pub fn instant(&mut self, is_there: bool, near: Millis) -> Result<Option<Millis>, Damaged> {
        is_there.then(|| Ok(self.signed()?.wrapping_add(near))).transpose()
    }

    /// Nothing may be left over.
    pub fn end(self) -> Result<(), Damaged> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number: u64, signed: i64, text in ".{0,40}", at: Option<i64>, near: i64) {
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            put_signed(&mut bytes, signed);
            put_bytes(&mut bytes, text.as_bytes());
            put_instant(&mut bytes, at, near);
            let mut cursor = Cursor(&bytes);
            prop_assert_eq!(cursor.number(), Ok(number));
            prop_assert_eq!(cursor.signed(), Ok(signed));
            prop_assert_eq!(cursor.text(), Ok(&*text));
            prop_assert_eq!(cursor.instant(at.is_some(), near), Ok(at));
            prop_assert_eq!(cursor.end(), Ok(()));
        }

        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut cursor = Cursor(&bytes);
            while cursor.text().is_ok() {}
            let _ = (Cursor(&bytes).count(), Cursor(&bytes).number());
        }
    }
}
