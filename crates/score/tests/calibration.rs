//! A model from labels: it finds what made them, it is the same every time, and its file is read as it was written or
//! not at all.

use proptest::prelude::*;
use tierline_score::{Labelled, Model, ModelError, Scorer, calibrate};

#[test]
fn what_made_the_labels_is_found_again() {
    // Two words of this company alone decide, and in a fifth of the cases chance does.
    let labels = generated(600, 7);
    let (model, report) = calibrate("acme", &labels, 0).expect("enough labels");
    assert!(report.auc > 0.84, "{}", report.auc);
    assert!(report.built_in_auc < 0.6, "{}", report.built_in_auc);
    // Nine of ten that have the word are negative, one of ten of the others.
    let scorer = Scorer::calibrated(model);
    let risk = |text: &str| scorer.score(text).expect("English").escalation_risk;
    let marked = risk("we see this with the frobnicator in the office");
    let unmarked = risk("we see this with the green cable in the office");
    assert!(marked > 0.75 && unmarked < 0.4, "{marked} {unmarked}");
    let reasons = scorer.score("we see this with the frobnicator in the office").expect("English").reasons;
    assert!(reasons[0].words.contains("frobnicator"), "{reasons:?}");
    for step in report.reliability.iter().filter(|step| step.guesses > 60) {
        assert!((step.guessed - step.seen).abs() < 0.15, "{step:?}");
    }
}

#[test]
fn the_same_labels_give_the_same_model() {
    let labels = generated(80, 3);
    let model = || calibrate("acme", &labels, 5).expect("enough labels").0;
    assert_eq!(model().to_text(), model().to_text());
    let other = calibrate("acme", &generated(80, 4), 5).expect("enough labels").0;
    assert_ne!(other.id().version, model().id().version);
}

#[test]
fn labels_of_one_kind_teach_nothing() {
    let labels: Vec<_> = generated(200, 1).into_iter().filter(|label| label.negative).collect();
    let told = calibrate("acme", &labels, 0).expect_err("one kind").to_string();
    assert!(told.contains("and 0 others in English; it takes at least 10 of each"), "{told}");
}

#[test]
fn a_newer_file_is_refused_with_what_to_do() {
    let text = model().to_text().replacen("tierline-model 1", "tierline-model 2", 1);
    let refused = Model::from_text(&text).expect_err("newer");
    assert_eq!(refused, ModelError::Newer(2));
    assert_eq!(
        refused.to_string(),
        "it has format 2, and this release reads formats up to 1: upgrade tierline, or calibrate with this release"
    );
}

#[test]
fn another_file_is_no_model() {
    for text in ["", "\n", "text,label\n", "tierline-model x\n", "{}"] {
        assert_eq!(Model::from_text(text), Err(ModelError::NoModel), "{text:?}");
    }
}

#[test]
fn a_file_that_was_cut_is_damaged_wherever_it_was_cut() {
    let text = model().to_text();
    for length in (17..text.len() - 1).step_by(101).filter(|length| text.is_char_boundary(*length)) {
        assert!(matches!(Model::from_text(&text[..length]), Err(ModelError::Damaged(_))), "{length}");
    }
}

#[test]
fn a_term_that_counts_for_nothing_makes_no_score_without_a_number() {
    let text = model().to_text();
    let line = text.lines().find(|line| line.starts_with("word\t")).expect("it has learned a word");
    let parts: Vec<&str> = line.split('\t').collect();
    for rarity in ["0", "-1", "1e-300", "0.5", "NaN"] {
        let changed = text.replacen(line, &[parts[0], parts[1], rarity, parts[3]].join("\t"), 1);
        let body = &changed[..changed.trim_end().rfind('\n').expect("many lines") + 1];
        let whole = format!("{body}end\t{:08x}\n", crc32fast::hash(body.as_bytes()));
        assert!(matches!(Model::from_text(&whole), Err(ModelError::Damaged(_))), "{rarity}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_model_is_read_as_it_was_written(text in "[a-z ]{0,40}|\\PC{0,40}") {
        let model = model();
        let read = Model::from_text(&model.to_text()).expect("as written");
        prop_assert_eq!(&read, &model);
        prop_assert_eq!(Scorer::calibrated(read).score(&text), Scorer::calibrated(model).score(&text));
    }

    #[test]
    fn a_changed_letter_is_noticed(at in any::<prop::sample::Index>(), to in "[a-z0-9]") {
        let text = model().to_text();
        let at = at.index(text.len());
        prop_assume!(text.is_char_boundary(at) && text.is_char_boundary(at + 1) && text[at..=at] != to);
        // `1` and `01` are one number, and the checksum covers neither itself nor what follows.
        let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
        prop_assert!(Model::from_text(&changed).is_err(), "{}", at);
    }
}

fn model() -> Model {
    static MODEL: std::sync::OnceLock<Model> = std::sync::OnceLock::new();
    MODEL.get_or_init(|| calibrate("acme", &generated(60, 2), 0).expect("enough labels").0).clone()
}

/// Messages of neutral words; a made-up word makes nine of ten negative.
fn generated(number: usize, seed: u64) -> Vec<Labelled> {
    const WORDS: [&str; 16] = [
        "we", "see", "this", "with", "the", "green", "cable", "in", "our", "office", "door", "table", "from", "their",
        "room", "window",
    ];
    let mut state = seed;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let message = |_| {
        let mut words: Vec<&str> = (0..4 + below(12)).map(|_| WORDS[below(WORDS.len())]).collect();
        let marked = below(2) == 0;
        if marked {
            words.insert(below(words.len()), ["frobnicator", "gizmotron"][below(2)]);
        }
        let by_chance = below(10) == 0;
        Labelled { text: words.join(" "), negative: marked != by_chance }
    };
    (0..number).map(message).collect()
}
