//! The program under test: the one that cargo builds beside this one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The variable that names another program to be tested.
const NAMED: &str = "TIERLINE_BINARY";

/// The built program, of the profile that this one was built with. Builds it, unless it is newer than its sources.
///
/// # Errors
/// Cargo could not.
pub fn tierline() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os(NAMED) {
        return Ok(PathBuf::from(named));
    }
    let own = env::current_exe().map_err(|error| error.to_string())?;
    // Beside this program; a test stands in `deps` below it.
    let folder = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    let folder = folder.ok_or_else(|| format!("{} lies in no folder", own.display()))?;
    let binary = folder.join("tierline");
    if is_fresh(&binary) {
        return Ok(binary);
    }
    eprintln!("building tierline");
    let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--package", "tierline", "--bin", "tierline"]).current_dir(workspace());
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    if cfg!(feature = "tls") {
        build.args(["--features", "tls"]);
    }
    let built = build.status().map_err(|error| format!("cannot run cargo: {error}; or name the program in {NAMED}"))?;
    match built.success() && binary.exists() {
        true => Ok(binary),
        false => Err(format!("cargo did not build {}; build it, or name it in {NAMED}", binary.display())),
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether it was built after the last change of what it is made of: cargo's own rule.
fn is_fresh(binary: &Path) -> bool {
    let Some(built) = changed(binary) else { return false };
    let workspace = workspace();
    let made_of = ["Cargo.toml", "Cargo.lock", "crates", "schemas"].map(|name| workspace.join(name));
    made_of.iter().filter_map(|path| newest(path)).max().is_some_and(|newest| newest <= built)
}

fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return changed(path);
    }
    let entries = fs::read_dir(path).ok()?.flatten();
    // The sources of tests are no part of it.
    entries.filter(|entry| entry.file_name() != "tests").filter_map(|entry| newest(&entry.path())).max()
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|about| about.modified()).ok()
}
