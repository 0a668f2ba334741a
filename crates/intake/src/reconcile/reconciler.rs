//! One source, round after round.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tierline_model::Millis;
use tierline_observe::IntakeMetrics;

use super::marks::{Marks, Said};
use super::round::{Counts, import_id};
use super::{Api, Asked, Cursor, Halt, Http, Key, Place, Round, Stop};
use crate::directory::Shared;
use crate::gateway::recent::Recent;
use crate::gateway::{Clock, Queue};
use crate::{Encoder, Opener, Source};

/// How a source is asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where, and how often at most.
    pub place: Place,
    /// As whom.
    pub key: Key,
    /// From one round to the next.
    pub every: Duration,
    /// How far back the first round of all looks.
    pub look_back: Duration,
}

/// What a reconciler works with.
pub struct Around {
    /// Who is asked.
    pub source: Arc<dyn Source>,
    /// Where what was found is worked off.
    pub queue: Queue,
    /// Where it is remembered how far that has come.
    pub directory: Shared,
    /// What counts it.
    pub metrics: IntakeMetrics,
    /// The wall clock.
    pub now: Clock,
    /// What this process calls itself.
    pub by: String,
}

/// Asks one source for what has changed, again and again.
pub struct Reconciler {
    around: Around,
    settings: Settings,
    marks: Marks,
    /// What was taken lately, so that windows may overlap for nothing.
    taken: Recent,
    imported: Arc<AtomicBool>,
    /// When names were asked for last.
    named: Option<Instant>,
    /// Whether it has been said how far the source had been heard before.
    opened: bool,
    /// When the last round of this process was over.
    ended: Option<Instant>,
}

/// A window reaches back so far into the one before: what was written with an earlier instant than its neighbour, and
/// instants in whole seconds.
const OVERLAP: Millis = 60_000;
/// Names change seldom.
const NAMES_EVERY: Duration = Duration::from_secs(3_600);
/// The directory is not read yet: it is looked again after this.
const SOON: Duration = Duration::from_millis(200);

impl Reconciler {
    /// One that writes its marks by `encoder` to the log that `opener` opens.
    pub fn new(around: Around, settings: Settings, encoder: Encoder, opener: Opener) -> Reconciler {
        let source = &around.source.basics().name;
        let marks = Marks::new(source, encoder, around.directory.clone(), opener);
        Reconciler {
            around,
            settings,
            marks,
            taken: Recent::default(),
            imported: Arc::default(),
            named: None,
            opened: false,
            ended: None,
        }
    }

    /// Asks until it is told to stop.
    pub fn run(mut self, stop: &Stop) {
        let source = Arc::clone(&self.around.source);
        let name = &source.basics().name;
        let Some(api) = source.api() else {
            tracing::error!(source = name, "there is nothing that could be asked for what has changed");
            return;
        };
        let terms = api.terms();
        let metrics = self.around.metrics.clone();
        let mut http = Http::new(self.settings.place.clone(), api.headers(), stop.clone(), name, metrics);
        while !stop.is_set() {
            let wait = if self.around.directory.is_ready() { self.due() } else { SOON };
            let waited = match wait {
                Duration::ZERO => self.go_round(api, terms.lag, terms.has_tickets, &mut http, stop),
                wait => stop.wait(wait),
            };
            if waited.is_err() {
                return;
            }
        }
    }

    /// A round, and what is said of it; after one that failed, the wait until the next. An error: it is to stop.
    fn go_round(
        &mut self,
        api: &dyn Api,
        lag: Duration,
        has_tickets: bool,
        http: &mut Http,
        stop: &Stop,
    ) -> Result<(), Halt> {
        let source = self.around.source.basics().name.clone();
        let began = Instant::now();
        match self.round(api, lag, has_tickets, http) {
            Ok(Counts { payloads, records, left_out }) => {
                self.around.metrics.reconciled(&source, (self.around.now)());
                let took = began.elapsed().as_millis() as u64;
                tracing::debug!(source, payloads, records, took, "asked for all that has changed");
                if left_out > 0 {
                    tracing::warn!(source, left_out, "some of what has changed could not be taken: see dead-letters");
                }
                Ok(())
            }
            Err(Halt::Stopped) => Err(Halt::Stopped),
            Err(halt) => {
                if matches!(halt, Halt::Refused(_)) {
                    http.authorize(None);
                }
                self.around.metrics.not_reconciled(&source, halt.word());
                tracing::warn!(source, error = %halt, "cannot ask for what has changed; it is tried again");
                stop.wait(self.settings.every)
            }
        }
    }

