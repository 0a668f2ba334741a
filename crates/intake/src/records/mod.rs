//! Records of the contract, written by name and by word: what a source fills in, and what it becomes.

mod account;
mod fields;
mod signal;
mod ticket;

pub use account::{AccountChange, AccountSnapshot, BillingChange, BillingSnapshot, Change, Snapshot};
pub use fields::{Field, Fields};
pub use signal::{Handoff, Signal};
pub use ticket::{AccountRef, Message, TicketEvent};

use serde_json::{Map, Value};

/// Adds a member, if it is told.
fn tell(to: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        to.insert(name.to_owned(), value.into());
    }
}
