//! Logistic regression with an L2 penalty, by Newton's method: each step solves for the direction by conjugate
//! gradients, so that no matrix is ever laid out. The minimum is unique; there is no chance in it.
//!
//! The crates for it want dense matrices, or bind a C++ library; ten thousand features of which a message has a hundred
//! need neither.

use crate::scorer::logistic;

/// A message as numbers: which features it has, and how much of each.
pub type Row = Vec<(u32, f64)>;

/// What was learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// What is added whatever the message.
    pub bias: f64,
    /// By feature.
    pub weights: Vec<f64>,
}

impl Fit {
    /// The log-odds that the row is a yes.
    pub fn log_odds(&self, row: &Row) -> f64 {
        self.bias + row.iter().map(|&(feature, value)| self.weights[feature as usize] * value).sum::<f64>()
    }
}

const NEWTON_STEPS: usize = 50;
const CONJUGATE_STEPS: usize = 60;
/// The gradient's length, relative to that at the start, at which the minimum is reached.
const CLOSE: f64 = 1e-6;

/// Minimises `½·|w|² + strength·Σ log(1 + e^(∓z))`; the bias is free.
pub fn fit(rows: &[Row], yes: &[bool], features: usize, strength: f64) -> Fit {
    let problem = Problem { rows, yes, features, strength };
    // The bias is the last of the parameters.
    let mut at = vec![0.0; features + 1];
    let (mut value, mut odds) = problem.value(&at);
    let mut first = None;
    for _ in 0..NEWTON_STEPS {
        let (gradient, curvature) = problem.gradient(&at, &odds);
        let length = dot(&gradient, &gradient).sqrt();
        let first = *first.get_or_insert(length);
        if length <= CLOSE * first || length < 1e-12 {
            break;
        }
        let direction = problem.direction(&gradient, &curvature);
        let slope = dot(&gradient, &direction);
        let mut step = 1.0;
        let moved = loop {
            let next: Vec<f64> = at.iter().zip(&direction).map(|(at, by)| at + step * by).collect();
            let (next_value, next_odds) = problem.value(&next);
            if next_value <= value + 1e-4 * step * slope {
                break Some((next, next_value, next_odds));
            }
            step /= 2.0;
            if step < 1e-10 {
                break None;
            }
        };
        // Where no step leads down any more, rounding is all that is left.
        let Some(moved) = moved else { break };
        (at, value, odds) = moved;
    }
    let bias = at.pop().unwrap_or_default();
    Fit { bias, weights: at }
}

struct Problem<'p> {
    rows: &'p [Row],
    yes: &'p [bool],
    features: usize,
    strength: f64,
}

impl Problem<'_> {
    fn value(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let odds: Vec<f64> = self.rows.iter().map(|row| self.odds(at, row)).collect();
        let losses = odds.iter().zip(self.yes).map(|(&odds, &yes)| {
            let right = if yes { odds } else { -odds };
            (-right).max(0.0) + (-right.abs()).exp().ln_1p()
        });
        let weights = &at[..self.features];
        (0.5 * dot(weights, weights) + self.strength * losses.sum::<f64>(), odds)
    }

    /// The gradient, and how much the loss bends at each row.
    fn gradient(&self, at: &[f64], odds: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut gradient = at.to_vec();
        gradient[self.features] = 0.0;
        let mut curvature = Vec::with_capacity(odds.len());
        for ((row, &yes), &odds) in self.rows.iter().zip(self.yes).zip(odds) {
            let chance = logistic(odds);
            self.add(&mut gradient, row, self.strength * (chance - f64::from(u8::from(yes))));
            curvature.push(self.strength * chance * (1.0 - chance));
        }
        (gradient, curvature)
    }

    /// Where Newton's method goes: against the gradient, as far as the curvature says.
    fn direction(&self, gradient: &[f64], curvature: &[f64]) -> Vec<f64> {
        let mut direction = vec![0.0; gradient.len()];
        let mut rest: Vec<f64> = gradient.iter().map(|part| -part).collect();
        let mut search = rest.clone();
        let mut length = dot(&rest, &rest);
        let enough = length * 1e-4;
        for _ in 0..CONJUGATE_STEPS {
            let bent = self.bend(&search, curvature);
            let along = dot(&search, &bent);
            if along <= 0.0 {
                break;
            }
            let step = length / along;
            for index in 0..direction.len() {
                direction[index] += step * search[index];
                rest[index] -= step * bent[index];
            }
            let next = dot(&rest, &rest);
            if next <= enough {
                break;
            }
            for (search, rest) in search.iter_mut().zip(&rest) {
                *search = rest + next / length * *search;
            }
            length = next;
        }
        direction
    }

    /// The Hessian times a vector.
    fn bend(&self, vector: &[f64], curvature: &[f64]) -> Vec<f64> {
        let mut bent = vector.to_vec();
        bent[self.features] = 0.0;
        for (row, &curvature) in self.rows.iter().zip(curvature) {
            let times = curvature * self.odds(vector, row);
            self.add(&mut bent, row, times);
        }
        bent
    }

    fn odds(&self, at: &[f64], row: &Row) -> f64 {
        at[self.features] + row.iter().map(|&(feature, value)| at[feature as usize] * value).sum::<f64>()
    }

    fn add(&self, to: &mut [f64], row: &Row, times: f64) {
        row.iter().for_each(|&(feature, value)| to[feature as usize] += times * value);
        to[self.features] += times;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data() -> impl Strategy<Value = (Vec<Row>, Vec<bool>)> {
        let row = prop::collection::btree_map(0u32..5, -2.0..2.0f64, 0..5).prop_map(|row| row.into_iter().collect());
        prop::collection::vec((row, any::<bool>()), 2..30).prop_map(|rows| rows.into_iter().unzip())
    }

    proptest! {
        #[test]
        fn no_neighbour_of_the_minimum_is_lower(
            (rows, mut yes) in data(), strength in 0.1..5.0f64, feature in 0usize..6, by in -0.3..0.3f64,
        ) {
            // Of one kind alone the free bias has no minimum.
            yes[0] = true;
            yes[1] = false;
            let problem = Problem { rows: &rows, yes: &yes, features: 5, strength };
            let Fit { bias, mut weights } = fit(&rows, &yes, 5, strength);
            weights.push(bias);
            let (lowest, _) = problem.value(&weights);
            weights[feature] += by;
            prop_assert!(problem.value(&weights).0 >= lowest - 1e-6);
        }
    }

    #[test]
    fn weights_that_made_the_labels_are_found_again() {
        // Every combination of three features, as often as its chance says.
        let (truth, bias) = ([1.5, -1.0, 0.0], 0.3);
        let (mut rows, mut yes) = (Vec::new(), Vec::new());
        for combination in 0..8u32 {
            let row: Row = (0..3).filter(|bit| combination >> bit & 1 == 1).map(|bit| (bit, 1.0)).collect();
            let odds = bias + row.iter().map(|&(bit, _)| truth[bit as usize]).sum::<f64>();
            for nth in 0..1_000 {
                rows.push(row.clone());
                yes.push(f64::from(nth) < 1_000.0 * logistic(odds));
            }
        }
        let found = fit(&rows, &yes, 3, 100.0);
        assert!((found.bias - bias).abs() < 0.01, "{found:?}");
        for (found, truth) in found.weights.iter().zip(truth) {
            assert!((found - truth).abs() < 0.01, "{found} {truth}");
        }
    }
}
