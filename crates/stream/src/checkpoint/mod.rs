//! A copy of a task's state in a file, so that a restart reads only the tail of the changelog.
//!
//! A file is framed and summed (`format`); it is written under another name, synced, then renamed, so it is there whole
//! or not at all. One that is damaged, or is none, is set aside with a line in the log: the newest such of each task is
//! kept for whoever wants to know. Nothing is ever lost by that, only time.

mod disk;
mod format;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tierline_engine::planted::{Bug, planted};
use tierline_model::Millis;

use crate::log::{Offset, Partition};
use crate::settings::{Checkpoints, LaneSettings};
use crate::stage::Stage;

pub use disk::{Disk, FileSystem, Source, Target};
pub use format::{Checkpoint, Fault, Writing};

/// What there is of a task's checkpoint.
pub enum Found {
    /// One that may be believed.
    Whole(Checkpoint<Box<dyn Source>>),
    /// None.
    Nothing,
    /// One that is too old: tombstones of what it holds may be gone. It has been deleted.
    TooOld,
    /// One that cannot be read. It has been set aside.
    Damaged,
}

/// Looks for the checkpoint of a task.
pub fn load(settings: &LaneSettings, stage: &str, partition: Partition, now: Millis) -> Found {
    let Some(checkpoints) = &settings.checkpoints else { return Found::Nothing };
    let path = path(&checkpoints.folder, stage, partition);
    let opened = match checkpoints.disk.open(&path) {
        Ok(file) => Checkpoint::open(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Nothing,
        Err(error) => Err(error.into()),
    };
    match opened {
        Ok(checkpoint) if is_fresh(checkpoint.made_at, now, checkpoints.max_age) => Found::Whole(checkpoint),
        Ok(_) => {
            tracing::info!(partition, path = %path.display(), "checkpoint is too old: tombstones may be gone; deleting");
            delete(settings, stage, partition);
            Found::TooOld
        }
        Err(fault) => {
            set_aside(settings, stage, partition, &fault);
            Found::Damaged
        }
    }
}

/// Moves a checkpoint that cannot be used out of the way, beside where it was.
pub fn set_aside(settings: &LaneSettings, stage: &str, partition: Partition, why: &Fault) {
    let Some(checkpoints) = &settings.checkpoints else { return };
    let path = path(&checkpoints.folder, stage, partition);
    let aside = path.with_extension("damaged");
    tracing::warn!(
        partition,
        reason = %why,
        checkpoint = %path.display(),
        aside = %aside.display(),
        "checkpoint is damaged; set aside, and the state is restored from the whole changelog"
    );
    if let Err(error) = checkpoints.disk.rename(&path, &aside) {
        tracing::warn!(partition, %error, "damaged checkpoint could not be set aside");
    }
}

fn is_fresh(made_at: Millis, now: Millis, max_age: Duration) -> bool {
    if planted(Bug::OldCheckpoint) {
        return true;
    }
    // One from the future was made under another clock: its age is unknown.
    now.checked_sub(made_at).is_some_and(|age| (0..=max_age.as_millis() as Millis).contains(&age))
}

/// What a checkpoint says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Of which changelog.
    pub incarnation: u128,
    /// Its state is that of this offset or later.
    pub offset: Offset,
    /// When it was made, UTC.
    pub made_at: Millis,
}

/// Writes the checkpoint of a task; the bytes of its entries. `is_late` is asked now and then, and ends it.
///
/// # Errors
/// The disk's, or that it took too long. What there was before is still there then, and nothing half-written.
pub fn save<S: Stage>(
    checkpoints: &Checkpoints,
    name: &str,
    partition: Partition,
    stage: &S,
    stamp: Stamp,
    is_late: &dyn Fn() -> bool,
) -> io::Result<u64> {
    let Checkpoints { folder, disk, .. } = checkpoints;
    let path = path(folder, name, partition);
    let unfinished = path.with_extension("unfinished");
    let written = disk.create(&unfinished).and_then(|file| {
        let length = write(file, stage, stamp, is_late)?;
        disk.rename(&unfinished, &path)?;
        Ok(length)
    });
    if written.is_err() {
        // On a full disk, what was written of it takes the room that the next one needs.
        let _ = disk.remove(&unfinished);
    }
    let length = written?;
    // The new name itself must survive a power cut too.
    disk.sync_folder(folder)?;
    Ok(length)
}

fn write<S: Stage>(file: Box<dyn Target>, stage: &S, stamp: Stamp, is_late: &dyn Fn() -> bool) -> io::Result<u64> {
    /// Between two looks at the clock.
    const ENTRIES: u32 = 1_024;
    let mut writing = Writing::begin(file)?;
    let (mut entries, mut gave_up) = (0_u32, is_late());
    stage.snapshot(&mut |key, value| {
        entries = entries.wrapping_add(1);
        gave_up = gave_up || entries.is_multiple_of(ENTRIES) && is_late();
        if !gave_up {
            writing.entry(key, value);
        }
    });
    if gave_up {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "the process ends and cannot wait for it"));
    }
    let Stamp { incarnation, offset, made_at } = stamp;
    let (length, mut file) = writing.finish(incarnation, offset, made_at)?;
    file.flush()?;
    file.sync()?;
    Ok(length)
}

/// Deletes the checkpoint of a task that isn't this process's any more.
pub fn delete(settings: &LaneSettings, stage: &str, partition: Partition) {
    let Some(checkpoints) = &settings.checkpoints else { return };
    let path = path(&checkpoints.folder, stage, partition);
    match checkpoints.disk.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(partition, %error, path = %path.display(), "checkpoint could not be deleted");
        }
        _ => {}
    }
}

fn path(folder: &Path, stage: &str, partition: Partition) -> PathBuf {
    folder.join(format!("{stage}-{partition}.checkpoint"))
}
