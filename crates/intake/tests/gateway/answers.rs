//! What is answered to what.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use tierline_intake::{Answer, Arrived};
use tierline_model::{Encoding, RecordType};

use super::world::{DESK, SECRETS, World, desk, named, now, source_of};

fn created(id: &str, ticket: u32) -> Value {
    json!({"id": id, "type": "created", "at": "2026-03-02T10:00:00Z",
        "ticket": {"id": ticket, "org": 9, "subject": "Export fails", "priority": "p1"}})
}

#[test]
fn what_is_taken_is_on_the_log_when_it_is_answered_and_a_repeat_is_not_there_twice() {
    let world = World::new();
    let gateway = world.start();
    let (status, told) = gateway.post(&created("e1", 7), SECRETS[0]);
    assert_eq!((status, &told["outcome"]), (200, &json!("taken")), "{told}");
    let tickets = world.tickets();
    assert_eq!((&tickets[0]["ticket_id"], &tickets[0]["account_id"]), (&json!("desk:7"), &json!("desk:9")));
    assert_eq!(tickets[0]["account_ref"], json!({"source": "desk", "kind": "organization", "id": "9"}));
    assert_eq!(world.records("directory")[0].0, b"desk,ticket,7");
    let (status, told) = gateway.post(&created("e1", 7), SECRETS[1]);
    assert_eq!((status, &told["outcome"]), (200, &json!("repeated")));
    assert_eq!((world.tickets().len(), world.records("intake-raw").len()), (1, 1));
    let metrics = gateway.metrics.render();
    assert!(metrics.contains("tierline_intake_deliveries_total{outcome=\"repeated\",source=\"desk\"} 1"), "{metrics}");
    assert!(metrics.contains("tierline_intake_records_total{source=\"desk\",topic=\"tickets\"} 1"), "{metrics}");
}

#[test]
fn what_cannot_be_taken_is_refused_with_its_reason_and_leaves_nothing() {
    let world = World::new();
    let gateway = world.start();
    let body = created("e1", 7).to_string();
    let json = ("content-type", "application/json");
    for (name, headers, status, error) in [
        ("desk", vec![json], 401, "unsigned"),
        ("desk", vec![json, ("x-signature", "zz")], 401, "malformed_signature"),
        ("desk", vec![json, ("x-signature", "00ff")], 401, "wrong_signature"),
        ("nobody", vec![json], 404, "unknown_source"),
        ("desk", vec![("content-type", "application/xml")], 415, "unsupported_type"),
    ] {
        let (answered, told) = gateway.send(name, &body, &headers);
        assert_eq!((answered, &told["error"]), (status, &json!(error)), "{headers:?}");
    }
    assert_eq!(gateway.post(&created("e1", 7), "a guess").1["error"], "wrong_signature");
    let long = json!({"id": "e2", "type": "created", "text": "x".repeat(5_000)});
    assert_eq!(gateway.post(&long, SECRETS[0]).0, 413);
    for topic in ["tickets", "intake-raw", "dead-letters", "directory"] {
        assert!(world.records(topic).is_empty(), "{topic}");
    }
}

#[test]
fn what_cannot_be_encoded_now_keeps_nobody_else_waiting() {
    let world = World::new();
    let mut desk = world.desk(Box::new(|record, _| match record {
        RecordType::AccountChanges => Err("the registry does not let us".to_owned()),
        _ => Ok(Encoding::SingleObject),
    }));
    let company = json!({"id": "c1", "type": "company", "company": {"id": 9, "name": "Acme"}});
    let arrived = [created("e1", 7), company, created("e2", 8)].map(|body| Arrived {
        source: "desk".to_owned(),
        headers: Vec::new(),
        body: body.to_string().into(),
        received_at: now(),
        position: None,
        asked: None,
    });
    let answers = desk.take(&arrived, now());
    let is_right = matches!(answers[..], [Answer::Taken { .. }, Answer::Unavailable, Answer::Taken { .. }]);
    assert!(is_right, "{answers:?}");
    assert_eq!((world.tickets().len(), world.records("intake-raw").len()), (2, 2));
}

#[test]
fn what_cannot_be_read_lies_in_dead_letters_with_its_body_once() {
    let world = World::new();
    let gateway = world.start();
    let mut payload = created("e1", 7);
    payload["ticket"]["id"] = Value::Null;
    for _ in 0..2 {
        let (status, told) = gateway.post(&payload, SECRETS[0]);
        assert_eq!((status, &told["error"]), (422, &json!("missing_field")));
        assert_eq!(told["reason"], "`/ticket/id` is missing");
    }
    let letters = world.records("dead-letters");
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].1, payload.to_string().into_bytes());
    let headers = &world.headers("dead-letters")[0];
    assert_eq!(headers["tierline.error"], "missing_field");
    assert_eq!((headers["tierline.topic"].as_str(), headers["tierline.source"].as_str()), ("intake-raw", "desk"));
    let metrics = gateway.metrics.render();
    for line in [
        "tierline_intake_deliveries_total{outcome=\"unreadable\",source=\"desk\"} 2",
        "tierline_dead_letters_total{error=\"missing_field\",topic=\"intake-raw\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let (status, told) = gateway.post(&json!({"id": "e3", "type": "login"}), SECRETS[0]);
    assert_eq!((status, &told["outcome"]), (200, &json!("ignored")));
    assert_eq!(world.records("intake-raw").len(), 2, "a corrected mapping may read it");
}

