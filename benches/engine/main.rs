//! How many events a second the detect stage takes on one core.
//!
//! `cargo bench --bench engine` prints one line a case; `cargo bench --bench engine -- 10 rules` only those whose name
//! has the words. Events are made, decoded as it were, a thousand at a time outside the measured time; measured are
//! `apply` of each, then `advance`, and draining outputs and changes, as the run loop does it, in the thread's CPU time. A
//! look evaluates all rules on one ticket and does nothing else.

#[path = "../shared/chance.rs"]
mod chance;
mod moving;
mod traffic;

use std::sync::Arc;
use std::time::Duration;

use tierline_rules::RuleSet;
use traffic::{BATCH, REFERENCE, Stage, Traffic, rule_set};

/// The program's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let report = |name: &str, case: &dyn Fn() -> String| {
        if wanted.is_empty() || name.contains(&wanted.join(" ")) {
            println!("{name:<52} {}", case());
        }
    };
    let reference = rule_set(REFERENCE);
    let thousand = rule_set(&many_rules(1_000));
    let ten = rule_set(&many_rules(10));
    let speed = |rules: &Arc<RuleSet>, accounts, events| throughput(rules, &mut Traffic::over(accounts), events);
    report("reference rules, 100,000 accounts, 1 M events", &|| speed(&reference, 100_000, 1_000_000));
    report("reference rules, 10,000 accounts, 1 M events", &|| speed(&reference, 10_000, 1_000_000));
    report("reference rules, 1 M accounts, 1 M events", &|| speed(&reference, 1_000_000, 1_000_000));
    report("10 rules, 100,000 accounts, 1 M events", &|| speed(&ten, 100_000, 1_000_000));
    report("1,000 rules, 100,000 accounts, 1 M events", &|| speed(&thousand, 100_000, 1_000_000));
    report("one account with 10,000 open tickets, 100,000 events", &|| {
        let mut traffic = Traffic::over(1);
        traffic.opening = 10_000;
        throughput(&reference, &mut traffic, 100_000)
    });
    report("a look at one ticket, reference rules", &|| look(&reference, 1));
    report("a look at one ticket in the cache, reference rules", &|| look(&reference, 20));
    report("a look at one ticket, 1,000 rules", &|| look(&thousand, 1));
    report("a look at one ticket in the cache, 1,000 rules", &|| look(&thousand, 20));
    report("100,000 tickets from one task to another", &|| moving::moves(&reference, 100_000));
}

/// Runs so many events of the traffic through a fresh engine; events a second, and what went out.
fn throughput(rules: &Arc<RuleSet>, traffic: &mut Traffic, events: usize) -> String {
    let mut stage = Stage::new(rules);
    let opening = traffic.opening;
    if opening > 0 {
        let batch = traffic.next(opening);
        stage.take(&traffic.names, &batch);
    }
    (stage.spent, stage.escalations, stage.written) = (Duration::ZERO, 0, 0);
    for _ in 0..events / BATCH {
        let batch = traffic.next(BATCH);
        stage.take(&traffic.names, &batch);
    }
    let seconds = stage.spent.as_secs_f64();
    format!(
        "{:>6.3} M events/s   {:>5.0} ns each   {} escalation records, {} state entries, {} open tickets",
        events as f64 / seconds / 1e6,
        seconds * 1e9 / events as f64,
        stage.escalations,
        stage.written,
        stage.engine.open_tickets(),
    )
}

/// What it costs to evaluate all rules on one of 20,000 open tickets, in turn, each so many times in a row: all but the
/// first find it in the processor's cache. And what was found.
fn look(rules: &Arc<RuleSet>, times: usize) -> String {
    const LOOKS: usize = 20;
    let rounds = LOOKS / times;
    let mut stage = Stage::new(rules);
    let mut traffic = Traffic::over(20_000);
    for _ in 0..200_000 / BATCH {
        let batch = traffic.next(BATCH);
        stage.take(&traffic.names, &batch);
    }
    let begun = traffic::cpu_time();
    let (mut looks, mut hold) = (0, 0);
    for _ in 0..rounds {
        let (tickets, yes) = stage.engine.look_at_everything(times);
        (looks, hold) = (looks + tickets, hold + yes);
    }
    let each = (traffic::cpu_time() - begun).as_secs_f64() * 1e9 / (looks * times) as f64;
    format!("{:>27.0} ns each   {} tickets, {} rules hold", each, looks / rounds, hold / rounds)
}

/// So many rules, each over fields of its own kind, a tenth of them with a timer.
fn many_rules(count: usize) -> String {
    let mut text = String::from("rules:\n");
    for n in 0..count {
        let condition = match n % 10 {
            0 => format!(
                "{{ account.plan: enterprise, ticket.category: billing, ticket.no_agent_reply_for: {}m }}",
                60 + n
            ),
            1 => format!("{{ ticket.severity: sev1, ticket.custom.region: region-{n} }}"),
            2 => format!("{{ account.segment: segment-{n}, ticket.priority: urgent }}"),
            3 => format!("{{ ticket.tags: [ tag-{n} ], account.plan: enterprise }}"),
            4 => format!("{{ billing.state: past_due, account.region: region-{n} }}"),
            5 => format!("{{ account.arr: {{ at_least: {} }}, ticket.product_area: area-{n} }}", 1_000_000 + n),
            6 => format!("{{ ticket.team: team-{n} }}"),
            7 => format!("{{ ticket.channel: channel-{n}, ticket.language: en }}"),
            8 => format!("{{ account.health: {{ below: {} }}, ticket.brand: brand-{n} }}", n % 50),
            _ => format!("{{ ticket.assignee: agent-{n} }}"),
        };
        text.push_str(&format!("  - {{ id: rule-{n}, tier: {}, when: {condition} }}\n", 2 + n % 2));
    }
    text
}
