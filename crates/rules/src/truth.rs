//! Truth with a date on it: yes, no or unknown, since when, and until when that stays so if nothing happens.

use tierline_model::Millis;

/// Kleene's three values. The order is that of `all` (the least wins) and `any` (the greatest wins).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// It does not hold.
    No,
    /// It cannot be decided: something that it reads was never told.
    Unknown,
    /// It holds.
    Yes,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Truth {
        if holds { Truth::Yes } else { Truth::No }
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
            Truth::Yes => Truth::No,
        }
    }
}

/// A truth with its dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dated {
    /// What it is at the moment of asking.
    pub truth: Truth,
    /// Since when it is that, as far as the present state shows; [`ALWAYS`] where that carries no instant.
    pub since: Millis,
    /// The first instant at which it may be something else though no record comes; [`NEVER`]: none.
    /// May lie at the moment of asking itself, when that moment's own bounds have not been reached yet.
    pub until: Millis,
}

/// The `since` of what carries no instant.
pub const ALWAYS: Millis = i64::MIN;

/// The `until` of what only a record can change.
pub const NEVER: Millis = i64::MAX;

impl Dated {
    /// A truth that only a record can change.
    pub const fn fixed(truth: Truth, since: Millis) -> Dated {
        Dated { truth, since, until: NEVER }
    }
}