#[test]
fn a_payload_that_only_tells_who_somebody_is_was_taken_and_what_was_known_is_ignored() {
    let world = World::of(source_of("freshdesk", "kind: freshdesk\n"));
    let gateway = world.start();
    let headers = [("x-tierline-token", SECRETS[0]), ("content-type", "application/json")];
    let agent =
        json!({"id": 77, "ticket_scope": 1, "occasional": false, "contact": {"name": "Sam", "email": "s@x.example"}});
    for outcome in ["taken", "ignored"] {
        let (status, told) = gateway.send("desk", &agent.to_string(), &headers);
        assert_eq!((status, &told["outcome"]), (200, &json!(outcome)), "{told}");
    }
    let remembered = world.records("directory");
    assert!(remembered.iter().any(|(key, _)| key == b"desk,user,77"), "{remembered:?}");
    let metrics = gateway.metrics.render();
    for outcome in ["taken", "ignored"] {
        let line = format!("tierline_intake_deliveries_total{{outcome=\"{outcome}\",source=\"desk\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[test]
fn a_text_that_breaks_a_templates_json_is_told_with_what_helps_and_lies_in_dead_letters() {
    let world = World::of(source_of("freshdesk", "kind: freshdesk\n"));
    let gateway = world.start();
    let headers = [("x-tierline-token", SECRETS[0]), ("content-type", "application/json")];
    let body = r#"{"event": "created", "ticket": {"id": "7", "subject": "The "export" fails"}}"#;
    let (status, told) = gateway.send("desk", body, &headers);
    assert_eq!((status, &told["error"]), (422, &json!("undecodable")), "{told}");
    let reason = told["reason"].as_str().expect("it is told");
    assert!(reason.starts_with("it is not JSON: line 1, column 61; ") && reason.contains("`Simple`"), "{reason}");
    assert_eq!(world.records("dead-letters")[0].1, body.as_bytes());
}

#[test]
fn while_the_log_is_away_senders_are_told_to_come_again_and_nothing_is_learnt() {
    let world = World::new();
    let gateway = world.start();
    world.weather.down.store(true, Ordering::SeqCst);
    assert_eq!(gateway.post(&created("e1", 7), SECRETS[0]).0, 503);
    world.weather.down.store(false, Ordering::SeqCst);
    world.weather.lying.store(1, Ordering::SeqCst);
    assert_eq!(gateway.post(&created("e1", 7), SECRETS[0]).0, 503);
    assert_eq!(gateway.post(&created("e1", 7), SECRETS[0]).1["outcome"], "taken");
    // Written twice, as nobody knew whether the first was: the engine knows it by its id.
    let ids: Vec<_> = world.tickets().iter().map(|told| told["event_id"].clone()).collect();
    assert_eq!(ids, ["e1", "e1"]);
    assert_eq!(world.records("directory").len(), 1, "and it is remembered");
}

#[test]
fn what_the_log_refuses_for_its_size_is_taken_without_its_payload_or_lies_in_dead_letters_once() {
    let mut world = World::new();
    world.body_limit = 1 << 20;
    let gateway = world.start();
    world.weather.longest.store(100_000, Ordering::SeqCst);
    let mut payload = created("e1", 7);
    payload["more"] = "x".repeat(200_000).into();
    assert_eq!(gateway.post(&payload, SECRETS[0]).1["outcome"], "taken", "its record is small");
    assert_eq!((world.tickets().len(), world.records("intake-raw").len()), (1, 0));

    world.weather.longest.store(70_000, Ordering::SeqCst);
    let long = json!({"id": "e2", "type": "message", "at": "2026-03-02T10:00:00Z", "ticket": {"id": 7, "org": 9},
        "message": {"id": "m1", "by": "user", "text": "y".repeat(80_000)}});
    for _ in 0..2 {
        let (status, told) = gateway.post(&long, SECRETS[0]);
        assert_eq!((status, &told["error"]), (413, &json!("too_large")), "{told}");
    }
    let mut unreadable = created("e3", 8);
    unreadable["ticket"]["id"] = Value::Null;
    unreadable["more"] = "z".repeat(90_000).into();
    assert_eq!(gateway.post(&unreadable, SECRETS[0]).0, 422);
    let mut letters: Vec<_> = world.records("dead-letters").into_iter().zip(world.headers("dead-letters")).collect();
    letters.sort_by(|(_, one), (_, other)| one["tierline.error"].cmp(&other["tierline.error"]));
    let told: Vec<_> =
        letters.iter().map(|((_, body), about)| (body.len(), about["tierline.error"].as_str())).collect();
    assert_eq!(told, [(65_536, "missing_field"), (65_536, "too_large")]);
    assert_eq!(letters[1].1["tierline.cut"], format!("value:{}", long.to_string().len()));
    assert_eq!((world.tickets().len(), world.records("intake-raw").len()), (1, 0));
    assert_eq!(gateway.post(&created("e4", 9), SECRETS[0]).1["outcome"], "taken", "the others go on");
}

#[test]
fn bodies_on_their_way_are_bounded_together_and_whoever_finds_no_room_comes_again() {
    let mut world = World::new();
    world.bodies = 6_000;
    let gateway = world.start();
    let head = "POST /hooks/desk HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 4000\r\n\r\n";
    let part = "x".repeat(3_900);
    let begin = || {
        let mut caller = TcpStream::connect(gateway.address).expect("it listens");
        caller.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout can be set");
        caller.write_all(format!("{head}{part}").as_bytes()).expect("it is heard");
        caller
    };
    let mut callers = [begin(), begin()];
    // Whichever came second finds no room, and is told so before its body has ended.
    let (sent, heard) = std::sync::mpsc::channel();
    for (nth, caller) in callers.iter().enumerate() {
        let (mut caller, sent) = (caller.try_clone().expect("a handle can be had"), sent.clone());
        std::thread::spawn(move || {
            let mut answer = [0; 1_024];
            let length = caller.read(&mut answer).unwrap_or(0);
            // Nobody listens once both have been heard.
            let _ = sent.send((nth, String::from_utf8_lossy(&answer[..length]).to_lowercase()));
        });
    }
    let (nth, answer) = heard.recv_timeout(Duration::from_secs(10)).expect("one is answered");
    assert!(answer.starts_with("http/1.1 503") && answer.contains("retry-after: 1"), "{answer}");
    callers[1 - nth].write_all("x".repeat(100).as_bytes()).expect("it is heard");
    let (_, answer) = heard.recv_timeout(Duration::from_secs(10)).expect("the other is answered");
    assert!(answer.starts_with("http/1.1 401"), "its body was taken, its signature is missing: {answer}");
    assert_eq!(gateway.post(&created("e1", 7), SECRETS[0]).0, 200, "there is room again");
}

#[test]
fn a_body_leaves_its_room_once_it_is_known_who_sent_it_however_slow_the_log_is() {
    let mut world = World::new();
    world.bodies = created("e1", 7).to_string().len() + 8;
    let gateway = world.start();
    world.weather.slow.store(1_000, Ordering::SeqCst);
    let gateway = &gateway;
    std::thread::scope(|threads| {
        let both = [("e1", 7), ("e2", 8)].map(|(id, ticket)| {
            let sent = threads.spawn(move || gateway.post(&created(id, ticket), SECRETS[0]).0);
            // The first is being written when the second comes.
            std::thread::sleep(Duration::from_millis(300));
            sent
        });
        assert_eq!(both.map(|sent| sent.join().expect("it is answered")), [200, 200]);
    });
}

#[test]
fn of_what_two_sources_deliver_alike_each_has_a_letter() {
    let world = World::of_all(vec![desk(), named("another", "mapping", DESK)]);
    let mut desk = world.desk(Box::new(|_, _| Ok(Encoding::SingleObject)));
    let arrived = ["desk", "another"].map(|source| Arrived {
        source: source.to_owned(),
        headers: Vec::new(),
        body: "no JSON".into(),
        received_at: now(),
        position: None,
        asked: None,
    });
    for _ in 0..2 {
        assert!(desk.take(&arrived, now()).iter().all(|answer| matches!(answer, Answer::Unreadable(_))));
    }
    let mut of: Vec<_> = world.headers("dead-letters").iter().map(|about| about["tierline.source"].clone()).collect();
    of.sort();
    assert_eq!(of, ["another", "desk"]);
}

#[test]
fn a_slow_caller_is_cut_off() {
    let mut world = World::new();
    world.timeout = Duration::from_millis(500);
    let gateway = world.start();
    let head = "POST /hooks/desk HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    for (said, answer) in [(head, "HTTP/1.1 408"), ("POST /hooks/desk HT", "HTTP/1.1 408"), ("", "")] {
        let began = Instant::now();
        let mut caller = TcpStream::connect(gateway.address).expect("it listens");
        caller.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout can be set");
        caller.write_all(said.as_bytes()).expect("it is heard");
        let mut heard = String::new();
        // Whether it is closed with an answer, without one, or reset.
        let _ = caller.read_to_string(&mut heard);
        assert!(began.elapsed() < Duration::from_secs(4), "{said:?}");
        assert!(heard.is_empty() || heard.starts_with(answer), "{said:?}: {heard}");
    }
    assert!(world.path().exists());
}

#[test]
fn whoever_asks_for_the_head_alone_is_told_whether_anybody_is_here() {
    let world = World::new();
    let gateway = world.start();
    for (name, answer) in [("desk", "HTTP/1.1 200"), ("nobody", "HTTP/1.1 404")] {
        let mut caller = TcpStream::connect(gateway.address).expect("it listens");
        caller.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout can be set");
        let said = format!("HEAD /hooks/{name} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        caller.write_all(said.as_bytes()).expect("it is heard");
        let mut heard = String::new();
        caller.read_to_string(&mut heard).expect("it answers and ends");
        assert!(heard.starts_with(answer), "{heard}");
    }
}
