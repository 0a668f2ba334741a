//! Signals where they do nothing by themselves: a container's first process has no default action of theirs.

use std::process::{Command, Stdio};
use std::time::Duration;

use tierline_testkit::{Program, free_address};

use crate::beside::created;
use crate::{PROGRAM, URGENT};

/// Handlers were once installed when the start was over: until then a container's first process heard nothing.
#[test]
fn a_start_that_waits_is_ended_by_the_first_signal() {
    let waits = [
        ("schema_registry: { url: \"http://127.0.0.1:1\" }", "waiting for the schema registry"),
        ("log: { kind: kafka, brokers: \"127.0.0.1:1\", patience: 60s }", ""),
    ];
    for (config, word) in waits {
        let listen = free_address();
        let shell = Program::new("/bin/sh", &format!("{config}\nobserve: {{ listen: \"{listen}\" }}\n{URGENT}"));
        let mut run = shell.start("run", ["-c", &format!("trap '' TERM INT; exec {PROGRAM} run")]);
        run.wait_for("it to wait", |run| {
            ureq::get(format!("http://{listen}/livez")).call().map_err(|error| error.to_string())?;
            if run.log().contains(word) { Ok(()) } else { Err(run.log()) }
        });
        run.ask_to_end();
        let ended = run.wait_ended(Duration::from_secs(20));
        assert!(ended.success(), "{config}: {ended}");
        assert!(run.log().contains("ending before the start is complete"), "{config}: {}", run.log());
    }
}

#[test]
fn the_first_process_of_a_container_is_ended_by_a_signal_whatever_it_does() {
    let can = Command::new("unshare").args(["-Urpf", "true"]).stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        eprintln!("not tried: this system gives nobody a first process of his own");
        return;
    }
    let program = Program::new(PROGRAM, URGENT);
    program.answer_to(["send", "tickets"], &created("T1", "low").to_string()).well();
    let container = Program::within(program.folder(), "unshare", "");
    let script = format!("(while kill -TERM 1; do sleep 0.1; done) & exec {PROGRAM} tail tickets");
    let answer = container.answer(["-Urpf", "--kill-child", "sh", "-c", &script]);
    assert_eq!(answer.code, Some(143), "{answer:?}");
}
