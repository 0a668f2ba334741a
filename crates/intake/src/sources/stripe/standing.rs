//! How a subscription or an invoice stands, worst last, and which state of a bill that is.

use serde::{Deserialize, Serialize};
use tierline_model::BillingState;

/// Ordered: of several, the greatest tells the customer's state. What has ended counts only where nothing lives; what
/// waits for its first payment (an abandoned checkout) only beside what has ended; who pays for one thing and tries
/// another is a paying customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It has ended.
    Canceled,
    /// Its first payment has not been made.
    Awaited,
    /// It is tried.
    Trialing,
    /// It is paid.
    Current,
    /// Nothing is collected for now.
    Paused,
    /// A payment has failed or is late, and is tried again.
    PastDue,
    /// A payment has failed for good.
    Unpaid,
}

/// Stripe's words: <https://docs.stripe.com/api/subscriptions/object#subscription_object-status>.
const STATUSES: [(&str, Standing); 8] = [
    ("trialing", Standing::Trialing),
    ("active", Standing::Current),
    ("past_due", Standing::PastDue),
    ("unpaid", Standing::Unpaid),
    ("canceled", Standing::Canceled),
    ("incomplete", Standing::Awaited),
    ("incomplete_expired", Standing::Canceled),
    ("paused", Standing::Paused),
];

impl Standing {
    /// What Stripe's status says; `None`: a word that is not documented.
    pub fn of_status(word: &str) -> Option<Standing> {
        STATUSES.iter().find(|(status, _)| *status == word).map(|(_, standing)| *standing)
    }

    /// Whether it goes on: it can renew, and it can be behind.
    pub fn lives(self) -> bool {
        self > Standing::Awaited
    }

    /// Whether money is owed.
    pub fn owes(self) -> bool {
        self >= Standing::PastDue
    }

    /// The state of a bill that this is.
    pub fn state(self) -> BillingState {
        match self {
            Standing::Canceled => BillingState::Canceled,
            Standing::Awaited | Standing::Unpaid => BillingState::Unpaid,
            Standing::Trialing => BillingState::Trialing,
            Standing::Current => BillingState::Current,
            Standing::Paused => BillingState::Paused,
            Standing::PastDue => BillingState::PastDue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_wins_and_what_has_ended_only_alone() {
        let worst = |words: &[&str]| {
            let standings = words.iter().map(|word| Standing::of_status(word).expect("Stripe documents it"));
            standings.max().map(Standing::state)
        };
        assert_eq!(worst(&["active", "past_due", "trialing"]), Some(BillingState::PastDue));
        assert_eq!(worst(&["past_due", "unpaid"]), Some(BillingState::Unpaid));
        assert_eq!(worst(&["canceled", "active"]), Some(BillingState::Current));
        assert_eq!(worst(&["canceled", "incomplete_expired"]), Some(BillingState::Canceled));
        assert_eq!(worst(&["active", "incomplete"]), Some(BillingState::Current));
        assert_eq!(worst(&["incomplete"]), Some(BillingState::Unpaid));
        assert_eq!(worst(&["trialing", "active"]), Some(BillingState::Current));
        assert_eq!(worst(&[]), None);
        assert_eq!(Standing::of_status("ended"), None);
    }
}
