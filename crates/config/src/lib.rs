//! The configuration: one YAML tree, checked as a whole, into values that can only be legal.
//!
//! [`read`] is the way in. It takes the files that are included, fills in the environment's variables, reads one section
//! after the other and tells all mistakes at once, each with its place. A section is a file in here; rules, terms and
//! policies are read by `tierline-rules`.
//!
//! What must never be in here: a client of a log; a secret in a message.

mod environment;
mod fields;
mod identity;
mod include;
mod intake;
mod kafka;
mod listeners;
mod log;
mod observe;
mod paths;
mod properties;
mod reconcile;
mod registry;
mod scorer;
mod secret;
mod surroundings;
mod time;
mod topics;
mod url;

use std::path::PathBuf;
use std::sync::Arc;

use tierline_rules::source::{self, Diagnostics, Keys, Node, Source, Span, Warning, codes};
use tierline_rules::{Mode, RuleSet, Sections, rule_set};
use tierline_stream::topics::Names;

pub use identity::Identity;
pub use intake::{Intake, TrustedHeaders};
pub use kafka::Kafka;
pub use log::{Log, Work};
pub use observe::Observe;
pub use reconcile::Reconcile;
pub use registry::Registry;
pub use scorer::{Fallback, HttpScorer, Scorer};
pub use secret::Secret;
pub use surroundings::Surroundings;
pub use time::{Clock, Time};

use paths::Paths;
use secret::Literals;

/// The built-in example: the configuration of who has none yet.
pub const EXAMPLE: &str = include_str!("example.yaml");

/// What the built-in example does, as scenarios: names and texts.
pub const EXAMPLE_SCENARIOS: [(&str, &str); 6] = [
    ("enterprise-billing-silence.scenario.yaml", include_str!("example/enterprise-billing-silence.scenario.yaml")),
    ("an-answer-in-time.scenario.yaml", include_str!("example/an-answer-in-time.scenario.yaml")),
    ("urgent-past-due.scenario.yaml", include_str!("example/urgent-past-due.scenario.yaml")),
    ("repeat-trouble.scenario.yaml", include_str!("example/repeat-trouble.scenario.yaml")),
    ("repeat-trouble-of-the-upset.scenario.yaml", include_str!("example/repeat-trouble-of-the-upset.scenario.yaml")),
    ("first-reply-due.scenario.yaml", include_str!("example/first-reply-due.scenario.yaml")),
];

/// A configuration that can be run.
#[derive(Clone, Debug)]
pub struct Config {
    /// The rules and the policies that they are judged by.
    pub rules: Arc<RuleSet>,
    /// Where records come from and go to.
    pub log: Log,
    /// How they are worked off.
    pub work: Work,
    /// Where schemas are kept; none: records are framed as Avro single objects.
    pub registry: Option<Registry>,
    /// What the streams are called there.
    pub topics: Names,
    /// What the clocks follow, and how patient they are.
    pub time: Time,
    /// The order in which sources win over each other, by field (`account.plan`).
    pub precedence: Vec<(String, Vec<String>)>,
    /// Which of the systems' customers are one account.
    pub identity: Identity,
    /// Which systems tell of tickets, accounts and bills, and where their webhooks are taken.
    pub intake: Intake,
    /// What scores customers' messages; none: nobody here does.
    pub scorer: Option<Scorer>,
    /// What an operator sees.
    pub observe: Observe,
}

impl Config {
    /// What the engine wants to know.
    pub fn engine(&self) -> tierline_engine::Settings {
        tierline_engine::Settings {
            grace: self.time.grace,
            stale_after: self.time.stale_after,
            import_timeout: self.time.import_timeout,
            history: self.time.history,
            start_quietly: self.time.start_quietly,
            precedence: self.precedence.clone(),
        }
    }
}

/// Reads a configuration with the process's environment and files. Files that it names are looked for beside it.
///
/// # Errors
/// Everything that is wrong, and the warnings with it.
pub fn read(source: &Arc<Source>) -> Result<(Config, Vec<Warning>), Diagnostics> {
    read_in(source, &Surroundings::process())
}

/// The same with other surroundings.
///
/// # Errors
/// Everything that is wrong, and the warnings with it.
pub fn read_in(source: &Arc<Source>, surroundings: &Surroundings<'_>) -> Result<(Config, Vec<Warning>), Diagnostics> {
    let mut found = Diagnostics::default();
    let config = source::parse(source, &mut found).and_then(|root| read_tree(root, surroundings, &mut found));
    match config {
        Some(config) => Ok((config, found.into_warnings())),
        None => Err(found),
    }
}

/// Reads a configuration from a tree, with the process's environment and files. [`None`] if anything is wrong with it.
pub fn read_node(root: &Node, found: &mut Diagnostics) -> Option<Config> {
    let mut mine = Diagnostics::default();
    let config = read_tree(root.clone(), &Surroundings::process(), &mut mine);
    found.items.append(&mut mine.items);
    config
}

/// A tree with the files that it includes, their variables not yet filled in.
pub fn with_included(root: Node, found: &mut Diagnostics) -> Node {
    let surroundings = Surroundings::process();
    include::with_includes(root, &mut Reading::new(&surroundings, found))
}

