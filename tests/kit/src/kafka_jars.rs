//! Apache Kafka's jars, fetched once with Maven into the target folder.
//!
//! Several test processes may want them at the same moment: a file lock lets one of them fetch and the others wait.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

const POM: &str = include_str!("../broker-pom.xml");

/// What a person must install when it is missing, in words that can be pasted.
const NEEDED: &str = "the tests run a real Apache Kafka broker: they need Java 17 or newer and Maven \
                      (Debian: apt-get install -y --no-install-recommends openjdk-17-jre-headless maven)";

/// Where the kit keeps what it fetches and runs: in Cargo's target folder, so that `cargo clean` removes it.
pub fn kit_folder() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let folder = target.join("testkit");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("cannot make {}: {error}", folder.display()));
    folder.canonicalize().unwrap_or(folder)
}

/// The folder of the broker's jars, which is fetched if it is not there yet.
///
/// # Panics
/// With what to install or the end of Maven's output when it cannot be had.
pub fn kafka_jars() -> PathBuf {
    let folder = kit_folder().join(format!("kafka-{:08x}", fingerprint(POM)));
    let jars = folder.join("jars");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let lock = File::create(folder.join("fetch.lock")).expect("the target folder can be written");
    lock.lock().expect("a file of our own can be locked");
    require("java", "-version");
    if !jars.exists() {
        fetch(&folder, &jars);
    }
    jars
}

/// Panics with what to install unless this program runs.
fn require(program: &str, version: &str) {
    let runs = Command::new(program).arg(version).output().is_ok_and(|output| output.status.success());
    assert!(runs, "cannot run `{program}`. {NEEDED}");
}

/// Fetches beside and renames at the end, so that an interrupted fetch leaves nothing that looks whole.
fn fetch(folder: &Path, jars: &Path) {
    require("mvn", "-version");
    let pom = folder.join("pom.xml");
    let partial = folder.join("jars.partial");
    fs::write(&pom, POM).expect("the target folder can be written");
    let maven = Command::new("mvn")
        .args(["--batch-mode", "--no-transfer-progress", "-f"])
        .arg(&pom)
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", partial.display()))
        .output()
        .expect("mvn ran a moment ago");
    let said = String::from_utf8_lossy(&maven.stdout);
    assert!(maven.status.success(), "Maven could not fetch Apache Kafka:\n{}", tail(&said, 30));
    fs::rename(&partial, jars).expect("both are in the same folder");
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// FNV-1a: another pom, another folder.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_end() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
    }
}
