//! `tierline run`: the pipeline, until it is told to end.

use std::future::pending;

use tierline_model::Millis;

use crate::arguments::Shared;
use crate::ended::{Answer, Ended};
use crate::hooks::Hooks;
use crate::host::Host;
use crate::open;
use crate::pipeline::Pipeline;
use crate::print::read_instant;

/// The arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline run
  tierline --config eu.yaml run
  tierline --config replay.yaml run --until 2026-03-31T00:00:00Z    with time.clock: events

SIGTERM or Ctrl-C end it cleanly within seconds; a second one at once. What was not committed then is read again.")]
pub struct Run {
    /// Drain the inputs, run the clock on to this instant, end
    #[arg(long, value_name = "INSTANT", value_parser = read_instant)]
    until: Option<Millis>,
}

impl Run {
    /// Runs it.
    pub fn run(self, shared: &Shared) -> Ended {
        let mut host = Host::new()?;
        let source = open::source(shared)?;
        let (config, warnings) = open::read(&source)?;
        open::logs(&config, "info")?;
        for warning in &warnings {
            tracing::warn!(code = warning.code, "configuration: {}", warning.message);
        }
        let listener = host.listen(config.observe.listen)?;
        let address = host.serve(listener, &config.observe)?;
        let pipeline = Pipeline::prepare(&config, &host, self.until)?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            configuration = source.name,
            %address,
            lanes = pipeline.lanes(),
            rules = config.rules.rules.len(),
            "tierline runs"
        );
        // Time that follows the records alone has no webhooks.
        let hooks = match self.until {
            None => Hooks::start(&config, &host, &|| Ok(pipeline.opener()))?,
            Some(_) => None,
        };
        let ended = host.run(&pipeline, pending());
        if let Some(hooks) = hooks {
            hooks.end(&host);
        }
        ended?;
        tracing::info!("tierline has ended cleanly");
        Ok(Answer::Yes)
    }
}
