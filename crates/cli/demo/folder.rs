//! Where the demo lives: a folder with its log and the configuration that the other commands are pointed at.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tierline_rules::source::Source;

use crate::ended::Untried;
use crate::print;

/// The demo's folder; a temporary one goes when this is dropped.
pub struct Folder {
    path: PathBuf,
    temporary: Option<TempDir>,
}

/// How the configuration of a demo begins: such a one may be overwritten.
const MARK: &str = "# Written by `tierline demo`.";

impl Folder {
    /// Makes the folder and writes its configuration: the rules of `rules` (none: of the built-in example), an embedded
    /// log within the folder, a clock `speed` times as fast.
    pub fn prepare(wanted: Option<&Path>, rules: Option<&Path>, speed: u32) -> Result<Folder, Untried> {
        let (path, temporary) = match wanted {
            Some(path) => (path.to_owned(), None),
            None => {
                let made = tempfile::Builder::new().prefix("tierline-demo-").tempdir()?;
                (made.path().to_owned(), Some(made))
            }
        };
        let cannot =
            |doing: &str, path: &Path, error| Untried::because(format!("cannot {doing} {}: {error}", path.display()));
        fs::create_dir_all(&path).map_err(|error| cannot("make the folder", &path, error))?;
        // Commands are typed in other folders too.
        let path = fs::canonicalize(&path).map_err(|error| cannot("find the folder", &path, error))?;
        let (written, named) = match rules {
            None => (tierline_config::EXAMPLE.to_owned(), None),
            Some(file) => {
                let text = fs::read_to_string(file).map_err(|error| cannot("read", file, error))?;
                let named = std::path::absolute(file).map_err(|error| cannot("find", file, error))?;
                (text, Some(named))
            }
        };
        let folder = Folder { path, temporary };
        let configuration = folder.configuration();
        if fs::read_to_string(&configuration).is_ok_and(|text| !text.starts_with(MARK)) {
            return Err(Untried::because(format!(
                "{} is there and not of a demo; choose another --folder",
                configuration.display()
            )));
        }
        let mut configured = folder.configured(&written, speed);
        if let Some(named) = named {
            // Files that it names lie beside it, not in the demo's folder.
            let there = Source::new(named.to_string_lossy(), configured);
            configured = tierline_config::with_paths_written_out(&there);
        }
        fs::write(&configuration, configured).map_err(|error| cannot("write", &configuration, error))?;
        Ok(folder)
    }

    /// The file for `--config`.
    pub fn configuration(&self) -> PathBuf {
        self.path.join("tierline.yaml")
    }

    /// Says what stays, and where to go from here.
    pub fn say_what_is_next(&self) -> std::io::Result<()> {
        print::line("")?;
        match self.temporary {
            Some(_) => {
                print::line("Its folder is gone; `tierline demo --folder FOLDER` keeps one.")?;
                print::line("Next: `tierline explain` tells the rules, `tierline run` takes your own tickets.")
            }
            None => {
                let configuration = self.configuration();
                let configuration = configuration.display();
                print::line(format_args!("All of it is kept in {}:", self.path.display()))?;
                print::line(format_args!("  tierline --config {configuration} tail escalations --from-start"))?;
                print::line(format_args!("  tierline --config {configuration} explain"))
            }
        }
    }

    fn configured(&self, written: &str, speed: u32) -> String {
        let rest =
            ["log", "time", "schema_registry"].into_iter().fold(written.to_owned(), |text, name| without(&text, name));
        // JSON quotes are YAML's double quotes.
        let log = serde_json::Value::from(self.path.join("log").to_string_lossy().into_owned());
        format!(
            "{MARK}\nlog: {{ kind: embedded, path: {log} }}\n\
             time: {{ clock: scaled, scale: {speed}, start: replay }}\n\n{rest}"
        )
    }
}

/// The text without a top-level section.
fn without(text: &str, section: &str) -> String {
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        let top_level = !line.starts_with([' ', '\t', '#', '-']) && !line.trim().is_empty();
        if top_level {
            inside = line.strip_prefix(section).is_some_and(|rest| rest.starts_with(':'));
        }
        !inside
    });
    kept.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_goes_with_everything_in_it() {
        let text = "log:\n  kind: kafka\n\n  brokers: b\nlogs: 1\nrules:\n- id: log\ntime: { grace: 1s }\n";
        assert_eq!(without(text, "log"), "logs: 1\nrules:\n- id: log\ntime: { grace: 1s }\n");
        assert_eq!(without(&without(text, "log"), "time"), "logs: 1\nrules:\n- id: log\n");
    }
}
