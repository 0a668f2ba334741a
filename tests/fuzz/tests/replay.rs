//! The corpus as ordinary tests: each input is taken or refused, within its memory.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use tierline_fuzz::{TARGETS, bounds};

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpus().join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            (path.display().to_string(), fs::read(&path).expect("it can be read"))
        })
        .collect();
    inputs.sort();
    inputs
}

#[test]
fn every_input_of_the_corpus_is_taken_or_refused_within_its_memory() {
    for target in TARGETS {
        for (path, input) in inputs(target.name) {
            println!("{path}");
            bounds::within_memory(target, &input);
        }
    }
}

/// A seed with a byte changed, left out or doubled: what a fuzzer does first, so that a target that can be broken by it
/// breaks here.
#[test]
fn no_single_wrong_byte_is_worse() {
    for target in TARGETS {
        for (path, input) in inputs(target.name).into_iter().filter(|(_, input)| input.len() < 400) {
            println!("{path}");
            for place in 0..input.len() {
                let (before, behind) = (&input[..place], &input[place + 1..]);
                for wrong in [&[0][..], &[0xff], &[input[place] ^ 1], &[input[place] ^ 0x80], &[], &[input[place]; 2]] {
                    bounds::within_memory(target, &[before, wrong, behind].concat());
                }
                bounds::within_memory(target, before);
            }
        }
    }
}

#[test]
fn every_target_has_a_small_corpus_and_every_corpus_a_target() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let folders: BTreeSet<_> = fs::read_dir(corpus())
        .expect("the folder can be read")
        .map(|entry| entry.expect("the folder can be read").file_name().into_string().expect("a plain name"))
        .collect();
    assert_eq!(folders, targets);
    for target in TARGETS {
        let size: usize = inputs(target.name).iter().map(|(_, input)| input.len()).sum();
        assert!((1..64 << 10).contains(&size), "{} has {size} bytes", target.name);
    }
}

#[test]
fn an_execution_that_holds_too_much_is_found() {
    let target = tierline_fuzz::Target { name: "greedy", about: "", run: |input| drop(vec![0_u8; input.len() << 20]) };
    assert!(bounds::within_memory(&target, &[0; 100]) >= 100 << 20);
    assert!(std::panic::catch_unwind(|| bounds::within_memory(&target, &[0; 101])).is_err());
}
