//! `tierline gateway`: webhooks alone, so that taking them scales by itself.

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::hooks::Hooks;
use crate::host::Host;
use crate::open;

/// The arguments of `gateway`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline gateway
  tierline --config hooks.yaml gateway

`tierline run` takes webhooks as well. Alone, several of them may stand behind a load balancer, with a pipeline on
the same log elsewhere. Each source of `intake.sources` has its address: /hooks/NAME.")]
pub struct Gateway {}

impl Gateway {
    /// Runs until a signal ends it.
    pub fn run(self, shared: &Shared) -> Ended {
        let mut host = Host::new()?;
        let source = open::source(shared)?;
        let (config, warnings) = open::read(&source)?;
        open::logs(&config, "info")?;
        for warning in &warnings {
            tracing::warn!(code = warning.code, "configuration: {}", warning.message);
        }
        let no_source =
            || Untried::because("no webhook would be taken: `intake.sources` has no source in this configuration");
        // Before anything listens: what is wrong is the configuration, not the port.
        if config.intake.sources.is_empty() {
            return Err(no_source());
        }
        let listener = host.listen(config.observe.listen)?;
        let observed = host.serve(listener, &config.observe)?;
        let hooks = Hooks::start(&config, &host, &|| open::opener(&config))?;
        let hooks = hooks.ok_or_else(no_source)?;
        // Now that it is known what it waits for: whoever asked before would be told that it is ready.
        host.health().without_lanes();
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            configuration = source.name,
            address = %hooks.address(),
            %observed,
            "tierline takes webhooks"
        );
        host.until_signal();
        hooks.end(&host);
        tracing::info!("tierline has ended cleanly");
        Ok(Answer::Yes)
    }
}
