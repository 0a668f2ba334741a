//! Records of `billing` and `billing-changes`.

use super::DecodeError;
use super::record::members;
use super::value::{DateOr, Flag, Id, Instant, Names, Txt, Whole, Word};
use crate::{
    BillingChange, BillingField, BillingFields, BillingSnapshot, BillingState, Cleared, Millis, PlanChange, Text,
};

/// The members of a snapshot: its fields stand beside the others.
#[derive(Default)]
pub(crate) struct SnapshotMembers<'a> {
    account_id: Option<Text<'a>>,
    source: Option<Text<'a>>,
    updated_at: Option<Millis>,
    fields: BillingFields<'a>,
    cleared: Cleared<'a, BillingField>,
}

members! {
    Snapshot fills SnapshotMembers<'de> {
        "account_id" => account_id: Id,
        "source" => source: Id,
        "updated_at" => updated_at: Instant,
        "state" => fields.state: Word<BillingState>,
        "past_due_since" => fields.past_due_since: DateOr,
        "amount_due" => fields.amount_due: Whole,
        "currency" => fields.currency: Txt,
        "plan" => fields.plan: Txt,
        "plan_change" => fields.plan_change: Word<PlanChange>,
        "plan_changed_at" => fields.plan_changed_at: DateOr,
        "renews_at" => fields.renews_at: DateOr,
        "cancels_at" => fields.cancels_at: DateOr,
        "cleared" => cleared: Names<BillingField>,
    }
}

impl<'a> SnapshotMembers<'a> {
    pub(super) fn check(self) -> Result<BillingSnapshot<'a>, DecodeError> {
        Ok(BillingSnapshot {
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
    set: Option<BillingFields<'a>>,
    cleared: Cleared<'a, BillingField>,
    deleted: Option<bool>,
    updated_at: Option<Millis>,
}

members! {
    Change fills ChangeMembers<'de> {
        "account_id" => account_id: Id,
        "source" => source: Id,
        "source_id" => source_id: Id,
        "set" => set: Fields,
        "cleared" => cleared: Names<BillingField>,
        "deleted" => deleted: Flag,
        "updated_at" => updated_at: Instant,
    }
}

members! {
    Fields fills BillingFields<'de> {
        "state" => state: Word<BillingState>,
        "past_due_since" => past_due_since: DateOr,
        "amount_due" => amount_due: Whole,
        "currency" => currency: Txt,
        "plan" => plan: Txt,
        "plan_change" => plan_change: Word<PlanChange>,
        "plan_changed_at" => plan_changed_at: DateOr,
        "renews_at" => renews_at: DateOr,
        "cancels_at" => cancels_at: DateOr,
    }
}

impl<'a> ChangeMembers<'a> {
    pub(super) fn check(self) -> Result<BillingChange<'a>, DecodeError> {
        Ok(BillingChange {
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
