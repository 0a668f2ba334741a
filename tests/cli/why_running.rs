//! `why`, asked of a running instance: over HTTP and by the command, beside what the log says of the same ticket.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tierline_testkit::{Process, Program, free_address};

use crate::PROGRAM;
use crate::beside::created;

const CONFIG: &str = "\
time: { grace: 10ms, start: replay }
rules:
  - { id: urgent, tier: 3, when: { ticket.priority: urgent } }
  - { id: silent, tier: 2, when: { ticket.no_agent_reply_for: 2h } }
";

struct Running {
    program: Program,
    process: Process,
    listen: String,
}

impl Running {
    /// An instance that has read the tickets T1, urgent, and `a b/2`.
    fn start(observe: &str) -> Running {
        let listen = free_address();
        let config = format!("observe: {{ listen: \"{listen}\"{observe} }}\n{CONFIG}");
        let program = Program::new(PROGRAM, &config);
        program.write("token", "hunter2\n");
        let mut process = program.start("run", ["run"]);
        process.wait_ready(&listen);
        let tickets = format!("{}\n{}\n", created("T1", "urgent"), created("a b/2", "low"));
        program.answer_to(["send", "tickets"], &tickets).well();
        let mut running = Running { program, process, listen };
        let listen = running.listen.clone();
        running.process.wait_for("both tickets to be read", |_| match get(&listen, "a%20b%2F2", Some("hunter2")) {
            (200, _) => Ok(()),
            other => Err(format!("{other:?}")),
        });
        running
    }

    fn command(&self, arguments: &[&str]) -> tierline_testkit::Answer {
        self.program.answer(["why"].iter().chain(arguments))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let answer = self.command(&[arguments, &["--output", "json"]].concat()).well();
        serde_json::from_str(&answer.out).expect("it is JSON")
    }
}

