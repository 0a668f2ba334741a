//! `tierline test`: scenario files on a virtual clock, and what happened instead where one fails.

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;
use tierline_rules::source::Diagnostics;
use tierline_scenario::{Base, Outcome, Scenario, Verdict};

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::open;
use crate::print::{self, Paint, counted};

/// The arguments of `test`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline test                              every *.scenario.yaml beside the configuration
  tierline --config eu.yaml test eu/ night.scenario.yaml
  tierline test --watch                      again after each change
  tierline test --output junit > report.xml

A scenario without `rules` of its own tests the configuration that it names (`config:`), else --config, else the
tierline.yaml beside it. Without a configuration and a scenario file, the built-in example is tested by its own.

Exit codes: 0 all passed; 1 one failed; 2 one could not be tried.")]
pub struct Test {
    /// Scenario files, or folders of them
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,

    /// For people, JSON, or JUnit's XML
    #[arg(long, value_enum, default_value_t)]
    output: Format,

    /// Try them again whenever a file changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// How outcomes are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Junit,
}

/// What the name of a scenario file ends with.
const ENDING: &str = ".scenario.yaml";
/// The folder beside a configuration that is looked into as well.
const FOLDER: &str = "scenarios";
/// Folders within each other that are looked into.
const DEEPEST: usize = 16;
/// How often `--watch` looks at the files: it works on every file system, also on a mounted one.
const LOOK: Duration = Duration::from_millis(300);

/// A scenario file and what became of it.
struct Tried {
    file: String,
    /// It tested the built-in example.
    of_built_in: bool,
    came_to: Result<Outcome, Diagnostics>,
}

/// A scenario to be tried.
struct Found {
    file: String,
    text: String,
    /// The name of the configuration that it stands on, and its text.
    base: Option<(String, String)>,
}

impl Test {
    /// Tries all; no is the answer when one failed.
    pub fn run(self, shared: &Shared) -> Ended {
        if self.watch {
            return self.watch(shared);
        }
        self.try_all(shared)
    }

    fn try_all(&self, shared: &Shared) -> Ended {
        let tried: Vec<Tried> = self.find(shared)?.iter().map(Found::try_it).collect();
        match self.output {
            Format::Table => tell(&tried)?,
            Format::Json => print::json(&tried.iter().map(as_json).collect())?,
            Format::Junit => print::line(junit(&tried)?)?,
        }
        let untried = tried.iter().filter(|tried| tried.is_untried()).count();
        let failed = tried.iter().any(|tried| tried.is_failed());
        match (untried, failed) {
            (0, false) => Ok(Answer::Yes),
            (0, true) => Ok(Answer::No),
            _ => Err(Untried::because(format!("{} could not be tried", counted(untried, "scenario")))),
        }
    }

    /// Tries them, waits until a file is another one than before, and so on.
    fn watch(&self, shared: &Shared) -> Ended {
        if self.output != Format::Table {
            return Err(Untried::because("--watch is for people: leave --output out"));
        }
        loop {
            let seen = self.state(shared);
            if stdout().is_terminal() {
                print::line("\x1b[2J\x1b[H")?;
            }
            if let Err(Untried::Because(why)) = self.try_all(shared) {
                print::line(why)?;
            }
            print::line("waiting for a change; Ctrl-C ends it")?;
            while self.state(shared) == seen {
                std::thread::sleep(LOOK);
            }
        }
    }

    /// What all YAML files in the folders that matter look like: when each was changed, and how long it is.
    fn state(&self, shared: &Shared) -> BTreeMap<PathBuf, (Option<SystemTime>, u64)> {
        let mut folders = vec![beside(shared)];
        folders.extend(self.files.iter().map(|path| match path.is_dir() {
            true => path.clone(),
            false => path.parent().map_or_else(PathBuf::new, Path::to_path_buf),
        }));
        let mut files = Vec::new();
        for folder in folders {
            list(&folder, &|name| name.ends_with(".yaml") || name.ends_with(".yml"), 0, &mut files);
            list(&folder.join(FOLDER), &|name| name.ends_with(".yaml"), 0, &mut files);
        }
        let state = |path: PathBuf| {
            let metadata = fs::metadata(&path).ok()?;
            Some((path, (metadata.modified().ok(), metadata.len())))
        };
        files.into_iter().filter_map(state).collect()
    }

    fn find(&self, shared: &Shared) -> Result<Vec<Found>, Untried> {
        let mut files = Vec::new();
        for path in &self.files {
            let before = files.len();
            match path.is_dir() {
                true => list(path, &|name| name.ends_with(ENDING), DEEPEST, &mut files),
                false => files.push(path.clone()),
            }
            if files.len() == before {
                return Err(Untried::because(format!("there is no *{ENDING} in {}", path.display())));
            }
        }
        if self.files.is_empty() {
            let folder = beside(shared);
            list(&folder, &|name| name.ends_with(ENDING), 0, &mut files);
            list(&folder.join(FOLDER), &|name| name.ends_with(ENDING), DEEPEST, &mut files);
            if files.is_empty() {
                return examples(shared, &folder);
            }
        }
        files.iter().map(|path| Found::read(path, shared)).collect()
    }
}

