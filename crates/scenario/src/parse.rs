//! A scenario file, read and checked.

use tierline_model::Millis;
use tierline_rules::source::{self, Diagnostics, Entry, Keys, Node, Source, codes};

use crate::expect::{self, Pattern};
use crate::settings::{self, Checked, SECTIONS};
use crate::steps::{self, Step};
use crate::{Outcome, Verdict, play, sla_events, timeline, times};

/// A scenario, ready to be tried.
#[derive(Clone, Debug)]
pub struct Scenario {
    name: String,
    file: String,
    pub(crate) start: Millis,
    pub(crate) until: Millis,
    /// In the order of arrival.
    pub(crate) steps: Vec<Step>,
    pub(crate) expect: Vec<Pattern>,
    pub(crate) never: Vec<Pattern>,
    /// All records of `escalations-shadow`; `None`: they are not looked at.
    pub(crate) shadow: Option<Vec<Pattern>>,
    pub(crate) sla_events: Vec<sla_events::Pattern>,
    /// The configuration that it tests.
    pub(crate) configuration: Vec<Entry>,
    /// The first thing that it asks for and that is not built yet.
    not_built: Option<String>,
}

/// Which configuration a scenario tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// One that it names, from beside it: `config: tierline.yaml`.
    Named(String),
    /// The one beside it.
    Beside,
    /// It carries its rules itself.
    Own,
}

impl Scenario {
    /// Reads the scenario of a file. `base` is the configuration that it stands beside or names: a name to show and its
    /// text. What the scenario doesn't carry itself comes from there.
    ///
    /// # Errors
    /// All mistakes at once, each with its place. That something is not built yet is none: [`run`](Self::run) says so.
    pub fn parse(file: &str, text: &str, base: Option<(&str, &str)>) -> Result<Scenario, Diagnostics> {
        let mut found = Diagnostics::default();
        let scenario = source::parse(&Source::new(file, text), &mut found)
            .and_then(|root| Self::read(file, &root, base, &mut found));
        match scenario {
            Some(scenario) if found.mistakes() == 0 => Ok(scenario),
            _ => Err(found),
        }
    }

    /// Which configuration the text of a scenario tests.
    pub fn base(text: &str) -> Base {
        let root = source::parse(&Source::new("", text), &mut Diagnostics::default());
        let Some(root) = root else { return Base::Own };
        match root.at("config").and_then(Node::scalar) {
            Some(named) => Base::Named(named.text.clone()),
            None if root.at("rules").is_some() => Base::Own,
            None => Base::Beside,
        }
    }

    /// What it calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lets the engine live through it: as it stands, then with a restart after every step.
    pub fn run(&self) -> Outcome {
        let (verdict, happened) = match &self.not_built {
            Some(reason) => (Verdict::NotBuilt(reason.clone()), Vec::new()),
            None => play::twice(self),
        };
        let steps = timeline::of_steps(&self.steps);
        Outcome { scenario: self.name.clone(), file: self.file.clone(), verdict, start: self.start, happened, steps }
    }

    fn read(file: &str, root: &Node, base: Option<(&str, &str)>, found: &mut Diagnostics) -> Option<Scenario> {
        let mut keys = Keys::of(root, "a scenario", found)?;
        let name = keys.optional("scenario").and_then(|node| Some(node.scalar()?.text.clone()));
        let start = keys.required("start", found);
        let until = keys.required("until", found);
        let defaults = keys.optional("defaults");
        let steps = keys.required("steps", found);
        let expect = keys.required("expect", found);
        let never = keys.optional("never");
        let shadow = keys.optional("shadow");
        let sla_events = keys.optional("sla_events");
        keys.optional("config");
        let mut configuration = base.map_or_else(Vec::new, |(name, text)| settings::beside(name, text, found));
        for section in SECTIONS {
            keys.entry(section).into_iter().for_each(|section| settings::put(&mut configuration, section));
        }
        keys.finish(found);

        let Some(start) = start?.scalar().and_then(|scalar| tierline_model::parse_instant(&scalar.text)) else {
            found.mistake(codes::INSTANT, &start?.span, "`start` is an instant: `2026-03-02T09:00:00Z`");
            return None;
        };
        let until = times::instant(until?, start, found)?;
        let mut steps = steps::read(steps?, defaults, steps::Span { start, until }, found);
        steps::sort(&mut steps);
        let Checked { not_built, rules } = checked(&configuration, &steps, found);
        let rules = rules.as_deref();
        Some(Scenario {
            name: name.unwrap_or_else(|| file.to_owned()),
            file: file.to_owned(),
            start,
            until,
            steps,
            expect: expect::read(expect?, start, rules, found),
            never: never.map_or_else(Vec::new, |never| expect::read(never, start, rules, found)),
            shadow: shadow.map(|shadow| expect::read(shadow, start, rules, found)),
            sla_events: sla_events.map_or_else(Vec::new, |node| sla_events::read(node, start, found)),
            configuration,
            not_built,
        })
    }
}

/// Checks the configuration as it is at first and after each restart.
fn checked(configuration: &[Entry], steps: &[Step], found: &mut Diagnostics) -> Checked {
    let mut configuration = configuration.to_vec();
    let mut all = settings::check(&configuration, found);
    for step in steps {
        if let steps::What::Restart(changed) = &step.what {
            changed.iter().for_each(|entry| settings::put(&mut configuration, entry));
            let then = settings::check(&configuration, found);
            all.not_built = all.not_built.or(then.not_built);
            all.rules = all.rules.zip(then.rules).map(|(before, then)| [before, then].concat());
        }
    }
    all
}
