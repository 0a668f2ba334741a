//! `tierline intake`: what a payload would become, and payloads that are kept, read again.

mod replay;
mod tried;

use std::collections::BTreeMap;
use std::sync::Arc;

use tierline_config::Config;
use tierline_intake::Source;
use tierline_rules::source::did_you_mean;

use crate::arguments::Shared;
use crate::ended::{Ended, Untried};

/// The arguments of `intake`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline intake try zendesk payload.json
  tierline intake replay zendesk --since 2026-03-02T00:00:00Z")]
pub struct Intake {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show what a payload would become, field by field, and what is ignored and why
    Try(tried::Try),
    /// Read the payloads that were kept once more, through the mapping as it is now
    Replay(replay::Replay),
}

impl Intake {
    /// Does what was asked.
    pub fn run(self, shared: &Shared) -> Ended {
        match self.what {
            What::Try(tried) => tried.run(shared),
            What::Replay(replay) => replay.run(shared),
        }
    }
}

/// The source of that name.
pub fn source(config: &Config, name: &str) -> Result<Arc<dyn Source>, Untried> {
    let sources: &BTreeMap<_, _> = &config.intake.sources;
    if let Some(source) = sources.get(name) {
        return Ok(Arc::clone(source));
    }
    let names: Vec<_> = sources.keys().map(String::as_str).collect();
    let help = did_you_mean(name, names.iter().copied()).unwrap_or_else(|| match names.is_empty() {
        true => "`intake.sources` has none".to_owned(),
        false => format!("there are {}", names.join(", ")),
    });
    Err(Untried::because(format!("no source is called '{name}'; {help}")))
}
