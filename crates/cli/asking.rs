//! Who asks sources for what their webhooks missed: a thread each.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tierline_config::Config;
use tierline_intake::reconcile::{Around, Reconciler, Stop};
use tierline_intake::{Opener, Source};

use crate::ended::Untried;
use crate::hooks::encoder;

/// Threads that ask until they are ended.
pub struct Askers {
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
}

/// Whoever waits for an answer then is left to the end of the process: the next start asks again.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether they have ended.
const LOOK: Duration = Duration::from_millis(10);

impl Askers {
    /// Starts one for each source of `intake.reconcile`. `around` makes what one works with.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn start(
        config: &Config,
        opener: &dyn Fn() -> Result<Opener, Untried>,
        around: impl Fn(&Arc<dyn Source>) -> Around,
    ) -> Result<Askers, Untried> {
        let mut askers = Askers { stop: Stop::default(), threads: Vec::new() };
        for (name, told) in &config.intake.reconcile {
            let around = around(&config.intake.sources[name]);
            around.metrics.reconciles(name, (around.now)());
            let every = told.every.as_secs();
            tracing::info!(source = name, every, "it is asked for what its webhooks miss, every so many seconds");
            let reconciler = Reconciler::new(around, told.settings(), encoder(config), opener()?);
            let stop = askers.stop.clone();
            let thread = std::thread::Builder::new().name("reconcile".into()).spawn(move || reconciler.run(&stop))?;
            askers.threads.push(thread);
        }
        Ok(askers)
    }

    /// Has them end.
    pub fn end(self) {
        self.stop.set();
        let until = Instant::now() + PATIENCE;
        for thread in self.threads {
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(LOOK);
            }
            if thread.is_finished() {
                // A panic was reported when it happened.
                let _ = thread.join();
            }
        }
    }
}
