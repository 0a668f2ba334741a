//! The instances under test, and somebody who starts one again when it has ended by itself, as people's platforms do.

use std::path::Path;
use std::time::{Duration, Instant};

use tierline_testkit::{Process, Program, lasting_port};

/// A platform does not start a program again at once.
const BEFORE_A_RESTART: Duration = Duration::from_secs(1);
const HTTP: Duration = Duration::from_secs(1);

/// Instances, numbered from 0.
pub struct Fleet {
    instances: Vec<Instance>,
    ended: Vec<EndedByItself>,
    http: ureq::Agent,
}

struct Instance {
    name: String,
    program: Program,
    listen: String,
    process: Option<Process>,
    /// Whether it is to run; one that is not there then is started again.
    wanted: bool,
    gone_since: Option<Instant>,
}

/// An instance that ended though nobody had told it to.
#[derive(Clone, Debug)]
pub struct EndedByItself {
    /// Its name.
    pub instance: String,
    /// Its exit code, or what else ended it.
    pub how: String,
    /// The last line that it said.
    pub said: String,
}

impl Fleet {
    /// So many instances, none started. `config` gives the configuration of each, told its number, its name, and where
    /// it is to listen.
    pub fn new(folder: &Path, binary: &Path, count: usize, config: impl Fn(usize, &str, &str) -> String) -> Fleet {
        let instance = |number: usize| {
            let (name, listen) = (format!("instance-{number}"), format!("127.0.0.1:{}", lasting_port()));
            let program = Program::within(&folder.join(&name), binary, &config(number, &name, &listen));
            Instance { name, program, listen, process: None, wanted: false, gone_since: None }
        };
        let http = ureq::Agent::config_builder().http_status_as_error(true).timeout_global(Some(HTTP)).build().into();
        Fleet { instances: (0..count).map(instance).collect(), ended: Vec::new(), http }
    }

    /// How many there are, running or not.
    pub fn len(&self) -> usize {
        self.instances.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// Starts one that does not run.
    pub fn start(&mut self, number: usize) {
        let instance = &mut self.instances[number];
        instance.wanted = true;
        instance.gone_since = None;
        instance.process = Some(instance.program.start("run", ["run"]));
    }

    /// Kills one (SIGKILL).
    pub fn kill(&mut self, number: usize) {
        let instance = &mut self.instances[number];
        instance.wanted = false;
        if let Some(process) = instance.process.take() {
            process.kill();
        }
    }

    /// Tells one to end (SIGTERM). [`has_ended`](Self::has_ended) says when it has.
    pub fn ask_to_end(&mut self, number: usize) {
        let instance = &mut self.instances[number];
        instance.wanted = false;
        if let Some(process) = &instance.process {
            process.ask_to_end();
        }
    }

    /// Whether one that was told to end has; how, if it did not end well.
    pub fn has_ended(&mut self, number: usize) -> Option<Result<(), String>> {
        let instance = &mut self.instances[number];
        let Some(process) = &mut instance.process else { return Some(Ok(())) };
        let status = process.has_ended()?;
        let last = last_line(&process.log());
        instance.process = None;
        Some(if status.success() { Ok(()) } else { Err(format!("{} ended with {status}: {last}", instance.name)) })
    }

    /// Stops one where it stands (SIGSTOP).
    pub fn pause(&self, number: usize) {
        self.instances[number].process.iter().for_each(Process::pause);
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&self, number: usize) {
        self.instances[number].process.iter().for_each(Process::resume);
    }

    /// Starts again what ended by itself.
    pub fn tend(&mut self) {
        for number in 0..self.instances.len() {
            let instance = &mut self.instances[number];
            if !instance.wanted {
                continue;
            }
            if let Some(process) = &mut instance.process
                && let Some(status) = process.has_ended()
            {
                let said = last_line(&process.log());
                let how = status.to_string();
                self.ended.push(EndedByItself { instance: instance.name.clone(), how, said });
                instance.process = None;
                instance.gone_since = Some(Instant::now());
            }
            if instance.gone_since.is_some_and(|since| since.elapsed() >= BEFORE_A_RESTART) {
                self.start(number);
            }
        }
    }

    /// Those that ended by themselves since this was asked last.
    pub fn take_ended(&mut self) -> Vec<EndedByItself> {
        std::mem::take(&mut self.ended)
    }

    /// Whether those that are to run own all of so many partitions between them, each one of them once, and are ready;
    /// `asleep` is not asked.
    pub fn share(&self, partitions: i32, asleep: Option<usize>) -> Result<(), String> {
        let mut owned: Vec<i32> = Vec::new();
        for (number, instance) in self.instances.iter().enumerate() {
            if !instance.wanted || asleep == Some(number) {
                continue;
            }
            let said =
                self.says(instance, "/readyz").map_err(|why| format!("{} is not ready: {why}", instance.name))?;
            let partitions = said.lines().filter_map(|line| line.strip_prefix("partition "));
            let numbers = partitions.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
            owned.extend(numbers.filter_map(|number| number.parse::<i32>().ok()));
        }
        owned.sort_unstable();
        if owned == (0..partitions).collect::<Vec<_>>() { Ok(()) } else { Err(format!("they own {owned:?}")) }
    }

    fn says(&self, instance: &Instance, path: &str) -> Result<String, String> {
        let answer = self.http.get(format!("http://{}{path}", instance.listen)).call();
        answer.and_then(|mut answer| answer.body_mut().read_to_string()).map_err(|error| error.to_string())
    }
}

fn last_line(log: &str) -> String {
    log.lines().next_back().unwrap_or_default().to_owned()
}
