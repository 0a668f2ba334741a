//! The program as a process: what it says, where it says it, and the exit code with which it ends.
//!
//! Everything here needs nothing but the program: the log is embedded, in a folder of the test's own. What it says of
//! broken configurations is kept in `snapshots/`, to be read like a page of the documentation.

mod accounts;
mod asked;
mod beside;
mod broken;
mod business_time;
mod data_map;
mod demo;
mod exits;
mod explained;
mod gone;
mod hooks;
mod imported;
mod reconciled;
mod scored;
mod secrets;
mod signalled;
mod tried;
mod why_running;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tierline");

/// A rule that every urgent ticket fires, on the wall clock with next to no grace, also at a first start.
pub const URGENT: &str = "\
time: { grace: 10ms, start: replay }
rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent }, suggest: Call them. }
";
