//! What a process has written and not yet read back.
//!
//! Of two processes that write the same key, the log decides. Whoever takes what the other wrote where its own record
//! stands behind that would end with another table than everybody else. A log compacts only what lies in closed segments,
//! long after it was read here, so a process meets what it wrote.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a record says to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Something newer than what it knows.
    New,
    /// What it wrote itself, and knows.
    Known,
    /// What another wrote, and its own record stands behind that.
    Overtaken,
}

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

    /// A record of this key is read.
    pub fn news(&self, key: &str, is_ours: bool) -> News {
        match is_ours {
            true if self.less(key) => News::Known,
            false if self.keys().contains_key(key) => News::Overtaken,
            // One of ours that got through although its writer heard that it failed is news.
            true | false => News::New,
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
        assert_eq!([pending.news("a", false), pending.news("b", false)], [News::Overtaken, News::New]);
        assert_eq!(pending.news("a", true), News::Known);
        assert_eq!(pending.news("a", false), News::New, "behind ours, the other's counts");
        pending.wrote("a".into());
        pending.took_back("a");
        assert_eq!(pending.news("a", true), News::New, "it got through all the same");
    }
}
