//! An account's records stand in the order of its time.
//!
//! - The clock by which they went out never runs backwards. `detected_at` shows it, but where that equals
//!   `became_true_at`: there the clock may have stood anywhere before (a snapshot's instant is its append time, and moves
//!   no clock).
//! - On one ticket one escalation follows the other: a later one silences the former, and a resolved one is silent. One
//!   goes with its ticket to another account, and speaks on there.

use std::collections::BTreeMap;

use tierline_model::Millis;

use crate::{Invariant, Told, Violation};

/// What was told so far, by one partition or, in the order of their commits, by all.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// By account: the newest reading of the clock.
    clocks: BTreeMap<String, Millis>,
    /// By ticket: the escalation that may speak of it.
    speaking: BTreeMap<(String, String), String>,
}

impl Order {
    /// The next record.
    ///
    /// # Errors
    /// It stands where it cannot.
    pub fn hear(&mut self, told: &Told<'_>) -> Result<(), Violation> {
        let wrong = |what: String| Err(Violation::new(Invariant::Order, what));
        let clock = self.clocks.entry(told.account_id.to_owned()).or_insert(Millis::MIN);
        if told.detected_at > told.became_true_at {
            if told.detected_at < *clock {
                return wrong(format!("the clock went back from {clock} with {told:?}"));
            }
            *clock = told.detected_at;
        }
        let ticket = (told.account_id.to_owned(), told.ticket_id.to_owned());
        match told.kind {
            "opened" => drop(self.speaking.insert(ticket, told.escalation_id.to_owned())),
            "moved" => {
                self.speaking.retain(|_, speaker| speaker != told.escalation_id);
                self.speaking.insert(ticket, told.escalation_id.to_owned());
            }
            kind => {
                if self.speaking.get(&ticket).is_none_or(|speaker| speaker != told.escalation_id) {
                    let was = |((_, id), speaker): (&(String, String), &String)| {
                        id == told.ticket_id && speaker == told.escalation_id
                    };
                    if !self.speaking.iter().any(was) {
                        return wrong(format!("an escalation speaks that isn't the ticket's: {told:?}"));
                    }
                    self.speaking.retain(|place, speaker| !was((place, speaker)));
                    self.speaking.insert(ticket.clone(), told.escalation_id.to_owned());
                }
                if kind == "resolved" {
                    self.speaking.remove(&ticket);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::told::made::record;

    fn hear(records: &[Value]) -> Result<(), Violation> {
        let mut order = Order::default();
        records.iter().try_for_each(|record| order.hear(&Told::of(record).expect("whole")))
    }

    #[test]
    fn one_that_goes_to_another_account_with_its_ticket_speaks_on_there_and_nowhere_else() {
        let mut elsewhere = record("a", 1, "raised", 300);
        elsewhere["account_id"] = "another".into();
        let here = record("a", 2, "resolved", 400);
        let opened = record("a", 0, "opened", 100);
        let mut goes_on = here.clone();
        goes_on["account_id"] = "another".into();
        assert_eq!(hear(&[opened.clone(), elsewhere.clone(), goes_on.clone()]), Ok(()));
        assert!(hear(&[opened, elsewhere.clone(), goes_on, here]).is_err(), "it is over");
        assert!(hear(&[elsewhere]).is_err(), "it was nowhere");
    }

    #[test]
    fn the_clock_never_runs_backwards_where_it_shows() {
        let mut shown = record("a", 0, "opened", 100);
        shown["detected_at"] = 500.into();
        let mut hidden = record("a", 1, "raised", 300);
        assert_eq!(hear(&[shown.clone(), hidden.clone()]), Ok(()), "at 300 it may have stood at 200 or at 500");
        hidden["detected_at"] = 301.into();
        assert!(hear(&[shown, hidden]).is_err_and(|violation| violation.what.starts_with("the clock went back")));
    }

    #[test]
    fn what_has_ended_is_silent() {
        let life = |after: Value| {
            hear(&[record("a", 0, "opened", 1), record("a", 1, "resolved", 2), record("b", 0, "opened", 3), after])
        };
        assert_eq!(life(record("b", 1, "raised", 4)), Ok(()));
        assert!(life(record("a", 2, "raised", 4)).is_err());
        assert!(
            hear(&[record("a", 0, "opened", 1), record("a", 1, "resolved", 2), record("a", 2, "joined", 2)]).is_err()
        );
    }

    #[test]
    fn one_that_moved_speaks_of_its_new_ticket() {
        let mut moved = record("a", 1, "moved", 2);
        moved["ticket_id"] = "other".into();
        let mut there = record("a", 2, "resolved", 3);
        there["ticket_id"] = "other".into();
        assert_eq!(hear(&[record("a", 0, "opened", 1), moved.clone(), there]), Ok(()));
        assert!(hear(&[record("a", 0, "opened", 1), moved, record("a", 2, "resolved", 3)]).is_err());
    }
}
