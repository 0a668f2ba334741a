//! The fields of the contract by number, so that what changed is a bit set and a rule finds its value by index.

use crate::words::words;

words! {
    /// The fields of a ticket that rules can read and records can clear.
    TicketField {
        Subject = "subject", Status = "status", Priority = "priority", Severity = "severity", Type = "type",
        Category = "category", ProductArea = "product_area", Tags = "tags", Channel = "channel",
        Requester = "requester", RequesterRole = "requester_role", Assignee = "assignee", Team = "team",
        Language = "language", Brand = "brand", Url = "url", Parent = "parent", CreatedAt = "created_at",
        FirstRepliedAt = "first_replied_at", WaitingSince = "waiting_since", SnoozedUntil = "snoozed_until",
        OpenedBy = "opened_by", HandledBy = "handled_by", Spam = "spam", Rating = "rating",
        RatingComment = "rating_comment", Source = "source",
    }
}
words! {
    /// The fields of an account.
    AccountField {
        Name = "name", Plan = "plan", Segment = "segment", Arr = "arr", Currency = "currency", Health = "health",
        ChurnRisk = "churn_risk", RenewalDate = "renewal_date", Owner = "owner", Region = "region",
        TimeZone = "time_zone", Flags = "flags",
    }
}
words! {
    /// The fields of an account's bills.
    BillingField {
        State = "state", PastDueSince = "past_due_since", AmountDue = "amount_due", Currency = "currency",
        Plan = "plan", PlanChange = "plan_change", PlanChangedAt = "plan_changed_at", RenewsAt = "renews_at",
        CancelsAt = "cancels_at",
    }
}

/// The fields that a record says are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleared<'a, F> {
    /// Fields of the contract.
    pub fields: smallvec::SmallVec<[F; 2]>,
    /// Custom fields (`custom.x`), without the prefix.
    pub custom: Vec<crate::Text<'a>>,
}

impl<F> Default for Cleared<'_, F> {
    fn default() -> Self {
        Cleared { fields: smallvec::SmallVec::new(), custom: Vec::new() }
    }
}
