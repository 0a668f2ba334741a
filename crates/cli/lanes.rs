//! The lanes of a process: one OS thread each, started together, stopped together.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tierline_observe::Health;
use tierline_stream::LaneError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::ended::Untried;
use crate::print::counted;
use crate::signals::Signals;

/// What a lane's thread does until it is told to stop.
pub type Run = Box<dyn FnOnce(&AtomicBool) -> Result<(), LaneError> + Send>;

/// A lane that is to run.
pub struct Work {
    /// What the lane is called: `lane 0`, `score lane 0`.
    pub name: String,
    /// Its number among those of its stage, and where they say how they are.
    pub lane: usize,
    pub health: Health,
    /// What it does.
    pub run: Run,
}

impl Work {
    /// The process is not ready before this lane is.
    pub fn announce(&self) {
        self.health.lane_starts(self.lane);
    }
}

/// Running lanes.
pub struct Lanes {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    reports: UnboundedReceiver<(String, Result<(), LaneError>)>,
    running: usize,
}

/// How long lanes have to end in order before the process goes without them. What they had not committed is read again.
const PATIENCE: Duration = Duration::from_secs(10);

impl Lanes {
    /// Starts a thread for each piece of work.
    pub fn start(work: Vec<Work>) -> Result<Lanes, Untried> {
        let stop = Arc::new(AtomicBool::new(false));
        let (to, reports) = unbounded_channel();
        let running = work.len();
        let mut threads = Vec::with_capacity(running);
        for work in work {
            work.announce();
            let Work { name, lane, health, run } = work;
            let stop = Arc::clone(&stop);
            let thread = std::thread::Builder::new().name(name.replace(' ', "-"));
            let report = Report { name, lane, to: to.clone(), health, sent: false };
            threads.push(thread.spawn(move || report.send(run(&stop)))?);
        }
        Ok(Lanes { stop, threads, reports, running })
    }

    /// Asks all of them to end in order, and says until when they may take.
    fn stop(&self) -> Instant {
        self.stop.store(true, Ordering::Relaxed);
        Instant::now() + PATIENCE
    }

    /// Whether they were asked to end, rather than having done all that they were to do.
    pub fn were_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits until all have ended: by themselves, by a signal, when `enough` is ready, or because one of them failed,
    /// which ends the others. A second signal ends the process at once.
    ///
    /// # Errors
    /// The first lane that failed, with its words; lanes that don't end in time.
    pub async fn run_out(&mut self, signals: &mut Signals, enough: impl Future<Output = ()>) -> Result<(), Untried> {
        let mut failed = None;
        let mut enough = pin!(enough);
        let mut deadline = None;
        while self.running > 0 {
            tokio::select! {
                report = self.reports.recv() => {
                    let Some((lane, result)) = report else { break };
                    self.running -= 1;
                    if let Err(error) = result {
                        tracing::error!(lane, "{error}");
                        failed.get_or_insert_with(|| format!("{lane} ended: {error}"));
                        deadline = Some(self.stop());
                    }
                }
                signal = signals.next() => {
                    if self.stop.load(Ordering::Relaxed) {
                        return Err(Untried::because("ended at once by a second signal; nothing uncommitted is lost"));
                    }
                    tracing::info!(signal = signal.name(), "ending; the lanes finish what they hold");
                    deadline = Some(self.stop());
                }
                () = &mut enough, if deadline.is_none() => deadline = Some(self.stop()),
                () = at(deadline) => {
                    let why = format!(
                        "ended without {} that did not end within {} s; what was not committed is read again at the \
                         next start",
                        counted(self.running, "lane"),
                        PATIENCE.as_secs()
                    );
                    return Err(Untried::Because(failed.unwrap_or(why)));
                }
            }
        }
        for thread in self.threads.drain(..) {
            // A panic was reported above, by the thread's own report.
            let _ = thread.join();
        }
        failed.map_or(Ok(()), |why| Err(Untried::Because(why)))
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Tells how a lane ended, even if it panicked.
struct Report {
    name: String,
    lane: usize,
    to: UnboundedSender<(String, Result<(), LaneError>)>,
    health: Health,
    sent: bool,
}

impl Report {
    fn send(mut self, result: Result<(), LaneError>) {
        self.tell(result);
    }

    fn tell(&mut self, result: Result<(), LaneError>) {
        if std::mem::replace(&mut self.sent, true) {
            return;
        }
        let why = result.as_ref().err().map_or_else(|| "finished".to_owned(), ToString::to_string);
        self.health.lane_ended(self.lane, why);
        // Nobody listens any more only when the process ends anyway.
        let _ = self.to.send((std::mem::take(&mut self.name), result));
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.tell(Err(LaneError::Fatal("it panicked; its words stand above".to_owned())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    fn start(health: &Health, runs: impl IntoIterator<Item = Run>) -> Lanes {
        let of_run = |(lane, run)| Work { name: format!("lane {lane}"), lane, health: health.clone(), run };
        Lanes::start(runs.into_iter().enumerate().map(of_run).collect()).unwrap()
    }

    fn until_stopped() -> Run {
        Box::new(|stop| {
            while !stop.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            Ok(())
        })
    }

    #[tokio::test]
    async fn a_lane_that_dies_ends_the_others_and_is_named() {
        let health = Health::default();
        let dies: Run = Box::new(|_| Err(LaneError::Fatal("topic tickets is gone".to_owned())));
        let mut lanes = start(&health, [until_stopped(), dies]);
        let mut signals = Signals::listen().unwrap();
        let Err(Untried::Because(why)) = lanes.run_out(&mut signals, pending()).await else { panic!("it failed") };
        assert_eq!(why, "lane 1 ended: topic tickets is gone");
        assert!(lanes.were_stopped());
        assert_eq!(health.dead().len(), 2);
    }

    #[tokio::test]
    async fn a_lane_that_panics_counts_as_dead() {
        let panics: Run = Box::new(|_| panic!("as this test wants it"));
        let mut lanes = start(&Health::default(), [panics, until_stopped()]);
        let mut signals = Signals::listen().unwrap();
        let Err(Untried::Because(why)) = lanes.run_out(&mut signals, pending()).await else { panic!("it failed") };
        assert!(why.starts_with("lane 0 ended: it panicked"), "{why}");
    }

    #[tokio::test]
    async fn lanes_that_finish_or_run_out_of_time_end_well() {
        let mut signals = Signals::listen().unwrap();
        let finishes: Run = Box::new(|_| Ok(()));
        let mut lanes = start(&Health::default(), [finishes]);
        assert!(lanes.run_out(&mut signals, pending()).await.is_ok());
        assert!(!lanes.were_stopped());
        let mut lanes = start(&Health::default(), [until_stopped()]);
        assert!(lanes.run_out(&mut signals, ready(())).await.is_ok());
        assert!(lanes.were_stopped());
    }
}
