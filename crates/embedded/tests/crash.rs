//! Killed in the middle of a commit, again and again: what is there agrees with itself, and nothing that was said to
//! be done is missing. And two processes on one folder.

mod kit;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kit::*;
use tierline_embedded::Embedded;
use tierline_stream::client::Client;
use tierline_stream::log::{Log, Partition};

/// Names the folder to the child that this test binary becomes.
const FOLDER: &str = "TIERLINE_TEST_FOLDER";

const EACH_COMMIT: i64 = 20;

#[test]
fn outputs_changelog_and_positions_agree_however_often_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut said = 0;
    for round in 0..10 {
        let mut child = child("commits_until_it_is_killed", folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It goes on while this is read: the kill meets it wherever it is then.
        for line in lines.by_ref().map_while(Result::ok).filter_map(|line| committed(&line)).take(3 + round % 4) {
            said = line;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            said = committed(&line).unwrap_or(said);
        }
        assert!(said > 0, "round {round} wrote nothing");
        let there = agreed(folder.path());
        assert!(there >= said, "round {round}: commit {said} was said to be done, {there} is there");
        said = there;
    }
}

#[test]
fn another_process_is_told_who_has_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _open = open(folder.path());
    let child = child("opens_the_folder", folder.path()).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(said.contains(&format!("is in use by process {}:", std::process::id())), "{said}");
}

/// Not a test: what the first one kills.
#[test]
#[ignore = "a child of another test"]
fn commits_until_it_is_killed() {
    let folder = std::env::var(FOLDER).unwrap();
    let log = open(Path::new(&folder));
    let mut lane = lane(&log);
    let mut sender = log.client();
    std::thread::spawn(move || while sender.send("tickets", Some(0), None, Some(b"meanwhile"), &[]).is_ok() {});
    let begin = log.committed("detect", "tickets", 0).unwrap_or(0);
    for commit in begin + 1.. {
        for partition in 0..PARTITIONS {
            for n in 0..EACH_COMMIT {
                let number = (commit - 1) * EACH_COMMIT + n;
                write(&mut lane, OUT, partition, "acme", Some(&number.to_string()));
            }
            write(&mut lane, STATE, partition, "count", Some(&(commit * EACH_COMMIT).to_string()));
        }
        lane.commit(&[(0, commit), (1, commit)]).unwrap();
        println!("\ncommitted {commit}");
    }
}

/// Not a test: what the second one refuses.
#[test]
#[ignore = "a child of another test"]
fn opens_the_folder() {
    let folder = std::env::var(FOLDER).unwrap();
    let refused = Embedded::open(settings(Path::new(&folder), &Hand::default())).err();
    println!("{}", refused.map_or("it was open".to_owned(), |refused| refused.to_string()));
}

fn child(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

fn committed(line: &str) -> Option<i64> {
    line.strip_prefix("committed ")?.parse().ok()
}

/// Checks every partition, and returns how many commits are there.
fn agreed(folder: &Path) -> i64 {
    let log = open(folder);
    let (outputs, state) = (all(&mut log.client(), "escalations"), all(&mut log.client(), "detect-state"));
    let commits: Vec<_> = (0..PARTITIONS).map(|partition| log.committed("detect", "tickets", partition)).collect();
    let commits = commits.iter().copied().min().flatten().expect("something was committed");
    let of = |partition: Partition| outputs.iter().filter(move |(of, ..)| *of == partition);
    for partition in 0..PARTITIONS {
        assert_eq!(log.committed("detect", "tickets", partition), Some(commits));
        for (n, (_, offset, _, value)) in of(partition).enumerate() {
            assert_eq!((*offset, value.as_deref()), (n as i64, Some(n.to_string().as_str())));
        }
        let count = (commits * EACH_COMMIT).to_string();
        assert_eq!(of(partition).count().to_string(), count);
        let states: Vec<_> = state.iter().filter(|(of, ..)| *of == partition).collect();
        assert_eq!(states.len(), 1);
        assert_eq!(states[0].3.as_deref(), Some(count.as_str()));
    }
    commits
}
