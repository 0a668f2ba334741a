//! Recovery as its users see it: what a bad checkpoint, a full disk or a long restore come to, and what is said of it.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tierline_stream::checkpoint::{Checkpoint, Writing};

use crate::world::*;

/// Urgent tickets whose bill is past due: each is escalated once. The process ends in order and leaves a checkpoint.
fn ended(folder: &Path) -> World {
    let mut world = World::new().with_checkpoints(folder);
    world.start();
    world.send("billing", world.bill("past_due"));
    world.settle();
    for number in 0..20 {
        world.send("tickets", world.urgent(&format!("T{number}"), NOON));
    }
    world.settle();
    world.close();
    assert_eq!(world.told().len(), 20);
    world
}

fn checkpoint(folder: &Path) -> PathBuf {
    folder.join("detect-0.checkpoint")
}

fn outcome(world: &World, outcome: &str) -> f64 {
    world.metric(&["tierline_checkpoints_total", &format!("\"{outcome}\"")])
}

/// After a restart all is there, nothing is told twice, and a checkpoint is there again that is used.
fn goes_on_as_if_nothing_were(mut world: World, folder: &Path) {
    world.start();
    world.settle();
    assert_eq!(world.metric(&["tierline_open_tickets"]), 20.0);
    assert_eq!(world.told().len(), 20, "nothing is told again");
    world.send("tickets", world.urgent("later", NOON));
    world.settle();
    assert_eq!(world.told().len(), 21);
    world.close();
    let restored = outcome(&world, "restored");
    assert!(checkpoint(folder).is_file());
    assert!(world.restore().from_checkpoint);
    assert_eq!(outcome(&world, "restored"), restored + 1.0);
}

#[test]
fn a_process_that_ends_does_not_wait_for_its_checkpoints() {
    let folder = tempfile::tempdir().expect("there is room");
    let mut world = ended(folder.path());
    let before = fs::read(checkpoint(folder.path())).expect("it was left");
    world.start();
    world.send("tickets", world.urgent("one more", NOON));
    world.settle();
    let failed = outcome(&world, "failed");
    world.close_slowly(5_000);
    assert_eq!(outcome(&world, "failed"), failed + 1.0);
    let is_as_it_was = fs::read(checkpoint(folder.path())).is_ok_and(|now| now == before);
    assert!(is_as_it_was, "the former one stays");
    world.start();
    world.settle();
    assert_eq!((world.metric(&["tierline_open_tickets"]), world.told().len()), (21.0, 21));
}

fn whole(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut writing = Writing::begin(std::io::Cursor::new(Vec::new())).expect("memory takes it");
    entries.iter().for_each(|(key, value)| writing.entry(key, value));
    let (_, bytes) = writing.finish(7, 0, NOON).expect("memory takes it");
    bytes.into_inner()
}

#[test]
fn whatever_lies_where_the_checkpoint_should_be_is_named_set_aside_and_counted() {
    let other_version = || {
        let mut bytes = whole(&[]);
        bytes[7] = 200;
        bytes
    };
    let cases = [
        ("nothing at all", Vec::new(), "it is cut off"),
        ("another program's file", b"SQLite format 3\0".repeat(100), "it isn't a checkpoint"),
        ("a later version's", other_version(), "it has format 200; this program reads format 1"),
        ("a key of nobody's", whole(&[(b"x", b"y")]), "the changelog has a key that is none of this stage's: x"),
        (
            "a state of a later version",
            whole(&[(b"a\0\0\0\0\x04acme", &[77])]),
            "the changelog holds state of format 77",
        ),
        (
            "a state of no sense",
            whole(&[(b"a\0\0\0\0\x04acme", &[1, 255])]),
            "entry for a\\x00\\x00\\x00\\x00\\x04acme",
        ),
    ];
    for (name, bytes, reason) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let mut world = ended(folder.path());
        fs::write(checkpoint(folder.path()), &bytes).expect("it can be written");
        let (restored, log) = logged(|| world.restore());
        assert!(!restored.from_checkpoint, "{name}");
        assert!(log.contains(reason), "{name}: {log}");
        assert!(log.contains(&checkpoint(folder.path()).display().to_string()), "{name}: {log}");
        let aside = folder.path().join("detect-0.damaged");
        assert_eq!(fs::read(&aside).expect("it is set aside"), bytes, "{name}");
        assert_eq!(outcome(&world, "damaged"), 1.0, "{name}");
        goes_on_as_if_nothing_were(world, folder.path());
    }
}

#[test]
fn a_folder_in_the_place_of_a_checkpoint_is_set_aside_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = ended(folder.path());
    fs::remove_file(checkpoint(folder.path())).expect("it is there");
    fs::create_dir(checkpoint(folder.path())).expect("there is room");
    goes_on_as_if_nothing_were(world, folder.path());
}

