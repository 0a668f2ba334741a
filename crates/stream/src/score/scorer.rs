//! What scores a message: the built-in scorer, or whatever else is asked.

use tierline_model::Millis;
use tierline_score::{ModelId, Scorer, label};

/// Scores messages; shared by all lanes of a process. Whoever waits for an answer of somebody else bounds that itself.
pub trait Scores: Send + Sync {
    /// What a message says of its author's mood.
    fn score(&self, message: &Message<'_>) -> Answer;

    /// How many messages may be scored before the lane has to look after its log again: see
    /// [`Stages::most_at_once`](crate::stage::Stages::most_at_once).
    fn most_at_once(&self) -> usize {
        usize::MAX
    }
}

/// A customer's message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Of which ticket.
    pub ticket_id: &'a str,
    /// Of which account.
    pub account_id: &'a str,
    /// Its own id, or that of the event that brought it.
    pub id: &'a str,
    /// When it was written, UTC.
    pub occurred_at: Millis,
    /// Its ticket's language, if the event that brings it says so.
    pub language: Option<&'a str>,
    /// What it says; never empty, and it may be megabytes.
    pub text: &'a str,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It says something.
    Scored(Feeling),
    /// It was to be scored by somebody who did not answer, or not with an answer; this is what the built-in scorer says.
    Fallback(Feeling),
    /// It is in no language that is scored, or says nothing that can be told.
    Unknown,
    /// Nobody answered.
    Unanswered,
}

/// What a message says of its author's mood.
#[derive(Clone, Debug, PartialEq)]
pub struct Feeling {
    /// Who says so.
    pub model: ModelId,
    /// −1 (as bad as it gets) to 1; none: unknown.
    pub sentiment: Option<f64>,
    /// 0 to 1; none: unknown.
    pub escalation_risk: Option<f64>,
    /// `high`, `medium` or `low`; none: whoever reads the risk decides.
    pub label: Option<String>,
    /// The words that decided, for people.
    pub explanation: Option<String>,
}

impl Scores for Scorer {
    fn score(&self, message: &Message<'_>) -> Answer {
        let Some(score) = Scorer::score(self, message.text) else { return Answer::Unknown };
        let explanation = score.explanation();
        let (sentiment, risk) = (rounded(score.sentiment), rounded(score.escalation_risk));
        Answer::Scored(Feeling {
            model: self.id(),
            sentiment: Some(sentiment),
            escalation_risk: Some(risk),
            label: Some(label(risk).to_owned()),
            explanation: (!explanation.is_empty()).then_some(explanation),
        })
    }
}

/// To a thousandth: people read it in the sentence of an escalation.
fn rounded(number: f64) -> f64 {
    // Nothing is below zero that is shown as zero.
    (number * 1_000.0).round() / 1_000.0 + 0.0
}
