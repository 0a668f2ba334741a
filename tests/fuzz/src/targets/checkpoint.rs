//! A checkpoint's file: as it is, and with a head and a sum that are right.

use std::io::Cursor;

use tierline_stream::checkpoint::{Checkpoint, Writing};
use tierline_stream::stage::Stage;

use super::stage;

/// The bytes as a file, then as the entries of one.
pub fn run(bytes: &[u8]) {
    take(bytes.to_vec());
    // Invariant: memory takes what is written.
    let writing = Writing::begin(Cursor::new(Vec::new())).expect("memory takes it");
    let (_, empty) = writing.finish(7, 40, super::NOON).expect("memory takes it");
    let mut framed = empty.into_inner();
    let (head, sum) = (framed.len() - 4, 4);
    framed.truncate(head);
    framed[head - 8..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    framed.extend(bytes);
    let summed = framed[8..].to_vec();
    framed.extend(sum_of(&summed));
    debug_assert_eq!(framed.len(), head + bytes.len() + sum);
    take(framed);
}

fn take(file: Vec<u8>) {
    if let Ok(mut checkpoint) = Checkpoint::open(Cursor::new(file)) {
        let mut stage = stage();
        let _ = checkpoint.each(|key, value| stage.restore(key, Some(value)));
    }
}

fn sum_of(bytes: &[u8]) -> [u8; 4] {
    crc32fast::hash(bytes).to_le_bytes()
}