/// The text of a configuration in which every path that counts from beside its file is written out as `source` names
/// it: with an absolute name, the text means the same wherever it lies. What is wrong with it stays, for whoever reads
/// the text.
pub fn with_paths_written_out(source: &Arc<Source>) -> String {
    let (mut found, surroundings) = (Diagnostics::default(), Surroundings::process());
    let Some(root) = source::parse(source, &mut found) else { return source.text.clone() };
    let mut reading = Reading::new(&surroundings, &mut found);
    // For the paths that it meets alone.
    let _ = read_all(root, &mut reading);
    reading.paths.written_out(source)
}

/// Where a section is read: what is around it, and what is found.
pub(crate) struct Reading<'r> {
    pub(crate) found: &'r mut Diagnostics,
    pub(crate) surroundings: &'r Surroundings<'r>,
    pub(crate) literals: Literals,
    paths: Paths,
    /// How many files have been included, each as often as it was.
    included: usize,
}

impl<'r> Reading<'r> {
    fn new(surroundings: &'r Surroundings<'r>, found: &'r mut Diagnostics) -> Reading<'r> {
        Reading { found, surroundings, literals: Literals::default(), paths: Paths::default(), included: 0 }
    }

    /// The text of a file that is named in a node.
    pub(crate) fn file(&mut self, path: &str, node: &Node) -> std::io::Result<String> {
        let path = self.beside(path, node);
        self.surroundings.file(&path)
    }

    /// Where a path leads that is named in a node: it counts from beside the file in which it stands.
    pub(crate) fn beside(&mut self, path: &str, node: &Node) -> PathBuf {
        self.paths.lead(path, &node.span)
    }
}

fn read_tree(root: Node, surroundings: &Surroundings<'_>, found: &mut Diagnostics) -> Option<Config> {
    read_all(root, &mut Reading::new(surroundings, found))
}

fn read_all(root: Node, reading: &mut Reading<'_>) -> Option<Config> {
    let root = include::with_includes(root, reading);
    reading.literals.find(&root);
    let (root, missing) = environment::filled(root, reading);
    let config = read_sections(&root, reading);
    environment::drop_consequences(&missing, reading.found);
    in_order(&root.span.source, reading.found);
    reading.literals.mask(reading.found);
    config.filter(|_| reading.found.mistakes() == 0)
}

/// As a reader meets them: this source's from top to bottom, then those of included files.
fn in_order(first: &Arc<Source>, found: &mut Diagnostics) {
    let mut sources = vec![first.clone()];
    for span in found.items.iter().filter_map(|item| item.span.as_ref()) {
        if !sources.iter().any(|known| Arc::ptr_eq(known, &span.source)) {
            sources.push(span.source.clone());
        }
    }
    found.items.sort_by_key(|item| {
        let place = item
            .span
            .as_ref()
            .map(|span| (sources.iter().position(|known| Arc::ptr_eq(known, &span.source)), span.start));
        (place.is_none(), place)
    });
}

fn read_sections(root: &Node, reading: &mut Reading<'_>) -> Option<Config> {
    let mut keys = Keys::of(root, "the configuration", reading.found)?;
    let (log, topics) = (keys.optional("log"), keys.optional("topics"));
    let (registry, time) = (keys.optional("schema_registry"), keys.optional("time"));
    let (tags, fields) = (keys.optional("tags"), keys.optional("fields"));
    let (sources, observed) = (keys.optional("sources"), keys.optional("observe"));
    let (rules, terms, sla) = (keys.optional("rules"), keys.optional("terms"), keys.optional("sla"));
    let (escalation_sla, calendars) = (keys.optional("escalation_sla"), keys.optional("calendars"));
    let (taken, scorer) = (keys.optional("intake"), keys.optional("scorer"));
    let identity = keys.optional("identity");
    for later in NOT_BUILT {
        keys.not_built(later, reading.found);
    }
    keys.finish(reading.found);

    let (log, work) = log::read(log, reading);
    let topics = topics::read(topics, reading);
    let registry = registry.map(|node| Registry::read(node, reading));
    let time = Time::read(time, reading);
    let precedence = fields.map_or_else(Vec::new, |node| fields::precedence(node, reading));
    let identity = Identity::read(identity, reading);
    let intake = Intake::read(taken, &identity, &log, time.stale_after, reading);
    let scorer = scorer.and_then(|node| Scorer::read(node, reading));
    let observe = Observe::read(observed, reading);
    listeners::check(&listeners::of(taken, &intake, observed, &observe), reading);
    let history = time.history;
    let sections = Sections { rules, terms, sla, escalation_sla, calendars, tags, fields, sources, history };
    let rules = rule_set(&sections, reading.found);
    time.check_against(root, &log, reading);
    let idle = rules.rules.iter().all(|rule| rule.mode == Mode::Disabled);
    if idle && reading.found.mistakes() == 0 {
        let top = Span { end: root.span.start, ..root.span.clone() };
        let span = sections.rules.map_or(top, |rules| rules.span.clone());
        reading
            .found
            .warning(codes::NO_RULES, &span, "there is no rule that could fire")
            .help("write some under `rules:`; the built-in example has four");
    }
    Some(Config {
        rules: Arc::new(rules),
        log,
        work,
        registry: registry.flatten(),
        topics,
        time,
        precedence,
        identity,
        intake,
        scorer,
        observe,
    })
}

/// Sections of the contract that this version refuses.
const NOT_BUILT: [&str; 3] = ["dispatch", "notify", "console"];
