//! The state restored is the state lost: every key of a task's changelog with its value.

use std::collections::BTreeMap;

use crate::{Invariant, Violation};

/// A task's state: what a snapshot of its stage says, or what is left of its changelog, key by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State(pub BTreeMap<Vec<u8>, Vec<u8>>);

impl State {
    /// Takes an entry of a changelog; no value: a tombstone.
    pub fn take(&mut self, key: &[u8], value: Option<&[u8]>) {
        match value {
            Some(value) => drop(self.0.insert(key.to_vec(), value.to_vec())),
            None => drop(self.0.remove(key)),
        }
    }

    /// The first difference from the state that was lost.
    ///
    /// # Errors
    /// There is one.
    pub fn compare(&self, lost: &State) -> Result<(), Violation> {
        for key in self.0.keys().chain(lost.0.keys()) {
            let (restored, lost) = (self.0.get(key), lost.0.get(key));
            if restored != lost {
                let what = match (restored, lost) {
                    (Some(_), None) => "is there again",
                    (None, Some(_)) => "is gone",
                    _ => "differs",
                };
                let key = key.escape_ascii();
                let what = format!("entry `{key}` {what}: restored {restored:?}, lost {lost:?}");
                return Err(Violation::new(Invariant::StateKept, what));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(entries: &[(&str, &str)]) -> State {
        let mut state = State::default();
        entries.iter().for_each(|(key, value)| state.take(key.as_bytes(), Some(value.as_bytes())));
        state
    }

    #[test]
    fn each_kind_of_difference_is_told() {
        let lost = state(&[("a", "1"), ("b", "2")]);
        let says =
            |restored: State| restored.compare(&lost).map_err(|violation| violation.what).err().unwrap_or_default();
        assert_eq!(says(lost.clone()), "");
        assert!(says(state(&[("a", "1")])).starts_with("entry `b` is gone"));
        assert!(says(state(&[("a", "1"), ("b", "3")])).starts_with("entry `b` differs"));
        assert!(says(state(&[("a", "1"), ("b", "2"), ("c", "")])).starts_with("entry `c` is there again"));
    }

    #[test]
    fn a_tombstone_takes_an_entry_away() {
        let mut state = state(&[("a", "1")]);
        state.take(b"a", None);
        assert_eq!(state, State::default());
    }
}
