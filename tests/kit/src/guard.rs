//! Servers that end with their last user, however that one ends.
//!
//! Each user holds a shared lock on a file beside the server; the kernel drops it when the user's process is gone. A
//! small shell script runs the server and waits for the lock to be free. `guard.sh` tells the rest.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::kafka_jars::tail;
use crate::wait::attempt;

const SCRIPT: &str = include_str!("guard.sh");
/// A cold JVM on two busy cores takes its time.
const START: Duration = Duration::from_secs(90);
/// Other processes take ports as well: a start that lost one is tried again on others.
const TRIES: usize = 3;

/// A hold on a running server. It runs for as long as any process has one.
pub struct Guarded {
    folder: PathBuf,
    /// Where the server listens, as its starter wrote it down.
    pub address: String,
    _user: File,
}

/// How to start a server that nobody has started yet.
pub struct Start<'a> {
    /// Its program and arguments.
    pub command: Vec<String>,
    /// Where it will listen.
    pub address: String,
    /// Whether its log says that it is ready.
    pub is_ready: &'a dyn Fn(&str) -> bool,
}

impl Guarded {
    /// The server of this folder: the one that runs, else a new one, which `prepare` lays out in the folder, on other
    /// ports for each of a few tries. `linger`: whole seconds that it outlives its last user.
    ///
    /// # Errors
    /// The end of the server's log when it ends or isn't ready in time, at the last try too.
    pub fn join<'a>(folder: &Path, linger: u64, mut prepare: impl FnMut() -> Start<'a>) -> Result<Guarded, String> {
        let in_folder = |error: io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(in_folder)?;
        // One process looks and starts at a time; the others then find what it started.
        let starting = File::create(folder.join("starting")).map_err(in_folder)?;
        starting.lock().map_err(in_folder)?;
        let user = File::options().append(true).create(true).open(folder.join("users")).map_err(in_folder)?;
        // Waits while a guard clears away; from here on none begins to.
        user.lock_shared().map_err(in_folder)?;
        let address = match fs::read_to_string(folder.join("address")) {
            Ok(address) => address,
            // All tries under one hold: the guard of a failed one clears the folder away as soon as nobody has any.
            Err(_) => (1..TRIES)
                .find_map(|_| start(folder, linger, prepare()).ok())
                .map_or_else(|| start(folder, linger, prepare()), Ok)?,
        };
        Ok(Guarded { folder: folder.to_path_buf(), address, _user: user })
    }

    /// The last lines of the server's log.
    pub fn log_tail(&self) -> String {
        log_tail(&self.folder)
    }

    /// Sends the server itself a signal.
    ///
    /// # Panics
    /// When it does not run.
    pub fn signal(&self, signal: Signal) {
        let told = fs::read_to_string(self.folder.join("pid")).unwrap_or_default();
        let pid = told.trim().parse().ok().and_then(Pid::from_raw);
        let sent = pid.is_some_and(|pid| kill_process(pid, signal).is_ok());
        assert!(sent, "the server of {} does not run", self.folder.display());
    }

    /// The server's folder.
    #[cfg(test)]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn start(folder: &Path, linger: u64, start: Start<'_>) -> Result<String, String> {
    let (log, pid) = (folder.join("log"), folder.join("pid"));
    let _ = fs::remove_file(&log);
    let _ = fs::remove_file(&pid);
    let mut guard = Command::new("sh")
        .args(["-c", SCRIPT, "guard"])
        .arg(folder)
        .arg(linger.to_string())
        .args(&start.command)
        // Not a part of the terminal's group: an interrupt ends the tests, and the guard then ends the server.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot run sh: {error}"))?;
    attempt(START, || {
        if (start.is_ready)(&fs::read_to_string(&log).unwrap_or_default()) {
            return Ok(Ok(()));
        }
        // Not the file `pid`: the server may have begun its log before the guard writes that. A guard that has gone has
        // also cleared away what the next start writes anew.
        let ended = guard.try_wait().is_ok_and(|status| status.is_some());
        if ended { Ok(Err("it ended")) } else { Err("it is not ready") }
    })
    .unwrap_or_else(Err)
    .map_err(|why| format!("{why}; its log ends with:\n{}", log_tail(folder)))?;
    fs::write(folder.join("address"), &start.address).map_err(|error| error.to_string())?;
    Ok(start.address)
}

fn log_tail(folder: &Path) -> String {
    tail(&fs::read_to_string(folder.join("log")).unwrap_or_default(), 40)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventually;

    /// The guard of a start that failed once held the lock for ever, waiting for the end of its successor's server;
    /// later it cleared the folder away under the second try.
    #[test]
    fn a_server_that_was_started_at_the_second_try_ends_with_its_last_user() {
        let within = tempfile::tempdir().expect("a folder for temporary files");
        let folder = temporary(&within);
        let mut tries = ["echo no port; exit 1", "echo up; exec sleep 600"].into_iter();
        let user = Guarded::join(&folder, 0, || server(tries.next().expect("two tries do"))).expect("it starts");
        drop(user);
        gone(&folder);
    }

    #[test]
    fn a_server_that_never_starts_says_why_and_leaves_nothing() {
        let within = tempfile::tempdir().expect("a folder for temporary files");
        let folder = temporary(&within);
        let never = Guarded::join(&folder, 0, || server("echo no port; exit 1"));
        assert!(never.is_err_and(|why| why.contains("no port")));
        gone(&folder);
    }

    fn temporary(within: &tempfile::TempDir) -> PathBuf {
        let folder = within.path().join("server");
        fs::create_dir_all(&folder).expect("our own folder");
        File::create(folder.join("temporary")).expect("our own folder");
        folder
    }

    fn server(script: &str) -> Start<'static> {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        Start { command, address: "here".to_owned(), is_ready: &|log| log.contains("up") }
    }

    fn gone(folder: &Path) {
        eventually(
            "the server and its folder to be gone",
            || if folder.exists() { Err("it is there") } else { Ok(()) },
        );
    }
}