/// The scenarios of the built-in example, where it is what is configured.
fn examples(shared: &Shared, folder: &Path) -> Result<Vec<Found>, Untried> {
    let source = open::source(shared)?;
    if source.text != tierline_config::EXAMPLE {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        return Err(Untried::because(format!(
            "there is no *{ENDING} in {} or its folder {FOLDER}; name some files",
            folder.display()
        )));
    }
    let found = |(name, text): &(&str, &str)| Found {
        file: (*name).to_owned(),
        text: (*text).to_owned(),
        base: Some((source.name.clone(), source.text.clone())),
    };
    Ok(tierline_config::EXAMPLE_SCENARIOS.iter().map(found).collect())
}

/// The folder of the configuration.
fn beside(shared: &Shared) -> PathBuf {
    shared.config.as_deref().and_then(Path::parent).map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The files of a folder, and of those in it down to `deep`, in order of their names. A folder that isn't there has none.
fn list(folder: &Path, wanted: &dyn Fn(&str) -> bool, deep: usize, into: &mut Vec<PathBuf>) {
    let at = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = fs::read_dir(at) else { return };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let path = folder.join(&name);
        if path.is_dir() {
            if deep > 0 {
                list(&path, wanted, deep - 1, into);
            }
        } else if wanted(&name.to_string_lossy()) {
            into.push(path);
        }
    }
}

impl Found {
    fn read(path: &Path, shared: &Shared) -> Result<Found, Untried> {
        let text = fs::read_to_string(path)
            .map_err(|error| Untried::because(format!("cannot read {}: {error}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let source = match Scenario::base(&text) {
            Base::Own => None,
            Base::Named(name) => Some(open::file(&folder.join(name))?),
            Base::Beside if shared.config.is_some() => Some(open::source(shared)?),
            Base::Beside => match open::default_in(folder)? {
                Some(default) => Some(open::file(&default)?),
                None => Some(open::source(shared)?),
            },
        };
        let base = source.map(|source| (source.name.clone(), source.text.clone()));
        Ok(Found { file: path.display().to_string(), text, base })
    }

    fn try_it(&self) -> Tried {
        let base = self.base.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
        let parsed = Scenario::parse(&self.file, &self.text, base);
        Tried {
            file: self.file.clone(),
            of_built_in: base.is_some_and(|(name, _)| open::is_built_in(name)),
            came_to: parsed.map(|scenario| scenario.run()),
        }
    }
}

impl Tried {
    fn is_untried(&self) -> bool {
        !matches!(&self.came_to, Ok(Outcome { verdict: Verdict::Passed | Verdict::Failed(_), .. }))
    }

    fn is_failed(&self) -> bool {
        matches!(&self.came_to, Ok(Outcome { verdict: Verdict::Failed(_), .. }))
    }
}

fn tell(tried: &[Tried]) -> std::io::Result<()> {
    let paint = Paint::of(&stdout());
    for one in tried {
        match &one.came_to {
            Ok(outcome) if one.is_failed() => print::line(paint.tier(3, &print::plain_lines(&outcome.to_string())))?,
            Ok(outcome) => print::line(print::plain(&outcome.to_string()))?,
            Err(mistakes) => {
                print::line(format_args!("MISTAKES {}\n{}", one.file, mistakes.render(paint.on())))?;
            }
        }
    }
    let count = |which: fn(&Tried) -> bool| tried.iter().filter(|tried| which(tried)).count();
    let (failed, untried) = (count(Tried::is_failed), count(Tried::is_untried));
    let passed = tried.len() - failed - untried;
    let mut verdict = format!("{passed} passed, {failed} failed");
    if untried > 0 {
        verdict += &format!(", {untried} could not be tried");
    }
    match count(|tried| tried.of_built_in) {
        0 => {}
        all if all == tried.len() => verdict += ", against the built-in example",
        some => verdict += &format!(", {some} of them against the built-in example"),
    }
    print::line(paint.strong(&verdict))
}

fn as_json(tried: &Tried) -> serde_json::Value {
    match &tried.came_to {
        Ok(outcome) => outcome.json(),
        Err(mistakes) => {
            let why: Vec<_> = mistakes.items.iter().map(|item| item.render(false)).collect();
            json!({ "file": tried.file, "scenario": tried.file, "verdict": "mistakes", "why": why, "happened": [] })
        }
    }
}

/// JUnit's XML: a test case a scenario, an error for one that could not be tried.
fn junit(tried: &[Tried]) -> Result<String, Untried> {
    let mut suite = TestSuite::new("tierline test");
    for one in tried {
        let (name, status) = match &one.came_to {
            Ok(outcome) => (outcome.scenario.clone(), status(outcome)),
            Err(mistakes) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message("the scenario has mistakes").set_description(mistakes.render(false));
                (one.file.clone(), status)
            }
        };
        let mut case = TestCase::new(name, status);
        case.set_classname(&*one.file);
        suite.add_test_case(case);
    }
    let mut report = Report::new("tierline");
    report.add_test_suite(suite);
    report.to_string().map_err(Untried::because)
}

fn status(outcome: &Outcome) -> TestCaseStatus {
    match &outcome.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Failed(differences) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let more = differences.iter().chain(&outcome.timeline()).cloned().collect::<Vec<_>>().join("\n");
            status.set_message(differences.first().cloned().unwrap_or_default()).set_description(more);
            status
        }
        Verdict::NotBuilt(reason) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(format!("not built yet: {reason}"));
            status
        }
    }
}
