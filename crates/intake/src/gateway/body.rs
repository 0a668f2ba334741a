//! The body of a request: whole, and not longer than it may be. What is held of bodies is held for senders that nobody
//! knows yet, so it is bounded over all connections.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A body that has arrived, and its share of the room for bodies: given back when it is known who sent it.
#[derive(Debug)]
pub struct Held {
    pub body: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Why a body is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWhole {
    /// It is longer than a body may be.
    TooLong,
    /// It took longer than it may.
    TooSlow,
    /// Its sender went away, or spoke no HTTP.
    BrokenOff,
    /// All bodies that are on their way together leave no room for it.
    NoRoom,
}

/// Reads a body of at most `limit` bytes, as far as there is `room`.
pub async fn whole(body: Body, limit: usize, room: &Arc<Semaphore>) -> Result<Held, NotWhole> {
    let mut body = Limited::new(body, limit);
    let mut held: Option<OwnedSemaphorePermit> = None;
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
            true => NotWhole::TooLong,
            false => NotWhole::BrokenOff,
        })?;
        // Trailers say nothing to us.
        let Ok(data) = frame.into_data() else { continue };
        let length = u32::try_from(data.len()).map_err(|_| NotWhole::TooLong)?;
        let share = Arc::clone(room).try_acquire_many_owned(length).map_err(|_| NotWhole::NoRoom)?;
        match &mut held {
            Some(held) => held.merge(share),
            none => *none = Some(share),
        }
        // A copy: the frame is a piece of a buffer that it would keep, however short it is.
        bytes.extend_from_slice(&data);
    }
    Ok(Held { body: bytes.into(), _room: held })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_its_way_leaves_less_room_until_it_is_let_go_of() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be made");
        runtime.block_on(async {
            let room = Arc::new(Semaphore::new(10));
            let read = |text: &'static str| {
                let room = Arc::clone(&room);
                async move { whole(Body::from(text), 8, &room).await }
            };
            let first = read("sixsix").await.expect("there is room");
            assert_eq!(&first.body[..], b"sixsix");
            assert_eq!(read("sixsix").await.err(), Some(NotWhole::NoRoom));
            assert_eq!(read("too long.").await.err(), Some(NotWhole::TooLong));
            drop(first);
            assert!(read("sixsix").await.is_ok());
            assert_eq!(room.available_permits(), 10);
        });
    }
}
