//! The built program, as its users run it: a configuration in a folder of its own, arguments, exit code, signals.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::kafka_jars::tail;
use crate::names::{free_port, unique};
use crate::wait::{eventually, within};

/// Longer than any command takes that ends by itself.
const ANSWER: Duration = Duration::from_secs(120);

/// Runs the program beside a watcher which kills it when the test that started it is gone, however it ended: then
/// the pipe at the script's standard input closes. The program's own exit code is passed on.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
"$@" <"$INPUT" 3<&- & program=$!
(cat <&3 >/dev/null; kill -KILL "$program" 2>/dev/null) & watcher=$!
exec 3<&-
echo "$program" >"$PID_FILE.new" && mv "$PID_FILE.new" "$PID_FILE"
wait "$program"; code=$?
kill "$watcher" 2>/dev/null
exit $code
"#;

/// The program and a folder with its configuration.
pub struct Program {
    binary: PathBuf,
    folder: PathBuf,
    /// Goes with this value; none where the folder is somebody else's.
    _temporary: Option<TempDir>,
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub struct Answer {
    /// Its exit code; 128 and the signal's number if one ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Program {
    /// `binary`: the caller's `env!("CARGO_BIN_EXE_tierline")`. `config` becomes `tierline.yaml` in a new folder, in
    /// which everything runs.
    pub fn new(binary: impl AsRef<Path>, config: &str) -> Program {
        let temporary = tempfile::tempdir().expect("a folder for temporary files");
        let folder = temporary.path().to_path_buf();
        let program = Program { binary: binary.as_ref().to_path_buf(), folder, _temporary: Some(temporary) };
        program.write("tierline.yaml", config);
        program
    }

    /// The same in a folder of the caller's, who also removes it. It is made where there is none; an empty `config`
    /// writes no file.
    pub fn within(folder: &Path, binary: impl AsRef<Path>, config: &str) -> Program {
        fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        let program = Program { binary: binary.as_ref().to_path_buf(), folder, _temporary: None };
        if !config.is_empty() {
            program.write("tierline.yaml", config);
        }
        program
    }

    /// The program's file.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder().join(name);
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// Runs a command to its end.
    pub fn answer<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Answer {
        self.answer_to(arguments, "")
    }

    /// Runs a command to its end, with this at its standard input.
    ///
    /// # Panics
    /// When it has not ended after two minutes.
    pub fn answer_to<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>, input: &str) -> Answer {
        let name = unique("command");
        let file = |what: &str| self.folder().join(format!("{name}.{what}"));
        let made = |path: &Path| File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        fs::write(file("in"), input).expect("our own folder");
        let mut process = self.spawn(&name, arguments, &file("in"), made(&file("log")), made(&file("err")));
        let code = process.wait_ended(ANSWER).code();
        let read = |what| String::from_utf8_lossy(&fs::read(file(what)).unwrap_or_default()).into_owned();
        let answer = Answer { code, out: read("log"), err: read("err") };
        for what in ["in", "log", "err", "pid"] {
            let _ = fs::remove_file(file(what));
        }
        answer
    }

    /// Starts a command that goes on until it is ended. `name` tells several of one folder apart; one that is ended
    /// may be started again under the same name.
    pub fn start<S: AsRef<OsStr>>(&self, name: &str, arguments: impl IntoIterator<Item = S>) -> Process {
        let log = self.folder().join(format!("{name}.log"));
        let output = File::options().append(true).create(true).open(&log).expect("our own folder");
        let both = output.try_clone().expect("a handle can be copied");
        self.spawn(name, arguments, Path::new("/dev/null"), output, both)
    }

    fn spawn<S: AsRef<OsStr>>(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = S>,
        input: &Path,
        out: File,
        err: File,
    ) -> Process {
        let (log, pid_file) = (self.folder().join(format!("{name}.log")), self.folder().join(format!("{name}.pid")));
        let _ = fs::remove_file(&pid_file);
        let mut guarded = Command::new("sh");
        guarded.args(["-c", SCRIPT, name]).arg(&self.binary).args(arguments).current_dir(self.folder());
        let child = guarded
            .env("PID_FILE", &pid_file)
            .env("INPUT", input)
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("there is a shell");
        let pid = eventually("the program to start", || {
            let text = fs::read_to_string(&pid_file).map_err(|error| error.to_string())?;
            text.trim().parse::<i32>().map_err(|error| error.to_string())
        });
        let pid = Pid::from_raw(pid).expect("no process has the id 0");
        Process { name: name.to_owned(), child, pid, log }
    }
}

