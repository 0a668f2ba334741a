//! From labels to a model, and how far to believe it.

use rustc_hash::{FxHashMap, FxHashSet};

use super::features::Vocabulary;
use super::labels::Labelled;
use super::logistic::{Fit, Row, fit};
use super::model::{Model, Provenance};
use crate::language::is_english;
use crate::measure::{AtThreshold, Guess, Reliability, at_thresholds, auc, reliability};
use crate::reading::Reading;
use crate::scorer::{Scorer, View, logistic};

/// How many parts the labels are cut into; each is judged by a model of the others.
const FOLDS: usize = 5;
/// How much the labels count against the penalty on weights: of these the best by cross-validation is taken.
const STRENGTHS: [f64; 4] = [0.3, 1.0, 3.0, 10.0];
/// So many messages of each kind are needed.
const ENOUGH: usize = 10;

/// Why no model can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are {negative} different negative messages and {other} others in English; it takes at least {ENOUGH} of \
     each, and some hundreds to be of use"
)]
pub struct TooFew {
    /// Different negative ones.
    pub negative: usize,
    /// Different others.
    pub other: usize,
}

/// How far to believe a model: every message was judged by one that had not seen it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How many messages it was made from.
    pub labels: usize,
    /// How many of them are negative.
    pub negative: usize,
    /// How many were left out, since they are not in English.
    pub left_out: usize,
    /// Into how many parts they were cut.
    pub folds: usize,
    /// The area under the ROC curve.
    pub auc: f64,
    /// That of the built-in scorer on the same messages.
    pub built_in_auc: f64,
    /// What each threshold catches.
    pub thresholds: Vec<AtThreshold>,
    /// How often a guess of that height is right.
    pub reliability: Vec<Reliability>,
}

