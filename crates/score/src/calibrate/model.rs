//! A trained model, and its file: a line with the format, one of JSON that says where it comes from, one a feature,
//! and a checksum.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::features::{BUILT_IN, Family, Vocabulary};
use super::logistic::Fit;
use crate::kinds::Kind;
use crate::reading::Reading;
use crate::scorer::{Reason, Scorer, logistic};
use crate::signal::ModelId;

/// The format that is written; older ones are read.
const FORMAT: u32 = 1;
const MAGIC: &str = "tierline-model ";
/// What the lines of the built-in scorer's numbers begin with.
const BUILT_IN_LINE: &str = "built-in";

/// A linear model on a company's own labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    about: About,
    vocabulary: Vocabulary,
    fit: Fit,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// How many messages it was made from.
    pub labels: usize,
    /// How many of them were negative.
    pub negative: usize,
    /// Its area under the ROC curve by cross-validation.
    pub auc: f64,
    /// How much the labels counted against the penalty.
    pub strength: f64,
    /// What the parts were drawn by.
    pub seed: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct About {
    name: String,
    version: String,
    /// The version of the built-in scorer, whose numbers the model takes in.
    scorer: String,
    #[serde(flatten)]
    provenance: Provenance,
}

/// Why a file is no model that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Another file.
    #[error("it is no model file: it must begin with `{MAGIC}{FORMAT}`; `tierline calibrate` writes one")]
    NoModel,
    /// Written by a later release.
    #[error(
        "it has format {0}, and this release reads formats up to {FORMAT}: upgrade tierline, or calibrate with this release"
    )]
    Newer(u32),
    /// Trained on another version of the built-in scorer.
    #[error("it was made for version {made_for} of the built-in scorer, which has version {here} here: calibrate anew")]
    OtherScorer {
        /// The version that it was made for.
        made_for: String,
        /// The version that is here.
        here: &'static str,
    },
    /// Cut off, or changed.
    #[error("it is damaged ({0}): take it from a backup, or calibrate anew")]
    Damaged(String),
}

impl Model {
    pub(super) fn new(name: &str, provenance: Provenance, vocabulary: Vocabulary, fit: Fit) -> Model {
        let scorer = Scorer::VERSION.to_owned();
        let mut model = Model {
            about: About { name: name.to_owned(), version: String::new(), scorer, provenance },
            vocabulary,
            fit,
        };
        // What it was trained on and what came of it: another result is another version, the same one isn't.
        let digest = xxhash_rust::xxh3::xxh3_64(model.to_text().as_bytes());
        model.about.version = format!("{digest:016x}")[..12].to_owned();
        model
    }

    /// The name and version that its signals carry.
    pub fn id(&self) -> ModelId {
        ModelId { name: self.about.name.clone(), version: self.about.version.clone() }
    }

    /// Where it comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.about.provenance
    }

    /// The chance that a message is negative, and the words that the labels taught, as far as they weigh something.
    pub(crate) fn judge(&self, reading: &Reading<'_>) -> (f64, Vec<Reason>) {
        const SLIGHT: f64 = 0.2;
        let row = self.vocabulary.row(reading);
        let learned = row.iter().filter_map(|&(feature, value)| {
            let weight = value * self.fit.weights[feature as usize];
            let (family, term) = self.vocabulary.term(feature)?;
            let told = family != Family::Group && weight.abs() >= SLIGHT;
            told.then(|| Reason { words: term.to_owned(), kind: Kind::Learned, weight })
        });
        (logistic(self.fit.log_odds(&row)), learned.collect())
    }

    /// The model as a file.
    pub fn to_text(&self) -> String {
        // It holds texts and numbers only, which JSON has.
        let about = serde_json::to_string(&self.about).unwrap_or_default();
        let mut text = format!("{MAGIC}{FORMAT}\n{about}\nbias\t{}\n", self.fit.bias);
        let weights = &self.fit.weights;
        for ((family, term, rarity), weight) in self.vocabulary.terms().zip(weights) {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{}\t{term}\t{rarity}\t{weight}", family.name());
        }
        for weight in &weights[self.vocabulary.terms().len()..] {
            let _ = writeln!(text, "{BUILT_IN_LINE}\t{weight}");
        }
        let checksum = crc32fast::hash(text.as_bytes());
        let _ = writeln!(text, "end\t{checksum:08x}");
        text
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It is no model, of a later format, made for another scorer, or damaged.
    pub fn from_text(text: &str) -> Result<Model, ModelError> {
        let format = text.lines().next().and_then(|line| line.strip_prefix(MAGIC)).ok_or(ModelError::NoModel)?;
        let format: u32 = format.trim().parse().map_err(|_| ModelError::NoModel)?;
        if format > FORMAT {
            return Err(ModelError::Newer(format));
        }
        let whole = without_checksum(text).ok_or_else(|| damaged("its checksum is another"))?;
        let mut lines = whole.lines().enumerate().skip(1).map(|(nth, line)| (nth + 1, line));
        let about = lines.next().map(|(_, line)| line).unwrap_or_default();
        let about: About = serde_json::from_str(about).map_err(|_| damaged("line 2 does not say what it is"))?;
        if about.scorer != Scorer::VERSION {
            return Err(ModelError::OtherScorer { made_for: about.scorer, here: Scorer::VERSION });
        }
        let mut vocabulary = Vocabulary::default();
        let mut fit = Fit { bias: 0.0, weights: Vec::new() };
        let (mut built_in, mut last) = (0, Family::Word);
        for (number, line) in lines {
            let wrong = || damaged(&format!("line {number} can't be read"));
            let parts: Vec<&str> = line.split('\t').collect();
            match parts[..] {
                ["bias", bias] => fit.bias = finite(bias).ok_or_else(wrong)?,
                [BUILT_IN_LINE, weight] => {
                    fit.weights.push(finite(weight).ok_or_else(wrong)?);
                    built_in += 1;
                }
                [family, term, rarity, weight] if built_in == 0 => {
                    let family = Family::named(family).filter(|family| *family >= last).ok_or_else(wrong)?;
                    last = family;
                    vocabulary.push(family, term, rarity_of(rarity).ok_or_else(wrong)?);
                    fit.weights.push(finite(weight).ok_or_else(wrong)?);
                }
                _ => return Err(wrong()),
            }
        }
        if built_in != BUILT_IN {
            return Err(damaged("weights are missing"));
        }
        Ok(Model { about, vocabulary, fit })
    }
}

/// The text up to its checksum, if that is right.
fn without_checksum(text: &str) -> Option<&str> {
    let end = text.trim_end_matches('\n').rfind('\n')? + 1;
    let (whole, last) = text.split_at(end);
    let checksum = last.trim_end().strip_prefix("end\t")?;
    (u32::from_str_radix(checksum, 16).ok()? == crc32fast::hash(whole.as_bytes())).then_some(whole)
}

/// A number that no sum or square of theirs makes infinite.
fn finite(number: &str) -> Option<f64> {
    number.parse().ok().filter(|number: &f64| number.abs() < 1e9)
}

/// How rare a term is: at least 1, as training has it. By terms that count for nothing a row cannot be scaled.
fn rarity_of(number: &str) -> Option<f64> {
    finite(number).filter(|rarity| *rarity >= 1.0)
}

fn damaged(how: &str) -> ModelError {
    ModelError::Damaged(how.to_owned())
}
