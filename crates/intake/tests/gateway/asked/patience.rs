//! How a vendor is treated that throttles, fails for long, or refuses.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tierline_intake::directory::Topic;
use tierline_stream::topics::Names;

use super::vendor::{Mischief, Vendor};
use super::zendesk::{Ticket, world, zendesk};
use super::{Trial, completed, instant, of_kind};

#[test]
fn who_throttles_is_not_asked_again_before_its_time() {
    let vendor = Vendor::start(zendesk(vec![Ticket::opened(7, 600, &[])]));
    let mut left = 1;
    vendor.misbehave(move |_| {
        left -= 1;
        if left == 0 { Mischief::Throttle(1) } else { Mischief::None }
    });
    let world = world();
    let gateway = world.start();
    Trial::new(&world, &vendor).rounds(&gateway, 1);
    let asked = vendor.asked();
    let waited = asked[1].at - asked[0].at;
    assert!((Duration::from_secs(1)..Duration::from_secs(10)).contains(&waited), "{waited:?}");
    assert_eq!(asked[0].path, asked[1].path, "it is asked the same again");
    let metrics = gateway.metrics.render();
    assert!(
        metrics.contains("tierline_reconcile_requests_total{outcome=\"throttled\",source=\"desk\"} 1"),
        "{metrics}"
    );
}

#[test]
fn while_a_round_fails_nobody_is_said_to_have_been_heard() {
    let vendor = Vendor::start(zendesk(vec![Ticket::opened(7, 600, &[])]));
    vendor.misbehave(|question| match question.path.contains("comments") {
        true => Mischief::Fail,
        false => Mischief::None,
    });
    let world = world();
    let gateway = world.start();
    let trial = Trial::new(&world, &vendor);
    trial.for_a_while(&gateway, Duration::from_millis(1_000));
    assert_eq!(completed(&gateway), 0);
    let metrics = gateway.metrics.render();
    assert!(metrics.contains("tierline_reconcile_rounds_total{outcome=\"away\",source=\"desk\"}"), "{metrics}");
    assert!(of_kind(&world, "created").is_empty());
    // What is said is how far it had been heard before: where the first round began.
    let hour = 3_600_000;
    let heartbeats = of_kind(&world, "heartbeat");
    assert_eq!(heartbeats.len(), 3, "one in each partition, before the first payload");
    let heard = heartbeats.iter().map(|told| instant(&told["heard_until"]));
    assert!(heard.into_iter().all(|heard| heard < crate::world::now() - 23 * hour), "{heartbeats:?}");
    vendor.misbehave(|_| Mischief::None);
    trial.rounds(&gateway, 1);
    assert_eq!(of_kind(&world, "created").len(), 1);
}

#[test]
fn who_refuses_us_is_asked_once_a_round_and_no_secret_is_told() {
    let vendor = Vendor::start(|_| (401, json!({"error": "Couldn't authenticate you"})));
    let world = world();
    let gateway = world.start();
    Trial::new(&world, &vendor).for_a_while(&gateway, Duration::from_millis(350));
    let asked = vendor.asked().len();
    assert!((1..=8).contains(&asked), "{asked}");
    assert!(of_kind(&world, "heartbeat").is_empty(), "nothing is known of it");
    let metrics = gateway.metrics.render();
    assert!(metrics.contains("tierline_reconcile_rounds_total{outcome=\"refused\",source=\"desk\"}"), "{metrics}");
    assert!(!metrics.contains("hunter2"));
}

#[test]
fn who_waits_ends_at_once() {
    let vendor = Vendor::start(zendesk(Vec::new()));
    vendor.misbehave(|_| Mischief::Throttle(600));
    let world = world();
    let gateway = world.start();
    let began = Instant::now();
    Trial::new(&world, &vendor).for_a_while(&gateway, Duration::from_millis(200));
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(vendor.asked().len(), 1);
}

#[test]
fn of_two_processes_one_asks_while_it_lives_and_both_do_no_harm() {
    let vendor = Vendor::start(zendesk(vec![Ticket::opened(7, 600, &[]), Ticket::opened(8, 500, &[])]));
    let world = world();
    let (one, other) = (world.start(), world.start());
    let (ended, every) = (AtomicBool::new(false), Duration::from_millis(600));
    let while_both_lived = std::thread::scope(|threads| {
        for gateway in [&one, &other] {
            threads.spawn(|| {
                let followed = gateway.directory.follow(
                    &mut world.client(),
                    &Names::default(),
                    Topic::Directory,
                    &mut Vec::new(),
                    &ended,
                );
                followed.expect("the log answers");
            });
        }
        let second = threads.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            let second = Trial { by: "another", every, ..Trial::new(&world, &vendor) };
            second.for_a_while(&other, Duration::from_millis(7_000));
        });
        Trial { every, ..Trial::new(&world, &vendor) }.for_a_while(&one, Duration::from_millis(5_000));
        let while_both_lived = (completed(&one), completed(&other));
        let ended_well = second.join().is_ok();
        ended.store(true, Ordering::Relaxed);
        assert!(ended_well);
        while_both_lived
    });
    assert!(while_both_lived.0 > 2 * while_both_lived.1, "{while_both_lived:?}");
    assert!(completed(&other) > while_both_lived.1 + 1, "it has taken over");
    let told = world.tickets();
    assert_eq!(super::survivors(&told), 4, "of each how it was opened and how it stands: {told:?}");
}
