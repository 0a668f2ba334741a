//! The embedded log: records in its store, messages on its socket.

use tierline_embedded::foreign;

/// A record as it lies there; every header of one that is whole can be read.
pub fn frame(bytes: &[u8]) {
    foreign::frame(bytes);
}

/// A message with its frame as it came, then one in a frame that is right.
pub fn wire(bytes: &[u8]) {
    foreign::message(bytes);
    let mut framed = (bytes.len() as u32).to_le_bytes().to_vec();
    framed.extend(bytes);
    foreign::message(&framed);
}
