//! Where what the program writes to is full, or whoever reads it has gone.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tierline_testkit::{Program, eventually, free_address};

use crate::beside::{created, started, tail};
use crate::{PROGRAM, URGENT};

/// A child of the test's own. Dropped, it is killed.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Kept {
    /// Waits until it has ended, and says whether that was well.
    fn ended_well(&mut self) -> bool {
        let ended = || self.0.try_wait().expect("a child can be asked after").ok_or("it runs");
        eventually("the program to end", ended).success()
    }
}

fn full() -> File {
    File::options().write(true).open("/dev/full").expect("a device that is always full")
}

#[test]
fn an_instance_whose_log_lines_find_no_room_goes_on() {
    let listen = free_address();
    let program = Program::new(PROGRAM, &format!("observe: {{ listen: \"{listen}\" }}\n{URGENT}"));
    let mut run = Command::new(program.binary());
    run.arg("run").current_dir(program.folder()).stdin(Stdio::null()).stdout(full()).stderr(full());
    let mut run = Kept(run.spawn().expect("it starts"));
    eventually("it to be ready", || ureq::get(format!("http://{listen}/readyz")).call());
    program.answer_to(["send", "tickets"], &created("T1", "urgent").to_string()).well();
    eventually("the escalation", || match tail(&program, "escalations").len() {
        1 => Ok(()),
        other => Err(format!("there are {other}")),
    });
    assert!(Command::new("kill").arg(run.0.id().to_string()).status().expect("there is a kill").success());
    assert!(run.ended_well());
}

#[test]
fn a_note_that_finds_no_room_stops_no_command() {
    let program = Program::new(PROGRAM, URGENT);
    let mut send = Command::new(program.binary());
    send.args(["send", "tickets"]).current_dir(program.folder()).stdin(Stdio::piped()).stderr(full());
    let mut send = Kept(send.spawn().expect("it starts"));
    let events = format!("no JSON\n{}\n", created("T1", "urgent"));
    send.0.stdin.take().expect("it is piped").write_all(events.as_bytes()).expect("it reads");
    assert!(!send.ended_well(), "one of the two lines is bad");
    assert_eq!(tail(&program, "tickets").len(), 1);
}

#[test]
fn tail_ends_when_nobody_reads_it_any_more() {
    let (program, _running, _) = started(URGENT);
    program.answer_to(["send", "tickets"], &created("T1", "urgent").to_string()).well();
    let mut follow = Command::new(program.binary());
    follow.args(["tail", "tickets", "--from-start"]).current_dir(program.folder()).stdout(Stdio::piped());
    let mut follow = Kept(follow.spawn().expect("it starts"));
    let mut line = String::new();
    let reader = follow.0.stdout.take().expect("it is piped");
    // Then the reader goes, as `head -1` does, and nothing more is told.
    BufReader::new(reader).read_line(&mut line).expect("a line");
    assert!(line.contains("T1") || line.contains("acme"), "{line}");
    follow.ended_well();
}

/// What its reader had not taken kept the folder once, so that no instance could begin.
#[test]
fn a_tail_whose_reader_waits_lets_an_instance_begin() {
    const RECORDS: usize = 2_000;
    let listen = free_address();
    let program = Program::new(PROGRAM, &format!("observe: {{ listen: \"{listen}\" }}\n{URGENT}"));
    // More than a pipe holds.
    let backlog: String = (0..RECORDS).map(|n| format!("{}\n", created(&format!("T{n}"), "low"))).collect();
    program.answer_to(["send", "tickets"], &backlog).well();
    let mut tail = Command::new(program.binary());
    tail.args(["tail", "tickets", "--from-start", "--output", "json"]);
    let mut tail = Kept(tail.current_dir(program.folder()).stdout(Stdio::piped()).spawn().expect("it starts"));
    let mut lines = BufReader::new(tail.0.stdout.take().expect("it is piped")).lines();
    lines.next().expect("it has begun").expect("a line");
    let mut run = program.start("run", ["run"]);
    run.wait_ready(&listen);
    let rest = lines.by_ref().take(RECORDS - 1).map(|line| line.expect("a line")).filter(|line| line.contains("acme"));
    assert_eq!(rest.count(), RECORDS - 1, "it goes on beside the instance");
    drop(lines);
    tail.ended_well();
    assert!(run.terminate(Duration::from_secs(10)).success());
}
