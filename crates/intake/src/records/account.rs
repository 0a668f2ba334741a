//! Records of `accounts`, `billing` and their changes.

use serde_json::{Map, Value};
use tierline_model::{AccountField, BillingField, Millis, RecordType};

use super::{Field, Fields, tell};
use crate::Canonical;

/// Single fields of an account or of its bills, set or cleared by one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<F> {
    /// The account of the contract.
    pub account_id: String,
    /// The source's configured name.
    pub source: String,
    /// The source's own id of the account.
    pub source_id: Option<String>,
    /// What is set and cleared.
    pub fields: Fields<F>,
    /// Whether the source has deleted it.
    pub deleted: bool,
    /// As of when it speaks; none: when it is written.
    pub updated_at: Option<Millis>,
}

/// All that one source knows of an account or of its bills.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot<F> {
    /// The account of the contract.
    pub account_id: String,
    /// The source's configured name.
    pub source: String,
    /// What it says.
    pub fields: Fields<F>,
    /// As of when it speaks; none: when it is written.
    pub updated_at: Option<Millis>,
}

/// A record of `account-changes`.
pub type AccountChange = Change<AccountField>;
/// A record of `billing-changes`.
pub type BillingChange = Change<BillingField>;
/// A record of `accounts`.
pub type AccountSnapshot = Snapshot<AccountField>;
/// A record of `billing`.
pub type BillingSnapshot = Snapshot<BillingField>;

impl<F> Change<F> {
    /// A change that says nothing yet.
    pub fn new(account_id: impl Into<String>, source: &str) -> Change<F> {
        Change {
            account_id: account_id.into(),
            source: source.to_owned(),
            source_id: None,
            fields: Fields::default(),
            deleted: false,
            updated_at: None,
        }
    }
}

impl<F> Snapshot<F> {
    /// A snapshot that says nothing yet.
    pub fn new(account_id: impl Into<String>, source: &str) -> Snapshot<F> {
        Snapshot {
            account_id: account_id.into(),
            source: source.to_owned(),
            fields: Fields::default(),
            updated_at: None,
        }
    }
}

impl From<AccountChange> for Canonical {
    fn from(change: AccountChange) -> Canonical {
        of_change(change, RecordType::AccountChanges)
    }
}

impl From<BillingChange> for Canonical {
    fn from(change: BillingChange) -> Canonical {
        of_change(change, RecordType::BillingChanges)
    }
}

impl From<AccountSnapshot> for Canonical {
    fn from(snapshot: AccountSnapshot) -> Canonical {
        of_snapshot(snapshot, RecordType::Accounts)
    }
}

impl From<BillingSnapshot> for Canonical {
    fn from(snapshot: BillingSnapshot) -> Canonical {
        of_snapshot(snapshot, RecordType::Billing)
    }
}

fn of_change<F: Field>(mut change: Change<F>, stream: RecordType) -> Canonical {
    let mut told = Map::new();
    told.insert("account_id".to_owned(), change.account_id.into());
    told.insert("source".to_owned(), change.source.into());
    tell(&mut told, "source_id", change.source_id);
    let set = change.fields.take();
    if !set.is_empty() {
        told.insert("set".to_owned(), Value::Object(set));
    }
    change.fields.put_cleared(&mut told);
    if change.deleted {
        told.insert("deleted".to_owned(), true.into());
    }
    tell(&mut told, "updated_at", change.updated_at);
    Canonical { stream, told }
}

fn of_snapshot<F: Field>(mut snapshot: Snapshot<F>, stream: RecordType) -> Canonical {
    let mut told = snapshot.fields.take();
    told.insert("account_id".to_owned(), snapshot.account_id.into());
    told.insert("source".to_owned(), snapshot.source.into());
    tell(&mut told, "updated_at", snapshot.updated_at);
    snapshot.fields.put_cleared(&mut told);
    Canonical { stream, told }
}
