//! Help desks, CRM and billing as one stream: what their webhooks, exports and change events say, as the records of the
//! contract.
//!
//! A [`Source`] is one system under the name that the configuration gives it. It does two things, both without a clock,
//! a socket or a file: [`verify`](Source::verify) says whether a delivery is from whom it claims to be from, and
//! [`read`](Source::read) says what it becomes: records of the contract, what the [`directory`] is to remember, and what
//! was passed over. A system is one file (or folder) under [`sources`], and a line in [`sources::KINDS`].
//!
//! What a delivery became goes through the [`Encoder`], which checks it against the schemas as `tierline send` does, and
//! by the [`Desk`] to the log. The [`gateway`] is HTTP in front of a desk; [`reconcile`] asks for what webhooks missed.
//!
//! What must never be in here: the meaning of a record (that is the engine's); a secret or a customer's words in an
//! error or a log line.

pub mod directory;
pub mod export;
pub mod gateway;
pub mod identity;
pub mod import;
pub mod proof;
pub mod reconcile;
pub mod records;
pub mod sources;

mod delivery;
mod desk;
mod encoder;
mod json;
mod reading;
mod source;

pub use delivery::Delivery;
pub use desk::{Answer, Arrived, Desk, Opener};
pub use encoder::{Encoder, EncodingOf, NotEncoded, Outbox};
pub use json::{Json, Watch, unread};
pub use proof::{Refused, Secrets};
pub use reading::{Canonical, Ignored, PANICKED, Reading, Unreadable, content_id};
pub use source::{Accounts, Basics, Context, Home, Kind, Source, payload_of, read_delivery};
