//! What it costs to know who is who: `cargo bench --bench aliases`.
//!
//! Of a million customers' names, the account of one may take 1 µs, and each 200 bytes. What is allocated is counted, so
//! nothing of the memory is noise; growing tables are counted with their slack.

use std::hint::black_box;
use std::time::Instant;

use tierline_intake::identity::{Aliases, Decision, Fact, FreeMail, Identifier, Identity, Says, Told};

/// Half of them at the help desk, half in the CRM; each customer's two share a domain.
const ALIASES: usize = 1_000_000;

fn main() {
    let mut aliases = Aliases::default();
    let began = Instant::now();
    let kept = allocation_counter::measure(|| aliases = filled()).bytes_current;
    let each = kept as f64 / ALIASES as f64;
    let took = began.elapsed().as_secs_f64() * 1e6 / ALIASES as f64;
    println!("{ALIASES} aliases: {each:.0} B each; {took:.1} µs to take one in");
    let names: Vec<String> = (0..ALIASES).map(|nth| identity(nth).to_string()).collect();
    let look_up = look_up(&aliases, &names);
    println!("the account of one: {look_up:.0} ns");
    let decided = decide(&mut aliases);
    println!("a person's decision: {decided:.1} µs");
}

fn identity(nth: usize) -> Identity {
    let source = if nth.is_multiple_of(2) { "zendesk" } else { "hubspot" };
    Identity::new(source, (360_000_000_000 + nth / 2).to_string())
}

fn filled() -> Aliases {
    let mut aliases = Aliases::new([], FreeMail::default());
    for nth in 0..ALIASES {
        let domain = Identifier::domain(&format!("customer-{}.example", nth / 2));
        let told = Told::Has { of: identity(nth), field: "domain", identifiers: domain.into_iter().collect() };
        if let Some(fact) = told.fact(&aliases, nth as i64) {
            aliases.put(fact);
        }
    }
    aliases
}

/// Nanoseconds for one of all, in no order, the best of several runs.
fn look_up(aliases: &Aliases, names: &[String]) -> f64 {
    const LOOKED_UP: usize = 200_000;
    let run = |from: usize| {
        let began = Instant::now();
        for nth in 0..LOOKED_UP {
            // A step without a common factor meets each once, and never a neighbour.
            let name = &names[(from + nth * 618_033) % names.len()];
            black_box(aliases.account(black_box(name)));
        }
        began.elapsed().as_secs_f64() * 1e9 / LOOKED_UP as f64
    };
    assert_eq!(aliases.account(&names[1]), names[0], "they are one customer");
    (0..5).map(|nth| run(nth * 7)).fold(f64::INFINITY, f64::min)
}

/// Microseconds for a decision.
fn decide(aliases: &mut Aliases) -> f64 {
    const DECIDED: usize = 1_000;
    let began = Instant::now();
    for nth in 0..DECIDED {
        let decision = Decision { account: Some("acme".to_owned()), by: "jo".to_owned(), reason: None, at: 0 };
        aliases.put(Fact { of: identity(nth * 997), says: Says::Decided(Some(decision)) });
    }
    began.elapsed().as_secs_f64() * 1e6 / DECIDED as f64
}
