//! `tierline score`: what the scorer makes of messages, line by line, with the words that decided.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use serde_json::{Value, json};
use tierline_score::{Model, Score, Scorer};

use crate::ended::{Answer, Ended, Untried};
use crate::input::input;
use crate::print::{self, Output, plain};

/// The arguments of `score`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  echo 'This is the third time I ask. I am seriously considering canceling.' | tierline score
  tierline score messages.txt
  tierline score messages.jsonl --output json | jq 'select(.label == \"high\")'
  tierline score messages.txt --model acme.model

A line is a message, or a JSON object with the message as `text`. What is not in English is unknown. A line that is
neither is reported with its number and left out; exit code 1 says that there was one.")]
pub struct ScoreMessages {
    /// Where the messages are; `-` or nothing is standard input
    file: Option<PathBuf>,
    /// A model that `tierline calibrate` wrote [default: the built-in scorer]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// For people, or one JSON object a line
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl ScoreMessages {
    /// Scores all lines.
    pub fn run(self) -> Ended {
        let scorer = self.scorer()?;
        let mut rows = Vec::new();
        let mut answer = Answer::Yes;
        for (number, line) in (1u64..).zip(BufReader::new(input(self.file.as_deref())?).split(b'\n')) {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            if line.trim().is_empty() {
                continue;
            }
            match message(&line) {
                Err(why) => {
                    print::note(format_args!("line {number}: {}", plain(&why)));
                    answer = Answer::No;
                }
                Ok(text) => {
                    let score = scorer.score(&text);
                    match self.output {
                        Output::Table => rows.push(row(number, &text, score.as_ref())),
                        Output::Json => print::line(as_json(number, &scorer, score.as_ref()))?,
                    }
                }
            }
        }
        if self.output == Output::Table {
            print::table(&["line", "sentiment", "risk", "", "message", "because of"], rows)?;
        }
        Ok(answer)
    }

    fn scorer(&self) -> Result<Scorer, Untried> {
        let Some(path) = &self.model else { return Ok(Scorer::built_in()) };
        let cannot =
            |why: &dyn std::fmt::Display| Untried::because(format!("cannot use {} as a model: {why}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| cannot(&error))?;
        // Damage that ends in other bytes than text is found by the checksum.
        let model = Model::from_text(&String::from_utf8_lossy(&bytes)).map_err(|error| cannot(&error))?;
        Ok(Scorer::calibrated(model))
    }
}

/// The message of a line.
fn message(line: &str) -> Result<String, String> {
    if !line.trim_start().starts_with('{') {
        return Ok(line.to_owned());
    }
    let object: Value = serde_json::from_str(line).map_err(|error| format!("it is no JSON object: {error}"))?;
    match &object["text"] {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Err("it has no `text`".to_owned()),
        _ => Err("its `text` is no text".to_owned()),
    }
}

fn row(number: u64, text: &str, score: Option<&Score>) -> Vec<String> {
    const SHOWN: usize = 60;
    let mut shown: String = text.trim().chars().take(SHOWN).collect();
    if text.trim().chars().count() > SHOWN {
        shown.push('…');
    }
    let told = match score {
        None => ["unknown".to_owned(), "unknown".to_owned(), String::new(), shown, "not in English".to_owned()],
        Some(score) => [
            format!("{:+.2}", score.sentiment),
            format!("{:.2}", score.escalation_risk),
            score.label().to_owned(),
            shown,
            score.explanation(),
        ],
    };
    std::iter::once(number.to_string()).chain(told).collect()
}

fn as_json(number: u64, scorer: &Scorer, score: Option<&Score>) -> Value {
    let because = |score: &Score| {
        let reason = |reason: &tierline_score::Reason| json!({"words": reason.words, "kind": reason.kind.name(), "weight": round(reason.weight)});
        score.reasons.iter().map(reason).collect::<Vec<_>>()
    };
    json!({
        "line": number,
        "sentiment": score.map(|score| round(score.sentiment)),
        "escalation_risk": score.map(|score| round(score.escalation_risk)),
        "label": score.map(Score::label),
        "because": score.map(because),
        "explanation": score.map(Score::explanation),
        "model": scorer.id().to_string(),
    })
}

/// Six digits: enough to tell any two messages apart that differ.
fn round(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_or_an_object_with_one() {
        assert_eq!(message("App is down"), Ok("App is down".to_owned()));
        assert_eq!(message(r#"{"text": "a\nb", "id": 7}"#), Ok("a\nb".to_owned()));
        for (wrong, why) in [("{", "it is no JSON"), (r#"{"body": ""}"#, "no `text`"), (r#"{"text": 7}"#, "is no text")]
        {
            assert!(message(wrong).unwrap_err().contains(why), "{wrong}");
        }
    }
}
