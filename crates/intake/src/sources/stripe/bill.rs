//! The bill of a customer: all that is remembered of it as one record.

use tierline_model::{BillingField, Millis, PlanChange};

use super::Stripe;
use super::customer::Customer;
use super::invoice::Invoice;
use super::standing::Standing;
use super::subscription::Subscription;
use crate::records::{BillingChange, BillingSnapshot, Fields};
use crate::{Context, Reading};

impl Stripe {
    /// The bill.
    pub(super) fn bill(&self, id: &str, customer: &Customer, context: &Context<'_>) -> BillingSnapshot {
        let mut bill = BillingSnapshot::new(self.basics.account_id(id, context), &self.basics.name);
        bill.updated_at = Some(customer.at);
        customer.fill(&mut bill.fields);
        bill
    }

    /// That there is no bill any more.
    pub(super) fn tell_deleted(&self, id: &str, customer: &Customer, context: &Context<'_>, reading: &mut Reading) {
        let account = self.basics.account_id(id, context);
        let mut change = BillingChange::new(&*account, &self.basics.name);
        change.source_id = Some(id.to_owned());
        change.deleted = true;
        change.updated_at = Some(customer.at);
        reading.push(change);
        // A snapshot of nothing takes the place of what a compacted topic would keep.
        let mut nothing = BillingSnapshot::new(account, &self.basics.name);
        nothing.updated_at = Some(customer.at);
        reading.push(nothing);
    }
}

impl Customer {
    /// Whether anything is known of how it stands.
    pub(super) fn has_a_bill(&self) -> bool {
        self.standing().is_some() || self.due().is_some()
    }

    fn fill(&self, bill: &mut Fields<BillingField>) {
        let standing = self.standing();
        bill.set_told(BillingField::State, standing.map(|standing| standing.state().word()));
        if standing.is_some() {
            bill.set_or_clear(BillingField::PastDueSince, self.past_due_since(standing));
            let live = || self.subscriptions.values().filter(|subscription| subscription.standing.lives());
            bill.set_or_clear(BillingField::RenewsAt, live().filter_map(|one| one.renews_at).min());
            let ends = live().filter_map(|one| one.cancels_at).min();
            let ended = || self.subscriptions.values().filter_map(|one| one.cancels_at).max();
            let cancels_at = ends.or_else(|| ended().filter(|_| live().next().is_none()));
            bill.set_or_clear(BillingField::CancelsAt, cancels_at);
        }
        if let Some((due, currency)) = self.due() {
            bill.set(BillingField::AmountDue, due);
            bill.set_told(BillingField::Currency, currency);
        }
        bill.set_told(BillingField::Plan, self.plan());
        match self.plan_change {
            Some(change) => {
                let way = if change.up { PlanChange::Upgraded } else { PlanChange::Downgraded };
                bill.set(BillingField::PlanChange, way.word());
                bill.set(BillingField::PlanChangedAt, change.at);
            }
            None if self.seen_to_begin => {
                bill.clear(BillingField::PlanChange);
                bill.clear(BillingField::PlanChangedAt);
            }
            None => {}
        }
    }

    /// The worst of all: of subscriptions, and of invoices of which these say nothing.
    fn standing(&self) -> Option<Standing> {
        let of_subscriptions = self.subscriptions.values().map(|one| one.standing).max();
        let of_invoices = self.telling_invoices().filter_map(|one| one.standing()).max();
        // Who has invoices alone, and none of them is late, has paid.
        let without = self.subscriptions.is_empty();
        let of_invoices = of_invoices.or((without && !self.invoices.is_empty()).then_some(Standing::Current));
        let alone = without && self.invoices.is_empty();
        let of_customer = self.delinquent.filter(|one| alone && one.was);
        let of_customer = of_customer.map(|one| if one.is { Standing::PastDue } else { Standing::Current });
        of_subscriptions.max(of_invoices).max(of_customer)
    }

    /// Invoices of no subscription that is known, and those that were told after theirs: Stripe's word on a subscription
    /// includes its invoices up to then.
    fn telling_invoices(&self) -> impl Iterator<Item = &Invoice> {
        let unsaid = |invoice: &&Invoice| match invoice.subscription.as_ref().and_then(|id| self.subscriptions.get(id))
        {
            Some(known) => known.standing.lives() && known.at < invoice.at,
            None => true,
        };
        self.invoices.values().filter(unsaid)
    }

    /// The first of all that is late.
    fn past_due_since(&self, standing: Option<Standing>) -> Option<Millis> {
        if !standing?.owes() {
            return None;
        }
        let of_subscriptions = self.subscriptions.values().filter_map(|one| one.past_due_since);
        let of_invoices = self.invoices.values().filter_map(|one| one.late_since);
        let of_customer = self.delinquent.filter(|one| one.is).map(|one| one.at);
        of_subscriptions.chain(of_invoices).min().or(of_customer)
    }

    /// What is due by all invoices of one currency, that of the newest; none: no invoice was ever told.
    fn due(&self) -> Option<(i64, Option<String>)> {
        let open = || self.invoices.values().filter(|one| one.is_open());
        let newest = open().max_by_key(|one| one.at).or_else(|| self.invoices.values().max_by_key(|one| one.at))?;
        let due = open().filter(|one| one.currency == newest.currency).map(|one| one.due);
        Some((due.fold(0, i64::saturating_add), newest.currency.clone()))
    }

    /// What is paid for most among what lives; else what ended last.
    fn plan(&self) -> Option<String> {
        let worth = |one: &&Subscription| (one.standing.lives(), one.yearly.unwrap_or(0.0), one.at);
        let first = self.subscriptions.values().filter(|one| one.plan.is_some()).max_by(|a, b| {
            let (a, b) = (worth(a), worth(b));
            // What has ended is not compared by its price.
            let by_price = if a.0 && b.0 { a.1.total_cmp(&b.1) } else { std::cmp::Ordering::Equal };
            a.0.cmp(&b.0).then(by_price).then(a.2.cmp(&b.2))
        });
        first.and_then(|one| one.plan.clone())
    }
}
