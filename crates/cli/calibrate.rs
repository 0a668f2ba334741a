//! `tierline calibrate`: a company's own labels make the scorer its own.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tierline_score::{Model, Report, calibrate, read_labels};

use crate::ended::{Answer, Ended, Untried};
use crate::input::input;
use crate::print::{self, Output, counted, plain};

/// The arguments of `calibrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline calibrate labels.csv
  tierline calibrate labels.csv --name acme --model acme.model
  tierline calibrate labels.csv --output json
  tierline score messages.txt --model acme.model

The first line of the file names its columns, `text,label`. A label is negative, neutral or positive, 1 or 0, true or
false, yes or no. The report judges each message by a model that has not seen it. The same labels give the same model.")]
pub struct Calibrate {
    /// The labelled messages, as CSV; `-` is standard input
    labels: PathBuf,
    /// Where to write the model [default: NAME.model]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// What its signals call the model
    #[arg(long, default_value = "calibrated")]
    name: String,
    /// What the parts for cross-validation are drawn by
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// For people, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Calibrate {
    /// Trains, writes and reports.
    pub fn run(self) -> Ended {
        let labels = match read_labels(input(Some(&self.labels))?) {
            Ok(labels) => labels,
            Err(wrong) => {
                const TOLD: usize = 20;
                wrong.iter().take(TOLD).for_each(|wrong| print::note(format_args!("{}", plain(&wrong.to_string()))));
                let further = wrong.len().saturating_sub(TOLD);
                let further = if further > 0 { format!(" ({further} more)") } else { String::new() };
                let file = self.labels.display();
                return Err(Untried::because(format!("{file} can't be used as it is{further}")));
            }
        };
        let (model, report) = calibrate(&self.name, &labels, self.seed).map_err(Untried::because)?;
        let path = self.model.clone().unwrap_or_else(|| PathBuf::from(format!("{}.model", self.name)));
        let cannot = |error: std::io::Error| Untried::because(format!("cannot write {}: {error}", path.display()));
        write(&path, &model).map_err(cannot)?;
        match self.output {
            Output::Table => tell(&path, &model, &report)?,
            Output::Json => print::json(&as_json(&path, &model, &report))?,
        }
        Ok(Answer::Yes)
    }
}

/// Writes beside the place and renames, so that a scorer that starts meanwhile reads the old model or the new one.
fn write(path: &Path, model: &Model) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().permissions(permissions()).tempfile_in(folder)?;
    std::io::Write::write_all(&mut file, model.to_text().as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o644)
}

fn tell(path: &Path, model: &Model, report: &Report) -> std::io::Result<()> {
    let share = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.2}"));
    let left_out = match report.left_out {
        0 => String::new(),
        some => format!("; {} not in English left out", counted(some, "message")),
    };
    print::line(format_args!(
        "{} labels, {} negative{left_out}\narea under the curve: {:.3} (the built-in scorer alone: {:.3}), by {}-fold cross-validation\n",
        report.labels, report.negative, report.auc, report.built_in_auc, report.folds
    ))?;
    let thresholds = report
        .thresholds
        .iter()
        .map(|at| vec![format!("{:.1}", at.threshold), at.flagged.to_string(), share(at.precision), share(at.recall)]);
    print::table(&["risk from", "messages", "precision", "recall"], thresholds)?;
    print::line("")?;
    let reliability = report.reliability.iter().map(|step| {
        vec![
            format!("{:.1}–{:.1}", step.from, step.to),
            step.guesses.to_string(),
            format!("{:.2}", step.guessed),
            format!("{:.2}", step.seen),
        ]
    });
    print::table(&["risk", "messages", "mean risk", "negative"], reliability)?;
    print::line(format_args!("\nwrote model {} to {}", plain(&model.id().to_string()), path.display()))
}

fn as_json(path: &Path, model: &Model, report: &Report) -> Value {
    let id = model.id();
    json!({
        "model": id.name, "version": id.version, "file": path.display().to_string(),
        "labels": report.labels, "negative": report.negative, "left_out": report.left_out,
        "folds": report.folds, "auc": report.auc, "built_in_auc": report.built_in_auc,
        "thresholds": report.thresholds.iter().map(|at| json!({
            "threshold": at.threshold, "messages": at.flagged, "precision": at.precision, "recall": at.recall,
        })).collect::<Vec<_>>(),
        "reliability": report.reliability.iter().map(|step| json!({
            "from": step.from, "to": step.to, "messages": step.guesses, "mean_risk": step.guessed,
            "negative": step.seen,
        })).collect::<Vec<_>>(),
    })
}
