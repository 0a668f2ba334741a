//! The short form, as an ordinary test: a few faults, and nobody noticed.

use tierline_chaos::plan::Plan;
use tierline_chaos::{binary, run};

#[test]
fn a_killed_and_a_stopped_instance_and_a_killed_coordinator_are_not_seen() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let binary = binary::tierline().expect("cargo builds it");
    let report = run(&Plan::short(7), folder.path(), &binary, &|said| eprintln!("{said}")).expect("it can be tried");
    assert_eq!(report.struck.len(), 3);
    assert!(report.verdict.letters > 0 && report.verdict.outputs > 1_000, "{}", report.table());
    assert!(report.holds(), "{}", report.table());
}
