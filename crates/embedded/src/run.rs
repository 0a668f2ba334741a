//! A row of the store: one record, or a run of them.
//!
//! What a commit writes to a partition of a topic that is kept by time lies together, for it comes and goes together: a
//! commit of a thousand records is then some rows, not a thousand. A row is a [frame](crate::frame), or `appended_at` i64 ·
//! 8 u8 · [length u32 + frame]…, whose frames have the offsets from the row's own on. Both begin with the instant.

use tierline_model::Millis;
use tierline_stream::log::Offset;

/// Stands where a frame says which parts it has.
const RUN: u8 = 8;
/// The instant and [`RUN`].
const HEAD: usize = 9;
/// A row with more than one record in it is no longer: it fits a page of 32 KiB with what the tree writes beside it.
const LONGEST: usize = (32 << 10) - 64;

/// Records of a partition that are about to become a row.
#[derive(Debug, Default)]
pub struct Run {
    first: Offset,
    frames: usize,
    bytes: Vec<u8>,
}

impl Run {
    /// Whether another frame may lie in the same row.
    pub fn has_room(&self, frame: &[u8]) -> bool {
        self.frames == 0 || self.bytes.len() + 4 + frame.len() <= LONGEST
    }

    /// Adds the frame of the next offset.
    pub fn push(&mut self, offset: Offset, frame: &[u8]) {
        if self.frames == 0 {
            self.first = offset;
            // A frame begins with its instant, stamped or not.
            self.bytes.extend_from_slice(&frame[..8]);
            self.bytes.push(RUN);
        }
        // No frame is longer than `frame::MAX_RECORD` and some.
        self.bytes.extend_from_slice(&(frame.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(frame);
        self.frames += 1;
    }

    /// The row, and the offset of its first record; a frame alone stands as it is. Nothing of an empty one.
    pub fn row(&self) -> Option<(Offset, &[u8])> {
        match self.frames {
            0 => None,
            1 => Some((self.first, &self.bytes[HEAD + 4..])),
            _ => Some((self.first, &self.bytes)),
        }
    }

    /// Empties it and keeps its room.
    pub fn clear(&mut self) {
        self.frames = 0;
        self.bytes.clear();
    }
}

/// The frames of a row, in their order. Of a damaged one the last is none that can be read.
pub fn frames(row: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_run = row.get(HEAD - 1) == Some(&RUN);
    let mut rest = if is_run { &row[HEAD..] } else { row };
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if !is_run {
            return Some(std::mem::take(&mut rest));
        }
        let whole = rest.split_first_chunk::<4>();
        let whole = whole.and_then(|(length, rest)| rest.split_at_checked(u32::from_le_bytes(*length) as usize));
        let (frame, left) = whole.unwrap_or_default();
        rest = left;
        Some(frame)
    })
}

/// When a row was written; none: it is damaged.
pub fn appended_at(row: &[u8]) -> Option<Millis> {
    row.first_chunk().map(|at| Millis::from_le_bytes(*at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{self, Frame};
    use proptest::prelude::*;

    fn framed(value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame::append(&mut bytes, Some(b"acme"), Some(value), &[]).unwrap();
        frame::stamp(&mut bytes, 7);
        bytes
    }

    #[test]
    fn one_record_lies_as_it_did_before_there_were_runs() {
        let mut run = Run::default();
        assert_eq!(run.row(), None);
        run.push(3, &framed(b"a"));
        assert_eq!(run.row(), Some((3, &framed(b"a")[..])));
        run.clear();
        assert_eq!(run.row(), None);
    }

    #[test]
    fn a_record_longer_than_a_row_has_one_of_its_own() {
        let long = framed(&vec![0; LONGEST]);
        let mut run = Run::default();
        assert!(run.has_room(&long));
        run.push(0, &long);
        assert!(!run.has_room(&framed(b"a")));
    }

    proptest! {
        #[test]
        fn what_was_put_into_a_row_comes_out_of_it(
            values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..9), first in 0i64..9,
        ) {
            let mut run = Run::default();
            (first..).zip(&values).for_each(|(offset, value)| run.push(offset, &framed(value)));
            let (offset, row) = run.row().unwrap();
            prop_assert_eq!((offset, appended_at(row)), (first, Some(7)));
            let read: Vec<_> = frames(row).map(|frame| Frame::read(frame).unwrap().value.unwrap().to_vec()).collect();
            prop_assert_eq!(read, values);
        }

        #[test]
        fn other_bytes_never_panic_and_come_to_an_end(mut row in prop::collection::vec(any::<u8>(), 0..60), run: bool) {
            if let (true, Some(parts)) = (run, row.get_mut(HEAD - 1)) {
                *parts = RUN;
            }
            prop_assert!(frames(&row).count() <= row.len());
            appended_at(&row);
        }
    }
}
