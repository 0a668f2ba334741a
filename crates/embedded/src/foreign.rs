//! Bytes of anybody's making, where this crate meets them: for whoever tries it with all sorts.

use tierline_stream::log::Headers;

use crate::frame::Frame;
use crate::run;
use crate::wire::{self, Reply, Request};

/// Reads bytes as a row of the store, and each header of its records. Whether they are one.
pub fn frame(bytes: &[u8]) -> bool {
    let mut frames = run::frames(bytes).map(Frame::read).peekable();
    frames.peek().is_some() && frames.all(|frame| frame.inspect(|frame| frame.each(&mut |_, _| {})).is_some())
}

/// Reads bytes as what a client says over the socket, and as what it is answered. Whether they are either.
pub fn message(bytes: &[u8]) -> bool {
    let request = wire::read::<Request>(&mut &bytes[..]);
    let reply = wire::read::<Reply>(&mut &bytes[..]);
    request.is_ok_and(|it| it.is_some()) || reply.is_ok_and(|it| it.is_some())
}