impl Answer {
    /// This answer, which must have ended well.
    ///
    /// # Panics
    /// With all that it said if it did not.
    pub fn well(self) -> Answer {
        assert_eq!(self.code, Some(0), "it said:\n{}{}", self.out, self.err);
        self
    }
}

/// A running program. Dropped, it is killed.
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    log: PathBuf,
}

impl Process {
    /// Its process id.
    pub fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits until it says at `http://{listen}/readyz` that it is ready.
    ///
    /// # Panics
    /// When it isn't within a minute, or ends: with the end of its log.
    pub fn wait_ready(&mut self, listen: &str) {
        self.wait_for("it to be ready", |_| {
            ureq::get(format!("http://{listen}/readyz")).call().map(drop).map_err(|error| error.to_string())
        });
    }

    /// Waits for a condition while the program runs.
    ///
    /// # Panics
    /// When it doesn't come within a minute, or the program ends: with the end of its log.
    pub fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut(&mut Process) -> Result<T, String>) -> T {
        let what = format!("{what} ({})", self.name);
        let found = eventually(&what, || match look(self) {
            Ok(found) => Ok(Ok(found)),
            Err(_) if self.has_ended().is_some() => Ok(Err("it ended")),
            Err(instead) => Err(format!("{instead}; its log ends with:\n{}", self.log_tail())),
        });
        found.unwrap_or_else(|why| panic!("waited for {what}, but {why}; its log ends with:\n{}", self.log_tail()))
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of our own can be asked after")
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When it hasn't within `patience`.
    pub fn wait_ended(&mut self, patience: Duration) -> ExitStatus {
        let what = format!("{} to end", self.name);
        within(patience, &what, || {
            self.has_ended().ok_or_else(|| format!("it runs; its log ends with:\n{}", self.log_tail()))
        })
    }

    /// Asks it to end (SIGTERM) and waits at most `patience` for it.
    ///
    /// # Panics
    /// When it takes longer.
    pub fn terminate(mut self, patience: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_ended(patience)
    }

    /// Asks it to end (SIGTERM), and does not wait.
    pub fn ask_to_end(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills it (SIGKILL) in whatever it is doing, and waits until it is gone.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.wait_ended(Duration::from_secs(10));
    }

    /// Stops it where it stands (SIGSTOP): a process that others take for dead.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Everything that it said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of that.
    pub fn log_tail(&self) -> String {
        tail(&self.log(), 40)
    }

    fn signal(&self, signal: Signal) {
        // One that has ended already cannot be signalled; who waits for it will see how it ended.
        let _ = kill_process(self.pid, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.has_ended().is_none() {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// An address on which nothing listens: for `observe.listen`.
pub fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_answers_with_its_code_and_its_words() {
        let answer = Program::new("/bin/sh", "").answer_to(["-c", "cat; echo wrong >&2; exit 3"], "given");
        assert_eq!((answer.code, answer.out.as_str(), answer.err.as_str()), (Some(3), "given", "wrong\n"));
    }

    #[test]
    fn a_process_is_told_to_end_and_says_how() {
        let program = Program::new("/bin/sh", "");
        let mut process = program.start("one", ["-c", "trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done"]);
        process.wait_for("its first word", |it| if it.log().contains("up") { Ok(()) } else { Err(it.log()) });
        assert_eq!(process.terminate(Duration::from_secs(20)).code(), Some(7));
    }

    #[test]
    fn a_process_does_not_outlive_its_handle() {
        let program = Program::new("/bin/sleep", "");
        let process = program.start("one", ["600"]);
        let pid = process.pid;
        drop(process);
        eventually("the process to be gone", || match rustix::process::test_kill_process(pid) {
            Ok(()) => Err("it is there"),
            Err(_) => Ok(()),
        });
    }
}
