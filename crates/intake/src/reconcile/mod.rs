//! What webhooks have missed: a source whose system has a changed-since API is asked, round by round, for all that has
//! changed, and what comes back takes the way of a webhook.
//!
//! A system's [`Api`] says how it is asked, page by page, in a [`Round`]; [`Http`] waits where the vendor throttles and
//! tries again where it fails. What was found goes to the desk as [`Asked`] for: the same mapping makes the same records
//! with the same ids, and of a ticket that was met before only what the window can have missed is told. A
//! [`Reconciler`] drives one source on a thread of its own: only when all of a round is durable does its [`Cursor`] move,
//! and only then does it say, by a heartbeat in every partition of `tickets`, up to when the source has been heard.
//!
//! Where it stopped is remembered in the directory, so a restart goes on there. Two processes that ask for the same source
//! tell the same records twice, under the same ids; whoever has not completed the last round lets the other go first.
//!
//! What must never be in here: what a vendor's payload means; a token or a customer's words in a log line.

mod api;
mod asked;
mod cursor;
mod http;
mod marks;
mod pace;
pub(crate) mod page;
mod reconciler;
mod round;
mod stop;

pub use api::{Api, Halt, Key, Terms};
pub use asked::Asked;
pub use cursor::Cursor;
pub use http::{Http, Place};
pub use reconciler::{Around, Reconciler, Settings};
pub use round::Round;
pub use stop::Stop;
