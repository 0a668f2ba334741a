//! What is told of a message, and that nothing it holds makes the scorer fail.

use std::fmt::Write as _;

use proptest::prelude::*;
use tierline_score::Scorer;

const MESSAGES: [&str; 26] = [
    "This is the third time I ask, and I'm still waiting.",
    "We are seriously considering canceling our subscription.",
    "I don't want to cancel my subscription, I only want to change the plan.",
    "This API is broken.",
    "Production is down and we can't log in. Please escalate this immediately.",
    "Your competitor answers within an hour. We are looking at alternatives.",
    "You'll hear from my lawyer, and I will report you to the CFPB.",
    "There is an unauthorized charge on my card, and your agent refused to help.",
    "Please remove this incorrect information from my credit report. I am a victim of identity theft.",
    "They lied to me, and I never received my refund.",
    "Can I speak to a manager?",
    "Thanks for nothing.",
    "@skyline great, another delay. Just great.",
    "@skyline 2 hrs on hold and then you HUNG UP on me!!! #fail 😡",
    "Works now, thanks!",
    "The service was good, but the app is slow.",
    "The app is slow, but the service was good.",
    "Your support is not helpful.",
    "Your support is not bad.",
    "Very, very helpful. Love it :)",
    "I'm so disappointed. I'm sooooo disappointed!",
    "Could you tell me what the Enterprise plan costs?",
    "ok",
    "why??",
    "Ich warte seit drei Tagen auf eine Antwort.",
    "👍",
];

#[test]
fn the_words_that_decided_are_told() {
    let mut told = String::new();
    for text in MESSAGES {
        let _ = match Scorer::built_in().score(text) {
            None => writeln!(told, "{text}\n   unknown"),
            Some(score) => writeln!(
                told,
                "{text}\n   {:+.2}, risk {:.2} ({}): {}",
                score.sentiment,
                score.escalation_risk,
                score.label(),
                score.explanation()
            ),
        };
    }
    insta::assert_snapshot!(told);
}

#[test]
fn only_the_first_ten_thousand_characters_count() {
    let long = "The app is slow today. ".repeat(500);
    let counted: String = long.chars().take(10_000).collect();
    let scorer = Scorer::built_in();
    assert_eq!(scorer.score(&format!("{counted}{}", "This is horrible! ".repeat(1_000))), scorer.score(&counted));
}

proptest! {
    #[test]
    fn whatever_is_written_a_score_is_in_its_range(
        text in prop_oneof![
            any::<String>(),
            prop::collection::vec(any::<char>(), 0..200).prop_map(String::from_iter),
            prop::collection::vec(piece(), 0..60).prop_map(|pieces| pieces.concat()),
        ],
    ) {
        let scorer = Scorer::built_in();
        if let Some(score) = scorer.score(&text) {
            prop_assert!((-1.0..=1.0).contains(&score.sentiment), "{}", score.sentiment);
            prop_assert!((0.0..=1.0).contains(&score.escalation_risk), "{}", score.escalation_risk);
            prop_assert!(score.reasons.len() <= 6);
        }
        prop_assert_eq!(scorer.score(&text), scorer.score(&text));
    }
}

/// What trips a reader of text: marks that combine, directions, halves of faces and of addresses.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "not ",
        "very ",
        "but ",
        "thanks ",
        "broken ",
        "İ",
        "ß",
        "ǅ",
        "e\u{301}",
        "\u{200d}",
        "\u{202e}",
        "\u{feff}",
        "👩‍👩‍👧",
        "🏳️‍🌈",
        "@",
        "#",
        "$",
        "&amp;",
        "&",
        ":",
        ":-",
        ":)",
        "<3",
        "<",
        "http",
        "https://",
        "www.",
        "a@b",
        "'",
        "’",
        "n't",
        "don’t ",
        "1",
        "1.",
        "1st",
        "3,",
        "...",
        "…",
        "!",
        "?",
        "\"",
        "\n",
        "\0",
        " ",
        "ſ",
        "ﬃ",
        "ΑΣ",
        "日本",
        "ا",
        "I'",
    ])
}
