//! What became of a scenario, for people and for programs.

use serde_json::{Value as Json, json};
use tierline_model::{Escalation, Millis, instant_text};

use crate::timeline::{self, Line};

/// What became of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What it calls itself.
    pub scenario: String,
    /// The file that it stands in.
    pub file: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Its start, UTC: what the times of `happened` count from.
    pub start: Millis,
    /// Everything that went out, in order.
    pub happened: Vec<Happened>,
    /// Its steps, for the timeline.
    pub(crate) steps: Vec<Line>,
}

/// Whether a scenario came out as it says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// All of it.
    Passed,
    /// Not all of it: each line says what differs, the last perhaps why.
    Failed(Vec<String>),
    /// It asks for something that is not built yet, so nothing was tried.
    NotBuilt(String),
}

/// A record of `escalations`, or of `escalations-shadow`, that went out.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    pub(crate) escalation: Escalation,
    /// Of `escalations-shadow` instead.
    pub(crate) shadow: bool,
}

impl Outcome {
    /// What happened, a line each: steps, and behind an arrow what went out.
    pub fn timeline(&self) -> Vec<String> {
        let lines = timeline::with_outcome(&self.steps, &self.happened, self.start);
        lines.iter().map(|line| line.show(self.start)).collect()
    }

    /// The outcome as JSON: `file, scenario, verdict` (`passed`, `failed`, `not_built`)`, why[], happened[]`.
    pub fn json(&self) -> Json {
        let (verdict, why) = match &self.verdict {
            Verdict::Passed => ("passed", Vec::new()),
            Verdict::Failed(differences) => ("failed", differences.clone()),
            Verdict::NotBuilt(reason) => ("not_built", vec![reason.clone()]),
        };
        let happened: Vec<_> = self
            .happened
            .iter()
            .map(|Happened { escalation, shadow }| {
                json!({
                    "shadow": shadow,
                    "at": instant_text(escalation.became_true_at),
                    "detected_at": instant_text(escalation.detected_at),
                    "kind": escalation.kind.word(),
                    "ticket_id": escalation.ticket_id,
                    "tier": escalation.tier,
                    "rule": escalation.rule,
                    "reason": escalation.reason,
                })
            })
            .collect();
        json!({ "file": self.file, "scenario": self.scenario, "verdict": verdict, "why": why, "happened": happened })
    }
}

/// One line where it passed; where it failed, what differs and a timeline of what happened.
impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.verdict {
            Verdict::Passed => write!(f, "passed   {}", self.scenario),
            Verdict::NotBuilt(reason) => write!(f, "skipped  {} (not built yet: {reason})", self.scenario),
            Verdict::Failed(differences) => {
                write!(f, "FAILED   {}  ({})", self.scenario, self.file)?;
                for difference in differences {
                    write!(f, "\n           {difference}")?;
                }
                write!(f, "\n         what happened (times from the start, → went out):")?;
                for line in timeline::with_outcome(&self.steps, &self.happened, self.start) {
                    write!(f, "\n         {}", line.show(self.start))?;
                }
                if self.happened.is_empty() {
                    write!(f, "\n         nothing went out")?;
                }
                Ok(())
            }
        }
    }
}
