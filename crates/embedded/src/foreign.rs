//! Bytes of anybody's making, where this crate meets them: for whoever tries it with all sorts.

use tierline_stream::log::Headers;

use crate::frame::Frame;
use crate::wire::{self, Reply, Request};

/// Reads bytes as a record in the store, and each of its headers. Whether they are one.
pub fn frame(bytes: &[u8]) -> bool {
    let frame = Frame::read(bytes);
    if let Some(frame) = &frame {
        frame.each(&mut |_, _| {});
    }
    frame.is_some()
}

/// Reads bytes as what a client says over the socket, and as what it is answered. Whether they are either.
pub fn message(bytes: &[u8]) -> bool {
    let request = wire::read::<Request>(&mut &bytes[..]);
    let reply = wire::read::<Reply>(&mut &bytes[..]);
    request.is_ok_and(|it| it.is_some()) || reply.is_ok_and(|it| it.is_some())
}
