//! How many tickets a second go from an account of one task to an account of another: both tasks' work on one core.

use std::sync::Arc;
use std::time::Duration;

use tierline_engine::{Arrival, Engine, Input, Output};
use tierline_model::TicketEvent;
use tierline_rules::RuleSet;

use crate::traffic::{BATCH, Stage, Traffic, cpu_time};

const ACCOUNTS: usize = 1_000;

/// Moves so many tickets that were just opened; moves a second. What lies between the tasks, the topic `account-moves`,
/// costs nothing here.
pub fn moves(rules: &Arc<RuleSet>, tickets: usize) -> String {
    let mut traffic = Traffic::over(ACCOUNTS);
    traffic.only_created = true;
    let (mut here, mut there) = (Stage::new(rules), Stage::new(rules));
    let created = traffic.next(tickets);
    here.take(&traffic.names, &created);
    let (mut spent, mut moved) = (Duration::ZERO, 0);
    for batch in created.chunks(BATCH) {
        let told: Vec<_> = batch.iter().filter_map(|event| event.rehomed(&traffic.names)).collect();
        let begun = cpu_time();
        for [leaves, comes] in &told {
            apply(&mut here.engine, leaves);
            apply(&mut there.engine, comes);
        }
        for output in here.engine.outputs() {
            if let Output::Move { to, value } = output {
                let input = Input::Moved { account_id: &to, value: &value };
                let taken = there.engine.apply(traffic.now(), Arrival { appended_at: Some(traffic.now()), input });
                taken.expect("both are of one version");
                moved += 1;
            }
        }
        for stage in [&mut here, &mut there] {
            stage.engine.outputs().for_each(drop);
            stage.engine.changes(&mut |key, value| _ = std::hint::black_box((key, value)));
        }
        spent += cpu_time() - begun;
    }
    assert_eq!((moved, here.engine.open_tickets(), there.engine.open_tickets()), (tickets, 0, tickets));
    format!("{:>6.0} moves/s", tickets as f64 / spent.as_secs_f64())
}

fn apply(engine: &mut Engine, event: &TicketEvent<'_>) {
    let arrival = Arrival { appended_at: Some(event.occurred_at), input: Input::Ticket(event) };
    engine.apply(event.occurred_at, arrival).expect("the traffic holds nothing that is refused");
}
