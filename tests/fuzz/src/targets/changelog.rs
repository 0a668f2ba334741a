//! The engine's changelog: entries that something else wrote, or half of them.
//!
//! The bytes are entries one after the other, each behind its length (two bytes, little-endian); its first byte says
//! which key it has and whether it is a tombstone, the rest is the value.

use super::engine;

/// Restores them. What was taken is written as a checkpoint, which a second engine must take and write as the same.
pub fn run(bytes: &[u8]) {
    let mut restored = engine();
    let mut rest = bytes;
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let (entry, behind) = behind.split_at(usize::from(u16::from_le_bytes(*length)).min(behind.len()));
        rest = behind;
        let Some((&which, value)) = entry.split_first() else { continue };
        let (key, value) = (key(which, value), (which < 128).then_some(value));
        let _ = restored.restore(&key, value);
    }
    let before = written(&restored);
    let mut again = engine();
    for (key, value) in &before {
        let taken = again.restore(key, Some(value));
        assert!(taken.is_ok(), "it does not take what it has written: {taken:?}");
    }
    assert_eq!(written(&again), before);
}

fn written(engine: &tierline_engine::Engine) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries = Vec::new();
    engine.snapshot(&mut |key, value| entries.push((key.to_vec(), value.to_vec())));
    entries.sort();
    entries
}

/// The keys of two accounts with a ticket each, or any bytes.
fn key(which: u8, value: &[u8]) -> Vec<u8> {
    let (tag, slot) = match which & 7 {
        0 => (b'a', 0),
        1 => (b'f', 0),
        2 => (b't', 0),
        3 => (b'r', 0),
        4 => (b'c', 0),
        5 => (b'm', 0),
        6 => (b'm', 3),
        _ => return value.iter().copied().take(24).collect(),
    };
    let (account, ticket) = if which & 8 == 0 { ("acme", "T1") } else { ("beta", "T2") };
    let mut key = vec![tag, slot, 0, 0, 0, 4];
    key.extend(account.as_bytes());
    if tag != b'a' {
        key.extend(ticket.as_bytes());
    }
    key
}
