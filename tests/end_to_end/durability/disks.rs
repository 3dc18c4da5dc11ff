//! A disk that is full, read-only, or fails: clear errors, nothing lost, and the same end once it is mended.

use std::fs;
use std::path::Path;

use trueline_store::{Store, SystemClock};
use trueline_tests::project::{Answer, Project};

use crate::disk::Disk;
use crate::ledger::Ledger;
use crate::outcome::Outcome;
use crate::pipelines;

/// Bytes of all files below a folder, in KiB; compiled code is elsewhere.
fn size_kib(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let sizes = entries.map(|entry| match entry.file_type().unwrap() {
        kind if kind.is_dir() => size_kib(&entry.path()),
        kind if kind.is_symlink() => 0,
        _ => entry.metadata().unwrap().len().div_ceil(4096) * 4,
    });
    sizes.sum()
}

#[track_caller]
fn outcome(project: &Project, home: &str) -> Outcome {
    Outcome::latest(&Store::open(&project.path(home), SystemClock).unwrap())
}

/// Asserts that a command failed with an error of ours, not with a panic or a signal.
#[track_caller]
fn fails(answer: Answer) -> Answer {
    assert!(!answer.stderr.contains("panicked"), "{answer}");
    answer.exits(1).says(&["error: ", "hint: "])
}

#[test]
fn a_full_disk_loses_nothing_and_is_told() {
    let project = pipelines::everything();
    project.trueline("run p.toml --home roomy").exits(0);
    let expected = outcome(&project, "roomy");
    let needed = size_kib(&project.path("roomy"));
    let mut refused = 0;
    for percent in [1, 20, 35, 50, 65, 80, 95] {
        let Some(disk) = Disk::mount(&project, "disk", (needed * percent / 100).max(16)) else {
            return;
        };
        let before = project.trueline("run p.toml --home disk/home");
        if before.code() != Some(0) {
            refused += 1;
            fails(before).says(&["no space left to write", "disk/home", "free some space"]);
            // What is there is whole, as far as it came.
            disk.remount("size=64m");
            if project.path("disk/home/trueline.db").exists() {
                Ledger::default().inspect(&project.path("disk/home"));
            }
        }
        disk.remount("size=64m");
        project.trueline("run p.toml --home disk/home").exits(0);
        assert_eq!(outcome(&project, "disk/home"), expected, "{percent} %");
        Ledger::default().inspect(&project.path("disk/home"));
    }
    assert!(refused >= 4, "{refused} disks were too small");
}

#[test]
fn a_backup_that_does_not_fit_leaves_nothing() {
    let project = pipelines::everything();
    project.trueline("run p.toml").exits(0);
    let needed = size_kib(&project.path(".trueline"));
    for percent in [5, 60] {
        let Some(disk) = Disk::mount(&project, "disk", (needed * percent / 100).max(16)) else {
            return;
        };
        fails(project.trueline("store backup disk/copy")).says(&["no space left"]);
        assert_eq!(fs::read_dir(project.path("disk")).unwrap().count(), 0);
        disk.remount("size=64m");
        project.trueline("store backup disk/copy").exits(0);
        Ledger::default().inspect(&project.path("disk/copy"));
    }
}

#[test]
fn a_read_only_home_is_told_and_left_as_it_was() {
    let project = pipelines::everything();
    let Some(disk) = Disk::mount(&project, "disk", 65_536) else {
        return;
    };
    project.share_compiled_code("disk/home");
    project.trueline("run p.toml --home disk/home").exits(0);
    let database = project.path("disk/home/trueline.db");
    let before = fs::read(&database).unwrap();
    disk.remount("ro");
    for command in [
        "run p.toml",
        "runs",
        "show",
        "store check",
        "store gc",
        "package list",
    ] {
        let answer = project.trueline(&format!("{command} --home disk/home"));
        fails(answer).says(&["cannot write to", "disk/home", "make it writable"]);
    }
    disk.remount("rw");
    assert_eq!(fs::read(&database).unwrap(), before);
    project.trueline("run p.toml --home disk/home").exits(0);
    Ledger::default().inspect(&project.path("disk/home"));
}

#[test]
fn a_home_is_made_of_a_backup_that_can_only_be_read() {
    let project = pipelines::everything();
    project.trueline("run p.toml").exits(0);
    let expected = outcome(&project, ".trueline");
    let Some(disk) = Disk::mount(&project, "disk", 65_536) else {
        return;
    };
    project.trueline("store backup disk/copy").exits(0);
    disk.remount("ro");
    project
        .trueline("store restore disk/copy --home new")
        .exits(0);
    assert_eq!(outcome(&project, "new"), expected);
    Ledger::default().inspect(&project.path("new"));
}