#[test]
fn only_the_newest_damaged_checkpoint_of_a_task_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = ended(folder.path());
    for time in 0..3 {
        fs::write(checkpoint(folder.path()), [time]).expect("it can be written");
        world.restore();
    }
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1);
    assert_eq!(fs::read(folder.path().join("detect-0.damaged")).expect("it is set aside"), [2]);
}

/// `/dev/full` takes the place of the file that is being written: the kernel's own answer of a disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_nothing_and_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = ended(folder.path());
    let before = fs::read(checkpoint(folder.path())).expect("it is there");
    let unfinished = folder.path().join("detect-0.unfinished");
    std::os::unix::fs::symlink("/dev/full", &unfinished).expect("a link can be made");
    world.start();
    world.send("tickets", world.urgent("meanwhile", NOON));
    world.settle();
    let ((), log) = logged(|| world.close());
    assert!(log.contains("checkpoint could not be written") && log.contains("No space left"), "{log}");
    assert_eq!(outcome(&world, "failed"), 1.0);
    assert_eq!(world.told().len(), 21, "the lane committed all the same");
    assert!(!unfinished.exists());
    assert_eq!(fs::read(checkpoint(folder.path())).expect("it is there"), before, "the one before is still whole");
    // It still tells the truth, and once there is room a new one is written.
    assert!(world.restore().from_checkpoint);
    world.start();
    world.settle();
    assert_eq!(world.metric(&["tierline_open_tickets"]), 21.0);
    world.close();
    assert_ne!(fs::read(checkpoint(folder.path())).expect("it is there"), before);
}

#[test]
fn what_a_crash_left_half_written_is_not_believed_and_not_in_the_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = ended(folder.path());
    let whole = fs::read(checkpoint(folder.path())).expect("it is there");
    fs::write(folder.path().join("detect-0.unfinished"), &whole[..whole.len() / 2]).expect("it can be written");
    fs::remove_file(checkpoint(folder.path())).expect("it is there");
    goes_on_as_if_nothing_were(world, folder.path());
    assert!(!folder.path().join("detect-0.unfinished").exists());
}

#[test]
fn a_long_restore_says_every_few_seconds_how_far_it_has_come() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = World::new().with_checkpoints(folder.path());
    world.start();
    for number in 0..3_000 {
        world.send_of(number, world.created(&format!("T{number}"), NOON));
    }
    world.settle();
    world.close();
    // Each look at the wall takes three seconds.
    let step = |world: &World| {
        let clock = Cell::new(world.now.get());
        move || clock.replace(clock.get() + 3_000)
    };
    let wall = step(&world);
    let (restored, log) = logged(|| world.restore_watched(&wall));
    assert!(restored.from_checkpoint);
    assert!(log.contains("restoring") && log.contains("from=\"checkpoint\" entries=2048 per_second=341"), "{log}");
    let file = fs::File::open(checkpoint(folder.path())).expect("it is there");
    let entries = Checkpoint::open(file).and_then(|mut all| all.each(|_, _| Ok(()))).expect("it is whole");
    assert_eq!(world.metric(&["tierline_restored_entries_total", "\"checkpoint\""]) as u64, entries);
    fs::remove_file(checkpoint(folder.path())).expect("it is there");
    let read_of_the_tail = restored.entries;
    let wall = step(&world);
    let (restored, log) = logged(|| world.restore_watched(&wall));
    assert!(!restored.from_checkpoint);
    let lines: Vec<_> = log.lines().filter(|line| line.contains("from=\"changelog\"")).collect();
    assert!(lines.len() > 1, "{log}");
    let percents: Vec<u64> = lines.iter().map(|line| number_behind(line, "percent=")).collect();
    assert!(percents.is_sorted() && percents[0] > 0 && percents.last() < Some(&100), "{percents:?}");
    let read = world.metric(&["tierline_restored_entries_total", "\"changelog\""]) as u64;
    assert_eq!(read, read_of_the_tail + restored.entries);
}

fn number_behind(line: &str, name: &str) -> u64 {
    let (_, behind) = line.split_once(name).unwrap_or_else(|| panic!("{name} in {line}"));
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

/// What was logged meanwhile, by this thread.
fn logged<T>(run: impl FnOnce() -> T) -> (T, String) {
    let log = Log::default();
    let written = Arc::clone(&log.0);
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(log)).finish();
    let outcome = tracing::subscriber::with_default(subscriber, run);
    let written = written.lock().expect("nobody panicked").clone();
    (outcome, String::from_utf8(written).expect("text"))
}

#[derive(Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