/// The status and the body of what is answered to a ticket's id and a query.
fn get(listen: &str, ticket: &str, token: Option<&str>) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.get(format!("http://{listen}/v1/why/{ticket}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut answer = request.call().expect("it answers");
    (answer.status().as_u16(), answer.body_mut().read_to_string().expect("a text"))
}

/// An hour from now, on a whole second.
fn in_an_hour() -> String {
    (chrono::Utc::now() + chrono::TimeDelta::hours(1)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn without_its_instant(mut told: Value) -> Value {
    told["at"] = Value::Null;
    told
}

#[test]
fn the_instance_the_command_and_the_log_say_the_same_of_the_same_instant() {
    let running = Running::start("");
    let at = in_an_hour();
    let (status, body) = get(&running.listen, &format!("T1?at={at}"), None);
    assert_eq!(status, 200, "{body}");
    let asked = running.command(&["T1", "--at", &at, "--output", "json"]).well();
    assert_eq!(asked.out, body, "byte for byte");
    assert_eq!(asked.err, format!("told by the instance at http://{}\n", running.listen));
    let offline = running.command(&["T1", "--log", "--at", &at, "--output", "json"]).well();
    assert_eq!(offline.out, body);
    assert!(offline.err.starts_with("told by the state that "), "{}", offline.err);
    let map = running.program.answer(["data-map", "--at", &at, "--output", "json"]);
    let map: Value = serde_json::from_str(&map.out).expect("it is JSON");
    assert_eq!(map["at"], json!(at), "the data map takes the same way");

    let told: Value = serde_json::from_str(&body).expect("it is JSON");
    assert_eq!((&told["at"], &told["tier"]), (&json!(at), &json!(3)));
    assert_eq!((&told["rules"][0]["stands"], &told["rules"][1]["stands"]), (&json!("fired"), &json!("no")));

    // As of now: the state in memory, and the same as it was written.
    let now = running.json(&["a b/2", "--account", "acme", "--rule", "silent"]);
    assert_eq!((&now["ticket_id"], now["rules"].as_array().map(Vec::len)), (&json!("a b/2"), Some(1)));
    let folder = running.program.folder().join("tierline-data");
    let folder = folder.to_str().expect("a path of letters");
    for written in [vec!["--log"], vec!["--folder", folder]] {
        let written = running.json(&[&["a b/2", "--rule", "silent"], written.as_slice()].concat());
        assert_eq!(without_its_instant(written), without_its_instant(now.clone()));
    }
    let table = running.command(&["T1"]).well();
    assert!(table.out.contains("escalated to tier 3") && table.out.contains("\nurgent: fired"), "{}", table.out);
    // What has passed is the log's.
    let past = running.command(&["T1", "--at", "2026-01-01T00:00:00Z"]);
    assert_eq!((past.code, past.out.as_str()), (Some(1), ""));
    let past = running.command(&["T1", "--at", "2026-01-01T00:00:00Z", "--instance", &running.listen]);
    assert_eq!(past.code, Some(2));
    assert!(past.err.contains("does not look back"), "{}", past.err);
}

#[test]
fn what_the_folder_holds_is_told_when_nothing_runs() {
    let running = Running::start("");
    let before = running.json(&["T1"]);
    let Running { program, process, listen } = running;
    assert!(process.terminate(Duration::from_secs(10)).success());

    let answer = program.answer(["why", "T1"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(answer.err.contains(&format!("no running instance told it:\n  http://{listen}: ")), "{}", answer.err);
    assert!(["--log", "--folder", "--events"].iter().all(|way| answer.err.contains(way)), "{}", answer.err);

    let answer = program.answer(["why", "T1", "--folder", "tierline-data", "--output", "json"]).well();
    let told: Value = serde_json::from_str(&answer.out).expect("it is JSON");
    assert_eq!(without_its_instant(told), without_its_instant(before));
    assert_eq!(answer.err, "told by the state that is written in tierline-data\n");
    let answer = program.answer(["why", "T9", "--log"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""));
    let answer = program.answer(["why", "T1", "--folder", "nowhere"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("there is no log in nowhere"), "{}", answer.err);
}

#[test]
fn a_token_is_wanted_and_never_shown() {
    let running = Running::start(", token: { file: token }");
    for wrong in [None, Some("hunter"), Some("hunter22")] {
        let (status, body) = get(&running.listen, "T1", wrong);
        assert_eq!((status, body.contains("hunter2")), (401, false), "{body}");
    }
    assert_eq!(running.json(&["T1"])["tier"], 3);
    let answer = running.command(&["T9"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(1), ""), "{}", answer.err);
    let answer = running.command(&["T1", "--rule", "none"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("there is no such rule"), "{}", answer.err);

    let other = Program::new(PROGRAM, CONFIG);
    let answer = other.answer(["why", "T1", "--instance", &running.listen]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("observe.token"), "{}", answer.err);
    let log = running.process.log();
    assert!(!log.contains("hunter2") && !log.contains("a b/2"), "{log}");
}

/// An instance that says of every ticket that this one owns it.
fn points_at(listener: TcpListener, another: &str) {
    let body = format!("{{\"error\": \"another instance owns it\", \"instances\": [\"http://{another}\"]}}");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let asked =
                BufReader::new(&stream).lines().take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()));
            assert!(asked.count() > 0);
            let head = format!("HTTP/1.1 421 Elsewhere\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).expect("it listens");
        }
    });
}

#[test]
fn two_instances_that_point_at_each_other_have_not_said_that_there_is_no_ticket() {
    let bind = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let (one, other) = (bind(), bind());
    let address = |listener: &TcpListener| listener.local_addr().expect("it has one").to_string();
    let (first, second) = (address(&one), address(&other));
    points_at(one, &second);
    points_at(other, &first);
    let answer = Program::new(PROGRAM, CONFIG).answer(["why", "T1", "--instance", &first]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    assert!(answer.err.contains("each says that another owns it"), "{}", answer.err);
}

#[test]
fn on_an_address_for_others_it_is_off_without_a_token() {
    let listen = free_address();
    let port = listen.rsplit_once(':').map(|(_, port)| port.to_owned()).expect("it has a port");
    let config = format!("observe: {{ listen: \"0.0.0.0:{port}\" }}\n{CONFIG}");
    let program = Program::new(PROGRAM, &config);
    let mut process = program.start("run", ["run"]);
    process.wait_ready(&listen);
    let (status, body) = get(&listen, "T1", None);
    assert_eq!(status, 403);
    assert!(body.contains("observe.token"), "{body}");
    let answer = program.answer(["why", "T1"]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("set observe.token"), "{}", answer.err);
}
