//! How much memory an open ticket needs in the detect stage, and whether hours of talk take more:
//! `cargo bench --bench memory`.
//!
//! Twelve fields a ticket, as a help desk tells them, no message; then a [talk](talk) that comes and goes. What is
//! allocated is counted, so nothing of it is noise; growing tables are counted with their slack.

#[path = "../shared/chance.rs"]
mod chance;
mod talk;
#[path = "../engine/traffic.rs"]
#[allow(dead_code, reason = "the other bench moves tickets as well")]
mod traffic;

use traffic::{BATCH, REFERENCE, Stage, Traffic, rule_set};

fn main() {
    for accounts in [1_000, 10_000, 100_000] {
        println!("100,000 open tickets of {accounts:>7} accounts: {}", memory(accounts, 100_000));
    }
    println!("5,000 open tickets, 2,000 events a second, what is solved is forgotten after 10 minutes:");
    let mut talk = talk::Talk::new();
    for minute in (10..=120).step_by(10) {
        let megabytes = talk.minutes(10) as f64 / 1e6;
        println!("{minute:>5} minutes {megabytes:>8.2} MB, {} tickets so far", talk.created());
    }
}

fn memory(accounts: usize, tickets: usize) -> String {
    let mut stage = Stage::new(&rule_set(REFERENCE));
    let mut traffic = Traffic::over(accounts);
    traffic.only_created = true;
    let mut kept = 0;
    for _ in 0..tickets / BATCH {
        let batch = traffic.next(BATCH);
        kept += allocation_counter::measure(|| stage.take(&traffic.names, &batch)).bytes_current;
    }
    let open = stage.engine.open_tickets();
    assert_eq!(open, tickets, "nothing is solved in this case");
    let each = kept as f64 / open as f64;
    let rings = tierline_engine::RINGS as f64;
    format!("{each:>5.0} B each with its share of its account, of which {rings:.0} B for the rings of ids")
}