/// Trains a model on labels. The same labels, name and seed give the same model to the last bit.
///
/// # Errors
/// There are too few labels of a kind.
pub fn calibrate(name: &str, labels: &[Labelled], seed: u64) -> Result<(Model, Report), TooFew> {
    let scorer = Scorer::built_in();
    let mut examples: Vec<(Reading<'_>, bool)> = Vec::with_capacity(labels.len());
    let mut texts: Vec<&str> = Vec::with_capacity(labels.len());
    for Labelled { text, negative } in labels {
        let reading = scorer.read(text);
        if is_english(text, &reading) {
            examples.push((reading, *negative));
            texts.push(text);
        }
    }
    let negative = examples.iter().filter(|example| example.1).count();
    let different = |kind: bool| {
        let of_kind = texts.iter().zip(&examples).filter(|(_, example)| example.1 == kind);
        of_kind.map(|(text, _)| text).collect::<FxHashSet<_>>().len()
    };
    let few = TooFew { negative: different(true), other: different(false) };
    if few.negative < ENOUGH || few.other < ENOUGH {
        return Err(few);
    }
    let folds = folds(&examples, &texts, seed);
    let judged = cross_validate(&examples, &folds);
    // There are some strengths, and a loss is a number.
    let best = (0..STRENGTHS.len()).min_by(|&a, &b| loss(&judged[a]).total_cmp(&loss(&judged[b]))).unwrap_or(0);
    let stretch = Stretch::of(&judged[best]);
    let guesses: Vec<Guess> = judged[best].iter().map(|&(odds, yes)| (logistic(stretch.apply(odds)), yes)).collect();
    let built_in: Vec<Guess> =
        examples.iter().map(|(reading, negative)| (View::of(reading).log_odds(), *negative)).collect();
    let report = Report {
        labels: examples.len(),
        negative,
        left_out: labels.len() - examples.len(),
        folds: FOLDS,
        // Both kinds are there.
        auc: auc(&guesses).unwrap_or(0.5),
        built_in_auc: auc(&built_in).unwrap_or(0.5),
        thresholds: at_thresholds(&guesses),
        reliability: reliability(&guesses),
    };
    let all: Vec<usize> = (0..examples.len()).collect();
    let (vocabulary, rows, yes) = prepared(&examples, &all);
    let fit = stretch.stretched(fit(&rows, &yes, vocabulary.features(), STRENGTHS[best]));
    let provenance = Provenance { labels: examples.len(), negative, auc: report.auc, strength: STRENGTHS[best], seed };
    Ok((Model::new(name, provenance, vocabulary, fit), report))
}

/// The part that each example is in; each part has its share of both kinds. A message that occurs twice is in one part
/// only: a model that has seen it would be no judge of it.
fn folds(examples: &[(Reading<'_>, bool)], texts: &[&str], seed: u64) -> Vec<usize> {
    let mut dice = Dice(seed);
    let mut fold = vec![0; examples.len()];
    for kind in [true, false] {
        let mut of_kind: Vec<usize> = (0..examples.len()).filter(|&nth| examples[nth].1 == kind).collect();
        for last in (1..of_kind.len()).rev() {
            of_kind.swap(last, dice.below(last + 1));
        }
        of_kind.into_iter().enumerate().for_each(|(place, nth)| fold[nth] = place % FOLDS);
    }
    let mut first = FxHashMap::default();
    (0..texts.len()).for_each(|nth| fold[nth] = *first.entry(texts[nth]).or_insert(fold[nth]));
    fold
}

/// The log-odds of each example by a model that has not seen it, for each strength.
fn cross_validate(examples: &[(Reading<'_>, bool)], folds: &[usize]) -> [Vec<Guess>; STRENGTHS.len()] {
    let mut judged = STRENGTHS.map(|_| vec![(0.0, false); examples.len()]);
    for fold in 0..FOLDS {
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..examples.len()).partition(|&nth| folds[nth] == fold);
        let (vocabulary, rows, yes) = prepared(examples, &outside);
        let unseen: Vec<Row> = inside.iter().map(|&nth| vocabulary.row(&examples[nth].0)).collect();
        for (judged, strength) in judged.iter_mut().zip(STRENGTHS) {
            let fit = fit(&rows, &yes, vocabulary.features(), strength);
            for (&nth, row) in inside.iter().zip(&unseen) {
                judged[nth] = (fit.log_odds(row), examples[nth].1);
            }
        }
    }
    judged
}

fn prepared(examples: &[(Reading<'_>, bool)], which: &[usize]) -> (Vocabulary, Vec<Row>, Vec<bool>) {
    let vocabulary = Vocabulary::of(which.iter().map(|&nth| &examples[nth].0));
    let rows = which.iter().map(|&nth| vocabulary.row(&examples[nth].0)).collect();
    (vocabulary, rows, which.iter().map(|&nth| examples[nth].1).collect())
}

/// How surprising the labels are, given the log-odds.
fn loss(judged: &[Guess]) -> f64 {
    judged.iter().map(|&(odds, yes)| (if yes { -odds } else { odds }).exp().ln_1p()).sum()
}

/// Makes chances of log-odds: the penalty keeps weights small, so a model's guesses are more timid than they need be.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    times: f64,
    plus: f64,
}

impl Stretch {
    /// By two numbers that fit what models said of messages that they had not seen.
    fn of(judged: &[Guess]) -> Stretch {
        const NEARLY_FREE: f64 = 1_000.0;
        let rows: Vec<Row> = judged.iter().map(|&(odds, _)| vec![(0, odds)]).collect();
        let yes: Vec<bool> = judged.iter().map(|guess| guess.1).collect();
        let fitted = fit(&rows, &yes, 1, NEARLY_FREE);
        match fitted.weights[0] > 0.0 {
            true => Stretch { times: fitted.weights[0], plus: fitted.bias },
            // Models that know nothing are left alone rather than turned round.
            false => Stretch { times: 1.0, plus: 0.0 },
        }
    }

    fn apply(self, odds: f64) -> f64 {
        self.times * odds + self.plus
    }

    fn stretched(self, fit: Fit) -> Fit {
        Fit { bias: self.apply(fit.bias), weights: fit.weights.iter().map(|weight| self.times * weight).collect() }
    }
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_even_and_repeats_stay_together() {
        let scorer = Scorer::built_in();
        let texts: Vec<String> = (0..100).map(|nth| format!("message {}", nth % 90)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let examples: Vec<_> = texts.iter().enumerate().map(|(nth, text)| (scorer.read(text), nth % 4 == 0)).collect();
        let fold = folds(&examples, &texts, 7);
        assert!((90..100).all(|nth| fold[nth] == fold[nth - 90]));
        for part in 0..FOLDS {
            let inside = (0..100).filter(|&nth| fold[nth] == part);
            assert!((15..=25).contains(&inside.clone().count()));
            assert!((3..=7).contains(&inside.filter(|&nth| examples[nth].1).count()));
        }
    }
}
