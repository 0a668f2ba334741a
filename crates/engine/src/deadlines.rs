//! Which account next wants attention, and when: of all of a task's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tierline_model::Millis;

use crate::account::Account;
use crate::arena::Pages;

/// Accounts by deadline. Lazily kept: an entry that is not its account's `scheduled` any more is passed over.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(BinaryHeap<Reverse<(Millis, u32)>>);

impl Deadlines {
    /// The earliest, and whose it was when it was put here.
    pub fn first(&self) -> Option<(Millis, u32)> {
        self.0.peek().map(|&Reverse(entry)| entry)
    }

    pub fn pop(&mut self) -> Option<(Millis, u32)> {
        self.0.pop().map(|Reverse(entry)| entry)
    }

    /// An account is scheduled anew.
    pub fn push(&mut self, a: u32, accounts: &Pages<Account>) {
        // Each look at an account may leave an entry that only counts in a month. Passed-over ones go before they
        // outnumber the accounts by far.
        if self.0.len() >= 64 + 2 * accounts.len() as usize {
            let scheduled = (0..).zip(accounts.iter()).filter(|(_, account)| account.scheduled != Millis::MAX);
            self.0 = scheduled.map(|(a, account)| Reverse((account.scheduled, a))).collect();
        } else {
            self.0.push(Reverse((accounts[a].scheduled, a)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_that_are_looked_at_again_and_again_take_no_more_room() {
        const FAR: Millis = 1_000_000;
        let (mut accounts, mut deadlines) = (Pages::new(), Deadlines::default());
        for n in 0..100 {
            accounts.push(Account::new(&format!("account {n}")));
        }
        let mut looks = 0;
        for at in 0..10_000 {
            // One that waits for something far away is called for something near, and waits on.
            let a = (at % 100) as u32;
            for deadline in [at, FAR + Millis::from(a)] {
                accounts[a].scheduled = deadline;
                deadlines.push(a, &accounts);
                looks += usize::from(deadlines.first() == Some((at, a)) && deadlines.pop().is_some());
            }
            assert!(deadlines.0.len() <= 264, "{}", deadlines.0.len());
        }
        assert_eq!(looks, 10_000, "nothing near is lost");
        let mut left = Vec::new();
        while let Some((deadline, a)) = deadlines.pop() {
            assert_eq!(deadline, FAR + Millis::from(a));
            left.push(a);
        }
        left.dedup();
        assert_eq!(left, (0..100).collect::<Vec<u32>>(), "nothing far is lost, and all of it in order");
    }
}
