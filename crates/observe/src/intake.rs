//! What an operator sees of intake: deliveries and what became of them, the records they made, how long that took, since
//! when a source has been silent, and how asking it for what has changed goes.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;

use crate::Metrics;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Its records, or what it tells of who is who, are durable.
    Taken,
    /// Its records had all been taken before.
    Repeated,
    /// It was an event that makes no record.
    Ignored,
    /// Its signature or token is not one of ours.
    Refused,
    /// What it says can't be read; it lies in `dead-letters`.
    Unreadable,
    /// It is larger, or slower, or of another type than is taken.
    Unfit,
    /// The log or the queue could not take it; its sender tries again.
    Unavailable,
}

impl DeliveryOutcome {
    /// The label.
    pub fn word(self) -> &'static str {
        match self {
            DeliveryOutcome::Taken => "taken",
            DeliveryOutcome::Repeated => "repeated",
            DeliveryOutcome::Ignored => "ignored",
            DeliveryOutcome::Refused => "refused",
            DeliveryOutcome::Unreadable => "unreadable",
            DeliveryOutcome::Unfit => "unfit",
            DeliveryOutcome::Unavailable => "unavailable",
        }
    }

    /// Whether the source was heard: it said something, and proved that it did.
    fn is_heard(self) -> bool {
        matches!(
            self,
            DeliveryOutcome::Taken | DeliveryOutcome::Repeated | DeliveryOutcome::Ignored | DeliveryOutcome::Unreadable
        )
    }
}

/// What came of a request to a source's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// An answer.
    Answered,
    /// The vendor wants to be asked later.
    Throttled,
    /// The vendor says that it failed.
    Failed,
    /// No answer, or half of one.
    Broken,
    /// We may not ask that.
    Refused,
    /// There is nothing there.
    Missing,
    /// An answer that nobody documents.
    Odd,
}

impl Asking {
    /// The label.
    pub fn word(self) -> &'static str {
        match self {
            Asking::Answered => "answered",
            Asking::Throttled => "throttled",
            Asking::Failed => "failed",
            Asking::Broken => "broken",
            Asking::Refused => "refused",
            Asking::Missing => "missing",
            Asking::Odd => "odd",
        }
    }
}

/// The metrics of intake. Cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct IntakeMetrics {
    metrics: Metrics,
    /// When each source was last heard, UTC milliseconds.
    heard: Arc<DashMap<String, i64>>,
    /// When all that had changed at each source was last known, UTC milliseconds; of those that are asked for it.
    reconciled: Arc<DashMap<String, i64>>,
}

impl IntakeMetrics {
    /// Those of a process whose intake starts now, with these sources.
    pub fn new<'s>(metrics: Metrics, sources: impl IntoIterator<Item = &'s str>, now: i64) -> IntakeMetrics {
        let heard = sources.into_iter().map(|source| (source.to_owned(), now)).collect();
        IntakeMetrics { metrics, heard: Arc::new(heard), reconciled: Arc::default() }
    }

    /// From now on a source is asked for what has changed.
    pub fn reconciles(&self, source: &str, now: i64) {
        self.reconciled.insert(source.to_owned(), now);
    }

    /// A source's API was asked something.
    pub fn asked(&self, source: &str, outcome: Asking) {
        self.metrics.0.reconcile_requests.with_label_values(&[source, outcome.word()]).inc();
    }

    /// A source was asked for all that had changed, and that is durable.
    pub fn reconciled(&self, source: &str, now: i64) {
        self.metrics.0.reconcile_rounds.with_label_values(&[source, "completed"]).inc();
        self.reconciled.insert(source.to_owned(), now);
        self.heard(source, now);
    }

    /// A source could not be asked for all that had changed; `why` is the kind of the error.
    pub fn not_reconciled(&self, source: &str, why: &str) {
        self.metrics.0.reconcile_rounds.with_label_values(&[source, why]).inc();
    }

    /// A delivery has been answered.
    pub fn delivered(&self, source: &str, outcome: DeliveryOutcome, took: Duration, now: i64) {
        let families = &self.metrics.0;
        families.intake_deliveries.with_label_values(&[source, outcome.word()]).inc();
        families.intake_seconds.observe(took.as_secs_f64());
        if outcome.is_heard() {
            self.heard(source, now);
        }
    }

    /// A source has said something, by whichever way.
    pub fn heard(&self, source: &str, now: i64) {
        if let Some(mut heard) = self.heard.get_mut(source) {
            *heard = now;
        }
    }

    /// A source's record is durable.
    pub fn written(&self, source: &str, topic: &str) {
        self.metrics.0.intake_records.with_label_values(&[source, topic]).inc();
    }

    /// A payload could not be read.
    pub fn dead_letter(&self, topic: &str, error: &str) {
        self.metrics.0.dead_letters.with_label_values(&[topic, error]).inc();
    }

    /// Says since when each source has been silent. Called now and then: silence is what nobody reports.
    pub fn silence(&self, now: i64) {
        for heard in self.heard.iter() {
            let silent = (now - heard.value()).max(0) / 1_000;
            self.metrics.0.source_silent.with_label_values(&[heard.key()]).set(silent);
        }
        for reconciled in self.reconciled.iter() {
            let age = (now - reconciled.value()).max(0) / 1_000;
            self.metrics.0.reconcile_age.with_label_values(&[reconciled.key()]).set(age);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_delivery_does_not_break_a_silence() {
        let metrics = Metrics::new("test", 0);
        let intake = IntakeMetrics::new(metrics.clone(), ["desk"], 0);
        intake.delivered("desk", DeliveryOutcome::Refused, Duration::ZERO, 30_000);
        intake.silence(60_000);
        assert!(metrics.render().contains("tierline_source_silent_seconds{source=\"desk\"} 60"));
        intake.delivered("desk", DeliveryOutcome::Taken, Duration::ZERO, 70_000);
        intake.silence(71_000);
        let text = metrics.render();
        assert!(text.contains("tierline_source_silent_seconds{source=\"desk\"} 1"), "{text}");
        assert!(text.contains("tierline_intake_deliveries_total{outcome=\"refused\",source=\"desk\"} 1"), "{text}");
        assert!(!text.contains("tierline_reconcile_age_seconds"), "nobody asks it: {text}");
    }

    #[test]
    fn a_completed_round_breaks_a_silence_and_a_failed_one_does_not() {
        let metrics = Metrics::new("test", 0);
        let intake = IntakeMetrics::new(metrics.clone(), ["desk"], 0);
        intake.reconciles("desk", 0);
        intake.not_reconciled("desk", "away");
        intake.silence(60_000);
        assert!(metrics.render().contains("tierline_reconcile_age_seconds{source=\"desk\"} 60"));
        intake.reconciled("desk", 70_000);
        intake.silence(75_000);
        let text = metrics.render();
        for line in [
            "tierline_reconcile_age_seconds{source=\"desk\"} 5",
            "tierline_source_silent_seconds{source=\"desk\"} 5",
            "tierline_reconcile_rounds_total{outcome=\"away\",source=\"desk\"} 1",
            "tierline_reconcile_rounds_total{outcome=\"completed\",source=\"desk\"} 1",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
