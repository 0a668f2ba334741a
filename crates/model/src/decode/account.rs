//! Records of `accounts` and `account-changes`.

use super::DecodeError;
use super::record::members;
use super::value::{Custom, DateOr, Flag, Id, Instant, Names, Texts, Txt, UpTo, Whole};
use crate::{AccountChange, AccountField, AccountFields, AccountSnapshot, Cleared, Millis, Text};

/// The members of a snapshot: its fields stand beside the others.
#[derive(Default)]
pub(crate) struct SnapshotMembers<'a> {
    account_id: Option<Text<'a>>,
    source: Option<Text<'a>>,
    updated_at: Option<Millis>,
    fields: AccountFields<'a>,
    cleared: Cleared<'a, AccountField>,
}

members! {
    Snapshot fills SnapshotMembers<'de> {
        "account_id" => account_id: Id,
        "source" => source: Id,
        "updated_at" => updated_at: Instant,
        "name" => fields.name: Txt,
        "plan" => fields.plan: Txt,
        "segment" => fields.segment: Txt,
        "arr" => fields.arr: Whole,
        "currency" => fields.currency: Txt,
        "health" => fields.health: UpTo<100>,
        "churn_risk" => fields.churn_risk: UpTo<1>,
        "renewal_date" => fields.renewal_date: DateOr,
        "owner" => fields.owner: Txt,
        "region" => fields.region: Txt,
        "time_zone" => fields.time_zone: Txt,
        "flags" => fields.flags: Texts,
        "custom" => fields.custom: Custom,
        "cleared" => cleared: Names<AccountField>,
    }
}

impl<'a> SnapshotMembers<'a> {
    pub(super) fn check(self) -> Result<AccountSnapshot<'a>, DecodeError> {
        Ok(AccountSnapshot {
            account_id: DecodeError::required("account_id", self.account_id)?,
            source: DecodeError::required("source", self.source)?,
            updated_at: self.updated_at,
            fields: self.fields,
            cleared: self.cleared,
        })
    }
}

/// The members of a change: its fields stand in `set`.
#[derive(Default)]
pub(crate) struct ChangeMembers<'a> {
    account_id: Option<Text<'a>>,
    source: Option<Text<'a>>,
    source_id: Option<Text<'a>>,
    set: Option<AccountFields<'a>>,
    cleared: Cleared<'a, AccountField>,
    deleted: Option<bool>,
    updated_at: Option<Millis>,
}

members! {
    Change fills ChangeMembers<'de> {
        "account_id" => account_id: Id,
        "source" => source: Id,
        "source_id" => source_id: Id,
        "set" => set: Fields,
        "cleared" => cleared: Names<AccountField>,
        "deleted" => deleted: Flag,
        "updated_at" => updated_at: Instant,
    }
}

members! {
    Fields fills AccountFields<'de> {
        "name" => name: Txt,
        "plan" => plan: Txt,
        "segment" => segment: Txt,
        "arr" => arr: Whole,
        "currency" => currency: Txt,
        "health" => health: UpTo<100>,
        "churn_risk" => churn_risk: UpTo<1>,
        "renewal_date" => renewal_date: DateOr,
        "owner" => owner: Txt,
        "region" => region: Txt,
        "time_zone" => time_zone: Txt,
        "flags" => flags: Texts,
        "custom" => custom: Custom,
    }
}

impl<'a> ChangeMembers<'a> {
    pub(super) fn check(self) -> Result<AccountChange<'a>, DecodeError> {
        Ok(AccountChange {
            account_id: DecodeError::required("account_id", self.account_id)?,
            source: DecodeError::required("source", self.source)?,
            source_id: self.source_id,
            set: self.set.unwrap_or_default(),
            cleared: self.cleared,
            deleted: self.deleted.unwrap_or(false),
            updated_at: self.updated_at,
        })
    }
}
