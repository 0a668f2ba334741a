//! Configurations in made-up surroundings.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use tierline_config::{Config, Surroundings, read_in};
use tierline_rules::source::{Diagnostics, Source, Warning};

/// A rule, so that nothing warns that there is none.
pub const A_RULE: &str = "rules: [ { id: r, tier: 2, when: { ticket.priority: urgent } } ]\n";

/// What is around a configuration.
#[derive(Default)]
pub struct World {
    variables: BTreeMap<&'static str, &'static str>,
    files: BTreeMap<&'static str, &'static str>,
}

impl World {
    pub fn with_variable(mut self, name: &'static str, value: &'static str) -> World {
        self.variables.insert(name, value);
        self
    }

    pub fn with_file(mut self, path: &'static str, text: &'static str) -> World {
        self.files.insert(path, text);
        self
    }

    pub fn read(&self, text: &str) -> Result<(Config, Vec<Warning>), Diagnostics> {
        let variable = |name: &str| self.variables.get(name).map(|value| (*value).to_owned());
        let file = |path: &Path| {
            let text = path.to_str().and_then(|path| self.files.get(path));
            text.map(|text| (*text).to_owned()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        };
        read_in(&Source::new("etc/tierline.yaml", text), &Surroundings::new(&variable, &file))
    }

    /// What is found wrong, as `check` shows it.
    pub fn refusal(&self, text: &str) -> String {
        match self.read(text) {
            Ok(_) => panic!("nothing was found wrong with\n{text}"),
            Err(found) => found.render(false),
        }
    }
}

/// The configuration, which must be right, with a rule added.
pub fn read(text: &str) -> Config {
    let whole = format!("{A_RULE}{text}");
    match World::default().read(&whole) {
        Ok((config, _)) => config,
        Err(found) => panic!("{}", found.render(false)),
    }
}

/// The messages of mistakes, without their lines.
pub fn mistakes(text: &str) -> Vec<String> {
    match World::default().read(&format!("{A_RULE}{text}")) {
        Ok(_) => Vec::new(),
        Err(found) => found.items.into_iter().map(|item| item.message).collect(),
    }
}

/// The messages of warnings about a configuration that is right.
pub fn warnings(text: &str) -> Vec<String> {
    match World::default().read(&format!("{A_RULE}{text}")) {
        Ok((_, warnings)) => warnings.into_iter().map(|item| item.message).collect(),
        Err(found) => panic!("{}", found.render(false)),
    }
}
