//! A vendor's day: webhooks come twice, out of order, signed by either secret; the log goes away and lies; the gateway is
//! started anew. In the end everything is there, and nothing that a reader with the engine's memory would take twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::world::{Running, SECRETS, World};

/// Chance that is the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// Every event of the day, in its true order: (id, payload).
fn events(dice: &mut Dice) -> Vec<Value> {
    let mut events = Vec::new();
    for n in 0..240 {
        let ticket = dice.below(30);
        let at = format!("2026-03-02T{:02}:{:02}:00Z", n / 60, n % 60);
        let ticket = json!({"id": ticket, "org": ticket % 7, "subject": format!("Ticket {ticket}"), "priority": "p2"});
        events.push(match dice.below(4) {
            0 => json!({"id": format!("e{n}"), "type": "updated", "at": at, "ticket": ticket}),
            1 => json!({"id": format!("e{n}"), "type": "created", "at": at, "ticket": ticket}),
            by => {
                let message = json!({"id": n, "by": (if by == 2 { "user" } else { "staff" }), "text": "…"});
                json!({"id": format!("e{n}"), "type": "message", "at": at, "ticket": ticket, "message": message})
            }
        });
    }
    events
}

#[test]
fn the_canonical_stream_is_complete_and_no_repeat_survives() {
    let world = World::new();
    let mut dice = Dice(7);
    let events = events(&mut dice);
    let mut gateway = Some(world.start());
    // What the vendor has still to deliver; what is not answered with 2xx goes to the end, as a retry after a while does.
    let mut due: VecDeque<&Value> = events.iter().collect();
    let (mut deliveries, mut refused) = (0, 0);
    while let Some(event) = due.pop_front() {
        deliveries += 1;
        assert!(deliveries < 5_000, "the vendor would have given up");
        match deliveries {
            60 => world.weather.down.store(true, Ordering::SeqCst),
            90 => world.weather.down.store(false, Ordering::SeqCst),
            120 => world.weather.lying.store(3, Ordering::SeqCst),
            150 | 200 => gateway = None,
            _ => {}
        }
        let gateway: &Running = gateway.get_or_insert_with(|| world.start());
        let (status, told) = gateway.post(event, SECRETS[dice.below(2)]);
        match status {
            200 if dice.below(8) == 0 => due.push_back(event),
            200 => {}
            503 => {
                refused += 1;
                due.push_back(event);
            }
            other => panic!("{other}: {told}"),
        }
        // The next two change places now and then.
        if dice.below(5) == 0 && due.len() > 1 {
            due.swap(0, 1);
        }
    }
    assert_eq!(refused, 33, "30 while it was away, 3 that it lied about");
    let all: BTreeSet<_> = events.iter().map(|event| event["id"].as_str().unwrap_or_default().to_owned()).collect();
    let tickets = world.tickets();
    let told: BTreeSet<_> =
        tickets.iter().map(|told| told["event_id"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(told, all);
    assert_eq!(survivors(&tickets), all.len(), "of {} records", tickets.len());
    let accounts: BTreeMap<_, BTreeSet<_>> = tickets.iter().fold(BTreeMap::new(), |mut accounts, told| {
        let ticket = told["ticket_id"].to_string();
        accounts.entry(ticket).or_insert_with(BTreeSet::new).insert(told["account_id"].to_string());
        accounts
    });
    assert!(accounts.values().all(|of_ticket| of_ticket.len() == 1), "each ticket has one account: {accounts:?}");
}

/// How many records somebody takes who knows the last 16 events of each ticket.
fn survivors(tickets: &[Value]) -> usize {
    let mut known: BTreeMap<String, VecDeque<String>> = BTreeMap::new();
    let taken = tickets.iter().filter(|told| {
        let known = known.entry(told["ticket_id"].to_string()).or_default();
        let id = told["event_id"].to_string();
        if known.contains(&id) {
            return false;
        }
        known.push_back(id);
        if known.len() > 16 {
            known.pop_front();
        }
        true
    });
    taken.count()
}
