//! `GET /v1/why/{ticket}`: why a ticket is escalated or isn't, asked of the lanes that run in this process.
//!
//! A lane's thread owns its state, so HTTP never touches it: a question lies in the lane's queue (`questions`) until
//! the lane looks, between two polls, and answers from what is committed. `access` says who may ask, `route` what
//! is answered when nobody here knows the ticket.
//!
//! What must never be in here: a rule, a ticket's state; an answer in a log line, for it holds a customer's values.

mod access;
mod questions;
mod route;

pub use access::{Access, Token};
pub use questions::{Asked, Found, LaneQuestions, Question, Questions, Reply};
pub use route::{Why, routes};

/// Who else has a share of the work.
pub trait Elsewhere: Send + Sync {
    /// Who committed each partition last. May block for some seconds.
    ///
    /// # Errors
    /// Why nobody can tell, for people.
    fn owners(&self) -> Result<Vec<Owner>, String>;
}

/// Who committed a partition last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Which partition.
    pub partition: i32,
    /// Where that instance answers over HTTP; none: it did not say.
    pub address: Option<String>,
}
