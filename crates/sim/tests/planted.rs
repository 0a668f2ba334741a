//! Proof that the simulator can find what it is for: each bug that can be planted is found, and how many seeds that took.
//!
//! ```sh
//! cargo test -p tierline-sim --features planted --test planted -- --nocapture
//! ```
#![cfg(feature = "planted")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tierline_engine::planted::{Bug, plant};
use tierline_sim::plan::Plan;
use tierline_sim::{Setup, run};

/// Each must be found within so many seeds.
const SEEDS: u64 = 1_000;

#[test]
fn every_planted_bug_is_found() {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let setup = Setup::new();
                while let Some(&bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    plant(Some(bug));
                    let by = (0..SEEDS).find_map(|seed| {
                        let violation = run(&Plan::of(seed), &setup, false).violation?;
                        Some((seed + 1, violation.invariant))
                    });
                    found.lock().expect("nobody panics in between").push((bug, by));
                }
            });
        }
    });
    let mut found = found.into_inner().expect("nobody panicked");
    found.sort();
    println!("{:<26} {:>6}  violates", "planted", "seeds");
    for (bug, by) in &found {
        match by {
            Some((seeds, invariant)) => println!("{:<26} {seeds:>6}  {invariant:?}", format!("{bug:?}")),
            None => println!("{:<26} {:>6}", format!("{bug:?}"), "none"),
        }
    }
    let missed: Vec<Bug> = found.iter().filter(|(_, by)| by.is_none()).map(|(bug, _)| *bug).collect();
    assert_eq!(missed, [], "not found within {SEEDS} seeds");
    assert_eq!(found.len(), Bug::ALL.len());
}