    /// How long until the next round. Whoever completed the last one comes first, the others wait half as long again.
    fn due(&self) -> Duration {
        let cursor = Cursor::find(&self.around.source.basics().name, &*self.around.directory.table());
        let Some((cursor, completed_at)) = cursor.and_then(|cursor| Some((cursor.clone(), cursor.completed_at?)))
        else {
            return Duration::ZERO;
        };
        let every = self.settings.every;
        let every = if cursor.by == self.around.by { every } else { every + every / 2 };
        left_of(every, completed_at, (self.around.now)())
            .unwrap_or_else(|| self.ended.map_or(Duration::ZERO, |ended| every.saturating_sub(ended.elapsed())))
    }

    fn round(&mut self, api: &dyn Api, lag: Duration, has_tickets: bool, http: &mut Http) -> Result<Counts, Halt> {
        if !http.is_authorized() {
            let authorization = api.authorization(&self.settings.key, http)?;
            http.authorize(Some(authorization));
        }
        let source = self.around.source.basics().name.clone();
        let began_at = (self.around.now)();
        let before = self.cursor(&source, began_at)?;
        let asks_names = self.named.is_none_or(|named| named.elapsed() >= NAMES_EVERY);
        let asked = Asked {
            since: before.until - OVERLAP,
            import_id: import_id(&source, before.goes_on_at()),
            imported: Arc::clone(&self.imported),
        };
        let mut round = Round {
            http,
            around: &self.around,
            marks: &mut self.marks,
            taken: &mut self.taken,
            asked,
            from: before.goes_on_at() - OVERLAP,
            opens_with: (has_tickets && !self.opened).then_some(before.until),
            began_at,
            waiting: Vec::new(),
            counts: Counts::default(),
        };
        if asks_names {
            api.names(&mut round)?;
            round.flush()?;
            self.named = Some(Instant::now());
        }
        api.changes(&mut round)?;
        round.flush()?;
        let until = round.now_there() - lag.as_millis() as Millis;
        let cursor = Cursor {
            until: until.max(before.until),
            reached: None,
            completed_at: Some((self.around.now)()),
            by: self.around.by.clone(),
        };
        round.conclude(has_tickets.then_some(until), cursor)?;
        (self.opened, self.ended) = (true, Some(Instant::now()));
        Ok(round.counts)
    }

    /// How far it was asked for. The first of all rounds remembers where it began, so that it goes on there if it is
    /// interrupted.
    fn cursor(&mut self, source: &str, now: Millis) -> Result<Cursor, Halt> {
        if let Some(cursor) = Cursor::find(source, &*self.around.directory.table()) {
            return Ok(cursor);
        }
        let until = now - self.settings.look_back.as_millis() as Millis;
        let cursor = Cursor { until, reached: None, completed_at: None, by: self.around.by.clone() };
        self.marks.write(&Said { cursor: Some(cursor.clone()), ..Said::default() })?;
        Ok(cursor)
    }
}

/// How much of `every` is left; none: what was completed long after now was so by a clock that was ahead, and says nothing.
fn left_of(every: Duration, completed_at: Millis, now: Millis) -> Option<Duration> {
    let passed = now.saturating_sub(completed_at);
    let is_told = passed >= -(every.as_millis() as Millis);
    is_told.then(|| every.saturating_sub(Duration::from_millis(passed.max(0).unsigned_abs())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_ahead_does_not_stop_the_rounds() {
        let every = Duration::from_secs(60);
        let left = |completed_at| left_of(every, completed_at, 1_000_000);
        assert_eq!(left(990_000), Some(Duration::from_secs(50)));
        assert_eq!(left(900_000), Some(Duration::ZERO));
        assert_eq!(left(1_000_500), Some(every), "clocks of two gateways differ a little");
        assert_eq!(left(8_200_000), None);
    }
}
