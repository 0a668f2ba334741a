//! A record as it lies in the store: bytes in a row, read back without a copy.
//!
//! `appended_at` i64 · parts u8 · [key u32 + bytes] · [headers u16, each: name u16 + bytes, value u32 + bytes] · value.
//! Numbers are little-endian. The instant comes first so that it can be stamped when the commit begins, after the
//! record was framed.

use std::ops::Range;

use tierline_model::Millis;
use tierline_stream::log::Headers;

/// No record may be longer than this: key, value and headers together, in bytes.
pub const MAX_RECORD: usize = 32 << 20;

const KEY: u8 = 1;
const HEADERS: u8 = 2;
const VALUE: u8 = 4;
/// Stands for the length of a header that has no value.
const NONE: u32 = u32::MAX;

/// Adds a record to `bytes`, its instant left at zero for [`stamp`]. Returns where the frame and its key lie.
pub fn append(
    bytes: &mut Vec<u8>,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[(&str, &[u8])],
) -> Result<(Range<usize>, Option<Range<usize>>), TooLong> {
    let length = key.map_or(0, <[u8]>::len)
        + value.map_or(0, <[u8]>::len)
        + headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    let names_fit = headers.len() <= u16::MAX.into() && headers.iter().all(|(name, _)| name.len() <= u16::MAX.into());
    if length > MAX_RECORD || !names_fit {
        return Err(TooLong { length });
    }
    let begin = bytes.len();
    bytes.extend_from_slice(&[0; 8]);
    let part = |there: bool, flag: u8| if there { flag } else { 0 };
    bytes.push(part(key.is_some(), KEY) | part(!headers.is_empty(), HEADERS) | part(value.is_some(), VALUE));
    let key = key.map(|key| {
        bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
        let from = bytes.len();
        bytes.extend_from_slice(key);
        from..bytes.len()
    });
    if !headers.is_empty() {
        bytes.extend_from_slice(&(headers.len() as u16).to_le_bytes());
        for (name, value) in headers {
            bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
            bytes.extend_from_slice(value);
        }
    }
    bytes.extend_from_slice(value.unwrap_or_default());
    Ok((begin..bytes.len(), key))
}

/// A record longer than [`MAX_RECORD`], or with more or longer header names than can be counted.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong {
    /// Bytes of key, value and headers.
    pub length: usize,
}

/// Writes the instant into a frame.
pub fn stamp(frame: &mut [u8], at: Millis) {
    frame[..8].copy_from_slice(&at.to_le_bytes());
}

/// A record read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When the log took it.
    pub appended_at: Millis,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    headers: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads a frame; `None`: these bytes are none.
    pub fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let rest = &mut bytes;
        let appended_at = Millis::from_le_bytes(take(rest, 8)?.try_into().ok()?);
        let parts = take(rest, 1)?[0];
        let key = match parts & KEY {
            0 => None,
            _ => {
                let length = u32_of(rest)? as usize;
                Some(take(rest, length)?)
            }
        };
        let headers = match parts & HEADERS {
            0 => &[][..],
            _ => {
                let whole = *rest;
                each_header(rest, &mut |_, _| {})?;
                &whole[..whole.len() - rest.len()]
            }
        };
        let value = (parts & VALUE != 0).then_some(*rest);
        Some(Frame { appended_at, key, value, headers })
    }
}

impl Headers for Frame<'_> {
    fn each(&self, to: &mut dyn FnMut(&str, Option<&[u8]>)) {
        if !self.headers.is_empty() {
            // `read` has gone through them once, so they are whole.
            let _ = each_header(&mut &self.headers[..], to);
        }
    }
}

fn each_header(rest: &mut &[u8], to: &mut dyn FnMut(&str, Option<&[u8]>)) -> Option<()> {
    for _ in 0..u16_of(rest)? {
        let name = u16_of(rest)?.into();
        let name = std::str::from_utf8(take(rest, name)?).ok()?;
        match u32_of(rest)? {
            NONE => to(name, None),
            length => to(name, Some(take(rest, length as usize)?)),
        }
    }
    Some(())
}

fn u16_of(rest: &mut &[u8]) -> Option<u16> {
    Some(u16::from_le_bytes(take(rest, 2)?.try_into().ok()?))
}

fn u32_of(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(take(rest, 4)?.try_into().ok()?))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_value_is_no_tombstone_and_an_empty_key_is_a_key() {
        let mut bytes = Vec::new();
        append(&mut bytes, Some(b""), Some(b""), &[]).unwrap();
        let frame = Frame::read(&bytes).unwrap();
        assert_eq!((frame.key, frame.value), (Some(&b""[..]), Some(&b""[..])));
    }

    #[test]
    fn a_record_that_is_too_long_is_refused_and_leaves_nothing() {
        let mut bytes = Vec::new();
        let long = vec![0; MAX_RECORD + 1];
        assert_eq!(append(&mut bytes, None, Some(&long), &[]), Err(TooLong { length: MAX_RECORD + 1 }));
        assert!(bytes.is_empty());
    }

    type Part = Option<Vec<u8>>;

    fn part() -> impl Strategy<Value = Part> {
        prop::option::of(prop::collection::vec(any::<u8>(), 0..20))
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            at in any::<i64>(), key in part(), value in part(),
            headers in prop::collection::vec(("[a-zä.]{0,8}", prop::collection::vec(any::<u8>(), 0..9)), 0..4),
        ) {
            let mut bytes = b"before".to_vec();
            let borrowed: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
            let (frame, key_at) = append(&mut bytes, key.as_deref(), value.as_deref(), &borrowed).unwrap();
            prop_assert_eq!(key_at.map(|at| bytes[at].to_vec()), key.clone());
            stamp(&mut bytes[frame.clone()], at);
            let read = Frame::read(&bytes[frame]).unwrap();
            prop_assert_eq!((read.appended_at, read.key, read.value), (at, key.as_deref(), value.as_deref()));
            let mut seen = Vec::new();
            read.each(&mut |name, value| seen.push((name.to_owned(), value.unwrap().to_vec())));
            prop_assert_eq!(seen, headers);
        }

        #[test]
        fn other_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(frame) = Frame::read(&bytes) {
                frame.each(&mut |_, _| {});
            }
        }
    }
}
