//! The records of one input of one task that were read and not taken yet.
//!
//! Bytes lie end to end in one buffer that is used again and again, so that a record costs no allocation.

use std::collections::VecDeque;
use std::ops::Range;

use tierline_model::Millis;

use crate::log::{Headers, InputId, Offset, Partition, Record};

/// A queue of records. Its bound is kept by whoever fills it: see [`bytes`](Self::bytes).
#[derive(Default)]
pub struct Inbox {
    /// What lies before the first entry's start is done with.
    buffer: Vec<u8>,
    entries: VecDeque<Entry>,
}

struct Entry {
    offset: Offset,
    appended_at: Millis,
    start: usize,
    key: Option<usize>,
    value: Option<usize>,
    headers: usize,
}

impl Inbox {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How much waits: bytes, and something for each record.
    pub fn bytes(&self) -> usize {
        let done = self.entries.front().map_or(self.buffer.len(), |entry| entry.start);
        self.buffer.len() - done + self.entries.len() * size_of::<Entry>()
    }

    /// Adds a record behind the others.
    pub fn push(&mut self, record: &Record<'_>) {
        self.make_room();
        let start = self.buffer.len();
        self.buffer.extend_from_slice(record.key.unwrap_or_default());
        self.buffer.extend_from_slice(record.value.unwrap_or_default());
        let headers = self.buffer.len();
        record.headers.each(&mut |name, value| store_header(&mut self.buffer, name, value));
        self.entries.push_back(Entry {
            offset: record.offset,
            appended_at: record.appended_at,
            start,
            key: record.key.map(<[u8]>::len),
            value: record.value.map(<[u8]>::len),
            headers: self.buffer.len() - headers,
        });
    }

    /// The offset of the first one.
    pub fn first(&self) -> Option<Offset> {
        self.entries.front().map(|entry| entry.offset)
    }

    /// Shows the first one, as the record that it was.
    pub fn peek<R>(&self, input: InputId, partition: Partition, see: impl FnOnce(&Record<'_>) -> R) -> Option<R> {
        let entry = self.entries.front()?;
        let value_start = entry.start + entry.key.unwrap_or(0);
        let headers_start = value_start + entry.value.unwrap_or(0);
        let part = |range: Range<usize>| &self.buffer[range];
        let headers = StoredHeaders(part(headers_start..headers_start + entry.headers));
        Some(see(&Record {
            input,
            partition,
            offset: entry.offset,
            appended_at: entry.appended_at,
            key: entry.key.map(|_| part(entry.start..value_start)),
            value: entry.value.map(|_| part(value_start..headers_start)),
            headers: &headers,
        }))
    }

    /// Drops the first one.
    pub fn pop(&mut self) {
        self.entries.pop_front();
        if self.entries.is_empty() {
            self.buffer.clear();
            // One huge record must not hold its memory for ever.
            self.buffer.shrink_to(KEPT);
        }
    }

    /// Moves what waits to the buffer's beginning once most of the buffer is done with: each byte moves at most once
    /// for each byte that was taken.
    fn make_room(&mut self) {
        let done = self.entries.front().map_or(0, |entry| entry.start);
        if done > self.buffer.len() / 2 && done > 4096 {
            self.buffer.drain(..done);
            self.entries.iter_mut().for_each(|entry| entry.start -= done);
        }
    }
}

/// An empty inbox keeps this much for its next records.
const KEPT: usize = 1 << 20;

/// Headers, as an inbox holds them: length and bytes of the name, then of the value; `u32::MAX` for none.
struct StoredHeaders<'a>(&'a [u8]);

impl Headers for StoredHeaders<'_> {
    fn each(&self, to: &mut dyn FnMut(&str, Option<&[u8]>)) {
        let mut rest = self.0;
        while let Some(name) = take_part(&mut rest) {
            let value = take_part(&mut rest);
            // Invariant: names were stored from texts.
            to(std::str::from_utf8(name.unwrap_or_default()).unwrap_or_default(), value.flatten());
        }
    }
}

fn store_header(buffer: &mut Vec<u8>, name: &str, value: Option<&[u8]>) {
    for part in [Some(name.as_bytes()), value] {
        let length = part.map_or(u32::MAX, |bytes| bytes.len() as u32);
        buffer.extend_from_slice(&length.to_le_bytes());
        buffer.extend_from_slice(part.unwrap_or_default());
    }
}

/// The next part; the outer `None` at the end.
fn take_part<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (length, behind) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    if length == u32::MAX {
        *rest = behind;
        return Some(None);
    }
    let (part, behind) = behind.split_at_checked(length as usize)?;
    *rest = behind;
    Some(Some(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Owned {
        offset: Offset,
        appended_at: Millis,
        key: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
        headers: Vec<(String, Option<Vec<u8>>)>,
    }

    impl Headers for Owned {
        fn each(&self, to: &mut dyn FnMut(&str, Option<&[u8]>)) {
            self.headers.iter().for_each(|(name, value)| to(name, value.as_deref()));
        }
    }

    fn push(inbox: &mut Inbox, record: &Owned) {
        let Owned { offset, appended_at, ref key, ref value, .. } = *record;
        let (key, value) = (key.as_deref(), value.as_deref());
        inbox.push(&Record { input: InputId(1), partition: 2, offset, appended_at, key, value, headers: record });
    }

    fn first(inbox: &Inbox) -> Option<Owned> {
        inbox.peek(InputId(1), 2, |record| {
            let mut headers = Vec::new();
            record.headers.each(&mut |name, value| headers.push((name.to_owned(), value.map(<[u8]>::to_vec))));
            Owned {
                offset: record.offset,
                appended_at: record.appended_at,
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                headers,
            }
        })
    }

    fn records() -> impl Strategy<Value = Vec<Owned>> {
        let bytes = || prop::option::of(prop::collection::vec(any::<u8>(), 0..3_000));
        let headers = prop::collection::vec(("[a-z]{0,8}", bytes()), 0..3);
        let record = (any::<i64>(), any::<i64>(), bytes(), bytes(), headers)
            .prop_map(|(offset, appended_at, key, value, headers)| Owned { offset, appended_at, key, value, headers });
        prop::collection::vec(record, 0..40)
    }

    proptest! {
        #[test]
        fn gives_back_what_it_was_given_in_order(records in records(), takes in prop::collection::vec(0usize..4, 40)) {
            let (mut inbox, mut model) = (Inbox::default(), VecDeque::new());
            for (record, takes) in records.into_iter().zip(takes) {
                push(&mut inbox, &record);
                model.push_back(record);
                for _ in 0..takes.min(model.len()) {
                    prop_assert_eq!(first(&inbox), model.pop_front());
                    inbox.pop();
                }
                prop_assert_eq!(inbox.is_empty(), model.is_empty());
            }
            while let Some(expected) = model.pop_front() {
                prop_assert_eq!(inbox.first(), Some(expected.offset));
                prop_assert_eq!(first(&inbox), Some(expected));
                inbox.pop();
            }
            prop_assert_eq!(inbox.bytes(), 0);
        }
    }
}
