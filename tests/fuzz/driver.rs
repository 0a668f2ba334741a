//! Drives one target by libFuzzer: the one that the variable `TIERLINE_FUZZ_TARGET` names. See `tests/fuzz/run`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tierline_fuzz::{TARGETS, Target, bounds, target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("TIERLINE_FUZZ_TARGET").unwrap_or_default();
    target(&name).unwrap_or_else(|| {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("TIERLINE_FUZZ_TARGET names no target; there are {}", names.join(", "));
        std::process::exit(2)
    })
});

fuzz_target!(|bytes: &[u8]| bounds::within_time_and_memory(&TARGET, bytes));
