//! A short plan that still goes wrong in the same way.

use std::rc::Rc;

use tierline_invariants::Violation;

use crate::plan::Plan;
use crate::{Setup, run};

/// Takes out of a plan whatever isn't needed for something to be violated in the same way: first faults, then records, halves before
/// single ones. At most so many runs.
pub fn shrink(plan: &Plan, violation: &Violation, setup: &Rc<Setup>, most: usize) -> Plan {
    let mut left = most;
    let mut goes_wrong = |plan: &Plan| {
        if left == 0 {
            return false;
        }
        left -= 1;
        run(plan, setup, false).violation.is_some_and(|other| way(&other) == way(violation))
    };
    let mut plan = plan.clone();
    plan = without(plan, |plan| &mut plan.faults, &mut goes_wrong);
    plan = without(plan, |plan| &mut plan.story, &mut goes_wrong);
    without(plan, |plan| &mut plan.faults, &mut goes_wrong)
}

/// How something is violated: which invariant, and in which words.
fn way(violation: &Violation) -> (tierline_invariants::Invariant, &str) {
    let words = violation.what.split(|letter: char| !letter.is_alphabetic()).find(|word| !word.is_empty());
    (violation.invariant, words.unwrap_or_default())
}

fn without<T: Clone>(
    mut plan: Plan,
    part: fn(&mut Plan) -> &mut Vec<T>,
    goes_wrong: &mut impl FnMut(&Plan) -> bool,
) -> Plan {
    let mut size = part(&mut plan).len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < part(&mut plan).len() {
            let mut less = plan.clone();
            let all = part(&mut less);
            all.drain(at..(at + size).min(all.len()));
            match goes_wrong(&less) {
                true => plan = less,
                false => at += size,
            }
        }
        size /= 2;
    }
    plan
}
