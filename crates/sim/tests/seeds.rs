//! An ordinary run of the simulator: two thousand seeds, and that a seed is everything.

use tierline_sim::plan::Plan;
use tierline_sim::{Setup, run};

const SEEDS: u64 = 2_000;

#[test]
fn two_thousand_seeds_are_as_they_must_be() {
    // One thread for each half: a run itself has none.
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                let setup = Setup::new();
                let mut outputs = 0;
                for seed in (0..SEEDS).filter(|seed| seed % 2 == half) {
                    let seen = run(&Plan::of(seed), &setup, false);
                    outputs += seen.outputs;
                    if let Some(violation) = seen.violation {
                        panic!("seed {seed}: {violation}\nReplay it: cargo run -p tierline-sim -- --seed {seed}");
                    }
                }
                assert!(outputs > 5 * SEEDS, "{outputs} escalation records came out of half of them: too few to say");
            });
        }
    });
}

#[test]
fn a_seed_is_everything() {
    let lines = |seed| {
        let seen = run(&Plan::of(seed), &Setup::new(), true);
        seen.timeline.lines().collect::<Vec<String>>()
    };
    for seed in [3, 7, 12] {
        let (first, second) = (lines(seed), lines(seed));
        assert!(first.len() > 30, "little happened in seed {seed}");
        assert!(first == second, "seed {seed} went otherwise the second time");
    }
}
