//! `tierline check`: all mistakes of the configuration at once, each with its line and what was meant.

use std::io::stdout;

use serde_json::{Value, json};
use tierline_rules::source::{Diagnostic, Severity, page, pages};

use crate::arguments::Shared;
use crate::ended::{Answer, Ended, Untried};
use crate::open;
use crate::print::{self, Output, Paint, counted};

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tierline check
  tierline --config eu.yaml check
  tierline check --output json | jq '.findings[].message'
  tierline check --code E0012                what that code means
  tierline check --conditions                what rules may ask

Exit codes: 0 no mistakes (warnings are allowed); 1 mistakes; 2 the file could not be read.")]
pub struct Check {
    /// For people, or JSON
    #[arg(long, value_enum, default_value_t)]
    output: Output,

    /// Print what a code of a mistake or warning means, and check nothing
    #[arg(long, value_name = "CODE")]
    code: Option<String>,

    /// Print every condition that a rule may ask, with an example and its sentence, and check nothing
    #[arg(long, conflicts_with = "code")]
    conditions: bool,
}

impl Check {
    /// Prints what was found; no is the answer when there are mistakes.
    pub fn run(self, shared: &Shared) -> Ended {
        if let Some(code) = &self.code {
            return explain(code, self.output);
        }
        if self.conditions {
            match self.output {
                Output::Json => print::json(&json!({ "page": tierline_rules::reference() }))?,
                Output::Table => print::line(tierline_rules::reference().trim_end())?,
            }
            return Ok(Answer::Yes);
        }
        let source = open::source(shared)?;
        let findings = match tierline_config::read(&source) {
            Ok((_, warnings)) => warnings,
            Err(diagnostics) => diagnostics.items,
        };
        let mistakes = findings.iter().filter(|found| found.severity == Severity::Mistake).count();
        let warnings = findings.len() - mistakes;
        match self.output {
            Output::Json => print::json(&json!({
                "configuration": source.name, "mistakes": mistakes, "warnings": warnings,
                "findings": findings.iter().map(finding).collect::<Vec<_>>(),
            }))?,
            Output::Table => {
                let colour = Paint::of(&stdout()).on();
                for found in &findings {
                    print::line(format_args!("{}\n", found.render(colour)))?;
                }
                print::line(verdict(&source.name, mistakes, warnings))?;
            }
        }
        Ok(if mistakes == 0 { Answer::Yes } else { Answer::No })
    }
}

fn explain(code: &str, output: Output) -> Ended {
    let Some(page) = page(code) else {
        let known = pages().map(|(code, _)| code).collect::<Vec<_>>().join(", ");
        return Err(Untried::because(format!("there is no code {code}; the codes are {known}")));
    };
    let code = code.to_uppercase();
    match output {
        Output::Json => print::json(&json!({ "code": code, "page": page }))?,
        Output::Table => print::line(format_args!("{}\n\n{page}", Paint::of(&stdout()).strong(&code)))?,
    }
    Ok(Answer::Yes)
}

fn verdict(source: &str, mistakes: usize, warnings: usize) -> String {
    match (mistakes, warnings) {
        (0, 0) => format!("{source}: all well"),
        (0, _) => format!("{source}: no mistakes, {}", counted(warnings, "warning")),
        (_, 0) => format!("{source}: {}", counted(mistakes, "mistake")),
        _ => format!("{source}: {}, {}", counted(mistakes, "mistake"), counted(warnings, "warning")),
    }
}

fn finding(found: &Diagnostic) -> Value {
    let place = found.span.as_ref().map(|span| (span.source.name.clone(), span.line_column()));
    json!({
        "severity": match found.severity { Severity::Mistake => "mistake", Severity::Warning => "warning" },
        "code": found.code, "message": found.message, "label": found.label, "help": found.help,
        "file": place.as_ref().map(|(file, _)| file),
        "line": place.as_ref().map(|(_, (line, _))| line),
        "column": place.as_ref().map(|(_, (_, column))| column),
    })
}
