//! What a process has written and not yet read back.
//!
//! Of two processes that write the same key, the log decides. Whoever takes what the other wrote where its own record
//! stands behind that would end with another table than everybody else. A log compacts only what lies in closed segments,
//! long after it was read here, so a process meets what it wrote.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keys that were written, and how often.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<HashMap<String, usize>>);

impl Pending {
    /// It is being written.
    pub fn wrote(&self, key: String) {
        *self.keys().entry(key).or_default() += 1;
    }

    /// It was not written after all, as far as anybody knows.
    pub fn took_back(&self, key: &str) {
        self.less(key);
    }

    /// A record of this key is read; whether it says something newer than what this process knows.
    pub fn is_news(&self, key: &str, is_ours: bool) -> bool {
        match is_ours {
            // One that got through although its writer heard that it failed is news.
            true => !self.less(key),
            false => !self.keys().contains_key(key),
        }
    }

    fn less(&self, key: &str) -> bool {
        let mut keys = self.keys();
        let Some(number) = keys.get_mut(key) else { return false };
        *number -= 1;
        if *number == 0 {
            keys.remove(key);
        }
        true
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_before_ours_is_no_news() {
        let pending = Pending::default();
        pending.wrote("a".into());
        assert!(!pending.is_news("a", false) && pending.is_news("b", false));
        assert!(!pending.is_news("a", true), "our own is known");
        assert!(pending.is_news("a", false), "behind ours, the other's counts");
        pending.wrote("a".into());
        pending.took_back("a");
        assert!(pending.is_news("a", true), "it got through all the same");
    }
}
