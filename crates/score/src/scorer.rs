//! From the cues of a message to its sentiment and risk.

use std::sync::Arc;

use crate::calibrate::Model;
use crate::cues::Cues;
use crate::kinds::Kind;
use crate::language::is_english;
use crate::reading::{Hit, Reading, read};
use crate::signal::ModelId;
use crate::words::Class;

/// From this risk on it is high.
pub const HIGH: f64 = 0.7;
/// From this risk on it is medium.
pub const MEDIUM: f64 = 0.4;
/// Reasons that are told, at most.
const TOLD: usize = 6;
/// A reason that weighs less than this is none.
const SLIGHT: f64 = 0.25;

/// The built-in scorer, by itself or under a model of a company's own labels.
#[derive(Clone, Debug)]
pub struct Scorer {
    cues: &'static Cues,
    model: Option<Arc<Model>>,
}

/// What a message says of its author's mood.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// −1 (as bad as it gets) to 1; 0 says nothing either way.
    pub sentiment: f64,
    /// 0 to 1.
    pub escalation_risk: f64,
    /// What decided, the weightiest first.
    pub reasons: Vec<Reason>,
}

/// Words that decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// As they stand in the message.
    pub words: String,
    /// What they speak of.
    pub kind: Kind,
    /// What they add to the log-odds that the message is negative.
    pub weight: f64,
}

impl Scorer {
    /// The name that its signals carry.
    pub const NAME: &str = "tierline-lexicon";
    /// Its version: one more whenever a list or a number here changes what a message scores.
    pub const VERSION: &str = "1";

    /// The scorer with its lists, which are read once a process.
    pub fn built_in() -> Scorer {
        Scorer { cues: Cues::built_in(), model: None }
    }

    /// The scorer that a model has made a company's own.
    pub fn calibrated(model: Model) -> Scorer {
        Scorer { cues: Cues::built_in(), model: Some(Arc::new(model)) }
    }

    /// What its signals name as their model.
    pub fn id(&self) -> ModelId {
        let built_in = || ModelId { name: Scorer::NAME.to_owned(), version: Scorer::VERSION.to_owned() };
        self.model.as_ref().map_or_else(built_in, |model| model.id())
    }

    /// Scores a message; `None` is *unknown*: it is not in English.
    ///
    /// Under a model the risk is the chance that the people who set the labels would call the message negative, and the
    /// sentiment is what it lacks to certainty either way.
    pub fn score(&self, text: &str) -> Option<Score> {
        let reading = self.read(text);
        is_english(text, &reading).then(|| match &self.model {
            None => {
                let view = View::of(&reading);
                Score { sentiment: view.sentiment(), escalation_risk: view.risk(), reasons: told(&reading, Vec::new()) }
            }
            Some(model) => {
                let (risk, learned) = model.judge(&reading);
                Score { sentiment: 1.0 - 2.0 * risk, escalation_risk: risk, reasons: told(&reading, learned) }
            }
        })
    }

    pub(crate) fn read<'t>(&self, text: &'t str) -> Reading<'t> {
        read(self.cues, text)
    }
}

impl Score {
    /// `high`, `medium` or `low`.
    pub fn label(&self) -> &'static str {
        label(self.escalation_risk)
    }

    /// The reasons in one line.
    pub fn explanation(&self) -> String {
        let told: Vec<_> =
            self.reasons.iter().map(|reason| format!("“{}” ({})", reason.words, reason.kind.name())).collect();
        told.join(", ")
    }
}

/// What a risk is called.
pub fn label(risk: f64) -> &'static str {
    match risk {
        HIGH.. => "high",
        MEDIUM.. => "medium",
        _ => "low",
    }
}

/// A message in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct View {
    /// What speaks against content.
    pub against: f64,
    /// What speaks for it, above zero.
    pub content: f64,
    /// How it is written, in log-odds.
    pub manner: f64,
    /// What the kinds of the cues add to the risk.
    pub stakes: f64,
    /// The general lexicon alone.
    pub general: f64,
    /// The small words.
    pub wording: f64,
    /// Neutral requests.
    pub requests: f64,
}

