//! Tries every scenario file of a folder: `cargo run -p tierline-scenario --example conformance -- FOLDER`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tierline_scenario::{Scenario, Verdict};

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("which folder?");
        return ExitCode::from(2);
    };
    let mut files: Vec<PathBuf> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) => {
            eprintln!("{}: {error}", Path::new(&folder).display());
            return ExitCode::from(2);
        }
    };
    files.retain(|file| file.to_string_lossy().ends_with(".scenario.yaml"));
    files.sort();
    let (mut passed, mut failed, mut not_built) = (0, 0, 0);
    for file in &files {
        match tried(file) {
            Verdict::Passed => passed += 1,
            Verdict::NotBuilt(what) => {
                not_built += 1;
                println!("not built  {}: {what}", file.display());
            }
            Verdict::Failed(differences) => {
                failed += 1;
                println!("FAILED     {}", file.display());
                differences.iter().for_each(|difference| println!("           {difference}"));
            }
        }
    }
    println!("{passed} passed, {failed} failed, {not_built} ask for what is not built");
    ExitCode::from(u8::from(failed > 0))
}

fn tried(file: &Path) -> Verdict {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return Verdict::Failed(vec![error.to_string()]),
    };
    match Scenario::parse(&file.to_string_lossy(), &text, None) {
        Ok(scenario) => scenario.run().verdict,
        Err(mistakes) => Verdict::Failed(mistakes.items.iter().map(|mistake| mistake.render(false)).collect()),
    }
}
