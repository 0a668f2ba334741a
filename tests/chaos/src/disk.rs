//! The embedded log on a disk that fills up: it must stop with a message, keep what it confirmed, and go on without
//! loss when there is room again.
//!
//! The disk is a small tmpfs where one can be mounted, which takes root; else the limit on the size of the program's
//! files stands in for it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tierline_invariants::outcome::Grain;
use tierline_invariants::{Outcome, escalations};
use tierline_testkit::{Process, Program};

use crate::chance::Chance;
use crate::oracle::{self, NOBODY, instant, send, tail};
use crate::story::{RULES, Story, Told};

const PARTITIONS: i32 = 2;
const MEGABYTES: usize = 24;
/// So many events before there is no room, and in each attempt afterwards.
const BEFORE: usize = 600;
const CHUNK: usize = 200;
/// A log that takes so many on a full disk is on another one.
const MOST: usize = 100;
/// What it must say.
const FULL: &str = "the disk that holds the log is full";

/// Does it, in a folder of its own; what the disk was.
///
/// # Errors
/// A promise is broken: which, in words.
///
/// # Panics
/// As the kit does, when something cannot be tried.
pub fn fill(folder: &Path, binary: &Path, mut dice: Chance) -> Result<String, String> {
    let disk = Disk::make(&folder.join("disk"));
    let config = format!(
        "log: {{ kind: embedded, path: {}, partitions: {PARTITIONS} }}\n{NOBODY}{RULES}",
        disk.folder().join("log").display()
    );
    let program = Program::within(folder, binary, &config);
    let mut story = Story::new(dice.number(), 20, PARTITIONS);
    let mut told = story.known();
    send(&program, &told);

    let mut running = program.start("before", ["run"]);
    tell(&program, &mut story, BEFORE, &mut told);
    let confirmed = tickets(&told);
    running = disk.fill(&program, running);
    let confirmed = confirmed + until_full(&program, &mut story, &mut told)?;
    let said = stopped(running)?;
    disk.make_room();

    let kept = tail(&program, "tickets");
    let sent: Vec<&Told> = told.iter().filter(|told| told.stream == "tickets" && !told.is_bad).collect();
    if kept.len() < confirmed {
        return Err(format!(
            "ExactlyOnce: {confirmed} records were confirmed, {} are there; it had said: {said}",
            kept.len()
        ));
    }
    // A batch is written whole or not at all: what is missing are the last ones, and they are sent again.
    let again: Vec<Told> = sent[kept.len().min(sent.len())..].iter().map(|&told| told.clone()).collect();
    let rest = program.start("after", ["run"]);
    send(&program, &again);
    tell(&program, &mut story, BEFORE, &mut told);
    let ended = rest.terminate(Duration::from_secs(30));
    if !ended.success() {
        return Err(format!("with room again, it ended with {ended}"));
    }
    program.answer(["run", "--until", &instant(story.end())]).well();
    let records: Vec<_> = tail(&program, "escalations").into_iter().map(|mut line| line["value"].take()).collect();
    let broken = |broken: tierline_invariants::Violation| broken.to_string();
    escalations(&records).map_err(broken)?;
    let expected = oracle::outcome(folder, binary, PARTITIONS, &told, story.end())?;
    Outcome::of(records).and_then(|outcome| outcome.compare(&expected, Grain::Account)).map_err(broken)?;
    Ok(disk.name())
}

/// Sends the next events, all of which must be taken.
fn tell(program: &Program, story: &mut Story, events: usize, told: &mut Vec<Told>) {
    let next: Vec<Told> = (0..events).map(|_| story.event()).collect();
    send(program, &next);
    told.extend(next);
}

/// Sends on until nothing is taken any more; how many were confirmed.
fn until_full(program: &Program, story: &mut Story, told: &mut Vec<Told>) -> Result<usize, String> {
    let mut confirmed = 0;
    for _ in 0..MOST {
        let next: Vec<Told> = (0..CHUNK).map(|_| story.event()).filter(|told| !told.is_bad).collect();
        let lines: String = next.iter().map(|told| format!("{}\n", told.value)).collect();
        let answer = program.answer_to(["send", "tickets"], &lines);
        let count = next.len();
        told.extend(next);
        if answer.code != Some(0) {
            return Ok(confirmed);
        }
        confirmed += count;
    }
    Err(format!("a full disk took {} events, and more", MOST * CHUNK))
}

/// Waits until the instance has ended over it; the last that it said.
fn stopped(mut running: Process) -> Result<String, String> {
    let ended = running.wait_ended(Duration::from_secs(60));
    let log = running.log();
    let last = log.lines().next_back().unwrap_or_default().to_owned();
    match ended.code() == Some(2) && log.contains(FULL) {
        true => Ok(last),
        false => Err(format!("with a full disk it ended with {ended} and without saying so: {last}")),
    }
}

fn tickets(told: &[Told]) -> usize {
    told.iter().filter(|told| told.stream == "tickets" && !told.is_bad).count()
}

/// A disk that can be filled.
enum Disk {
    /// A file system of its own, and what fills it.
    Tmpfs(PathBuf),
    /// A folder; the program may not write files beyond a size.
    Limit(PathBuf),
}

impl Disk {
    fn make(folder: &Path) -> Disk {
        fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let size = format!("size={MEGABYTES}m,mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tierline-chaos"]).arg(folder).output();
        match mounted.is_ok_and(|output| output.status.success()) {
            true => Disk::Tmpfs(folder.to_path_buf()),
            false => Disk::Limit(folder.to_path_buf()),
        }
    }

    fn name(&self) -> String {
        match self {
            Disk::Tmpfs(_) => format!("a tmpfs of {MEGABYTES} MB"),
            Disk::Limit(_) => "a limit on the size of files".to_owned(),
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Disk::Tmpfs(folder) | Disk::Limit(folder) => folder,
        }
    }

    /// From now on there is no room. A limit holds from a program's start, so that one is started anew.
    fn fill(&self, program: &Program, running: Process) -> Process {
        match self {
            Disk::Tmpfs(folder) => {
                let mut ballast = File::create(folder.join("ballast")).expect("a disk of our own");
                // Until it is refused; then byte by byte, so that not a page is left.
                for size in [1 << 20, 4_096, 1] {
                    while ballast.write_all(&vec![0; size]).is_ok() {}
                }
                running
            }
            Disk::Limit(folder) => {
                running.terminate(Duration::from_secs(30));
                let size = fs::metadata(folder.join("log/log.redb")).map_or(0, |about| about.len());
                // The shell counts in blocks of 512 bytes; the limit is no signal but an error to who ignores that.
                let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" run", size / 512 + 8);
                let binary = program.binary().display().to_string();
                Program::within(program.folder(), "sh", "").start("limited", ["-c", &script, &binary])
            }
        }
    }

    fn make_room(&self) {
        if let Disk::Tmpfs(folder) = self {
            fs::remove_file(folder.join("ballast")).expect("it was made before");
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Disk::Tmpfs(folder) = self {
            // Nothing of this program's is open in it any more.
            let _ = Command::new("umount").arg(folder).output();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binary;

    #[test]
    fn a_full_disk_stops_the_embedded_log_with_a_message_and_loses_nothing() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let binary = binary::tierline().expect("cargo builds it");
        fill(folder.path(), &binary, Chance::new(3)).expect("nothing is lost");
    }
}
