//! What is said to a scorer beyond HTTP, and what it says: JSON, and none of it is believed before it is looked at.

use serde_json::{Value, json};
use tierline_model::instant_text;
use tierline_score::ModelId;
use tierline_stream::score::{Answer, Feeling, Message};

/// The longest answer, bytes.
pub const MOST_BYTES: u64 = 65_536;

/// As much of a message is sent, characters: as much as the built-in scorer reads.
const MOST_CHARACTERS: usize = 10_000;

/// The longest name of a model with its version, bytes.
const LONGEST_MODEL: usize = 128;

/// What is sent.
pub fn question(message: &Message<'_>) -> Vec<u8> {
    let text: String = message.text.chars().take(MOST_CHARACTERS).collect();
    let question = json!({
        "text": text,
        "language": message.language,
        "occurred_at": instant_text(message.occurred_at),
        "account_id": message.account_id,
        "ticket_id": message.ticket_id,
        "message_id": message.id,
    });
    question.to_string().into_bytes()
}

/// Reads an answer; members that are not known are passed over.
///
/// # Errors
/// Why it is none, without its words.
pub fn answer(body: &[u8]) -> Result<Answer, String> {
    let told: Value = serde_json::from_slice(body).map_err(|_| "its answer is no JSON".to_owned())?;
    if !told.is_object() {
        return Err("its answer is no JSON object".to_owned());
    }
    let sentiment = number(&told, "sentiment", -1.0)?;
    let escalation_risk = number(&told, "escalation_risk", 0.0)?;
    if sentiment.is_none() && escalation_risk.is_none() {
        return Ok(Answer::Unknown);
    }
    let label = text(&told, "label")?;
    if label.is_some_and(|label| !matches!(label, "high" | "medium" | "low")) {
        return Err("its `label` is none of high, medium, low".to_owned());
    }
    let fits = |model: &&str| model.len() <= LONGEST_MODEL && !model.contains(char::is_control);
    let model = text(&told, "model")?.map(str::trim).filter(fits).and_then(|model| model.rsplit_once(' '));
    let Some((name, version)) = model else {
        return Err(format!("its `model` is no name and version of at most {LONGEST_MODEL} bytes"));
    };
    Ok(Answer::Scored(Feeling {
        model: ModelId { name: name.trim_end().to_owned(), version: version.to_owned() },
        sentiment,
        escalation_risk,
        label: label.map(str::to_owned),
        explanation: text(&told, "explanation")?.filter(|why| !why.trim().is_empty()).map(str::to_owned),
    }))
}

/// A number from `least` to 1, if it is told.
fn number(told: &Value, name: &str, least: f64) -> Result<Option<f64>, String> {
    match &told[name] {
        Value::Null => Ok(None),
        value => match value.as_f64() {
            Some(value) if (least..=1.0).contains(&value) => Ok(Some(value)),
            Some(_) => Err(format!("its `{name}` lies outside of {least} to 1")),
            None => Err(format!("its `{name}` is no number")),
        },
    }
}

fn text<'t>(told: &'t Value, name: &str) -> Result<Option<&'t str>, String> {
    match &told[name] {
        Value::Null => Ok(None),
        value => value.as_str().map(Some).ok_or_else(|| format!("its `{name}` is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message<'_> {
        Message {
            ticket_id: "desk:7",
            account_id: "acme",
            id: "m1",
            occurred_at: 1_772_416_800_000,
            language: Some("en"),
            text,
        }
    }

    #[test]
    fn a_question_has_the_message_and_whose_it_is() {
        let asked: serde_json::Value = serde_json::from_slice(&question(&message("It \"fails\""))).unwrap();
        let wanted = json!({ "text": "It \"fails\"", "language": "en", "occurred_at": "2026-03-02T02:00:00.000Z",
            "account_id": "acme", "ticket_id": "desk:7", "message_id": "m1" });
        assert_eq!(asked, wanted);
    }

    #[test]
    fn of_a_book_the_beginning_is_sent() {
        let book = "é".repeat(2_000_000);
        let asked: serde_json::Value = serde_json::from_slice(&question(&message(&book))).unwrap();
        assert_eq!(asked["text"].as_str().unwrap().chars().count(), MOST_CHARACTERS);
    }

    #[test]
    fn an_answer_is_read() {
        let told = br#"{"sentiment": -0.4, "escalation_risk": 1, "label": "high", "explanation": "angry",
            "model": "acme mood 7", "other": {}}"#;
        let model = ModelId { name: "acme mood".into(), version: "7".into() };
        let feeling = Feeling {
            model,
            sentiment: Some(-0.4),
            escalation_risk: Some(1.0),
            label: Some("high".into()),
            explanation: Some("angry".into()),
        };
        assert_eq!(answer(told), Ok(Answer::Scored(feeling)));
        for nothing in ["{}", r#"{"sentiment": null, "model": "m"}"#] {
            assert_eq!(answer(nothing.as_bytes()), Ok(Answer::Unknown), "{nothing}");
        }
    }

    #[test]
    fn what_is_no_answer_is_not_taken_for_one_nor_told_in_its_words() {
        for (wrong, why) in [
            ("secret words", "no JSON"),
            ("[1, 2]", "no JSON object"),
            (r#"{"sentiment": "secret words", "model": "m 1"}"#, "`sentiment` is no number"),
            (r#"{"sentiment": -1.01, "model": "m 1"}"#, "`sentiment` lies outside of -1 to 1"),
            (r#"{"escalation_risk": 7, "model": "m 1"}"#, "`escalation_risk` lies outside of 0 to 1"),
            (r#"{"escalation_risk": 1e999, "model": "m 1"}"#, "no JSON"),
            (r#"{"escalation_risk": 0.5, "label": "secret words", "model": "m 1"}"#, "`label` is none of"),
            (r#"{"escalation_risk": 0.5}"#, "`model` is no name"),
            (r#"{"escalation_risk": 0.5, "model": " acme "}"#, "`model` is no name"),
            (r#"{"escalation_risk": 0.5, "model": "a\n b"}"#, "`model` is no name"),
        ] {
            let said = answer(wrong.as_bytes()).expect_err(wrong);
            assert!(said.contains(why) && !said.contains("secret"), "{wrong}: {said}");
        }
    }
}
