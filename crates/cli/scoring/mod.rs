//! What scores the messages of a pipeline, as its configuration wants it.

mod http;
mod pause;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use tierline_config::Scorer;
use tierline_observe::Metrics;
use tierline_stream::score::{Answer, Message, Scores};

/// The scorer of this configuration; how long it takes is told to the metrics.
pub fn of(told: &Scorer, metrics: &Metrics) -> Arc<dyn Scores> {
    let scorer: Box<dyn Scores> = match told {
        Scorer::BuiltIn => Box::new(tierline_score::Scorer::built_in()),
        Scorer::Http(told) => Box::new(http::Http::new(told)),
        Scorer::Model(model) => Box::new(tierline_score::Scorer::calibrated((**model).clone())),
    };
    Arc::new(Timed { scorer, metrics: metrics.clone() })
}

/// Beyond the stage, which reads no clock.
struct Timed {
    scorer: Box<dyn Scores>,
    metrics: Metrics,
}

impl Scores for Timed {
    fn score(&self, message: &Message<'_>) -> Answer {
        let began = Instant::now();
        let answer = self.scorer.score(message);
        self.metrics.scored_in(began.elapsed().as_secs_f64());
        answer
    }

    fn most_at_once(&self) -> usize {
        self.scorer.most_at_once()
    }
}
