//! What an operator sees of intake: deliveries and what became of them, the records they made, how long that took, and
//! since when a source has been silent.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;

use crate::Metrics;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Its records are durable.
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

/// The metrics of intake. Cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct IntakeMetrics {
    metrics: Metrics,
    /// When each source was last heard, UTC milliseconds.
    heard: Arc<DashMap<String, i64>>,
}

impl IntakeMetrics {
    /// Those of a process whose intake starts now, with these sources.
    pub fn new<'s>(metrics: Metrics, sources: impl IntoIterator<Item = &'s str>, now: i64) -> IntakeMetrics {
        let heard = sources.into_iter().map(|source| (source.to_owned(), now)).collect();
        IntakeMetrics { metrics, heard: Arc::new(heard) }
    }

    /// A delivery has been answered.
    pub fn delivered(&self, source: &str, outcome: DeliveryOutcome, took: Duration, now: i64) {
        let families = &self.metrics.0;
        families.intake_deliveries.with_label_values(&[source, outcome.word()]).inc();
        families.intake_seconds.observe(took.as_secs_f64());
        if outcome.is_heard()
            && let Some(mut heard) = self.heard.get_mut(source)
        {
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
    }
}
