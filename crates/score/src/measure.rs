//! How good guesses are, given what people said.

/// A guess from 0 to 1 (or any number that grows with it), and whether people said yes.
pub type Guess = (f64, bool);

/// The chance that a yes gets a greater guess than a no (equal ones count half): the area under the ROC curve. `None`
/// without both a yes and a no.
pub fn auc(guesses: &[Guess]) -> Option<f64> {
    let mut sorted = guesses.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let yes = sorted.iter().filter(|guess| guess.1).count();
    let no = sorted.len() - yes;
    let mut below = 0;
    let mut won = 0.0;
    for equals in sorted.chunk_by(|a, b| a.0 == b.0) {
        let yes_here = equals.iter().filter(|guess| guess.1).count();
        let no_here = equals.len() - yes_here;
        won += yes_here as f64 * (below as f64 + no_here as f64 / 2.0);
        below += no_here;
    }
    (yes > 0 && no > 0).then(|| won / (yes as f64 * no as f64))
}

/// What a threshold catches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtThreshold {
    /// Guesses from here on count as yes.
    pub threshold: f64,
    /// How many those are.
    pub flagged: usize,
    /// The share of yes among them; `None` if there are none.
    pub precision: Option<f64>,
    /// The share of all yes that is among them; `None` if there is no yes.
    pub recall: Option<f64>,
}

/// Precision and recall at each of 0.1, 0.2, … 0.9.
pub fn at_thresholds(guesses: &[Guess]) -> Vec<AtThreshold> {
    let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
    let yes = guesses.iter().filter(|guess| guess.1).count();
    let at = |tenth: u32| {
        let threshold = f64::from(tenth) / 10.0;
        let flagged: Vec<_> = guesses.iter().filter(|guess| guess.0 >= threshold).collect();
        let right = flagged.iter().filter(|guess| guess.1).count();
        let flagged = flagged.len();
        AtThreshold { threshold, flagged, precision: share(right, flagged), recall: share(right, yes) }
    };
    (1..=9).map(at).collect()
}

/// Guesses of about the same height, and how often they were right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliability {
    /// From here …
    pub from: f64,
    /// … to here.
    pub to: f64,
    /// How many guesses lie there.
    pub guesses: usize,
    /// Their mean.
    pub guessed: f64,
    /// The share of yes among them.
    pub seen: f64,
}

/// Ten steps from 0 to 1, without the empty ones. Where `guessed` and `seen` agree, a risk of 0.7 means seven of ten.
pub fn reliability(guesses: &[Guess]) -> Vec<Reliability> {
    let step = |tenth: u32| {
        let (from, to) = (f64::from(tenth) / 10.0, f64::from(tenth + 1) / 10.0);
        let inside = |guess: &&Guess| guess.0 >= from && (guess.0 < to || tenth == 9);
        let inside: Vec<_> = guesses.iter().filter(inside).collect();
        let count = inside.len() as f64;
        (!inside.is_empty()).then(|| Reliability {
            from,
            to,
            guesses: inside.len(),
            guessed: inside.iter().map(|guess| guess.0).sum::<f64>() / count,
            seen: inside.iter().filter(|guess| guess.1).count() as f64 / count,
        })
    };
    (0..10).filter_map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs_in_the_right_order(
            guesses in prop::collection::vec((0u8..8, any::<bool>()), 0..30),
        ) {
            let guesses: Vec<Guess> = guesses.into_iter().map(|(guess, yes)| (f64::from(guess), yes)).collect();
            let (mut won, mut pairs) = (0.0, 0.0);
            for (yes, _) in guesses.iter().filter(|guess| guess.1) {
                for (no, _) in guesses.iter().filter(|guess| !guess.1) {
                    pairs += 1.0;
                    won += if yes > no { 1.0 } else if yes == no { 0.5 } else { 0.0 };
                }
            }
            match auc(&guesses) {
                None => prop_assert_eq!(pairs, 0.0),
                Some(area) => prop_assert!((area - won / pairs).abs() < 1e-9),
            }
        }

        #[test]
        fn every_guess_lies_in_one_step(guesses in prop::collection::vec((0.0..=1.0, any::<bool>()), 0..30)) {
            let steps = reliability(&guesses);
            prop_assert_eq!(steps.iter().map(|step| step.guesses).sum::<usize>(), guesses.len());
        }
    }

    #[test]
    fn a_threshold_is_told_with_what_it_catches() {
        let at = at_thresholds(&[(0.9, true), (0.6, false), (0.5, true), (0.1, false)]);
        assert_eq!(at[4], AtThreshold { threshold: 0.5, flagged: 3, precision: Some(2.0 / 3.0), recall: Some(1.0) });
        assert_eq!(at[8].precision, Some(1.0));
    }
}
