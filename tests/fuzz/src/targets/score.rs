//! What a customer wrote, a company's labels, and a model file.

use std::sync::LazyLock;

use tierline_score::{Model, Scorer, read_labels};

/// A message is scored within its range, or unknown.
pub fn message(bytes: &[u8]) {
    static SCORER: LazyLock<Scorer> = LazyLock::new(Scorer::built_in);
    if let Some(score) = SCORER.score(&String::from_utf8_lossy(bytes)) {
        assert!((-1.0..=1.0).contains(&score.sentiment) && (0.0..=1.0).contains(&score.escalation_risk));
    }
}

/// Labels are read, or each wrong line is told.
pub fn labels(bytes: &[u8]) {
    if let Err(wrong) = read_labels(bytes) {
        assert!(!wrong.is_empty());
    }
}

/// A model is read as it would be written again, and scores. Behind the bytes stands the checksum that is theirs.
pub fn model(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Model::from_text(&text);
    let body = format!("{}\n", text.trim_end_matches('\n'));
    let whole = format!("{body}end\t{:08x}\n", crc32fast::hash(body.as_bytes()));
    if let Ok(model) = Model::from_text(&whole) {
        assert_eq!(Model::from_text(&model.to_text()).as_ref(), Ok(&model));
        let score = Scorer::calibrated(model).score("The app is down again, and nobody answers.");
        assert!(score.is_some_and(|score| (0.0..=1.0).contains(&score.escalation_risk)));
    }
}