impl View {
    pub(crate) fn of(reading: &Reading<'_>) -> View {
        let mut view = View::default();
        let mut met = [0u32; Kind::ALL.len()];
        for hit in &reading.hits {
            match hit.weight > 0.0 {
                true => view.against += hit.weight,
                false => view.content -= hit.weight,
            }
            match hit.kind {
                Kind::General => view.general += hit.weight,
                Kind::Wording => view.wording += hit.weight,
                Kind::Request => view.requests += hit.weight,
                _ => {}
            }
            if !hit.negated {
                let before = &mut met[hit.kind as usize];
                // The second of a kind says less than the first, the fourth nothing new.
                view.stakes += hit.kind.risk() * [1.0, 0.3, 0.2].get(*before as usize).copied().unwrap_or(0.0);
                *before += 1;
            }
        }
        view.manner = manner(reading, view.against, view.content);
        view
    }

    /// The log-odds that the message is negative, up to a constant.
    pub fn log_odds(&self) -> f64 {
        // Thanks in the middle of a complaint are irony as often as not.
        let content = self.content / (1.0 + 0.2 * self.against);
        bent(self.against) - bent(content) + self.manner
    }

    fn sentiment(&self) -> f64 {
        let odds = self.log_odds();
        -odds / (odds * odds + 3.0).sqrt()
    }

    fn risk(&self) -> f64 {
        let odds = self.log_odds();
        let stakes = if odds > 0.0 { self.stakes } else { self.stakes.min(0.0) + 0.3 * self.stakes.max(0.0) };
        logistic(-1.5 + 0.55 * odds + stakes)
    }
}

/// How a message is written says something, too.
fn manner(reading: &Reading<'_>, against: f64, content: f64) -> f64 {
    let marks = &reading.marks;
    let some = |is: bool, odds: f64| if is { odds } else { 0.0 };
    let has = |class| reading.tokens.iter().any(|token| token.class == class);
    let length = (reading.words as f64 + 1.0).ln() - 15f64.ln();
    let loud = marks.exclamations.min(3) as f64;
    (0.35 * length).clamp(-0.5, 0.6)
        + if content > against { -0.2 * loud } else { some(against > 0.5, 0.15 * loud) }
        + some(marks.questions > 0, if against < 1.2 { -0.6 } else { 0.0 })
        + some(marks.questions > 1, 0.3)
        + some(marks.ellipses > 0, 0.25)
        + some(marks.quotes > 0, 0.1)
        + some(reading.capitals > 1, 0.3)
        + some(has(Class::Link), -0.3)
        + some(has(Class::Money), 0.2)
}

/// Straight at first, then ever flatter: a long letter isn't a hundred times as bad as a short one.
fn bent(sum: f64) -> f64 {
    6.0 * (sum / 6.0).ln_1p()
}

pub(crate) fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

/// The weightiest reasons: cues of the lists, and words that labels taught.
fn told(reading: &Reading<'_>, learned: Vec<Reason>) -> Vec<Reason> {
    let weighty = |hit: &&Hit| !matches!(hit.kind, Kind::Wording | Kind::Request) && hit.weight.abs() >= SLIGHT;
    let of_hit = |hit: &Hit| Reason { words: reading.words_of(hit), kind: hit.kind, weight: hit.weight };
    let mut reasons: Vec<Reason> = reading.hits.iter().filter(weighty).map(of_hit).chain(learned).collect();
    let importance = |reason: &Reason| reason.weight.abs() + reason.kind.risk().abs();
    reasons.sort_by(|a, b| importance(b).total_cmp(&importance(a)));
    reasons.dedup_by(|a, b| a == b);
    reasons.truncate(TOLD);
    reasons
}

impl Reading<'_> {
    /// The words of a hit as they stand in the message, with single spaces.
    fn words_of(&self, hit: &Hit) -> String {
        let words = self.tokens[hit.from..hit.from + hit.length].iter().map(|token| token.text);
        words.collect::<Vec<_>>().join(" ")
    }
}
